"""The one place that chooses an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np

from pennylane_dla.allowance import OutOfTime
from pennylane_dla.circuit.ansatz import Rotation
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum
from pennylane_dla.progress import part

from .dead import mark_dead
from .estimate import Prediction, VarianceEstimate
from .problem import Problem

# Asked in this order, each imported when it is needed. The sector comes twice: where it is small, and where it is at
# least smaller than the state vector.
_MODULES = {
    "exact": "exact.engine",
    "sector first": "sector.first",
    "module": "module.engine",
    "paths": "paths.engine",
    "sector then": "sector.second",
    "sector": "sector.engine",
    "simulated": "simulated.engine",
}
ENGINES = ("exact", "module", "paths", "sector", "simulated")  # that ``method`` may name
SHARE = 1 / 2  # of the time that is left, for an engine while there is another behind it


def candidates(problem: Problem) -> tuple[str, ...]:
    """The engines to ask, in this order: exact ones first, those that cannot apply left out."""
    if problem.kind == "var":
        return ("sector then", "simulated")  # those that are not linear in the state
    if not problem.effective.single:
        return ("sector first", "module", "sector then", "simulated")
    if problem.effective.correlated:
        # Noise between the gates of one argument keeps them from being one rotation; the module engine knows.
        return ("module", "simulated") if problem.effective.channels else ("sector then", "simulated")
    return ("exact", "paths", "simulated")


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
    if method is not None and not (isinstance(method, str) and method in ENGINES):
        raise DLAError(f"method={method!r} is not an engine; there are {', '.join(ENGINES)}.")
    reason = _unknown_law(problems[0]) if problems else None
    if reason:
        return [Prediction.unavailable(reason) for _ in problems]
    waiting = [list((method,) if method else candidates(problem)) for problem in problems]
    reasons: list[list[str]] = [[] for _ in problems]
    results: list[Prediction | None] = [None] * len(problems)
    allowance = problems[0].time if problems else None
    partial: dict[int, Prediction] = {}  # without a variance, but with a bound or a mean
    for name in _MODULES:
        asked = [i for i, names in enumerate(waiting) if results[i] is None and name in names]
        if not asked:
            continue
        last = all(waiting[i][-1] == name for i in asked)
        share = 1.0 if last else SHARE
        with allowance.part(share), part(None, share):
            found = _ask(name, [problems[i] for i in asked])
        for i, prediction in zip(asked, found, strict=True):
            if prediction.loss.available:
                results[i] = prediction if prediction.gradient.exact else _with_known_zeros(prediction, problems[i])
                continue
            reasons[i].append(f"{name.split()[0]}: {prediction.loss.reason}")
            mean = prediction.gradient_mean
            if prediction.loss_mean is not None or prediction.loss.interval is not None or (mean and mean.available):
                partial[i] = prediction
    return [
        _without_value(partial.get(i), "; ".join(dict.fromkeys(reasons[i]))) if found is None else found
        for i, found in enumerate(results)
    ]


def _ask(name: str, problems: Sequence[Problem]) -> Sequence[Prediction]:
    try:
        return import_module(f"{__package__}.{_MODULES[name]}").predict_together(problems)
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


def _unknown_law(problem: Problem) -> str | None:
    """Why the angles have no law that any engine knows, or ``None``."""
    rotations = [gate for gate in problem.ansatz.gates if isinstance(gate, Rotation)]
    if any(np.isnan(gate.angle.offset) for gate in rotations):
        return "data values are unknown under jit: call inspect with concrete data"
    for gate in rotations:
        if not gate.angle.affine:
            driving = ", ".join(problem.ansatz.arguments.label(e) for e in gate.angle.elements[:3])
            return (
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
