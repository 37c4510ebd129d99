"""One connected component of the generators: what the classification found out about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt64

from pennylane_dla.algebra.f2.linear import parity
from pennylane_dla.algebra.f2.symplectic import SymplecticBasis, y_parity
from pennylane_dla.algebra.ideal import Ideal

from .free_fermion import MajoranaFrame


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """``q(v) = x·z + functional·v``: the quadratic form that is 1 on every generator, with polarization ``ω``.

    It exists exactly if ``q̃`` vanishes on the relations among the generators (:mod:`~pennylane_dla.algebra.strings`;
    Cuypers, arXiv:2603.08373).

    Args:
        functional: one row of words
    """

    functional: UInt64[np.ndarray, " words"]

    def __call__(self, rows: UInt64[np.ndarray, "m words"]) -> Bool[np.ndarray, " m"]:
        return y_parity(rows) ^ parity(rows & self.functional)


@dataclass(frozen=True, eq=False)
class Component:
    """A component of the anticommutation graph with two generators or more.

    Its part of the Lie algebra is ``multiplicity`` copies of ``family(size)``.

    Args:
        generators: positions of its generators in the list that was classified
        family: ``"so"``, ``"su"`` or ``"sp"``, before small isomorphisms are resolved
        size: ``N`` of ``so(N)``, ``2^g`` of the others
        multiplicity: number of copies, a power of two
        dim: exact dimension
        span: normal form of the span of the generators: ``g`` hyperbolic pairs, ``r`` central strings
        form: the quadratic form, or ``None`` where there is none
        arf: Arf invariant of the form on the span modulo its radical; ``None`` where it does not descend
        frame: Majorana operators of a free-fermion component, else ``None``
    """

    generators: Int[np.ndarray, " m"]
    family: str
    size: int
    multiplicity: int
    dim: int
    span: SymplecticBasis
    form: QuadraticForm | None
    arf: int | None
    frame: MajoranaFrame | None

    @property
    def ideal(self) -> Ideal:
        """Its simple ideals, with the resolved name."""
        return Ideal.resolved(self.family, self.size, self.multiplicity)
