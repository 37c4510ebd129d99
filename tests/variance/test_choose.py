"""Which engine is chosen, and what is refused before any is asked."""

import re

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.variance.engines import names


def shallow(w):
    for wire in range(3):
        qp.RX(w[wire], wire)
    return qp.expval(qp.Z(0))


def shared(w):
    for wire in range(3):
        qp.RX(w[0], wire)
    qp.IsingZZ(w[1], (0, 1))
    return qp.expval(qp.Z(0) @ qp.Y(1))


def returning(w):
    qp.RX(w[0], 0)
    qp.RY(w[1], 0)
    qp.RX(w[0], 0)
    return qp.expval(qp.Z(0))


def wide(w):
    for layer in range(4):
        for wire in range(14):
            qp.RX(w[layer, wire, 0], wire)
            qp.RY(w[layer, wire, 1], wire)
        for wire in range(13):
            qp.CNOT((wire, wire + 1))
    return qp.expval(qp.prod(*[qp.Z(i) for i in range(14)]))


@pytest.mark.parametrize(
    "function, shape, method",
    [(shallow, 3, "exact"), (shared, 2, "sector"), (returning, 2, "simulated"), (wide, (4, 14, 2), "paths")],
)
def test_the_engine_that_fits(function, shape, method):
    circuit = qp.QNode(function, qp.device("default.qubit"))
    diag = dla.inspect(circuit, max_dim=2**14, samples=2000, progress=False)(np.zeros(shape))
    assert diag.loss.variance.method == method, diag.loss.variance.reason


@pytest.mark.parametrize("method", ["exact", "module", "paths", "sector", "simulated"])
def test_every_engine_can_be_forced_and_they_agree(method):
    circuit = qp.QNode(shallow, qp.device("default.qubit"))
    diag = dla.inspect(circuit, method=method, rtol=0.02, progress=False)(np.zeros(3))
    assert diag.loss.variance.method == method
    assert abs(diag.loss.variance.value - 0.5) <= 5 * diag.loss.variance.stderr + 1e-12
    assert abs(diag.gradient.variance[0] - 0.5) <= 5 * diag.gradient.stderr[0] + 1e-12


@pytest.mark.parametrize("function", [np.sin, np.square], ids=["sin", "square"])
def test_angles_whose_law_is_not_known_are_refused(function):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.RX(function(w[0]), 0)
        qp.RY(w[1], 0)
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit)(np.array([0.3, 0.4]))
    assert diag.gradient.variance is None and "not affine in w[0]" in diag.loss.variance.reason
    assert diag.limit.loss.variance.available and diag.algebra.name == "su(2)"


def excitations(w):
    n = w.shape[1]
    for wire in range(n):
        qp.RY(w[0, wire], wire)
    for wire in range(n - 1):
        qp.SingleExcitation(w[1, wire], (wire, wire + 1))
    return qp.expval(qp.Z(0) @ qp.Z(n - 1))


def test_large_sums_come_back_with_the_reason():
    """The module of this observable has no end in sight; neither it nor the closure may hang."""
    circuit = qp.QNode(excitations, qp.device("default.qubit"))
    diag = dla.inspect(circuit, max_seconds=1.0, progress=False)(np.zeros((2, 30)))
    assert not diag.algebra.complete and diag.verdict == "unknown"
    assert re.search("stopped|more than is left of max_seconds=1", diag.loss.variance.reason)


def test_what_sampling_never_saw_is_not_called_dead():
    def circuit(w):
        for layer in w:
            for wire in range(30):
                qp.RX(layer[wire], wire)
                qp.T(wire)
                qp.RY(0.3, wire)
            for wire in range(29):
                qp.CNOT((wire, wire + 1))
        return qp.expval(qp.Z(15))

    qnode = qp.QNode(circuit, qp.device("default.qubit"))
    diag = dla.inspect(qnode, method="paths", samples=2000, progress=False)(np.zeros((5, 30)))
    assert len(diag.gradient.dead) < 150 and diag.verdict == "unknown"


def test_a_law_that_is_nearly_a_point_is_not_called_constant():
    circuit = qp.QNode(returning_once, qp.device("default.qubit"))
    estimate = dla.inspect(circuit, angles=dla.Normal(1e-5))(np.zeros(2)).loss.variance
    assert not estimate.exact and estimate.interval[1] > 0


def returning_once(w):
    qp.RX(w[0], 0)
    qp.RY(w[1], 0)
    return qp.expval(qp.Z(0))


def test_noise_inside_a_layer_of_shared_angles_is_exact():
    """Noise keeps the gates of one argument from being one rotation; they still are one angle."""

    @qp.qnode(qp.device("default.mixed", wires=4))
    def circuit(params):
        for wire in range(4):
            qp.Hadamard(wire)
        for wire in range(4):
            qp.IsingZZ(params[0], [wire, (wire + 1) % 4])
            qp.PhaseFlip(0.01, wire)
        for wire in range(4):
            qp.RX(params[1], wire)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    estimate = dla.inspect(circuit, progress=False)(np.zeros(2)).loss.variance
    assert estimate.exact and estimate.method == "module"


KINDS = {
    "var": (lambda w: (qp.RX(w, 0), qp.var(qp.Z(0)))[-1], ("sector", "simulated")),
    "expval": (lambda w: (qp.RX(w, 0), qp.expval(qp.Z(0)))[-1], names()),
    "probs": (lambda w: (qp.RX(w, 0), qp.probs(wires=0))[-1], names()),
}
VARIANCES = {"var": 1 / 8, "expval": 1 / 2, "probs": 1 / 8}  # of sin²w, cos w, (1 ± cos w)/2


@pytest.mark.parametrize("method", names())
@pytest.mark.parametrize("kind", KINDS)
def test_a_forced_method_answers_the_question_or_declines(kind, method):
    function, able = KINDS[kind]
    circuit = qp.QNode(function, qp.device("default.qubit"))
    diag = dla.inspect(circuit, method=method, progress=False)(0.1)
    for measurement in diag.measurements:
        loss = measurement.loss.variance
        if method in able:
            error = 1e-9 if loss.exact else 4 * loss.stderr + 1e-9
            assert loss.value == pytest.approx(VARIANCES[kind], abs=error)
        else:
            assert not loss.available and "linear" in loss.reason
