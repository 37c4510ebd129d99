"""Which terms of an observable interfere when all angles are uniform, and how paths are started from them.

A pair of terms survives only if ``R = Q + Q'`` commutes with every uniform rotation it passes
(:mod:`~pennylane_dla.variance.exact`). Whether it does is linear in ``R``: two terms interfere exactly if they have
the same syndrome ``s(Q)_k = ω(Q, P̃_k)``, with ``P̃_k`` the rotations pushed to the end. Terms fall into classes of
equal syndrome; classes do not interfere. Syndromes are compared by random parities, so two different ones are
confused with probability ``2^-HASH_BITS``. A term of syndrome zero does not move: it is part of the mean.

Inside a class all strings move together, so one path serves them all: ``Q_j = Q_1 R_j``, with ``R_j``
carried back by the quarter turns alone, sign included.

Source: West et al., arXiv:2502.16404.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.circuit.ansatz import Channel, Gate, Rotation
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.pauli.strings import CODE, product
from pennylane_dla.variance.estimate import Declined

from .gate_table import ANY

HASH_BITS = 96
EXPANDED_PROJECTOR = 10  # wires up to which a projector is written as a sum of strings


@dataclass(frozen=True, eq=False)
class TermClasses:
    """The classes of an observable, syndrome zero left out.

    Args:
        leaders: one string of each class
        probabilities: with which a path starts from each class
        factors: of the end weight of a path of each class, ``1 / probability``
        coefficients: of the members of each class, padded with zeros; the leader is the first
        differences: ``R_j`` at the start of the circuit, ``(classes · members)`` strings, class by class
        phases: ``i^phase`` multiplies ``Q_1 R_j``
        mean: ``E[loss]``, the constant included
        still: number of terms that do not move
    """

    leaders: PauliStrings
    probabilities: Float[np.ndarray, " classes"]
    factors: Float[np.ndarray, " classes"]
    coefficients: Float[np.ndarray, "classes members"]
    differences: PauliStrings
    phases: Int[np.ndarray, "classes members"]
    mean: float
    still: int

    @property
    def interfering(self) -> bool:
        """Whether some class has several members."""
        return self.coefficients.shape[1] > 1

    @property
    def weights(self) -> Float[np.ndarray, " classes"]:
        """What the end weight of a path of each class is multiplied with, where terms do not interfere."""
        return self.factors * self.coefficients[:, 0] ** 2

    @property
    def largest(self) -> float:
        """No path can weigh more."""
        return float(np.max(self.factors * np.abs(self.coefficients).sum(axis=1) ** 2))


@dataclass(frozen=True, eq=False)
class ProjectorTerms:
    """A projector on many wires: its ``2^wires`` strings are sampled, none is expanded.

    Args:
        wires: of the projector
        factor: of the end weight of a path
        mean: ``E[loss]``
    """

    wires: tuple[int, ...]
    factor: float
    mean: float

    @property
    def weights(self) -> Float[np.ndarray, " 2"]:
        """What the end weight is multiplied with, for the identity (no part of the variance) and for others."""
        return np.array([0.0, self.factor])

    @property
    def largest(self) -> float:
        """No path can weigh more."""
        return self.factor


def letters_of(observable: PauliSum | ProjectorProduct, num_wires: int) -> list[int]:
    """For each wire the one letter that the terms have there, 0 for none, ``ANY`` for several."""
    if isinstance(observable, ProjectorProduct):
        wires = set(observable.wires)
        return [CODE["Z"] if w in wires else 0 for w in range(num_wires)]
    x, z = observable.strings.bits()
    code = x + 2 * z
    seen = [(code == letter).any(axis=0) for letter in (1, 2, 3)]
    count = np.sum(seen, axis=0)
    single = seen[0] * 1 + seen[1] * 2 + seen[2] * 3
    return [int(v) for v in np.where(count > 1, ANY, single)]


class Syndromes:
    """Random parities of the syndrome: linear in the string."""

    def __init__(
        self, gates: Sequence[Gate], kept: Sequence[int], quarters: Sequence[int | None], num_wires: int, bits: int
    ):
        draw = random.Random(0)
        x, z = [0] * num_wires, [0] * num_wires
        for position in reversed(kept):  # forward: V = Σ_k r_k P_k, conjugated by every quarter turn
            gate = gates[position]
            if not isinstance(gate, Rotation):
                continue
            turns = quarters[position]
            if turns is None:
                parity = draw.getrandbits(bits)
            elif turns % 2:
                parity = 0
                for w, letter in zip(gate.wires, gate.strings[0], strict=True):
                    if letter in "XY":
                        parity ^= z[w]
                    if letter in "ZY":
                        parity ^= x[w]
            else:
                continue
            if parity:
                for w, letter in zip(gate.wires, gate.strings[0], strict=True):
                    if letter in "XY":
                        x[w] ^= parity
                    if letter in "ZY":
                        z[w] ^= parity
        self._x, self._z = x, z

    def of(self, strings: PauliStrings) -> list[int]:
        """The hash of each string's syndrome; 0 if it commutes with everything."""
        result = [0] * len(strings)
        x, z = strings.bits()
        for j, w in zip(*np.nonzero(x), strict=True):
            result[j] ^= self._z[w]
        for j, w in zip(*np.nonzero(z), strict=True):
            result[j] ^= self._x[w]
        return result


def carry_back(
    gates: Sequence[Gate], kept: Sequence[int], quarters: Sequence[int | None], strings: PauliStrings
) -> tuple[PauliStrings, Int[np.ndarray, " m"]]:
    """Strings that no uniform rotation moves, taken to the start of the circuit, with their signs."""
    n = strings.num_wires
    bits_x, bits_z = strings.bits()
    x = [_to_int(bits_x[:, w]) for w in range(n)]
    z = [_to_int(bits_z[:, w]) for w in range(n)]
    sign = 0
    for position in kept:
        gate, turns = gates[position], quarters[position]
        if not turns or isinstance(gate, Channel):
            continue
        low = high = 0  # two-bit counters: P Q = i^(low + 2 high) (their product)
        for w, letter in zip(gate.wires, gate.strings[0], strict=True):
            if letter == "I":
                continue
            only_x, only_z, both = x[w] & ~z[w], z[w] & ~x[w], x[w] & z[w]
            once, thrice = {"X": (both, only_z), "Y": (only_z, only_x), "Z": (only_x, both)}[letter]
            for mask, value in ((once, 1), (thrice, 3)):
                high ^= (low & mask) ^ (mask if value == 3 else 0)
                low ^= mask
        if turns == 2:
            sign ^= low
            continue
        # a quarter turn is iPQ, three are -iPQ; i · i^1 = -1 and i · i^3 = 1
        sign ^= low & (~high if turns == 1 else high)
        for w, letter in zip(gate.wires, gate.strings[0], strict=True):
            if letter in "XY":
                x[w] ^= low
            if letter in "ZY":
                z[w] ^= low
    m = len(strings)
    columns_x = np.stack([_from_int(v, m) for v in x], axis=1)
    columns_z = np.stack([_from_int(v, m) for v in z], axis=1)
    return PauliStrings.from_bits(columns_x, columns_z), 1 - 2 * _from_int(sign, m).astype(int)


def _to_int(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")


def _from_int(value: int, count: int) -> np.ndarray:
    size = -(-count // 8)
    octets = np.frombuffer((value & ((1 << (8 * size)) - 1)).to_bytes(size, "little"), np.uint8)
    return np.unpackbits(octets, bitorder="little", count=count)


def classify_terms(
    observable: PauliSum, gates: Sequence[Gate], kept: Sequence[int], quarters: Sequence[int | None], state
) -> TermClasses:
    """Sort the terms of an observable into classes that do not interfere.

    Args:
        observable: at the end of the circuit
        gates: uniform rotations and quarter turns
        kept: its light cone
        quarters: quarter turns of each gate, ``None`` for those that are none
        state: the initial state, for the mean
    """
    syndromes = Syndromes(gates, kept, quarters, observable.num_wires, HASH_BITS).of(observable.strings)
    members: dict[int, list[int]] = {}
    for index, syndrome in enumerate(syndromes):
        members.setdefault(syndrome, []).append(index)
    still = members.pop(0, [])
    mean = observable.constant
    if still:
        carried, signs = carry_back(gates, kept, quarters, observable.strings[still])
        mean += float(np.sum(observable.coefficients[still] * signs * state.expectation(carried)))
    return _classes(observable, list(members.values()), gates, kept, quarters, mean, len(still))


def _classes(observable, members, gates, kept, quarters, mean, still) -> TermClasses:
    count, size = len(members), max((len(m) for m in members), default=1)
    coefficients = np.zeros((count, size))
    index = np.zeros((count, size), int)
    for row, terms in enumerate(members):
        coefficients[row, : len(terms)] = observable.coefficients[terms]
        index[row] = terms[0]
        index[row, : len(terms)] = terms
    leaders = observable.strings[index[:, 0]]
    weights = np.sum(coefficients**2, axis=1)
    probabilities = weights / weights.sum() if count else weights
    phases = np.zeros((count, size), int)
    if size > 1:
        # Q_j = Q_1 (Q_1 Q_j) and Q_1 Q_j = i^k R_j
        differences, exponents = product(
            observable.strings[np.repeat(index[:, 0], size)], observable.strings[index.reshape(-1)]
        )
        carried, signs = carry_back(gates, kept, quarters, differences)
        phases = (exponents + 1 - signs).reshape(count, size) % 4
    else:
        zeros = np.zeros_like(leaders.x)
        carried = PauliStrings(zeros, zeros, observable.num_wires)
    with np.errstate(divide="ignore"):
        factors = 1 / probabilities
    return TermClasses(leaders, probabilities, factors, coefficients, carried, phases, mean, still)


def projector_terms(
    observable: ProjectorProduct, gates: Sequence[Gate], kept: Sequence[int], quarters: Sequence[int | None]
) -> ProjectorTerms | Declined:
    """The terms ``2^-k ± Z^s`` of a projector on many wires, or why they cannot be sampled one by one."""
    wires = observable.wires
    syndromes = Syndromes(gates, kept, quarters, observable.num_wires, len(wires) + HASH_BITS)
    z = np.zeros((len(wires), observable.num_wires), np.uint8)
    z[np.arange(len(wires)), list(wires)] = 1
    reduced: dict[int, int] = {}  # by leading bit
    for value in syndromes.of(PauliStrings.from_bits(np.zeros_like(z), z)):
        while value and value.bit_length() in reduced:
            value ^= reduced[value.bit_length()]
        if not value:
            return Declined(
                f"some of the 2^{len(wires)} terms of the projector commute with every rotation and interfere; "
                "measure fewer wires"
            )
        reduced[value.bit_length()] = value
    return ProjectorTerms(tuple(wires), 2.0 ** -len(wires), 2.0 ** -len(wires))
