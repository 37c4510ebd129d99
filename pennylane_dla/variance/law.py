"""The distribution of the parameters, and the moments of a rotation's angle under it.

A law enters only through its characteristic function ``φ(t) = E[e^{itθ}]``; a fixed gate is the law of a constant, so
one formula serves trainable gates, data, T gates and Cliffords.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Moments of ``α`` that a rotation ``exp(-iαP/2)`` needs: with ``c = cos α``, ``s = sin α``,
    ``E[c], E[s], E[c²], E[s²], E[sc]``."""

    c: float
    s: float
    cc: float
    ss: float
    sc: float

    @classmethod
    def from_characteristic(cls, first: complex, second: complex) -> Moments:
        """From ``φ(1)`` and ``φ(2)`` of ``α``."""
        return cls(
            first.real, first.imag, (1 + second.real) / 2, (1 - second.real) / 2, second.imag / 2
        )

    @classmethod
    def known(cls, angle: float) -> Moments:
        """Of a fixed angle."""
        c, s = np.cos(angle), np.sin(angle)
        return cls(c, s, c * c, s * s, s * c)
