"""The block of commuting rotations next to a stabilizer state, averaged exactly into the end weight of sampled paths.

At the block a string ``Q`` anticommutes with some of its generators, the same wherever it moves inside, and ends
uniformly on ``Q + span`` of these, as in circuits that commute altogether (:mod:`~pennylane_dla.variance.exact`). Its
end weight is ``2^-rank``, with the rank of what the active generators do to the bits that a stabilizer must not have,
if they can undo those of ``Q``, else 0. Every path has its own active set; the elimination over F₂ runs for 64 paths
a word at once, whatever their pivots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8, UInt32, UInt64

from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli.strings import WORD

MAX_LOOKED_AT = 4096  # rotations from the start of the circuit
MAX_WORK = 100_000  # generators times bits: a second for 4096 paths
FEWEST = 8  # rotations are padded to powers of two from here, for the sums over paths


@dataclass(frozen=True, eq=False)
class StateBlock:
    """A block, on the wires that paths can reach.

    Args:
        gates: positions in ``ansatz.gates`` of its rotations
        idle: of rotations that do nothing to the state, and need no walk either
        meets: for each rotation the rows ``(x|z)`` of a string whose parity says whether they anticommute
        syndromes: for each rotation the bits that it changes
        bits: for each of these bits the rows ``(x|z)`` of a string that it is the parity of
        others: likewise for bits that no rotation of the block changes
    """

    gates: tuple[int, ...]
    idle: tuple[int, ...]
    meets: Bool[np.ndarray, "generators columns"]
    syndromes: Bool[np.ndarray, "generators bits"]
    bits: Bool[np.ndarray, "bits columns"]
    others: Bool[np.ndarray, "others columns"]

    def end(
        self, rows: UInt32[np.ndarray, "2 rows words"]
    ) -> tuple[Float[np.ndarray, "words 32"], UInt32[np.ndarray, "padded words"]]:
        """End weight of each path, and which paths anticommute with each rotation of the block."""
        half = self.meets.shape[1] // 2
        strings = np.concatenate([rows[0, :half], rows[1, :half]]).view(np.uint64)
        active = _parities(self.meets, strings)
        held, missed = _solve(active, self.syndromes, _parities(self.bits, strings))
        missed |= np.bitwise_or.reduce(_parities(self.others, strings), axis=0)
        rank = np.zeros((len(missed), 64), np.int64)
        for word in held:
            rank += _bits(word)
        weights = np.where(_bits(missed) == 0, np.exp2(-rank.astype(float)), 0.0)
        padded = np.zeros((_power(len(active)), rows.shape[2]), np.uint32)
        padded[: len(active)] = active.view(np.uint32)
        return weights.reshape(-1, WORD), padded

    @property
    def work(self) -> int:
        """Steps of the elimination, which costs microseconds each for 4096 paths."""
        return self.syndromes.size


def _bits(words: UInt64[np.ndarray, " words"]) -> UInt8[np.ndarray, "words 64"]:
    return np.unpackbits(words.view(np.uint8), bitorder="little").reshape(-1, 64)


def _parities(masks, strings) -> UInt64[np.ndarray, "masks words"]:
    parities = [np.bitwise_xor.reduce(strings[mask], axis=0) for mask in masks]
    return np.array(parities, np.uint64).reshape(len(masks), strings.shape[1])


def _solve(
    active: UInt64[np.ndarray, "generators words"],
    syndromes: Bool[np.ndarray, "generators bits"],
    wanted: UInt64[np.ndarray, "bits words"],
) -> tuple[UInt64[np.ndarray, "bits words"], UInt64[np.ndarray, " words"]]:
    """Which leading bits the active syndromes of each path span, and which paths do not get what is wanted.

    A basis with one row for each leading bit, one such basis a path: a vector loses its leading bit to the row that has
    it, or becomes that row. NumPy and not JAX: a step writes one row, and a compiled loop copies the whole basis.
    """
    size, words = wanted.shape
    basis, held = np.zeros((size, size, words), np.uint64), np.zeros((size, words), np.uint64)
    for moves, bits in zip(active, syndromes, strict=True):
        vector = np.where(bits[:, None], moves, np.uint64(0))
        for i in range(int(np.argmax(bits)), size):
            here = vector[i]
            if not here.any():
                continue
            known = here & held[i]
            new = here ^ known
            if new.any():
                basis[i, i:] |= vector[i:] & new
                held[i] |= new
                vector[i:] &= ~new
            vector[i:] ^= basis[i, i:] & known
    left = wanted.copy()
    for i in range(size):
        left[i:] ^= basis[i, i:] & (left[i] & held[i])
    return held, np.bitwise_or.reduce(left, axis=0)


def state_block(effective: EffectiveAnsatz, kept, active: tuple[int, ...]) -> StateBlock | None:
    """The rotations that can be moved next to the state and commute with each other, the first ones first.

    Args:
        effective: the circuit, single strings with independent uniform angles, no noise
        kept: positions of the gates in the light cone
        active: the wires that the observable can reach

    Returns:
        the block, or ``None`` where the state is no product of Pauli eigenstates and maximally mixed qubits on the
        wires that count, or nothing or too much would be in it
    """
    if effective.channels or not effective.single or not isinstance(effective.state, ProductState):
        return None
    size, wires, n = np.abs(effective.state.bloch), np.array(active, int), effective.num_wires
    axis, mixed = np.abs(size - 1) < 1e-12, size.max(axis=1) < 1e-12
    if not (axis.any(axis=1) | mixed)[wires].all():
        return None
    forbidden = []  # bits that no stabilizer has; on |+⟩ the Z bit, say
    for w in active:
        forbidden += [(w,), (n + w,)] if mixed[w] else [((n + w,), (w, n + w), (w,))[int(np.argmax(axis[w]))]]
    bits = np.array([np.isin(np.arange(2 * n), rows) for rows in forbidden])

    strings, within = effective.strings, set(kept)
    rng = np.random.default_rng(0)
    walked, block = np.zeros((2, 2 * n), np.uint64)  # random sums, as in active_rotations
    chosen, idle = [], []
    for k in range(min(effective.num_rotations, MAX_LOOKED_AT)):
        position = effective.sources[k][0]
        if position not in within:
            continue
        x, z = strings[k].bits()
        own, dual = np.concatenate([x[0], z[0]]).view(bool), np.concatenate([z[0], x[0]]).view(bool)
        word = rng.integers(2**64, dtype=np.uint64)
        free = not np.bitwise_xor.reduce(walked[dual]) and not effective.angles[k].fixed
        if not (free and not np.bitwise_xor.reduce(block[dual])):
            walked[own] ^= word
        elif not (np.count_nonzero(bits & own, axis=1) % 2).any():
            idle.append(position)
        else:
            block[own] ^= word
            chosen.append((position, own, dual))
    if not chosen:
        return None
    columns = np.concatenate([wires, n + wires])
    own, dual = (np.array([item[i] for item in chosen])[:, columns] for i in (1, 2))
    bits = bits[:, columns]
    changes = (own.astype(np.uint8) @ bits.T.astype(np.uint8)) % 2 == 1
    touched = changes.any(axis=0)
    gates = tuple(position for position, _, _ in chosen)
    block = StateBlock(gates, tuple(idle), dual, changes[:, touched], bits[touched], bits[~touched])
    return block if block.work <= MAX_WORK else None


def _power(count: int) -> int:
    """Padded: a power of two, or a multiple of 256."""
    return max(FEWEST, 1 << (count - 1).bit_length()) if count <= 256 else -(-count // 256) * 256
