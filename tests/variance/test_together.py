"""Several measurements of one circuit: each has the numbers that it has alone, and those of brute-force integration."""

from __future__ import annotations

import itertools

import numpy as np
import pennylane as qp
import pytest
from pennylane import numpy as pnp

import pennylane_dla as dla

WORDS = ("ZII", "IXY", "YZX", "XXI", "IIZ", "ZZZ")


def entangler(weights):
    """Uniform angles; outcomes interfere, since some products of Z commute with every rotation."""
    for layer in weights:
        for wire in range(3):
            qp.RX(layer[wire], wires=wire)
        qp.CNOT(wires=[0, 1])
        qp.CNOT(wires=[1, 2])


def rotated(weights):
    """Known rotations that are no Cliffords, before and between the trainable ones."""
    qp.RY(0.4, wires=0)
    for layer in weights:
        for wire in range(3):
            qp.RY(layer[wire], wires=wire)
        qp.RX(0.7, wires=1)
        qp.CZ(wires=[0, 1])
        qp.CNOT(wires=[1, 2])


def sums(weights):
    """Generators that are sums, and gates that share an argument."""
    for layer in weights:
        qp.IsingXY(layer[0], wires=[0, 1])
        qp.IsingXY(layer[1], wires=[1, 2])
        for wire in range(3):
            qp.RX(layer[2], wires=wire)


def correlated(weights):
    """An argument that comes back: only sampling applies."""
    for layer in weights:
        for wire in range(3):
            qp.RX(weights[0, wire], wires=wire)
        qp.CNOT(wires=[0, 1])
        qp.RZ(layer[0], wires=1)
        qp.CNOT(wires=[1, 2])
        qp.RY(layer[2], wires=2)


def noisy(weights):
    """Damping, which moves strings."""
    entangler(weights[:1])
    for wire in range(3):
        qp.AmplitudeDamping(0.2, wires=wire)
    entangler(weights[1:])


def dephased(weights):
    """Pauli noise between gates of one argument."""
    for layer in weights:
        for wire in range(3):
            qp.RX(layer[0], wires=wire)
            qp.DepolarizingChannel(0.05, wires=wire)
        for wire in range(2):
            qp.IsingZZ(layer[1], wires=[wire, wire + 1])
            qp.PhaseFlip(0.1, wires=wire)


CASES = [
    (entangler, {}),
    (entangler, {"angles": dla.Normal(0.4)}),
    (entangler, {"method": "paths"}),
    (entangler, {"method": "paths", "angles": dla.Normal(0.7)}),
    (entangler, {"method": "simulated"}),
    (rotated, {}),
    (rotated, {"method": "paths"}),
    (sums, {}),
    (sums, {"angles": dla.Uniform(0.0, 2.0)}),
    (correlated, {}),
    (noisy, {}),
    (dephased, {}),
]


def node(circuit, measure):
    """The circuit on three wires, with or without noise."""
    device = qp.device("default.mixed" if circuit in (noisy, dephased) else "default.qubit", wires=3)

    @qp.qnode(device)
    def qnode(weights):
        circuit(weights)
        return measure()

    return qnode


def outcomes():
    return qp.probs(wires=[0, 2, 1])


def strings():
    return [qp.expval(qp.pauli.string_to_pauli_word(word)) for word in WORDS]


def alone(measure):
    """Each of several measurements on its own."""
    if measure is strings:
        return [lambda word=word: qp.expval(qp.pauli.string_to_pauli_word(word)) for word in WORDS]
    return [
        lambda bits=bits: qp.expval(qp.Projector(list(bits), wires=[0, 2, 1]))
        for bits in itertools.product((0, 1), repeat=3)
    ]


def numbers(measurement):
    """Everything that is predicted for one measurement, each number with its standard error."""
    result = []
    for part in (measurement, measurement.limit):
        for estimate in (part.loss.variance, part.gradient.estimate):
            if estimate.available:
                value = np.ravel(np.array(estimate.value, dtype=float))
                error = np.broadcast_to(np.ravel(np.asarray(estimate.stderr, float)), value.shape)
                result.append(np.stack([value, error]))
        result.append(np.array([[np.nan if part.loss.mean is None else float(part.loss.mean)], [0.0]]))
    return np.concatenate(result, axis=1)


@pytest.mark.parametrize("measure", (outcomes, strings))
@pytest.mark.parametrize(("circuit", "options"), CASES)
def test_as_alone(circuit, options, measure):
    weights = pnp.array(np.random.default_rng(1).uniform(0, 6, (2, 3)), requires_grad=True)
    options = {"progress": False, "max_seconds": 1000.0, **options}
    together = dla.inspect(node(circuit, measure), **options)(weights).measurements
    assert len(together) == len(alone(measure))
    for found, single in zip(together, alone(measure), strict=True):
        expected = dla.inspect(node(circuit, single), **options)(weights).measurements[0]
        assert found.loss.variance.method == expected.loss.variance.method
        assert found.loss.variance.exact == expected.loss.variance.exact
        (value, error), (right, other) = numbers(found), numbers(expected)
        loose = 5 * np.hypot(error, other) + (0 if found.loss.variance.exact else 0.02)
        assert np.all(np.isclose(value, right, rtol=1e-9, atol=1e-12, equal_nan=True) | (abs(value - right) < loose))


@pytest.mark.parametrize("circuit", (entangler, rotated, sums, dephased))
def test_integrated_over_a_grid(circuit):
    """Uniform angles: a mean over points that integrate every polynomial of the degree exactly."""
    shape = (1, 3)
    weights = pnp.zeros(shape, requires_grad=True)
    found = dla.inspect(node(circuit, outcomes), progress=False)(weights).measurements
    points = 2 * np.pi * np.arange(16) / 16  # degree at most 6 in one angle
    grid = np.array(list(itertools.product(points, repeat=3))).reshape(-1, *shape)
    bare = node(circuit, outcomes)
    values = np.array([bare(pnp.array(row, requires_grad=False)) for row in grid]).reshape(16, 16, 16, 8)
    assert np.allclose([float(m.loss.variance.value) for m in found], values.var(axis=(0, 1, 2)), atol=1e-12)
    assert np.allclose([m.loss.mean for m in found], values.mean(axis=(0, 1, 2)), atol=1e-12)
    frequencies = np.fft.fftfreq(16, 1 / 16)
    for axis in range(3):
        spectrum = np.fft.fft(values, axis=axis)
        slope = np.fft.ifft(np.moveaxis(1j * frequencies * np.moveaxis(spectrum, axis, -1), -1, axis), axis=axis).real
        expected = slope.var(axis=(0, 1, 2))
        assert np.allclose([np.ravel(m.gradient.estimate.value)[axis] for m in found], expected, atol=1e-12)


def test_every_outcome_of_nine_wires():
    """512 outcomes of a circuit of 162 parameters: their probabilities have mean ``2⁻⁹``, and equal variances."""

    @qp.qnode(qp.device("default.qubit", wires=9))
    def circuit(weights):
        qp.StronglyEntanglingLayers(weights, wires=range(9))
        return qp.probs(wires=range(9))

    weights = pnp.array(np.random.default_rng(0).uniform(0, 6, (6, 9, 3)), requires_grad=True)
    found = dla.inspect(circuit, max_seconds=60, progress=False)(weights).measurements
    assert len(found) == 512
    assert {m.loss.variance.method for m in found} == {"exact"}
    assert np.allclose([m.loss.mean for m in found], 2.0**-9)
    values = np.array([m.loss.variance.value for m in found])
    rng = np.random.default_rng(1)
    drawn = np.array([circuit(rng.uniform(0, 2 * np.pi, weights.shape)) for _ in range(150)])
    assert abs(values.mean() - drawn.var(axis=0).mean()) < 0.1 * values.mean()
