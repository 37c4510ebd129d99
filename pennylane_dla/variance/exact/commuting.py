"""Exact second moments of circuits whose generators commute once the Cliffords are pushed, at any size and depth.

A string ``Q`` anticommutes with the same rotations ``A(Q)`` wherever it goes, since no move changes that, and the
loss is ``Σ_Q c_Q Tr[ρ exp(i Σ_{k ∈ A(Q)} α_k P_k) Q]``. In the joint eigenspaces of the ``P_k``, projectors ``Π_s``
with signs ``s``, this is a Fourier series with frequencies ``s ∈ {±1}^A``, so that for uniform independent angles::

    E[l²] = Σ_A Σ_s |Tr[ρ Π_s O_A]|² = Σ_A  mean over g ∈ span{P_k : k ∈ A} of |Tr[ρ g O_A]|²

with ``O_A`` the terms that move with ``A`` (Parseval twice: over the torus, then over the group of the ``g``).
Terms with different ``A`` do not interfere, equal or dependent generators count once, and a derivative multiplies
each Fourier coefficient by a sign: ``E[(∂l/∂α_k)²]`` is the same sum over the ``A`` that contain ``k``. On qubits
in a Pauli eigenstate (or maximally mixed) ``Tr[ρ g Q]`` vanishes unless ``g`` solves a linear system over F₂: a
share ``2^-rank`` of the span, or nothing (:mod:`~pennylane_dla.variance.exact`). Qubits in other states are
enumerated, if what is left of the span is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, UInt64

from pennylane_dla.algebra import f2
from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import anticommutation_matrix, product
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.dead import dead_rotations
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.gradient_mean import zero_mean
from pennylane_dla.variance.observables import Family, distinct_rows, families, up_to_signs
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.steps import Steps

METHOD = "exact"
UNIFORM = (0.0, 0.0, 0.5, 0.5, 0.0)  # moments of an angle that is uniform over its period
FEW_TERMS = 64  # whose rotations are looked at term by term, and not all together
MAX_ENTRIES = 10**8  # rotations times terms
MAX_ROWS = 200_000  # of all eliminations together: seconds
MAX_ENUMERATED = 2**18  # strings, on qubits that are in no Pauli eigenstate
CHUNK = 64
ROUNDING = 1e-14  # of a sum of coefficients, relative
SMALLEST = 2.0**-1022  # below, floats lose digits, then everything


def predict(problem: Problem, observable: PauliSum, steps: Steps) -> Prediction | Declined:
    """Exact variances, where the rotations that the observable meets commute with each other.

    Args:
        problem: a circuit of rotations by single strings with independent angles
        observable: its observable, pushed through the Cliffords
        steps: of the circuit

    Returns:
        the prediction, or why the closed form does not apply

    **Example**

    Rotations by ``X_0``, ``X_1``, ``X_0 X_1`` and ``X_0`` again: ``Z_0 Z_1`` meets the single ones, whose span has
    two dimensions.

    >>> from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, Rotation
    >>> from pennylane_dla.variance.law import AngleLaw
    >>> from pennylane_dla.variance.steps import circuit_steps
    >>> drawn = [((0,), "X"), ((1,), "X"), ((0, 1), "XX"), ((0,), "X")]
    >>> gates = tuple(Rotation(w, (p,), (0.5,), Angle(0.0, (k,), (1.0,))) for k, (w, p) in enumerate(drawn))
    >>> arguments = Arguments(("weights",), ((4,),), np.full(4, 2 * np.pi), lambda rows: rows)
    >>> ansatz = Ansatz((0, 1), gates, ProductState.zero(2), (), arguments)
    >>> observable = PauliSum.from_dict({"ZZ": 1.0})
    >>> problem = Problem(ansatz, observable, AngleLaw.resolve(None, arguments))
    >>> prediction = predict(problem, observable, circuit_steps(problem.effective, problem.law))
    >>> prediction.loss.value, prediction.gradient.value.tolist()
    (0.25, [0.25, 0.25, 0.0, 0.25])
    """
    (family,) = families([observable])
    found = predict_family(problem, family, steps)
    return found if isinstance(found, Declined) else found[0]


def predict_family(problem: Problem, family: Family, steps: Steps) -> list[Prediction] | Declined:
    """The same for several observables with the same strings: the signs of terms that meet other rotations do not
    matter."""
    effective = problem.effective
    if steps.noisy:
        return Declined("noise between the rotations")
    if not isinstance(effective.state, ProductState):
        return Declined("the initial state is no product")
    uniform = np.all(np.isclose(steps.moments, UNIFORM, rtol=0, atol=1e-12), axis=1)
    active = active_rotations(effective, family.strings, uniform)
    if isinstance(active, Declined):
        return active
    still = np.flatnonzero(~active.any(axis=0))
    together: dict[bytes, list[int]] = {}
    for term, column in enumerate(np.packbits(active, axis=0).T):
        together.setdefault(column.tobytes(), []).append(term)
    distinct, which = distinct_rows(up_to_signs(family.coefficients, together.values()))
    found = []
    for row in distinct:
        one = _second_moments(problem, effective.state, family.sum(row), active)
        if isinstance(one, Declined):
            return one
        found.append(one)
    means = family.constants
    if len(still):
        means = means + family.coefficients[:, still] @ effective.state.expectation(family.strings[still])
    return [replace(found[number], loss_mean=float(mean)) for number, mean in zip(which, means, strict=True)]


def _second_moments(
    problem: Problem, state: ProductState, observable: PauliSum, active: Bool[np.ndarray, "rotations terms"]
) -> Prediction | Declined:
    """All but the mean of the loss."""
    effective = problem.effective
    shares = _shares(effective.strings, state, observable, active)
    if isinstance(shares, Declined):
        return shares

    second, per_rotation = 0.0, np.zeros(effective.num_rotations)
    met = np.zeros(effective.num_rotations)  # whether anything arrives, however little
    for share in shares:
        value = math.ldexp(share.square, -share.rank)
        second += value
        per_rotation[share.active] += value
        met[share.active] = 1.0
    num_elements = problem.ansatz.arguments.num_elements
    elements = to_elements(effective.angles, per_rotation, num_elements)
    below = (to_elements(effective.angles, met, num_elements) > 0) & (elements < SMALLEST)
    loss_below = bool(shares) and second < SMALLEST
    rank = max((share.rank for share in shares), default=0)
    return Prediction(
        _loss(second, loss_below, rank),
        _gradient(elements, below, rank),
        None,
        {"strings": len(observable), "commuting": int(active.any(axis=1).sum()), "rank": rank},
        gradient_mean=zero_mean(num_elements, METHOD),
    )


def active_rotations(
    effective: EffectiveAnsatz, terms: PauliStrings, uniform: Bool[np.ndarray, " rotations"]
) -> Bool[np.ndarray, "rotations terms"] | Declined:
    """The rotations that move each term, if all that meet a term commute with each other.

    A rotation may stay out of the way by commuting with the term and with all later ones that move it, or by doing
    nothing to the initial state. Random sums of the later ones are looked at, 64 to a word: one that does not commute
    is overlooked with probability ``2^-64``.

    Args:
        effective: rotations by single strings
        terms: of the observable
        uniform: which angles are uniform over their period

    Returns:
        which rotations anticommute with each term, or why the closed form does not apply
    """
    count, num_wires = effective.num_rotations, effective.num_wires
    if count * len(terms) > MAX_ENTRIES:
        return Declined(f"{count} rotations and {len(terms)} terms are too many to look at")
    apart = len(terms) <= FEW_TERMS
    rng = np.random.default_rng(0)
    sums = np.zeros((2 * num_wires, len(terms) if apart else 1), np.uint64)
    active = np.zeros((count, len(terms)), bool)
    dead = None
    for start in reversed(range(0, count, CHUNK)):
        chunk = effective.strings[start : start + CHUNK]
        moved = anticommutation_matrix(chunk, terms)
        x, z = chunk.bits()
        own, dual = np.concatenate([x, z], axis=1).view(bool), np.concatenate([z, x], axis=1).view(bool)
        for k in reversed(range(len(chunk))):
            if np.bitwise_xor.reduce(sums[dual[k]], axis=0).any():
                if dead is None:
                    if not _may_be_dead(effective, start + k):
                        return Declined("rotations that the observable meets do not commute")
                    dead = dead_rotations(effective, None)
                if not dead[start + k]:
                    return Declined("rotations that the observable meets do not commute")
                continue
            moves = moved[k] if apart else moved[k].any(keepdims=True)
            if not moves.any():
                continue
            if not uniform[start + k]:
                return Declined("an angle is not uniform over its period")
            active[start + k] = moved[k]
            sums[own[k]] ^= rng.integers(2**64, size=len(moves), dtype=np.uint64) * moves
    return active


def _may_be_dead(effective: EffectiveAnsatz, k: int) -> bool:
    """Whether a rotation leaves the initial state alone, all others put aside."""
    return bool(abs(abs(effective.state.expectation(effective.strings[k])[0]) - 1) < 1e-12)


@dataclass(frozen=True, eq=False)
class _Share:
    """``2^-rank · square`` of the second moment, from terms that move with the same rotations."""

    active: np.ndarray
    rank: int
    square: float


def _shares(
    strings: PauliStrings, state: ProductState, observable: PauliSum, active: np.ndarray
) -> list[_Share] | Declined:
    """What each class of interfering terms contributes; zeros are left out."""
    packed = np.packbits(active, axis=0).T
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    if active[:, first].sum() > MAX_ROWS:
        return Declined("too many rotations for all terms")
    system = _System.of(state)
    shares, left = [], MAX_ENUMERATED
    for key in range(len(first)):
        members = np.flatnonzero(inverse.reshape(-1) == key)
        rotations = np.flatnonzero(active[:, members[0]])
        if not len(rotations):
            continue
        basis = f2.echelon(system.rows(strings[rotations]), system.tail)
        rows = system.rows(observable.strings[members])
        reduced = basis.reduce(rows)
        solved = ~reduced[:, : basis.head].any(axis=1)
        free = system.free(basis.residues)
        syndromes: dict[bytes, list[int]] = {}
        for j in np.flatnonzero(solved):
            syndromes.setdefault(rows[j, : basis.head].tobytes(), []).append(int(j))
        for group in syndromes.values():
            left -= 2 ** len(free) * len(group) if len(free) < 60 else MAX_ENUMERATED
            if left < 0:
                return Declined("qubits in no Pauli eigenstate leave too many strings")
            move = (rows[group[0]] ^ reduced[group[0]])[basis.head :]
            square = _square(state, observable, members[group], move, free)
            if square > 0:
                shares.append(_Share(rotations, basis.rank, square))
    return shares


def _square(state: ProductState, observable: PauliSum, members, move, free) -> float:
    """Mean of ``|Σ_j c_j Tr[ρ g Q_j]|²`` over ``g = move + span(free)``."""
    moves = move[None]
    for row in free:
        moves = np.concatenate([moves, moves ^ row])
    moves = _strings(moves, observable.num_wires)
    amplitude, scale = np.zeros(len(moves), complex), np.zeros(len(moves))
    for j in members:
        ends, exponents = product(moves, observable.strings[int(j)])
        values = observable.coefficients[j] * state.expectation(ends)
        amplitude += 1j**exponents * values
        scale += np.abs(values)
    size = np.abs(amplitude)
    return float(np.mean(np.where(size > ROUNDING * scale, size, 0.0) ** 2))


def _strings(vectors: UInt64[np.ndarray, "m words"], num_wires: int) -> PauliStrings:
    bits = f2.unpack(vectors, 2 * num_wires).astype(np.uint8)
    return PauliStrings.from_bits(bits[:, :num_wires], bits[:, num_wires:])


@dataclass(frozen=True, eq=False)
class _System:
    """What a string must not have where the qubits are in Pauli eigenstates: the bits that a stabilizer has not.

    Args:
        axes: qubits in an eigenstate of ``X``, of ``Y`` and of ``Z``
        mixed: maximally mixed qubits, where a string must be the identity
        others: all other qubits
        num_wires: qubits
    """

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    mixed: np.ndarray
    others: np.ndarray
    num_wires: int

    @classmethod
    def of(cls, state: ProductState) -> _System:
        size = np.abs(state.bloch)
        x, y, z = (np.flatnonzero(np.abs(size[:, axis] - 1) < 1e-12) for axis in range(3))
        mixed = np.flatnonzero(size.max(axis=1) < 1e-12)
        others = np.setdiff1d(np.arange(len(size)), np.concatenate([x, y, z, mixed]))
        return cls((x, y, z), mixed, others, len(size))

    @property
    def tail(self) -> int:
        """Words of the string itself, behind those of its bits here."""
        return f2.num_words(2 * self.num_wires)

    def rows(self, strings: PauliStrings) -> UInt64[np.ndarray, "m words"]:
        """The bits in question, linear in the string, and the string."""
        x, z = strings.bits()
        on_x, on_y, on_z = self.axes
        columns = [z[:, on_x], (x ^ z)[:, on_y], x[:, on_z], x[:, self.mixed], z[:, self.mixed]]
        head = f2.pack(np.concatenate(columns, axis=1))
        return np.concatenate([head, f2.pack(np.concatenate([x, z], axis=1))], axis=1)

    def free(self, strings: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "k words"]:
        """Those of the ``strings`` that are independent on the other qubits."""
        if not len(self.others) or not len(strings):
            return strings[:0]
        bits = f2.unpack(strings, 2 * self.num_wires)
        local = f2.pack(np.concatenate([bits[:, self.others], bits[:, self.others + self.num_wires]], axis=1))
        return strings[f2.echelon(local).chosen]


def _loss(value: float, below: bool, rank: int) -> VarianceEstimate:
    if not below:
        return VarianceEstimate(value, method=METHOD)
    high = max(2 * value, SMALLEST)
    return VarianceEstimate(value, high, METHOD, False, (0.0, high), _reason(rank))


def _gradient(values: np.ndarray, below: np.ndarray, rank: int) -> VarianceEstimate:
    if not below.any():
        return VarianceEstimate(values, np.zeros_like(values), METHOD)
    error = np.where(below, np.maximum(2 * values, SMALLEST), 0.0)
    ends = np.where(below, 0.0, values), np.where(below, error, values)
    return VarianceEstimate(values, error, METHOD, False, ends, _reason(rank))


def _reason(rank: int) -> str:
    return f"about 2^-{rank}: not 0, but smaller than a float can be"
