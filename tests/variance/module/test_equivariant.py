"""Permutation-equivariant circuits up to twenty qubits, against a simulation in the symmetric subspace.

``n`` qubits that start alike and are treated alike are one spin ``n/2``: ``n + 1`` amplitudes, collective spin
matrices.
Tolerances are five standard errors.
"""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla


def circuit_of(n, layers):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(params):
        for layer in range(layers):
            for q in range(n):
                qp.RX(params[layer, 0], q)
            for q in range(n):
                qp.RY(params[layer, 1], q)
            for a in range(n):
                for b in range(a):
                    qp.IsingZZ(params[layer, 2], [a, b])
        return qp.expval(qp.sum(*(qp.Z(q) for q in range(n))) / n)

    return circuit, np.zeros((layers, 3))


def sampled(n, layers, periods, samples, seed):
    """Losses and gradients at random angles, by one large spin."""
    m = np.arange(n / 2, -n / 2 - 1, -1)
    raising = np.diag(np.sqrt((n / 2) * (n / 2 + 1) - m[1:] * (m[1:] + 1)), 1)
    x, y, z = (raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)
    generators = [x, y, (4 * z @ z - n * np.eye(n + 1)) / 4] * layers  # IsingZZ has half of each ZZ
    eigen = [np.linalg.eigh(g) for g in generators]
    points = np.random.default_rng(seed).uniform(0, 1, (samples, 3 * layers)) * periods

    def turned(k, angle, state):
        values, vectors = eigen[k]
        return vectors @ (np.exp(-1j * np.outer(values, angle)) * (vectors.conj().T @ state))

    state = np.zeros((n + 1, samples), complex)
    state[0] = 1
    for k in range(len(generators)):
        state = turned(k, points[:, k], state)
    image = 2 / n * z @ state
    losses, slopes = np.sum(state.conj() * image, axis=0).real, np.zeros(points.shape)
    for k in reversed(range(len(generators))):
        slopes[:, k] = 2 * np.sum(image.conj() * (generators[k] @ state), axis=0).imag
        state, image = turned(k, -points[:, k], state), turned(k, -points[:, k], image)
    return losses, slopes


def variance_and_error(values):
    variance = values.var(axis=0, ddof=1)
    fourth = np.mean((values - values.mean(axis=0)) ** 4, axis=0)
    return variance, np.sqrt((fourth - variance**2) / len(values))


@pytest.mark.parametrize("method", ["module", "sector"])
@pytest.mark.parametrize("n, layers", [(6, 3), (11, 2), pytest.param(20, 3, marks=pytest.mark.slow)])
def test_every_component_against_one_large_spin(n, layers, method):
    if method == "sector" and n > 16:
        pytest.skip("more basis states than are looked at")
    circuit, params = circuit_of(n, layers)
    diagnosis = dla.inspect(circuit, method=method, max_seconds=60.0, progress=False)(params)
    assert diagnosis.loss.variance.exact and diagnosis.loss.variance.method == method
    losses, slopes = sampled(n, layers, diagnosis.arguments.periods, 40_000, seed=2)
    variance, error = variance_and_error(losses)
    assert abs(diagnosis.loss.variance.value - variance) < 5 * error
    variances, errors = variance_and_error(slopes)
    away = np.abs(np.asarray(diagnosis.gradient.variance).reshape(-1) - variances)
    assert np.all(away < 5 * errors + 1e-12)
