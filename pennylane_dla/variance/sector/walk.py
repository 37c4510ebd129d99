"""The circuit on its sector as a walk through the eigenbases of its generators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Inexact

from pennylane_dla.circuit.ansatz import Angle

from .sector import Sector

_SCALAR = 1e-12  # of levels of order one: no wider spread than rounding leaves
_EQUAL = 1e-9  # levels closer than this fraction of the widest spread are one


@dataclass(frozen=True, eq=False)
class SectorWalk:
    """Rotations ``V_g exp(-iα s λ_g) V_g†``, in order of application.

    Args:
        sector: with the generators
        all_angles: of the rotations of the effective ansatz
    """

    sector: Sector
    all_angles: Sequence[Angle]

    @cached_property
    def angles(self) -> tuple[Angle, ...]:
        """Of the rotations that are not part of the state."""
        return tuple(self.all_angles[k] for k in self.sector.rotations)

    @cached_property
    def _eigen(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [_levels(generator) for generator in self.sector.generators]

    @cached_property
    def levels(self) -> Float[np.ndarray, "generators d"]:
        """Eigenvalues, equal ones exactly equal."""
        return np.array([values for values, _ in self._eigen]).reshape(-1, self.sector.dim)

    @cached_property
    def bases(self) -> list[Inexact[np.ndarray, "d d"]]:
        """Eigenvectors, real for real generators."""
        return [vectors for _, vectors in self._eigen]

    @cached_property
    def changes(self) -> tuple[list[Inexact[np.ndarray, "d d"]], list[int]]:
        """Matrices from one eigenbasis to the next, each once, and which of them comes before each rotation; the first
        is from the basis of the sector."""
        number: dict[tuple[int, int], int] = {}
        matrices, which, before = [], [], -1
        for g in map(int, self.sector.which):
            if (before, g) not in number:
                number[before, g] = len(matrices)
                matrix = self.bases[g].conj().T
                matrices.append(matrix if before < 0 else matrix @ self.bases[before])
            which.append(number[before, g])
            before = g
        return matrices, which

    @cached_property
    def last_basis(self) -> Inexact[np.ndarray, "d d"]:
        """In which the walk ends."""
        return self.bases[int(self.sector.which[-1])] if len(self.sector.which) else np.eye(self.sector.dim)


def _levels(matrix: np.ndarray) -> tuple[Float[np.ndarray, " d"], np.ndarray]:
    """Eigenvalues and eigenvectors of a Hermitian matrix, near ones equal."""
    if np.iscomplexobj(matrix) and not np.any(np.abs(np.imag(matrix)) > 1e-14 * np.abs(matrix).max(initial=0)):
        matrix = np.real(matrix)
    values, vectors = np.linalg.eigh(matrix)
    spread = np.ptp(values)
    if spread <= _SCALAR * max(1.0, np.abs(values).max(initial=0.0)):  # no more than a global phase
        return np.zeros_like(values), vectors
    groups = np.cumsum(np.diff(values, prepend=values[:1]) > _EQUAL * spread)
    values = (np.bincount(groups, values) / np.bincount(groups))[groups]
    return np.where(np.abs(values) < _EQUAL * spread, 0.0, values), vectors
