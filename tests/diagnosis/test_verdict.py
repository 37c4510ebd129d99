"""Shots and verdicts: the formula against finite-shot gradients, and what a verdict says."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.diagnosis.shots import shift_weights, shot_variance
from pennylane_dla.variance.estimate import Prediction

SHOTS = 50


def test_noise_of_the_parameter_shift_rule():
    """``w σ²/2N``, averaged over the law of the angles: five standard errors of the sample variance."""
    device = qp.device("default.qubit", seed=4)

    @qp.qnode(device)
    def exact(w):
        qp.RX(w[0], 0)
        qp.CNOT((0, 1))
        qp.RY(2 * w[1], 1)
        return qp.expval(qp.Z(1))

    diag = dla.inspect(exact)(np.zeros(2))
    sampled = qp.set_shots(exact.update(diff_method="parameter-shift"), SHOTS)
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(400):
        weights = qp.numpy.array(rng.uniform(0, 2 * np.pi, 2))
        errors.append(qp.grad(sampled)(weights) - qp.grad(exact)(weights))
    noise = np.var(errors, axis=0) * SHOTS
    (measurement,) = diag.ansatz.measurements
    single = shot_variance(measurement.observable, Prediction(diag.loss.variance, diag.loss.variance, diag.loss.mean))
    expected = shift_weights(diag.ansatz) * single / 2
    assert np.all(np.abs(noise - expected) < 5 * np.sqrt(2 / len(errors)) * expected)


@pytest.mark.parametrize("shots, label", [(2, "needs more shots"), (10**6, "resolved")])
def test_verdict_depends_on_the_shots(shots, label):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.StronglyEntanglingLayers(w, wires=range(4))
        return qp.expval(qp.Z(0))

    verdict = dla.inspect(circuit, shots=shots)(np.zeros((3, 4, 3))).verdict
    assert verdict == label and "shots" in verdict.criterion


def test_no_gradient_at_all():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.RZ(w, 0)
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit)(0.3)
    assert diag.verdict == "no gradient" and diag.gradient.dead == (0,)
    assert diag.gradient.variance == 0
    with pytest.raises(dla.TrainabilityError, match="no gradient") as caught:
        dla.check(circuit)(0.3)
    assert not isinstance(caught.value, dla.BarrenPlateauError)


def test_noise_is_named_as_a_cause():
    @qp.qnode(qp.device("default.mixed", wires=3))
    def circuit(w):
        for layer in range(len(w)):
            for wire in range(3):
                qp.RY(w[layer, wire], wire)
                qp.DepolarizingChannel(0.3, wire)
            qp.CNOT((0, 1))
            qp.CNOT((1, 2))
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit)(np.zeros((4, 3)))
    assert "noise" in [cause.name for cause in diag.causes]
    assert diag.loss.variance.exact
    assert diag.limit.without_noise and "without the noise" in str(diag)
    assert "noise" in diag.verdict.outlook  # the limit says nothing about deeper circuits with noise


def test_exponential_algebra_is_named_as_a_cause():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.StronglyEntanglingLayers(w, wires=range(5))
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit)(np.zeros((3, 5, 3)))
    assert diag.causes[0].name == "expressiveness" and diag.causes[0].factor == pytest.approx(1 / 1023)
    assert diag.expressivity == 1
