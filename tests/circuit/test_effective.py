"""Effective generators: the same unitary up to the Clifford at the end, and blocks that one argument drives."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.circuit.ansatz import Angle
from pennylane_dla.circuit.effective import effective_ansatz
from pennylane_dla.circuit.extract import extract
from pennylane_dla.pauli import PauliSum
from tests.helpers import equal_up_to_phase, unitary_of
from tests.variance.oracle import sum_matrix

DEVICE = qp.device("default.qubit")


def effective_of(function, *args):
    (ansatz,) = extract(qp.QNode(function, DEVICE), args)
    return ansatz, effective_ansatz(ansatz)


def value(angle: Angle, elements):
    return angle.offset + sum(c * elements[e] for e, c in zip(angle.elements, angle.coefficients, strict=True))


def rotations_matrix(effective, elements):
    result = np.eye(2**effective.num_wires, dtype=complex)
    for k, angle in enumerate(effective.angles):
        values, vectors = np.linalg.eigh(sum_matrix(effective.generator(k)))
        result = (vectors * np.exp(-1j * value(angle, elements) * values)) @ vectors.conj().T @ result
    return result


def mixed(w):
    qp.Hadamard(0)
    qp.RX(w[0], 1)
    qp.CNOT((0, 1))
    qp.RZ(w[1], 1)
    qp.SWAP((1, 2))
    qp.S(2)
    qp.IsingXY(w[2], (0, 2))
    qp.ISWAP((0, 1))
    qp.T(0)
    qp.CY((0, 1))
    qp.RY(-2 * w[3], 0)
    qp.SX(2)
    return qp.expval(qp.Z(0))


def test_rotations_times_a_clifford_are_the_circuit():
    elements = np.random.default_rng(0).uniform(0, 6, 4)
    ansatz, effective = effective_of(mixed, np.zeros(4))
    clifford = unitary_of(ansatz, elements) @ rotations_matrix(effective, elements).conj().T
    for label in ("XII", "IZY", "ZZX", "IIY"):
        observable = PauliSum.from_dict({label: 1.0})
        pushed = sum_matrix(effective.clifford.push(observable))
        np.testing.assert_allclose(clifford.conj().T @ sum_matrix(observable) @ clifford, pushed, atol=1e-10)


@pytest.mark.parametrize("write", ["ising", "cnots", "evolve"])
def test_a_qaoa_layer_is_two_generators_however_it_is_written(write):
    edges = [(0, 1), (1, 2), (2, 3), (3, 0)]

    def circuit(w):
        for layer in range(2):
            if write == "evolve":
                qp.evolve(qp.sum(*[0.5 * qp.Z(a) @ qp.Z(b) for a, b in edges]), w[layer, 0])
            for a, b in edges if write != "evolve" else ():
                if write == "ising":
                    qp.IsingZZ(w[layer, 0], (a, b))
                else:
                    qp.CNOT((a, b))
                    qp.RZ(w[layer, 0], b)
                    qp.CNOT((a, b))
            for wire in range(4):
                qp.RX(w[layer, 1], wire)
        return qp.expval(qp.Z(0))

    _, effective = effective_of(circuit, np.zeros((2, 2)))
    assert effective.num_rotations == 4 and effective.correlated is None
    assert np.diff(effective.offsets).tolist() == [4, 4, 4, 4]
    if write != "cnots":  # there the first gates are taken into the initial state, which turns the frame
        assert set(effective.generator(0).strings.labels()) == {"ZZII", "IZZI", "IIZZ", "ZIIZ"}
    assert lie_closure_sums([effective.generator(k) for k in range(2)]).dim == 3 * 4 - 1


def test_offsets_and_ratios_survive_merging():
    def circuit(w):
        qp.RZ(w[0] + 0.3, 0)
        qp.RX(w[1], 1)
        qp.RZ(-2 * w[0], 2)
        qp.RZ(w[0], 0)
        return qp.expval(qp.X(0))

    ansatz, effective = effective_of(circuit, np.zeros(2))
    elements = np.array([0.7, 1.9])
    assert equal_up_to_phase(rotations_matrix(effective, elements), unitary_of(ansatz, elements))
    assert effective.correlated is None


def test_an_element_in_separate_blocks_is_correlated():
    def circuit(w):
        qp.RZ(w[0], 0)
        qp.RX(w[1], 0)
        qp.RZ(w[0], 0)
        return qp.expval(qp.X(0))

    assert "w[0]" in effective_of(circuit, np.zeros(2))[1].correlated


def test_u3_is_three_independent_rotations():
    def circuit(w):
        qp.U3(w[0], w[1], w[2], 0)
        return qp.expval(qp.X(0))

    effective = effective_of(circuit, np.zeros(3))[1]
    assert effective.correlated is None and effective.num_rotations == 3


def test_computed_once_for_a_circuit():
    ansatz, effective = effective_of(mixed, np.zeros(4))
    assert effective_ansatz(ansatz) is effective
