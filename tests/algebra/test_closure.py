"""Enumerated closure: families of known dimension, and PennyLane's own closure."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.algebra import closure as module
from pennylane_dla.algebra.closure import closure
from pennylane_dla.pauli import PauliStrings


def chain(n, *words, ring=False):
    """Each word on neighbouring qubits, everywhere on the chain."""
    labels = []
    for word in words:
        places = n if (ring and len(word) > 1) else n - len(word) + 1
        for i in range(places):
            letters = ["I"] * n
            for a, letter in enumerate(word):
                letters[(i + a) % n] = letter
            labels.append("".join(letters))
    return PauliStrings.from_labels(labels)


@pytest.mark.parametrize(
    "generators, dimension",
    [
        *[(chain(n, "ZZ", "X"), n * (2 * n - 1)) for n in (2, 3, 5, 8)],
        *[(chain(n, "ZZ", "X", ring=True), 2 * n * (2 * n - 1)) for n in (3, 4, 6)],
        *[(chain(n, "XX", "YY"), d) for n, d in zip((3, 4, 5, 6), (6, 12, 20, 30), strict=True)],
        *[(chain(n, "XX", "YY", "ZZ"), d) for n, d in zip((3, 4, 5), (15, 60, 255), strict=True)],
        *[(chain(n, "X", "Y", "ZZ"), 4**n - 1) for n in (1, 2, 4, 6)],
        (chain(40, "ZZ", "X"), 40 * 79),
    ],
)
def test_reference_dimensions(generators, dimension):
    assert closure(generators).dim == dimension


@pytest.mark.parametrize("seed", range(50))
def test_same_set_as_pennylane(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    labels = {"".join(rng.choice(list("IIXYZ"), n)) for _ in range(int(rng.integers(1, 7)))} - {"I" * n}
    labels = sorted(labels) or ["X" * n]
    words = [qp.pauli.string_to_pauli_word(label) for label in labels]
    expected = qp.lie_closure([word.pauli_rep for word in words], pauli=True)
    expected = {qp.pauli.pauli_word_to_string(next(iter(op)), {w: w for w in range(n)}) for op in expected}
    assert set(closure(PauliStrings.from_labels(labels)).basis.labels()) == expected


def test_mask_and_table_agree(monkeypatch):
    generators = chain(5, "XX", "YY", "ZZ")
    by_mask = set(closure(generators).basis.labels())
    monkeypatch.setattr(module, "MAX_MASK_BITS", 0)
    assert set(closure(generators).basis.labels()) == by_mask


@pytest.mark.parametrize("bits", [22, 0])
def test_budget_is_a_stated_result(monkeypatch, bits):
    monkeypatch.setattr(module, "MAX_MASK_BITS", bits)
    result = closure(chain(5, "X", "Y", "ZZ"), max_dim=100)
    assert not result.complete and result.dim == 100 == len(result.basis) and "max_dim=100" in result.reason
