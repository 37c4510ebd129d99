"""Pauli strings and their real sums as bit-packed arrays."""

from .strings import PauliStrings
from .sums import PauliSum, ProjectorProduct
from .table import StringTable

__all__ = ["PauliStrings", "PauliSum", "ProjectorProduct", "StringTable"]
