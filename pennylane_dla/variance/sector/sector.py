"""The sector of a circuit on its state: ``K``, and everything compressed to it (:mod:`~pennylane_dla.variance.sector`).

Source: Larocca et al., Quantum 6, 824 (2022), invariant subspaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Inexact, Int

from pennylane_dla.allowance import current
from pennylane_dla.circuit.ansatz import Ansatz, UnknownState
from pennylane_dla.circuit.effective import EffectiveAnsatz, effective_ansatz
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.module.observable_module import distinct_generators

from .basis_states import BasisStates, Entries, Flips, TooManyStates, reach, restricted
from .frame import Frame, frames, least_dimension
from .invariant_space import (
    INVARIANT,
    TOLERANCE,
    Basis,
    TooLarge,
    Unclear,
    modular_dimension,
    orthonormal_basis,
    real_up_to_a_factor,
)
from .prime_field import PrimeField, embed

MAX_STATES = 2**16
MAX_ENTRIES = 2**23
MAX_DIM = 1024
RATE = 1e8  # d² times basis states in a second
MAX_SECONDS = 60.0
_ROUNDING = 1e-12  # of a generator, relative to its largest entry


@dataclass(frozen=True, eq=False)
class Sector:
    """The smallest subspace that holds the state and that every generator maps into itself.

    Args:
        dim: its dimension ``d``
        num_wires: qubits of the circuit
        num_states: basis states on which it was found
        statement: how the dimension was decided
        exact: whether it was decided without rounding
        generators: the distinct generators on it, Hermitian, each ``d × d``
        rotations: positions of the effective rotations; those missing are part of the state
        which: number of the generator of each of them
        scales: ``G_k = scales[k] · generators[which[k]]``
        state: orthonormal columns on it, the range of the state
        weights: ``ρ = Σ_j weights[j] |v_j⟩⟨v_j|``
        real: whether the basis is one in which every generator is real or imaginary, and the state real
    """

    dim: int
    num_wires: int
    num_states: int
    statement: str
    exact: bool
    generators: tuple[np.ndarray, ...]
    rotations: tuple[int, ...]
    which: Int[np.ndarray, " rotations"]
    scales: Float[np.ndarray, " rotations"]
    state: Inexact[np.ndarray, "d columns"]
    weights: Float[np.ndarray, " columns"]
    real: bool
    _reached: _Reached
    _basis: np.ndarray

    @property
    def total(self) -> int:
        """``2ⁿ``."""
        return 2**self.num_wires

    @property
    def density(self) -> Inexact[np.ndarray, "d d"]:
        """The density matrix of the state."""
        return (self.state * self.weights) @ self.state.conj().T

    def __repr__(self) -> str:
        return f"Sector({self.dim} of 2^{self.num_wires} dimensions; {self.statement})"

    def compressed(self, observable: PauliSum) -> Inexact[np.ndarray, "d d"]:
        """An observable of the circuit (not pushed through the Cliffords) on the sector, its constant included."""
        pushed = self._reached.frame.seen(self._reached.effective.clifford.push(observable))
        result = pushed.constant * np.eye(self.dim)
        if len(pushed):
            entries = restricted(self._reached.states, Flips.of([pushed]))
            result = result + self._basis.conj().T @ (entries.matrix(0) @ self._basis)
        return (result + result.conj().T) / 2


_known: WeakKeyDictionary[Ansatz, dict[tuple[int, int], Sector | Declined]] = WeakKeyDictionary()


def find_sector(ansatz: Ansatz, max_dim: int = MAX_DIM, max_states: int = MAX_STATES) -> Sector | Declined:
    """The sector of a circuit, found without being told a symmetry; computed once for a circuit.

    Args:
        ansatz: the circuit, without noise
        max_dim: dimension at most
        max_states: basis states at most

    Returns:
        the sector, or why there is none: a stated limit, never a rank that may be wrong

    Raises:
        OutOfTime: where the open allowance is used up
    """
    known = _known.setdefault(ansatz, {})
    for (dims, states), answer in known.items():
        if isinstance(answer, Sector):
            return answer if answer.dim <= max_dim else Declined(f"the sector has {answer.dim} dimensions")
        if dims >= max_dim and states >= max_states:
            return answer
    known[max_dim, max_states] = answer = _find(ansatz, max_dim, max_states)
    return answer


def _find(ansatz: Ansatz, max_dim: int, max_states: int) -> Sector | Declined:
    effective = effective_ansatz(ansatz)
    if effective.channels:
        return Declined("noise channels leave no subspace of state vectors")
    if isinstance(effective.state, UnknownState):
        return Declined(effective.state.reason)
    least = least_dimension(effective)
    if least > max_dim:
        return Declined(f"the sector of the state: dimension of at least {least}")
    possible = frames(ansatz, effective)
    if isinstance(possible, Declined):
        return possible
    try:
        return _closed(_reached(effective, possible, max_states), max_dim)
    except (TooManyStates, TooLarge, Unclear) as stop:
        return Declined(f"the sector of the state: {stop}")


@dataclass(frozen=True, eq=False)
class _Reached:
    """What the generators reach in one frame."""

    effective: EffectiveAnsatz
    frame: Frame
    states: BasisStates
    entries: Entries
    generators: tuple[PauliSum, ...]
    rotations: tuple[int, ...]
    which: np.ndarray
    scales: np.ndarray
    field: PrimeField | None
    spanning: np.ndarray | None


def _reached(effective: EffectiveAnsatz, possible: Sequence[Frame], limit: int) -> _Reached:
    """In the frame in which fewest basis states are reached.

    Raises:
        TooManyStates: where there are too many in each
    """
    best, failure = None, None
    for frame in possible:
        rotations = tuple(k for k in range(effective.num_rotations) if k not in frame.absorbed)
        seen = [frame.seen(effective.generator(k)) for k in rotations]
        generators, which, scales = distinct_generators(seen)
        start = frame.start
        embedded = embed([*(g.coefficients for g in generators), start.spanning.ravel()])
        field, residues = embedded if embedded is not None else (None, [])
        states = BasisStates(effective.num_wires, limit)
        try:
            states.locate(start.bits)
            if generators:
                flips = Flips.of(generators, residues[:-1] if field else None, field)
                entries = reach(states, flips, field.p if field else None, MAX_ENTRIES)
            else:
                entries = Entries.none(len(states))
        except TooManyStates as stop:
            failure = failure or stop
            continue
        spanning = None if field is None else residues[-1].reshape(start.spanning.shape)
        best = _Reached(effective, frame, states, entries, tuple(generators), rotations, which, scales, field, spanning)
        limit = len(states) - 1
    if best is None:
        assert failure is not None  # there is a frame
        raise failure
    return best


def _closed(reached: _Reached, max_dim: int) -> Sector:
    start, states, entries, field = reached.frame.start, reached.states, reached.entries, reached.field
    matrices = [entries.matrix(number) for number in range(len(reached.generators))]
    size, rows = len(states), states.locate(start.bits)
    vectors = np.zeros((size, start.vectors.shape[1]), complex)
    vectors[rows] = start.vectors
    seconds = min(MAX_SECONDS, current().left / 2)
    max_dim = min(max_dim, max(1, int((RATE * seconds / size) ** 0.5)))
    if vectors.shape[1] > max_dim:
        raise TooLarge(f"dimension above {max_dim}")
    dim = None
    if not matrices:
        dim = vectors.shape[1]
    elif field is not None:
        columns = np.zeros(vectors.shape)
        columns[rows] = reached.spanning
        dim = modular_dimension(entries, columns, len(matrices), field.p, max_dim)
        if dim > max_dim:
            raise TooLarge(f"dimension above {max_dim}")
    basis = orthonormal_basis(matrices, vectors, dim, max_dim)
    compressed = tuple(_compressed(matrix, basis) for matrix in matrices)
    if field is not None:
        statement = f"rank exact modulo the prime {field.p}"
    else:
        statement = (
            f"rank in double precision with tolerance {TOLERANCE:g}, smallest singular value kept {basis.smallest:.1e}"
        )
    return Sector(
        dim=basis.columns.shape[1],
        num_wires=reached.effective.num_wires,
        num_states=size,
        statement=f"{statement}, invariant to {INVARIANT:g}",
        exact=field is not None,
        generators=compressed,
        rotations=reached.rotations,
        which=reached.which,
        scales=reached.scales,
        state=basis.columns.conj().T @ vectors,
        weights=start.weights,
        real=not np.any(np.imag(vectors)) and all(map(real_up_to_a_factor, matrices)),
        _reached=reached,
        _basis=basis.columns,
    )


def _compressed(matrix, basis: Basis) -> np.ndarray:
    """A generator on the space, once it is certain that it does not lead out.

    Raises:
        Unclear: where it does
    """
    image = matrix @ basis.columns
    small = basis.columns.conj().T @ image
    outside = np.linalg.norm(image - basis.columns @ small)
    size = np.abs(matrix.data).max(initial=0.0)
    if outside > INVARIANT * max(np.linalg.norm(image), size):
        raise Unclear(f"a generator leads out of the space by {outside:.1e}")
    small = (small + small.conj().T) / 2
    level = np.trace(small).real / len(small) * np.eye(len(small))
    if np.abs(small - level).max() <= _ROUNDING * size:  # what rounding leaves would count as a generator of its own
        return level if np.abs(level).max() > _ROUNDING * size else np.zeros_like(level)
    return small
