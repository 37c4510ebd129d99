"""The limit of a deep circuit, for any generators: which of the two limits applies, and what it says of the causes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from pennylane_dla.algebra.dynamical import circuit_generators, push_through
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, ProjectorProduct

from .estimate import Prediction, VarianceEstimate
from .limit import Limit, limit
from .problem import Problem

MAX_PROJECTOR_WIRES = 12


def deep_limit(problem: Problem) -> Prediction:
    """Variances of a circuit with the same generators, deep enough to be a 2-design over its Lie group.

    Args:
        problem: one observable of one circuit; noise is left out

    Returns:
        the limit for the loss and for every element (as if deep inside the circuit), with the
        :class:`~pennylane_dla.variance.limit.Limit` itself in ``statistics["limit"]``; or the reason why there is none
    """
    if problem.kind == "var":
        return Prediction.unavailable("a variance is not linear in the state")
    effective = problem.effective
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return Prediction.unavailable(f"a projector on {len(observable.wires)} wires has too many terms")
        observable = observable.expand()
    trainable = [k for k, angle in enumerate(effective.angles) if not angle.fixed]
    if not trainable:
        return Prediction.unavailable("no gate is trainable")
    known = [k for k, angle in enumerate(effective.angles) if angle.fixed]
    if known and known[0] < trainable[0]:
        return Prediction.unavailable("known gates before the trainable ones make the initial state no product state")
    generators = circuit_generators(effective)
    observable = push_through(effective, known, effective.clifford.push(observable))
    if generators is None or observable is None:
        return Prediction.unavailable("known gates spread the generators over too many strings")
    if any(len(generator) > 1 for generator in generators):
        from .module_limit import module_limit  # heavy, and only for sums

        return module_limit(problem, generators, observable)
    strings = PauliStrings.concatenate([generator.strings for generator in generators])
    result = limit(strings, observable, effective.state, budget=problem.budget)
    gradient = _per_element(effective, trainable, result.gradient, problem.ansatz.arguments.num_elements)
    return Prediction(result.loss, gradient, result.loss_mean, {"limit": result})


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
