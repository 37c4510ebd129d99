"""Splitting: paths that have a future are copied, others dropped, where plain sampling finds too few hits.

A string on few qubits ends in the state far more often than one on many, and a shallow circuit on many
qubits lives on the paths that stay small. At stages between blocks of gates the paths of a batch are
resampled in proportion to ``exp(slope · |Q|)``, with ``|Q|`` the number of qubits that the string acts on;
dividing by the same factor at the end keeps the estimate unbiased for any slopes (sequential Monte Carlo,
Del Moral et al., J. R. Stat. Soc. B 68, 411 (2006)). The slopes come from a pilot batch, backward from the
end weights, one stage at a time: how the logarithm of the expected factor at the next stage grows with
``|Q|`` now.

Paths of one batch share ancestors, so the batch is the unit of the statistics. In a circuit so deep that it
scrambles between the stages the slopes vanish and nothing is gained; nothing is lost either.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from pennylane_dla.pauli.strings import WORD

from . import sweep

MAX_STAGES = 128
LEAST_SLOPE = 0.02  # below, resampling costs more than it brings
FEW_HITS = 100
EVENNESS = 0.7  # resample where the effective share of the paths falls below


@jax.jit
def support_sizes(rows: sweep.Rows) -> Int32[Array, " paths"]:
    """Number of qubits on which each path's string acts."""

    def qubit(total, row):
        return total + sweep.bits(row), None

    start = jnp.zeros((rows.x.shape[1], WORD), jnp.int32)
    return jax.lax.scan(qubit, start, rows.x | rows.z)[0].reshape(-1)


@jax.jit
def select_paths(rows: sweep.Rows, chosen: Int32[Array, " paths"]) -> sweep.Rows:
    """The rows of the paths ``chosen``."""

    def qubit(_, row):
        bits = sweep.bits(row).reshape(-1)[chosen].reshape(-1, WORD).astype(jnp.uint32)
        return None, jnp.sum(bits << jnp.arange(WORD, dtype=jnp.uint32), axis=1, dtype=jnp.uint32)

    return sweep.Rows(*(jax.lax.scan(qubit, None, part)[1] for part in rows))


def stage_length(steps: int) -> int:
    """Steps between stages: one of the block lengths, at most ``MAX_STAGES`` stages."""
    return next((b for b in sweep.BLOCKS if steps <= MAX_STAGES * b), sweep.BLOCKS[-1])


def pilot_slopes(sizes: list[np.ndarray], weights: Float[np.ndarray, " paths"], default: float) -> list[float]:
    """The slope of each stage, from the sizes of the pilot's strings at the stages and their end weights.

    Args:
        sizes: for each stage
        weights: end weights
        default: weight of one qubit, used where the pilot has too few hits to tell
    """
    slopes = [0.0] * len(sizes)
    if np.count_nonzero(weights) < FEW_HITS:
        weights = default ** (sizes[-1] - sizes[-1].mean())
    values = weights
    for stage in range(len(sizes) - 1, -1, -1):
        slopes[stage] = min(0.0, _slope(sizes[stage], values))
        values = np.exp(slopes[stage] * (sizes[stage] - sizes[stage].mean()))
    return slopes


def _slope(sizes: np.ndarray, values: np.ndarray) -> float:
    """Slope of ``log E[value | size]``, a straight line through the groups of equal size."""
    groups, index, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    means = np.bincount(index, values) / counts
    groups, counts, means = groups[means > 0], counts[means > 0], means[means > 0]
    if len(groups) < 2:
        return 0.0
    share = np.sqrt(counts) / np.sqrt(counts).sum()
    logs = np.log(means)
    centered = groups - share @ groups
    return float((share * centered) @ (logs - share @ logs) / (share @ centered**2))


class Tree:
    """One batch on its way through the stages: factors, and who descends from whom.

    Args:
        paths: of the batch
        rng: for the resampling
    """

    def __init__(self, paths: int, rng: np.random.Generator):
        self._rng = rng
        self._guide = np.zeros(paths)  # log of the factor that the paths carry now
        self._open = np.zeros(paths)  # the part of it not resampled yet
        self._log_scale = 0.0
        self.ancestors: list[np.ndarray | None] = []

    def stage(self, rows: sweep.Rows, slope: float) -> sweep.Rows:
        """Resample, if the factors have become uneven."""
        self.ancestors.append(None)
        if slope > -LEAST_SLOPE:
            return rows
        guide = slope * np.asarray(support_sizes(rows)).astype(float)
        self._open += guide - self._guide
        self._guide = guide
        top = self._open.max()
        factors = np.exp(self._open - top)
        count = len(factors)
        if factors.sum() ** 2 > EVENNESS * count * np.sum(factors**2):
            return rows
        self._log_scale += top + np.log(factors.mean())
        edges = np.cumsum(factors)
        points = (np.arange(count) + self._rng.random()) / count * edges[-1]
        chosen = np.minimum(np.searchsorted(edges, points, side="right"), count - 1).astype(np.int32)
        self.ancestors[-1] = chosen
        self._guide, self._open = self._guide[chosen], np.zeros(count)
        return select_paths(rows, jnp.asarray(chosen))

    def log_corrections(self) -> np.ndarray:
        """Logarithm of what the end weight of each path is to be multiplied with."""
        return self._open - self._guide + self._log_scale

    def at_stages(self, weights: np.ndarray) -> list[np.ndarray]:
        """For each block of gates the weight of all descendants of each path that went through it."""
        result = []
        for chosen in reversed(self.ancestors):
            if chosen is not None:
                weights = np.bincount(chosen, weights, len(weights))
            result.append(weights)
        return result[::-1]
