"""Measurements: every kind against its matrix in PennyLane, or with a reason."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import extract
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from tests.helpers import pauli_matrix

WIRES = ("a", 7, "c")


def measured(*measurements, device=None):
    @qp.qnode(device or qp.device("default.qubit"))
    def circuit(theta):
        qp.RX(theta, WIRES[0])
        qp.CNOT(WIRES[:2])
        qp.CNOT(WIRES[1:])
        queued = [qp.apply(m) for m in measurements]
        return queued if len(queued) > 1 else queued[0]

    (ansatz,) = extract(circuit, (0.3,))
    return ansatz


def matrix_of(observable):
    if isinstance(observable, ProjectorProduct):
        observable = observable.expand()
    result = observable.constant * np.eye(2**observable.num_wires)
    for word, c in zip(observable.strings.labels(), observable.coefficients, strict=True):
        result = result + c * pauli_matrix(word)
    return result


a, b, c = WIRES
HERMITIAN = np.array([[1, 2 - 1j], [2 + 1j, -0.5]])
OBSERVABLES = {
    "word": qp.X(a) @ qp.Y(c),
    "order": qp.Z(c) @ qp.X(a),
    "sum": 0.5 * qp.X(a) @ qp.Y(b) - 2 * qp.Z(c) + 0.25 * qp.I(a),
    "repeated": qp.X(a) + qp.X(a) + qp.Z(b),
    "product": (qp.X(a) + qp.Z(a)) @ (qp.Y(b) - qp.Z(c)),
    "Hamiltonian": qp.Hamiltonian([0.1, -0.2], [qp.X(a), qp.Z(b) @ qp.Z(c)]),
    "scaled": 3 * qp.Y(b),
    "Hermitian": qp.Hermitian(HERMITIAN, wires=b),
    "Hermitian on two": qp.Hermitian(np.kron(HERMITIAN, np.diag([1, 2])), wires=[c, a]),
    "Hadamard": qp.Hadamard(b),
    "Projector": qp.Projector([1, 0], wires=[c, a]),
    "vector projector": qp.Projector(np.array([1, 1j, 0, 1]) / np.sqrt(3), wires=[c, a]),
    "sum with Hermitian": qp.Z(a) + 2 * qp.Hermitian(HERMITIAN, wires=c),
    "cancelling": qp.Z(a) - qp.Z(a),
}


@pytest.mark.parametrize("kind", ["expval", "var"])
@pytest.mark.parametrize("name", OBSERVABLES)
def test_observables(name, kind):
    (measurement,) = measured(getattr(qp, kind)(OBSERVABLES[name])).measurements
    assert measurement.kind == kind and measurement.reason is None
    expected = qp.matrix(OBSERVABLES[name], wire_order=WIRES)
    assert np.abs(matrix_of(measurement.observable) - expected).max() < 1e-12
    if name == "Projector":
        assert isinstance(measurement.observable, ProjectorProduct)


def test_wide_projector_stays_a_product():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        qp.BasicEntanglerLayers(theta, wires=range(60))
        return qp.expval(qp.Projector([0, 1] * 30, wires=range(60)))

    (measurement,) = extract(circuit, (np.ones((1, 60)),))[0].measurements
    assert measurement.observable == ProjectorProduct(tuple(range(60)), (1, -1) * 30, 60)


def test_probabilities_are_projectors():
    measurements = measured(qp.probs(wires=[c, a]), qp.expval(qp.Z(b))).measurements
    assert [m.kind for m in measurements] == ["probs"] * 4 + ["expval"]
    for bits, m in zip(np.ndindex(2, 2), measurements, strict=False):
        expected = qp.matrix(qp.Projector(bits, wires=[c, a]), wire_order=WIRES)
        assert np.abs(matrix_of(m.observable) - expected).max() < 1e-15
    assert isinstance(measurements[-1].observable, PauliSum)


def test_probabilities_are_capped():
    @qp.qnode(qp.device("default.qubit", wires=11))
    def circuit(theta):
        qp.BasicEntanglerLayers(theta, wires=range(11))
        return qp.probs()

    measurements = extract(circuit, (np.ones((1, 11)),))[0].measurements
    assert len(measurements) == 1025 and measurements[-1].observable is None
    assert "1024 of 2^11" in measurements[-1].reason


@pytest.mark.parametrize(
    "measurement",
    [
        qp.state(),
        qp.sample(qp.Z(a)),
        qp.counts(wires=[a]),
        qp.vn_entropy(wires=[a]),
        qp.purity(wires=[a]),
        qp.mutual_info(wires0=[a], wires1=[b]),
        qp.classical_shadow(wires=[a]),
        qp.probs(op=qp.X(a)),
        qp.expval(qp.sum(qp.X(a), 1j * qp.Z(a))),
        qp.expval(qp.Z(a) @ qp.X(b) * 1j),
    ],
    ids=lambda m: repr(m)[:40],
)
def test_the_rest_has_a_reason(measurement):
    first, second = measured(measurement, qp.expval(qp.Z(b))).measurements
    assert first.observable is None and first.reason
    assert second.observable is not None


def test_measured_wires_without_gates():
    ansatz = measured(qp.expval(qp.Z("else")))
    assert "else" in ansatz.wires and ansatz.num_wires == 4


def test_device_order_and_untouched_wires():
    device = qp.device("default.qubit", wires=["c", "unused", 7, "a"])
    ansatz = measured(qp.expval(qp.Z("a")), device=device)
    assert ansatz.wires == ("c", 7, "a")
    assert ansatz.measurements[0].observable.strings.labels() == ["IIZ"]


def test_set_shots_changes_nothing():
    @qp.set_shots(100)
    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        qp.RX(theta, 0)
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(circuit, (0.3,))
    assert len(ansatz.gates) == 1
