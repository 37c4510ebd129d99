"""The sector after the engines that are exact: where it is smaller than the state vector."""

from __future__ import annotations

from collections.abc import Sequence

from ..estimate import Prediction
from ..problem import Problem
from . import engine

FEW_QUBITS = 6  # state vectors take no time worth compiling for


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """:func:`.engine.predict_together`, where a rotation costs less on the sector than on the state vector.

    Args:
        problems: with one ansatz, law and budget

    Returns:
        one prediction for each, or why it is left to the simulators
    """
    effective = problems[0].effective
    reason = None
    if effective.num_wires <= FEW_QUBITS:
        reason = "a state vector of so few qubits is as fast"
    else:
        strings = len(effective.strings) / max(1, effective.num_rotations)
        largest = int((2.0**effective.num_wires * strings) ** 0.5)
        reason = next(filter(None, map(engine.obstacle, problems)), None)
        if reason is None:
            return engine.predict_together(problems, largest)
    return [Prediction.unavailable(reason) for _ in problems]
