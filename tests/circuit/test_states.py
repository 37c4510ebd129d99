"""Initial states: preparations and what is folded into them, against PennyLane's state."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import ProductState, UnknownState, VectorState
from pennylane_dla.circuit.extract import extract
from tests.helpers import final_density

RNG = np.random.default_rng(5)


def normalized(*shape):
    vector = RNG.normal(size=(*shape, 2)) @ [1, 1j]
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def prepared(prepare, num_wires=4, mixed=False):
    """The ansatz of a circuit that begins with ``prepare``; its state checked against PennyLane's."""

    device = "default.mixed" if mixed else "default.qubit"

    @qp.qnode(qp.device(device, wires=num_wires))
    def circuit(theta):
        prepare()
        qp.RX(theta[0], 0)
        qp.CNOT((0, 1))
        qp.RY(theta[1], num_wires - 1)
        return qp.density_matrix(range(num_wires))

    theta = np.array([0.4, -1.3])
    (ansatz,) = extract(circuit, (theta,))
    if not isinstance(ansatz.state, UnknownState):
        assert np.abs(final_density(ansatz, theta) - circuit(theta)).max() < 1e-12
    return ansatz


VECTOR = normalized(4)
PRODUCT = np.kron(np.kron([1, 1], [1, 1j]), [0, 1]) / 2
PLUS_MIXED = np.kron([[0.7, 0.1], [0.1, 0.3]], [[0.5, 0.0], [0.0, 0.5]])
ENTANGLED_MIXED = (np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2 + np.eye(4) / 4) / 2


@pytest.mark.parametrize(
    "prepare, kind",
    [
        (lambda: None, ProductState),
        (lambda: qp.BasisState([1, 0, 1], wires=[3, 1, 0]), ProductState),
        (lambda: qp.BasisEmbedding(6, wires=range(3)), ProductState),
        (lambda: [qp.H(q) for q in range(4)], ProductState),
        (lambda: [qp.Rot(0.1, 0.2, 0.3, q) for q in range(4)], ProductState),
        (lambda: qp.AngleEmbedding([0.1, 0.2, 0.3], wires=range(3)), ProductState),
        (lambda: (qp.BasisState([1, 1], wires=[0, 1]), qp.H(0), qp.T(0), qp.X(2)), ProductState),
        (lambda: qp.StatePrep(PRODUCT, wires=[2, 0, 1]), ProductState),
        (lambda: qp.StatePrep(VECTOR, wires=[2, 0]), VectorState),
        (
            lambda: qp.AmplitudeEmbedding([1.0, 2.0, 3.0], wires=[0, 1], pad_with=0.5, normalize=True),
            VectorState,
        ),
        (lambda: (qp.StatePrep(VECTOR, wires=[3, 1]), qp.BasisState([1], wires=[0]), qp.H(2)), VectorState),
        (lambda: qp.QubitDensityMatrix(PLUS_MIXED, wires=[1, 0]), ProductState),
        (lambda: qp.QubitDensityMatrix(ENTANGLED_MIXED, wires=[1, 0]), UnknownState),
        (lambda: (qp.CNOT((0, 1)), qp.StatePrep(VECTOR, wires=[2, 3])), VectorState),
        (lambda: (qp.H(0), qp.CNOT((0, 2)), qp.H(1)), ProductState),
    ],
)
def test_preparations(prepare, kind):
    mixed = any(op.name == "QubitDensityMatrix" for op in qp.tape.make_qscript(prepare)().operations)
    assert isinstance(prepared(prepare, mixed=mixed).state, kind)


def test_plus_state_is_exact():
    ansatz = prepared(lambda: [qp.H(q) for q in range(4)])
    assert ansatz.state.stabilizer_axes() == ("+X",) * 4
    assert [g.name for g in ansatz.gates if not g.angle.fixed] == ["RX", "RY"]


def test_preparation_in_the_middle_is_decomposed():
    """PennyLane prepares a state in the middle by a circuit that assumes |0…0⟩ there: it is kept as gates."""
    ansatz = prepared(lambda: (qp.RX(0.3, 0), qp.CNOT((0, 2)), qp.StatePrep(VECTOR, wires=[2, 3])))
    assert isinstance(ansatz.state, ProductState)


def test_many_wires():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta, vector):
        qp.StatePrep(vector, wires=[0, 1])
        qp.BasicEntanglerLayers(theta, wires=range(20))
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(circuit, (np.ones((1, 20)), VECTOR))
    assert isinstance(ansatz.state, UnknownState) and "StatePrep" in ansatz.state.reason
    (ansatz,) = extract(circuit, (np.ones((1, 20)), np.kron([1, 1], [1, 1j]) / 2))
    assert ansatz.state.stabilizer_axes()[:3] == ("+X", "+Y", "+Z")


def test_batch_of_states():
    vectors = normalized(3, 4)

    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta, vectors):
        qp.AmplitudeEmbedding(vectors, wires=[0, 1])
        qp.RX(theta, 0)
        return qp.expval(qp.Z(0))

    batch = extract(circuit, (0.3, vectors))
    assert len(batch) == 3
    for vector, ansatz in zip(vectors, batch, strict=True):
        assert np.allclose(ansatz.state.amplitudes, vector)
