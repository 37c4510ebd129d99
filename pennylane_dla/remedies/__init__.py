"""What would make a circuit trainable: variants of it, each diagnosed, ranked by the gradient they win."""

from .remedy import Remedies, Remedy
from .search import find_remedies

__all__ = ["Remedies", "Remedy", "find_remedies"]
