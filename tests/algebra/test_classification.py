"""The classification against enumeration, against PennyLane, and against published types."""

from collections import Counter

import pytest
from hypothesis import given, settings

from pennylane_dla.algebra.classification import classify_strings
from pennylane_dla.pauli import PauliStrings

from .enumeration import enumerate_algebra, enumerate_ideals, from_codes, generator_sets


def grouped(ideals):
    """Ideals of equal dimension together (one name or several), center apart."""
    count = Counter()
    for dim, copies in ideals:
        count[dim] += copies
    return dict(count)


def compare(generators, n):
    algebra = classify_strings(from_codes(generators, n))
    assert algebra.dim == enumerate_algebra(generators, n).sum()
    ideals, center = enumerate_ideals(generators, n)
    simple = [i for i in algebra.ideals if i.name != "u(1)"]
    assert grouped([(i.dim, i.multiplicity) for i in simple]) == grouped(ideals)
    assert sum(i.multiplicity for i in algebra.ideals if i.name == "u(1)") == center == len(algebra.center)
    assert sum(i.dim * i.multiplicity for i in algebra.ideals) == algebra.dim


@settings(max_examples=300, deadline=None, derandomize=True)
@given(generator_sets())
def test_random_sets(case):
    compare(*case)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, derandomize=True)
@given(generator_sets())
def test_many_random_sets(case):
    compare(*case)


def chain(n, *words, ring=False):
    """Each word on neighbouring qubits, everywhere on the chain."""
    wires, letters = [], []
    for word in words:
        places = n if ring and len(word) > 1 else n - len(word) + 1
        wires += [[(i + a) % n for a in range(len(word))] for i in range(places)]
        letters += [word] * places
    return PauliStrings.from_local(wires, letters, n)


@pytest.mark.parametrize(
    "generators, name, dim",
    [
        *[(chain(n, "ZZ", "X"), f"so({2 * n})", n * (2 * n - 1)) for n in (4, 7, 40, 400)],
        (chain(2, "ZZ", "X"), "2 su(2)", 6),
        (chain(3, "ZZ", "X"), "su(4)", 15),
        *[(chain(n, "ZZ", "X", ring=True), f"2 so({2 * n})", 2 * n * (2 * n - 1)) for n in (4, 6, 100)],
        (chain(3, "ZZ", "X", ring=True), "2 su(4)", 30),
        (chain(3, "XX", "YY"), "2 su(2)", 6),
        (chain(4, "XX", "YY"), "4 su(2)", 12),
        (chain(5, "XX", "YY"), "2 so(5)", 20),
        (chain(6, "XX", "YY"), "2 su(4)", 30),
        (chain(3, "XX", "YY", "ZZ"), "su(4)", 15),
        (chain(5, "XX", "YY", "ZZ"), "su(16)", 255),
        (chain(101, "XX", "YY", "ZZ"), "su(2^100)", 4**100 - 1),
        *[(chain(n, "X", "Y", "ZZ"), None, 4**n - 1) for n in (1, 2, 5, 300)],
    ],
)
def test_reference_families(generators, name, dim):
    """THEORY section 8: its rows with single strings, and the same at widths that nobody enumerates."""
    algebra = classify_strings(generators)
    assert algebra.dim == dim
    assert algebra.complete and algebra.method == "classified"
    if name is not None:
        assert algebra.name == name
