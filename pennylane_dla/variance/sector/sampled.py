"""Variances on the sector from sampled gradients: shared arguments, any law, dimensions in the hundreds.

The angles are drawn as the user's arguments are, so nothing is assumed about which rotation shares which argument.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse
from jaxtyping import Float, Inexact

from pennylane_dla.allowance import current
from pennylane_dla.circuit.ansatz import Angle
from pennylane_dla.progress import Count
from pennylane_dla.variance.chain_rule import angle_map

from ..estimate import Prediction, VarianceEstimate
from ..gradient_mean import mean_by_element
from ..problem import Problem
from .samples import SectorSampler
from .walk import SectorWalk

METHOD = "sector"
MIN_SAMPLES = 256
CHEAP_SAMPLES = 20_000  # are drawn whatever the wanted error,
CHEAP_SECONDS = 0.8  # as long as they take no more time than compiling does
_SINGLE = 3e-7  # relative rounding of one rotation in single precision, with a margin
_DOUBLE = 3e-15
_WINDOW = 2 * np.pi * 10_007  # of an angle that has no period


@dataclass(frozen=True, eq=False)
class ChainRule:
    """How the angles of the rotations come from the elements of the arguments.

    Args:
        offsets: of the angles
        matrix: ``angles = offsets + matrix · elements``
        chain: the same for derivatives: an angle that is not affine counts as the element itself
        own: positions of the angles that are not affine: each is drawn by itself
    """

    offsets: Float[np.ndarray, " rotations"]
    matrix: scipy.sparse.csr_array
    chain: scipy.sparse.csr_array
    own: list[int]

    @classmethod
    def of(cls, angles: Sequence[Angle], num_elements: int) -> ChainRule:
        """From the angles."""
        return cls(*angle_map(angles, num_elements))

    def angles(
        self, elements: Float[np.ndarray, "batch elements"], rng: np.random.Generator
    ) -> Float[np.ndarray, "batch rotations"]:
        """Of a batch of circuits."""
        result = self.offsets + (self.matrix @ elements.T).T
        result[:, self.own] = rng.uniform(0, _WINDOW, (len(elements), len(self.own)))
        return result


@dataclass
class Powers:
    """Sums of powers of samples about a point near their mean, up to the fourth."""

    about: Float[np.ndarray, " k"]
    count: int = 0
    sums: Float[np.ndarray, "4 _"] = field(default_factory=lambda: np.zeros((4, 1)))

    def add(self, samples: Float[np.ndarray, "batch k"]) -> None:
        """More samples."""
        away = samples - self.about
        self.sums = self.sums + np.stack([np.sum(away**j, axis=0) for j in (1, 2, 3, 4)])
        self.count += len(samples)

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and its standard error."""
        one, two = self.sums[:2] / self.count
        return self.about + one, np.sqrt(np.maximum(two - one**2, 0) / self.count)

    def variance(self, noise: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Variance and its standard error ``√((m₄ − m₂²)/N)``; zero up to ``noise``."""
        one, two, three, four = self.sums / self.count
        second = two - one**2
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        error = np.sqrt(np.maximum(fourth - second**2, 0) / self.count)
        second = np.where(second <= noise, 0.0, second * self.count / max(self.count - 1, 1))
        return second, np.where(second == 0, 0.0, error)


def sampled_variances(
    walk: SectorWalk,
    problem: Problem,
    observables: Sequence[Sequence[Inexact[np.ndarray, "d d"]]],
    kinds: Sequence[str],
) -> list[Prediction]:
    """Estimates with standard errors, for several measurements from the same circuits.

    Sampling stops when every loss and half of the components are known to ``budget.rtol``, after ``budget.samples``
    circuits or when the open allowance of time is used up; samples that take less time than compiling did are drawn in
    any case.

    Args:
        walk: the circuit
        problem: for law and budget
        observables: of each measurement on the sector; for a variance the square too
        kinds: kind of each measurement

    Returns:
        one prediction for each measurement
    """
    measured = [_Measured.of(matrices, kind) for matrices, kind in zip(observables, kinds, strict=True)]
    sampler = SectorSampler.of(walk, [matrix for one in measured for matrix in one.matrices])
    spreads = np.array([np.ptp(level) for level in sampler.levels]) if len(sampler.levels) else np.zeros(0)
    chain = ChainRule.of(walk.angles, problem.ansatz.arguments.num_elements)
    reach = abs(chain.chain.T) @ spreads if len(spreads) else np.zeros(problem.ansatz.arguments.num_elements)
    run = _Run(walk, problem, sampler, chain, measured, reach)
    run.sample(single=True)
    if run.too_small(_SINGLE) and not current().over:
        run.sample(single=False)
    return run.predictions()


@dataclass(frozen=True, eq=False)
class _Measured:
    """One measurement: centred observables, so that little is lost to rounding."""

    matrices: tuple[np.ndarray, ...]
    kind: str
    center: float
    size: float

    @classmethod
    def of(cls, matrices: Sequence[np.ndarray], kind: str) -> _Measured:
        first, d = matrices[0], len(matrices[0])
        center = float(np.trace(first).real) / d
        centred = [first - center * np.eye(d)]
        if kind == "var":
            centred.append(matrices[1] - 2 * center * first + center**2 * np.eye(d))
        size = float(np.linalg.norm(centred[-1], 2))
        return cls(tuple(centred), kind, center if kind != "var" else 0.0, size)

    def loss(self, values: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss without the center, and its derivatives with respect to the angles."""
        if self.kind != "var":
            return values[:, 0], slopes[:, 0]
        return values[:, 1] - values[:, 0] ** 2, slopes[:, 1] - 2 * values[:, :1] * slopes[:, 0]


@dataclass(eq=False)
class _Run:
    """Sampling of several measurements together."""

    walk: SectorWalk
    problem: Problem
    sampler: SectorSampler
    angles: ChainRule
    measured: Sequence[_Measured]
    reach: np.ndarray

    def sample(self, single: bool) -> None:
        """Draw until the error or a limit is reached."""
        budget = self.problem.budget
        rng = np.random.default_rng(budget.seed)
        shown = Count(budget.samples)
        self.stopped, drawn = "all samples drawn", 0
        self.sums: list[tuple[Powers, Powers]] = []
        allowance, compiled = current(), time.monotonic()
        while drawn < budget.samples:
            batch = min(self.sampler.batch, budget.samples)  # one shape: compiled once
            angles = self.angles.angles(self.problem.law.draw(rng, batch), rng)
            values, slopes = self.sampler.run(angles, single)
            self._add(values, slopes)
            drawn += batch
            shown.advance(batch)
            now = time.monotonic()
            if drawn == batch:
                compiled = now
                if single and self.too_small(_SINGLE):
                    break
            if drawn >= min(MIN_SAMPLES, budget.samples) and self._precise(budget.rtol):
                if drawn >= CHEAP_SAMPLES or now - compiled > CHEAP_SECONDS:
                    self.stopped = f"relative error below {budget.rtol:g}"
                    break
            if allowance.over:
                self.stopped = allowance.statement
                break
        self.drawn = drawn

    def _add(self, values: np.ndarray, slopes: np.ndarray) -> None:
        first, pairs = 0, []
        for one in self.measured:
            part = slice(first, first + len(one.matrices))
            loss, slope = one.loss(values[:, part], slopes[:, part])
            pairs.append((loss[:, None], slope @ self.angles.chain))
            first = part.stop
        if not self.sums:
            self.sums = [(Powers(loss.mean(axis=0)), Powers(slope.mean(axis=0))) for loss, slope in pairs]
        for sums, pair in zip(self.sums, pairs, strict=True):
            for powers, samples in zip(sums, pair, strict=True):
                powers.add(samples)

    def _noise(self, one: _Measured, rounding: float) -> tuple[float, np.ndarray]:
        """Variances that rounding alone may have."""
        gates = max(len(self.walk.angles), 1) ** 0.5
        return (rounding * gates * one.size) ** 2, (rounding * gates * one.size * self.reach) ** 2

    def too_small(self, rounding: float) -> bool:
        """Whether some variance is not far above rounding."""
        for one, (loss, gradient) in zip(self.measured, self.sums, strict=True):
            noise, noises = self._noise(one, 30 * rounding)
            if np.any(loss.variance()[0] <= noise) or np.any((gradient.variance()[0] <= noises) & (self.reach > 0)):
                return True
        return False

    def _precise(self, rtol: float) -> bool:
        for one, (loss, gradient) in zip(self.measured, self.sums, strict=True):
            noise, noises = self._noise(one, _DOUBLE)
            variance, error = loss.variance(noise)
            if variance[0] > 0 and error[0] > rtol * variance[0]:
                return False
            variances, errors = gradient.variance(noises)
            moving = variances > 0
            if moving.any() and np.median(errors[moving] / variances[moving]) > rtol:
                return False
        return True

    def predictions(self) -> list[Prediction]:
        """The estimates."""
        result, dim = [], self.walk.sector.dim
        reason = f"{self.drawn} sampled circuits on {dim} dimensions, {self.stopped}"
        for one, (loss, gradient) in zip(self.measured, self.sums, strict=True):
            noise, noises = self._noise(one, _DOUBLE)
            variance, error = (float(part[0]) for part in loss.variance(noise))
            variances, errors = gradient.variance(noises)
            mean, mean_error = (float(part[0]) for part in loss.mean())
            means, mean_errors = gradient.mean()
            result.append(
                Prediction(
                    VarianceEstimate.sampled(variance, error, METHOD, reason),
                    VarianceEstimate.sampled(variances, errors, METHOD, reason),
                    mean + one.center,
                    {"samples": self.drawn},
                    mean_error,
                    mean_by_element(self.problem, means, METHOD, mean_errors),
                )
            )
        return result
