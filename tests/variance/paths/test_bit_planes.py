"""Weighted sums by counting bits: the mean is kept, the spread is that of the weights."""

import numpy as np
import pytest

from pennylane_dla.compat import numerics
from pennylane_dla.variance.paths.bit_planes import GRID, plane_sums, planes


def weights(kind, rng):
    found = {
        "equal": np.full((16, 32), 0.3),
        "hits": (rng.random((16, 32)) < 0.01) * 0.7,
        "log-normal": rng.lognormal(0, 2, (16, 32)),
        "one": np.eye(16, 32) * np.eye(16)[:, :1],
        "tiny": rng.random((16, 32)) * 1e-100,
    }[kind]
    assert found.any()
    return found


def rows_of(rng, count):
    rows = rng.integers(2**32, size=(count, 16), dtype=np.uint32)
    return rows, np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")


@pytest.mark.parametrize("kind", ["equal", "hits", "one"])
def test_weights_of_one_size_are_summed_without_rounding(kind):
    rng = np.random.default_rng(0)
    rows, bits = rows_of(rng, 64)
    values = weights(kind, rng)
    with numerics():
        sums = plane_sums(rows, planes(values, rng))
    np.testing.assert_allclose(sums, [bits @ values.ravel(), bits @ values.ravel() ** 2], rtol=1e-12)


@pytest.mark.parametrize("kind", ["log-normal", "tiny"])
def test_rounding_keeps_the_mean_and_adds_what_the_module_says(kind):
    rng = np.random.default_rng(1)
    rows, bits = rows_of(rng, 64)
    values = weights(kind, rng)
    values = values / values.max()
    repeats = 400
    with numerics():
        sums = np.array([plane_sums(rows, planes(values, rng)) for _ in range(repeats)])
    exact, squares = bits @ values.ravel(), bits @ values.ravel() ** 2
    spread = sums[:, 0].std(axis=0)
    assert np.all(np.abs(sums[:, 0].mean(axis=0) - exact) < 5 * spread / np.sqrt(repeats))
    heavy = np.where(values.ravel() > 2.0**-7, values.ravel(), 0) ** 2
    most = bits @ heavy / 8 + bits @ (values.ravel() ** 2 - heavy) * 9 / 16
    assert np.all(spread**2 < 1.4 * most)  # 400 repeats have an error
    # the squares are those of the rounded weights: true squares plus what rounding adds
    added = sums[:, 1].mean(axis=0) - squares
    error = sums[:, 1].std(axis=0) / np.sqrt(repeats)
    assert np.all(np.abs(added - spread**2) < 5 * error + 0.3 * spread**2)


def test_small_weights_beside_a_large_one_keep_sum_and_squares():
    """A gate that only light paths meet must not lose its error bar to a heavy path elsewhere."""
    rng = np.random.default_rng(2)
    values = rng.random((16, 32)) * 1e-9
    values[0, 0] = 1.0
    rows = np.full((1, 16), 0xFFFFFFFF, np.uint32)
    rows[0, 0] ^= 1  # all but the heavy one
    light = values.ravel()[1:]
    with numerics():
        sums = np.array([plane_sums(rows, planes(values, rng))[:, 0] for _ in range(20)])
    np.testing.assert_allclose(sums[:, 0], light.sum(), rtol=5 * np.sqrt(np.sum(light**2) * 9 / 16) / light.sum())
    np.testing.assert_allclose(sums[:, 1], np.sum(light**2), rtol=0.8)


def test_weights_below_all_powers_live_on_with_the_probability_of_their_share():
    rng = np.random.default_rng(3)
    values = np.full((1024, 32), 2.0 ** -(GRID[-1] + 4))
    values[0, 0] = 1.0
    rows = np.full((1, 1024), 0xFFFFFFFF, np.uint32)
    rows[0, 0] ^= 1
    with numerics():
        total, squares = plane_sums(rows, planes(values, rng))[:, 0]
    smallest, count = 2.0 ** -GRID[-1], values.size - 1
    assert abs(total / smallest - count / 16) < 5 * np.sqrt(count / 16)
    np.testing.assert_allclose(squares, total * smallest)
