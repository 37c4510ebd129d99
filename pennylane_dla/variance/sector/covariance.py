"""Exact variances on the sector: the second moment of the state, averaged gate by gate.

``M = E[ρ ⊗ ρ]`` starts as ``ρ ⊗ ρ``. In the eigenbasis of a generator with levels ``λ`` a rotation by a random angle
multiplies ``M_{ab,ce}`` by ``φ(λ_c + λ_e − λ_a − λ_b)``, with ``φ`` the characteristic function of the angle. Between
two generators the basis changes on each of the four indices. ``F = E[O ⊗ O]`` goes from the other end, and

    E[l²] = Tr[F M],    E[(∂l)²] = −Σ (λ_a − λ_c)(λ_b − λ_e) F_{ce,ab} M_{ab,ce}

at any gate. It is the covariance of :mod:`~pennylane_dla.variance.module` (Diaz et al., arXiv:2310.11505) with the
operators on ``K`` as the module, ``d²`` numbers; its product structure makes a change of basis cost ``d⁵`` and not
``d⁶``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Inexact

from pennylane_dla.allowance import checkpoint, paced
from pennylane_dla.circuit.ansatz import Angle
from pennylane_dla.progress import Count

from ..chain_rule import mean_to_elements, to_elements
from ..estimate import Prediction, VarianceEstimate
from ..gradient_mean import mean_by_element
from ..law import AngleLaw
from ..problem import Problem
from .walk import SectorWalk

METHOD = "sector"
MAX_WORK = 1e11  # floating point operations: some five seconds on one core
_ROUNDING = 1e-13


def work(dim: int, rotations: int, observables: int = 1) -> float:
    """Floating point operations of :func:`exact_variances`."""
    return 32.0 * dim**5 * (rotations + 1) * (1 + observables)


def memory(dim: int, rotations: int) -> float:
    """Bytes that it holds."""
    return 16.0 * dim**4 * (rotations + 6)


def exact_variances(
    walk: SectorWalk, problem: Problem, observables: Sequence[Inexact[np.ndarray, "d d"]]
) -> list[Prediction]:
    """Variance of each loss and of its gradient, exact at the given depth.

    Args:
        walk: a circuit with independent angles
        problem: for its law and arguments
        observables: on the sector

    Returns:
        one prediction for each observable

    Raises:
        OutOfTime: where the open allowance would not suffice
    """
    sector, count = walk.sector, len(walk.angles)
    law, num_elements = problem.law, problem.ansatz.arguments.num_elements
    total = count * (1 + len(observables))
    shown = Count(total)
    states = [_StateMoments.of(sector.density)]
    matrices, order = walk.changes
    steps = [_Step.of(walk, k, law) for k in range(count)]
    for k in paced(range(count), "second moments of the state", total):
        step = steps[k]
        states.append(states[-1].changed(matrices[order[k]]).averaged(step))
        shown.advance(1)
    result = []
    for observable in observables:
        rotated = walk.last_basis.conj().T @ observable @ walk.last_basis
        seen = _StateMoments(np.einsum("ca,eb->ceab", rotated, rotated), rotated)
        mean, second = seen.overlap(states[-1])
        slopes, mean_slopes = np.zeros(count), np.zeros(count)
        for k in range(count - 1, -1, -1):
            checkpoint()
            if not walk.angles[k].fixed:
                levels = walk.levels[sector.which[k]] * sector.scales[k]
                mean_slopes[k], slopes[k] = seen.slope(states[k + 1], levels)
            seen = seen.averaged(steps[k].reversed).changed(matrices[order[k]].conj().T)
            shown.advance(1)
        size = float(np.linalg.norm(observable, 2)) ** 2
        spreads = np.array([np.ptp(walk.levels[g]) * abs(s) for g, s in zip(sector.which, sector.scales, strict=True)])
        variance = _clean(second - mean**2, size)
        per_rotation = _clean(slopes - mean_slopes**2, size * spreads**2)
        elements = to_elements(walk.angles, per_rotation, num_elements)
        means = mean_to_elements(walk.angles, mean_slopes, num_elements)
        result.append(
            Prediction(
                VarianceEstimate(float(variance), method=METHOD),
                VarianceEstimate(elements, np.zeros_like(elements), METHOD),
                float(mean),
                gradient_mean=mean_by_element(problem, means, METHOD),
            )
        )
    return result


def _clean(value, size):
    """Zero where it is zero up to rounding."""
    return np.where(np.abs(value) <= _ROUNDING * size, 0.0, np.maximum(value, 0.0))


@dataclass(frozen=True, eq=False)
class _Step:
    """What averaging over one rotation multiplies: ``M_{ab,ce}`` and ``ρ_{ac}``."""

    pairs: np.ndarray
    single: np.ndarray

    @classmethod
    def of(cls, walk: SectorWalk, k: int, law: AngleLaw) -> _Step:
        levels, scale, angle = walk.levels[walk.sector.which[k]], walk.sector.scales[k], walk.angles[k]
        sums, of_pair = np.unique(_snapped(levels[:, None] + levels[None, :], levels), return_inverse=True)
        table = _characteristic(law, angle, scale, sums[None, :] - sums[:, None], levels)
        of_pair = of_pair.reshape(-1)
        own, of_level = np.unique(levels, return_inverse=True)
        small = _characteristic(law, angle, scale, own[None, :] - own[:, None], levels)
        d = len(levels)
        return cls(table[np.ix_(of_pair, of_pair)].reshape(d, d, d, d), small[np.ix_(of_level, of_level)])

    @property
    def reversed(self) -> _Step:
        """Of ``F`` and of the observable, in the Heisenberg picture."""
        return _Step(self.pairs.transpose(2, 3, 0, 1), self.single.T)


def _snapped(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Sums of levels, equal up to rounding ones equal."""
    unit = 1e-9 * (np.ptp(levels) or 1.0)
    return np.round(values / unit) * unit


def _characteristic(law: AngleLaw, angle: Angle, scale: float, times: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """``φ(t)`` for a table of times; differences that are zero up to rounding are zero."""
    unit = 1e-9 * (np.ptp(levels) or 1.0)
    rounded = np.round(times / (4 * unit)).astype(np.int64)
    unique, first, inverse = np.unique(rounded, return_index=True, return_inverse=True)
    exact = np.where(unique == 0, 0.0, times.ravel()[first])
    values = np.array([law.characteristic(angle, scale * t) for t in exact])
    if not np.any(np.imag(values)):
        values = np.real(values)
    return values[inverse.reshape(times.shape)]


@dataclass(frozen=True, eq=False)
class _StateMoments:
    """``E[X ⊗ X]`` as ``second[a, b, c, e] = E[X_ac X_be]``, and ``E[X]``."""

    second: Inexact[np.ndarray, "d d d d"]
    first: Inexact[np.ndarray, "d d"]

    @classmethod
    def of(cls, rho: Inexact[np.ndarray, "d d"]) -> _StateMoments:
        return cls(np.einsum("ac,be->abce", rho, rho), rho)

    def changed(self, matrix: np.ndarray) -> _StateMoments:
        """In another basis: ``(W ⊗ W) M (W ⊗ W)†``; ``M`` is Hermitian, so that both sides are the same work.

        In real numbers: half the work where ``W`` is real, and products so small that no BLAS spreads them over
        threads, which would wait for each other on a busy machine.
        """
        d = len(matrix)
        real, imaginary = np.ascontiguousarray(np.real(matrix)), np.ascontiguousarray(np.imag(matrix))
        turn = _turn_real if not imaginary.any() else _turn_complex
        x, y = (np.ascontiguousarray(part) for part in (np.real(self.second), np.imag(self.second)))
        for _ in range(2):
            x, y = turn(x.reshape(-1, d, d), y.reshape(-1, d, d), real, imaginary)
            x = np.ascontiguousarray(x.reshape(d * d, d * d).T)
            y = -y.reshape(d * d, d * d).T
        second = (x + 1j * y).reshape(d, d, d, d)
        return _StateMoments(second, matrix @ self.first @ matrix.conj().T)

    def averaged(self, step: _Step) -> _StateMoments:
        """Over one rotation, in its eigenbasis."""
        return _StateMoments(self.second * step.pairs, self.first * step.single)

    def overlap(self, other: _StateMoments) -> tuple[float, float]:
        """``Tr[ŌR̄]`` and ``Tr[F M]``."""
        first = np.sum(self.first * other.first.T).real
        return float(first), float(np.sum(self.second * other.second.transpose(2, 3, 0, 1)).real)

    def slope(self, other: _StateMoments, levels: Float[np.ndarray, " d"]) -> tuple[float, float]:
        """``E[∂l]`` and ``E[(∂l)²]`` for ``F`` of ``self`` and ``M`` of ``other``."""
        gaps = levels[None, :] - levels[:, None]  # of index (c, a)
        first = np.sum(-1j * gaps * self.first * other.first.T).real
        product = self.second * other.second.transpose(2, 3, 0, 1)  # c e a b
        second = -np.sum(np.real(product) * (gaps[:, None, :, None] * gaps[None, :, None, :]))
        return float(first), float(second)


def _turn_real(x, y, real, imaginary):
    """``W (X + iY) Wᵀ`` for a real ``W``, real and imaginary part."""
    return tuple(np.matmul(np.matmul(real, part), real.T) for part in (x, y))


def _turn_complex(x, y, real, imaginary):
    """``W* (X + iY) W†``, real and imaginary part."""
    x, y = np.matmul(real, x) + np.matmul(imaginary, y), np.matmul(real, y) - np.matmul(imaginary, x)
    return np.matmul(x, real.T) + np.matmul(y, imaginary.T), np.matmul(y, real.T) - np.matmul(x, imaginary.T)
