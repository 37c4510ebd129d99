"""Exponential, polynomial or constant: families with a known answer."""

import numpy as np
import pytest

from pennylane_dla.diagnosis.growth import growth

N = np.array([4, 6, 8, 10, 12])
EXACT = np.zeros(5)


@pytest.mark.parametrize(
    ("variance", "label", "rate", "tolerance"),
    [
        (2.0 ** (-1.5 * N), "exponential", 1.5, 1e-6),
        (2 / (2.0**N * (2.0**N + 1)) - 4.0**-N, "exponential", 2, 0.03),
        (3.0 * N**-2.0, "polynomial", 2, 1e-6),
        (1 / (2 * N - 1), "polynomial", 1, 0.1),
        (0.1 + 0 * N, "constant", 0, 0),
        (0.1 + 0.02 * 2.0**-N, "constant", 0, 0),
        (0.1 * N**0.5, "constant", 0, 0),
    ],
)
def test_known_families(variance, label, rate, tolerance):
    found = growth(N, variance, EXACT)
    assert found.label == label
    assert abs(found.rate - rate) <= tolerance
    np.testing.assert_allclose(np.log(found.fit(N)), np.log(variance), atol=0.7 if label == "constant" else 0.15)


def test_error_of_the_rate_covers_the_truth():
    """200 noisy families: the true rate lies within two standard errors about as often as it should (t, 3 degrees)."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        variance = 2.0 ** -N.astype(float)
        noisy = variance * (1 + 0.1 * rng.normal(size=5))
        found = growth(N, noisy, 0.1 * variance)
        assert found.label == "exponential"
        inside += abs(found.rate - 1) < 2 * found.rate_stderr
    assert inside > 0.8 * 200


def test_three_points_give_no_verdict():
    found = growth(N[:3], 2.0 ** -N[:3].astype(float), EXACT[:3])
    assert found.label == "undecided" and found.rate is None and "at least 4" in found.reason


def test_points_without_a_variance_do_not_count():
    variance = np.array([0.1, 0.01, np.nan, 0.0, 0.001])
    assert growth(N, variance, EXACT).label == "undecided"


def test_a_narrow_range_is_undecided():
    """From 20 to 23 qubits an exponential and a power law are the same within 30 %."""
    n = np.array([20, 21, 22, 23])
    rng = np.random.default_rng(1)
    variance = 2.0**-n * (1 + 0.2 * rng.normal(size=4))
    found = growth(n, variance, 0.2 * variance)
    assert found.label in ("undecided", "constant") and found.rate in (None, 0.0)


def test_a_narrow_range_is_no_evidence():
    """BasicEntanglerLayers of n layers looked like a power law on 4 to 7 qubits and is exponential."""
    n = np.arange(4, 8)
    found = growth(n, n**-5.0, np.zeros(4))
    assert found.label == "undecided" and "range" in found.reason
