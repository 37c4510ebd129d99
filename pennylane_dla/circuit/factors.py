"""Products of rotations ``exp(-iα Σ_j c_j P_j)`` with exact global phase, and their adjoint and controlled
forms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

QUARTER = np.pi / 2


class Factor(NamedTuple):
    """``exp(-iα Σ_j coefficients[j] words[j])`` with ``α = offset + Σ scale · slots[index]``.

    Args:
        positions: positions in the wires of the operation
        words: Pauli words over ``positions``; ``("",)`` over no wire is a global phase
        coefficients: one each; ``(0.5,)`` for a single word
        terms: pairs ``(index, scale)`` of what drives it
        offset: constant part of the angle
    """

    positions: tuple[int, ...]
    words: tuple[str, ...]
    coefficients: tuple[float, ...]
    terms: tuple[tuple[int, float], ...] = ()
    offset: float = 0.0


def rotation(word: str, positions: Sequence[int], index: int = 0, scale: float = 1.0) -> Factor:
    """``exp(-i scale·θ P/2)``, driven by parameter ``index``."""
    return Factor(tuple(positions), (word,), (0.5,), ((index, scale),))


def fixed(word: str, positions: Sequence[int], angle: float) -> Factor:
    """``exp(-i angle P/2)``."""
    return Factor(tuple(positions), (word,), (0.5,), (), angle)


def phase(angle: float = 0.0, *terms: tuple[int, float]) -> Factor:
    """``exp(i (angle + Σ scale·θ_index))``, a global phase."""
    return Factor((), ("",), (0.5,), tuple((i, -2 * s) for i, s in terms), -2 * angle)


def adjoint(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The inverse: in reversed order, angles negated."""
    return tuple(f._replace(terms=tuple((i, -s) for i, s in f.terms), offset=-f.offset) for f in reversed(factors))


def conjugate(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The complex conjugate, in the computational basis: ``exp(-iαcP)* = exp(iαcP*)``, and ``P* = -P`` for an odd
    number of Y."""
    return tuple(
        normal(
            f._replace(
                coefficients=tuple(
                    c if word.count("Y") % 2 else -c for word, c in zip(f.words, f.coefficients, strict=True)
                )
            )
        )
        for f in factors
    )


def move(factors: Sequence[Factor], positions: Sequence[int]) -> tuple[Factor, ...]:
    """The same factors on other positions: ``a`` becomes ``positions[a]``."""
    return tuple(f._replace(positions=tuple(positions[a] for a in f.positions)) for f in factors)


def controlled(factors: Sequence[Factor], values: Sequence[bool]) -> tuple[Factor, ...]:
    """Controlled on the first ``len(values)`` positions: ``c_j P_j`` becomes ``c_j ∏_w (1 ± Z_w)/2 ⊗ P_j``.

    Exact because each factor is controlled on its own, the global phase among them.
    """
    k = len(values)
    signs = [-1.0 if value else 1.0 for value in values]
    result = []
    for f in factors:
        words, coefficients, constant = [], [], 0.0
        for subset in product((0, 1), repeat=k):
            weight = np.prod([s for s, used in zip(signs, subset, strict=True) if used], initial=1.0) / 2**k
            for word, c in zip(f.words, f.coefficients, strict=True):
                full = "".join("Z" if used else "I" for used in subset) + word
                if full.strip("I"):
                    words.append(full)
                    coefficients.append(float(c * weight))
                else:
                    constant += c * weight
        positions = (*range(k), *(a + k for a in f.positions))
        if words and not f.terms and len(f.words) == 1:  # a fixed angle: the words commute, one factor each
            result += [fixed(w, positions, 2 * c * f.offset) for w, c in zip(words, coefficients, strict=True)]
        elif words:
            result.append(normal(Factor(positions, tuple(words), tuple(coefficients), f.terms, f.offset)))
        if constant:
            result.append(normal(Factor((), ("",), (float(constant),), f.terms, f.offset)))
    return _joined(result)


def _joined(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Commuting neighbours driven by one parameter become one factor: a controlled phase shift is one
    rotation."""
    result: list[Factor] = []
    for f in factors:
        last = result[-1] if result else None
        if last is None or not _joinable(last, f):
            result.append(f)
            continue
        positions = tuple(sorted({*last.positions, *f.positions}))
        ratio = f.terms[0][1] / last.terms[0][1]
        sums: dict[str, float] = {}
        for part, scale in ((last, 1.0), (f, ratio)):
            for word, c in zip(part.words, part.coefficients, strict=True):
                letters = dict(zip(part.positions, word, strict=True))
                full = "".join(letters.get(a, "I") for a in positions)
                sums[full] = sums.get(full, 0.0) + scale * c
        result[-1] = last._replace(positions=positions, words=tuple(sums), coefficients=tuple(sums.values()))
    return tuple(result)


def _joinable(a: Factor, b: Factor) -> bool:
    same = len(a.terms) == len(b.terms) == 1 and a.terms[0][0] == b.terms[0][0]
    if not same or a.offset or b.offset or not a.positions or not b.positions:
        return False
    for p in a.words:
        letters = dict(zip(a.positions, p, strict=True))
        for q in b.words:
            different = sum(
                letters.get(at, "I") not in ("I", letter) and letter != "I"
                for at, letter in zip(b.positions, q, strict=True)
            )
            if different % 2:
                return False
    return True


def normal(f: Factor) -> Factor:
    """A single word gets coefficient 1/2: scale and sign move into the angle."""
    if len(f.words) > 1 or f.coefficients == (0.5,):
        return f
    scale = 2 * f.coefficients[0]
    return f._replace(coefficients=(0.5,), terms=tuple((i, scale * s) for i, s in f.terms), offset=scale * f.offset)
