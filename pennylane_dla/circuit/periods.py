"""The period of each argument element: the least common period of the gates that it drives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from math import gcd, lcm

import numpy as np

from .ansatz import Gate, Rotation

MAX_DENOMINATOR = 1000
MAX_TERMS = 12


def element_periods(circuits: Sequence[Sequence[Gate]], num_elements: int) -> np.ndarray:
    """``2π`` over the greatest common divisor of an element's frequencies; ``inf`` where they are
    incommensurate (or the angle is not affine), ``nan`` for an element that drives no gate.

    The loss moves with ``exp(-iαP/2)`` at frequency ``|c|`` where ``α = cθ + …``; with a sum at the
    differences of the eigenvalues of its generator.
    """
    frequencies: dict[int, set[float]] = {}
    for gates in circuits:
        for gate in gates:
            if not isinstance(gate, Rotation) or gate.angle.fixed:
                continue
            base = (1.0,) if gate.single else gap_frequencies(gate.strings, gate.coefficients)
            for element, c in zip(gate.angle.elements, gate.angle.coefficients, strict=True):
                found = frequencies.setdefault(element, set())
                if not gate.angle.affine:
                    found.add(np.inf)
                else:
                    found.update(abs(c) * b for b in base)
    periods = np.full(num_elements, np.nan)
    for element, found in frequencies.items():
        if found == {1.0}:  # the many
            periods[element] = 2 * np.pi
            continue
        unit = divisor(found) if np.isfinite(max(found)) else 0.0
        periods[element] = 2 * np.pi / unit if unit else np.inf
    return periods


def divisor(values) -> float:
    """The greatest common divisor of positive reals, 0 where they are incommensurate."""
    values = sorted(v for v in values if v > 1e-12)
    if not values:
        return 0.0
    unit = values[0]
    ratios = [Fraction(v / unit).limit_denominator(MAX_DENOMINATOR) for v in values]
    for v, ratio in zip(values, ratios, strict=True):
        if abs(float(ratio) - v / unit) > 1e-9 * v / unit:
            return 0.0
    denominator = lcm(*(r.denominator for r in ratios))
    return unit * reduce(gcd, (int(r * denominator) for r in ratios)) / denominator


@lru_cache(maxsize=1024)
def gap_frequencies(words: tuple[str, ...], coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """Numbers whose common divisor is that of all differences of eigenvalues of ``Σ c_j P_j``.

    For commuting words the eigenvalues are ``Σ ±c_j`` over the sign patterns that products of words allow;
    with many words ``2|c_j|``, of which all differences are sums.
    """
    width = max(map(len, words))
    vectors = [_vector(word) for word in words]
    commuting = not any(_anticommute(a, b) for i, a in enumerate(vectors) for b in vectors[:i])
    if not commuting:
        return _matrix_gaps(words, coefficients) if width <= 6 else (1.0, np.sqrt(2))  # no period
    basis, combos = _independent(words)
    if len(basis) > MAX_TERMS:
        return tuple(sorted({2 * abs(c) for c in coefficients}))
    patterns = (np.arange(2 ** len(basis))[:, None] >> np.arange(len(basis))) & 1
    eigenvalues = np.zeros(len(patterns))
    for (combo, sign), c in zip(combos, coefficients, strict=True):
        eigenvalues += c * sign * (1 - 2 * (patterns[:, combo].sum(axis=1) & 1))
    levels = _distinct(eigenvalues)
    return tuple(levels[1:] - levels[0]) if len(levels) > 1 else ()


def _distinct(values: np.ndarray) -> np.ndarray:
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], np.diff(ordered) > 1e-9])]


def _vector(word: str) -> tuple[int, int]:
    x = sum(1 << a for a, letter in enumerate(word) if letter in "XY")
    z = sum(1 << a for a, letter in enumerate(word) if letter in "ZY")
    return x, z


def _anticommute(a, b) -> bool:
    return bool(((a[0] & b[1]).bit_count() + (a[1] & b[0]).bit_count()) & 1)


def _multiply(a, b):
    """Product of ``(x, z, sign)`` for commuting Hermitian strings."""
    x, z = a[0] ^ b[0], a[1] ^ b[1]
    exponent = (
        (a[0] & a[1]).bit_count() + (b[0] & b[1]).bit_count() - (x & z).bit_count() + 2 * (a[1] & b[0]).bit_count()
    ) % 4
    return x, z, a[2] * b[2] * (1 if exponent == 0 else -1)


def _independent(words):
    """A maximal independent set of words, and each word as ``(members, sign)``: a product of members times a
    sign."""
    rows: list[tuple[int, int, tuple[int, int, int], frozenset]] = []  # pivot, mask, element, members
    combos, basis = [], []
    for word in words:
        element, members = (*_vector(word), 1), frozenset()
        start = element
        for pivot, shift, row, row_members in rows:
            if (element[shift] >> pivot) & 1:
                element, members = _multiply(element, row), members ^ row_members
        if element[0] or element[1]:
            shift = 0 if element[0] else 1
            rows.append((element[shift].bit_length() - 1, shift, element, members | {len(basis)}))
            combos.append(([len(basis)], 1))
            basis.append(start)
        else:  # word · (product of members) = element.sign
            combos.append((sorted(members), element[2]))
    return basis, combos


def _matrix_gaps(words, coefficients) -> tuple[float, ...]:
    letters = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    total = 0
    for word, c in zip(words, coefficients, strict=True):
        total = total + c * reduce(np.kron, (letters[letter] for letter in word))
    levels = _distinct(np.linalg.eigvalsh(total))
    return tuple(levels[1:] - levels[0])
