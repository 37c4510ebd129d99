"""Packed strings against dense matrices."""

import itertools

import numpy as np
import pytest

from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct, StringTable
from pennylane_dla.pauli.strings import anticommutation_matrix, anticommute, product, turn
from tests.variance.oracle import string_matrix, sum_matrix

WORDS = ["".join(word) for word in itertools.product("IXYZ", repeat=2)]


def matrix(label):
    return string_matrix(dict(enumerate(label)), len(label))


def test_labels_round_trip_across_words():
    rng = np.random.default_rng(0)
    labels = ["".join(rng.choice(list("IXYZ"), 70)) for _ in range(5)]
    strings = PauliStrings.from_labels(labels)
    assert strings.labels() == labels
    assert strings.x.shape == (5, 3)
    x, z = strings.bits()
    assert PauliStrings.from_bits(x, z).labels() == labels
    assert strings.weights().tolist() == [sum(c != "I" for c in label) for label in labels]
    assert [s.labels()[0] for s in strings] == labels and strings[-1].labels() == labels[-1:]


def test_products_and_phases_of_all_pairs():
    strings = PauliStrings.from_labels(WORDS)
    for j, word in enumerate(WORDS):
        repeated = PauliStrings.from_labels([word] * len(WORDS))
        result, exponent = product(repeated, strings)
        odd = anticommute(repeated, strings)
        for k, other in enumerate(WORDS):
            expected = matrix(word) @ matrix(other)
            np.testing.assert_allclose(1j ** exponent[k] * matrix(result.labels()[k]), expected)
            assert odd[k] == (not np.allclose(expected, matrix(other) @ matrix(word)))
        np.testing.assert_array_equal(anticommutation_matrix(strings, strings)[j], odd)


def test_turn_is_a_quarter_turn():
    strings = PauliStrings.from_labels(WORDS)
    for word in WORDS[1:]:
        values, vectors = np.linalg.eigh(matrix(word))
        unitary = (vectors * np.exp(-1j * np.pi / 4 * values)) @ vectors.conj().T
        turned, signs = turn(PauliStrings.from_labels([word]), strings)
        for k, other in enumerate(WORDS):
            np.testing.assert_allclose(
                signs[k] * matrix(turned.labels()[k]), unitary.conj().T @ matrix(other) @ unitary, atol=1e-12
            )


def test_sums_collect_equal_strings_and_set_the_identity_apart():
    strings = PauliStrings.from_labels(["XX", "II", "ZI", "XX", "ZI"])
    collected = PauliSum.collect(strings, np.array([1.0, 2.0, 0.5, 3.0, -0.5]))
    assert collected.strings.labels() == ["XX"]
    assert collected.coefficients.tolist() == [4.0] and collected.constant == 2.0


def test_projector_expands_to_its_matrix():
    projector = ProjectorProduct((0, 2), (1, -1), 3)
    expected = np.zeros(8)
    expected[[0b001, 0b011]] = 1
    np.testing.assert_allclose(sum_matrix(projector), np.diag(expected), atol=1e-12)


@pytest.mark.parametrize("num_wires", [3, 40])
def test_tables_find_what_they_hold(num_wires):
    rng = np.random.default_rng(1)
    labels = sorted({"".join(rng.choice(list("IXYZ"), num_wires)) for _ in range(60)})
    inside, outside = PauliStrings.from_labels(labels[::2]), PauliStrings.from_labels(labels[1::2])
    table = StringTable.of(PauliStrings.concatenate([inside, inside]))
    assert len(table) == len(inside)
    assert table.strings[table.find(inside)].labels() == inside.labels()
    assert (table.find(outside) == -1).all()
    grown = table.with_new(outside)
    assert grown.strings[grown.find(outside)].labels() == outside.labels()
    assert grown.strings[grown.find(inside)].labels() == inside.labels()
