"""Weighted sums by counting bits: the mean is kept, the spread is that of the weights."""

import numpy as np
import pytest

from pennylane_dla.compat import numerics
from pennylane_dla.variance.bit_planes import FINENESS, LEVELS, plane_sums, planes


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
def test_rounding_keeps_the_mean_and_adds_little_to_the_spread(kind):
    rng = np.random.default_rng(1)
    rows, bits = rows_of(rng, 64)
    values = weights(kind, rng)
    scale = values.max()
    values = values / scale
    repeats = 400
    with numerics():
        sums = np.array([plane_sums(rows, planes(values, rng)) for _ in range(repeats)])
    exact, squares = bits @ values.ravel(), bits @ values.ravel() ** 2
    spread = sums[:, 0].std(axis=0)
    assert np.all(np.abs(sums[:, 0].mean(axis=0) - exact) < 5 * spread / np.sqrt(repeats))
    # what rounding adds to the variance of the sum, against Σw² of all paths, as the module says
    assert np.all(spread**2 < 1.5 * np.sum(values**2) / FINENESS)
    # the squares are those of the rounded weights: true squares plus what rounding adds
    added = sums[:, 1].mean(axis=0) - squares
    error = sums[:, 1].std(axis=0) / np.sqrt(repeats)
    assert np.all(np.abs(added - spread**2) < 5 * error + 0.3 * spread**2)


def test_a_batch_of_the_most_uneven_weights_fits():
    values = np.full((1024, 32), 32768**-0.5)
    values[0, 0] = 1.0
    parts = planes(values, np.random.default_rng(0))
    assert parts.used <= LEVELS
    assert parts.values[:, 0].sum() >= 0.9
