"""Sampled losses and gradients, where no other engine applies: one argument in several places, large modules, ``var``.

The angles are drawn under their law as the user's arguments are, so nothing is assumed about which gate shares which
argument. A circuit is run on the state vector of the observable's light cone (``simulators.py``), or on the Pauli
strings that the observable reaches (``string_simulation.py``): with noise, beyond 16 qubits, or where these are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float

from pennylane_dla.algebra.allowance import OutOfTime, current
from pennylane_dla.circuit.ansatz import Angle, UnknownState
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.pauli.strings import product

from .estimate import Prediction, VarianceEstimate
from .gradient_mean import mean_by_element
from .problem import Problem
from .progress import Progress
from .shares import one_by_one
from .simulators import Simulation, simulation
from .string_simulation import StringSimulation, string_simulation

METHOD = "simulated"
MAX_QUBITS = 16
FEW_QUBITS = 6  # state vectors take no time worth saving
MAX_STRINGS = 2**17
GAIN = 4.0  # by which strings must be faster than a state vector, as estimated
MAX_PROJECTOR_WIRES = 12
MIN_SAMPLES = 256
LEAST_SAMPLES = 16  # that must fit into the time
LONGEST = 60.0  # seconds of sampling to plan for
MAX_PAIRS = 4_000_000  # terms of an observable, squared, for its variance


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """:func:`predict` for several observables of one circuit."""
    return one_by_one(predict, problems)


def predict(problem: Problem) -> Prediction:
    """Sample variances of the loss and of every gradient component, with standard errors.

    Sampling stops when the loss and half of the components are known to ``budget.rtol``, after ``budget.samples``
    circuits or when the open allowance of time is used up.

    Args:
        problem: a circuit without noise whose light cone has at most 16 qubits, or any circuit whose observable
            reaches at most ``2^17`` Pauli strings

    Returns:
        estimates (``exact=False``) with standard errors and intervals, or the reason why there are none
    """
    observables = _observables(problem)
    if isinstance(observables, str):
        return Prediction.unavailable(observables)
    if isinstance(problem.ansatz.state, UnknownState):
        return Prediction.unavailable(problem.ansatz.state.reason)
    rng = np.random.default_rng(problem.budget.seed)
    try:
        problem.law.draw(rng, 1)
    except DLAError as error:
        return Prediction.unavailable(str(error))
    task = _task(problem, observables)
    if isinstance(task, str):
        return Prediction.unavailable(task)
    if not np.isfinite([angle.offset for angle in task.angles]).all():
        return Prediction.unavailable("data values are unknown under jit: call inspect with concrete data")
    return _sample(problem, task, rng)


def _task(problem: Problem, observables: tuple[PauliSum, ...]) -> Simulation | StringSimulation | str:
    """How one circuit is run: whatever is estimated to be faster; or why it cannot be."""
    vectors = simulation(problem.ansatz, observables, MAX_QUBITS)
    possible = not isinstance(vectors, str)
    if possible and vectors.num_wires <= FEW_QUBITS:
        return vectors
    seconds = vectors.seconds / GAIN if possible else min(current().left, LONGEST) / LEAST_SAMPLES
    strings = string_simulation(problem.ansatz, observables, MAX_STRINGS, seconds, problem.budget)
    if not isinstance(strings, str):
        return strings
    return vectors if possible else f"{vectors}, and {strings}"


def _observables(problem: Problem) -> tuple[PauliSum, ...] | str:
    """The observable, and for a variance its square."""
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return f"a projector on {len(observable.wires)} wires has too many terms to enumerate"
        observable = observable.expand()
    if problem.kind != "var":
        return (observable,)
    if len(observable) ** 2 > MAX_PAIRS:
        return f"the square of an observable of {len(observable)} terms is too long"
    return observable, square(observable)


def square(observable: PauliSum) -> PauliSum:
    """``O²``, of which only products of commuting terms survive.

    >>> square(PauliSum.from_dict({"Z": 2.0, "X": 1.0})).constant
    5.0
    """
    m = len(observable)
    first, second = np.repeat(np.arange(m), m), np.tile(np.arange(m), m)
    strings, exponent = product(observable.strings[first], observable.strings[second])
    real = exponent % 2 == 0
    coefficients = observable.coefficients[first] * observable.coefficients[second] * (1.0 - exponent)
    parts = [strings[real], observable.strings]
    weights = np.concatenate([coefficients[real], 2 * observable.constant * observable.coefficients])
    total = PauliSum.collect(PauliStrings.concatenate(parts), weights)
    return PauliSum(total.strings, total.coefficients, total.constant + observable.constant**2)


@dataclass
class _Moments:
    """Sums of powers about a point near the mean, to the fourth; ``scale`` is the size of what would be rounding
    beside it."""

    scale: float
    about: Float[np.ndarray, " k"]
    count: int = 0
    sums: Float[np.ndarray, "4 k"] | None = None

    def add(self, samples: Float[np.ndarray, "batch k"]) -> None:
        away = samples - self.about
        powers = np.stack([np.sum(away**j, axis=0) for j in (1, 2, 3, 4)])
        self.sums = powers if self.sums is None else self.sums + powers
        self.count += len(samples)

    def variance(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean, variance and its standard error ``√((m₄ − m₂²)/N)``."""
        one, two, three, four = self.sums / self.count
        second = two - one**2
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        error = np.sqrt(np.maximum(fourth - second**2, 0) / self.count)
        noise = 1e-24 * self.scale**2
        second = np.where(second <= noise, 0.0, second * self.count / (self.count - 1))
        return self.about + one, second, np.where(second == 0, 0.0, error)


def _sample(problem: Problem, task: Simulation | StringSimulation, rng: np.random.Generator) -> Prediction:
    budget, num = problem.budget, problem.ansatz.arguments.num_elements
    offsets, matrix, chain, own = angle_map(task.angles, num)
    allowance = current()
    size = max(2, int(min(task.batch, min(allowance.left, LONGEST) / (4 * max(task.seconds, 1e-9)))))
    shown = Progress("sampled circuits", budget.samples, budget.progress)
    loss = gradient = None
    stopped = "all samples drawn"
    while True:
        batch = max(1, min(size, budget.samples - (loss.count if loss else 0)))
        elements = problem.law.draw(rng, batch)
        angles = offsets + (matrix @ elements.T).T
        angles[:, own] = rng.uniform(0, 2 * np.pi * 10_007, (batch, len(own)))
        try:
            values, slopes = task.run(angles)
        except OutOfTime as stop:
            if loss is None or loss.count < 2:
                shown.close()
                return Prediction.unavailable(f"no two circuits {task.description} were run: {stop}")
            stopped = str(stop)
            break
        value, slope = _loss(problem, task, values, slopes)
        slope = slope @ chain
        if loss is None:
            scale = sum(float(np.abs(o.coefficients).sum()) + abs(o.constant) for o in task.observables)
            loss, gradient = _Moments(scale, np.array([value.mean()])), _Moments(scale, slope.mean(axis=0))
        loss.add(value[:, None])
        gradient.add(slope)
        shown.advance(batch)
        if loss.count >= min(MIN_SAMPLES, budget.samples):
            if _precise(loss, gradient, budget.rtol):
                stopped = f"relative error below {budget.rtol:g}"
                break
            if loss.count >= budget.samples:
                break
        if loss.count > 1 and allowance.over:
            stopped = allowance.statement
            break
    shown.close()
    mean, variance, error = (float(part[0]) for part in loss.variance())
    means, variances, errors = gradient.variance()
    reason = f"{loss.count} sampled circuits {task.description}, {stopped}"
    return Prediction(
        _estimate(variance, error, reason),
        _estimate(variances, errors, reason),
        mean,
        {"samples": loss.count, **task.statistics},
        loss_mean_stderr=float(np.sqrt(variance / loss.count)),
        gradient_mean=mean_by_element(problem, means, METHOD, np.sqrt(variances / loss.count)),
    )


def _estimate(value, error, reason: str) -> VarianceEstimate:
    interval = (np.maximum(value - 1.96 * error, 0), value + 1.96 * error)
    if np.ndim(value) == 0:
        interval = tuple(float(end) for end in interval)
    return VarianceEstimate(value, error, METHOD, False, interval, reason)


def angle_map(angles: Sequence[Angle], num: int):
    """``angles = offsets + matrix · elements``; the matrix of the chain rule, where an angle that is not affine counts
    as the element itself, as for the other engines; and the positions of those."""
    offsets = np.array([angle.offset for angle in angles], float)
    own = [k for k, angle in enumerate(angles) if not angle.affine]
    affine = [
        (k, element, coefficient)
        for k, angle in enumerate(angles)
        if angle.affine
        for element, coefficient in zip(angle.elements, angle.coefficients, strict=True)
    ]
    alone = [(k, e, 1.0) for k in own for e in angles[k].elements]
    matrices = []
    for entries in (affine, affine + alone):
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        matrices.append(scipy.sparse.csr_array((np.array(values, float), (rows, columns)), shape=(len(angles), num)))
    return offsets, *matrices, own


def _loss(problem: Problem, task: Simulation | StringSimulation, values: np.ndarray, slopes: np.ndarray):
    """Loss and its derivatives with respect to the gates' angles; ``⟨O²⟩ − ⟨O⟩²`` for a variance."""
    first = values[:, 0] + task.observables[0].constant
    if problem.kind != "var":
        return first, slopes[:, 0]
    second = values[:, 1] + task.observables[1].constant
    return second - first**2, slopes[:, 1] - 2 * first[:, None] * slopes[:, 0]


def _precise(loss: _Moments, gradient: _Moments, rtol: float) -> bool:
    _, variance, error = loss.variance()
    if variance[0] > 0 and error[0] > rtol * variance[0]:
        return False
    _, variances, errors = gradient.variance()
    moving = variances > 0
    return not moving.any() or np.median(errors[moving] / variances[moving]) <= rtol
