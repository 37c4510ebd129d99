"""Words of one weight in a coset of a binary code.

Hard in general. Exact here where the code splits into small blocks (pairs of Majorana operators on ``|0…0⟩``), has few
words or few checks (MacWilliams), has a narrow trellis (one-dimensional structure), or where the weight is at most
three or that close to the length; a sampled estimate with its error otherwise.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cached_property
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from . import linear

LIST_BITS = 16  # words, or dual words, that are listed: 2^16
SHORT = 8  # terms of a polynomial that is multiplied term by term

Polynomial = dict[int, int]  # exponent -> coefficient, none of them zero


class Words(NamedTuple):
    """How many words of the wanted weight a coset has.

    Args:
        value: exact, or the estimate
        dim: dimension of the code
        stderr: of an estimate
        upper: where no word was found by sampling, a 95 % bound
        reason: why it is an estimate, else ``None``
    """

    value: Fraction
    dim: int
    stderr: Fraction | float = 0.0
    upper: Fraction | None = None
    reason: str | None = None


class Code:
    """A binary code, split into blocks of coordinates that do not constrain each other.

    Args:
        generators: rows that span it (not necessarily a basis)

    **Example**

    >>> pairs = Code(np.array([[1, 1, 0, 0], [0, 0, 1, 1]], bool))
    >>> pairs.count(np.zeros(4, bool), 2).value
    Fraction(2, 1)
    """

    def __init__(self, generators: Bool[np.ndarray, "m n"]):
        self.length = generators.shape[1]
        self.rows = linear.unpack(linear.echelon(linear.pack(generators)).rows, self.length)
        self._known: dict[tuple[int, bytes], Polynomial] = {}

    @property
    def dim(self) -> int:
        return len(self.rows)

    @cached_property
    def checks(self) -> Bool[np.ndarray, "k n"]:
        """A basis of the dual code."""
        return _checks(self.rows)

    @cached_property
    def _blocks(self) -> tuple[list[Bool[np.ndarray, "_ _"]], list[tuple[int, Int[np.ndarray, " _"]]]]:
        """The distinct blocks, and for each block which of them it is and its coordinates."""
        row, column = self.rows.nonzero()
        size = self.dim + self.length
        graph = coo_array((np.ones(len(row), bool), (row, self.dim + column)), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        distinct: dict[tuple[tuple[int, int], bytes], int] = {}
        shapes, blocks = [], []
        by_row, by_column = _positions(label[: self.dim]), _positions(label[self.dim :])
        for block, rows in by_row.items():
            columns = by_column[block]
            sub = self.rows[rows][:, columns]
            kind = distinct.setdefault((sub.shape, sub.tobytes()), len(distinct))
            if kind == len(shapes):
                shapes.append(sub)
            blocks.append((kind, columns))
        return shapes, blocks

    def count(
        self,
        offset: Bool[np.ndarray, " n"],
        weight: int,
        budget: int = 2**20,
        rng: np.random.Generator | None = None,
    ) -> Words:
        """Number of words ``offset + c`` with ``weight`` ones.

        Args:
            offset: representative of the coset
            weight: number of ones
            budget: operations on trellis states that an exact count may take
            rng: for the estimate
        """
        if min(weight, self.length - weight) <= 3:
            few = weight <= 3
            number = _few(self.checks, offset if few else ~offset, weight if few else self.length - weight)
            return Words(Fraction(number), self.dim)
        distinct, blocks = self._blocks
        kinds = Counter((kind, offset[columns].tobytes()) for kind, columns in blocks)
        factors: list[Polynomial] = [{int(offset[~self.rows.any(axis=0)].sum()): 1}]  # coordinates that never change
        for (kind, shift), multiplicity in kinds.items():
            if (kind, shift) not in self._known:
                enumerator = _enumerator(distinct[kind], np.frombuffer(shift, bool), budget)
                if enumerator is None:
                    return _sampled(self, offset, weight, budget, rng or np.random.default_rng(0))
                self._known[kind, shift] = enumerator
            factors.append(_power(self._known[kind, shift], multiplicity))
        factors.sort(key=len)
        total = factors[0]
        for factor in factors[1:-1]:
            total = _multiply(total, factor)
        last = factors[-1] if len(factors) > 1 else {0: 1}
        value = sum(number * last.get(weight - degree, 0) for degree, number in total.items())
        return Words(Fraction(value), self.dim)


def _positions(label):
    """Label -> its positions."""
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return {int(label[part[0]]): part for part in np.split(order, cuts) if len(part)}


def _enumerator(code, offset, budget) -> Polynomial | None:
    """``Σ_words t^weight`` of one block, or ``None`` beyond the budget."""
    k, n = code.shape
    if k <= LIST_BITS:
        numbers = _listed(code, offset).tolist()
    else:
        checks = _checks(code)
        numbers = _macwilliams(checks, offset) if len(checks) <= LIST_BITS else _trellis(checks, offset, budget)
    return None if numbers is None else {degree: number for degree, number in enumerate(numbers) if number}


def _listed(code, offset):
    """By listing all words, the rows' sums by doubling."""
    words = linear.pack(offset[None])
    for row in linear.pack(code):
        words = np.concatenate([words, words ^ row])
    return np.bincount(np.bitwise_count(words).sum(axis=1, dtype=np.int64), minlength=len(offset) + 1)


def _checks(code):
    """A basis of the dual code."""
    k, n = code.shape
    pivots = code.argmax(axis=1)  # reduced echelon form: the first one of a row is the only one in its column
    free = np.setdiff1d(np.arange(n), pivots)
    checks = np.zeros((len(free), n), bool)
    checks[np.arange(len(free)), free] = True
    checks[:, pivots] = code[:, free].T
    return checks


def _macwilliams(checks, offset):
    """From the words of the dual code: ``Σ_h (-1)^{h·s} (1-t)^|h| (1+t)^{n-|h|}``, divided by their number."""
    n = len(offset)
    words, signs = np.zeros((1, linear.num_words(n)), np.uint64), np.ones(1, np.int64)
    for row, odd in zip(linear.pack(checks), (checks & offset).sum(axis=1) % 2, strict=True):
        words = np.concatenate([words, words ^ row])
        signs = np.concatenate([signs, -signs if odd else signs])
    weights = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    signed = np.bincount(weights, signs, minlength=n + 1)
    total = [0] * (n + 1)
    for w in np.flatnonzero(signed):
        previous, current, factor = 0, 1, int(signed[w])
        for j in range(n + 1):  # Krawtchouk polynomials by their three-term recursion
            total[j] += factor * current
            previous, current = current, ((n - 2 * int(w)) * current - (n - j + 1) * previous) // (j + 1)
    return [value // 2 ** len(checks) for value in total]


def _trellis(checks, offset, budget):
    """Position by position; a state is the partial syndrome of the checks that are under way."""
    n = len(offset)
    checks = _short_spans(checks)
    first = checks.argmax(axis=1)
    last = n - 1 - checks[:, ::-1].argmax(axis=1)
    syndrome = (checks & offset).sum(axis=1) % 2 == 1
    open_at = [int(((first <= j) & (last >= j)).sum()) for j in range(n)]
    bits = n + 1  # room for one coefficient: an enumerator is one integer in base 2^bits
    if max(open_at) > 40 or sum(2**w for w in open_at) * max(1, n * bits // 4096) > budget:
        return None
    states = {0: 1}
    for j in range(n):
        column = sum(1 << i for i in np.flatnonzero(checks[:, j]).tolist())
        closing = np.flatnonzero(last == j).tolist()
        mask = sum(1 << i for i in closing)
        wanted = sum(1 << i for i in closing if syndrome[i])
        following: dict[int, int] = {}
        for state, value in states.items():
            for reached, amount in ((state, value), (state ^ column, value << bits)):
                if reached & mask == wanted:
                    reached &= ~mask
                    following[reached] = following.get(reached, 0) + amount
        states = following
    value = states.get(0, 0)
    return [(value >> (bits * j)) & ((1 << bits) - 1) for j in range(n + 1)]


def _short_spans(checks):
    """Row operations until no two checks start at the same position and no two end at the same one."""
    waiting = [int("".join("1" if b else "0" for b in row[::-1]), 2) for row in checks]  # bit j: position j
    starts: dict[int, int] = {}
    while waiting:
        row = waiting.pop()
        start = row & -row
        if start in starts:
            waiting.append(row ^ starts[start])
        else:
            starts[start] = row
    waiting = list(starts.values())
    ends: dict[int, int] = {}
    while waiting:
        row = waiting.pop()
        other = ends.get(row.bit_length())
        if other is not None:  # the one that starts first keeps its start and ends earlier
            row, other = (row, other) if (row & -row) < (other & -other) else (other, row)
            ends[other.bit_length()] = other
            waiting.append(row ^ other)
        else:
            ends[row.bit_length()] = row
    rows = list(ends.values())
    n = checks.shape[1]
    return np.array([[(row >> p) & 1 for p in range(n)] for row in rows], bool).reshape(len(rows), n)


def _few(checks, offset, weight):
    """Words of weight at most three: sums of columns of a check matrix that give the syndrome of the offset."""
    n = len(offset)
    columns = [row.tobytes() for row in np.packbits(checks.T, axis=1)] if len(checks) else [b""] * n
    integers = [int.from_bytes(column) for column in columns]
    target = int.from_bytes(np.packbits((checks & offset).sum(axis=1) % 2 == 1).tobytes()) if len(checks) else 0
    count = Counter(integers)
    if weight == 0:
        return int(target == 0)
    if weight == 1:
        return count[target]
    if weight == 2:
        ordered = sum(count[target ^ c] - (target == 0) for c in integers)
        return ordered // 2
    ordered = 0
    for distinct, times in count.items():  # a of this column, then b, then c
        for other, others in count.items():
            third = target ^ distinct ^ other
            pairs = times * (others - (distinct == other))
            ordered += pairs * (count.get(third, 0) - (third == distinct) - (third == other))
    return ordered // 6


def _multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """Product; of two long ones as one product of integers (Kronecker substitution)."""
    if min(len(a), len(b)) <= SHORT:
        product: Polynomial = {}
        for i, c in a.items():
            for j, d in b.items():
                product[i + j] = product.get(i + j, 0) + c * d
        return product
    bits = max(a.values()).bit_length() + max(b.values()).bit_length() + min(len(a), len(b)).bit_length()
    size = -(-bits // 8)

    def integer(poly):
        return int.from_bytes(b"".join(poly.get(j, 0).to_bytes(size, "little") for j in range(max(poly) + 1)), "little")

    length = max(a) + max(b) + 1
    octets = (integer(a) * integer(b)).to_bytes(size * length, "little")
    numbers = (int.from_bytes(octets[size * j : size * (j + 1)], "little") for j in range(length))
    return {j: number for j, number in enumerate(numbers) if number}


def _power(polynomial: Polynomial, exponent: int) -> Polynomial:
    """By the binomial theorem for one or two terms, else by squaring."""
    if len(polynomial) <= 2:
        result: Polynomial
        (i, a), *rest = polynomial.items()
        if not rest:
            return {i * exponent: a**exponent}
        ((j, b),) = rest
        result, term = {}, a**exponent
        for m in range(exponent + 1):
            result[i * (exponent - m) + j * m] = term
            term = term * b * (exponent - m) // (a * (m + 1))
        return result
    result = {0: 1}
    while exponent:
        if exponent & 1:
            result = _multiply(result, polynomial)
        exponent >>= 1
        if exponent:
            polynomial = _multiply(polynomial, polynomial)
    return result


def _sampled(code, offset, weight, budget, rng):
    """Random words of the coset, or random sets of the weight, whichever finds more."""
    k, n = code.dim, code.length
    reason = f"weight {weight} in a [{n}, {k}] code: sampled"
    samples = max(1024, min(budget // 16, 2**22 // n))
    words = linear.multiply(
        linear.pack(rng.integers(0, 2, (samples, k), np.uint8)), linear.pack(code.rows)
    ) ^ linear.pack(offset[None])
    in_code = int((np.bitwise_count(words).sum(axis=1, dtype=np.int64) == weight).sum())
    sets = np.zeros((samples, n), bool)
    np.put_along_axis(sets, np.argsort(rng.random((samples, n)), axis=1)[:, :weight], True, axis=1)
    in_sets = int((~linear.inner_products(linear.pack(sets ^ offset), linear.pack(code.checks)).any(axis=1)).sum())
    hits, scale = (in_code, 2**k) if in_code >= in_sets else (in_sets, comb(n, weight))
    if not hits:
        bound = min(Fraction(3 * 2**k, samples), Fraction(3 * comb(n, weight), samples))
        return Words(Fraction(0), k, 0.0, bound, reason)
    value = Fraction(hits * scale, samples)
    return Words(value, k, _error(value, hits, samples), None, reason)


def _error(value, hits, samples):
    """Standard error, as an exact fraction times the relative one: the value may exceed a float."""
    return value * Fraction(((samples - hits) / (samples * hits)) ** 0.5)
