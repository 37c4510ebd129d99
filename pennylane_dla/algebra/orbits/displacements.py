"""How one component of the generators moves a Pauli string (:mod:`~pennylane_dla.algebra.orbits`).

The strings ``x + δ`` that nested commutators with a component reach from ``x`` differ from ``x`` by displacements ``δ``
in the span of its generators. There are three kinds; each knows its exact size, its members, how to draw one
uniformly, and the mean of a character on it. Components commute, so their displacements add independently.

Sources: Brown and Humphries, Orbits under symplectic transvections (1986); West et al., arXiv:2502.16404.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, UInt64

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.symplectic import SymplecticBasis, form
from pennylane_dla.algebra.strings.component import Component, QuadraticForm
from pennylane_dla.algebra.strings.free_fermion import MajoranaFrame

Row = UInt64[np.ndarray, "1 words"]
Rows = UInt64[np.ndarray, "m words"]


@runtime_checkable
class Displacements(Protocol):
    """The set of displacements of one component, as a subset of the span of ``rows``.

    Whether ``u`` in that span belongs to it is ``admits(u)`` and not ``offset(u)``. Adding a string of ``radical`` (the
    part of the span that commutes with the component) changes nothing but ``offset``, and that linearly.
    """

    @property
    def rows(self) -> Rows: ...

    @property
    def radical(self) -> Rows: ...

    @property
    def free(self) -> Rows:
        """A basis of the strings of the radical that are displacements by themselves: a linear space."""
        ...

    @property
    def size(self) -> int:
        """Number of displacements."""
        ...

    def admits(self, u: Rows) -> Bool[np.ndarray, " m"]:
        """The part of membership that does not depend on the radical."""
        ...

    def offset(self, u: Rows) -> Bool[np.ndarray, " m"]:
        """The part that is affine in the radical; members have 0."""
        ...

    def sample(self, rng: np.random.Generator, count: int) -> Rows:
        """Uniform draws."""
        ...

    def members(self) -> Rows:
        """All of them, for small sets."""
        ...

    def mean_sign(self, p: Row) -> Fraction:
        """Mean of ``(-1)^ω(δ, p)``."""
        ...


@dataclass(frozen=True, eq=False)
class Quadric:
    """``{u ∈ U : q(u) + ω(x,u) = 0, x + u not commuting with all of U}``; without the first condition where the
    component has no quadratic form.

    Args:
        span: ``U``
        quadratic: ``q``, or ``None``
        x: the string that is displaced
    """

    span: SymplecticBasis
    quadratic: QuadraticForm | None
    x: Row

    @property
    def rows(self) -> Rows:
        return self.span.rows

    @property
    def radical(self) -> Rows:
        return self.span.radical

    @property
    def free(self) -> Rows:
        radical = self.radical
        odd = np.flatnonzero(self.offset(radical))
        if not len(odd):
            return radical
        rest = np.delete(radical, odd[0], axis=0)
        rest[odd[1:] - 1] ^= radical[odd[0]]
        return rest

    def value(self, u: Rows) -> Bool[np.ndarray, " m"]:
        """``Q(u) = q(u) + ω(x, u)``."""
        assert self.quadratic is not None  # asked for only then
        return self.quadratic(u) ^ form(u, self.x)

    @cached_property
    def stopping(self) -> Row | None:
        """An element ``u`` of ``U`` with ``x + u`` commuting with all of ``U``, where there is one (then so is all of
        ``u + R``)."""
        if form(self.span.radical, self.x).any():
            return None
        e, f = form(self.span.e, self.x), form(self.span.f, self.x)
        return np.bitwise_xor.reduce(np.concatenate([self.span.e[f], self.span.f[e]]), axis=0)[None]

    @property
    def size(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return self._signed_sum(np.zeros_like(self.x))

    def _signed_sum(self, p: Row) -> int:
        """``Σ_δ (-1)^ω(δ,p)`` by Gauss sums: over ``U``, less the stopping coset."""
        span = self.span
        total = 0 if form(span.rows, p).any() else 2 ** (2 * span.g + span.r)
        stop = 0
        if self.stopping is not None and not form(span.radical, p).any():
            stop = _sign(form(self.stopping, p)) * 2**span.r
        if self.quadratic is None:
            return total - stop
        gauss = gauss_stop = 0
        if not (self.value(span.radical) ^ form(span.radical, p)).any():
            e = self.value(span.e) ^ form(span.e, p)
            f = self.value(span.f) ^ form(span.f, p)
            gauss = _sign(np.sum(e & f) % 2) * 2 ** (span.g + span.r)
            if self.stopping is not None:
                gauss_stop = _sign(self.value(self.stopping) ^ form(self.stopping, p)) * 2**span.r
        return (total + gauss - stop - gauss_stop) // 2

    def admits(self, u: Rows) -> Bool[np.ndarray, " m"]:
        return np.any(self.span.pairing(u ^ self.x), axis=1)

    def offset(self, u: Rows) -> Bool[np.ndarray, " m"]:
        return np.zeros(len(u), bool) if self.quadratic is None else self.value(u)

    def sample(self, rng: np.random.Generator, count: int) -> Rows:
        rows = self.span.rows
        found, missing = [], count
        while missing:  # at least a quarter is accepted, but for very small spans
            draws = f2.multiply(f2.pack(rng.integers(0, 2, (2 * missing + 16, len(rows)), np.uint8)), rows)
            draws = draws[self.admits(draws) & ~self.offset(draws)][:missing]
            found.append(draws)
            missing -= len(draws)
        return np.concatenate(found)

    def members(self) -> Rows:
        u = _span(self.rows)
        return u[self.admits(u) & ~self.offset(u)]

    def mean_sign(self, p: Row) -> Fraction:
        return Fraction(self._signed_sum(p), self.size)


@dataclass(frozen=True, eq=False)
class MajoranaProducts:
    """``x`` acts as a product of ``k`` Majorana operators out of ``N``: all vertex sets of that size, times labels.

    Args:
        frame: the Majorana operators
        x: the string that is displaced
    """

    frame: MajoranaFrame
    x: Row

    @cached_property
    def start(self) -> Bool[np.ndarray, " N"]:
        """The vertex set of ``x``."""
        return self.frame.sets(self.x)[0]

    @property
    def degree(self) -> int:
        """``k``."""
        return int(self.start.sum())

    @property
    def halved(self) -> bool:
        """Whether a set and its complement are the same string, both of them of size ``k``."""
        frame = self.frame
        return 2 * self.degree == frame.num_vertices and frame.everything is not None and not frame.splits

    @property
    def rows(self) -> Rows:
        return self.frame.rows

    @property
    def radical(self) -> Rows:
        return self.frame.radical

    @property
    def free(self) -> Rows:
        if self.frame.splits and 2 * self.degree != self.frame.num_vertices:
            return self.frame.labels
        return self.frame.radical

    @property
    def size(self) -> int:
        return comb(self.frame.num_vertices, self.degree) * 2**self.frame.z // (2 if self.halved else 1)

    def admits(self, u: Rows) -> Bool[np.ndarray, " m"]:
        size = (self.frame.even_sets(u) ^ self.start).sum(axis=1)
        if self.frame.everything is None:
            return size == self.degree
        return (size == self.degree) | (size == self.frame.num_vertices - self.degree)

    def offset(self, u: Rows) -> Bool[np.ndarray, " m"]:
        if not self.frame.splits or 2 * self.degree == self.frame.num_vertices:
            return np.zeros(len(u), bool)
        return (self.frame.even_sets(u) ^ self.start).sum(axis=1) != self.degree

    def sample(self, rng: np.random.Generator, count: int) -> Rows:
        n = self.frame.num_vertices
        chosen = np.zeros((count, n), bool)
        order = np.argsort(rng.random((count, n)), axis=1)[:, : self.degree]
        np.put_along_axis(chosen, order, True, axis=1)
        draws = self.frame.products(chosen ^ self.start)
        if self.frame.z:
            draws ^= f2.multiply(f2.pack(rng.integers(0, 2, (count, self.frame.z), np.uint8)), self.frame.labels)
        return draws

    def members(self) -> Rows:
        n, k = self.frame.num_vertices, self.degree
        chosen = np.zeros((comb(n, k), n), bool)
        index = np.array(list(combinations(range(n), k)), np.int64).reshape(len(chosen), k)
        np.put_along_axis(chosen, index, True, axis=1)
        products = self.frame.products(chosen ^ self.start)
        labels = _span(self.frame.labels) if self.frame.z else np.zeros_like(self.x)
        return np.unique((products[:, None] ^ labels).reshape(-1, products.shape[1]), axis=0)

    def mean_sign(self, p: Row) -> Fraction:
        if form(self.frame.labels, p).any():
            return Fraction(0)
        other = self.frame.sets(p)[0]
        n, k = self.frame.num_vertices, self.degree
        return _sign((other & self.start).sum() % 2) * Fraction(krawtchouk(k, int(other.sum()), n), comb(n, k))


@dataclass(frozen=True, eq=False)
class Flip:
    """A single isolated generator that anticommutes with ``x``: the displacements ``{0, v}``.

    Args:
        rows: ``v``
    """

    rows: Row

    @property
    def radical(self) -> Rows:
        return self.rows

    @property
    def free(self) -> Rows:
        return self.rows

    @property
    def size(self) -> int:
        return 2

    def admits(self, u: Rows) -> Bool[np.ndarray, " m"]:
        return np.ones(len(u), bool)

    def offset(self, u: Rows) -> Bool[np.ndarray, " m"]:
        return np.zeros(len(u), bool)

    def sample(self, rng: np.random.Generator, count: int) -> Rows:
        return rng.integers(0, 2, (count, 1)).astype(np.uint64) * self.rows

    def members(self) -> Rows:
        return np.concatenate([np.zeros_like(self.rows), self.rows])

    def mean_sign(self, p: Row) -> Fraction:
        return Fraction(0) if form(self.rows, p)[0] else Fraction(1)


def displacements(component: Component, x: Row) -> Displacements:
    """The displacements of a string that anticommutes with some generator of the component."""
    frame = component.frame
    if frame is not None and not form(frame.labels, x).any():
        return MajoranaProducts(frame, x)
    return Quadric(component.span, component.form, x)


def krawtchouk(k: int, j: int, n: int) -> int:
    """Sum of ``(-1)^|T∩S|`` over the ``k``-subsets ``T`` of ``n`` elements, ``|S| = j``.

    >>> krawtchouk(2, 1, 4)       # 3 pairs avoid the element, 3 contain it
    0
    """
    return sum((-1) ** i * comb(j, i) * comb(n - j, k - i) for i in range(max(0, k + j - n), min(j, k) + 1))


def _span(rows: Rows) -> UInt64[np.ndarray, "sums words"]:
    """All sums of the rows."""
    result = np.zeros((1, rows.shape[1]), np.uint64)
    for row in rows:
        result = np.concatenate([result, result ^ row])
    return result


def _sign(bit) -> int:
    return -1 if np.all(bit) else 1
