"""JSON's types: what remains of exact numbers and arrays when they leave Python."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """JSON's types: fractions as ``"1/257"``, integers beyond 2⁵³ as strings, infinities as ``"inf"``."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value] if value.ndim else plain(value.item())
    if isinstance(value, (np.generic,)):
        return plain(value.item())
    if isinstance(value, Fraction):
        return _digits(value.numerator) + (f"/{_digits(value.denominator)}" if value.denominator != 1 else "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return _digits(value)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _digits(value: int) -> str:
    """All digits; Python refuses more than a few thousand, which are given in hexadecimal."""
    return str(value) if abs(value).bit_length() < 12_000 else hex(value)
