"""The few figures of a diagnosis that comparisons and sweeps are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pennylane_dla.variance.estimate import VarianceEstimate, as_float

from .numbers import count
from .records import Diagnosis
from .verdict import verdict


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
        gradient: median second moment (variance plus squared mean) of the gradient entries that can move; 0 where none
            can, ``None`` where it is not known
        gradient_at_most: an upper bound of it, where sampling gave no more
        gradient_stderr: standard error of the component in the middle
        smallest: least of them
        largest: greatest of them
        dead: components that are exactly zero
        shots_needed: the number of shots that decides about the measurement, per expectation value
        shots_is_bound: whether that is only a lower bound
        label: of the verdict on this measurement alone
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
    gradient_at_most: float | None
    gradient_stderr: float | None
    smallest: float | None
    largest: float | None
    dead: int
    shots_needed: float | None
    shots_is_bound: bool
    label: str
    method: str
    exact: bool
    verdict: str
    reason: str | None


def summarize(diagnostics: Diagnosis, measurement: int = 0) -> Summary:
    """The summary of one measurement."""
    chosen = diagnostics.measurements[measurement]
    estimate, loss = chosen.gradient.moment_estimate or chosen.gradient.estimate, chosen.loss.variance
    middle = median_live(estimate, diagnostics.num_params)
    alone = verdict((chosen,), diagnostics.shots)
    return Summary(
        name=diagnostics.name,
        num_wires=diagnostics.num_wires,
        num_params=diagnostics.num_params,
        algebra=diagnostics.algebra.name,
        dim=diagnostics.algebra.dim,
        dim_complete=diagnostics.algebra.complete,
        loss=float(np.mean(as_float(loss.value))) if loss.available else None,
        loss_stderr=float(np.mean(as_float(loss.stderr))) if loss.available else None,
        gradient=middle.value,
        gradient_at_most=middle.at_most,
        gradient_stderr=middle.stderr,
        smallest=middle.smallest,
        largest=middle.largest,
        dead=len(chosen.gradient.dead),
        shots_needed=alone.shots_needed,
        shots_is_bound=alone.is_bound,
        label=alone.label,
        method=estimate.method,
        exact=estimate.exact,
        verdict=diagnostics.verdict.label,
        reason=None if estimate.available else estimate.reason,
    )


class Middle(NamedTuple):
    """The entry in the middle of those that can move, and the range of those that were seen to."""

    value: float | None = None
    stderr: float | None = None
    smallest: float | None = None
    largest: float | None = None
    at_most: float | None = None


def median_live(estimate: VarianceEstimate, size: int) -> Middle:
    """Median of the entries that are not known to vanish, the standard error of the one in the middle, the smallest and
    the largest positive one.

    Args:
        estimate: one entry per element
        size: number of elements

    Returns:
        zeros where every entry is known to vanish; no ``value`` where there is no estimate, or where the entry in the
        middle was not seen in sampling: then ``at_most`` bounds it
    """
    if not estimate.available:
        return Middle()

    def rows(values):
        return np.broadcast_to(np.asarray(values, float), np.shape(estimate.value)).reshape(size, -1).mean(axis=1)

    values, errors = rows(estimate.value), rows(estimate.stderr)
    if estimate.exact:
        highs = values
    else:
        highs = rows(estimate.interval[1]) if estimate.interval is not None else values + 2 * errors
    live = np.flatnonzero(highs > 0)
    if not len(live):
        return Middle(0.0, 0.0, 0.0, 0.0)
    order = live[np.argsort(values[live], kind="stable")]
    seen = values[order] > 0
    smallest, largest = (float(values[order[seen]][end]) if seen.any() else None for end in (0, -1))
    if not seen[(len(order) - 1) // 2]:
        return Middle(None, None, smallest, largest, float(np.median(highs[live])))
    return Middle(float(np.median(values[live])), float(errors[order[len(order) // 2]]), smallest, largest)


def shown_gradient(summary: Summary) -> str:
    """The median second moment with its error, or its bound, for a table."""
    if summary.gradient is None:
        return "–" if summary.gradient_at_most is None else f"≤ {summary.gradient_at_most:.2g}"
    if not summary.gradient_stderr:
        return f"{summary.gradient:.3g}"
    return f"{summary.gradient:.2g} ± {summary.gradient_stderr:.0e}"


def shown_shots(number: float | None, is_bound: bool) -> str:
    """A number of shots for a table: a lower bound as such."""
    if number is None:
        return "–"
    return ("≥ " if is_bound else "") + ("∞" if np.isinf(number) else count(number))
