"""Exact variances for generators that are sums of strings: covariances on the module of the observable.

In the Heisenberg picture the coefficient vector ``c`` of the observable is rotated by every gate. Its second
moment ``E[c cᵀ]`` starts as ``o oᵀ`` and is averaged gate by gate in the eigenbasis of the generator
(``frames.py``); at the start of the circuit ``E[l²] = rᵀ E r``. The derivative for one gate replaces ``E`` by
``A E Aᵀ`` there, so that one sweep from each end gives every component. Any angle law, fixed gates and sums
of strings are treated alike: a fixed gate has the law of a constant.

The work is in products of ``d × d`` matrices, two for a gate and direction, in LAPACK: for the usual ``d`` of
a few hundred the whole sweep takes less time than compiling it would.

The theory: :mod:`~pennylane_dla.variance.module`. Source: Diaz et al., arXiv:2310.11505.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse

from pennylane_dla.allowance import checkpoint, paced
from pennylane_dla.progress import Count
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.gradient_mean import mean_by_rotation
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.shares import one_by_one, variance_of

from . import noisy
from .frames import Eigenframe, Phases, SplitMoments
from .observable_module import ObservableModule, observable_module

METHOD = "module"
MAX_WORK = 4e12  # floating point operations, about a minute on two cores
_ROUNDING = 1e-14


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """:func:`predict` for several observables of one circuit."""
    return one_by_one(predict, problems, variance_of)


def predict(problem: Problem) -> Prediction:
    """Exact variance of the loss and of every gradient component at the given depth.

    ``Var[l] = rᵀ E r − (rᵀ e)²`` and, for the angle of gate ``k``,
    ``E[(∂l)²] = Tr[F_k A_k E_k A_kᵀ]`` with ``F_k`` the second moment propagated from the state.

    Args:
        problem: a circuit with independent angles; with noise :mod:`.noisy` takes its place

    Returns:
        exact values, or the reason why this engine does not apply
    """
    if problem.effective.channels and problem.kind != "var":
        return noisy.predict(problem)
    module = observable_module(problem)
    if isinstance(module, Declined):
        return Prediction.unavailable(module.reason)
    walk = _CovarianceWalk(module, problem)
    if not walk.affordable:
        return Prediction.unavailable(
            f"the module of the observable has dimension {module.dim}, too large for {len(module.which)} rotations"
        )
    mean, second, slopes, mean_slopes = walk.sweep()
    size = float(module.observable @ module.observable * (module.state @ module.state))
    variance = _clean(second - mean**2, size)
    per_rotation = _clean(slopes - mean_slopes**2, size * walk.largest_frequency**2)
    elements = to_elements(problem.effective.angles, per_rotation, problem.ansatz.arguments.num_elements)
    return Prediction(
        VarianceEstimate(float(variance), method=METHOD),
        VarianceEstimate(elements, np.zeros_like(elements), METHOD),
        float(mean) + module.constant,
        {"module dimension": module.dim, "strings": module.num_strings, "ranks": module.statement},
        gradient_mean=mean_by_rotation(problem, mean_slopes, METHOD),
    )


def _clean(value, size: float):
    """Zero where it is zero up to rounding."""
    return np.where(np.abs(value) <= _ROUNDING * size, 0.0, np.maximum(value, 0.0))


At = tuple[int | None, np.ndarray, np.ndarray]  # basis, covariance, mean


@dataclass(frozen=True, eq=False)
class _CovarianceWalk:
    """The circuit as a walk through the eigenbases of its generators."""

    module: ObservableModule
    problem: Problem
    frames: list[Eigenframe] = field(init=False)
    phases: list[Phases] = field(init=False)
    changes: dict[tuple[int | None, int], scipy.sparse.csr_array | np.ndarray] = field(init=False)

    def __post_init__(self):
        frames = [Eigenframe.of(action) for action in paced(self.module.actions, "the eigenvectors of the generators")]
        phases = [Phases(frame, self.problem.law) for frame in paced(frames, "the frequencies of the generators")]
        object.__setattr__(self, "frames", frames)
        object.__setattr__(self, "phases", phases)
        object.__setattr__(self, "changes", {})

    @property
    def affordable(self) -> bool:
        d, gates = len(self.module.observable), len(self.module.which)
        sparse = all(scipy.sparse.issparse(frame.basis) for frame in self.frames)
        work = 3 * gates * (60 * d**2 if sparse else 60 * d**2 + 4 * d**3)
        return work <= MAX_WORK and self._stride() is not None

    @property
    def largest_frequency(self) -> float:
        scales = np.abs(self.module.scales)
        return max(
            (s * self.frames[g].frequencies.max(initial=0) for s, g in zip(scales, self.module.which, strict=True)),
            default=0.0,
        )

    def _stride(self) -> int | None:
        """Gates between stored covariances: 1 where memory allows, else about ``√gates``."""
        gates = len(self.module.which)
        copies = self.problem.budget.max_memory // (8 * len(self.module.observable) ** 2) - 12
        if copies >= gates:
            return 1
        stride = max(1, round(gates**0.5))
        return stride if copies >= stride + gates // stride + 1 else None

    def _into(self, k: int, source: int | None, covariance, mean):
        """From the basis of generator ``source`` (``None``: the module's own) to that of rotation ``k``."""
        target = int(self.module.which[k])
        if source == target:
            return covariance, mean
        if (source, target) not in self.changes:
            change = self.frames[target].basis.T
            if source is not None:
                change = change @ self.frames[source].basis
                if scipy.sparse.issparse(change):
                    change = scipy.sparse.csr_array(change)
                    if change.nnz > 0.1 * len(mean) ** 2:
                        change = change.toarray()
            self.changes[source, target] = change
        change = self.changes[source, target]
        return change @ (change @ covariance).T, change @ mean  # a covariance is symmetric

    def _phases(self, k: int):
        g = int(self.module.which[k])
        return self.phases[g].of(self.problem.effective.angles[k], self.module.scales[k])

    def _step(self, k: int, at: At, backwards: bool) -> At:
        """Average over rotation ``k``: ``at`` is (basis, covariance, mean)."""
        source, covariance, mean = at
        covariance, mean = self._into(k, source, covariance, mean)
        g = int(self.module.which[k])
        moments = SplitMoments.split(covariance, mean, self.frames[g].zeros)
        return (g, *moments.rotated(self._phases(k), backwards).join())

    def sweep(self):
        """Mean and second moment of the loss, and for each rotation second moment and mean of the derivative."""
        module, gates = self.module, len(self.module.which)
        o, r = module.observable, module.state
        stride = self._stride()
        assert stride is not None  # where it is affordable
        shown = Count(2 * gates)
        at: At = (None, np.outer(o, o), o)
        stored: dict[int, At] = {gates: at}  # the observable's side of every stride-th gate, from the end
        for k in paced(range(gates - 1, -1, -1), "the covariances", 3 * gates):
            at = self._step(k, at, backwards=False)
            if k % stride == 0:
                stored[k] = at
            shown.advance(1)
        source, covariance, mean = at
        if source is not None:
            basis = self.frames[source].basis
            start = basis.T @ r
        else:
            start = r
        total, second = float(start @ mean), float(start @ covariance @ start)
        slopes, mean_slopes = np.zeros(gates), np.zeros(gates)
        at = (None, np.outer(r, r), r)
        for first in paced(range(0, gates, stride), "the covariances"):
            last = min(first + stride, gates)
            segment = {last: stored[min(last, gates)]}
            for k in range(last - 1, first, -1):
                segment[k] = self._step(k, segment[k + 1], backwards=False)
            segment[first] = stored.pop(first)
            for k in range(first, last):
                checkpoint()
                g = int(module.which[k])
                covariance, mean = self._into(k, *at)
                ahead = SplitMoments.split(covariance, mean, self.frames[g].zeros)
                if not self.problem.effective.angles[k].fixed:
                    _, covariance, mean = segment.pop(k)
                    behind = SplitMoments.split(covariance, mean, self.frames[g].zeros)
                    second_slope, mean_slope = ahead.slope(behind, self.frames[g].frequencies)
                    slopes[k] = second_slope * module.scales[k] ** 2
                    mean_slopes[k] = mean_slope * module.scales[k]
                at = (g, *ahead.rotated(self._phases(k), backwards=True).join())
                shown.advance(1)
        return total, second, slopes, mean_slopes
