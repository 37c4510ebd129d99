"""The module of an observable: everything it can become, and how the generators act there (THEORY section 6).

``M`` is the span of ``O`` under repeated commutators with the generators of the circuit. In an orthonormal
basis of it a generator is a skew matrix, the observable and the state are vectors, and ``n`` no longer
occurs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.algebra.coordinates import Coordinates, twin_classes
from pennylane_dla.algebra.invariant_span import OverBudget, Progress, close
from pennylane_dla.circuit.ansatz import ProductState, State, UnknownState
from pennylane_dla.pauli import PauliSum, ProjectorProduct

from .frames import MAX_BLOCK, largest_block
from .problem import Budget, Problem

MAX_DIM = 2048  # covariances are matrices of this size
MAX_STRINGS = 4096
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
        num_strings: strings (or sums over twins) that were reached
        dim: dimension of the module; the vectors may be longer, where the strings themselves are the basis
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
    dim: int
    statement: str


_known: WeakKeyDictionary[Problem, ObservableModule | str] = WeakKeyDictionary()


def observable_module(problem: Problem) -> ObservableModule | str:
    """The module of ``problem.observable``, or why there is none; computed once for a problem."""
    if problem not in _known:
        _known[problem] = _build(problem)
    return _known[problem]


def distinct_generators(
    generators: Sequence[PauliSum],
) -> tuple[list[PauliSum], Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Each generator once, whatever its scale: a layered circuit repeats them.

    Returns:
        the distinct ones, for each of ``generators`` the number of its own, and its scale relative to that
    """
    distinct: list[PauliSum] = []
    known: dict[tuple[bytes, bytes], tuple[int, float]] = {}
    which, scales = np.zeros(len(generators), int), np.ones(len(generators))
    for k, generator in enumerate(generators):
        vectors = generator.strings.vectors()
        order = np.lexsort(vectors.T)
        leading = generator.coefficients[order[0]]
        key = vectors[order].tobytes(), np.round(generator.coefficients[order] / leading, 12).tobytes()
        if key not in known:
            known[key] = len(distinct), leading
            distinct.append(generator)
        which[k], first = known[key]
        scales[k] = leading / first
    return distinct, which, scales


def _build(problem: Problem) -> ObservableModule | str:
    effective = problem.effective
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return f"a projector on {len(observable.wires)} wires has too many terms to enumerate"
        observable = observable.expand()
    observable = effective.clifford.push(observable)
    generators = [effective.generator(k) for k in range(effective.num_rotations)]
    return build_module(generators, observable, effective.state, problem.budget)


def build_module(
    rotations: Sequence[PauliSum],
    observable: PauliSum,
    state: State,
    budget: Budget,
    max_dim: int = MAX_DIM,
    minimal: bool = False,
) -> ObservableModule | str:
    """The module of an observable.

    Where the observable reaches hardly more strings than its module has dimensions, the space of all of
    them takes its place: it is invariant too, and generators are sparse on it.

    Args:
        rotations: the generators, one for each rotation
        observable: pushed to the same place
        state: the initial state
        budget: limits
        max_dim: dimension at which it stops
        minimal: whether it must be the module itself, in a dense basis

    Returns:
        the module, or why there is none
    """
    if isinstance(state, UnknownState):
        return state.reason
    generators, which, scales = distinct_generators(rotations)
    if not len(observable) or not generators:
        value = np.array([1.0 if len(observable) else 0.0])
        expectation = observable.coefficients @ state.expectation(observable.strings)
        still = tuple(np.zeros((1, 1)) for _ in generators)
        return ObservableModule(
            still, tuple(generators), which, scales, value, np.array([float(expectation)]),
            observable.constant, len(observable), 1, "nothing moves",
        )  # fmt: skip
    labels = None
    if isinstance(state, ProductState):
        labels = [tuple(np.round(bloch, 12)) for bloch in state.bloch]
    twins = twin_classes([*generators, observable], labels) if labels is not None else None
    coordinates = Coordinates(generators, twins)
    shown = Progress(budget.progress, "module of the observable", budget.max_seconds)
    limits = min(budget.max_dim, max_dim), budget.max_memory // 2, shown
    rows = None

    def needs_basis(dim: int) -> bool:
        return minimal or not _strings_suffice(coordinates, dim)

    try:
        span = close(coordinates, [observable], *limits, basis=needs_basis)
        if needs_basis(span.dim):
            rows = span.rows(coordinates)
            if rows is None:
                return f"the module of the observable has dimension {span.dim}, {span.statement}"
            coordinates.expand(np.arange(len(coordinates)))
            rows = np.pad(rows, ((0, 0), (0, len(coordinates) - rows.shape[1])))
    except OverBudget as stop:
        return f"the module of the observable has a dimension of at least {stop.dim}: {stop.reason}"
    finally:
        shown.close()
    actions = []
    for k in range(len(generators)):
        action = coordinates.action(np.eye(len(generators))[k])
        if rows is not None:
            action = rows @ (action @ rows.T)
            action = (action - action.T) / 2
        actions.append(action)
    vector = coordinates.vector(observable)
    expectations = state.expectation(coordinates.strings) * np.sqrt(coordinates.sizes)
    if rows is not None:
        vector, expectations = rows @ vector, rows @ expectations
    return ObservableModule(
        tuple(actions), tuple(generators), which, scales, vector, expectations,
        observable.constant, len(coordinates), span.dim, span.statement,
    )  # fmt: skip


def _strings_suffice(coordinates: Coordinates, dim: int) -> bool:
    """Whether sparse matrices on all strings cost less than dense ones on the module: about ``100 D²`` operations for a
    covariance against ``60 d² + 4 d³``. Closes the set of strings under the generators."""
    most = min(((60 * dim**2 + 4 * dim**3) / 100) ** 0.5, MAX_STRINGS)
    while not coordinates.expanded.all():
        if len(coordinates) > most:
            return False
        coordinates.expand(np.flatnonzero(~coordinates.expanded))
    if len(coordinates) > most:
        return False
    return all(
        largest_block(coordinates.action(weights)) <= MAX_BLOCK for weights in np.eye(len(coordinates.generators))
    )
