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
_LARGEST_DENOMINATOR = 64  # a random residue of 23 bits is a fraction with a denominator of about a thousand
_MOST_ENTRIES = 300_000  # big integers, one by one: ten microseconds each


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
    coordinates: Coordinates, seeds: Sequence[PauliSum], spans: Sequence[ModularSpan]
) -> RationalBasis | None:
    """The reduced echelon form over the rationals, from the same space modulo one or several primes.

    Returns:
        the basis, or ``None`` where the entries are too large for so many primes or the check fails
    """
    forms = [span.reduced(len(coordinates)) for span in spans]
    rows, pivots = forms[0]
    order = np.argsort(pivots)
    if any(not np.array_equal(pivots[order], np.sort(p)) for _, p in forms[1:]):
        return None  # a prime divides a minor
    place = np.nonzero(rows)
    if len(spans) == 1:
        bound = int((spans[0].p // 2) ** 0.5) - 1
        numerator, denominator = _fractions(rows[place], spans[0].p, bound)
        if len(denominator) and denominator.max() > _LARGEST_DENOMINATOR:
            return None
    else:
        if len(place[0]) > _MOST_ENTRIES:
            return None
        match = np.empty(len(pivots), int)
        residues = [rows[place]]
        for other, own in forms[1:]:
            match[order] = np.argsort(own)
            residues.append(other[match[place[0]], place[1]])
        found = _chinese_fractions(residues, [span.p for span in spans])
        if found is None:
            return None
        numerator, denominator = found
    scale = np.ones(len(rows))
    for row in np.unique(place[0][denominator > 1]):
        scale[row] = float(lcm(*(int(d) for d in denominator[place[0] == row])))
    values = numerator * (scale[place[0]] / denominator)
    if np.abs(values).max(initial=0) > _EXACT:  # not integers any more: leave the pivots at one
        return RationalBasis(scipy.sparse.csr_array((numerator / denominator, place), shape=rows.shape), pivots, False)
    matrix = scipy.sparse.csr_array((values, place), shape=rows.shape)
    inside = _holds(coordinates, seeds, matrix, pivots, scale)
    if inside is False or (inside is None and len(spans) == 1):
        return None
    return RationalBasis(matrix, pivots, inside is True)


def _holds(coordinates, seeds, matrix, pivots, scale) -> bool | None:
    """Whether the rows span an invariant space that holds the seeds; ``None`` where that cannot be told."""
    generators = _all_integers(coordinates.generators)
    vectors = _all_integers(seeds)
    if generators is None or vectors is None:
        return None
    verdict = _invariant(coordinates, np.concatenate(generators), matrix, pivots, scale)
    for seed, weights in zip(seeds, vectors, strict=True):
        if verdict is False:
            return False
        vector = np.zeros((len(coordinates), 1))
        np.add.at(vector[:, 0], coordinates.locate(seed.strings), weights)
        inside = _combine(matrix, scale, scipy.sparse.csc_array(vector[pivots]), vector)
        verdict = inside if inside is not True else verdict
    return verdict


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


def _all_integers(sums: Sequence[PauliSum]) -> list[np.ndarray] | None:
    """The coefficients of each, scaled to integers; ``None`` where that fails for one."""
    found = [_integers(one.coefficients) for one in sums]
    known = [values for values in found if values is not None]
    return known if len(known) == len(found) else None


def _integers(coefficients: np.ndarray) -> np.ndarray | None:
    """Coefficients, scaled to integers; ``None`` where they are not rational or the integers are large."""
    found = [rational(float(c) / float(coefficients[0])) for c in coefficients]
    ratios = [r for r in found if r is not None]
    if len(ratios) < len(found):
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


def _chinese_fractions(residues: Sequence[np.ndarray], primes: Sequence[int]) -> tuple[np.ndarray, np.ndarray] | None:
    """Fractions from residues modulo several primes, as doubles; ``None`` where one is not clearly right."""
    modulus, weights = 1, []
    for p in primes:
        modulus *= p
    for p in primes:
        rest = modulus // p
        weights.append(rest * pow(rest, -1, p))
    known: dict[int, tuple[int, int]] = {}
    numerator, denominator = np.empty(len(residues[0])), np.empty(len(residues[0]))
    for i, values in enumerate(zip(*(r.astype(np.int64).tolist() for r in residues), strict=True)):
        residue = sum(v * w for v, w in zip(values, weights, strict=True)) % modulus
        if residue not in known:
            r0, r1, s0, s1 = modulus, residue, 0, 1
            while r1 * r1 > modulus // 2:
                q = r0 // r1
                r0, r1, s0, s1 = r1, r0 - q * r1, s1, s0 - q * s1
            if r1 * abs(s1) << 20 > modulus:
                return None
            known[residue] = (r1 if s1 > 0 else -r1, abs(s1))
        numerator[i], denominator[i] = known[residue]
    return numerator, denominator
