"""Rounding errors of numbers that were found by evaluating a function in floating point."""

from __future__ import annotations

import numpy as np

DOUBLE, SINGLE = 1e-11, 3e-6  # relative rounding error of a slot, with a margin
DENOMINATORS = (1, 3, 7, 10, 16, 1 / np.pi)


def clean(values: np.ndarray, rtol: float = 1e-9) -> np.ndarray:
    """Rounding errors removed from coefficients that are simple fractions (or simple multiples of π)."""
    result = values.copy()
    done = np.zeros(np.shape(values), bool)
    for d in DENOMINATORS:
        rounded = np.round(values * d) / d
        close = ~done & (rounded != 0) & (np.abs(rounded - values) < rtol * np.abs(values))
        result[close] = rounded[close]
        done |= close
    return result


def clean_offset(values: np.ndarray | float, tolerance: np.ndarray | float) -> np.ndarray:
    """Offsets that are zero, or a multiple of π/12, up to rounding."""
    unit = np.pi / 12
    rounded = np.round(values / unit) * unit
    return np.where(np.abs(values - rounded) < tolerance, rounded, values)


def went_through_single(values: np.ndarray) -> np.ndarray:
    """Which numbers went through single precision."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32) == values
