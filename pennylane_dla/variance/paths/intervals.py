"""Confidence intervals for means of non-negative weights that are mostly zero.

On a plateau almost every path has weight zero, so the normal interval is wrong where it matters. With
weights 0 or 1 the interval of Clopper and Pearson is right at any number of hits, zero included. For general
weights it is applied to the number of equal weights that has the same first two moments, ``k = (Σw)²/Σw²``
hits of size ``u = Σw²/Σw``; the upper end adds one more hit of the largest weight, as Fay and Feuer do for
sums of Poisson variables (Statistics in Medicine 16, 791 (1997)). With equal weights both ends are those of
Clopper and Pearson.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import betaincinv, stdtrit

LEVEL = 0.95
FEW = 10  # effective number of estimates up to which Student's interval is not trusted alone


def weighted_interval(
    total: Float[np.ndarray, " *shape"] | float,
    squares: Float[np.ndarray, " *shape"] | float,
    largest: Float[np.ndarray, " *shape"] | float,
    samples: int,
    bound: Float[np.ndarray, " *shape"] | float,
) -> tuple[Float[np.ndarray, " *shape"], Float[np.ndarray, " *shape"]]:
    """95 % confidence interval of ``E[w]``.

    Args:
        total: ``Σ w`` over the samples
        squares: ``Σ w²``
        largest: the largest weight seen
        samples: number of samples
        bound: the largest weight possible, used where none was seen

    Returns:
        lower and upper ends, in the shape of ``total``
    """
    total, squares = np.asarray(total, float), np.asarray(squares, float)
    tail = (1 - LEVEL) / 2
    hit = total > 0
    safe_total, safe_squares = np.where(hit, total, 1.0), np.where(hit, squares, 1.0)
    size = np.where(safe_squares > 0, safe_squares / safe_total, safe_total)  # squares underflow below 1e-300
    hits = np.minimum(safe_total / size, samples)
    low = np.where(hit, size * betaincinv(hits, samples - hits + 1, tail), 0.0)
    # a few hits have hardly shown the largest weight: allow for a larger one
    extra = np.where(hit, np.minimum(largest * (1 + 5 / np.maximum(hits, 1)), bound), bound)
    more_total = np.where(hit, total, 0.0) + extra
    more_squares = np.where(hit, squares, 0.0) + extra**2
    possible = more_total > 0
    size = np.where(possible, more_squares, 1.0) / np.where(possible, more_total, 1.0)
    size = np.where(size > 0, size, more_total)
    hits = np.minimum(np.where(possible, more_total, 1.0) / size, samples + 1)
    rest = np.maximum(samples + 1 - hits, 0.0)
    inner = betaincinv(hits, np.where(rest > 0, rest, 1.0), 1 - tail)
    high = np.where(possible, size * np.where(rest > 0, inner, 1.0), 0.0)
    return low, high


def replicate_interval(
    total: Float[np.ndarray, " *shape"] | float,
    squares: Float[np.ndarray, " *shape"] | float,
    largest: Float[np.ndarray, " *shape"] | float,
    samples: int,
    bound: Float[np.ndarray, " *shape"] | float,
) -> tuple[Float[np.ndarray, " *shape"], Float[np.ndarray, " *shape"]]:
    """95 % confidence interval of the mean of a few positive estimates that lean to large values.

    Student's interval for the logarithm of the mean, ``value · exp(± t · relative error)``; where the sum rests on
    few of the estimates, at least as wide as :func:`weighted_interval`.

    Args:
        total: ``Σ e`` over the estimates
        squares: ``Σ e²``
        largest: the largest estimate
        samples: number of estimates
        bound: the largest estimate possible, used where all are zero

    Returns:
        lower and upper ends, in the shape of ``total``
    """
    total, squares = np.asarray(total, float), np.asarray(squares, float)
    hit = total > 0
    mean = total / samples
    error = standard_error(total, squares, samples) * np.sqrt(samples / max(1, samples - 1))
    spread = stdtrit(max(1, samples - 1), 1 - (1 - LEVEL) / 2) * error / np.where(hit, mean, 1.0)
    low, high = np.where(hit, mean * np.exp(-spread), 0.0), np.where(hit, mean * np.exp(spread), 0.0)
    wide_low, wide_high = weighted_interval(total, squares, largest, samples, bound)
    few = total**2 <= FEW * squares
    return np.where(few, np.minimum(low, wide_low), low), np.where(few, np.maximum(high, wide_high), high)


def standard_error(
    total: Float[np.ndarray, " *shape"] | float,
    squares: Float[np.ndarray, " *shape"] | float,
    samples: int,
    bound: Float[np.ndarray, " *shape"] | float = 0.0,
) -> Float[np.ndarray, " *shape"]:
    """Standard error of the mean of ``samples`` weights; without a hit, what one hit of weight ``bound`` would give."""
    error = np.sqrt(np.maximum(squares - total**2 / samples, 0.0))
    return np.asarray(np.where(total > 0, error, bound) / samples)
