"""The one place that chooses an engine: those of the table that apply, one after the other, until one has an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_dla.allowance import OutOfTime
from pennylane_dla.circuit.ansatz import Rotation, UnknownState
from pennylane_dla.pauli import PauliSum
from pennylane_dla.progress import part

from .dead import mark_dead
from .engines import Engine, engines, named
from .estimate import Declined, Prediction, VarianceEstimate
from .problem import Problem

SHARE = 1 / 2  # of the time that is left, for an engine while there is another behind it


def predict(problem: Problem, method: str | None = None) -> Prediction:
    """Variance of the loss and of every gradient component, by the first engine that applies.

    Args:
        problem: one observable of one circuit
        method: the name of one engine, to ask only that one

    Returns:
        the prediction; where no engine applies, the reason of each

    Raises:
        DLAError: for an unknown ``method``
    """
    return predict_together([problem], method)[0]


def predict_together(problems: Sequence[Problem], method: str | None = None) -> list[Prediction]:
    """The same for several observables of one circuit: an engine gets all it is the next to be asked for at once.

    Args:
        problems: of the same circuit, law and limits
        method: the name of one engine, to ask only that one

    Returns:
        one prediction each, in order

    Raises:
        DLAError: for an unknown ``method``
    """
    table = engines() if method is None else (named(method),)
    if not problems:
        return []
    declined = _unknown(problems[0])
    if declined is not None:
        return [Prediction.unavailable(declined.reason) for _ in problems]
    problems = [replace(problem, method=method) for problem in problems] if method else problems
    waiting: list[list[Engine]] = []
    reasons: list[list[str]] = [[] for _ in problems]
    for problem, why in zip(problems, reasons, strict=True):
        answers = [(engine, engine.applies(problem)) for engine in table]
        waiting.append([engine for engine, declined in answers if declined is None])
        if not waiting[-1]:
            why.extend(f"{engine.name}: {declined.reason}" for engine, declined in answers if declined is not None)
    results: list[Prediction | None] = [None] * len(problems)
    allowance = problems[0].time
    partial: dict[int, Prediction] = {}  # without a variance, but with a bound or a mean
    for engine in table:
        asked = [i for i, those in enumerate(waiting) if results[i] is None and engine in those]
        if not asked:
            continue
        last = all(waiting[i][-1] is engine for i in asked)
        share = 1.0 if last else SHARE
        with allowance.part(share), part(None, share):
            found = _ask(engine, [problems[i] for i in asked])
        for i, prediction in zip(asked, found, strict=True):
            if prediction.loss.available:
                results[i] = prediction if prediction.gradient.exact else _with_known_zeros(prediction, problems[i])
                continue
            reasons[i].append(f"{engine.name}: {prediction.loss.reason}")
            mean = prediction.gradient_mean
            if prediction.loss_mean is not None or prediction.loss.interval is not None or (mean and mean.available):
                partial[i] = prediction
    return [
        _without_value(partial.get(i), "; ".join(dict.fromkeys(reasons[i]))) if found is None else found
        for i, found in enumerate(results)
    ]


def _ask(engine: Engine, problems: Sequence[Problem]) -> Sequence[Prediction]:
    try:
        return engine.predict_together(problems)
    except OutOfTime as stop:
        return [Prediction.unavailable(str(stop)) for _ in problems]


def _without_value(partial: Prediction | None, reason: str) -> Prediction:
    """No engine has a variance; the bounds and means of one that came near it stay."""
    if partial is None:
        return Prediction.unavailable(reason)
    loss, gradient = (
        VarianceEstimate.unavailable(reason, estimate.interval) for estimate in (partial.loss, partial.gradient)
    )
    return replace(partial, loss=loss, gradient=gradient)


def _unknown(problem: Problem) -> Declined | None:
    """What rules a circuit out for every engine: data, a state or a law of the angles that nobody knows."""
    rotations = [gate for gate in problem.ansatz.gates if isinstance(gate, Rotation)]
    if any(np.isnan(gate.angle.offset) for gate in rotations):
        return Declined("data values are unknown under jit: call inspect with concrete data")
    if isinstance(problem.ansatz.state, UnknownState):
        return Declined(problem.ansatz.state.reason)
    for gate in rotations:
        if not gate.angle.affine:
            driving = ", ".join(problem.ansatz.arguments.label(e) for e in gate.angle.elements[:3])
            return Declined(
                f"the angle of {gate.name} is not affine in {driving}, so its distribution is unknown; "
                "make the angle itself the argument"
            )
    return None


def _with_known_zeros(prediction: Prediction, problem: Problem) -> Prediction:
    effective = problem.effective
    if not effective.single or effective.correlated or problem.kind == "var":
        return prediction
    observable = problem.observable
    pushed = effective.clifford.push(observable) if isinstance(observable, PauliSum) else None
    return mark_dead(prediction, effective, pushed)
