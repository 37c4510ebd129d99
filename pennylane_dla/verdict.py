"""From variances to a verdict: the gradient a circuit has against the noise of the shots that would measure it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pennylane_dla.circuit.ansatz import Ansatz, Rotation
from pennylane_dla.diagnostics import MeasurementDiagnostics, Verdict
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.estimate import Prediction, VarianceEstimate, as_float

DEFAULT_SHOTS = 1000


def shift_weights(ansatz: Ansatz) -> Float[np.ndarray, " num_elements"]:
    """``Σ_k a_k² Σ_j (2c_j)²`` for each element: what the parameter-shift rule multiplies the shot variance with.

    ``∂l/∂θ = Σ_k a_k Σ_j 2c_j (l(α_j + π/2) − l(α_j − π/2))/2``, summed over the gates ``k`` that ``θ`` drives and
    their strings ``j``; each of the two losses is measured with the same number of shots.
    """
    weights = np.zeros(ansatz.arguments.num_elements)
    for gate in ansatz.gates:
        if isinstance(gate, Rotation) and not gate.angle.fixed:
            strength = sum((2 * c) ** 2 for c in gate.coefficients)
            coefficients = gate.angle.coefficients if gate.angle.affine else (1.0,) * len(gate.angle.elements)
            for element, coefficient in zip(gate.angle.elements, coefficients, strict=True):
                weights[element] += coefficient**2 * strength
    return weights


def shot_variance(observable: PauliSum | ProjectorProduct, prediction: Prediction) -> float:
    """Variance of a single shot, averaged over the law of the angles.

    One string: ``1 − E[l²]`` times its squared coefficient. A projector: ``E[l] − E[l²]``. A sum of strings, each
    measured with the same number of shots: at most ``Σ_j c_j²``, which is what is used.
    """
    if isinstance(observable, ProjectorProduct):
        mean = 2.0 ** -len(observable.wires) if prediction.loss_mean is None else prediction.loss_mean
        variance = as_float(prediction.loss.value) if prediction.loss.available else 0.0
        return max(0.0, mean - float(np.mean(variance)) - mean**2)
    total = observable.purity()
    if len(observable) == 1 and prediction.loss.available and prediction.loss_mean is not None:
        traceless_mean = prediction.loss_mean - observable.constant
        total -= float(np.mean(as_float(prediction.loss.value))) + traceless_mean**2
    return max(0.0, total)


def eigenvalue_gap(observable: PauliSum | ProjectorProduct) -> float:
    """By how much one shot with the rare outcome changes the sum of all shots: 1 for a projector.

    Pauli strings have no rare outcome, and 0 says so.
    """
    return 1.0 if isinstance(observable, ProjectorProduct) else 0.0


def shots_needed(
    gradient: VarianceEstimate, weights: Float[np.ndarray, "n batch"], single_shot: float, gap: float = 0.0
) -> float | None:
    """Shots an expectation value for signal-to-noise 1 on the median component that does not vanish.

    ``N = w σ² / (2 Var[∂l])`` with ``w`` of :func:`shift_weights` and ``σ²`` of :func:`shot_variance`; and at least
    ``gap √w / (2 √Var[∂l])``, where one shot more or less changes the estimate by as much as the gradient: the
    outcome that a global projector asks for is so rare that its variance alone says too little. Where nothing was seen
    in sampling, the upper end of the interval stands in for the variance, and the result is a lower bound.

    Args:
        gradient: one entry an element
        weights: of :func:`shift_weights`; one more axis for a broadcast batch
        single_shot: ``σ²``
        gap: of :func:`eigenvalue_gap`

    Returns:
        shots, ``inf`` where every component vanishes, ``None`` where no variance is known
    """
    values = gradient.value
    if values is None:
        return None
    values = np.asarray(values, float)
    if not gradient.exact and gradient.interval is not None:
        values = np.where(values == 0, gradient.interval[1], values)
    values = values.reshape(len(weights), -1)
    live = values > 0  # in a batch of parameters an element moves one entry of the loss only
    if not live.any():
        return float("inf")
    per_angle = np.where(live, values, np.inf) / np.where(live, weights.reshape(len(weights), -1), 1.0)
    noise = single_shot / (2 * per_angle)
    needed = np.maximum(noise, gap / (2 * np.sqrt(per_angle))) * live
    moving = live.any(axis=1)
    return float(np.median(needed[moving].sum(axis=1) / live[moving].sum(axis=1)))


def verdict(measurements: Sequence[MeasurementDiagnostics], shots: int) -> Verdict:
    """Trainable, if ``shots`` shots an expectation value resolve the median gradient component of every measurement.

    Args:
        measurements: each with its ``shots_needed``
        shots: shots that a user has for one expectation value

    Returns:
        the verdict of the worst measurement
    """
    predicted = [m for m in measurements if m.gradient.estimate.available]
    if not predicted:
        reasons = {m.gradient.estimate.reason for m in measurements}
        return Verdict("unknown", "no gradient variance is available: " + "; ".join(sorted(map(str, reasons))))
    counted = [m for m in predicted if m.shots_needed is not None]
    if not counted:
        return Verdict("unknown", f"how many shots a gradient of {predicted[0].observable} needs is not known", "")
    worst = max(counted, key=lambda m: m.shots_needed)
    needed = worst.shots_needed
    if needed == float("inf") and not worst.gradient.estimate.exact:  # no sample is no proof
        label, criterion = "unknown", f"no gradient of {worst.observable} was seen in sampling: give more samples"
    elif needed == float("inf"):
        label, criterion = "no gradient", f"{worst.observable}: every gradient component vanishes identically"
    else:
        label = "trainable" if needed <= shots else "not trainable"
        criterion = (
            f"the median gradient component of {worst.observable} needs {count(needed)} "
            f"shot{'s' * (needed > 1)} an expectation value for signal-to-noise 1; {count(shots)} are assumed"
        )
    return Verdict(label, criterion, _outlook(worst))


def _outlook(measurement: MeasurementDiagnostics) -> str:
    limit, here = measurement.limit.loss.variance, measurement.loss.variance
    if not (limit.available and here.available):
        return "One size cannot tell how the gradient scales: compare sizes."
    if measurement.limit.without_noise:
        return "What the noise leaves of deeper and larger circuits, only other depths and sizes tell."
    value, now = (float(np.mean(as_float(estimate.value))) for estimate in (limit, here))  # mean over a batch
    if value == 0:
        change = "have no loss variance left"
    elif now == 0:
        change = f"approach a loss variance of {value:.2g}"
    elif now > 1.5 * value:
        change = f"lose another factor {now / value:.2g}"
    elif value > 1.5 * now:
        change = f"rise to a loss variance of {value:.2g}"
    else:
        change = "stay where this one is"
    return f"Deeper circuits with the same generators {change} at this size; how it scales, only several sizes tell."


def count(number: float) -> str:
    """A number of shots, readable."""
    if number >= 1e6:
        return f"{number:.1e}"
    return f"{max(1, int(np.ceil(number))):,}".replace(",", " ")
