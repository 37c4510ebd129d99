"""Where the observable and the state sit among the parts that the Lie algebra moves."""

from __future__ import annotations

from fractions import Fraction
from math import log10

from pennylane_dla.diagnosis.records import Diagnosis

from .canvas import BLUE, GREEN, ORANGE, SKY, ink, measurement_of, new_axes, pyplot

MAX_PARTS = 6


def parts(diagnostics: Diagnosis, ax=None, measurement: int = 0):
    r"""Bars for each invariant module :math:`M_\kappa` of the observable, or for each ideal of the algebra.

    A deep circuit has the loss variance :math:`\sum_\kappa P_\kappa(O) P_\kappa(\rho) / \dim M_\kappa`: long bars of
    the purities of observable and state are good, a long bar of the dimension is bad. Where the modules are not known,
    the dimensions of the ideals are shown.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`
        ax: matplotlib axes to draw into; a new figure by default
        measurement: index of the measurement

    Returns:
        matplotlib.axes.Axes: the axes

    Raises:
        DLAError: without matplotlib, or for a measurement that does not exist

    Source: Ragone et al., arXiv:2309.09342; Diaz et al., arXiv:2310.11505.
    """
    pyplot()
    ax = new_axes(ax, (6, 4))
    modules = measurement_of(diagnostics, measurement).limit.modules
    if modules:
        module_bars(ax, modules)
    else:
        ideal_bars(ax, diagnostics)
    return ax


def logarithm(value) -> float | None:
    """``log10`` of a positive number of any size, fractions beyond the range of floats included."""
    if value is None or value <= 0:
        return None
    exact = Fraction(value)
    return log10(exact.numerator) - log10(exact.denominator)


def module_bars(ax, modules) -> None:
    """Four bars a module, on a logarithmic scale that starts at 1 (dimensions to the right, purities to the left)."""
    foreground, _ = ink()
    rows = (
        ("dim", "dimension dim Mκ", SKY, "///"),
        ("observable_purity", "observable Pκ(O)", BLUE, ""),
        ("state_purity", "state Pκ(ρ)", ORANGE, ""),
        ("variance", "loss variance, deep limit", GREEN, "..."),
    )
    shown, rest = modules[:MAX_PARTS], len(modules) - MAX_PARTS
    height = 0.8 / len(rows)
    for j, (key, label, colour, hatch) in enumerate(rows):
        at, lengths, texts = [], [], []
        for k, module in enumerate(shown):
            length = logarithm(getattr(module, key))
            if length is None:
                continue
            at.append(k + (j - 1.5) * height)
            lengths.append(length)
            texts.append(amount(getattr(module, key)))
        if not at:
            continue
        bars = ax.barh(
            at, lengths, height * 0.9, color=colour, hatch=hatch, edgecolor=foreground, linewidth=0.5, label=label
        )
        ax.plot(lengths, at, "o", color=colour, markeredgecolor=foreground, markersize=4, clip_on=False, label="_end")
        for bar, text in zip(bars, texts, strict=True):
            end = bar.get_width()
            ax.annotate(
                text,
                (end, bar.get_y() + bar.get_height() / 2),
                (5 if end >= 0 else -5, 0),
                textcoords="offset points",
                ha="left" if end >= 0 else "right",
                va="center",
                fontsize="x-small",
                annotation_clip=True,
            )
    ax.axvline(0, color=foreground, linewidth=0.8, label="_one")
    ax.set_yticks(range(len(shown)), [f"κ={k + 1}" for k in range(len(shown))])
    ax.invert_yaxis()
    ax.set_ylabel("module of the observable" + (f" ({rest} more not shown)" if rest > 0 else ""))
    ax.set_xlabel("dimension; purities Pκ (sums of squared Pauli\ncoefficients); variance: all dimensionless")
    ax.margins(x=0.3)
    powers(ax)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        fontsize="small",
        borderaxespad=0.2,
        columnspacing=1.2,
    )


def ideal_bars(ax, diagnostics: Diagnosis) -> None:
    """Dimensions of the ideals, beside that of all traceless operators."""
    foreground, _ = ink()
    algebra = diagnostics.algebra
    if algebra.ideals:
        rows = [
            (
                f"{f'{ideal.multiplicity} × ' if 1 < ideal.multiplicity < 10**6 else ''}{ideal.name}",
                ideal.dim * ideal.multiplicity,
            )
            for ideal in algebra.ideals[:MAX_PARTS]
        ]
    else:
        rows = [(r"$\mathfrak{g}$" if algebra.complete else r"$\mathfrak{g}$ (at least)", algebra.dim)]
    rows.append((f"su(2^{diagnostics.num_wires})", 4**diagnostics.num_wires - 1))
    lengths = [logarithm(dim) or 0.0 for _, dim in rows]
    bars = ax.barh(
        range(len(rows)), lengths, 0.6, color=[SKY] * (len(rows) - 1) + ["none"], edgecolor=foreground, linewidth=0.8
    )
    for bar, (_, dim) in zip(bars, rows, strict=True):
        ax.annotate(
            amount(dim),
            (bar.get_width(), bar.get_y() + bar.get_height() / 2),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.invert_yaxis()
    ax.set_ylabel("part of the algebra")
    ax.set_xlabel("dimension (number of independent directions)")
    ax.set_xlim(0, max(max(lengths) * 1.35, 1))
    powers(ax)


def powers(ax) -> None:
    """Ticks ``10^k`` on an axis that holds logarithms."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"$10^{{{x:.0f}}}$"))
    ax.grid(axis="x", alpha=0.25)
    ax.set_axisbelow(True)


def amount(value) -> str:
    """A short number of any size."""
    exact = Fraction(value)
    if exact.denominator == 1 and exact < 10**6:
        return str(exact.numerator)
    if Fraction(1, 10**300) < exact < 10**300:
        return f"{float(exact):.2g}"
    return f"$10^{{{logarithm(exact):.0f}}}$"
