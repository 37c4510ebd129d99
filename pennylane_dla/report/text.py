"""A diagnosis as text that fits a terminal and reads in ten seconds."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from pennylane_dla.algebra.naming import format_dimension
from pennylane_dla.diagnosis.numbers import count
from pennylane_dla.diagnosis.records import Diagnosis, GradientDiagnostics, MeasurementDiagnostics, Signal
from pennylane_dla.diagnosis.verdict import deciding
from pennylane_dla.variance.estimate import VarianceEstimate, as_float

WIDTH = 98
LABEL = 14
MANY = 4  # measurements that are printed one by one


def render(diagnostics: Diagnosis) -> str:
    """The report of :class:`~pennylane_dla.diagnosis.records.Diagnosis`."""
    lines = [f"{diagnostics.name}: {diagnostics.verdict.headline}", ""]
    for label, text in rows(diagnostics):
        lines += _wrapped(label, text)
    for title, block in measurement_blocks(diagnostics):
        lines += ["", title]
        for label, text in block:
            lines += _wrapped("  " + label, text)
    lines.append("")
    for label, text in closing_rows(diagnostics):
        lines += _wrapped(label, text)
    return "\n".join(lines)


def rows(diagnostics: Diagnosis) -> list[tuple[str, str]]:
    """What concerns the circuit as a whole."""
    arguments = diagnostics.arguments
    shapes = ", ".join(
        f"{name} {shape}" if shape else name for name, shape in zip(arguments.names, arguments.shapes, strict=True)
    )
    return [
        ("qubits", str(diagnostics.num_wires)),
        ("parameters", f"{diagnostics.num_params} ({shapes})"),
        ("algebra", describe_algebra(diagnostics)),
    ]


def describe_algebra(diagnostics: Diagnosis) -> str:
    """Type, dimension and share of the full algebra, in one line."""
    algebra = diagnostics.algebra
    if algebra.complete and algebra.dim == 0:
        return f"dim 0 ({algebra.reason})"
    dimension = format_dimension(algebra.dim)
    text = f"dim {'' if algebra.complete else '≥ '}{dimension}"
    if algebra.name:
        text = f"{algebra.name}, {text}"
    if algebra.complete:
        text += f", {percent(diagnostics.expressivity)} of su(2^{diagnostics.num_wires})"
        if diagnostics.num_params > algebra.dim:
            text += f"; more parameters than directions ({diagnostics.num_params} > {dimension})"
    if algebra.reason:
        text += f" ({algebra.reason})"
    return text


def measurement_blocks(diagnostics: Diagnosis) -> list[tuple[str, list[tuple[str, str]]]]:
    """A title and rows for each measurement; of many, their range and the one that decides."""
    measurements = diagnostics.measurements
    if len(measurements) <= MANY:
        return [(measurement.observable, measurement_rows(measurement)) for measurement in measurements]
    blocks = [(f"{len(measurements)} measurements", summary_rows(measurements))]
    worst = deciding(measurements, diagnostics.shots)
    if worst is not None:
        blocks.append((f"{worst.observable}, which decides", measurement_rows(worst)))
    return blocks


def summary_rows(measurements: Sequence[MeasurementDiagnostics]) -> list[tuple[str, str]]:
    """The range of the figures over many measurements."""
    known = [m for m in measurements if m.gradient.estimate.available]
    result = []
    if known:
        losses = [float(np.mean(as_float(m.loss.variance.value))) for m in known]
        result.append(("loss", f"variance {_range(losses)} over the measurements"))
        largest = [float(np.max(np.asarray(m.gradient.estimate.value, float), initial=0.0)) for m in known]
        result.append(
            ("gradient", f"largest variance of an entry {_range(largest)} ({method_of(known[0].gradient.estimate)})")
        )
    shots = [m.shots_needed for m in known if m.shots_needed is not None]
    if shots:
        low, high = ("infinite" if np.isinf(n) else count(n) for n in (min(shots), max(shots)))
        result.append(("shots needed", f"{low if low == high else f'{low} to {high}'} for a typical entry"))
    missing = [m for m in measurements if not m.gradient.estimate.available]
    reasons = dict.fromkeys(str(m.gradient.estimate.reason) for m in missing)
    if missing:
        result.append(("", f"{len(missing)} not available: " + "; ".join(reasons)))
    return result


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def measurement_rows(measurement: MeasurementDiagnostics) -> list[tuple[str, str]]:
    """What concerns one measurement."""
    loss = measurement.loss
    result = [("loss", number_with_error(loss.variance, "variance "))]
    if loss.mean is not None and loss.variance.available:
        error = f" ± {loss.mean_stderr:.1g}" if loss.mean_stderr else ""
        result[0] = ("loss", result[0][1] + f", mean {loss.mean:.3g}{error}")
    result.append(("gradient", describe_gradient(measurement.gradient)))
    if describe_mean(measurement.gradient):
        result.append(("", describe_mean(measurement.gradient)))
    limit = measurement.limit.loss.variance
    result.append(("deep limit", number_with_error(limit, "loss variance ")))
    if measurement.limit.gradient.estimate.available:
        result[-1] = ("deep limit", result[-1][1] + ", gradient " + spread(measurement.limit.gradient))
    if limit.available and measurement.limit.without_noise:
        result[-1] = ("deep limit", result[-1][1] + "; without the noise")
    if measurement.signal is not None and measurement.signal.entry is not None:
        result.append(("shots needed", describe_shots(measurement.signal)))
    result += [("cause", f"{cause.name}: {cause.evidence}") for cause in measurement.causes]
    return result


def describe_gradient(gradient: GradientDiagnostics) -> str:
    """Minimum, median and maximum of the live components, the number of dead ones, and the method."""
    estimate = gradient.estimate
    if not estimate.available:
        return f"not available: {estimate.reason}"
    text = f"variance {spread(gradient)} ({method_of(estimate)})"
    if not estimate.exact:
        errors = np.asarray(estimate.stderr, float)
        values = np.asarray(estimate.value, float)
        seen = values > 0
        if seen.any():
            text += f", relative error {np.median(errors[seen] / values[seen]):.1%} (median)"
        unseen = int((~seen).sum()) - len(gradient.dead)
        if unseen:
            text += f"; {unseen} not seen in sampling"
            if estimate.interval is not None:
                text += f", at most {np.max(np.asarray(estimate.interval[1], float)[~seen]):.2g}"
    dead = gradient.dead
    if dead:
        named = ", ".join(gradient.arguments.label(k) for k in dead[:4]) + (", …" if len(dead) > 4 else "")
        text += f"; {len(dead)} dead (exactly 0): {named}"
    return text


def describe_mean(gradient: GradientDiagnostics) -> str:
    """The mean gradient, where it is not zero, and the second moment that it makes with the variance."""
    mean, moment = gradient.mean_estimate, gradient.moment_estimate
    if mean is None or moment is None or not mean.available or not np.any(mean.value):
        return ""
    sizes = np.abs(np.asarray(mean.value, float)).ravel()
    signal = np.sort(np.asarray(moment.value, float).ravel())
    error = "" if mean.exact else f" ± {float(np.max(mean.stderr)):.1g}"
    return (
        f"mean up to {sizes.max():.3g}{error} in size; second moment (variance plus squared mean) "
        f"{signal[len(signal) // 2]:.2e} (median), {signal[-1]:.2e} (max)"
    )


def describe_shots(signal: Signal) -> str:
    """Shots for a typical entry and for the whole gradient."""
    if signal.entry is None or signal.norm is None:
        return "not known"
    if np.isinf(signal.entry) and not signal.entry_is_bound:
        return "infinite: every gradient entry is zero"
    entry = ("at least " if signal.entry_is_bound else "") + count(signal.entry)
    norm = ("at least " if signal.norm_is_bound else "") + count(signal.norm)
    return f"{entry} for a typical entry, {norm} for the gradient as a whole ({signal.method})"


def spread(gradient: GradientDiagnostics) -> str:
    """``1e-3 … 2e-3 … 4e-3``: minimum, median, maximum of what is not zero."""
    live = sorted(value for value in np.ravel(np.asarray(gradient.estimate.value, dtype=object)) if value > 0)
    if not live:
        return "0" if gradient.estimate.exact else "not seen"
    low, middle, high = live[0], live[len(live) // 2], live[-1]
    if high - low <= 1e-9 * float(high):
        return short(middle)
    return f"{short(low)} (min), {short(middle)} (median), {short(high)} (max)"


def short(value: Any) -> str:
    """Three digits of a float or, however small, of a fraction."""
    return scientific(value) if isinstance(value, Fraction) else f"{float(value):.2e}"


def number_with_error(estimate: VarianceEstimate, prefix: str = "") -> str:
    """A variance with its error and method, or why there is none."""
    if not estimate.available:
        text = f"not available: {estimate.reason}"
        if estimate.interval is not None:
            text += f"; at most {estimate.interval[1]:.2g}"
        return text
    if np.ndim(as_float(estimate.value)):
        values = np.asarray(estimate.value, float)
        low, high = f"{values.min():.3g}", f"{values.max():.3g}"
        shown = low if low == high else f"{low} to {high}"
        return f"{prefix}{shown} over the batch of {values.size} ({method_of(estimate)})"
    text = prefix + number(estimate.value)
    if estimate.exact:
        return f"{text} ({method_of(estimate)})"
    text += f" ± {float(estimate.stderr):.1g}"
    if estimate.interval is not None:
        text += f", 95 % [{float(estimate.interval[0]):.2g}, {float(estimate.interval[1]):.2g}]"
    return text + f" ({estimate.method})"


def method_of(estimate: VarianceEstimate) -> str:
    """The engine, and whether the value is exact."""
    return f"{estimate.method}, exact" if estimate.exact and estimate.method != "exact" else estimate.method


def number(value: Any) -> str:
    """A short number; a fraction of small integers also as such."""
    if isinstance(value, Fraction):
        shown = scientific(value)
        if value.denominator != 1 and len(str(value)) <= 24:
            return f"{value} = {shown}"
        return shown
    return f"{float(value):.4g}"


def scientific(value: Fraction) -> str:
    """Three digits, also where a float underflows."""
    if value == 0:
        return "0"
    if abs(value) > Fraction(1, 10**300):
        return f"{float(value):.3g}"
    exponent = len(str(abs(value.numerator))) - len(str(value.denominator))
    mantissa = value / Fraction(10) ** exponent
    while abs(mantissa) < 1:
        mantissa, exponent = mantissa * 10, exponent - 1
    return f"{float(mantissa):.2f}e{exponent}"


def percent(share: Fraction) -> str:
    """A share of the whole, readable down to the smallest."""
    if share == 1:
        return "100 %"
    if share >= Fraction(1, 1000):
        return f"{float(100 * share):.2g} %"
    return f"a fraction {scientific(share)}"


def closing_rows(diagnostics: Diagnosis) -> list[tuple[str, str]]:
    """Verdict, assumptions and notes."""
    verdict = diagnostics.verdict
    result = [("verdict", f"{verdict.label}: {verdict.criterion}."), ("", verdict.outlook)]
    result.append(("assumed", "; ".join(diagnostics.assumptions)))
    result += [("note", note) for note in diagnostics.notes]
    return [(label, text) for label, text in result if text]


def _wrapped(label: str, text: str) -> list[str]:
    indent = " " * (LABEL + 2)
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<{LABEL}}  ", subsequent_indent=indent, break_long_words=False
    )


def columns(header: list[str], lines: list[list[str]]) -> str:
    """A table with aligned columns, numbers to the right and words to the left."""
    table = [header, *lines]
    widths = [max(len(line[k]) for line in table) for k in range(len(header))]
    words = word_columns(header, lines)

    def row(line):
        cells = (c.ljust(w) if left else c.rjust(w) for c, w, left in zip(line, widths, words, strict=True))
        return "  ".join(cells).rstrip()

    return "\n".join([row(header), "  ".join("─" * w for w in widths), *map(row, lines)])


def word_columns(header: Sequence[str], lines: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns hold words: the others are aligned to the right."""

    def numeric(cell):
        return cell[:1] in tuple("0123456789≥≈∞–") and not cell.endswith(")")

    return [not any(numeric(line[k]) for line in lines) for k in range(len(header))]
