"""Sums of strings with Pauli noise: against integration over all angles, the exact engine and PennyLane's mixed states.

The loss is a trigonometric polynomial, so that a grid of enough points gives its moments without any error.
"""

from functools import partial

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, Channel, ProductState, Rotation
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw, Normal
from pennylane_dla.variance.module import engine as module
from pennylane_dla.variance.problem import Problem
from tests.variance.circuits import commuting_sum, random_ansatz, random_observable
from tests.variance.oracle import integrate, integrate_finely


def pauli_noise(rng, wires):
    """A random Pauli channel: eigenvalues are sums of probabilities with signs."""
    size = 4 ** len(wires)
    probabilities = rng.dirichlet(np.ones(size)) * 0.4
    probabilities[0] += 0.6
    codes = np.array([[index >> 2 * a & 3 for a in range(len(wires))] for index in range(size)])
    x, z = codes & 1, codes >> 1
    signs = 1 - 2 * ((x @ z.T + z @ x.T) % 2)
    return Channel(tuple(wires), np.diag(signs @ probabilities), "random Pauli noise")


def noisy_layers(rng, n, layers, repeats, known):
    """Each element drives a few rotations, with noise after every gate."""
    gates = []
    for element in range(layers):
        for _ in range(repeats):
            strings, coefficients = commuting_sum(rng, n)
            coefficients = tuple(float(np.sign(c)) * 0.5 for c in coefficients)
            angle = Angle(float(rng.choice([0.0, 0.3])), (element,), (float(rng.choice([1.0, -1.0])),))
            gates.append(Rotation(tuple(int(w) for w in rng.permutation(n)), strings[:2], coefficients[:2], angle))
            gates.append(pauli_noise(rng, rng.permutation(n)[: rng.integers(1, min(n, 2) + 1)].tolist()))
        if known:
            gates.append(Rotation((0,), ("X",), (0.5,), Angle(0.7)))
    arguments = Arguments(("w",), ((layers,),), np.full(layers, 4 * np.pi), lambda rows: rows)
    state = ProductState(rng.normal(size=(n, 3)) / 3)
    return Ansatz(tuple(range(n)), tuple(gates), state, (), arguments)


@pytest.mark.parametrize("seed", range(8))
def test_layers_with_noise_between_their_gates_against_integration(seed):
    rng = np.random.default_rng(400 + seed)
    n = 1 + seed % 3
    ansatz = noisy_layers(rng, n, layers=2, repeats=1 + seed % 3, known=seed % 2)
    observable = random_observable(rng, n, 3)
    prediction = module.predict(Problem(ansatz, observable, AngleLaw.resolve(None, ansatz.arguments)))
    assert prediction.loss.available, prediction.loss.reason
    mean, variance, gradient = integrate_finely(ansatz, observable)
    np.testing.assert_allclose(prediction.loss_mean, mean, atol=1e-10)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-10)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_another_law(seed):
    rng = np.random.default_rng(500 + seed)
    ansatz = noisy_layers(rng, 2, layers=2, repeats=2, known=False)
    observable = random_observable(rng, 2, 3)
    law = AngleLaw.resolve(Normal(0.2, mean=0.4), ansatz.arguments)
    prediction = module.predict(Problem(ansatz, observable, law))
    mean, variance, gradient = integrate(ansatz, observable, law)
    np.testing.assert_allclose(prediction.loss_mean, mean, atol=1e-8)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-8)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-6)


@pytest.mark.parametrize("law", [None, Normal(0.5, mean=0.2)])
@pytest.mark.parametrize("seed", range(4))
def test_single_strings_with_noise_agree_with_the_exact_engine(seed, law):
    rng = np.random.default_rng(600 + seed)
    n = 2 + seed % 3
    plain = random_ansatz(rng, n, trainable=5, fixed=seed % 3, quarters=5)
    gates = [item for gate in plain.gates for item in (gate, pauli_noise(rng, [int(rng.integers(n))]))]
    ansatz = Ansatz(plain.wires, tuple(gates), plain.state, (), plain.arguments)
    problem = Problem(ansatz, random_observable(rng, n, 3), AngleLaw.resolve(law, ansatz.arguments))
    one, other = module.predict(problem), exact.predict(problem)
    np.testing.assert_allclose(one.loss_mean, other.loss_mean, atol=1e-11)
    np.testing.assert_allclose(one.loss.value, other.loss.value, atol=1e-11)
    np.testing.assert_allclose(one.gradient.value, other.gradient.value, atol=1e-11)


def noisy_qaoa(n, layers, gates=(qp.IsingZZ, qp.RX, qp.Hadamard)):
    model = qp.NoiseModel(
        {qp.noise.op_in(list(gates)): lambda op, **_: [qp.DepolarizingChannel(0.01, wire) for wire in op.wires]}
    )

    @partial(qp.add_noise, noise_model=model)
    @qp.qnode(qp.device("default.mixed", wires=n))
    def circuit(params):
        for w in range(n):
            qp.Hadamard(w)
        for layer in range(layers):
            for q in range(n):
                qp.IsingZZ(params[layer, 0], [q, (q + 1) % n])
            for q in range(n):
                qp.RX(params[layer, 1], q)
        return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(1) @ qp.Z(2))

    return circuit


@pytest.mark.parametrize("n", [4, 6])
def test_qaoa_with_depolarizing_noise_after_every_gate_is_exact(n):
    circuit = noisy_qaoa(n, 1)
    diagnosis = dla.inspect(circuit, method="module", progress=False)(np.zeros((1, 2)))
    assert diagnosis.loss.variance.exact
    count = 13  # two terms of four gates of each layer at most: degree 4, squares 8
    grid = np.arange(count) * 2 * np.pi / count
    losses = np.array([[circuit(np.array([[a, b]])) for b in grid] for a in grid])
    assert diagnosis.loss.mean == pytest.approx(losses.mean(), abs=1e-10)
    assert diagnosis.loss.variance.value == pytest.approx(losses.var(), abs=1e-10)
    wave = 1j * np.fft.fftfreq(count, 1 / count)
    for axis in (0, 1):
        shape = (count, 1) if axis == 0 else (1, count)
        slopes = np.fft.ifft(np.fft.fft(losses, axis=axis) * wave.reshape(shape), axis=axis).real
        variance = np.asarray(diagnosis.gradient.variance)[0, axis]
        assert variance == pytest.approx(slopes.var(), abs=1e-9)


def test_algebra_and_limit_are_those_of_the_circuit_without_noise():
    """Noise between the gates of one argument must not make generators of them one by one."""
    circuit = noisy_qaoa(4, 3, (qp.IsingZZ, qp.RX))  # noise before all rotations would be part of the state
    noisy = dla.inspect(circuit, progress=False, samples=300)(np.zeros((3, 2)))

    @qp.qnode(qp.device("default.qubit"))
    def clean(params):
        for w in range(4):
            qp.Hadamard(w)
        for gamma, beta in params:
            for q in range(4):
                qp.IsingZZ(gamma, [q, (q + 1) % 4])
            for q in range(4):
                qp.RX(beta, q)
        return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(1) @ qp.Z(2))

    expected = dla.inspect(clean, progress=False)(np.zeros((3, 2)))
    assert noisy.algebra.dim == expected.algebra.dim == 11
    assert float(noisy.limit.loss.variance.value) == pytest.approx(float(expected.limit.loss.variance.value))


def test_three_layers_of_noisy_qaoa_against_sampled_losses():
    """Deeper than a grid reaches: five standard errors, one component by central differences."""
    circuit = noisy_qaoa(4, 3)
    diagnosis = dla.inspect(circuit, method="module", progress=False)(np.zeros((3, 2)))
    samples = 600
    points = np.moveaxis(np.random.default_rng(4).uniform(0, 2 * np.pi, (samples, 3, 2)), 0, -1)
    up, down = points.copy(), points.copy()
    up[1, 0] += 1e-4
    down[1, 0] -= 1e-4
    for values, predicted in (
        (np.asarray(circuit(points)), diagnosis.loss.variance.value),
        ((np.asarray(circuit(up)) - np.asarray(circuit(down))) / 2e-4, np.asarray(diagnosis.gradient.variance)[1, 0]),
    ):
        variance = values.var(ddof=1)
        error = np.sqrt((np.mean((values - values.mean()) ** 4) - variance**2) / samples)
        assert abs(variance - predicted) < 5 * error


def test_what_it_does_not_treat_it_says():
    @qp.qnode(qp.device("default.mixed", wires=2))
    def damped(params):
        qp.IsingXY(params[0], [0, 1])
        qp.AmplitudeDamping(0.1, 0)
        qp.IsingXY(params[1], [0, 1])
        return qp.expval(qp.Z(0))

    answer = dla.inspect(damped, method="module", progress=False)(np.zeros(2))
    assert "AmplitudeDamping" in answer.loss.variance.reason

    @qp.qnode(qp.device("default.mixed", wires=2))
    def returning(params):
        for _ in range(2):
            qp.RX(params[0], 0)
            qp.DepolarizingChannel(0.1, 0)
            qp.RY(params[1], 0)
        return qp.expval(qp.Z(0))

    answer = dla.inspect(returning, method="module", progress=False)(np.zeros(2))
    assert answer.loss.variance.value is None and "correlated" in answer.loss.variance.reason
