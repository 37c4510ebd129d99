"""Words of one weight in a coset of a binary code.

Hard in general. Exact here where the code splits into small blocks (pairs of Majorana operators on ``|0…0⟩``), has few
words or few checks (MacWilliams), has a narrow trellis (one-dimensional structure), or where the weight is at most
three or that close to the length; a sampled estimate with its error otherwise.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from . import f2

LIST_BITS = 16  # words, or dual words, that are listed: 2^16


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
    stderr: float = 0.0
    upper: Fraction | None = None
    reason: str | None = None


def count_words(
    generators: Bool[np.ndarray, "m n"],
    offset: Bool[np.ndarray, " n"],
    weight: int,
    budget: int = 2**20,
    rng: np.random.Generator | None = None,
) -> Words:
    """Number of words ``offset + c``, ``c`` in the row space of ``generators``, with ``weight`` ones.

    Args:
        generators: rows that span the code (not necessarily a basis)
        offset: representative of the coset
        weight: number of ones
        budget: operations on trellis states that an exact count may take
        rng: for the estimate

    **Example**

    >>> pairs = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], bool)
    >>> count_words(pairs, np.zeros(4, bool), 2).value
    Fraction(2, 1)
    """
    n = len(offset)
    reduced = f2.echelon(f2.pack(generators)) if n and len(generators) else None
    code = f2.unpack(reduced.rows, n) if reduced is not None else np.zeros((0, n), bool)
    if weight <= 3 or n - weight <= 3:
        offset, weight = (offset, weight) if weight <= 3 else (~offset, n - weight)
        return Words(Fraction(_few(code, offset, weight)), len(code))

    fixed = ~code.any(axis=0)
    weight_left = weight - int(offset[fixed].sum())
    row, column = code.nonzero()
    graph = coo_array((np.ones(len(row), bool), (row, len(code) + column)), shape=(len(code) + n,) * 2)
    _, label = connected_components(graph, directed=False)
    blocks: Counter = Counter()
    for block in np.unique(label[: len(code)]):
        rows = label[: len(code)] == block
        columns = label[len(code) :] == block
        sub, shift = code[np.ix_(rows, columns)], offset[columns]
        blocks[sub.shape, sub.tobytes(), shift.tobytes()] += 1
    total = [1]
    for (shape, sub, shift), multiplicity in blocks.items():
        enumerator = _enumerator(np.frombuffer(sub, bool).reshape(shape), np.frombuffer(shift, bool), budget)
        if enumerator is None:
            return _sampled(code, offset, weight, budget, rng or np.random.default_rng(0))
        total = _multiply(total, _power(enumerator, multiplicity))
    value = total[weight_left] if 0 <= weight_left < len(total) else 0
    return Words(Fraction(value), len(code))


def _enumerator(code, offset, budget):
    """Coefficients of ``Σ_words t^weight`` of one block, or ``None`` beyond the budget."""
    k, n = code.shape
    if k <= LIST_BITS:
        return _listed(code, offset).tolist()
    checks = _checks(code)
    if len(checks) <= LIST_BITS:
        return _macwilliams(checks, offset)
    return _trellis(checks, offset, budget)


def _listed(code, offset):
    """By listing all words, the rows' sums by doubling."""
    words = f2.pack(offset[None])
    for row in f2.pack(code):
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
    words, signs = np.zeros((1, f2.num_words(n)), np.uint64), np.ones(1, np.int64)
    for row, odd in zip(f2.pack(checks), (checks & offset).sum(axis=1) % 2, strict=True):
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
    return np.array([[(row >> p) & 1 for p in range(checks.shape[1])] for row in rows], bool)


def _few(code, offset, weight):
    """Words of weight at most three: sums of columns of a check matrix that give the syndrome of the offset."""
    n = len(offset)
    checks = _checks(code) if len(code) else np.eye(n, dtype=bool)
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


def _multiply(a, b):
    """Product of polynomials with non-negative integer coefficients, as one product of integers."""
    if len(a) == 1 and a[0] == 1:
        return b
    bits = max(a).bit_length() + max(b).bit_length() + min(len(a), len(b)).bit_length()
    size = -(-bits // 8)
    left, right = (int.from_bytes(b"".join(c.to_bytes(size, "little") for c in poly), "little") for poly in (a, b))
    length = len(a) + len(b) - 1
    octets = (left * right).to_bytes(size * length, "little")
    return [int.from_bytes(octets[size * j : size * (j + 1)], "little") for j in range(length)]


def _power(polynomial, exponent):
    result = [1]
    while exponent:
        if exponent & 1:
            result = _multiply(result, polynomial)
        exponent >>= 1
        if exponent:
            polynomial = _multiply(polynomial, polynomial)
    return result


def _sampled(code, offset, weight, budget, rng):
    """Random words of the coset, or random sets of the weight, whichever finds more."""
    k, n = code.shape
    reason = f"weight {weight} in a [{n}, {k}] code: sampled"
    samples = max(1024, min(budget // 16, 2**22 // n))
    words = f2.multiply(f2.pack(rng.integers(0, 2, (samples, k), np.uint8)), f2.pack(code)) ^ f2.pack(offset[None])
    in_code = int((np.bitwise_count(words).sum(axis=1, dtype=np.int64) == weight).sum())
    sets = np.zeros((samples, n), bool)
    np.put_along_axis(sets, np.argsort(rng.random((samples, n)), axis=1)[:, :weight], True, axis=1)
    in_sets = int((~f2.inner_products(f2.pack(sets ^ offset), f2.pack(_checks(code))).any(axis=1)).sum())
    hits, scale = (in_code, 2**k) if in_code >= in_sets else (in_sets, comb(n, weight))
    if not hits:
        bound = min(Fraction(3 * 2**k, samples), Fraction(3 * comb(n, weight), samples))
        return Words(Fraction(0), k, 0.0, bound, reason)
    value = Fraction(hits * scale, samples)
    return Words(value, k, _error(value, hits, samples), None, reason)


def _error(value, hits, samples):
    """Standard error, as an exact fraction times the relative one: the value may exceed a float."""
    return value * Fraction(((samples - hits) / (samples * hits)) ** 0.5)
