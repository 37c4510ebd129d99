"""From signals to a verdict: what is known of the gradient a circuit has, against the shots that would measure it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_dla.variance.estimate import as_float

from .numbers import count
from .records import MeasurementDiagnostics, Signal, Verdict

DEFAULT_SHOTS = 1000
AFFORDABLE = 10**7  # shots per expectation value: a quarter of an hour on a fast machine, for each entry twice


def verdict(measurements: Sequence[MeasurementDiagnostics], shots: int, analytic: bool = False) -> Verdict:
    """Whether the shots resolve a typical gradient: a typical entry, or the gradient as a whole.

    Only what is known counts: a lower bound on the shots never resolves anything.

    Args:
        measurements: each with its signal
        shots: per expectation value
        analytic: whether nobody gave that number, on a simulator without shot noise

    Returns:
        the verdict of the worst measurement
    """
    predicted = [m for m in measurements if m.gradient.estimate.available]
    if not predicted:
        reasons = {m.gradient.estimate.reason for m in measurements}
        text = "no gradient variance is available: " + "; ".join(sorted(map(str, reasons)))
        intervals = [m.gradient.estimate.interval for m in measurements]
        ends = [float(np.max(np.asarray(interval[1], float))) for interval in intervals if interval is not None]
        if ends:
            text += f"; it is at most {max(ends):.2g}"
        return Verdict("unknown", text, headline="unknown: the gradient variance is not available")
    worst = deciding(measurements, shots)
    if worst is None or worst.signal is None:
        text = f"how many shots a gradient of {predicted[0].observable} needs is not known"
        return Verdict("unknown", text, headline="unknown: the shots that a gradient needs are not known")
    return _of(worst, worst.signal, shots, analytic)


def deciding(measurements: Sequence[MeasurementDiagnostics], shots: int) -> MeasurementDiagnostics | None:
    """The measurement that the verdict is about: the one that is hardest to resolve; ``None`` where none is known."""
    known = [m for m in measurements if m.gradient.estimate.available]
    counted = [(m, m.signal) for m in known if m.signal is not None and m.signal.entry is not None]
    worst = max(counted, key=lambda pair: _severity(pair[1], shots), default=None)
    return None if worst is None else worst[0]


WHOLE = "the gradient as a whole"
ORDER = ("resolved", "needs more shots", "unknown", "exponentially small", "no gradient")  # the worst last


def _severity(signal: Signal, shots: int) -> tuple[int, float]:
    label, number, *_ = decide(signal, shots)
    return ORDER.index(label), number


def decide(signal: Signal, shots: int) -> tuple[str, float, bool, str]:
    """The label, the number of shots that decides, whether it is a lower bound, and whose it is."""
    assert signal.entry is not None and signal.norm is not None  # both are known, or nothing is
    if signal.entry == float("inf") and not signal.entry_is_bound and signal.norm == float("inf"):
        return "no gradient", float("inf"), False, "every entry"
    numbers: list[tuple[float, bool, str]] = [
        (signal.entry, signal.entry_is_bound, "a typical gradient entry"),
        (signal.norm, signal.norm_is_bound, WHOLE),
    ]
    known = [number for number in numbers if not number[1]]
    resolving = [number for number in known if number[0] <= shots]
    if resolving:
        return "resolved", *resolving[0]
    least = min(numbers, key=lambda number: number[0])
    if least[0] > AFFORDABLE:
        return "exponentially small", *least
    if known and min(known)[0] <= AFFORDABLE:
        return "needs more shots", *min(known)
    if least[0] > shots:
        return "needs more shots", *least
    return "unknown", *least


def _of(measurement: MeasurementDiagnostics, signal: Signal, shots: int, analytic: bool) -> Verdict:
    name = measurement.observable
    label, number, bound, whose = decide(signal, shots)
    if label == "no gradient":
        text = f"{name}: every gradient entry is exactly zero, whatever the angles"
        return Verdict(label, text, headline="no gradient: every entry is exactly zero", shots_needed=number)
    needed = f"{'at least ' if bound else ''}{count(number)} shot{'s' * (number > 1)}"
    says = "needs" if bound else "equals its shot noise at"
    criterion = f"{whose} of {name} {says} {needed} per expectation value"
    if label == "unknown":
        high = float(np.max(_upper(measurement)))
        criterion = (
            f"of the gradient of {name} only a bound is known: second moments are at most {high:.2g}, so that it needs "
            f"{needed} per expectation value, and perhaps many more ({signal.method})"
        )
        headline = f"unknown: {needed} needed, perhaps many more"
    elif label == "resolved":
        headline = f"gradient resolved with {count(shots)} shots"
    elif label == "needs more shots":
        headline = (
            f"gradient needs {needed}, {count(shots)} are assumed"
            if analytic
            else (f"gradient needs {needed}, you have {count(shots)}")
        )
    else:
        headline = "exponentially small gradient at this size"
    if label == "unknown":
        pass
    elif analytic:
        criterion += f"; your simulator has no shot noise, {count(shots)} shots are assumed"
    else:
        criterion += f"; you have {count(shots)}"
    criterion += _share(signal, whose)
    return Verdict(label, criterion, _outlook(measurement), headline, number, bound)


def _share(signal: Signal, whose: str) -> str:
    """How much of the gradient these shots resolve at random initializations."""
    if signal.share is None or (signal.share_is_bound and signal.share >= 0.995):
        return ""
    single = percent(signal.share)
    if signal.share_is_bound and not single.startswith("less"):
        single = f"at most {single}"
    if whose == WHOLE and signal.norm_share is not None:
        return (
            f". At {percent(signal.norm_share)} of random initializations these resolve the gradient as a whole, and "
            f"{single} of single entries"
        )
    return f". These resolve {single} of the entries at random initializations"


def percent(share: float) -> str:
    """A share, readable also where it is small."""
    if 0 < share < 0.005:
        return f"{100 * share:.1g} %" if share >= 1e-5 else "less than 0.001 %"
    return f"{100 * share:.0f} %"


def _upper(measurement: MeasurementDiagnostics) -> np.ndarray:
    moment = measurement.gradient.moment_estimate or measurement.gradient.estimate
    ends = moment.value if moment.interval is None else moment.interval[1]
    return np.asarray(ends, float)


def _outlook(measurement: MeasurementDiagnostics) -> str:
    limit, here = measurement.limit.loss.variance, measurement.loss.variance
    if not (limit.available and here.available):
        return "To see how it scales, run dla.scaling."
    if measurement.limit.without_noise:
        return "The deep limit ignores noise; diagnose other depths and sizes to see its effect."
    value, now = (float(np.mean(as_float(estimate.value))) for estimate in (limit, here))  # mean over a batch
    if value == 0:
        change = "have no loss variance left"
    elif now == 0:
        change = f"approach a loss variance of {value:.2g}"
    elif now > 1.5 * value:
        change = f"have a loss variance {now / value:.2g} times smaller"
    elif value > 1.5 * now:
        change = f"rise to a loss variance of {value:.2g}"
    else:
        change = "keep about this variance"
    return f"At this size, deeper circuits of the same generators {change}. To see how it scales, run dla.scaling."
