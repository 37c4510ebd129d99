"""A simple ideal of a Lie algebra, with its one name."""

from __future__ import annotations

from dataclasses import dataclass

from . import naming


@dataclass(frozen=True)
class Ideal:
    """A simple ideal, or the center, of a Lie algebra, with how often it occurs.

    Args:
        name: ``"so(16)"``, ``"su(8)"``, ``"sp(4)"`` or ``"u(1)"``
        dim: dimension of one copy, any size
        multiplicity: number of copies, any size
    """

    name: str
    dim: int
    multiplicity: int = 1

    @classmethod
    def resolved(cls, family: str, size: int, multiplicity: int = 1) -> Ideal:
        """``multiplicity`` copies of ``family(size)`` under their one name (``so(6)`` is ``su(4)``)."""
        name, dim, factor = naming.simple(family, size)
        return cls(name, dim, factor * multiplicity)

    def __repr__(self) -> str:
        """With readable integers: they may have thousands of digits."""
        dim, multiplicity = map(naming.format_dimension, (self.dim, self.multiplicity))
        return f"Ideal({self.name}, dim={dim}, multiplicity={multiplicity})"
