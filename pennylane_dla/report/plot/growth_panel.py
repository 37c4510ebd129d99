"""Variances of a family of circuits against its size, with the fits that were compared."""

from __future__ import annotations

import numpy as np

from pennylane_dla.diagnosis.growth import Growth

from .canvas import ORANGE, SKY, ink, new_axes, pyplot

STYLES = {"exponential": "-", "polynomial": "--", "constant": ":"}


def growth_panel(scaling, ax=None):
    """Loss and median gradient variance against the size.

    Args:
        scaling: of :func:`pennylane_dla.scaling`
        ax: matplotlib axes to draw into; a new figure by default

    Returns:
        matplotlib.axes.Axes: the axes, with a logarithmic vertical scale
    """
    pyplot()
    ax = new_axes(ax, (7, 4.8))
    foreground, _ = ink()
    sizes = np.array(scaling.sizes, float)
    summaries = [case.summary for case in scaling.cases]
    quantities = (
        ("gradient", "gradient, median Var[∂ℓ/∂θ]", SKY, "o", scaling.gradient),
        ("loss", "loss, Var[ℓ]", ORANGE, "s", scaling.loss),
    )
    for key, label, colour, marker, found in quantities:
        values = np.array([np.nan if getattr(s, key) is None else getattr(s, key) for s in summaries], float)
        errors = np.array([getattr(s, key + "_stderr") or 0.0 for s in summaries], float)
        seen = values > 0
        if not seen.any():
            continue
        if key == "gradient":
            low = np.array([s.smallest if s.smallest else np.nan for s in summaries], float)
            high = np.array([s.largest if s.largest else np.nan for s in summaries], float)
            ax.fill_between(
                sizes, low, high, color=colour, alpha=0.2, linewidth=0, label="gradient, all live components"
            )
        ax.errorbar(
            sizes[seen],
            values[seen],
            np.minimum(errors[seen], 0.999 * values[seen]),
            fmt=marker,
            color=colour,
            ecolor=foreground,
            markeredgecolor=foreground,
            markersize=7,
            capsize=3,
            label=label,
            zorder=3,
        )
        draw_fits(ax, sizes[seen], found, colour)
    ax.set_yscale("log")
    ax.set_xlabel(f"number of {scaling.over}")
    ax.set_ylabel("variance over random initializations\nVar[∂ℓ/∂θ] in 1/rad², Var[ℓ]")
    if np.all(sizes == np.round(sizes)) and len(sizes) <= 12:
        ax.set_xticks(sizes, [f"{s:.0f}" for s in sizes])
    ax.grid(alpha=0.25)
    ax.set_title(f"gradient: {scaling.gradient.label}", loc="left", fontsize="medium", weight="bold")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize="small", frameon=False)
    return ax


def draw_fits(ax, sizes, found: Growth, colour) -> None:
    """The fit of the verdict as a thick line; the others thin."""
    if not len(found.fits):
        return
    fine = np.linspace(sizes.min(), sizes.max(), 200)
    for fit in found.fits:
        chosen = fit.model == found.label
        if not chosen and (fit.model == "constant" or found.label == "constant"):
            continue
        ax.plot(
            fine,
            fit(fine),
            STYLES[fit.model],
            color=colour,
            linewidth=1.8 if chosen else 0.9,
            alpha=1 if chosen else 0.7,
            label=f"{fit.model}: {fit}",
        )
