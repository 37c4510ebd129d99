"""Channels: their transfer matrices, and extracted noisy circuits against default.mixed."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import Channel
from pennylane_dla.circuit.channels import pauli_basis, transfer_matrix
from pennylane_dla.circuit.extract import extract
from pennylane_dla.errors import DLAError
from tests.helpers import final_density, pauli_matrix

CHANNELS = {
    "BitFlip": lambda: qp.BitFlip(0.1, wires=1),
    "PhaseFlip": lambda: qp.PhaseFlip(0.2, wires=1),
    "DepolarizingChannel": lambda: qp.DepolarizingChannel(0.1, wires=1),
    "AmplitudeDamping": lambda: qp.AmplitudeDamping(0.3, wires=1),
    "GeneralizedAmplitudeDamping": lambda: qp.GeneralizedAmplitudeDamping(0.3, 0.4, wires=1),
    "PhaseDamping": lambda: qp.PhaseDamping(0.3, wires=1),
    "ResetError": lambda: qp.ResetError(0.1, 0.2, wires=1),
    "PauliError": lambda: qp.PauliError("XZ", 0.2, wires=[1, 0]),
    "ThermalRelaxationError": lambda: qp.ThermalRelaxationError(0.1, 1.2, 1.3, 0.4, wires=1),
    "QubitChannel": lambda: qp.QubitChannel(TWO_QUBIT_KRAUS, wires=[1, 0]),
}
_isometry = np.linalg.qr(np.random.default_rng(3).normal(size=(12, 4, 2)) @ [1, 1j])[0]
TWO_QUBIT_KRAUS = [_isometry[4 * r : 4 * r + 4] for r in range(3)]
PAULI_CHANNELS = ("BitFlip", "PhaseFlip", "DepolarizingChannel", "PauliError", "PhaseDamping")


def test_basis_order():
    basis = pauli_basis(2)
    for code in range(16):
        word = "IXZY"[code & 3] + "IXZY"[code >> 2]
        assert np.array_equal(basis[code], pauli_matrix(word))


def test_transfer_is_the_adjoint_channel():
    transfer, basis = transfer_matrix(TWO_QUBIT_KRAUS), pauli_basis(2)
    for j in range(16):
        image = sum(k.conj().T @ basis[j] @ k for k in TWO_QUBIT_KRAUS)
        assert np.abs(image - np.einsum("i,iab->ab", transfer[:, j], basis)).max() < 1e-12


@pytest.mark.parametrize("name", CHANNELS)
def test_noisy_circuit(name):
    @qp.qnode(qp.device("default.mixed", wires=2))
    def circuit(theta):
        qp.RX(theta[0], 0)
        qp.RY(theta[1], 1)
        qp.CNOT((0, 1))
        CHANNELS[name]()
        qp.RX(theta[2], 1)
        qp.CRY(theta[0], (1, 0))
        CHANNELS[name]()
        return qp.density_matrix([0, 1])

    theta = np.array([0.3, 1.1, -0.7])
    (ansatz,) = extract(circuit, (theta,))
    channels = [g for g in ansatz.gates if isinstance(g, Channel)]
    assert len(channels) == 2 and channels[0].diagonal == (name in PAULI_CHANNELS)
    assert np.abs(final_density(ansatz, theta) - circuit(theta)).max() < 1e-12


def test_channels_before_any_gate_fold_into_the_state():
    @qp.qnode(qp.device("default.mixed", wires=2))
    def circuit(theta):
        qp.RY(0.3, 0)
        qp.AmplitudeDamping(0.3, wires=0)
        qp.RX(0.7, 0)
        qp.BitFlip(0.2, wires=1)
        qp.RX(theta, 0)
        return qp.density_matrix([0, 1])

    (ansatz,) = extract(circuit, (0.4,))
    assert len(ansatz.gates) == 1
    assert np.allclose(ansatz.state.bloch[1], [0, 0, 0.6], atol=1e-15)
    assert np.abs(final_density(ansatz, [0.4]) - circuit(0.4)).max() < 1e-12


def noise_model(readout=False):
    maps = {}
    if readout:
        maps = {"meas_map": {qp.noise.meas_eq(qp.expval): qp.noise.partial_wires(qp.BitFlip, 0.2)}}
    return qp.NoiseModel(
        {
            qp.noise.op_eq(qp.RX): qp.noise.partial_wires(qp.AmplitudeDamping, 0.1),
            qp.noise.op_eq(qp.CNOT): qp.noise.partial_wires(qp.DepolarizingChannel, 0.05),
        },
        **maps,
    )


def noisy_circuit(theta):
    qp.RX(theta[0], 0)
    qp.RX(theta[1], 1)
    qp.CNOT((0, 1))
    qp.RY(theta[1], 0)
    return qp.expval(qp.Z(0) @ qp.Z(1))


def predicted(ansatz, theta):
    observable = ansatz.measurements[0].observable
    matrix = sum(c * pauli_matrix(w) for w, c in zip(observable.strings.labels(), observable.coefficients, strict=True))
    return float(np.trace(final_density(ansatz, theta) @ matrix).real)


@pytest.mark.parametrize("readout", [False, True])
def test_noise_models_on_the_qnode_and_on_the_device(readout):
    theta = np.array([0.4, 0.9])
    device = qp.device("default.mixed", wires=2)
    noisy = qp.noise.add_noise(qp.QNode(noisy_circuit, device), noise_model(readout))
    (ansatz,) = extract(noisy, (theta,))
    assert sum(isinstance(g, Channel) for g in ansatz.gates) == (6 if readout else 4)
    assert abs(predicted(ansatz, theta) - noisy(theta)) < 1e-12

    on_device = qp.QNode(noisy_circuit, qp.noise.add_noise(device, noise_model(readout)))
    assert not any(isinstance(g, Channel) for g in extract(on_device, (theta,))[0].gates)
    (ansatz,) = extract(on_device, (theta,), level="device")
    assert abs(predicted(ansatz, theta) - on_device(theta)) < 1e-12


@pytest.mark.parametrize(
    "observable", [qp.Z(0) @ qp.Z(1), qp.X(0) @ qp.Y(1), qp.X(1), qp.Projector([1, 0], wires=[0, 1])], ids=str
)
def test_readout_error_of_the_device(observable):
    """``readout_prob`` flips the outcomes: a bit flip behind the gates that diagonalize the observable."""

    def gates(theta):
        qp.RX(theta[0], 0)
        qp.RY(theta[1], 1)
        qp.IsingXY(theta[0], (0, 1))

    @qp.qnode(qp.device("default.mixed", wires=2, readout_prob=0.1))
    def circuit(theta):
        gates(theta)
        return qp.expval(observable)

    @qp.qnode(qp.device("default.mixed", wires=2))
    def flipped(theta):
        gates(theta)
        observable.diagonalizing_gates()  # queues them
        for wire in observable.wires:
            qp.BitFlip(0.1, wires=wire)
        return qp.probs(wires=observable.wires)

    theta = np.array([0.4, 0.9])
    (ansatz,) = extract(circuit, (theta,))
    measured = ansatz.measurements[0].observable
    measured = measured.expand() if hasattr(measured, "expand") else measured
    matrix = measured.constant * np.eye(4) + sum(
        c * pauli_matrix(w) for w, c in zip(measured.strings.labels(), measured.coefficients, strict=True)
    )
    expected = flipped(theta) @ observable.eigvals()
    if isinstance(observable, qp.Projector):  # PennyLane sorts its eigenvalues
        expected = flipped(theta)[0b10]
    assert abs(np.trace(final_density(ansatz, theta) @ matrix).real - expected) < 1e-12


def test_strengths_driven_by_a_trainable_argument():
    @qp.qnode(qp.device("default.mixed", wires=1))
    def circuit(theta):
        qp.RX(theta[0], 0)
        qp.BitFlip(theta[1], wires=0)
        return qp.expval(qp.Z(0))

    with pytest.raises(DLAError, match="BitFlip"):
        extract(circuit, (np.array([0.1, 0.2]),))
