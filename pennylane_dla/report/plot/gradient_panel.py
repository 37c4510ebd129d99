"""Loss and gradient variance against the noise of the shots and the deep limit."""

from __future__ import annotations

import numpy as np

from pennylane_dla.diagnosis.numbers import count
from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.diagnosis.shots import shift_weights, shot_variance
from pennylane_dla.variance.estimate import Prediction

from .canvas import GREEN, ORANGE, SKY, VERMILION, ElementValues, ink, measurement_of, new_axes, pyplot, scalar


def gradients(diagnostics: Diagnosis, ax=None, measurement: int = 0):
    r"""Variance :math:`\mathrm{Var}[\partial\ell/\partial\theta_k]` of every gradient component, on a log scale.

    Lines: the variance of the loss, the gradient in the limit of a deep circuit, and the noise floor
    :math:`w\sigma^2/2N` that the parameter-shift rule has with :math:`N` shots per expectation value. A component below
    the floor is lost in the noise of a single estimate.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`
        ax: matplotlib axes to draw into; a new figure by default
        measurement: index of the measurement

    Returns:
        matplotlib.axes.Axes: the axes

    Raises:
        DLAError: without matplotlib, or for a measurement that does not exist
    """
    pyplot()
    ax = new_axes(ax, (7, 4.5))
    chosen = measurement_of(diagnostics, measurement)
    size = diagnostics.num_params
    values = ElementValues.of(chosen.gradient.estimate, size)
    foreground, background = ink()
    positions = np.arange(size)
    live = values.live
    marker = float(np.clip(90 / np.sqrt(max(size, 1)), 2.5, 7))
    if live.any():
        below, above = values.value - values.low, values.high - values.value
        sampled = not chosen.gradient.estimate.exact
        if sampled and live.sum() <= 200:
            ax.errorbar(
                positions[live],
                values.value[live],
                np.clip([below[live], above[live]], 0, None),
                fmt="none",
                ecolor=foreground,
                elinewidth=0.7,
                alpha=0.6,
                zorder=2,
                label="_errors",
            )
        ax.plot(
            positions[live],
            values.value[live],
            "o",
            color=SKY,
            markeredgecolor=foreground,
            markeredgewidth=0.4 if size <= 200 else 0,
            markersize=marker,
            zorder=3,
            label="gradient component",
            rasterized=size > 2000,
        )
    floor = noise_floor(diagnostics, measurement)
    deep = ElementValues.of(chosen.limit.gradient.estimate, size)
    lines = [
        (scalar(chosen.loss.variance), "loss variance Var[ℓ]", ORANGE, "-"),
        (floor, f"shot-noise floor, {count(diagnostics.shots)} shots", VERMILION, "--"),
        (float(np.median(deep.value[deep.live])) if deep.live.any() else np.nan, "gradient, deep limit", GREEN, "-."),
    ]
    shown = [value for value, *_ in lines if np.isfinite(value) and value > 0]
    for value, name, colour, style in lines:
        if np.isfinite(value) and value > 0:
            ax.axhline(value, color=colour, linestyle=style, linewidth=1.8, zorder=1, label=f"{name}: {value:.1e}")
    ax.set_yscale("log")
    everything = np.concatenate([values.value[live], shown])
    if len(everything):
        low, high = everything.min(), everything.max()
        ax.set_ylim(low / 10 ** (0.12 * np.log10(high / low) + 0.6), high * 10 ** (0.05 * np.log10(high / low) + 0.2))
    bottom = ax.get_xaxis_transform()
    for which, symbol, name in ((values.dead, "X", "dead: exactly 0"), (values.unseen, "v", "not seen in sampling")):
        if which.any():
            ax.plot(
                positions[which],
                np.full(int(which.sum()), 0.04),
                symbol,
                transform=bottom,
                color=foreground,
                markersize=max(marker * 0.8, 2.5),
                markerfacecolor=foreground if symbol == "X" else "none",
                markeredgewidth=0.6,
                zorder=3,
                label=f"{name} ({int(which.sum())})",
            )
    if not chosen.gradient.estimate.available:
        reason = chosen.gradient.estimate.reason or ""
        ax.text(
            0.5,
            0.5,
            "gradient not available\n" + reason[:120],
            transform=ax.transAxes,
            ha="center",
            va="center",
            wrap=True,
        )
    name_arguments(ax, diagnostics)
    ax.set_ylabel("variance over random initializations\nVar[∂ℓ/∂θ] in 1/rad², Var[ℓ]")
    ax.margins(x=0.02)
    ax.grid(axis="y", alpha=0.25)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=2,
            fontsize="small",
            frameon=False,
            borderaxespad=0.2,
            handlelength=2.2,
            columnspacing=1.2,
        )
    return ax


def noise_floor(diagnostics: Diagnosis, measurement: int) -> float:
    """Variance of one parameter-shift estimate of the median live component, with the shots that are assumed."""
    chosen = diagnostics.measurements[measurement]
    observable = diagnostics.ansatz.measurements[measurement].observable
    if observable is None or not chosen.loss.variance.available:
        return float("nan")
    prediction = Prediction(chosen.loss.variance, chosen.gradient.estimate, chosen.loss.mean)
    weights = shift_weights(diagnostics.ansatz)
    driven = weights > 0
    if not driven.any():
        return float("nan")
    return float(np.median(weights[driven]) * shot_variance(observable, prediction) / (2 * diagnostics.shots))


def name_arguments(ax, diagnostics: Diagnosis) -> None:
    """Where one trainable argument ends and the next begins."""
    arguments = diagnostics.arguments
    ends = np.cumsum([int(np.prod(shape)) for shape in arguments.shapes])
    named = [
        f"{name} {shape}" if shape else name for name, shape in zip(arguments.names, arguments.shapes, strict=True)
    ]
    for end in ends[:-1]:
        ax.axvline(end - 0.5, color=ink()[0], linewidth=0.6, alpha=0.5, label="_boundary")
    text = ", then ".join(named) if len(named) <= 3 else f"{len(named)} arguments"
    ax.set_xlabel(f"element k of the trainable arguments, flattened\n{text}")
