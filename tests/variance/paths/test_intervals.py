"""Confidence intervals: the exact binomial ones where weights are equal, coverage where they are not."""

import numpy as np
import pytest
from scipy.stats import binomtest

from pennylane_dla.variance.paths.intervals import standard_error, weighted_interval


@pytest.mark.parametrize("hits", [0, 1, 7, 50, 100])
def test_equal_weights_give_clopper_and_pearson(hits):
    weight, samples = 0.25, 100
    low, high = weighted_interval(hits * weight, hits * weight**2, weight, samples, weight)
    reference = binomtest(hits, samples).proportion_ci(0.95, "exact")
    np.testing.assert_allclose([low, high], [weight * reference.low, weight * reference.high], atol=1e-12)


def test_no_hit_gives_the_upper_bound():
    low, high = weighted_interval(0.0, 0.0, 0.0, 1000, 2.0)
    assert low == 0.0
    np.testing.assert_allclose(high, 2.0 * (1 - 0.025 ** (1 / 1000)))


def test_zero_where_no_weight_is_possible():
    low, high = weighted_interval(np.zeros(2), np.zeros(2), 0.0, 10, np.array([0.0, 1.0]))
    assert low.tolist() == [0, 0] and high[0] == 0 and high[1] > 0


@pytest.mark.parametrize("rate", [1e-3, 0.05])
def test_coverage_for_weights_that_differ(rate):
    """2000 runs of 20,000 samples, exponential weights of the hits: coverage 95 % up to 4 standard errors below,
    at most 99.9 % (few hits are discrete)."""
    rng = np.random.default_rng(3)
    samples, runs, truth = 20_000, 2000, rate * 0.1
    covered = 0
    for _ in range(runs):
        weights = np.minimum(rng.exponential(0.1, rng.binomial(samples, rate)), 1.0)
        low, high = weighted_interval(weights.sum(), np.sum(weights**2), weights.max(initial=0.0), samples, 1.0)
        covered += low <= truth <= high
    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / runs) <= covered / runs <= 0.999


def test_standard_error_is_that_of_the_mean():
    weights = np.random.default_rng(0).uniform(size=1000)
    expected = weights.std() / np.sqrt(1000)
    np.testing.assert_allclose(standard_error(weights.sum(), np.sum(weights**2), 1000), expected)
