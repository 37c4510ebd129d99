"""The echelon form whose full chunks JAX keeps is the one that NumPy finds."""

import numpy as np
import pytest

from pennylane_dla.algebra.sums import modular_products, span
from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.pauli import PauliSum

P = 8388587


def candidates(rng, blocks, rank, width):
    """Blocks of rows that together span ``rank`` dimensions, the first blocks on fewer coordinates."""
    basis = rng.integers(-P // 2, P // 2, (rank, width)).astype(float)
    basis[: rank // 2, width // 2 :] = 0
    for number in range(blocks):
        rows = basis[: rank // 2] if number < 2 else basis
        weights = rng.integers(-50, 50, (250, len(rows))).astype(float)
        block = span.reduce(weights @ rows, P)
        yield block[:, : width // 2] if number < 2 else block


@pytest.fixture
def always_jax(monkeypatch):
    monkeypatch.setattr(modular_products, "worthwhile", lambda entries: True)


def grown(rng):
    form = span.ModularSpan(P)
    for block in candidates(rng, 5, 900, 1200):
        form.extend(block)
    return form


def test_the_same_echelon_form(always_jax, monkeypatch):
    form = grown(np.random.default_rng(0))
    assert len(form._fixed) >= 3  # it was used
    rows, pivots = form.reduced(1200)
    monkeypatch.undo()
    reference = grown(np.random.default_rng(0))
    assert not len(reference._fixed)
    expected, expected_pivots = reference.reduced(1200)
    assert form.dim == reference.dim == 900
    np.testing.assert_array_equal(pivots, expected_pivots)
    np.testing.assert_array_equal(rows, expected)


def test_combinations_are_in_the_span(always_jax):
    form = grown(np.random.default_rng(1))
    some = form.combinations(100, np.random.default_rng(2), 1200)
    assert np.linalg.matrix_rank(some) == 100
    assert not len(form.extend(some))


def test_a_closure(always_jax):
    letters = [PauliSum.from_dict({"I" * q + p + "I" * (4 - q): 1.0}) for q in range(5) for p in "XY"]
    bonds = PauliSum.from_dict({"I" * q + "ZZ" + "I" * (3 - q): 1.0 for q in range(4)})
    assert lie_closure_sums([*letters, bonds], basis=False).dim == 4**5 - 1
