"""The gradient against the noise of the shots, for a typical random initialization.

The signal of an entry is its second moment ``E[g²] = Var[g] + E[g]²``: under angles that are not uniform the mean can
be all of it. A second moment is a mean, which rare initializations can dominate; what a person sees at the first step
is the typical one. So shots are those of the median initialization, and the share of initializations that the given
shots resolve is stated: from simulated ones (``draws.py``) where the circuit is small enough, otherwise as if an entry
were normally distributed with the mean and variance that are known, and never more than Markov's inequality allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import ncx2

from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.estimate import Prediction, VarianceEstimate, as_float
from pennylane_dla.variance.limit.result import Limit
from pennylane_dla.variance.problem import Problem

from .draws import Draws, sample_draws
from .records import Signal
from .shots import mean_probability, shift_weights, shot_variance

RARE_WIRES = 8  # from how many on the outcome of a projector is so rare that its mean is not typical
RARE_WEIGHT = 12  # likewise for a Pauli string: a product of so many cosines is typically far below its mean
MOST_CIRCUITS = 8  # of a broadcast batch that are simulated
SAFE = 100
LARGE_MODULE = 64
MIXED = 1.5  # factor between the variance and its deep limit
SEEN = 1e-12  # of the largest entry: what is smaller is rounding


def second_moment(prediction: Prediction) -> VarianceEstimate:
    """``E[g²] = Var[g] + E[g]²`` of every entry, with errors and bounds."""
    variance, mean = prediction.gradient, prediction.gradient_mean
    if not variance.available or mean is None or not mean.available:
        return variance
    square = np.asarray(mean.value, float) ** 2
    if not square.any() and mean.exact:
        return variance
    slope = 2 * np.abs(np.asarray(mean.value, float)) * np.asarray(mean.stderr, float)
    value = np.asarray(variance.value, float) + square
    stderr = np.hypot(np.asarray(variance.stderr, float), slope)
    interval = None
    if variance.interval is not None:
        low, high = (np.asarray(end, float) for end in variance.interval)
        interval = np.maximum(low + square - 2 * slope, 0), high + square + 2 * slope
    elif not mean.exact:
        interval = np.maximum(value - 2 * stderr, 0), value + 2 * stderr
    exact = variance.exact and mean.exact
    return VarianceEstimate(value, stderr, variance.method, exact, interval, variance.reason)


@dataclass(frozen=True, eq=False)
class GradientEntries:
    """The gradient entries that can move, flattened: what is known of each.

    Args:
        low: lower end of ``E[g²]``
        value: the estimate; 0 where only a bound is known
        high: upper end
        mean: ``E[g]``
        weights: of the parameter-shift rule
    """

    low: Float[np.ndarray, " m"]
    value: Float[np.ndarray, " m"]
    high: Float[np.ndarray, " m"]
    mean: Float[np.ndarray, " m"]
    weights: Float[np.ndarray, " m"]

    @classmethod
    def of(cls, prediction: Prediction, weights: Float[np.ndarray, "elements batch"]) -> GradientEntries:
        """Those that are not known to vanish, and that drive a gate."""
        moment = second_moment(prediction)
        value = np.asarray(moment.value, float).reshape(len(weights), -1)
        low, high = value, value
        if not moment.exact and moment.interval is not None:
            low, high = (np.asarray(end, float).reshape(value.shape) for end in moment.interval)
        elif not moment.exact:
            error = 2 * np.broadcast_to(np.asarray(moment.stderr, float), np.shape(moment.value)).reshape(value.shape)
            low, high = np.maximum(value - error, 0), value + error
        mean = np.zeros_like(value)
        if prediction.gradient_mean is not None and prediction.gradient_mean.available:
            mean = np.asarray(prediction.gradient_mean.value, float).reshape(len(weights), -1) + mean
        weights = np.broadcast_to(weights.reshape(len(weights), -1), value.shape)
        live = (high > 0) & (weights > 0)
        return cls(low[live], value[live], high[live], mean[live], weights[live])

    def __len__(self) -> int:
        return len(self.value)


def find_signal(
    observable: PauliSum | ProjectorProduct,
    prediction: Prediction,
    weights: Float[np.ndarray, "elements batch"],
    single_shot: float,
    shots: int,
    draws: Sequence[Draws] = (),
    scrambled: bool = False,
) -> Signal:
    """Shots for a typical entry and for the whole gradient, and the share of initializations that are resolved.

    ``N`` shots per expectation value estimate entry ``k`` by the parameter-shift rule with variance ``w_k σ²/2N``. It
    is resolved where ``g_k²`` is not smaller; the whole gradient is where that holds for the sums over ``k``.

    Args:
        observable: that is measured
        prediction: of its gradient, available
        weights: ``w_k``, of :func:`~pennylane_dla.diagnosis.shots.shift_weights`; one column for each batch element
        single_shot: ``σ²``, of :func:`~pennylane_dla.diagnosis.shots.shot_variance`
        shots: that a user has for one expectation value
        draws: simulated initializations, where there are some: of each circuit of the batch
        scrambled: whether the loss is known to spread like a normal distribution (:func:`scrambles`)

    Returns:
        the signal
    """
    entries = GradientEntries.of(prediction, weights)
    if not len(entries):
        known = prediction.gradient.exact or prediction.gradient.interval is not None
        return Signal(shots, float("inf") if known else None, float("inf") if known else None, method="exact zeros")
    if draws:
        found = _from_draws(draws, shots)
        if found is not None:
            return found
    return _from_moments(observable, prediction, entries, single_shot, shots, scrambled)


def _from_draws(draws: Sequence[Draws], shots: int) -> Signal | None:
    """Medians and shares over simulated initializations."""
    entries, wholes, resolved = [], [], []
    for circuit in draws:
        size = np.abs(circuit.gradient).max(axis=0)
        live = size > SEEN * size.max(initial=0.0)
        if not live.any():
            return None
        square, noise, least = circuit.gradient[:, live] ** 2, circuit.noise[:, live], circuit.least[:, live]
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.maximum(np.where(square > 0, noise / square, np.inf), least)
            total = np.where(square.any(axis=1), noise.sum(axis=1) / square.sum(axis=1), np.inf)
        entries.append(needed.ravel())
        wholes.append(np.maximum(total, least.min(axis=1)))
        resolved.append((needed <= shots).mean(axis=1))
    needed, total, resolved = map(np.concatenate, (entries, wholes, resolved))
    count, share = len(resolved), float(resolved.mean())
    # entries of one initialization stand or fall together: the initializations are the samples
    error = float(np.sqrt(max(resolved.var(ddof=1), share * (1 - share) / resolved.size / 4) / count))
    return Signal(
        shots,
        entry=float(np.median(needed)),
        norm=float(np.median(total)),
        share=share,
        share_stderr=max(error, 0.5 / count if share in (0.0, 1.0) else 0.0),
        norm_share=float((total <= shots).mean()),
        method=f"{count} simulated initializations",
    )


def _from_moments(
    observable, prediction: Prediction, entries: GradientEntries, single_shot: float, shots: int, scrambled: bool
) -> Signal:
    """As if each entry were normally distributed; bounds by Markov's inequality where that cannot be.

    The median of ``g²`` is at most twice its mean, so an upper end of ``E[g²]`` gives a lower bound of the shots. Of a
    projector both shifted circuits have the mean probability ``E[l]``; ``N`` shots see the outcome in one of them in at
    most a share ``2N E[l]`` of the initializations.
    """
    noise = entries.weights * single_shot / 2
    projector = isinstance(observable, ProjectorProduct)
    probability = max(mean_probability(observable, prediction), 1e-300) if projector else 1.0
    least = 0.25 / probability if projector else 0.0
    rare = _rare(observable)
    middle = _median_square(entries.value, entries.mean)
    with np.errstate(divide="ignore"):
        needed = np.maximum(np.where(middle > 0, noise / middle, np.inf), least)
    at_least = np.maximum(noise / (2 * entries.high), least)
    known = (entries.low > 0)[np.argsort(needed, kind="stable")[(len(needed) - 1) // 2]]
    typical = float(np.median(needed))
    rare = not scrambled and (rare or _heavy(typical, shots))
    bounded = bool(rare or not known)
    total = float(entries.value.sum())
    norm = float(noise.sum() / total) if total else np.inf
    norm_rare = not scrambled and (_rare(observable) or _heavy(norm, shots))
    norm_bounded = bool(norm_rare or not entries.low.sum() > 0)
    norm_least = max(float(noise.sum() / (2 * entries.high.sum())), least)
    most = np.minimum(1.0, entries.high * shots / np.where(noise > 0, noise, 1e-300))
    share = most if bounded else np.minimum(most, _share_above(noise / shots, entries.value, entries.mean))
    if projector:
        share = np.minimum(share, 2 * shots * probability)
    if bounded:
        method = "a bound: rare initializations can dominate the mean" if known else "a bound: not seen in sampling"
    else:
        method = "normal approximation"
    return Signal(
        shots,
        entry=float(np.median(at_least)) if bounded else typical,
        norm=norm_least if norm_bounded else max(norm, least),
        share=float(np.mean(share)),
        entry_is_bound=bounded,
        norm_is_bound=norm_bounded,
        share_is_bound=bounded,
        method=method,
    )


def _heavy(shots_on_average: float, shots: int) -> bool:
    """Whether rare initializations may have made the average.

    The median of the square of a product of cosines is as far below its mean as that is below 1: only within that
    distance is the mean safe.
    """
    return bool(shots_on_average > (SAFE * shots) ** 0.5)  # not its square, which a tiny gradient makes infinite


def scrambles(limit: Limit | None, prediction: Prediction) -> bool:
    """Whether the loss is as good as that of a random unitary of one large simple group, whose values spread like a
    normal distribution: the circuit has reached its exact deep limit, in large modules that one component moves."""
    if limit is None or not (limit.loss.exact and limit.modules and prediction.loss.available):
        return False
    if any(len(m.components) != 1 or m.components[0] < 0 or m.dim < LARGE_MODULE for m in limit.modules):
        return False
    deep, here = (float(np.mean(as_float(loss.value))) for loss in (limit.loss, prediction.loss))
    return 0 < deep <= MIXED * here and here <= MIXED * deep


def _rare(observable: PauliSum | ProjectorProduct) -> bool:
    """Whether the mean over initializations need not be typical: a product of many factors."""
    if isinstance(observable, ProjectorProduct):
        return len(observable.wires) > RARE_WIRES
    weights = observable.strings.weights()
    return bool(len(weights) and weights.min() > RARE_WEIGHT)


def _median_square(moment, mean):
    """Median of ``g²`` where ``g`` is normal with this second moment and mean."""
    variance = np.maximum(moment - mean**2, 0)
    spread = variance > 1e-9 * moment
    safe = np.where(spread, variance, 1.0)
    excess = np.minimum(mean**2 / safe, 1e4)
    median = np.where(spread, safe * ncx2.ppf(0.5, 1, np.maximum(excess, 1e-12)), moment)
    return np.where(excess >= 1e4, moment, median)


def _share_above(threshold, moment, mean):
    """``P(g² ≥ threshold)`` for the same."""
    variance = np.maximum(moment - mean**2, 0)
    spread = variance > 1e-9 * moment
    safe = np.where(spread, variance, 1.0)
    excess = np.clip(mean**2 / safe, 1e-12, 1e4)
    return np.where(spread, ncx2.sf(threshold / safe, 1, excess), (moment >= threshold).astype(float))


def measured_signal(
    problems: Sequence[Problem], prediction: Prediction, shots: int, seconds: float, limit: Limit | None = None
) -> Signal | None:
    """The signal of one measurement.

    Args:
        problems: one for each element of a broadcast batch, usually one
        prediction: for all of them together
        shots: per expectation value
        seconds: that simulated initializations may take
        limit: of a deep circuit, where it is known

    Returns:
        the signal; ``None`` where no gradient is known, or how it is measured is not (the variance of an observable has
        another shift rule)
    """
    first = problems[0]
    if not prediction.gradient.available or first.kind == "var":
        return None
    single_shot = shot_variance(first.observable, prediction)
    weights = np.stack([shift_weights(problem.ansatz) for problem in problems], axis=-1)
    distinct = {id(problem.ansatz): column for column, problem in enumerate(problems)}
    columns = list(distinct.values())[:MOST_CIRCUITS]
    draws = [sample_draws(problems[c], weights[:, c], single_shot, seconds / len(columns)) for c in columns]
    drawn = [one for one in draws if one is not None]
    known = drawn if len(drawn) == len(draws) else []
    scrambled = isinstance(first.observable, PauliSum) and scrambles(limit, prediction)
    return find_signal(first.observable, prediction, weights, single_shot, shots, known, scrambled)
