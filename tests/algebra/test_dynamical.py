"""The algebra of a circuit, known gates pushed through, against ``qp.lie_closure`` of dense generators."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")


def algebra_of(function, *args):
    return dla.inspect(qp.QNode(function, DEVICE))(*args).algebra


def test_known_gates_between_trainable_ones_change_the_algebra():
    def circuit(w):
        qp.RX(w[0], 0)
        qp.T(0)
        qp.RX(w[1], 0)
        return qp.expval(qp.Z(0))

    t = qp.matrix(qp.T(0))
    dense = [qp.matrix(qp.X(0)), t.conj().T @ qp.matrix(qp.X(0)) @ t]
    assert algebra_of(circuit, np.zeros(2)).dim == len(qp.lie_closure(dense, matrix=True)) == 3


@pytest.mark.parametrize("place", ["before", "after"])
def test_known_gates_at_the_ends_do_not(place):
    def circuit(w):
        if place == "before":
            qp.IsingXY(0.3, (0, 1))
        qp.IsingZZ(w[0], (0, 1))
        qp.RZ(w[1], 0)
        if place == "after":
            qp.RX(0.4, 0)
        return qp.expval(qp.X(0))

    assert algebra_of(circuit, np.zeros(2)).name == "2 u(1)"


def test_layers_of_sums():
    def circuit(w):
        for layer in range(3):
            for a in range(5):
                qp.IsingZZ(w[layer, 0], (a, (a + 1) % 5))
            for a in range(5):
                qp.RX(w[layer, 1], a)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    assert algebra_of(circuit, np.zeros((3, 2))).dim == 3 * 5 - 1


def test_closure_names_and_dimensions_agree_with_classification():
    operators = [qp.X(i) for i in range(4)] + [qp.Z(i) @ qp.Z((i + 1) % 4) for i in range(4)]
    enumerated, classified = dla.lie_closure(operators), dla.classify(operators)
    assert enumerated.dim == classified.dim == len(enumerated.basis) == 56
    assert enumerated.name == classified.name == "2 so(8)"
