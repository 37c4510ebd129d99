"""From an echelon form modulo a prime to a basis over the rational numbers, with a proof.

The reduced echelon form of a space is unique, and for the algebras of circuits its entries are small numbers.
They are recovered from their residues, and the generators are applied once more, in integers: if they map the
rows into the span of the rows and the seeds lie in it, the space has at most this dimension, and the rank
modulo the prime says at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import scipy.sparse
from jaxtyping import Int

from pennylane_dla.pauli import PauliSum

from .coordinates import Coordinates
from .residues import rational
from .span import ModularSpan

_EXACT = 2.0**53


@dataclass(frozen=True, eq=False)
class RationalBasis:
    """Rows of integers that span an invariant space, on totals over orbits.

    Args:
        matrix: one row a basis vector; small integers
        pivots: coordinates in which only the row of the same number is not zero
        proved: whether invariance was checked over the integers
    """

    matrix: scipy.sparse.csr_array
    pivots: Int[np.ndarray, " dim"]
    proved: bool


def rational_basis(
    coordinates: Coordinates, seeds: Sequence[PauliSum], span: ModularSpan
) -> RationalBasis | None:
    """The reduced echelon form of ``span`` over the rationals.

    Returns:
        the basis, or ``None`` where the entries are not small fractions or the check fails
    """
    rows, pivots = span.reduced(len(coordinates))
    place = np.nonzero(rows)
    bound = int((span.p // 2) ** 0.5) - 1
    numerator, denominator = _fractions(rows[place], span.p, bound)
    if len(denominator) and denominator.max() > 64:  # a random residue has a denominator of a thousand
        return None
    scale = np.ones(len(rows))
    for row in np.unique(place[0][denominator > 1]):
        scale[row] = lcm(*(int(d) for d in denominator[place[0] == row]))
    values = numerator * (scale[place[0]] / denominator)
    matrix = scipy.sparse.csr_array((values, place), shape=rows.shape)
    generators = [_integers(g.coefficients) for g in coordinates.generators]
    if any(g is None for g in generators):  # square roots: the basis is rational all the same, but not proved
        return None
    proved = _invariant(coordinates, np.concatenate(generators), matrix, pivots, scale)
    if proved is False:
        return None
    for seed in seeds:
        weights = _integers(seed.coefficients)
        if weights is None:
            return None
        vector = np.zeros(len(coordinates))
        np.add.at(vector, coordinates.locate(seed.strings), weights)
        inside = _combine(matrix, scale, scipy.sparse.csc_array(vector[:, None])[pivots], vector[:, None])
        if inside is False:
            return None
        proved = proved and inside
    return RationalBasis(matrix, pivots, bool(proved))


def _invariant(coordinates, term_values, matrix, pivots, scale) -> bool | None:
    """Whether every generator maps the rows into their span; ``None`` where the integers are too large to
    tell."""
    rows, columns, term, sign = coordinates.entries()
    size = len(coordinates)
    verdict: bool | None = True
    for k in range(len(coordinates.generators)):
        own = coordinates.term_generator[term] == k
        values = term_values[term[own]] * sign[own]
        action = scipy.sparse.csr_array((values, (rows[own], columns[own])), shape=(size, size))
        image = (action @ matrix.T).tocsr()
        if np.abs(image.data).max(initial=0) > _EXACT:
            return None
        inside = _combine(matrix, scale, image[pivots], image)
        if inside is not True:
            verdict = inside
            break
    return verdict


def _combine(matrix, scale, weights, image) -> bool | None:
    """Whether ``image = Σ_j weights[j] / scale[j] · matrix[j]``, in integers; ``None`` where they are too
    large."""
    common = lcm(*(int(s) for s in np.unique(scale)))
    scaled = scipy.sparse.diags_array(common / scale) @ weights
    size = abs(matrix.T) @ abs(scaled)
    if size.nnz and max(size.max(), common * abs(image).max()) > _EXACT:
        return None
    difference = matrix.T @ scaled - common * scipy.sparse.csc_array(image)
    return difference.nnz == 0 or not np.any(difference.data)


def _integers(coefficients: np.ndarray) -> np.ndarray | None:
    """Coefficients, scaled to integers; ``None`` where they are not rational or the integers are large."""
    ratios = [rational(float(c) / float(coefficients[0])) for c in coefficients]
    if any(r is None for r in ratios):
        return None
    common = lcm(*(r.denominator for r in ratios))
    integers = [int(Fraction(common) * r) for r in ratios]
    return np.array(integers, float) if max(map(abs, integers)) < 2**45 else None


def _fractions(residues: np.ndarray, p: int, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators of absolute value up to ``bound``, by Euclid's algorithm on all residues at
    once."""
    r0 = np.full(len(residues), p, np.int64)
    r1 = np.mod(residues, p).astype(np.int64)
    s0, s1 = np.zeros_like(r0), np.ones_like(r0)
    while True:
        active = np.flatnonzero(r1 > bound)
        if not len(active):
            sign = np.sign(s1)
            return sign * r1, sign * s1
        quotient = r0[active] // r1[active]
        r0[active], r1[active] = r1[active], r0[active] - quotient * r1[active]
        s0[active], s1[active] = s1[active], s0[active] - quotient * s1[active]
