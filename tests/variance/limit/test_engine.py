"""The deep limit of whole circuits: known gates around the trainable ones, wide projectors, the chain rule."""

from fractions import Fraction

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.algebra.dynamical import dynamical_lie_algebra
from pennylane_dla.allowance import OutOfTime
from pennylane_dla.circuit.extract import extract
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.limit import engine
from pennylane_dla.variance.limit.engine import deep_limit
from pennylane_dla.variance.problem import Problem

DEVICE = qp.device("default.qubit")


def deep(w):
    for layer in w:
        for wire in range(2):
            qp.RX(layer[wire, 0], wire)
            qp.RY(layer[wire, 1], wire)
        qp.CNOT((0, 1))


def test_known_gates_before_and_after_agree_with_a_deep_circuit():
    """Free fermions, so the limit depends on the state that the known gates prepare."""

    def circuit(w):
        qp.IsingXX(0.7, (0, 1))
        qp.RZ(0.4, 1)
        qp.IsingYY(0.2, (0, 1))
        for layer in w:
            qp.IsingXX(layer[0], (0, 1))
            qp.RZ(layer[1], 0)
            qp.RZ(layer[2], 1)
        qp.RY(0.3, 0)
        return qp.expval(qp.Z(0) + 0.5 * qp.X(1))

    diag = dla.inspect(qp.QNode(circuit, DEVICE))(np.zeros((20, 3)))
    limit = diag.limit.loss.variance
    assert limit.available and diag.loss.variance.exact
    np.testing.assert_allclose(float(limit.value), diag.loss.variance.value, rtol=1e-6)
    middle = np.asarray(diag.limit.gradient.variance, float)[10]
    np.testing.assert_allclose(middle, diag.gradient.variance[10], rtol=1e-5)


def test_chain_rule_in_fractions():
    def circuit(w):
        deep(np.zeros((0, 2, 2)))
        for layer in range(3):
            for wire in range(2):
                qp.RX(3 * w[layer, wire, 0], wire)
                qp.RY(w[layer, wire, 1], wire)
            qp.CNOT((0, 1))
        return qp.expval(qp.Z(0))

    diag = dla.inspect(qp.QNode(circuit, DEVICE))(np.zeros((3, 2, 2)))
    assert diag.limit.loss.variance.value == Fraction(1, 5)
    gradient = diag.limit.gradient.variance
    assert gradient[1, 0, 0] == 9 * gradient[1, 0, 1] == 9 * Fraction(1, 5) * Fraction(8, 15)


@pytest.mark.parametrize("n", [8, 30])
def test_wide_projectors(n):
    @qp.qnode(DEVICE)
    def circuit(w):
        for layer in range(2):
            for wire in range(n):
                qp.RX(w[layer, wire, 0], wire)
                qp.RY(w[layer, wire, 1], wire)
            for wire in range(n - 1):
                qp.IsingZZ(w[layer, wire, 2], (wire, wire + 1))
        return qp.expval(qp.Projector([0] * n, wires=range(n)))

    diag = dla.inspect(circuit, samples=1000, progress=False)(np.zeros((2, n, 3)))
    assert diag.limit.loss.variance.value == Fraction(2**n - 1, 4**n * (2**n + 1))


def test_sums_that_generate_everything_need_no_projection():
    """The shortcut for su(2^n) against the projection on the commutant."""

    def circuit(w):
        for layer in w:
            qp.RX(layer[0], 0)
            qp.evolve(0.5 * qp.Z(0) @ qp.Z(1) + 0.3 * qp.Y(1), layer[1])
            qp.RX(layer[2], 1)
            qp.RY(layer[3], 0)
        return qp.expval(qp.Z(0) + 0.5 * qp.X(1) @ qp.Y(0))

    (ansatz,) = extract(qp.QNode(circuit, DEVICE), (np.zeros((2, 4)),))
    problem = Problem(ansatz, ansatz.measurements[0].observable, AngleLaw.resolve(None, ansatz.arguments))
    algebra = dynamical_lie_algebra(problem.effective, 2**20)
    assert algebra.dim == 15
    shortcut, projected = deep_limit(problem, algebra), deep_limit(problem)
    np.testing.assert_allclose(float(shortcut.loss.value), projected.loss.value, rtol=1e-9)
    np.testing.assert_allclose(np.asarray(shortcut.gradient.value, float), projected.gradient.value, rtol=1e-8)


@pytest.mark.parametrize(
    "after, observable, mean",
    [
        (lambda w: (qp.RX(0.3, 0), qp.RY(w, 0)), qp.Projector([1], wires=[0]), 0.5),
        (lambda w: (qp.T(0), qp.S(0), qp.Hadamard(0)), 2 * qp.X(0) + qp.Z(0) + qp.I(0), 1.0),
        (lambda w: (qp.RX(0.3, 0), qp.RX(0.5, 0)), qp.Z(0) + 0.25 * qp.I(0), 0.25),
    ],
)
def test_known_gates_after_trainable_ones_keep_the_constant(after, observable, mean):
    def circuit(v, w):
        (qp.RZ if observable.name == "Projector" else qp.RY)(v, 0)
        after(w)
        return qp.expval(observable)

    ansatz = extract(qp.QNode(circuit, DEVICE), (0.1, 0.2), {}, argnums=[0, 1])[0]
    law = AngleLaw.resolve(None, ansatz.arguments)
    found = deep_limit(Problem(ansatz, ansatz.measurements[0].observable, law))
    assert found.loss_mean == pytest.approx(mean, abs=1e-9)


def test_where_the_time_ends_there_is_a_limit_without_a_value(monkeypatch):
    """Generators that are sums, whose module took too long: a circuit is diagnosed all the same."""

    def stopped(*_):
        raise OutOfTime("stopped after max_seconds=1")

    monkeypatch.setattr(engine, "_of_sums", stopped)

    def circuit(w):
        qp.evolve(0.5 * qp.Z(0) @ qp.Z(1) + 0.3 * qp.Y(1), w[0])
        qp.RX(w[1], 0)
        return qp.expval(qp.Z(0))

    diag = dla.inspect(qp.QNode(circuit, DEVICE))(np.zeros(2))
    assert diag.limit.loss.variance.reason == "stopped after max_seconds=1" and not diag.limit.modules
