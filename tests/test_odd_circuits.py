"""Odd circuits and odd calls: what a hostile but fair user tries. Right numbers, or a DLAError that says what to do."""

import copy
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest
import scipy.sparse

import pennylane_dla as dla
from pennylane_dla.circuit.extract import extract
from pennylane_dla.diagnosis.signal import find_signal
from pennylane_dla.diagnosis.verdict import verdict
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.estimate import Prediction, VarianceEstimate

from .variance.oracle import loss

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
    assert batch.shots_needed == pytest.approx(one.shots_needed, rel=0.4)  # medians over random initializations
    assert batch.verdict == "resolved" and "over the batch of 3" in str(batch)


def test_a_batch_of_data_uses_the_frequency_of_each():
    def circuit(w, x):
        qp.RX(w * x, 0)
        return qp.expval(qp.Z(0))

    diag = inspect(circuit, 0.1, np.array([1.0, 3.0]))
    np.testing.assert_allclose(diag.gradient.variance, [0.5, 4.5])
    single = [inspect(circuit, 0.1, x).shots_needed for x in (1.0, 3.0)]
    assert diag.shots_needed == pytest.approx(np.mean(single), rel=0.4)
    assert any("first element of the batch" in note for note in diag.notes)


def test_a_circuit_with_variances_only_has_an_unknown_verdict():
    diag = inspect(lambda w: _layers(w, lambda: qp.var(qp.X(0))), np.zeros((2, 3, 3)))
    assert diag.loss.variance.available
    assert diag.verdict == "unknown" and "shots" in diag.verdict.criterion


# -- What is no unitary circuit of one structure is refused ------------------------------------------------


NOT_UNITARY = {
    "Projector": lambda: qp.Projector([0], 0),
    "SProd": lambda: qp.s_prod(0.5, qp.X(0)),
    "Sum": lambda: qp.sum(qp.X(0), qp.Z(0)),
    "LinearCombination": lambda: qp.Hamiltonian([1.0, 2.0], [qp.X(0), qp.Z(1)]),
    "QubitUnitary": lambda: qp.QubitUnitary(np.diag([1.0, 2.0]), 0),
    "DiagonalQubitUnitary": lambda: qp.DiagonalQubitUnitary(np.array([1.0, 2.0]), 0),
    "ControlledQubitUnitary": lambda: qp.ctrl(qp.QubitUnitary(np.diag([1.0, 2.0]), 0), 1),
    "Adjoint(QubitUnitary)": lambda: qp.adjoint(qp.QubitUnitary(np.diag([1.0, 2.0]), 0)),
}


@pytest.mark.parametrize("name", NOT_UNITARY)
def test_an_operation_that_is_not_unitary_is_refused(name):
    def circuit(w):
        qp.RX(w, 0)
        NOT_UNITARY[name]()
        return qp.expval(qp.Z(0))

    with pytest.raises(dla.DLAError, match=r"(?i)unitary") as error:
        inspect(circuit, 0.1)
    assert name in str(error.value)


def test_sums_of_operators_that_are_unitary_are_gates():
    def circuit(w):
        qp.RX(w[0], 0)
        qp.dot([0.6, 0.8], [qp.X(0), qp.Z(0)])
        qp.RX(w[1], 0)
        return qp.expval(qp.Z(0))

    diag = inspect(circuit, np.zeros(2))
    losses, gradients = sampled(circuit, diag.arguments.periods)
    within_five_errors(losses, diag.loss.variance.value)
    within_five_errors(gradients, diag.gradient.variance)


def test_postselection_is_refused():
    @qp.defer_measurements
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.RX(w, 0)
        qp.measure(0, postselect=1)
        qp.RX(w, 0)
        return qp.expval(qp.Z(0))

    with pytest.raises(dla.DLAError, match="postselection"):
        dla.inspect(circuit)(0.1)


OBSERVABLE_BY_VALUE = {
    "type": lambda w: qp.Z(0) if w[0] > 0 else qp.Hermitian(np.eye(2), 0),
    "word": lambda w: qp.Z(0) if w[0] > 0 else qp.X(0),
    "sum": lambda w: qp.Z(0) + (qp.Z(1) if w[0] > 0 else qp.X(1)),
}


@pytest.mark.parametrize("name", OBSERVABLE_BY_VALUE)
def test_an_observable_that_depends_on_the_arguments_is_refused(name):
    def circuit(w):
        qp.RX(w[0], 0)
        qp.RY(w[1], 1)
        return qp.expval(OBSERVABLE_BY_VALUE[name](w))

    with pytest.raises(dla.DLAError, match="observables of the circuit depend on the values"):
        inspect(circuit, np.zeros(2))


@pytest.mark.parametrize("driven", [True, False])
def test_a_random_circuit_is_refused(driven):
    rng = np.random.default_rng(1)

    def circuit(w):
        qp.RX(w[0] * rng.uniform() if driven else w[0], 0)
        qp.RY(rng.uniform(), 0)
        return qp.expval(qp.Z(0))

    with pytest.raises(dla.DLAError, match="random"):
        inspect(circuit, np.zeros(2))


# -- Observables --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "measured, reason",
    [
        (lambda: qp.expval(qp.NumberOperator(0)), "no matrix"),
        (lambda: qp.expval(qp.GellMann(0, 3)), "no observable of qubits"),
        (lambda: qp.expval(1e200 * qp.Z(0)), "rescale"),
        (lambda: qp.expval(1e-200 * qp.Z(0)), "rescale"),
        (lambda: qp.expval(qp.pauli.PauliWord({0: "Z"})), "operation"),
        (lambda: qp.expval(qp.SparseHamiltonian(scipy.sparse.eye(2**16).tocsr(), wires=range(16))), "16 wires"),
    ],
    ids=["mode", "qutrit", "huge", "tiny", "word", "sparse"],
)
def test_an_observable_that_cannot_be_read_says_why(measured, reason):
    diag = inspect(lambda w: _layers(w, measured), np.zeros((2, 3, 3)))
    assert diag.verdict == "unknown" and reason in diag.loss.variance.reason
    assert diag.algebra.dim == 63


def test_a_sparse_hamiltonian_of_few_wires_is_one():
    dense = qp.Z(0) @ qp.X(2)
    sparse = scipy.sparse.csr_matrix(qp.matrix(dense, wire_order=[0, 1, 2]))
    both = [
        inspect(lambda w, o=o: _layers(w, lambda: qp.expval(o)), np.zeros((2, 3, 3))).gradient.variance
        for o in (dense, qp.SparseHamiltonian(sparse, wires=range(3)))
    ]
    np.testing.assert_allclose(*both, atol=1e-12)


def test_large_coefficients_stay_readable():
    report = str(inspect(lambda w: _layers(w, lambda: qp.expval(1e70 * qp.Z(0))), np.zeros((2, 3, 3))))
    assert max(map(len, report.splitlines())) <= 100


def test_arguments_by_keyword_are_explained():
    with pytest.raises(dla.DLAError, match="by position"):
        dla.inspect(qp.QNode(lambda w: _layers(w, qp.probs), DEVICE))(w=np.zeros((2, 3, 3)))


# -- Options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        {"max_dim": 0},
        {"max_dim": "many"},
        {"max_dim": 2.5},
        {"max_memory": -1},
        {"samples": 0},
        {"samples": 1},
        {"rtol": 0},
        {"rtol": float("nan")},
        {"seed": -1},
        {"seed": None},
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_refused_before_any_work(option):
    (name,) = option
    with pytest.raises(dla.DLAError, match=f"^{name}="):
        dla.inspect(qp.QNode(lambda w: _layers(w, qp.probs), DEVICE), **option)


def test_laws_take_numbers_of_any_library():
    assert dla.Normal(jnp.array(0.5)) == dla.Normal(0.5) == dla.Normal(np.float32(0.5), np.array(0))
    assert dla.Uniform(np.array(0.0), jnp.array(1)) == dla.Uniform(0, 1)
    for wrong in ("0.1", np.array([0.1, 0.2]), 1j, None):
        with pytest.raises(dla.DLAError):
            dla.Normal(wrong)


def test_the_outlook_says_when_deeper_circuits_move_more():
    circuit = qp.QNode(lambda w: _layers(w, lambda: qp.expval(qp.Z(0))), DEVICE)
    diag = dla.inspect(circuit, angles=dla.Normal(0.1))(np.zeros((2, 3, 3)))
    assert "rise to a loss variance of 0.11" in diag.verdict.outlook


def test_a_gradient_that_no_sample_saw_is_unknown_not_absent():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.RX(w, 0)
        return qp.expval(qp.Z(0))

    (measurement,) = dla.inspect(circuit)(0.1).measurements
    weights = np.ones((1, 1))
    for interval, label in ((None, "no gradient"), ((np.zeros(1), np.ones(1)), "unknown")):
        estimate = VarianceEstimate(np.zeros(1), np.zeros(1), "paths", interval is None, interval)
        signal = find_signal(PauliSum.from_dict({"Z": 1.0}), Prediction(estimate, estimate), weights, 0.5, 1000)
        gradient = replace(measurement.gradient, estimate=estimate, moment_estimate=estimate)
        assert verdict([replace(measurement, gradient=gradient, signal=signal)], 1000) == label


PRODUCTS = {
    "one wire": lambda w: qp.ctrl(qp.RY(w[1], 1) @ qp.GlobalPhase(0.7, 1), 0),
    "order": lambda w: qp.ctrl(qp.RY(w[1], 1) @ qp.RX(w[2], 1) @ qp.S(1), 0),
    "two wires": lambda w: qp.ctrl(qp.RX(w[1], 2) @ qp.RZ(0.4, 1) @ qp.RY(w[2], 1), 0),
    "adjoint": lambda w: qp.adjoint(qp.prod(qp.CRX(w[1], (1, 0)), qp.RY(w[2], 1), qp.T(0))),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_inside_control_and_adjoint(name):
    def circuit(w):
        for wire in range(3):
            qp.RY(0.4 + wire, wire)
        qp.RX(w[0], 0)
        PRODUCTS[name](w)
        return qp.expval(qp.Z(1) @ qp.X(0) + qp.Z(2))

    (ansatz,) = extract(qp.QNode(circuit, DEVICE), (np.zeros(3),))
    for elements in np.random.default_rng(2).uniform(-3, 3, (3, 3)):
        expected = qp.QNode(circuit, DEVICE)(elements)
        observable = ansatz.measurements[0].observable
        assert loss(ansatz, observable, elements) == pytest.approx(expected, abs=1e-9)


def test_a_diagnosis_made_under_jit_keeps_no_tracer():
    @dla.diagnose
    @qp.qnode(DEVICE, interface="jax")
    def circuit(w):
        qp.RX(w[0], 0)
        return qp.expval(qp.Z(0))

    jax.jit(jax.vmap(jax.grad(circuit)))(jnp.ones((2, 1)))
    copied = copy.deepcopy(circuit)  # copies the numbers of the diagnosis too
    np.testing.assert_allclose(copied(jnp.array([0.3])), np.cos(0.3), atol=1e-6)
