"""Many Pauli strings as two bit matrices, 32 qubits to a word.

A string is the vector ``v = (x|z)`` of F₂^{2n} and stands for the Hermitian operator
``i^{x·z} X^x Z^z`` (so ``x = z = 1`` is ``Y``). Signs are kept apart, by whoever needs them.
Bookkeeping is NumPy; the same arrays go into JAX unchanged (``PauliStrings`` is a pytree).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt8, UInt32

WORD = 32
LETTERS = "IXZY"  # a letter's code is x + 2 z
CODE = {letter: code for code, letter in enumerate(LETTERS)}


def num_words(num_wires: int) -> int:
    """Words that hold ``num_wires`` bits (at least one, so that no array is empty)."""
    return max(1, -(-num_wires // WORD))


def pack(bits: Shaped[np.ndarray, "*batch n"]) -> UInt32[np.ndarray, "*batch words"]:
    """Pack the last axis, qubit ``q`` into bit ``q % 32`` of word ``q // 32``."""
    bits = np.asarray(bits, dtype=np.uint8)
    padding = num_words(bits.shape[-1]) * WORD - bits.shape[-1]
    bits = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, padding)])
    octets = np.packbits(bits, axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u4").astype(np.uint32, copy=False)


def unpack(words: UInt32[np.ndarray, "*batch words"], num_wires: int) -> UInt8[np.ndarray, "*batch n"]:
    """The bits that :func:`pack` packed."""
    octets = np.ascontiguousarray(words, dtype="<u4").view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little", count=num_wires)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PauliStrings:
    """``m`` Pauli strings on ``num_wires`` qubits, without phases.

    Args:
        x: X bits, packed, shape ``(m, words)``
        z: Z bits, packed, shape ``(m, words)``
        num_wires: number of qubits
    """

    x: UInt32[np.ndarray, "m words"]
    z: UInt32[np.ndarray, "m words"]
    num_wires: int = field(metadata={"static": True})

    @classmethod
    def from_bits(cls, x: Shaped[np.ndarray, "*batch"], z: Shaped[np.ndarray, "*batch"]) -> PauliStrings:
        """From unpacked bits."""
        return cls(pack(x), pack(z), np.shape(x)[-1])

    @classmethod
    def from_labels(cls, labels: Iterable[str], num_wires: int | None = None) -> PauliStrings:
        """From words such as ``"XIZ"``, qubit 0 first.

        >>> PauliStrings.from_labels(["XIZ", "YYI"]).labels()
        ['XIZ', 'YYI']
        """
        labels = list(labels)
        if num_wires is None:
            num_wires = len(labels[0])
        return cls.from_local([range(num_wires)] * len(labels), labels, num_wires)

    @classmethod
    def from_local(cls, wires: Sequence[Sequence[int]], letters: Sequence[str], num_wires: int) -> PauliStrings:
        """From local words: string ``j`` has ``letters[j][a]`` on qubit ``wires[j][a]``.

        >>> PauliStrings.from_local([(2, 0)], ["XY"], 3).labels()
        ['YIX']
        """
        m, words = len(letters), num_words(num_wires)
        x, z = np.zeros((m, words), np.uint32), np.zeros((m, words), np.uint32)
        lengths = [len(word) for word in letters]
        if sum(lengths):
            rows = np.repeat(np.arange(m), lengths)
            columns = np.fromiter((w for word in wires for w in word), np.int64, sum(lengths))
            codes = np.fromiter((CODE[c] for word in letters for c in word), np.uint32, sum(lengths))
            bit = np.uint32(1) << (columns % WORD).astype(np.uint32)
            np.bitwise_or.at(x, (rows, columns // WORD), (codes & 1) * bit)
            np.bitwise_or.at(z, (rows, columns // WORD), (codes >> 1) * bit)
        return cls(x, z, num_wires)

    @classmethod
    def concatenate(cls, parts: Sequence[PauliStrings]) -> PauliStrings:
        """All strings of ``parts``, in order."""
        return cls(
            np.concatenate([p.x for p in parts]),
            np.concatenate([p.z for p in parts]),
            parts[0].num_wires,
        )

    def bits(self) -> tuple[UInt8[np.ndarray, "*batch"], UInt8[np.ndarray, "*batch"]]:
        """Unpacked X bits and Z bits."""
        return unpack(self.x, self.num_wires), unpack(self.z, self.num_wires)

    def labels(self) -> list[str]:
        """The strings as words, qubit 0 first."""
        x, z = self.bits()
        return ["".join(LETTERS[code] for code in row) for row in x + 2 * z]

    def __len__(self) -> int:
        return self.x.shape[0]

    def __getitem__(self, index) -> PauliStrings:
        """The selected strings; an integer keeps the axis, so the result is again ``PauliStrings``."""
        if isinstance(index, (int, np.integer)):
            index = slice(index, index + 1) if index != -1 else slice(-1, None)
        return PauliStrings(self.x[index], self.z[index], self.num_wires)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def vectors(self) -> UInt32[np.ndarray, "m columns"]:
        """``(x|z)`` in one array, one row a string: what F₂ linear algebra works on."""
        return np.concatenate([self.x, self.z], axis=-1)

    def keys(self) -> list[bytes]:
        """A hashable key for each string."""
        return [row.tobytes() for row in self.vectors()]

    def weights(self) -> Int[np.ndarray, " m"]:
        """Number of qubits on which each string acts."""
        return count_bits(self.x | self.z)

    def is_identity(self) -> Bool[np.ndarray, " m"]:
        """Which strings are the identity."""
        return ~np.any(self.x | self.z, axis=-1)


def count_bits(words: UInt32[np.ndarray, "*batch words"]) -> Int[np.ndarray, "*batch"]:
    """Population count over the last axis."""
    return np.bitwise_count(words).sum(axis=-1, dtype=np.int64)


def anticommute(a: PauliStrings, b: PauliStrings) -> Bool[np.ndarray, "*batch"]:
    """``ω(a, b) = x_a·z_b + z_a·x_b mod 2``, elementwise with broadcasting over the string axis."""
    return (count_bits((a.x & b.z) ^ (a.z & b.x)) & 1).astype(bool)


def anticommutation_matrix(a: PauliStrings, b: PauliStrings) -> Bool[np.ndarray, "*batch"]:
    """``ω(a_i, b_j)`` for all pairs."""
    parity = np.zeros((len(a), len(b)), np.uint32)
    for w in range(a.x.shape[-1]):  # word by word: no (m, k, words) array
        parity ^= (a.x[:, None, w] & b.z[None, :, w]) ^ (a.z[:, None, w] & b.x[None, :, w])
    return (np.bitwise_count(parity) & 1).astype(bool)


def product(a: PauliStrings, b: PauliStrings) -> tuple[PauliStrings, Int[np.ndarray, "*batch"]]:
    """``a b = i^k c``: the strings ``c`` and the exponents ``k`` mod 4, elementwise.

    >>> c, k = product(PauliStrings.from_labels(["X"]), PauliStrings.from_labels(["Y"]))
    >>> c.labels(), int(k[0])          # X Y = i Z
    (['Z'], 1)
    """
    x, z = a.x ^ b.x, a.z ^ b.z
    exponent = count_bits(a.x & a.z) + count_bits(b.x & b.z) - count_bits(x & z) + 2 * count_bits(a.z & b.x)
    return PauliStrings(x, z, a.num_wires), exponent % 4


def turn(generator: PauliStrings, strings: PauliStrings) -> tuple[PauliStrings, Int[np.ndarray, " m"]]:
    """``i P Q`` as a signed string, for ``Q`` that anticommute with ``P``; others stay as they are.

    In the Heisenberg picture a rotation ``exp(-iθP/2)`` takes ``Q`` to ``cos θ Q + sin θ (iPQ)``, so
    this is conjugation by a quarter turn.

    Returns:
        the strings and their signs (±1)
    """
    moved, exponent = product(generator, strings)
    move = anticommute(generator, strings)
    x = np.where(move[:, None], moved.x, strings.x)
    z = np.where(move[:, None], moved.z, strings.z)
    sign = np.where(move & (exponent == 1), -1, 1)
    return PauliStrings(x, z, strings.num_wires), sign
