"""A prime field that has √−1 and the square roots in question: ranks of complex matrices without rounding.

Rational numbers, square roots of rational numbers and ``i`` are mapped to residues. The map respects sums and products,
so a rank modulo the prime is never larger than the true one, and smaller only where the prime happens to divide a minor
(with probability about ``dim/p``, which the basis in double precision would show). Residues lie between ``-p/2`` and
``p/2`` in double precision, as in :mod:`pennylane_dla.algebra.sums.residues`, so that products of matrices are exact
and as fast as ordinary ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float, Inexact

from pennylane_dla.algebra.sums.residues import _is_prime, _radical, rational

_LARGEST = 2**23 - 15
_MOST_ROOTS = 8

Exact = tuple[Fraction, frozenset[int]]  # r ∏ √q over the set


@dataclass(frozen=True)
class PrimeField:
    """Residues of complex numbers.

    Args:
        p: a prime with ``p ≡ 1 (mod 4)``
        imaginary: a square root of -1
        roots: a square root of each prime that occurs under a root
    """

    p: int
    imaginary: int
    roots: dict[int, int]

    def residue(self, value: Exact) -> int:
        """Of a rational number times square roots."""
        number, primes = value
        result = number.numerator * pow(number.denominator, -1, self.p)
        for q in primes:
            result = result * self.roots[q] % self.p
        return result % self.p

    def centered(self, residues: np.ndarray) -> np.ndarray:
        """Integers reduced to ``[-p/2, p/2]``, in double precision."""
        residues = np.asarray(residues) % self.p
        return np.where(residues > self.p // 2, residues - self.p, residues).astype(float)


def embed(groups: Sequence[Inexact[np.ndarray, " _"]]) -> tuple[PrimeField, list[Float[np.ndarray, " _"]]] | None:
    """Numbers of each group, scaled by one of them, as residues modulo a common prime.

    Args:
        groups: coefficients of a generator, amplitudes of a state; the scale of a group does not matter

    Returns:
        the field and the residues; ``None`` where some ratio has a part that is neither rational nor the square root of
        a rational number

    >>> field, (residues,) = embed([np.array([1.0, 1j, -2.0])])
    >>> one, root, minus_two = (int(residue) for residue in residues)
    >>> (root**2 + one**2) % field.p, (minus_two + 2 * one) % field.p
    (0, 0)
    """
    known: dict[float, Exact] = {}
    parts = []
    for group in groups:
        pair = np.concatenate([np.real(group), np.imag(group)]).astype(float)
        ratios = pair / pair[np.argmax(np.abs(pair))]
        ratios[np.abs(ratios) < 1e-15] = 0.0
        unique, inverse = np.unique(ratios, return_inverse=True)
        for value in unique.tolist():
            exact = known.get(value) or _recognized(value)
            if exact is None:
                return None
            known[value] = exact
        parts.append((unique, inverse))
    found = set(known.values())
    roots = sorted({q for _, primes in found for q in primes})
    if len(roots) > _MOST_ROOTS:
        return None
    field = _field(roots, [number for number, _ in found])
    if field is None:
        return None
    result = []
    for unique, inverse in parts:
        residues = np.array([field.residue(known[value]) for value in unique.tolist()], np.int64)[inverse]
        real, imaginary = np.split(residues, 2)
        result.append(field.centered(real + field.imaginary * imaginary))
    return field, result


def _recognized(value: float) -> Exact | None:
    fraction = rational(value) if value else Fraction(0)
    if fraction is not None:
        return fraction, frozenset()
    square = rational(value * value)
    radical = _radical(square) if square is not None and max(square.numerator, square.denominator) < 2**20 else None
    if radical is None:
        return None
    return (radical[0] if value > 0 else -radical[0]), radical[1]


def _field(roots: Sequence[int], numbers: Sequence[Fraction]) -> PrimeField | None:
    """The largest suitable prime below 2^23 that divides none of the numbers."""
    p = _LARGEST + 2
    while p > 2**22:
        p -= 2
        if p % 4 != 1 or not _is_prime(p) or any(pow(q, (p - 1) // 2, p) != 1 for q in roots):
            continue
        if all(f.denominator % p and (f.numerator % p or not f) for f in numbers):
            return PrimeField(p, square_root(p - 1, p), {q: square_root(q, p) for q in roots})
    return None


def square_root(a: int, p: int) -> int:
    """A square root of a square modulo an odd prime (Tonelli and Shanks).

    >>> square_root(2, 17) ** 2 % 17
    2
    """
    odd, twos = p - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    z = next(z for z in range(2, p) if pow(z, (p - 1) // 2, p) == p - 1)
    c, root, rest = pow(z, odd, p), pow(a, (odd + 1) // 2, p), pow(a, odd, p)
    while rest != 1:
        order, power = 0, rest
        while power != 1:
            power, order = power * power % p, order + 1
        step = pow(c, 1 << (twos - order - 1), p)
        root, twos, c = root * step % p, order, step * step % p
        rest = rest * c % p
    return root
