"""Numbers as people read them."""

from __future__ import annotations

import numpy as np


def count(number: float) -> str:
    """A number of shots, readable."""
    if number >= 1e6:
        return f"{number:.1e}"
    return f"{max(1, int(np.ceil(number))):,}".replace(",", " ")
