"""The limit of a deep circuit, for any generators: which of the two limits applies, and what it says of the causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pennylane_dla.algebra.dynamical import circuit_generators, push_through
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.allowance import OutOfTime
from pennylane_dla.circuit.ansatz import ProductState, State, UnknownState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.variance.estimate import Declined, VarianceEstimate
from pennylane_dla.variance.observables import families, pushed
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.shares import one_by_one

from .projectors import projector_limit
from .result import DeepLimit, Limit
from .strings import limit, limits

MAX_PROJECTOR_WIRES = 12
MAX_STATE_WIRES = 12
FEW = 4  # observables that are worth a module each


def deep_limit(problem: Problem, algebra: LieAlgebra | None = None) -> DeepLimit:
    """Variances of a circuit with the same generators, deep enough to be a 2-design over its Lie group.

    Args:
        problem: one observable of one circuit; noise is left out
        algebra: of the circuit, where it is known: classified strings are not classified again, and all of
            ``su(2^n)`` needs no numerical projection

    Returns:
        the limit for the loss and for every element (as if deep inside the circuit), and where it comes from; or the
        reason why there is none
    """
    return deep_limits([problem], algebra)[0]


def deep_limits(problems: Sequence[Problem], algebra: LieAlgebra | None = None) -> list[DeepLimit]:
    """The same for several observables of one circuit, which share its generators, their orbits and their module."""
    results: dict[int, DeepLimit] = {}
    for i, problem in enumerate(problems):
        if problem.kind == "var":
            results[i] = DeepLimit.unavailable("a variance is not linear in the state")
    asked = [i for i in range(len(problems)) if i not in results]
    if asked:
        with problems[0].time.part():
            try:
                circuit = _Deep.of(problems[asked[0]])
                found = _of_circuit(circuit, [problems[i] for i in asked], algebra)
            except OutOfTime as stop:
                found = [DeepLimit.unavailable(str(stop)) for _ in asked]
        for i, prediction in zip(asked, found, strict=True):
            results[i] = prediction
    return [results[i] for i in range(len(problems))]


@dataclass(frozen=True, eq=False)
class _Deep:
    """What the limits of all observables of a circuit have in common.

    Args:
        generators: of the trainable rotations; ``None`` where they are the strings
        strings: of all generators
        state: after the known gates that stand first
        trainable: rotations
        behind: known rotations between and behind the trainable ones
        known: whether there are known rotations
        leading: whether some stand before all trainable ones
    """

    generators: list[PauliSum] | None
    strings: PauliStrings
    state: State
    trainable: list[int]
    behind: list[int]
    known: bool
    leading: bool

    @classmethod
    def of(cls, problem: Problem) -> _Deep | Declined:
        """From one of the problems; or why there is no limit."""
        effective = problem.effective
        trainable = [k for k, angle in enumerate(effective.angles) if not angle.fixed]
        if not trainable:
            return Declined("no gate is trainable")
        known = [k for k, angle in enumerate(effective.angles) if angle.fixed]
        if any(np.isnan(effective.angles[k].offset) for k in known):
            return Declined("data values are unknown under jit: call inspect with concrete data")
        leading = [k for k in known if k < trainable[0]]
        state = _after_known_gates(effective, leading)
        if isinstance(state, UnknownState):
            return Declined(state.reason)
        if effective.single and not known:
            generators, strings = None, effective.strings
        else:
            generators = circuit_generators(effective)
            if generators is None:
                return Declined("known gates spread the generators over too many strings")
            strings = PauliStrings.concatenate([generator.strings for generator in generators])
        return cls(generators, strings, state, trainable, known[len(leading) :], bool(known), bool(leading))

    @property
    def single(self) -> bool:
        """Whether every generator is a single string."""
        return len(self.strings) == len(self.trainable)


def _of_circuit(circuit: _Deep | Declined, problems: list[Problem], algebra: LieAlgebra | None) -> list[DeepLimit]:
    if isinstance(circuit, Declined):
        return [DeepLimit.unavailable(circuit.reason) for _ in problems]
    results: dict[int, DeepLimit] = {}
    classified = algebra if algebra is not None and algebra.components is not None else None
    wide: dict[tuple[int, ...], Limit | None] = {}
    narrow = []
    for i, problem in enumerate(problems):
        observable = problem.observable
        if not (isinstance(observable, ProjectorProduct) and len(observable.wires) > MAX_PROJECTOR_WIRES):
            narrow.append(i)
            continue
        if observable.wires not in wide:  # signs do not matter
            possible = circuit.single and not circuit.known
            found = _wide_projector(problem, observable.wires, circuit, classified) if possible else None
            wide[observable.wires] = found
        found = wide[observable.wires]
        if found is None:
            results[i] = DeepLimit.unavailable(f"a projector on {len(observable.wires)} wires has too many terms")
        else:
            results[i] = _prediction(problem, circuit.trainable, found)
    for i, prediction in zip(narrow, _narrow(circuit, [problems[i] for i in narrow], algebra), strict=True):
        results[i] = prediction
    return [results[i] for i in range(len(problems))]


def _narrow(circuit: _Deep, problems: list[Problem], algebra: LieAlgebra | None) -> list[DeepLimit]:
    """Observables whose terms can be written out."""
    if not problems:
        return []
    effective = problems[0].effective
    results: dict[int, DeepLimit] = {}
    sums: dict[int, PauliSum] = {}
    for family in families([problem.observable for problem in problems]):
        family = pushed(family, effective.clifford)
        for row, i in enumerate(family.members):
            observable = push_through(effective, circuit.behind, family.sum(row))
            if observable is None:
                results[i] = DeepLimit.unavailable("known gates spread the observable over too many strings")
            else:
                sums[i] = observable
    open_problems = sorted(sums)
    if not circuit.single:
        many = len(open_problems) > FEW
        found = one_by_one(
            lambda i: _of_sums(circuit, problems[i], sums[i], algebra, many),
            open_problems,
            lambda i: f"deep limit of {problems[i].label}",
        )
        for i, one in zip(open_problems, found, strict=True):  # a bare prediction where the time was used up
            results[i] = one if isinstance(one, DeepLimit) else DeepLimit.unavailable(one.loss.reason or "")
        return [results[i] for i in range(len(problems))]
    classified = algebra if algebra is not None and algebra.components is not None else None
    groups = families([sums[i] for i in open_problems])
    found = limits(circuit.strings, groups, circuit.state, algebra=classified, budget=problems[0].budget)
    gradients: dict[VarianceEstimate, VarianceEstimate] = {}  # most outcomes have the same
    for family, every in zip(groups, found, strict=True):
        for member, one in zip(family.members, every, strict=True):
            i = open_problems[member]
            if one.gradient not in gradients:
                gradients[one.gradient] = _prediction(problems[i], circuit.trainable, one).gradient
            results[i] = DeepLimit(one.loss, gradients[one.gradient], one.loss_mean, limit=one)
    return [results[i] for i in range(len(problems))]


def _of_sums(
    circuit: _Deep, problem: Problem, observable: PauliSum, algebra: LieAlgebra | None, many: bool
) -> DeepLimit:
    assert circuit.generators is not None  # only strings without known gates go without
    if algebra is not None and algebra.complete and algebra.dim == 4**problem.effective.num_wires - 1:
        return _universal_limit(problem, circuit.generators, observable, circuit.state)
    from .sector import limit_on_sector  # heavy, and only for sums
    from .sums import module_limit

    # Every observable has a module of its own, which tells the causes; many observables share the sector.
    closed = limit_on_sector(problem, projected=many)
    if closed.loss.available:
        return closed
    if circuit.leading:
        found = DeepLimit.unavailable("known gates before the trainable ones, and generators that are sums")
    else:
        found = module_limit(problem, circuit.generators, observable)
    if found.loss.available or many:  # with many the projection on the sector was tried
        return found
    projected = limit_on_sector(problem)
    return projected if projected.loss.available else found


def _prediction(problem: Problem, trainable: list[int], found: Limit) -> DeepLimit:
    gradient = _per_element(problem.effective, trainable, found.gradient, problem.ansatz.arguments.num_elements)
    return DeepLimit(found.loss, gradient, found.loss_mean, limit=found)


def _universal_limit(problem: Problem, generators: list[PauliSum], observable: PauliSum, state: State) -> DeepLimit:
    """Generators that are sums but generate all of ``su(2^n)``: any universal set of strings has the same limit.

    A generator ``Σ c_j P_j`` differentiates as ``Σ_j (2c_j)²`` times one string ``P/2``, for ``Tr[ad_P ad_{P'}] = 0``.
    """
    n = problem.ansatz.num_wires
    wires = [(q,) for q in range(n)] * 2 + [(q, q + 1) for q in range(n - 1)]
    universal = PauliStrings.from_local(wires, ["X"] * n + ["Y"] * n + ["ZZ"] * (n - 1), n)
    found = limit(universal, observable, state, rotations=universal[0], budget=problem.budget)
    one = found.gradient
    strengths = [Fraction(float(4 * np.sum(generator.coefficients**2))) for generator in generators]
    value = np.array([strength * one.value[0] for strength in strengths], dtype=object)
    errors = np.array([float(strength) for strength in strengths]) * np.ravel(one.stderr)[0]
    every = VarianceEstimate(value, errors, one.method, one.exact, None, one.reason)
    effective = problem.effective
    trainable = [k for k, angle in enumerate(effective.angles) if not angle.fixed]
    gradient = _per_element(effective, trainable, every, problem.ansatz.arguments.num_elements)
    return DeepLimit(found.loss, gradient, found.loss_mean, limit=found)


def _wide_projector(
    problem: Problem, wires: tuple[int, ...], circuit: _Deep, algebra: LieAlgebra | None
) -> Limit | None:
    """A projector on many wires, by the Z of each of them."""
    n = problem.ansatz.num_wires
    z = PauliSum(PauliStrings.from_local([(w,) for w in wires], ["Z"] * len(wires), n), np.ones(len(wires)))
    stabilizers = problem.effective.clifford.push(z).strings
    return projector_limit(circuit.strings, stabilizers, circuit.state, algebra=algebra, budget=problem.budget)


def _after_known_gates(effective: EffectiveAnsatz, leading: list[int]) -> State:
    """The initial state once the known rotations before all trainable ones have acted on it."""
    state = effective.state
    if not leading or isinstance(state, UnknownState):
        return state
    if isinstance(state, ProductState):
        state = state.vector(MAX_STATE_WIRES)
    if state is None or any(effective.offsets[k + 1] - effective.offsets[k] > 1 for k in leading):
        return UnknownState("known gates before the trainable ones make the initial state no product state")
    for k in leading:
        angle = float(2 * effective.coefficients[effective.offsets[k]] * effective.angles[k].offset)
        state = state.rotated(effective.strings[int(effective.offsets[k])], angle)
    return state


def _per_element(
    effective: EffectiveAnsatz, trainable: list[int], estimate: VarianceEstimate, num_elements: int
) -> VarianceEstimate:
    """Chain rule in exact fractions; an element that drives several rotations gets the largest of them."""
    if not estimate.available:
        return estimate
    values = np.array([Fraction(0)] * num_elements, dtype=object)
    errors = np.zeros(num_elements)
    stderr = np.broadcast_to(np.asarray(estimate.stderr, float), len(trainable))
    for k, value, error in zip(trainable, estimate.value, stderr, strict=True):
        angle = effective.angles[k]
        for element, coefficient in zip(angle.elements, angle.coefficients, strict=True):
            scaled = Fraction(coefficient) ** 2 * value
            if scaled > values[element]:
                values[element], errors[element] = scaled, coefficient**2 * error
    return VarianceEstimate(values, errors, estimate.method, estimate.exact, None, estimate.reason)
