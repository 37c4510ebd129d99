"""Channels that push towards a state, in the light cone and outside: every engine against integration."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import extract
from pennylane_dla.variance.choose import predict
from pennylane_dla.variance.law import AngleLaw, Normal
from pennylane_dla.variance.problem import Budget, Problem
from tests.variance.oracle import integrate

CHANNELS = (
    lambda rng, wire: qp.AmplitudeDamping(rng.uniform(0.1, 0.6), wire),
    lambda rng, wire: qp.ResetError(rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.4), wire),
    lambda rng, wire: qp.GeneralizedAmplitudeDamping(rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.9), wire),
    lambda rng, wire: qp.ThermalRelaxationError(0.2, 1.0, 0.8, 0.5, wire),
    lambda rng, wire: qp.DepolarizingChannel(rng.uniform(0.1, 0.4), wire),
)


def task(function, num_args, laws=None, samples=20_000):
    qnode = qp.QNode(function, qp.device("default.mixed", wires=3))
    ansatz = extract(qnode, (0.1,) * num_args, {}, argnums=list(range(num_args)))[0]
    measurement = ansatz.measurements[0]
    law = AngleLaw.resolve(laws, ansatz.arguments)
    return Problem(ansatz, measurement.observable, law, Budget(progress=False, samples=samples), measurement.kind)


@pytest.mark.parametrize("method", [None, "exact", "paths", "simulated"])
@pytest.mark.parametrize("channel", [lambda: qp.AmplitudeDamping(0.377, 0), lambda: qp.ResetError(0.377, 0.2, 0)])
def test_a_channel_that_the_observable_cannot_see(channel, method):
    """Nothing on the other wire moves: the loss is constant, exactly."""

    def circuit(w):
        qp.RX(w, 0)
        channel()
        return qp.expval(qp.Z(1))

    found = predict(task(circuit, 1), method)
    assert found.loss.value == 0 and found.gradient.value.tolist() == [0.0]
    assert found.loss_mean == pytest.approx(1.0, abs=1e-9)
    assert found.loss.exact or method == "simulated"


def random_circuit(seed):
    """Rotations, Cliffords and channels on three wires; the observable is often far from some of the channels."""

    def circuit(*weights):
        rng, left = np.random.default_rng(seed), list(weights)
        for _ in range(9):
            kind, wire = rng.integers(4), int(rng.integers(3))
            if kind == 0 and left:
                (qp.RX, qp.RY, qp.RZ)[rng.integers(3)](left.pop(), wire)
            elif kind == 1:
                pair = rng.permutation(2) + (seed % 2)  # wires apart from the pair stay apart
                qp.CNOT([int(w) for w in pair])
            elif kind == 2:
                qp.Hadamard(wire)
            else:
                CHANNELS[rng.integers(len(CHANNELS))](rng, wire)
        for weight in left:
            qp.RY(weight, int(rng.integers(3)))
        word = qp.prod(*((qp.X, qp.Y, qp.Z)[rng.integers(3)](int(w)) for w in rng.permutation(3)[: rng.integers(1, 3)]))
        return qp.expval(word + 0.5 * qp.Z(int(rng.integers(3))) + 0.3 * qp.I(0))

    return circuit


@pytest.mark.parametrize("laws", [None, Normal(0.5, 0.3)], ids=["uniform", "normal"])
@pytest.mark.parametrize("seed", range(12))
def test_random_non_unital_circuits(seed, laws):
    problem = task(random_circuit(seed), 2, laws)
    mean, variance, gradient = integrate(problem.ansatz, problem.observable, problem.law)
    exact = predict(problem, "exact")
    assert exact.loss.value == pytest.approx(variance, abs=1e-9)
    assert exact.loss_mean == pytest.approx(mean, abs=1e-9)
    np.testing.assert_allclose(exact.gradient.value, gradient, atol=1e-6)
    if seed % 3 == 0:
        sampled = predict(problem, "paths")
        if sampled.loss.available:
            assert abs(sampled.loss.value - variance) <= 5 * sampled.loss.stderr + 1e-9
            assert abs(sampled.loss_mean - mean) <= 5 * sampled.loss_mean_stderr + 1e-9
            assert np.all(np.abs(sampled.gradient.value - gradient) <= 5 * sampled.gradient.stderr + 1e-6)
