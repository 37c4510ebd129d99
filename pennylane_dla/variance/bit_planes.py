"""Weighted sums over sampled paths, by counting bits.

Which paths anticommuted with a gate is one bit a path, 32 to a word, and a batch has as many such rows as gates. A sum
of weights over the set bits of every row would touch each weight once a gate. Here a weight is written in binary
instead, ``w = unit · Σ_b 2^b bit_b``, rounded to a multiple of ``unit`` up or down at random so that its mean is kept;
then a row costs one AND and one population count for each binary digit and *word*.

The unit is a small part of ``Σw²/Σw``, the weight of the paths that matter: rounding adds at most ``1/FINENESS`` of
the sampling variance, and the squares are those of the rounded weights, so that error bars include it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, Int32, UInt32

from . import sharding

FINENESS, SQUARE_FINENESS = 32, 4
LEVELS = 32  # of both together: ``max(w) Σw/Σw² < √paths``, so that 2^15 paths need 14 and 11
CHUNK = 64  # rows whose words stay in the cache while the digits are gone through


class Planes(NamedTuple):
    """Binary digits of the weights of a batch and of their squares.

    Args:
        digits: one row a digit, one bit a path; padded to ``LEVELS`` rows
        values: what a set bit adds to the sum of weights, and to the sum of squares
        used: number of rows that are not padding
    """

    digits: UInt32[np.ndarray, "levels words"]
    values: Float64[np.ndarray, "levels 2"]
    used: int


def planes(weights: Float[np.ndarray, "words 32"], rng: np.random.Generator) -> Planes:
    """The binary digits of some weights, rounded at random without bias.

    Args:
        weights: not negative, not all zero
        rng: of the rounding

    >>> parts = planes(np.full((1, 32), 0.75), np.random.default_rng(0))
    >>> parts.digits[:parts.used].tolist(), parts.values[:parts.used].tolist()
    ([[4294967295], [4294967295]], [[0.75, 0.0], [0.0, 0.5625]])
    """
    digits = np.zeros((LEVELS, len(weights)), np.uint32)
    values = np.zeros((LEVELS, 2))
    row = 0
    for kind, fineness in enumerate((FINENESS, SQUARE_FINENESS)):
        unit = float(np.sum(weights * weights) / np.sum(weights)) / fineness
        counts = np.floor(weights / unit + rng.random(weights.shape)).astype(np.uint32)
        for level in range(int(counts.max()).bit_length()):
            bits = ((counts >> np.uint32(level)) & 1).astype(np.uint8)
            if bits.any():
                digits[row] = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]
                values[row, kind] = unit * 2.0**level
                row += 1
        weights = (unit * counts) ** 2
    return Planes(digits, values, row)


def plane_sums(rows: UInt32[Array, "rows words"], parts: Planes) -> Float64[np.ndarray, "2 rows"]:
    """``Σ w`` and ``Σ w²`` over the set bits of each row."""
    digits = sharding.place(parts.digits, 1)
    return np.asarray(_sums(rows, digits, parts.values, np.int32(parts.used)))


@jax.jit
def _sums(
    rows: UInt32[Array, "rows words"],
    digits: UInt32[Array, "levels words"],
    values: Float64[Array, "levels 2"],
    used: Int32[Array, ""],
) -> Float64[Array, "2 rows"]:
    def chunk(some):
        def level(number, totals):
            digit = jax.lax.dynamic_index_in_dim(digits, number, keepdims=False)
            counts = jnp.sum(jax.lax.population_count(some & digit).astype(jnp.int32), axis=1)
            return totals + jax.lax.dynamic_index_in_dim(values, number, keepdims=False)[:, None] * counts

        return jax.lax.fori_loop(0, used, level, jnp.zeros((2, some.shape[0])))

    size = min(CHUNK, rows.shape[0])
    parts = jax.lax.map(chunk, rows.reshape(-1, size, rows.shape[1]))
    return jnp.moveaxis(parts, 1, 0).reshape(2, -1)


