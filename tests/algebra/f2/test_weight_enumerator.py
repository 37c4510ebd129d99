"""Words of one weight in a coset, each way of counting against listing all words."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2 import weight_enumerator as module
from pennylane_dla.algebra.f2.weight_enumerator import Code
from pennylane_dla.algebra.orbits.displacements import krawtchouk


def distribution(generators, offset):
    """Number of words of each weight, by listing combinations of a basis."""
    basis = []
    words = {tuple(np.zeros(len(offset), int))}
    for row in generators.astype(int):
        if tuple(row) not in words:
            basis.append(row)
            words |= {tuple(np.bitwise_xor(w, row)) for w in words}
    return np.bincount([int((np.array(w) ^ offset).sum()) for w in words], minlength=len(offset) + 1)


def codes(seed):
    """Random, banded, and block codes of length up to 14."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 15))
    rows = rng.integers(0, 2, (int(rng.integers(1, 9)), n)).astype(bool)
    if seed % 3 == 1:
        rows &= np.abs(np.arange(n) - rng.integers(0, n, len(rows))[:, None]) <= 1
    if seed % 3 == 2:
        rows = np.kron(np.eye(n // 2, dtype=bool), [True, True]).astype(bool)
        n = rows.shape[1]
    return rows, rng.integers(0, 2, n).astype(bool)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("way", ["listed", "dual", "trellis"])
def test_every_way_of_counting(seed, way, monkeypatch):
    generators, offset = codes(seed)
    if way == "dual":
        by_dual = lambda code, shift: np.array(module._macwilliams(module._checks(code), shift))  # noqa: E731
        monkeypatch.setattr(module, "_listed", by_dual)
    if way == "trellis":
        monkeypatch.setattr(module, "LIST_BITS", -1)
    code = Code(generators)
    expected = distribution(generators, offset)
    found = [code.count(offset, weight, 2**24) for weight in range(len(offset) + 1)]
    assert [words.value for words in found] == expected.tolist()
    assert all(words.reason is None and 2**words.dim == expected.sum() for words in found)


def test_long_pairs():
    """``(1 + t²)^a (2t)^b``: a thousand blocks."""
    pairs = np.kron(np.eye(1000, dtype=bool), [True, True]).astype(bool)
    offset = np.zeros(2000, bool)
    offset[:200:2] = True  # 100 blocks hold exactly one
    assert Code(pairs).count(offset, 1000).value == 2**100 * comb(900, 450)


def test_sampled_beyond_the_budget(monkeypatch):
    """Two random halves that do not split; within four standard errors of MacWilliams' exact count."""
    rng = np.random.default_rng(3)
    generators = rng.integers(0, 2, (30, 44)).astype(bool)
    offset = np.zeros(44, bool)
    exact = Code(generators).count(offset, 20)
    assert exact.reason is None
    monkeypatch.setattr(module, "LIST_BITS", 0)
    sampled = Code(generators).count(offset, 20, budget=2**16, rng=rng)
    assert sampled.reason is not None and sampled.stderr > 0
    assert abs(float(sampled.value - exact.value)) < 4 * sampled.stderr


def test_no_hits_give_a_bound():
    rng = np.random.default_rng(3)
    generators = rng.integers(0, 2, (60, 120)).astype(bool)
    words = Code(generators).count(np.zeros(120, bool), 5, budget=2**12, rng=rng)
    assert words.value == 0 and words.reason is not None
    assert words.upper > 0


def test_few_ones_are_found_directly():
    """Weights up to three in a code too large for anything else."""
    rng = np.random.default_rng(7)
    checks = rng.integers(0, 2, (4, 60)).astype(bool)
    code = Code(dual(checks))
    columns = checks.T.astype(int)
    for weight in (1, 2, 3):
        expected = sum(not (columns[list(c)].sum(axis=0) % 2).any() for c in combinations(range(60), weight))
        assert code.count(np.zeros(60, bool), weight).value == expected
        assert code.count(np.ones(60, bool), 60 - weight).value == expected


def dual(checks):
    """All words orthogonal to the checks, as a basis."""
    return f2.unpack(f2.left_kernel(f2.pack(checks.T)), checks.shape[1])


def test_krawtchouk():
    for n, k, j in product(range(6), range(6), range(6)):
        if k <= n and j <= n:
            expected = sum((-1) ** len({*s} & {*range(j)}) for s in combinations(range(n), k))
            assert krawtchouk(k, j, n) == expected
