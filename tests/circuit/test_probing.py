"""The angle map: against known maps, and against PennyLane's classical Jacobian."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import extract
from pennylane_dla.circuit.probing import ProbePoints, angle_map
from pennylane_dla.errors import DLAError

RNG = np.random.default_rng(17)


def find(function, size):
    """The map of a function, and how many evaluations it took."""
    calls = []

    def evaluate(elements):
        calls.append(1)
        return np.asarray(function(elements), float)

    points = ProbePoints.generic(size)
    return angle_map(evaluate, points, evaluate(points.first)), len(calls)


def assert_affine(function, size, rtol=1e-9):
    """The map must be called affine everywhere and reproduce the function; returns the number of
    evaluations."""
    found, calls = find(function, size)
    for _ in range(3):
        elements = RNG.normal(size=size)
        for slot, value in enumerate(function(elements)):
            angle = found.angle(slot)
            assert angle.affine and list(angle.elements) == sorted(set(angle.elements))
            predicted = angle.offset + np.dot(angle.coefficients, elements[list(angle.elements)])
            assert abs(predicted - value) <= rtol * (1 + abs(value))
    return calls


SIZE = 300
PERMUTED = RNG.permutation(SIZE)
A, B = RNG.normal(size=(2, SIZE))
SPARSE = RNG.normal(size=(30, SIZE)) * (RNG.random((30, SIZE)) < 0.02)


def test_one_element_an_angle_takes_two_builds():
    assert assert_affine(lambda e: (A * e)[PERMUTED], SIZE) == 2


def test_offsets_take_three_builds():
    assert assert_affine(lambda e: np.concatenate([(A * e + B)[PERMUTED], 2 * e]), SIZE) == 3


@pytest.mark.parametrize(
    "function, size",
    [
        (lambda e: A * e + B * e[PERMUTED] + 0.1, SIZE),
        (lambda e: SPARSE @ e + 0.3, SIZE),
        (lambda e: e.reshape(-1, 12) @ A[:12], 120),
        (lambda e: [e[0] + e[1] + e[2]] * 2, 4),
        (lambda e: [e.sum(), e[0] - e[1], 0.5], 7),
        (lambda e: [e[0], -2 * e[0] + 1], 1),
        (lambda e: [1.0, 2.0], 3),
    ],
)
def test_sums_of_elements(function, size):
    assert_affine(function, size)


def test_sums_need_few_builds():
    assert assert_affine(lambda e: A * e + B * e[PERMUTED], SIZE) <= 11


def test_single_precision():
    """A circuit that casts to float32 is affine still."""
    assert_affine(lambda e: np.float32(2) * np.float32(e) + np.float32(0.1), 40, rtol=3e-6)
    assert_affine(lambda e: np.float32(e) + np.float32(e[::-1]), 40, rtol=3e-6)


def test_coefficients_are_clean():
    found, _ = find(lambda e: [2 * e[0], e[1] / 3, -np.pi * e[2], e[0] * 0.1 + 0.7 - 0.7, e[1] + np.pi / 4], 3)
    assert [found.angle(k).coefficients for k in range(5)] == [(2.0,), (1 / 3,), (-np.pi,), (0.1,), (1.0,)]
    assert [found.angle(k).offset for k in range(5)] == [0.0, 0.0, 0.0, 0.0, np.pi / 4]


def test_not_affine():
    found, _ = find(lambda e: [np.sin(e[0]), e[1] * e[2], e[3] ** 2 + e[0], e[0]], 4)
    angles = [found.angle(k) for k in range(4)]
    assert [a.affine for a in angles] == [False, False, False, True]
    assert [a.elements for a in angles] == [(0,), (1, 2), (0, 3), (0,)]
    point = ProbePoints.generic(4).first
    assert np.allclose(angles[0].coefficients, np.cos(point[0]))
    assert np.allclose(angles[1].coefficients, point[[2, 1]])
    assert np.allclose(angles[2].coefficients, [1, 2 * point[3]])


def circuit_of(function):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights, scale):
        function(weights, scale)
        return qp.expval(qp.Z(0))

    return circuit


CIRCUITS = {
    "scaled": lambda w, s: [(qp.RX(s * w[k] + 0.2, k % 3), qp.CNOT((k % 3, (k + 1) % 3))) for k in range(6)],
    "shared": lambda w, s: [(qp.RY(w[k % 2] - 2 * w[5], k % 3), qp.ISWAP((k % 3, (k + 1) % 3))) for k in range(6)],
    "dense": lambda w, s: (
        qp.PauliRot(qp.math.dot(np.arange(6), w) - s, "XYZ", range(3)),
        qp.RX(qp.math.sum(w), 0),
    ),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_against_the_classical_jacobian(name):
    """Slopes of every rotation, in order, against ``qp.gradients.classical_jacobian`` of the same tape."""
    circuit = circuit_of(CIRCUITS[name])
    weights = qp.numpy.array(RNG.normal(size=6), requires_grad=True)
    scale = qp.numpy.array(0.7, requires_grad=False)
    jacobian = np.asarray(qp.gradients.classical_jacobian(circuit)(weights, scale))
    (ansatz,) = extract(circuit, (weights, scale))
    trainable = [g for g in ansatz.gates if g.name in ("RX", "RY", "PauliRot")]
    slopes = np.zeros((len(trainable), 6))
    for row, gate in enumerate(trainable):
        slopes[row, list(gate.angle.elements)] = gate.angle.coefficients
    assert np.allclose(slopes, jacobian, atol=1e-9)


def test_structure_that_depends_on_values():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        if theta > 0:
            qp.RX(theta, 0)
        else:
            qp.RY(theta, 0)
        return qp.expval(qp.Z(0))

    with pytest.raises(DLAError, match="depend on the values"):
        extract(circuit, (0.3,))


def test_functions_of_a_bounded_argument():
    """``arccos`` is NaN outside [-1, 1]: the circuit is probed inside (0, 1) then."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(x):
        with np.errstate(invalid="ignore"):
            qp.RY(np.arccos(x[0]), 0)
        qp.RX(np.sqrt(x[1]), 0)
        return qp.expval(qp.Z(0))

    with np.errstate(invalid="ignore"):
        (ansatz,) = extract(circuit, (np.array([0.1, 0.2]),))
    assert [(g.angle.elements, g.angle.affine) for g in ansatz.gates] == [((0,), False), ((1,), False)]
    assert any("not affine" in note for note in ansatz.notes)


def test_decomposition_is_not_taken_at_the_values_of_the_user():
    """SelectPauliRot decomposes differently at 0."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        qp.SelectPauliRot(theta, control_wires=[0, 1], target_wire=2)
        return qp.expval(qp.X(2))

    at_zero, elsewhere = (extract(circuit, (theta,))[0] for theta in (np.zeros(4), np.ones(4)))
    assert at_zero.gates == elsewhere.gates
    assert {j for g in at_zero.gates for j in g.angle.elements} == {0, 1, 2, 3}
