"""Weighted sums over sampled paths, by counting bits.

Which paths anticommuted with a gate is one bit a path, 32 to a word, and a batch has as many such rows as gates. A sum
of weights over the set bits of every row would touch each weight once a gate. Here each weight is rounded to a power of
two, up or down at random so that its mean is kept; then a row costs one AND and one population count for each power
and each *word*, and the same counts give the sum of squares.

Rounding ``x`` in ``[1, b)`` to 1 or ``b`` has the variance ``(x - 1)(b - x)``, at most ``(b - 1)²/4b`` of ``x²``. The
weights that count most go to the next powers of two, which adds at most an eighth to their ``Σw²`` whatever paths a row
selects, the light ones to powers of four, which adds at most nine sixteenths. The squares are those of the rounded
weights, so error bars include it. Weights that are all equal are not rounded at all.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, UInt32

from pennylane_dla.pauli.strings import WORD

from . import sharding

# The powers, over the largest weight: of two, then of four. Below them a weight lives on with the probability of its
# share of the last.
FINE = 8
GRID = np.array([*range(FINE), *range(FINE, 48, 2)])
LEVELS = len(GRID)
POWERS = np.append(np.exp2(-GRID.astype(float)), 0.0)
CHUNK = 256  # rows whose counts stay in the cache


class Planes(NamedTuple):
    """The weights of a batch, sorted by powers of two.

    Args:
        digits: which paths have a power, one row each, one bit a path
        values: the power and its square
    """

    digits: UInt32[np.ndarray, "levels words"]
    values: Float64[np.ndarray, "levels 2"]


def planes(weights: Float[np.ndarray, "words 32"], rng: np.random.Generator) -> Planes:
    """Weights rounded at random to powers of two (times the largest weight), without bias.

    Args:
        weights: not negative, not all zero
        rng: of the rounding

    >>> parts = planes(np.full((1, 32), 0.75), np.random.default_rng(0))
    >>> parts.digits[:2].tolist(), parts.values[:2].tolist()
    ([[4294967295], [0]], [[0.75, 0.5625], [0.375, 0.140625]])
    """
    largest = weights.max()
    scaled = weights / largest
    down = 1 - np.frexp(scaled)[1]  # the next power of two below is 2^-down
    level = np.where(down <= FINE, down, FINE + (down - FINE + 1) // 2).clip(0, LEVELS)  # the next of the grid
    above, below = POWERS[np.maximum(level - 1, 0)], POWERS[level]
    level -= rng.random(weights.shape) * (above - below) < scaled - below
    level[scaled == 0] = LEVELS
    words = np.arange(len(weights))[:, None]
    bits = np.broadcast_to(np.exp2(np.arange(WORD)), weights.shape)
    digits = np.bincount((level * len(weights) + words).ravel(), bits.ravel(), (LEVELS + 1) * len(weights))
    digits = digits.reshape(LEVELS + 1, -1)[:LEVELS].astype(np.uint32)
    powers = largest * POWERS[:LEVELS]
    return Planes(digits, np.stack([powers, powers**2], axis=1))


def plane_sums(rows: UInt32[Array | np.ndarray, "rows words"], parts: Planes) -> Float64[np.ndarray, "2 rows"]:
    """``Σ w`` and ``Σ w²`` over the set bits of each row."""
    digits = sharding.place(parts.digits, 1)
    return np.asarray(_sums(rows, digits, parts.values))


@jax.jit
def _sums(
    rows: UInt32[Array, "rows words"], digits: UInt32[Array, "levels words"], values: Float64[Array, "levels 2"]
) -> Float64[Array, "2 rows"]:
    # One word of all rows at a time: the counts of many rows side by side are what a CPU adds in one instruction
    # (measured: six times the speed of summing each row over its words).
    def chunk(some):
        def word(counts, item):
            column, digit = item
            return counts + jax.lax.population_count(column & digit[:, None]), None

        start = jnp.zeros((LEVELS, some.shape[0]), jnp.uint32)
        counts = jax.lax.scan(word, start, (some.T, digits.T))[0]
        return values.T @ counts.astype(jnp.float64)

    size = min(CHUNK, rows.shape[0])
    parts = jax.lax.map(chunk, rows.reshape(-1, size, rows.shape[1]))
    return jnp.moveaxis(parts, 1, 0).reshape(2, -1)
