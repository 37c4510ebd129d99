"""The mean of the gradient, against integration of what the QNode itself returns."""

import itertools

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.circuit.extract import extract
from pennylane_dla.diagnosis.inspection import _stack
from pennylane_dla.variance import first_moment
from pennylane_dla.variance.choose import predict
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.paths import pair_paths
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.together import forecasts

NUMBER = 3  # of arguments


def pure(function):
    return qp.qnode(qp.device("default.qubit", wires=3))(function)


def noisy(function):
    return qp.qnode(qp.device("default.mixed", wires=3))(function)


@pure
def signs(a, b, c):
    qp.RX(-2 * a + 0.3, 0)
    qp.CNOT([0, 1])
    qp.RY(b, 1)
    qp.RZ(-c, 0)
    qp.RX(0.4, 0)
    return qp.expval(qp.Y(0) @ qp.X(1) - 0.7 * qp.Z(0) + 0.2 * qp.X(1) + 0.5 * qp.I(0))


@pure
def repeated_strings(a, b, c):
    qp.RX(a, 0)
    qp.RX(b, 0)
    qp.X(0)
    qp.RZ(c + 0.9, 0)
    return qp.expval(qp.Y(0) + qp.Z(0))


@pure
def ising(a, b, c):
    qp.IsingXX(3 * a, [0, 1])
    qp.S(1)
    qp.IsingYY(b - 0.2, [1, 2])
    qp.RX(c, 2)
    return qp.expval(qp.Y(0) @ qp.X(1) @ qp.Z(2) + qp.Y(2))


@pure
def controlled(a, b, c):
    qp.RY(a + 0.5, 0)
    qp.CRX(-b, [0, 1])
    qp.SingleExcitation(2 * c + 0.1, [1, 2])
    return qp.expval(qp.Y(1) + qp.Z(2) @ qp.X(1))


@pure
def qaoa(a, b, c):
    for wire in range(3):
        qp.Hadamard(wire)
    for gamma, beta in ((a, b), (c, 0.4)):
        for edge in ([0, 1], [1, 2]):
            qp.IsingZZ(2 * gamma, edge)
        for wire in range(3):
            qp.RX(-beta + 0.3, wire)
    return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(1))


@noisy
def damped(a, b, c):
    qp.RX(a, 0)
    qp.DepolarizingChannel(0.1, 0)
    qp.CNOT([0, 1])
    qp.RY(-b + 0.3, 1)
    qp.AmplitudeDamping(0.3, 1)
    qp.RX(2 * c, 1)
    return qp.expval(qp.Y(1) + qp.Z(0))


@noisy
def noisy_layers(a, b, c):
    qp.Hadamard(0)
    qp.Hadamard(1)
    for gamma, beta in ((a, b), (c, 0.2)):
        qp.IsingZZ(2 * gamma, [0, 1])
        qp.PhaseFlip(0.1, 0)
        for wire in (0, 1):
            qp.RX(beta + 0.4, wire)
            qp.BitFlip(0.05, wire)
    return qp.expval(qp.Z(0) @ qp.Z(1) + 0.3 * qp.Y(0))


@pure
def spread(a, b, c):
    qp.RX(a, 0)
    qp.CRY(b, [0, 1])
    qp.RX(-c, 1)
    return qp.var(qp.Y(1) + qp.Z(0))


CIRCUITS = {
    signs: ("exact", "module", "paths", "sector", "simulated"),
    repeated_strings: ("exact", "module", "paths", "sector", "simulated"),
    ising: ("exact", "module", "paths", "sector", "simulated"),
    controlled: ("module", "sector", "simulated"),
    qaoa: ("module", "sector", "simulated"),
    damped: ("exact", "paths", "simulated"),
    noisy_layers: ("module", "simulated"),
    spread: ("sector", "simulated"),
}
LAWS = {
    "normal": {"a": dla.Normal(0.2), "b": dla.Normal(0.5, mean=0.4), "c": dla.Normal(0.1, mean=-0.3)},
    "mixed": {"a": dla.Normal(0.3, mean=0.2), "b": dla.Uniform(-0.3, 1.0)},  # c is uniform over its period
    "symmetric": {name: dla.Normal(0.3) for name in "abc"},
}
CASES = [(c, method) for c, methods in CIRCUITS.items() for method in methods]


def integrated(circuit, laws):
    """Mean of loss, and of its central differences, by Gauss points and grids over all arguments."""
    nodes, weights = [], []
    for name in "abc":
        law = laws.get(name)
        if isinstance(law, dla.Normal):
            x, w = np.polynomial.hermite_e.hermegauss(16)
            x, w = law.mean + law.std * x, w / w.sum()
        elif law is not None:
            x, w = np.polynomial.legendre.leggauss(12)
            x, w = (law.high + law.low) / 2 + (law.high - law.low) / 2 * x, w / 2
        else:
            x, w = np.arange(20) * 4 * np.pi / 20, np.full(20, 1 / 20)
        nodes.append(x)
        weights.append(w)
    points = np.array(list(itertools.product(*nodes))).T
    weight = np.prod(list(itertools.product(*weights)), axis=1)
    step, slopes = 1e-4, []
    for k in range(NUMBER):
        shift = step * np.eye(NUMBER)[k][:, None]
        slopes.append(weight @ (circuit(*(points + shift)) - circuit(*(points - shift))) / (2 * step))
    return float(weight @ circuit(*points)), np.array(slopes)


_known = {}


def reference(circuit, name):
    if (circuit, name) not in _known:
        _known[circuit, name] = integrated(circuit, LAWS[name])
    return _known[circuit, name]


def problem(circuit, laws, **budget):
    ansatz = extract(circuit, (0.1, 0.2, 0.3), {}, argnums=[0, 1, 2])[0]
    measurement = ansatz.measurements[0]
    law = AngleLaw.resolve(laws, ansatz.arguments)
    return Problem(
        ansatz, measurement.observable, law, Budget(progress=False, max_seconds=100.0, **budget), measurement.kind
    )


def agrees(value, error, expected):
    return abs(value - expected) <= 1e-6 + 4.5 * error


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("circuit, method", CASES, ids=lambda item: getattr(item, "__name__", item))
def test_means_are_those_of_the_qnode(circuit, method, name):
    """Loss and gradient, every engine that applies, signs and scales included."""
    mean, slopes = reference(circuit, name)
    found = predict(problem(circuit, LAWS[name], samples=20_000), method)
    assert found.gradient_mean.available, found.loss.reason
    errors = np.broadcast_to(found.gradient_mean.stderr, slopes.shape)
    if method in ("exact", "module") or (method == "sector" and circuit is not spread):
        assert found.gradient_mean.exact and not errors.any() and found.loss_mean_stderr == 0
    for value, error, expected in zip(found.gradient_mean.value, errors, slopes, strict=True):
        assert agrees(value, error, expected)
        assert error < 0.1
    assert agrees(found.loss_mean, found.loss_mean_stderr, mean)
    assert np.abs(slopes).max() > 0.05 or name != "normal"  # there is something to be wrong about


@pytest.mark.parametrize("circuit", [signs, repeated_strings, ising, damped], ids=lambda c: c.__name__)
def test_sampled_means_of_pairs(circuit, monkeypatch):
    """Where too many strings have a mean, pairs with an identity are sampled."""
    mean, slopes = reference(circuit, "normal")
    monkeypatch.setattr(first_moment, "MAX_STRINGS", 0)
    found = predict(problem(circuit, LAWS["normal"], samples=50_000), "paths")
    assert not found.gradient_mean.exact and 0 < found.loss_mean_stderr < 0.05
    assert agrees(found.loss_mean, found.loss_mean_stderr, mean)
    dead = found.gradient.interval[1] == 0  # known without a sample
    assert np.all((found.gradient_mean.stderr > 0) | dead) and np.all(found.gradient_mean.stderr < 0.05)
    for value, error, expected in zip(found.gradient_mean.value, found.gradient_mean.stderr, slopes, strict=True):
        assert agrees(value, error, expected)


@pytest.mark.parametrize("circuit, method", CASES, ids=lambda item: getattr(item, "__name__", item))
def test_uniform_angles_have_no_mean(circuit, method):
    """An integral of a derivative over a period: exact zeros, in sampling engines too."""
    found = predict(problem(circuit, None, samples=300), method)
    assert found.gradient_mean.exact
    assert found.gradient_mean.value.tolist() == [0.0] * NUMBER


def test_a_small_angle_is_a_gradient_of_one():
    """``RX(w); ⟨Y⟩`` near 0: the variance is tiny and the mean is the signal."""

    @qp.qnode(qp.device("default.qubit", wires=1))
    def circuit(w):
        qp.RX(w, 0)
        return qp.expval(qp.Y(0))

    ansatz = extract(circuit, (0.1,), {})[0]
    law = AngleLaw.resolve(dla.Normal(0.01), ansatz.arguments)
    found = predict(Problem(ansatz, ansatz.measurements[0].observable, law, Budget(progress=False)))
    assert found.gradient_mean.value[0] == pytest.approx(-np.exp(-0.5e-4), abs=1e-12)
    assert found.gradient.value[0] == pytest.approx(0.5 * (1 - np.exp(-1e-4)) ** 2, rel=1e-6)


def test_thirty_qubits_near_the_identity():
    """Symmetric laws never branch, so that the mean is exact at any size: against one light cone of two qubits."""
    n = 30

    def layers(weights, first, last):
        for row in weights:
            for wire in range(first, last):
                qp.RY(row[wire], wire)
            for wire in range(first, last - 1):
                qp.CZ([wire, wire + 1])

    def circuit(weights):
        layers(weights, 0, n)
        return qp.expval(qp.X(0))

    weights = np.zeros((4, n))
    ansatz = extract(qp.QNode(circuit, qp.device("default.qubit")), (weights,), {})[0]
    law = AngleLaw.resolve(dla.Normal(0.1), ansatz.arguments)
    observable = ansatz.measurements[0].observable
    found = predict(Problem(ansatz, observable, law, Budget(progress=False, samples=5000)), "paths")
    slopes = found.gradient_mean.value.reshape(4, n)
    assert found.gradient_mean.exact
    # Near the identity CZ layers pair off: Z on wire 1 is +1, each RY turns Z into X up to E[cos] of those passed.
    small, num = 5, 4 * 5

    @qp.qnode(qp.device("default.qubit", wires=small))
    def cone(flat):
        layers(flat.reshape(num // small, small, -1), 0, small)
        return qp.expval(qp.X(0))

    rng = np.random.default_rng(3)
    draws = rng.normal(0, 0.1, (num, 40_000))
    step = 1e-3
    for element in (0, 5, 10, 15, 1, 6):
        shift = np.zeros((num, 1))
        shift[element] = step
        sample = (cone(draws + shift) - cone(draws - shift)) / (2 * step)
        expected, error = sample.mean(), sample.std() / 200
        assert agrees(slopes[element // small, element % small], error, expected)


def test_means_that_vanish_are_sampled_as_such():
    """``known_means`` is what the exact engine says."""
    one = problem(signs, LAWS["normal"])
    exact = predict(one, "exact")
    walk = pair_paths._PairWalk.prepare(one, one.observable, list(range(len(one.ansatz.gates)))[::-1])
    means = walk.known_means(one)
    assert means.loss == pytest.approx(exact.loss_mean, abs=1e-12)
    np.testing.assert_allclose(means.gradient.value, exact.gradient_mean.value, atol=1e-12)


def test_a_batch_keeps_its_means():
    """One more axis, as for the variances."""

    @qp.qnode(qp.device("default.qubit", wires=1))
    def circuit(x, w):
        qp.RX(x, 0)
        qp.RX(w, 0)
        return qp.expval(qp.Y(0))

    data = np.array([0.2, 0.9])
    batch = extract(circuit, (data, 0.1), {}, argnums=[1])
    law = AngleLaw.resolve(dla.Normal(0.01), batch[0].arguments)
    (row,) = forecasts(batch, law, Budget(progress=False))
    stacked = _stack([one.finite for one in row])
    np.testing.assert_allclose(stacked.gradient_mean.value, -np.exp(-0.5e-4) * np.cos(data)[None], atol=1e-12)
