"""The module of an observable: everything it can become, and how the generators act there (THEORY section 6).

``M`` is the span of ``O`` under repeated commutators with the generators of the circuit. In an orthonormal
basis of it a generator is a skew matrix, the observable and the state are vectors, and ``n`` no longer
occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.algebra.coordinates import Coordinates, twin_classes
from pennylane_dla.algebra.invariant_span import OverBudget, Progress, close
from pennylane_dla.circuit.ansatz import ProductState, State, UnknownState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliSum, ProjectorProduct

from .problem import Problem

MAX_DIM = 2048  # covariances are matrices of this size
MAX_PROJECTOR_WIRES = 12

Action = Float[np.ndarray, "d d"] | scipy.sparse.csr_array


@dataclass(frozen=True, eq=False)
class ObservableModule:
    """The module of one observable under the generators of one circuit.

    Args:
        actions: ``i[G, ·]`` on the module for each distinct generator ``G``, skew; sparse where strings are
            its basis
        generators: the distinct generators
        which: the number of the generator of each rotation
        scales: ``G_k = scales[k] · generators[which[k]]``
        observable: ``O`` in the basis, identity apart
        state: ``Tr[ρ B_a]`` of the basis elements
        constant: coefficient of the identity in ``O``
        num_strings: strings that were reached
        statement: how the dimension was decided
    """

    actions: tuple[Action, ...]
    generators: tuple[PauliSum, ...]
    which: Int[np.ndarray, " rotations"]
    scales: Float[np.ndarray, " rotations"]
    observable: Float[np.ndarray, " d"]
    state: Float[np.ndarray, " d"]
    constant: float
    num_strings: int
    statement: str

    @property
    def dim(self) -> int:
        return len(self.observable)


_known: WeakKeyDictionary[Problem, ObservableModule | str] = WeakKeyDictionary()


def observable_module(problem: Problem) -> ObservableModule | str:
    """The module of ``problem.observable``, or why there is none; computed once for a problem."""
    if problem not in _known:
        _known[problem] = _build(problem)
    return _known[problem]


def distinct_generators(
    effective: EffectiveAnsatz,
) -> tuple[list[PauliSum], Int[np.ndarray, " rotations"], Float[np.ndarray, " rotations"]]:
    """Each generator once, whatever its scale: a layered circuit repeats them.

    Returns:
        generators, the number of each rotation's generator, and its scale relative to that one
    """
    generators: list[PauliSum] = []
    known: dict[tuple[bytes, bytes], tuple[int, float]] = {}
    which = np.zeros(effective.num_rotations, int)
    scales = np.ones(effective.num_rotations)
    for k in range(effective.num_rotations):
        generator = effective.generator(k)
        vectors = generator.strings.vectors()
        order = np.lexsort(vectors.T)
        leading = generator.coefficients[order[0]]
        key = vectors[order].tobytes(), np.round(generator.coefficients[order] / leading, 12).tobytes()
        if key not in known:
            known[key] = len(generators), leading
            generators.append(generator)
        which[k], first = known[key]
        scales[k] = leading / first
    return generators, which, scales


def _build(problem: Problem) -> ObservableModule | str:
    effective, budget = problem.effective, problem.budget
    if isinstance(effective.state, UnknownState):
        return effective.state.reason
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return f"a projector on {len(observable.wires)} wires has too many terms to enumerate"
        observable = observable.expand()
    observable = effective.clifford.push(observable)
    generators, which, scales = distinct_generators(effective)
    if not len(observable) or not generators:
        return ObservableModule(
            tuple(np.zeros((1, 1)) for _ in generators), tuple(generators), which, scales,
            np.zeros(1) if not len(observable) else np.ones(1),
            np.zeros(1) if not len(observable) else np.array([_expectation(effective.state, observable)]),
            observable.constant, 0, "nothing moves",
        )  # fmt: skip
    labels = None
    if isinstance(effective.state, ProductState):
        labels = [tuple(np.round(bloch, 12)) for bloch in effective.state.bloch]
    twins = twin_classes([*generators, observable], labels) if labels is not None else None
    coordinates = Coordinates(generators, twins)
    shown = Progress(budget.progress, "module of the observable")
    limit = min(budget.max_dim, MAX_DIM)
    try:
        span = close(coordinates, [observable], limit, budget.max_memory // 2, shown)
    except OverBudget as stop:
        return f"the module of the observable has a dimension of at least {stop.dim}: {stop.reason}"
    finally:
        shown.close()
    if span.whole:
        rows, change = None, None
    else:
        rows = span.rows(coordinates)
        if rows is None:
            return f"the module of the observable has dimension {span.dim}, {span.statement}"
        coordinates.expand(np.arange(len(coordinates)))
        change = np.pad(rows, ((0, 0), (0, len(coordinates) - rows.shape[1])))
    actions = []
    for k in range(len(generators)):
        weights = np.zeros(len(generators))
        weights[k] = 1
        action = coordinates.action(weights)
        if change is None:
            actions.append(action)
        else:
            matrix = change @ (action @ change.T)
            actions.append((matrix - matrix.T) / 2)
    vector = coordinates.vector(observable)
    state = effective.state.expectation(coordinates.strings) * np.sqrt(coordinates.sizes)
    if change is not None:
        vector, state = change @ vector, change @ state
    return ObservableModule(
        tuple(actions), tuple(generators), which, scales, vector, state,
        observable.constant, len(coordinates), span.statement,
    )  # fmt: skip


def _expectation(state: State, observable: PauliSum) -> float:
    return float(observable.coefficients @ state.expectation(observable.strings))
