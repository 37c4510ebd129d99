"""The limit of a deep circuit, for any generators: which of the two limits applies, and what it says of the causes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from pennylane_dla.algebra.allowance import OutOfTime
from pennylane_dla.algebra.dynamical import circuit_generators, push_through
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.circuit.ansatz import ProductState, State, UnknownState
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct

from .estimate import Prediction, VarianceEstimate
from .limit import Limit, limit
from .problem import Problem
from .projector_limit import projector_limit
from .shares import one_by_one

MAX_PROJECTOR_WIRES = 12
MAX_STATE_WIRES = 12


def deep_limits(problems: Sequence[Problem], algebra: LieAlgebra | None = None) -> list[Prediction]:
    """:func:`deep_limit` for several observables of one circuit."""
    return one_by_one(lambda problem: deep_limit(problem, algebra), problems)


def deep_limit(problem: Problem, algebra: LieAlgebra | None = None) -> Prediction:
    """Variances of a circuit with the same generators, deep enough to be a 2-design over its Lie group.

    Args:
        problem: one observable of one circuit; noise is left out
        algebra: of the circuit, where it is known: classified strings are not classified again, and all of
            ``su(2^n)`` needs no numerical projection

    Returns:
        the limit for the loss and for every element (as if deep inside the circuit), with the
        :class:`~pennylane_dla.variance.limit.Limit` itself in ``statistics["limit"]``; or the reason why there is none
    """
    with problem.time.part():
        try:
            return _deep_limit(problem, algebra)
        except OutOfTime as stop:
            return Prediction.unavailable(str(stop))


def _deep_limit(problem: Problem, algebra: LieAlgebra | None) -> Prediction:
    if problem.kind == "var":
        return Prediction.unavailable("a variance is not linear in the state")
    effective = problem.effective
    trainable = [k for k, angle in enumerate(effective.angles) if not angle.fixed]
    if not trainable:
        return Prediction.unavailable("no gate is trainable")
    known = [k for k, angle in enumerate(effective.angles) if angle.fixed]
    if any(np.isnan(effective.angles[k].offset) for k in known):
        return Prediction.unavailable("data values are unknown under jit: call inspect with concrete data")
    leading = [k for k in known if k < trainable[0]]
    state = _after_known_gates(effective, leading)
    if isinstance(state, UnknownState):
        return Prediction.unavailable(state.reason)
    if effective.single and not known:
        generators, strings = None, effective.strings
    else:
        generators = circuit_generators(effective)
        if generators is None:
            return Prediction.unavailable("known gates spread the generators over too many strings")
        strings = PauliStrings.concatenate([generator.strings for generator in generators])
    single = len(strings) == len(trainable)
    classified = algebra if algebra is not None and algebra.components is not None else None
    observable = problem.observable
    if isinstance(observable, ProjectorProduct) and len(observable.wires) > MAX_PROJECTOR_WIRES:
        found = _wide_projector(problem, strings, state, classified) if single and not known else None
        if found is None:
            return Prediction.unavailable(f"a projector on {len(observable.wires)} wires has too many terms")
    else:
        if isinstance(observable, ProjectorProduct):
            observable = observable.expand()
        observable = push_through(effective, known[len(leading) :], effective.clifford.push(observable))
        if observable is None:
            return Prediction.unavailable("known gates spread the observable over too many strings")
        if not single:
            if algebra is not None and algebra.complete and algebra.dim == 4**effective.num_wires - 1:
                return _universal_limit(problem, generators, observable, state)
            if leading:
                return Prediction.unavailable("known gates before the trainable ones, and generators that are sums")
            from .module_limit import module_limit  # heavy, and only for sums

            return module_limit(problem, generators, observable)
        found = limit(strings, observable, state, algebra=classified, budget=problem.budget)
    gradient = _per_element(effective, trainable, found.gradient, problem.ansatz.arguments.num_elements)
    return Prediction(found.loss, gradient, found.loss_mean, {"limit": found})


def _universal_limit(
    problem: Problem, generators: list[PauliSum], observable: PauliSum, state: State
) -> Prediction:
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
    return Prediction(found.loss, gradient, found.loss_mean, {"limit": found})


def _wide_projector(
    problem: Problem, strings: PauliStrings, state: State, algebra: LieAlgebra | None
) -> Limit | None:
    """A projector on many wires, by the Z of each of them."""
    wires, n = problem.observable.wires, problem.ansatz.num_wires
    z = PauliSum(PauliStrings.from_local([(w,) for w in wires], ["Z"] * len(wires), n), np.ones(len(wires)))
    stabilizers = problem.effective.clifford.push(z).strings
    return projector_limit(strings, stabilizers, state, algebra=algebra, budget=problem.budget)


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
        angle = 2 * effective.coefficients[effective.offsets[k]] * effective.angles[k].offset
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


def limit_of(prediction: Prediction) -> Limit | None:
    """The limit in full, where the generators are single strings."""
    found = prediction.statistics.get("limit")
    return found if isinstance(found, Limit) else None
