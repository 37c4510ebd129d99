"""Small initial angles: the width of a normal law that gives the largest gradient variance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pennylane_dla.variance.law import Normal

from .remedy import Figures
from .variant import Variant

WIDTHS = tuple(float(w) for w in np.geomspace(0.03, 1.5, 5))
REFINEMENTS = 2  # each halves the step between widths, on a logarithmic scale


def angle_laws(base: Variant, judged) -> Iterator[Variant]:
    """The best width among a grid, refined around the best.

    Args:
        base: the circuit as it is
        judged: ``variant -> Figures | None``
    """
    known: dict[float, Figures] = {}

    def look(width: float) -> None:
        figures = judged(_with(base, width))
        if figures is not None:
            known[width] = figures

    for width in WIDTHS:
        look(width)
        if not known:
            return  # no engine takes this law
    step = np.log(WIDTHS[1] / WIDTHS[0])
    for _ in range(REFINEMENTS):
        step /= 2
        best = max(known, key=lambda w: known[w].relative)
        for width in (best * np.exp(-step), best * np.exp(step)):
            look(float(width))
    yield _with(base, max(known, key=lambda w: known[w].relative))


def _with(base: Variant, width: float) -> Variant:
    width = float(f"{width:.2g}")
    return base.changed(
        "angles", f"draw the angles from Normal({width:g})", "starts near the zero of all angles", angles=Normal(width)
    )
