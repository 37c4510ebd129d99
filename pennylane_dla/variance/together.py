"""All measurements of one circuit as one problem: what is predicted for each of them, at finite depth and in the limit.

Outcomes of ``probs`` and several expectation values share the walk through the circuit, the module, the closure and the
samples, so that the engines are asked for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.allowance import Allowance
from pennylane_dla.circuit.ansatz import Ansatz
from pennylane_dla.circuit.effective import without_noise
from pennylane_dla.progress import part

from .choose import predict_together
from .estimate import Prediction
from .law import AngleLaw
from .limit.engine import deep_limits
from .limit.result import DeepLimit
from .problem import Budget, Problem
from .shares import share_of

FINITE = 3 / 4  # of the time that is left for a circuit; the limit gets the rest


class Forecast(NamedTuple):
    """What is predicted for one measurement of one circuit.

    Args:
        finite: at the given depth
        limit: of the deep circuit, without its noise
        undamped: at the given depth, without its noise; ``None`` where it has none, or where it was not asked for
    """

    finite: Prediction
    limit: DeepLimit
    undamped: Prediction | None


def forecasts(
    batch: Sequence[Ansatz],
    law: AngleLaw,
    budget: Budget,
    method: str | None = None,
    algebra: LieAlgebra | None = None,
    allowance: Allowance | None = None,
) -> list[list[Forecast]]:
    """Predict every measurement of every circuit of a broadcast batch (usually one).

    Args:
        batch: circuits with the same measurements; one that stands there twice is predicted once
        law: of the trainable elements
        budget: limits
        method: the name of one engine, to ask only that one
        algebra: of the first circuit, where it is known
        allowance: of ``budget.max_seconds``, shared by all

    Returns:
        for each measurement one forecast for each circuit; those of a measurement without an observable say why
    """
    known: dict[int, list[Forecast]] = {}
    circuits = list({id(ansatz): ansatz for ansatz in batch}.values())
    allowance = allowance or Allowance(budget.max_seconds)
    for number, ansatz in enumerate(circuits):
        first = ansatz is batch[0]
        waiting = len(circuits) - number
        with allowance.part(share_of(waiting)), part(None, 1 / waiting):
            known[id(ansatz)] = _of_circuit(ansatz, law, budget, method, algebra if first else None, allowance, first)
    return [[known[id(ansatz)][i] for ansatz in batch] for i in range(len(batch[0].measurements))]


def _of_circuit(
    ansatz: Ansatz,
    law: AngleLaw,
    budget: Budget,
    method: str | None,
    algebra: LieAlgebra | None,
    allowance: Allowance,
    causes: bool,
) -> list[Forecast]:
    measurements = ansatz.measurements
    wanted = [i for i, measurement in enumerate(measurements) if measurement.observable is not None]

    def problems(circuit: Ansatz) -> list[Problem]:
        return [
            Problem(circuit, measurement.observable, law, budget, measurement.kind, allowance)
            for measurement in measurements
            if measurement.observable is not None
        ]

    asked, noiseless = problems(ansatz), without_noise(ansatz)
    undamped: Sequence[Prediction | None] = [None] * len(wanted)
    if not wanted:
        words = ""
    elif len(wanted) == 1:
        words = f"variance of {asked[0].label}"
    else:
        words = f"variances of {len(wanted)} measurements"
    with allowance.part(FINITE), part(words, FINITE):
        finite = predict_together(asked, method)
    if noiseless is not ansatz:
        asked = problems(noiseless)
        if causes:
            with allowance.part(FINITE), part(f"{words} without noise", FINITE):
                undamped = predict_together(asked, method)
    with part("deep limit"):
        limits = deep_limits(asked, algebra)
    missing = [DeepLimit.unavailable(measurement.reason or "") for measurement in measurements]
    result = [Forecast(prediction, prediction, None) for prediction in missing]
    for i, prediction, limit, without_channels in zip(wanted, finite, limits, undamped, strict=True):
        result[i] = Forecast(prediction, limit, without_channels)
    return result
