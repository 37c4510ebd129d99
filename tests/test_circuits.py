"""Whole circuits: predicted variances against gradients that PennyLane simulates.

Angles are drawn uniformly over their periods; predicted and sampled variances agree within five standard errors of the
sample variance, for every parameter. A parameter that is predicted dead has no gradient at all.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

SAMPLES = 4000
DEVICE = qp.device("default.qubit")


def strongly_entangling_local(w):
    qp.StronglyEntanglingLayers(w, wires=range(4))
    return qp.expval(qp.Z(0))


def strongly_entangling_hamiltonian(w):
    qp.StronglyEntanglingLayers(w, wires=range(3))
    return qp.expval(0.5 * qp.Z(0) @ qp.Z(1) - 0.3 * qp.X(2) + 0.7 * qp.Y(0) @ qp.X(1) @ qp.Z(2))


def strongly_entangling_projector(w):
    qp.StronglyEntanglingLayers(w, wires=range(3))
    return qp.expval(qp.Projector([0, 1, 0], wires=range(3)))


def basic_entangler(w):
    qp.BasicEntanglerLayers(w, wires=range(5))
    return qp.expval(qp.Z(1) @ qp.Z(3))


def matchgates(w):
    for layer in range(2):
        for i in range(3):
            qp.IsingXX(w[layer, i], (i, i + 1))
        for i in range(4):
            qp.RZ(w[layer, 3 + i], i)
    return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(1) @ qp.Z(2))


def data_then_trainable(w):
    qp.AngleEmbedding(np.array([0.4, 1.1, -0.7]), wires=range(3))
    qp.BasicEntanglerLayers(w, wires=range(3), rotation=qp.RY)
    return qp.expval(qp.X(1) @ qp.Z(2) + qp.Z(0))


def scaled_and_repeated(w):
    for wire in range(3):
        qp.RX(w[3 + wire], wire)
    qp.PauliRot(2 * w[0], "XY", (0, 1))
    qp.PauliRot(-w[1], "ZYX", (0, 1, 2))
    qp.IsingXX(w[2], (1, 2))  # one argument, one commuting block: the generator is a sum
    qp.IsingZZ(2 * w[2], (1, 2))
    qp.RY(w[6], 1)
    return qp.expval(qp.Z(1) + 0.5 * qp.Y(0) @ qp.Z(2))


def t_gates_inside(w):
    qp.BasicEntanglerLayers(w[:1], wires=range(3), rotation=qp.RY)
    qp.T(0)
    qp.RX(0.3, 1)
    qp.BasicEntanglerLayers(w[1:], wires=range(3))
    return qp.expval(qp.Z(0) @ qp.Z(1) + 0.4 * qp.X(2))


def plus_start(w):
    for wire in range(4):
        qp.Hadamard(wire)
    for layer in range(2):
        for i in range(4):
            qp.IsingZZ(w[layer, i], (i, (i + 1) % 4))
        for i in range(4):
            qp.RX(w[layer, 4 + i], i)
    return qp.expval(qp.Z(0) @ qp.Z(1))


def swap_heavy(w):
    qp.RX(w[0], 0)
    qp.SWAP((0, 3))
    qp.ISWAP((3, 1))
    qp.RY(w[1], 1)
    qp.ECR((1, 2))
    qp.adjoint(qp.S)(2)
    qp.RY(w[2], 2)
    qp.CY((2, 0))
    qp.SX(0)
    qp.RZ(w[3], 0)
    qp.SWAP((0, 2))
    qp.RX(w[4], 2)
    return qp.expval(qp.Z(2) - 2 * qp.X(0) @ qp.Y(2))


def simplified_two_design(w):
    qp.SimplifiedTwoDesign(w[:4], w[4:].reshape(2, 3, 2), wires=range(4))
    return qp.expval(qp.X(0) @ qp.Z(3))


def reuploading(w):
    for layer in range(2):
        qp.AngleEmbedding(np.array([0.4, 1.1]), wires=range(2), rotation="Y")
        qp.RZ(w[layer, 0], 0)
        qp.RX(w[layer, 1], 1)
        qp.CNOT((0, 1))
        qp.RX(w[layer, 2], 0)
    return qp.expval(qp.Z(1) + 0.3 * qp.X(0))


CIRCUITS = {
    strongly_entangling_local: (2, 4, 3),
    strongly_entangling_hamiltonian: (2, 3, 3),
    strongly_entangling_projector: (2, 3, 3),
    basic_entangler: (2, 5),
    matchgates: (2, 7),
    data_then_trainable: (2, 3),
    scaled_and_repeated: (7,),
    t_gates_inside: (2, 3),
    plus_start: (2, 8),
    swap_heavy: (5,),
    simplified_two_design: (16,),
    reuploading: (2, 3),
}


@pytest.mark.parametrize("function", CIRCUITS, ids=lambda function: function.__name__)
def test_prediction_agrees_with_simulated_gradients(function):
    circuit, shape = qp.QNode(function, DEVICE, interface="jax"), CIRCUITS[function]
    diag = dla.inspect(circuit)(np.zeros(shape))
    assert diag.gradient.estimate.exact, diag.gradient.estimate.reason
    predicted = diag.gradient.variance
    periods = diag.arguments.periods.reshape(shape)
    draws = np.random.default_rng(11).uniform(size=(SAMPLES, *shape)) * np.nan_to_num(periods, nan=1.0)
    losses, gradients = jax.vmap(jax.value_and_grad(circuit))(jnp.asarray(draws))
    assert_same_variance(np.asarray(gradients, float), predicted)
    assert_same_variance(np.asarray(losses, float), diag.loss.variance.value)
    error = np.std(losses) / np.sqrt(SAMPLES)
    assert abs(np.mean(losses) - diag.loss.mean) < 5 * error + 1e-6


def assert_same_variance(samples, predicted):
    """Within five standard errors of the sample variance; what is dead is zero up to single precision."""
    centred = samples - samples.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    error = np.sqrt(((centred**4).mean(axis=0) - variance**2) / len(samples))
    np.testing.assert_array_less(np.abs(variance - predicted), 5 * error + 1e-10)


@pytest.mark.parametrize("function", [swap_heavy, data_then_trainable], ids=lambda function: function.__name__)
def test_prediction_equals_the_average_over_clifford_angles(function):
    """The square of a trigonometric polynomial of degree one is integrated exactly by four equidistant points."""
    circuit, shape = qp.QNode(function, DEVICE, interface="jax"), CIRCUITS[function]
    diag = dla.inspect(circuit)(np.zeros(shape))
    points = itertools.product(range(4), repeat=int(np.prod(shape)))
    angles = np.array(list(points)).reshape(-1, *shape) * np.pi / 2
    gradients = np.asarray(jax.vmap(jax.grad(circuit))(jnp.asarray(angles)), float)
    np.testing.assert_allclose((gradients**2).mean(axis=0), diag.gradient.variance, atol=2e-6)


def test_an_argument_in_separate_blocks_is_correlated():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.RX(w[0], 0)
        qp.RY(w[1], 0)
        qp.RX(w[0], 0)
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit, method="exact")(np.zeros(2))
    assert not diag.loss.variance.available and diag.gradient.variance is None
    assert "correlated: w[0]" in diag.loss.variance.reason
    assert "correlated" in str(diag)
