"""Coefficients as residues modulo a prime, so that ranks are decided exactly.

Rational numbers and square roots of rational numbers embed into a prime field in which the roots exist (every
sign choice is a field automorphism, so one choice serves). Residues are kept between ``-p/2`` and ``p/2`` in
double precision: with ``p < 2^23`` a product of matrices with 512 inner terms is exact, and runs at the speed
of ordinary matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Float

INNER = 512  # inner terms of a product that stay exact: INNER * (p/2)^2 <= 2^53
_BLOCK = 2**14  # numbers that are reduced together
_LARGEST = 2**23 - 15
_SIZE = 2**42  # numerator times denominator of what counts as a rational number


def rational(value: float) -> Fraction | None:
    """The simplest fraction within rounding of ``value``, or ``None`` where no simple one is.

    A fraction ``a/b`` counts when ``a·b < 2^42``; a double has 53 bits, so the chance that a generic number
    passes is small, and one that passes is replaced by a number equal to it in double precision.

    >>> rational(1 / 3), rational(1e-12), rational(2 ** 0.5)
    (Fraction(1, 3), Fraction(1, 1000000000000), None)
    """
    exact = Fraction(value)
    tolerance = abs(exact) * Fraction(1, 2**50)
    previous, current, rest = (0, 1), (1, 0), exact
    while True:
        whole = rest.numerator // rest.denominator
        previous, current = current, (whole * current[0] + previous[0], whole * current[1] + previous[1])
        if abs(current[0]) * current[1] >= _SIZE:
            return None
        if abs(Fraction(*current) - exact) <= tolerance:
            return Fraction(*current)
        rest = 1 / (rest - whole)


def _radical(square: Fraction) -> tuple[Fraction, frozenset[int]] | None:
    """``√square = r ∏ √q`` over distinct primes ``q``; ``None`` where a prime exceeds 2^16."""
    rational_part, primes = Fraction(1), set()
    for number, inverse in ((square.numerator, False), (square.denominator, True)):
        q = 2
        while number > 1:
            if q * q > number:
                q = number
            if q >= 2**16:
                return None
            power = 0
            while number % q == 0:
                number //= q
                power += 1
            factor = Fraction(q) ** (power // 2)
            rational_part *= 1 / factor if inverse else factor
            if power % 2:
                primes ^= {q}
                if inverse:  # 1/√q = √q / q
                    rational_part /= q
            q += 1 if q == 2 else 2
    return rational_part, frozenset(primes)


def _is_prime(p: int) -> bool:
    return p % 2 == 1 and all(p % q for q in range(3, int(p**0.5) + 1, 2))


def _square_root(a: int, p: int) -> int:
    """A square root modulo ``p``, with ``p ≡ 3 mod 4``."""
    return pow(a, (p + 1) // 4, p)


def embed(groups: Sequence[Float[np.ndarray, " m"]], skip: int = 0) -> tuple[int, list[np.ndarray]] | None:
    """Coefficients of each generator, scaled by one number, as residues modulo a common prime.

    Args:
        groups: the coefficients of each generator; the scale of a generator does not matter to a Lie algebra
        skip: how many suitable primes to pass over, for a second opinion

    Returns:
        the prime and the residues, or ``None`` where some ratio within a generator is neither rational
        nor the square root of a rational number
    """
    values: list[list[tuple[Fraction, frozenset[int]]]] = []
    for group in groups:
        pivot = float(group[np.argmax(np.abs(group))])
        row = []
        for value in group:
            ratio = float(value) / pivot
            fraction = rational(ratio)
            if fraction is not None:
                row.append((fraction, frozenset()))
                continue
            square = rational(ratio * ratio)
            radical = _radical(square) if square is not None and square.numerator < 2**20 else None
            if radical is None:
                return None
            row.append((radical[0] if ratio > 0 else -radical[0], radical[1]))
        values.append(row)
    roots = sorted({q for row in values for _, primes in row for q in primes})
    if len(roots) > 10:
        return None
    p = _LARGEST + 2
    while True:
        p -= 2
        if p < 2**22:
            return None
        if p % 4 != 3 or not _is_prime(p) or any(pow(q, (p - 1) // 2, p) != 1 for q in roots):
            continue
        if any(f.denominator % p == 0 or f.numerator % p == 0 for row in values for f, _ in row):
            continue
        if skip == 0:
            break
        skip -= 1
    root = {q: _square_root(q, p) for q in roots}
    result = []
    for row in values:
        residues = []
        for fraction, primes in row:
            residue = fraction.numerator * pow(fraction.denominator, -1, p) % p
            for q in primes:
                residue = residue * root[q] % p
            residues.append(residue - p if residue > p // 2 else residue)
        result.append(np.array(residues, float))
    return p, result


def reduce(values: np.ndarray, p: int) -> np.ndarray:
    """Integers in double precision, reduced to ``[-p/2, p/2]`` in place."""
    if values.size <= _BLOCK or not values.flags.c_contiguous:
        values -= p * np.rint(values * (1.0 / p))
        return values
    flat, quotients = values.reshape(-1), np.empty(_BLOCK)
    for start in range(0, len(flat), _BLOCK):  # in the cache
        part = flat[start : start + _BLOCK]
        quotient = np.multiply(part, 1.0 / p, out=quotients[: len(part)])
        np.rint(quotient, out=quotient)
        quotient *= p
        part -= quotient
    return values
