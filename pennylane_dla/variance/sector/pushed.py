"""Known gates on the sector, pushed to the end: what is left are trainable rotations and one observable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Inexact

from .walk import SectorWalk


@dataclass(frozen=True, eq=False)
class Pushed:
    """Trainable rotations only.

    Args:
        generators: the distinct ones, each ``d × d``
        which: number of the generator of each trainable rotation
        scales: factor of each
        rotations: positions in the effective ansatz
        last: the product of all known gates: an observable ``A`` becomes ``last† A last``
    """

    generators: tuple[np.ndarray, ...]
    which: tuple[int, ...]
    scales: tuple[float, ...]
    rotations: tuple[int, ...]
    last: Inexact[np.ndarray, "d d"] | None

    def observable(self, matrix: Inexact[np.ndarray, "d d"]) -> Inexact[np.ndarray, "d d"]:
        """As the trainable rotations see it."""
        return matrix if self.last is None else self.last.conj().T @ matrix @ self.last


def push_known(walk: SectorWalk) -> Pushed:
    """``G_k`` becomes ``F_k† G_k F_k``, with ``F_k`` the known gates before it."""
    sector, last = walk.sector, None
    generators, number = [], {}
    which, scales, rotations = [], [], []
    for k, angle in enumerate(walk.angles):
        g, scale = int(sector.which[k]), float(sector.scales[k])
        if angle.fixed:
            phases = np.exp(-1j * angle.offset * scale * walk.levels[g])
            gate = (walk.bases[g] * phases) @ walk.bases[g].conj().T
            last = gate if last is None else gate @ last
            number = {}  # generators differ from here on
            continue
        if g not in number:
            number[g] = len(generators)
            matrix = sector.generators[g]
            generators.append(matrix if last is None else last.conj().T @ matrix @ last)
        which.append(number[g])
        scales.append(scale)
        rotations.append(sector.rotations[k])
    return Pushed(tuple(generators), tuple(which), tuple(scales), tuple(rotations), last)
