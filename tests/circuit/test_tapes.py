"""Bare tapes, transforms, levels and broadcasting."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import extract
from pennylane_dla.errors import DLAError
from tests.helpers import equal_up_to_phase, unitary_of


def tape_of(trainable=None, extra=()):
    operations = [qp.RX(0.1, 0), qp.CNOT((0, 1)), qp.Rot(0.2, 0.3, 0.4, 1), *extra]
    tape = qp.tape.QuantumScript(operations, [qp.expval(0.5 * qp.Z(0) @ qp.Z(1))])
    if trainable is not None:
        tape.trainable_params = trainable
    return tape


def test_trainable_parameters_of_a_tape():
    (ansatz,) = extract(tape_of([1, 3]))
    assert ansatz.arguments.names == ("parameters",) and ansatz.arguments.shapes == ((2,),)
    assert ansatz.arguments.label(1) == "parameters[1]"
    assert np.array_equal(ansatz.arguments.restore(np.arange(2.0)), [0.0, 1.0])
    assert [g.angle.elements for g in ansatz.gates if g.name == "Rot"] == [(0,), (), (1,)]
    values = [0.7, -0.3]
    bound = tape_of().bind_new_parameters(values, [1, 3])
    from tests.helpers import density_of

    rho = unitary_of(ansatz, values)
    rho = rho @ density_of(ansatz.state, 2) @ rho.conj().T
    psi = qp.matrix(bound, wire_order=[0, 1])[:, 0]
    assert np.allclose(rho, np.outer(psi, psi.conj()))


def test_all_parameters_by_default():
    """PennyLane counts numbers that are no angles too; they stay data, and a note says so."""
    (ansatz,) = extract(tape_of(extra=[qp.BitFlip(0.1, 0)]))
    assert ansatz.arguments.shapes == ((4,),)
    assert any("BitFlip" in note for note in ansatz.notes)


def test_array_parameters_of_a_tape():
    weights = np.arange(6.0).reshape(1, 2, 3)
    (ansatz,) = extract(tape_of(extra=[qp.StronglyEntanglingLayers(weights, wires=[0, 1])]))
    assert ansatz.arguments.names[-1] == "parameters[4]" and ansatz.arguments.shapes[-1] == (1, 2, 3)
    restored = ansatz.arguments.restore(np.arange(10))
    assert np.array_equal(restored[4], np.arange(4, 10).reshape(1, 2, 3))


def test_nothing_trainable():
    with pytest.raises(DLAError, match="no trainable parameter"):
        extract(tape_of([]))


def circuit(theta):
    qp.RX(theta[0], 0)
    qp.RX(theta[1], 0)
    qp.H(1)
    qp.H(1)
    qp.CNOT((0, 1))
    qp.RY(theta[2], 1)
    return qp.expval(qp.Z(1))


def test_user_transforms_are_applied():
    qnode = qp.transforms.merge_rotations(qp.transforms.cancel_inverses(qp.QNode(circuit, qp.device("default.qubit"))))
    theta = np.array([0.1, 0.2, 0.3])
    merged, plain = extract(qnode, (theta,))[0], extract(qnode, (theta,), level="top")[0]
    assert merged.gates[0].angle.elements == (0, 1) and merged.gates[0].angle.coefficients == (1.0, 1.0)
    assert equal_up_to_phase(unitary_of(merged, theta), unitary_of(plain, theta))


def test_several_tapes():
    qnode = qp.gradients.param_shift(qp.QNode(circuit, qp.device("default.qubit")))
    theta = qp.numpy.array([0.1, 0.2, 0.3])
    split = qp.transforms.split_non_commuting(
        qp.QNode(lambda t: (qp.RX(t, 0), qp.expval(qp.Z(0)), qp.expval(qp.X(0)))[1:], qp.device("default.qubit"))
    )
    with pytest.raises(DLAError, match='level="top"'):
        extract(split, (0.3,))
    assert len(extract(split, (0.3,), level="top")[0].measurements) == 2
    assert len(extract(qnode, (theta,), level="top")[0].gates) > 0


def test_broadcast_data():
    @qp.qnode(qp.device("default.qubit"))
    def batched(theta, x):
        qp.CNOT((0, 1))
        qp.RX(x, 0)
        qp.RY(theta, 0)
        return qp.expval(qp.Z(0))

    batch = extract(batched, (0.3, np.array([0.1, 0.2, 0.1])))
    offsets = [next(g.angle.offset for g in ansatz.gates if g.name == "RX") for ansatz in batch]
    assert np.allclose(offsets, [0.1, 0.2, 0.1])
    assert batch[0] is batch[2] and batch[0] is not batch[1]


def test_broadcast_parameters():
    """Each batch element is driven by its own elements of the argument."""

    @qp.qnode(qp.device("default.qubit"))
    def batched(theta):
        qp.RX(theta[0], 0)
        qp.RY(2 * theta[1], 0)
        return qp.expval(qp.Z(0))

    batch = extract(batched, (np.ones((2, 3)),))
    assert [[g.angle.elements for g in ansatz.gates] for ansatz in batch] == [[(k,), (3 + k,)] for k in range(3)]
    assert np.allclose(batch[0].arguments.periods, [2 * np.pi] * 3 + [np.pi] * 3)


PERIODS = {
    "plain": (lambda t: qp.RX(t, 0), 2 * np.pi),
    "doubled": (lambda t: qp.RX(2 * t, 0), np.pi),
    "halved": (lambda t: qp.RX(t / 3, 0), 6 * np.pi),
    "two rates": (lambda t: (qp.RX(2 * t, 0), qp.RY(3 * t, 0)), 2 * np.pi),
    "incommensurate": (lambda t: (qp.RX(t, 0), qp.RY(np.sqrt(2) * t, 0)), np.inf),
    "not affine": (lambda t: qp.RX(t**2, 0), np.inf),
    "CRX": (lambda t: qp.CRX(t, (0, 1)), 4 * np.pi),
    "SingleExcitation": (lambda t: qp.SingleExcitation(t, (0, 1)), 4 * np.pi),
    "DoubleExcitation": (lambda t: qp.DoubleExcitation(t, range(4)), 4 * np.pi),
    "ControlledPhaseShift": (lambda t: qp.ControlledPhaseShift(t, (0, 1)), 2 * np.pi),
    "OrbitalRotation": (lambda t: qp.OrbitalRotation(t, range(4)), 4 * np.pi),
    "IsingXY": (lambda t: qp.IsingXY(t, (0, 1)), 4 * np.pi),
    "evolve": (lambda t: qp.evolve(qp.Z(0) @ qp.Z(1) + qp.Z(1) @ qp.Z(2), t), np.pi),
    "evolve ring": (
        lambda t: qp.evolve(qp.Z(0) @ qp.Z(1) + qp.Z(1) @ qp.Z(2) + qp.Z(0) @ qp.Z(2), t),
        np.pi / 2,
    ),
    "non-commuting": (lambda t: qp.evolve(qp.X(0) + qp.Z(0), t), np.pi / np.sqrt(2)),
    "irrational": (lambda t: qp.evolve(qp.X(0) + np.sqrt(2) * qp.X(1), t), np.inf),
    "wide": (lambda t: qp.evolve(qp.sum(*(qp.Z(i) @ qp.Z(i + 1) for i in range(20))), t), np.pi),
}


@pytest.mark.parametrize("name", PERIODS)
def test_periods(name):
    build, period = PERIODS[name]

    @qp.qnode(qp.device("default.qubit"))
    def driven(theta):
        qp.CNOT((0, 1))
        build(theta)
        return qp.expval(qp.Z(0))

    (found,) = extract(driven, (0.3,))[0].arguments.periods
    assert found == period or abs(found - period) < 1e-9


@pytest.mark.parametrize("name", ["CRX", "SingleExcitation", "DoubleExcitation", "ControlledPhaseShift", "evolve ring"])
def test_period_is_the_least(name):
    """``U(θ+p)`` equals ``U(θ)`` up to a phase, and for no shorter fraction of ``p``."""
    build, period = PERIODS[name]
    at = lambda t: qp.matrix(qp.tape.make_qscript(build)(t), wire_order=range(4))  # noqa: E731
    assert equal_up_to_phase(at(0.3 + period), at(0.3))
    assert not any(equal_up_to_phase(at(0.3 + period / k), at(0.3)) for k in (2, 3))
