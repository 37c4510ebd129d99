"""The few figures of a diagnosis that comparisons and sweeps are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .diagnostics import Diagnostics
from .variance.estimate import VarianceEstimate, as_float


@dataclass(frozen=True)
class Summary:
    """Plain numbers of one circuit and one measurement.

    Args:
        name: of the QNode
        num_wires: qubits
        num_params: elements of the trainable arguments
        algebra: name of the Lie algebra, ``None`` where unknown
        dim: its dimension, or a lower bound
        dim_complete: whether it is the dimension
        loss: variance of the loss, ``None`` where not available
        loss_stderr: its standard error
        gradient: median variance of the gradient components that do not vanish; 0 where all of them do
        gradient_stderr: standard error of the component in the middle
        smallest: least of them
        largest: greatest of them
        dead: components that are exactly zero
        shots_needed: of the measurement
        method: engine of the gradient
        exact: whether the gradient is exact
        verdict: of the circuit
        reason: why there is no gradient variance
    """

    name: str
    num_wires: int
    num_params: int
    algebra: str | None
    dim: int
    dim_complete: bool
    loss: float | None
    loss_stderr: float | None
    gradient: float | None
    gradient_stderr: float | None
    smallest: float | None
    largest: float | None
    dead: int
    shots_needed: float | None
    method: str
    exact: bool
    verdict: str
    reason: str | None


def summarize(diagnostics: Diagnostics, measurement: int = 0) -> Summary:
    """The summary of one measurement."""
    chosen = diagnostics.measurements[measurement]
    estimate, loss = chosen.gradient.estimate, chosen.loss.variance
    middle, error, low, high = median_live(estimate, diagnostics.num_params)
    return Summary(
        name=diagnostics.name,
        num_wires=diagnostics.num_wires,
        num_params=diagnostics.num_params,
        algebra=diagnostics.algebra.name,
        dim=diagnostics.algebra.dim,
        dim_complete=diagnostics.algebra.complete,
        loss=float(np.mean(as_float(loss.value))) if loss.available else None,
        loss_stderr=float(np.mean(as_float(loss.stderr))) if loss.available else None,
        gradient=middle,
        gradient_stderr=error,
        smallest=low,
        largest=high,
        dead=len(chosen.gradient.dead),
        shots_needed=chosen.shots_needed,
        method=estimate.method,
        exact=estimate.exact,
        verdict=diagnostics.verdict.label,
        reason=None if estimate.available else estimate.reason,
    )


def median_live(estimate: VarianceEstimate, size: int) -> tuple[float | None, float | None, float | None, float | None]:
    """Median of the positive entries, the standard error of the entry in the middle, minimum and maximum.

    Args:
        estimate: one entry an element
        size: number of elements

    Returns:
        four times ``None`` where there is no estimate, zeros where no entry is positive
    """
    if not estimate.available:
        return None, None, None, None
    values = np.asarray(estimate.value, float).reshape(size, -1).mean(axis=1)
    errors = (
        np.broadcast_to(np.asarray(estimate.stderr, float), np.shape(estimate.value)).reshape(size, -1).mean(axis=1)
    )
    live = np.flatnonzero(values > 0)
    if not len(live):
        return 0.0, 0.0, 0.0, 0.0
    order = live[np.argsort(values[live])]
    return (
        float(np.median(values[live])),
        float(errors[order[len(order) // 2]]),
        float(values[order[0]]),
        float(values[order[-1]]),
    )
