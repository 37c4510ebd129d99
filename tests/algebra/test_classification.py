"""The classification against enumeration, against PennyLane, and against published types."""

import itertools
from collections import Counter

import numpy as np
import pennylane as qp
import pytest
from hypothesis import given, settings

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.classification import classify, classify_strings
from pennylane_dla.algebra.closure import closure
from pennylane_dla.algebra.f2 import integers as local
from pennylane_dla.algebra.f2.symplectic import forms
from pennylane_dla.algebra.ideal import Ideal
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings

from .enumeration import codes, enumerate_algebra, enumerate_ideals, from_codes, generator_sets


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


@settings(max_examples=200, deadline=None, derandomize=True)
@given(generator_sets())
def test_dense_strings_take_another_route(case):
    """Packed arrays instead of integers, in blocks of three rows: the same components."""
    generators, n = case
    strings = from_codes(generators, n)
    usual = classify_strings(strings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "MAX_STRINGS", 0)
        patch.setattr(f2, "BLOCK", 3)
        other = classify_strings(strings)
    assert usual.ideals == other.ideals
    assert usual.center.labels() == other.center.labels()
    for a, b in zip(usual.components, other.components, strict=True):
        assert a.generators.tolist() == b.generators.tolist()
        assert (a.family, a.size, a.multiplicity, a.arf) == (b.family, b.size, b.multiplicity, b.arf)
        for span in (a.span, b.span):
            gram = f2.unpack(forms(span.rows, span.rows), len(span.rows))
            expected = np.zeros_like(gram)
            pairs = np.arange(span.g)
            expected[pairs, pairs + span.g] = expected[pairs + span.g, pairs] = True
            np.testing.assert_array_equal(gram, expected)


def random_bilinears(n, m, rng, labels=0):
    """Products of two of ``2n`` Majorana operators (Jordan-Wigner), some of them times central strings on further
    qubits."""
    x, z = np.zeros((2, 2 * n, n + labels), np.uint8)
    for k in range(2 * n):
        z[k, : k // 2] = 1
        x[k, k // 2], z[k, k // 2] = 1, k % 2
    pairs = np.array([rng.choice(2 * n, 2, replace=False) for _ in range(m)])
    x, z = x[pairs].sum(axis=1) % 2, z[pairs].sum(axis=1) % 2
    z[:, n:] = rng.integers(0, 2, (m, labels))
    return PauliStrings.from_bits(x, z)


@pytest.mark.parametrize("seed", range(30))
def test_random_majorana_bilinears(seed):
    """Free fermions with many vertices and labels are rare among random strings: draw them on purpose."""
    rng = np.random.default_rng(seed)
    labels = int(rng.integers(0, 3))
    generators = random_bilinears(6 - labels, int(rng.integers(3, 16)), rng, labels)
    assert classify_strings(generators).dim == closure(generators).dim


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
    """Chains of known type, also at widths that nobody enumerates."""
    algebra = classify_strings(generators)
    assert algebra.dim == dim
    assert algebra.complete and algebra.method == "classified"
    if name is not None:
        assert algebra.name == name


def test_enumeration_agrees_with_pennylane():
    """The oracle itself against ``qp.lie_closure``."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        n = int(rng.integers(1, 4))
        strings = from_codes(rng.integers(1, 4**n, int(rng.integers(1, 6))), n)
        order = {wire: wire for wire in range(n)}
        words = [qp.pauli.pauli_sentence(qp.pauli.string_to_pauli_word(label)) for label in strings.labels()]
        expected = {
            qp.pauli.pauli_word_to_string(next(iter(element)), order) for element in qp.lie_closure(words, pauli=True)
        }
        mask = enumerate_algebra(codes(strings).tolist(), n)
        assert expected == set(from_codes(np.flatnonzero(mask), n).labels())


PAIRS = [a + b for a, b in itertools.product("XYZ", repeat=2)]


def test_all_two_local_chains_on_four_qubits():
    """Every set of two-letter words on all bonds of an open chain (Wiersema et al., arXiv:2309.05690, classify them up
    to symmetry), dimension and ideals."""
    for size in range(1, 10):
        for words in itertools.combinations(PAIRS, size):
            compare(tuple(codes(chain(4, *words)).tolist()), 4)


# Up to relabelling of the axes and reflection, sets that generate different algebras.
CHAINS = [
    *(("XX",), ("XY",), ("XY", "YX"), ("XX", "YZ"), ("XX", "YY"), ("XY", "YZ"), ("XX", "YZ", "ZY"), ("XX", "YY", "ZZ")),
    *(("XX", "XZ"), ("XY", "XZ"), ("XY", "YZ", "ZX"), ("XY", "YX", "YZ"), ("XX", "XY", "YZ"), ("XX", "YY", "YZ")),
    *(("XX", "YY", "XY"), ("XX", "XY", "XZ"), ("XY", "YX", "YZ", "ZY"), ("XX", "XY", "ZX"), ("XX", "XZ", "YY", "ZY")),
    *(("X", "ZZ"), ("X", "XX"), ("X", "XY"), ("X", "Y"), ("X", "YZ"), ("X", "Y", "ZZ"), ("Z", "XX", "YY", "ZZ")),
]


@pytest.mark.parametrize("n", [5, 6, 7, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("ring", [False, True])
def test_spin_chains(n, ring):
    """Spin chains of Wiersema et al., open and closed, against the enumerated closure."""
    for words in CHAINS:
        generators = chain(n, *words, ring=ring)
        assert classify_strings(generators).dim == closure(generators).dim, words


def operators(n):
    return [qp.X(i) for i in range(n)] + [qp.Z(i) @ qp.Z(i + 1) for i in range(n - 1)]


@pytest.mark.parametrize(
    "generators",
    [
        operators(4),
        [-0.5 * g for g in operators(4)],
        [g.pauli_rep for g in operators(4)],
        [next(iter(g.pauli_rep)) for g in operators(4)],
        ["XIII", "IXII", "IIXI", "IIIX", "ZZII", "IZZI", "IIZZ"],
        chain(4, "X", "ZZ"),
        operators(4) + operators(4)[:3],
        [qp.map_wires(g, dict(enumerate(["a", 7, "b", (1, 2)]))) for g in operators(4)],
        tuple(operators(4)),
    ],
)
def test_forms_of_input(generators):
    algebra = classify(generators)
    assert (algebra.name, algebra.dim, algebra.num_wires) == ("so(8)", 28, 4)


def test_positions_count_duplicates():
    algebra = classify(["XI", "IZ", "ZI", "XI", "IZ"])
    assert algebra.name == "su(2) + u(1)"
    assert algebra.components[0].generators.tolist() == [0, 2, 3]
    assert algebra.center.labels() == ["IZ"]


@pytest.mark.parametrize(
    "generators, message",
    [
        ([], "empty"),
        (["XI", "II"], "Generator 1 .*identity"),
        ([qp.X(0), qp.Identity(0)], "Generator 1 .*identity"),
        ([qp.X(0), qp.X(0) + qp.Z(0)], "Generator 1 .*lie_closure"),
        ([qp.X(0) + 0.5 * qp.Identity(0)], "Generator 0 .*lie_closure"),
        ([1j * qp.X(0)], "complex coefficient"),
        ([qp.prod(qp.X(0), qp.Y(0))], "complex coefficient"),
        ([float("nan") * qp.X(0)], "finite"),
        ([0.0 * qp.X(0)], "zero"),
        ([qp.S(0)], "complex coefficient"),
        ([qp.QFT([0, 1])], "no Pauli representation"),
        (["XI", "X"], "1 letters"),
        (["XI", "XQ"], "Pauli word"),
        (["XI", qp.X(0)], "mixes"),
        pytest.param(qp.X(0), "pass a list", marks=pytest.mark.wrong_types),
        ("XX", "pass a list"),
        ([np.eye(2)], "ndarray"),
        (PauliStrings.from_labels(["II"]), "identity"),
        (PauliStrings.from_labels(["XX"])[:0], "empty"),
    ],
)
def test_bad_input(generators, message):
    with pytest.raises(DLAError, match=message):
        classify(generators)


def test_isolated_generators_of_components_that_overlap():
    """A commuting product of two components' centers is one more dimension, once."""
    algebra = classify(["XII", "ZII", "IXI", "IZI", "IIZ", "IIZ"])
    assert (algebra.name, algebra.dim) == ("2 su(2) + u(1)", 7)


def test_huge_numbers_print():
    algebra = classify_strings(chain(1000, "XX", "YY", "ZZ"))
    assert algebra.name == "4 su(2^998)"
    assert repr(algebra) == "LieAlgebra(4 su(2^998), dim ≈ 2.9e601, 1000 wires, classified)"
    ideal = Ideal.resolved("su", 2**20000, 2**15000)  # more digits than Python prints
    assert repr(ideal) == "Ideal(su(2^20000), dim=4^20000 − 1 ≈ 1.6e12041, multiplicity=2^15000 ≈ 2.8e4515)"
