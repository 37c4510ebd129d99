"""The module of an observable: everything it can become, and how the generators act there.

``M`` is the span of ``O`` under repeated commutators with the generators of the circuit. In an orthonormal
basis of it a generator is a skew matrix, the observable and the state are vectors, and ``n`` no longer
occurs (:mod:`~pennylane_dla.variance.module`; Diaz et al., arXiv:2310.11505).

The span of the state serves as well: what is orthogonal to it stays so under every generator, so that only the
observable's projection on it is ever seen. Where a symmetry keeps the state in a sector that is small, while the
observable acts on all of them, it is the smaller one: UCCSD for H4 moves four electrons in a sector of 36
determinants, and the state's module is the 666 symmetric matrices there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
import scipy.linalg
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.algebra.sums.coordinates import Coordinates, twin_classes
from pennylane_dla.algebra.sums.invariant_span import OverBudget, close
from pennylane_dla.allowance import OutOfTime, checkpoint, current, paced
from pennylane_dla.circuit.ansatz import ProductState, State, UnknownState
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.problem import Problem

from .frames import MAX_BLOCK, largest_block

MAX_DIM = 2048  # covariances are matrices of this size
FIRST_DIM = 768  # up to which both sides are tried before either is grown further
MAX_STRINGS = 4096
MAX_PROJECTOR_WIRES = 12
MAX_STATE_TERMS = 4096
_SKEW = 1e-11  # of an action that is computed from few strings

Action = Float[np.ndarray, "d d"] | scipy.sparse.csr_array


@dataclass(frozen=True, eq=False)
class ObservableModule:
    """The module of one observable, or of the initial state, under the generators of one circuit.

    Args:
        actions: ``i[G, ·]`` on the module for each distinct generator ``G``, skew; sparse where strings are
            its basis
        generators: the distinct generators
        which: the number of the generator of each rotation
        scales: ``G_k = scales[k] · generators[which[k]]``
        observable: ``O`` in the basis, identity apart; its projection, where it is the module of the state
        state: ``Tr[ρ B_a]`` of the basis elements
        constant: coefficient of the identity in ``O``
        num_strings: strings (or sums over twins) that were reached
        dim: dimension of the module; the vectors may be longer, where the strings themselves are the basis
        statement: how the dimension was decided
        minimal: whether the basis spans just the module
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
    minimal: bool = True


@dataclass
class Search:
    """What was found for one problem, and what need not be tried again.

    Args:
        failures: of the observable and of the state, up to which dimension it was tried and what came of it
        found: the module
    """

    failures: dict[str, tuple[float, str]] = field(default_factory=dict)
    found: ObservableModule | None = None


_known: WeakKeyDictionary[Problem, Search] = WeakKeyDictionary()


def observable_module(problem: Problem) -> ObservableModule | Declined:
    """The module of ``problem.observable``, or why there is none; computed once for a problem."""
    if problem not in _known:
        observable = pushed_observable(problem)
        if isinstance(observable, Declined):
            return observable
        _known[problem] = search = Search()
        effective = problem.effective
        generators = [effective.generator(k) for k in range(effective.num_rotations)]
        return find_module(problem, generators, observable, (FIRST_DIM, MAX_DIM), search=search)
    search = _known[problem]
    return search.found or _reason(search)


def searched(problem: Problem) -> Search:
    """What :func:`observable_module` learned, where it was asked."""
    return _known.get(problem, Search())


def find_module(
    problem: Problem,
    rotations: Sequence[PauliSum],
    observable: PauliSum,
    dims: Sequence[int],
    minimal: bool = False,
    search: Search | None = None,
) -> ObservableModule | Declined:
    """The module of the observable or that of the state, whichever is found first to be small.

    Args:
        problem: for the state and the limits
        rotations: the generators, one for each rotation
        observable: pushed to the same place
        dims: dimensions up to which both are tried, one after the other
        minimal: whether it must be the module itself, in a dense basis
        search: what is known for these rotations already; is completed

    Returns:
        the module, or why there is none
    """
    search = search or Search()
    state = problem.effective.state
    if isinstance(state, UnknownState):
        return Declined(state.reason)
    taken = dict.fromkeys(("observable", "state"), 0.0)
    for max_dim in dims:
        for side in taken:
            if search.failures.get(side, (0, ""))[0] >= max_dim:
                continue
            if current().left < taken[side]:  # it would not come as far as before
                start = search.failures[side][1].split(":")[0]
                search.failures[side] = np.inf, f"{start}: the time limit {_allowed()} is used up"
                continue
            began = current().elapsed
            seed = observable if side == "observable" else _state_sum(state)
            if seed is None:
                search.failures[side] = np.inf, ""
                continue
            try:
                search.found = build_module(rotations, seed, observable, problem, max_dim, minimal)
                return search.found
            except OverBudget as stop:
                tried = max_dim if stop.dim > max_dim else np.inf  # time or memory, which will not be more
                text = f"the module of the {side} has a dimension of at least {stop.dim}: {stop.reason}"
                search.failures[side] = tried, text
            except OutOfTime as stop:
                search.failures[side] = np.inf, f"the module of the {side}: {stop}"
                taken[side] = current().elapsed - began
    return _reason(search)


def _allowed() -> str:
    return f"max_seconds={current().total.seconds:g}"


def _reason(search: Search) -> Declined:
    return Declined("; ".join(text for _, text in search.failures.values() if text))


def _state_sum(state: State) -> PauliSum | None:
    """``2ⁿ ρ`` without its identity, where it has few terms."""
    if not isinstance(state, ProductState):
        return None
    present = np.abs(state.bloch) > 1e-12
    if np.sum(np.log2(1 + present.sum(axis=1))) > np.log2(MAX_STATE_TERMS):
        return None
    codes = np.zeros((1, 0), np.uint8)
    for axes in present:
        letters = np.array([0, *(code for code, there in zip((1, 3, 2), axes, strict=True) if there)], np.uint8)
        codes = np.concatenate([np.repeat(codes, len(letters), axis=0), np.tile(letters, len(codes))[:, None]], axis=1)
    strings = PauliStrings.from_bits(codes[1:] & 1, codes[1:] >> 1)
    return PauliSum(strings, state.expectation(strings)) if len(strings) else None


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
            known[key] = len(distinct), float(leading)
            distinct.append(generator)
        which[k], first = known[key]
        scales[k] = leading / first
    return distinct, which, scales


def pushed_observable(problem: Problem) -> PauliSum | Declined:
    """The observable as a sum, pushed through the Cliffords."""
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return Declined(f"a projector on {len(observable.wires)} wires has too many terms to enumerate")
        observable = observable.expand()
    return problem.effective.clifford.push(observable)


def build_module(
    rotations: Sequence[PauliSum],
    seed: PauliSum,
    observable: PauliSum,
    problem: Problem,
    max_dim: int = MAX_DIM,
    minimal: bool = False,
) -> ObservableModule:
    """The module of ``seed``, which is the observable or the state.

    Where it reaches hardly more strings than the module has dimensions, the space of all of them takes its
    place: it is invariant too, and generators are sparse on it.

    Args:
        rotations: the generators, one for each rotation
        seed: what is moved
        observable: pushed to the same place
        problem: for the state and the limits
        max_dim: dimension at which it stops
        minimal: whether it must be the module itself, in a dense basis

    Raises:
        OverBudget: where a limit is reached
    """
    state, budget = problem.effective.state, problem.budget
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
    limits = min(budget.max_dim, max_dim), budget.max_memory // 2
    rows = None

    def needs_basis(dim: int) -> bool:
        return minimal or not _strings_suffice(coordinates, dim)

    span = close(coordinates, [seed], *limits, basis=needs_basis)
    if needs_basis(span.dim):
        rows = span.rows(coordinates)
        if rows is None:
            raise OverBudget(span.dim, span.statement)
        coordinates.expand(np.arange(len(coordinates)))
        rows = np.pad(rows, ((0, 0), (0, len(coordinates) - rows.shape[1])))
    size = len(coordinates)
    actions = [coordinates.action(weights) for weights in np.eye(len(generators))]
    if rows is not None:
        actions = _restricted(actions, rows, span.rational.pivots if span.rational is not None else None)
    expectations = state.expectation(coordinates.strings) * np.sqrt(coordinates.sizes)
    vector = coordinates.vector(observable)[:size]  # strings outside the module are never seen
    if rows is not None:
        vector, expectations = rows @ vector, rows @ expectations
    return ObservableModule(
        tuple(actions), tuple(generators), which, scales, vector, expectations,
        observable.constant, size, span.dim, span.statement, rows is not None,
    )  # fmt: skip


def _restricted(
    actions: Sequence[scipy.sparse.csr_array],
    rows: Float[np.ndarray, "d strings"],
    pivots: Int[np.ndarray, " d"] | None,
) -> list[Float[np.ndarray, "d d"]]:
    """Generators on an invariant space of orthonormal rows.

    What a generator makes of the rows lies in their span again, so that its entries on ``d`` strings on which the rows
    are independent say which combination it is; all strings are needed only where no such strings are known, or where
    the rows are nearly dependent there.
    """
    columns = np.ascontiguousarray(rows.T)
    factors = None if pivots is None else scipy.linalg.lu_factor(columns[pivots])
    result = []
    for action in paced(actions, "the generators on the module"):
        if factors is not None:
            small = scipy.linalg.lu_solve(factors, action[pivots] @ columns)
        if factors is None or np.abs(small + small.T).max() > _SKEW * (np.abs(small).max() or 1.0):
            small = rows @ (action @ columns)
        result.append((small - small.T) / 2)
    return result


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
    checkpoint()
    return all(
        largest_block(coordinates.action(weights)) <= MAX_BLOCK for weights in np.eye(len(coordinates.generators))
    )
