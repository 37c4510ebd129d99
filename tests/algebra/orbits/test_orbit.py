"""Orbits against enumeration: the sets, not only their sizes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennylane_dla.algebra.classification import classify_strings
from pennylane_dla.algebra.orbits.orbit import orbit
from pennylane_dla.pauli import PauliStrings
from tests.algebra.enumeration import anticommutation_table, codes, from_codes, generator_sets, reachable


def stabilizer_mask(axes):
    """Which strings have only the letters I and the axis on each qubit."""
    n = len(axes)
    index = np.arange(4**n)
    mask = np.ones(4**n, bool)
    for q, axis in enumerate(axes):
        letter = (index >> q) % 2 + 2 * ((index >> (n + q)) % 2)
        mask &= (letter == 0) | (letter == {"X": 1, "Z": 2, "Y": 3, "I": 0}[axis[-1]])
    return mask


def compare(generators, n, start, p, axes, seed=0):
    algebra = classify_strings(from_codes(generators, n))
    found = orbit(algebra, from_codes(start, n))
    expected = reachable(generators, start, n)
    everything = from_codes(np.arange(4**n), n)
    assert found.size == expected.sum()
    np.testing.assert_array_equal(found.contains(everything), expected)
    anticommuting = anticommutation_table(n)[p]
    assert found.fraction_anticommuting(from_codes(p, n)) == Fraction(
        int((expected & anticommuting).sum()), int(expected.sum())
    )
    share = found.fraction_in_stabilizer(axes)
    assert share.exact
    assert share.value == Fraction(int((expected & stabilizer_mask(axes)).sum()), int(expected.sum()))
    assert expected[codes(found.sample(np.random.default_rng(seed), 40))].all()


@st.composite
def cases(draw):
    generators, n = draw(generator_sets())
    string = st.integers(1, 4**n - 1)
    axes = draw(st.lists(st.sampled_from(["+Z", "-X", "+Y", "+Z", "I"]), min_size=n, max_size=n))
    start = draw(st.one_of(string, st.sampled_from(generators)))
    return generators, n, start, draw(st.one_of(string, st.sampled_from(generators))), tuple(axes)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_random_orbits(case):
    compare(*case)


def majorana_strings(n):
    """``2n`` Majorana operators on the first ``n`` qubits, as integers on ``n + 1`` qubits."""
    words = ["Z" * (k // 2) + "XY"[k % 2] + "I" * (n - k // 2) for k in range(2 * n)]
    return codes(PauliStrings.from_labels(words)).tolist()


@st.composite
def coupled_cases(draw):
    """Bilinears of eight Majorana operators, each perhaps times strings of a fifth qubit and the parity, next to other
    generators made of these: several components that overlap in their centers."""
    gamma, n = majorana_strings(4), 5
    parity = int(np.bitwise_xor.reduce(gamma))
    x5, z5 = (int(codes(PauliStrings.from_labels(["IIII" + letter]))[0]) for letter in "XZ")
    labels = draw(st.sampled_from([(0,), (0, z5), (0, parity), (0, parity, z5, parity ^ z5)]))
    vertex = st.integers(0, 7)
    pairs = draw(st.lists(st.tuples(vertex, vertex, st.sampled_from(labels)), min_size=5, max_size=14))
    pairs = [*pairs, *((a, a + 1, 0) for a in range(draw(st.integers(0, 7))))]
    generators = {gamma[a] ^ gamma[b] ^ label for a, b, label in pairs if a != b}
    generators |= draw(st.sets(st.sampled_from([x5, z5, x5 ^ parity, z5 ^ parity, parity]), max_size=3))
    string = st.integers(1, 4**n - 1)
    axes = draw(st.lists(st.sampled_from(["+Z", "+Z", "-X", "+Y", "I"]), min_size=n, max_size=n))
    subset = draw(st.sets(vertex, min_size=1, max_size=4))
    product = int(np.bitwise_xor.reduce([gamma[a] for a in subset])) ^ draw(st.sampled_from([0, x5, z5, parity]))
    start = draw(st.one_of(string, st.just(product or 1)))
    generators = tuple(sorted(generators)) or (z5,)
    return generators, n, start, draw(st.one_of(string, st.sampled_from(generators))), tuple(axes)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(coupled_cases())
def test_coupled_free_fermions(case):
    compare(*case)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True)
@given(coupled_cases())
def test_many_coupled_free_fermions(case):
    compare(*case)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, derandomize=True)
@given(cases())
def test_many_random_orbits(case):
    compare(*case)
