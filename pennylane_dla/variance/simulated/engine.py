"""Sampled losses and gradients, where no other engine applies: one argument in several places, large modules, ``var``.

The angles are drawn under their law as the user's arguments are, so nothing is assumed about which gate shares which
argument. A circuit is run on the state vector of the observable's light cone (``state_vectors.py``), or on the Pauli
strings that the observable reaches (``pauli_vectors.py``): with noise, beyond 16 qubits, or where these are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from pennylane_dla.allowance import OutOfTime, current
from pennylane_dla.circuit.ansatz import Ansatz
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.pauli.sums import square
from pennylane_dla.progress import Count
from pennylane_dla.variance.chain_rule import angle_map
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.gradient_mean import mean_by_element
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.shares import in_turn, variance_of

from .pauli_vectors import StringSimulation, string_simulation
from .state_vectors import Simulation, light_cone, simulation

METHOD = "simulated"
MAX_QUBITS = 16
FEW_QUBITS = 6  # state vectors take no time worth saving
MAX_STRINGS = 2**17
GAIN = 4.0  # by which strings must be faster than a state vector, as estimated
MAX_PROJECTOR_WIRES = 12
MIN_SAMPLES = 256
LEAST_SAMPLES = 16  # that must fit into the time
LONGEST = 60.0  # seconds of sampling to plan for
MOST = 0.75  # of the observables of a circuit that must be known well
MAX_PAIRS = 4_000_000  # terms of an observable, squared, for its variance


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
    return predict_together([problem])[0]


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """The same for several observables of one circuit, whose samples they share.

    Sampling stops when most of the observables are known so well. An observable whose light cone is smaller than that
    of the others is sampled on its own cone.
    """
    results: dict[int, Prediction] = {}
    wanted: dict[int, tuple[PauliSum, ...]] = {}
    for i, problem in enumerate(problems):
        observables = _observables(problem)
        if isinstance(observables, Declined):
            results[i] = Prediction.unavailable(observables.reason)
        else:
            wanted[i] = observables
    groups = _by_cone(problems[0].ansatz, wanted)
    found = in_turn(
        lambda group: _predict_group([problems[i] for i in group], [wanted[i] for i in group]),
        groups,
        len,
        lambda group: variance_of(problems[group[0]]),
    )
    for group, predictions in zip(groups, found, strict=True):
        for i, prediction in zip(group, predictions, strict=True):
            results[i] = prediction
    return [results[i] for i in range(len(problems))]


def _by_cone(ansatz: Ansatz, wanted: dict[int, tuple[PauliSum, ...]]) -> list[list[int]]:
    """Observables that are simulated together: together they need hardly more qubits than the largest of them."""
    cones: dict[frozenset, frozenset] = {}
    own = {}
    for i, observables in wanted.items():
        x, z = observables[0].strings.bits()
        support = frozenset(np.flatnonzero(np.any(x | z, axis=0)).tolist())
        if support not in cones:
            cones[support] = light_cone(ansatz, support)
        own[i] = cones[support]
    groups: list[tuple[frozenset, list[int]]] = []
    for i in sorted(own, key=lambda i: -len(own[i])):
        for k, (cone, members) in enumerate(groups):
            if len(cone | own[i]) <= max(FEW_QUBITS, len(cone)):
                members.append(i)
                groups[k] = cone | own[i], members
                break
        else:
            groups.append((own[i], [i]))
    return [sorted(members) for _, members in groups]


def _predict_group(problems: Sequence[Problem], wanted: Sequence[tuple[PauliSum, ...]]) -> list[Prediction]:
    """Observables that are simulated together."""
    problem = problems[0]

    def none(reason: str) -> list[Prediction]:
        return [Prediction.unavailable(reason) for _ in problems]

    rng = np.random.default_rng(problem.budget.seed)
    try:
        problem.law.draw(rng, 1)
    except DLAError as error:
        return none(str(error))
    task = _task(problem, tuple(observable for observables in wanted for observable in observables))
    if isinstance(task, Declined):
        if len(problems) == 1:
            return none(task.reason)
        pairs = list(zip(problems, wanted, strict=True))  # each may be in reach alone
        found = in_turn(
            lambda pair: _predict_group([pair[0]], [pair[1]]), pairs, lambda pair: 1, lambda pair: variance_of(pair[0])
        )
        return [one for (one,) in found]
    return _sample(problems, task, rng)


def _task(problem: Problem, observables: tuple[PauliSum, ...]) -> Simulation | StringSimulation | Declined:
    """How one circuit is run: whatever is estimated to be faster; or why it cannot be."""
    vectors = simulation(problem.ansatz, observables, MAX_QUBITS)
    possible = not isinstance(vectors, Declined)
    if possible and vectors.num_wires <= FEW_QUBITS:
        return vectors
    seconds = vectors.seconds / GAIN if possible else min(current().left, LONGEST) / LEAST_SAMPLES
    strings = string_simulation(problem.ansatz, observables, MAX_STRINGS, seconds, problem.budget)
    if not isinstance(strings, Declined):
        return strings
    return vectors if possible else Declined(f"{vectors.reason}, and {strings.reason}")


def _observables(problem: Problem) -> tuple[PauliSum, ...] | Declined:
    """The observable, and for a variance its square."""
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        if len(observable.wires) > MAX_PROJECTOR_WIRES:
            return Declined(f"a projector on {len(observable.wires)} wires has too many terms to enumerate")
        observable = observable.expand()
    if problem.kind != "var":
        return (observable,)
    if len(observable) ** 2 > MAX_PAIRS:
        return Declined(f"the square of an observable of {len(observable)} terms is too long")
    return observable, square(observable)


@dataclass
class _PowerSums:
    """Sums of powers about a point near the mean, to the fourth; ``scale`` is the size of what would be rounding
    beside it."""

    scale: Float[np.ndarray, " k"]
    about: Float[np.ndarray, " k"]
    count: int = 0
    sums: Float[np.ndarray, "4 _"] = field(default_factory=lambda: np.zeros((4, 1)))

    def add(self, samples: Float[np.ndarray, "batch k"]) -> None:
        away = samples - self.about
        self.sums = self.sums + np.stack([np.sum(away**j, axis=0) for j in (1, 2, 3, 4)])
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


def _sample(
    problems: Sequence[Problem], task: Simulation | StringSimulation, rng: np.random.Generator
) -> list[Prediction]:
    problem, number = problems[0], len(problems)
    budget, num = problem.budget, problem.ansatz.arguments.num_elements
    offsets, matrix, chain, own = angle_map(task.angles, num)
    allowance = current()
    size = max(2, int(min(task.batch, min(allowance.left, LONGEST) / (4 * max(task.seconds, 1e-9)))))
    shown = Count(budget.samples)
    forwards = task if isinstance(task, Simulation) and task.forwards(num) else None
    loss = gradient = None
    stopped = "all samples drawn"
    while True:
        batch = max(1, min(size, budget.samples - (loss.count if loss else 0)))
        elements = problem.law.draw(rng, batch)
        angles = offsets + (matrix @ elements.T).T
        angles[:, own] = rng.uniform(0, 2 * np.pi * 10_007, (batch, len(own)))
        try:
            values, slopes = forwards.run_forwards(angles, chain) if forwards else task.run(angles)
        except OutOfTime as stop:
            if loss is None or gradient is None or loss.count < 2:
                missing = f"no two circuits {task.description} were run: {stop}"
                return [Prediction.unavailable(missing) for _ in problems]
            stopped = str(stop)
            break
        value, slope, scale = _losses(problems, task, values, slopes)
        slope = slope.reshape(batch * number, -1)
        slope = (slope if forwards else slope @ chain).reshape(batch, number * num)
        if loss is None or gradient is None:
            loss = _PowerSums(scale, value.mean(axis=0))
            gradient = _PowerSums(np.repeat(scale, num), slope.mean(axis=0))
        loss.add(value)
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
    reason = f"{loss.count} sampled circuits {task.description}, {stopped}"
    statistics = {"samples": loss.count, **task.statistics}
    slopes = zip(*(part.reshape(number, num) for part in gradient.variance()), strict=True)
    result = []
    for one, mean, variance, error, (means, variances, errors) in zip(problems, *loss.variance(), slopes, strict=True):
        result.append(
            Prediction(
                VarianceEstimate.sampled(float(variance), float(error), METHOD, reason),
                VarianceEstimate.sampled(variances, errors, METHOD, reason),
                float(mean),
                statistics,
                loss_mean_stderr=float(np.sqrt(variance / loss.count)),
                gradient_mean=mean_by_element(one, means, METHOD, np.sqrt(variances / loss.count)),
            )
        )
    return result


def _losses(
    problems: Sequence[Problem], task: Simulation | StringSimulation, values: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses and their derivatives with respect to the gates' angles, ``⟨O²⟩ − ⟨O⟩²`` for a variance; and for each how
    large it may be."""
    values = values + np.array([observable.constant for observable in task.observables])
    sizes = np.array([float(np.abs(o.coefficients).sum()) + abs(o.constant) for o in task.observables])
    if all(problem.kind != "var" for problem in problems):
        return values, slopes, sizes
    columns, derivatives, scale, j = [], [], [], 0
    for problem in problems:
        if problem.kind != "var":
            columns.append(values[:, j])
            derivatives.append(slopes[:, j])
            scale.append(sizes[j])
            j += 1
            continue
        columns.append(values[:, j + 1] - values[:, j] ** 2)
        derivatives.append(slopes[:, j + 1] - 2 * values[:, j, None] * slopes[:, j])
        scale.append(sizes[j] + sizes[j + 1])
        j += 2
    return np.stack(columns, axis=1), np.stack(derivatives, axis=1), np.array(scale)


def _precise(loss: _PowerSums, gradient: _PowerSums, rtol: float) -> bool:
    """Whether most of the observables are known well: their losses, and half of their components that move."""
    _, variance, error = loss.variance()
    good = (variance == 0) | (error <= rtol * variance)
    _, variances, errors = (part.reshape(len(variance), -1) for part in gradient.variance())
    moving = variances > 0
    relative = errors / np.where(moving, variances, 1.0)
    for j in np.flatnonzero(good):
        good[j] = not moving[j].any() or np.median(relative[j, moving[j]]) <= rtol
    return bool(np.mean(good) >= MOST)
