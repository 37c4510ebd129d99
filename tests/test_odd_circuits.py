"""Odd circuits and odd calls: what a hostile but fair user tries. Right numbers, or a DLAError that says what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")
SAMPLES = 3000


def inspect(function, *args, **options):
    """Diagnosis of a quantum function on default.qubit."""
    return dla.inspect(qp.QNode(function, DEVICE), **options)(*args)


def sampled(function, periods, seed=3):
    """Losses and gradients at uniform draws over the periods."""
    circuit = qp.QNode(function, DEVICE, interface="jax")
    draws = np.random.default_rng(seed).uniform(size=(SAMPLES, len(periods))) * np.nan_to_num(periods, nan=1.0)
    return [np.asarray(a, float) for a in jax.vmap(jax.value_and_grad(circuit))(jnp.asarray(draws))]


def within_five_errors(samples, predicted):
    """Sample variance against a prediction, in standard errors of the sample variance."""
    centred = samples - samples.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    error = np.sqrt(((centred**4).mean(axis=0) - variance**2) / len(samples))
    np.testing.assert_array_less(np.abs(variance - predicted), 5 * error + 1e-10)


def _layers(w, measured):
    qp.StronglyEntanglingLayers(w, wires=range(3))
    return measured()


@pytest.mark.parametrize("gates", [(), (qp.GlobalPhase,)], ids=["none", "global phase"])
def test_arguments_that_drive_no_gate_have_no_gradient(gates):
    def circuit(w):
        for gate in gates:
            gate(w[0])
        qp.RX(0.3, 0)
        return qp.expval(qp.Z(0))

    diag = inspect(circuit, np.zeros(2))
    assert diag.algebra.dim == 0 and diag.algebra.complete
    assert diag.verdict == "no gradient"
    assert diag.loss.variance.value == 0 and diag.loss.mean == pytest.approx(np.cos(0.3))
    assert "dim 0 (no gate is trainable)" in str(diag)


def test_data_that_switch_every_gate_off():
    def circuit(w, x):
        qp.RX(w * x, 0)
        return qp.expval(qp.Z(0))

    assert inspect(circuit, 0.1, 0.0).verdict == "no gradient"
    assert inspect(circuit, 0.1, 2.0).gradient.variance == pytest.approx(2.0)


def test_a_batch_of_parameters_needs_the_shots_of_one():
    def circuit(w):
        qp.RX(w[0], 0)
        qp.RY(w[1], 0)
        return qp.expval(qp.Z(0))

    one, batch = inspect(circuit, np.zeros(2)), inspect(circuit, np.zeros((2, 3)))
    np.testing.assert_allclose(batch.loss.variance.value, 3 * [one.loss.variance.value])
    assert batch.gradient.variance.shape == (2, 3, 3)
    assert batch.shots_needed == pytest.approx(one.shots_needed)
    assert batch.verdict == "trainable" and "over the batch of 3" in str(batch)


def test_a_batch_of_data_uses_the_frequency_of_each():
    def circuit(w, x):
        qp.RX(w * x, 0)
        return qp.expval(qp.Z(0))

    diag = inspect(circuit, 0.1, np.array([1.0, 3.0]))
    np.testing.assert_allclose(diag.gradient.variance, [0.5, 4.5])
    single = [inspect(circuit, 0.1, x).shots_needed for x in (1.0, 3.0)]
    assert diag.shots_needed == pytest.approx(np.mean(single))
    assert any("first element of the batch" in note for note in diag.notes)


def test_a_circuit_with_variances_only_has_an_unknown_verdict():
    diag = inspect(lambda w: _layers(w, lambda: qp.var(qp.X(0))), np.zeros((2, 3, 3)))
    assert diag.loss.variance.available
    assert diag.verdict == "unknown" and "shots" in diag.verdict.criterion
