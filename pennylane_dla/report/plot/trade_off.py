"""Expressivity against trainability: one point a circuit, the barren and the underfitting region shaded."""

from __future__ import annotations

from math import log10

import numpy as np

from .canvas import CYCLE, MARKERS, ORANGE, SKY, ink, new_axes, pyplot
from .parts import powers


def trade_off(comparison, ax=None):
    """``dim 𝔤`` to the right, median gradient variance upwards.

    A short line marks the variance that the shots just resolve, one for each circuit: a loss that varies little also
    has little shot noise. Below the lowest of them every circuit is barren, and left of the smallest number of
    parameters every circuit has more parameters than directions: these two regions are shaded. A circuit that is barren
    or underfitting by its own measure is crossed out.

    Args:
        comparison: of :func:`pennylane_dla.compare`
        ax: matplotlib axes to draw into; a new figure by default

    Returns:
        matplotlib.axes.Axes: the axes
    """
    pyplot()
    ax = new_axes(ax, (8.5, 5.2))
    foreground, _ = ink()
    shown, missing = [], []
    for name, s in comparison.summaries.items():
        (shown if s.gradient else missing).append(name)
    ax.set_yscale("log")
    floors = []
    for k, name in enumerate(shown):
        s = comparison.summaries[name]
        x = log10(max(s.dim, 1))
        floor = s.gradient * s.shots_needed / comparison[name].shots if s.shots_needed else np.nan
        floors.append(floor)
        colour, marker = CYCLE[k % len(CYCLE)], MARKERS[k % len(MARKERS)]
        ax.vlines(x, s.smallest, s.largest, color=colour, alpha=0.45, linewidth=3, zorder=2, label="_spread")
        ax.plot(
            [x],
            [s.gradient],
            marker,
            color=colour,
            markeredgecolor=foreground,
            markersize=10,
            zorder=4,
            label=f"{name}: {comparison.region(name)}",
        )
        if comparison.region(name) in ("barren", "both", "underfitting"):
            ax.plot([x], [s.gradient], "x", color="black", markersize=7, zorder=5, label="_crossed")
        if np.isfinite(floor):
            ax.plot([x], [floor], "_", color=foreground, markersize=14, zorder=3, label="_floor")
    limits = [comparison.summaries[name] for name in shown]
    if limits:
        values = [v for s in limits for v in (s.smallest, s.largest)] + [f for f in floors if np.isfinite(f)]
        low, high = min(values), max(values)
        ax.set_ylim(low / 10 ** (0.5 + 0.08 * log10(high / low)), high * 10 ** (0.4 + 0.05 * log10(high / low)))
        places = [log10(max(s.dim, 1)) for s in limits] + [log10(max(s.num_params, 1)) for s in limits]
        margin = 0.06 * (max(places) - min(places)) + 0.25
        left, right = min(places) - margin, max(places) + margin
        ax.set_xlim(left, right)
        fewest = log10(max(min(s.num_params for s in limits), 1))
        floor = float(np.nanmin(floors)) if np.isfinite(floors).any() else None
        shade(ax, left, right, fewest, floor, foreground)
    powers(ax)
    ax.set_xlabel("expressivity: dim 𝔤, number of independent directions".replace("𝔤", r"$\mathfrak{g}$"))
    ax.set_ylabel("trainability: median Var[∂ℓ/∂θ] in 1/rad²\n(bar: all live components; dash: shot-noise floor)")
    handles, labels = ax.get_legend_handles_labels()
    if missing:
        handles.append(ax.plot([], [], " ")[0])
        labels.append("not shown (no gradient): " + ", ".join(missing))
    ax.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        fontsize="small",
        frameon=False,
        borderaxespad=0,
        labelspacing=0.7,
    )
    return ax


def shade(ax, left, right, fewest, floor, foreground) -> None:
    """The two regions, each with a hatch and a name of its own."""
    bottom, top = ax.get_ylim()
    if floor is not None and floor > bottom:
        ax.axhspan(
            bottom, floor, facecolor=ORANGE, alpha=0.15, hatch="//", edgecolor=foreground, linewidth=0, label="_barren"
        )
        ax.annotate(
            "barren", (1, 0), (-6, 6), xycoords="axes fraction", textcoords="offset points", ha="right", weight="bold"
        )
    if fewest > left:
        ax.axvspan(
            left,
            fewest,
            facecolor=SKY,
            alpha=0.15,
            hatch="..",
            edgecolor=foreground,
            linewidth=0,
            label="_underfitting",
        )
        ax.annotate(
            "underfitting: fewer directions\nthan parameters",
            (0, 1),
            (6, -6),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            weight="bold",
            fontsize="small",
        )
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
