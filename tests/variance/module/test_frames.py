"""Eigenbases of skew matrices, whatever way they are found."""

import numpy as np
import pytest

from pennylane_dla.variance.module import frames


def skew(frequencies, zeros, seed):
    """A skew matrix with these frequencies in a random basis."""
    size = zeros + 2 * len(frequencies)
    matrix = np.zeros((size, size))
    first = zeros + 2 * np.arange(len(frequencies))
    matrix[first + 1, first], matrix[first, first + 1] = frequencies, -np.asarray(frequencies)
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    return basis @ matrix @ basis.T


SPECTRA = {
    "few": (np.repeat([1.0, 2.0, 5.0], 60), 40),
    "no zeros": (np.repeat([0.5, 3.0, 3.5], 60), 0),
    "close together": (np.concatenate([np.full(80, 1.0), np.full(80, 1 + 1e-6)]), 30),
    "spread": (np.linspace(0.01, 3, 170), 10),
    "dense": (np.linspace(0.99, 1.01, 170), 10),
    "small ones": (np.repeat([1e-6, 1.0, 2.0], 50), 25),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_the_frame_of_a_large_skew_matrix(name):
    frequencies, zeros = SPECTRA[name]
    matrix = skew(frequencies, zeros, seed=3)
    frame = frames.Eigenframe.of(matrix)
    assert frame.zeros == zeros
    np.testing.assert_allclose(np.sort(frame.frequencies), np.sort(frequencies), atol=1e-11)
    np.testing.assert_allclose(frame.basis.T @ frame.basis, np.eye(len(matrix)), atol=1e-11)
    first, second = frame.basis[:, zeros : zeros + len(frequencies)], frame.basis[:, zeros + len(frequencies) :]
    np.testing.assert_allclose(matrix @ frame.basis[:, :zeros], 0, atol=1e-11)
    np.testing.assert_allclose(matrix @ first, second * frame.frequencies, atol=1e-11)
    np.testing.assert_allclose(matrix @ second, -first * frame.frequencies, atol=1e-11)


def test_few_frequencies_are_taken_group_by_group():
    assert frames._by_groups(skew(*SPECTRA["few"], seed=1)) is not None
    assert frames._by_groups(skew(*SPECTRA["dense"], seed=1)) is None
