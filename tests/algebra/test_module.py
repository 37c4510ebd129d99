"""Orbits against enumeration: the sets, not only their sizes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennylane_dla.algebra.classification import classify_strings
from pennylane_dla.algebra.module import orbit

from .enumeration import anticommutation_table, codes, from_codes, generator_sets, reachable


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


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, derandomize=True)
@given(cases())
def test_many_random_orbits(case):
    compare(*case)
