"""Enumeration as the oracle: sets of Pauli strings as masks over all ``4^n`` of them.

A string is the integer ``x + 2^n z``. Only for a few qubits; ``test_enumeration_agrees_with_pennylane`` checks it.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st

from pennylane_dla.pauli import PauliStrings


@cache
def anticommutation_table(n):
    """``ω(a, b)`` of all pairs of strings."""
    index = np.arange(4**n)
    x, z = index % 2**n, index >> n
    return (np.bitwise_count(x[:, None] & z) + np.bitwise_count(z[:, None] & x)) % 2 == 1


def codes(strings):
    """The integers of packed strings."""
    x, z = strings.bits()
    place = 1 << np.arange(strings.num_wires)
    return x @ place + (z @ place) * 2**strings.num_wires


def from_codes(index, n):
    """Packed strings of integers."""
    index = np.atleast_1d(np.asarray(index, np.int64))
    bits = (index[:, None] >> np.arange(2 * n)) & 1
    return PauliStrings.from_bits(bits[:, :n].astype(np.uint8), bits[:, n:].astype(np.uint8))


def reachable(generators, start, n):
    """Mask of the strings that nested commutators with the generators reach from ``start``."""
    table, index = anticommutation_table(n), np.arange(4**n)
    mask = np.zeros(4**n, bool)
    mask[np.atleast_1d(start)] = True
    while True:
        before = mask.sum()
        for v in generators:
            mask |= (mask & table[v])[index ^ v]
        if mask.sum() == before:
            return mask


def enumerate_algebra(generators, n):
    """All strings of the Lie algebra, as a mask."""
    return reachable(generators, generators, n)


def enumerate_ideals(generators, n):
    """Sorted ``(dimension, count)`` of the simple ideals, and the dimension of the center.

    On one component ``L`` the endomorphisms that commute with the adjoint action are multiplications by the strings
    ``R`` that commute with all generators and map ``L`` to itself; for a compact algebra there are as many as ideals.
    """
    table, index = anticommutation_table(n), np.arange(4**n)
    left = enumerate_algebra(generators, n)
    central = ~table[list(generators)].any(axis=0)
    center = int((left & central).sum())
    left &= ~central
    ideals = []
    while left.any():
        part = reachable(generators, int(left.argmax()), n)
        left &= ~part
        copies = sum(np.array_equal(part[index ^ r], part) for r in index[central])
        ideals += [(int(part.sum()) // copies, copies)]
    return sorted(ideals), center


@st.composite
def generator_sets(draw, max_wires=5):
    """Random sets of non-identity strings of mixed density, as ``(codes, n)``."""
    n = draw(st.integers(1, max_wires))
    letters = draw(st.sampled_from(["IXYZ", "IIIXYZ", "IIIIIIXYZ", "IZX", "IIZX", "IIIIIZX", "XY", "IXX"]))
    word = st.lists(st.sampled_from(letters), min_size=n, max_size=n).map("".join).filter(lambda w: set(w) != {"I"})
    words = draw(st.lists(word, min_size=1, max_size=2 * n + 4))
    return tuple(int(c) for c in codes(PauliStrings.from_labels(words))), n
