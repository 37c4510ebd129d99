"""Simulated initializations against PennyLane: gradients, the noise of shots, shares that are resolved."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.circuit.extract import extract
from pennylane_dla.diagnosis.draws import sample_draws
from pennylane_dla.diagnosis.shots import shift_weights
from pennylane_dla.pauli import ProjectorProduct
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Problem

DEVICE = qp.device("default.qubit")


def local(w):
    qp.StronglyEntanglingLayers(w, wires=range(4))
    return qp.expval(qp.Z(0))


def hamiltonian(w):
    qp.BasicEntanglerLayers(w, wires=range(4), rotation=qp.RY)
    return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.X(2) - 0.3 * qp.Y(3))


def whole(w):
    qp.BasicEntanglerLayers(w, wires=range(4), rotation=qp.RY)
    return qp.expval(qp.Projector([0, 1, 0, 0], wires=range(4)))


def some(w):
    qp.BasicEntanglerLayers(w, wires=range(4), rotation=qp.RX)
    return qp.expval(qp.Projector([0, 1], wires=[2, 0]))


def shared(w):
    for i in range(3):
        qp.Hadamard(i)
    for layer in range(2):
        for i in range(3):
            qp.IsingZZ(2 * w[0, layer], (i, (i + 1) % 3))
        for i in range(3):
            qp.RX(-w[1, layer] + 0.3, i)
        qp.CRX(w[2, layer], (0, 2))
    return qp.expval(qp.Z(0) @ qp.Z(1))


def matrices(w):
    qp.QubitUnitary(np.kron(*[qp.matrix(qp.Rot(0.1 + i, 0.2, 0.3, 0)) for i in range(2)]), (2, 0))
    qp.BasicEntanglerLayers(w, wires=range(3), rotation=qp.RY)
    return qp.expval(qp.X(1))


CASES = {local: (2, 4, 3), hamiltonian: (3, 4), whole: (2, 4), some: (2, 4), shared: (3, 2), matrices: (2, 3)}


def draws_of(function, shape, monkeypatch):
    """The draws, and the elements that were drawn."""
    qnode = qp.QNode(function, DEVICE)
    ansatz = extract(qnode, (np.zeros(shape),), {}, None, "user")[0]
    drawn = []
    draw = AngleLaw.draw
    monkeypatch.setattr(AngleLaw, "draw", lambda self, rng, size: drawn.append(draw(self, rng, size)) or drawn[-1])
    problem = Problem(ansatz, ansatz.measurements[0].observable, AngleLaw.resolve(None, ansatz.arguments))
    return qnode, sample_draws(problem, shift_weights(ansatz), 1.0, 10.0), drawn[-1], ansatz


@pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)
def test_gradients_of_the_same_angles(function, monkeypatch):
    """PennyLane's gradient at the angles that were drawn."""
    shape = CASES[function]
    qnode, draws, drawn, _ = draws_of(function, shape, monkeypatch)
    for k in range(5):
        weights = qp.numpy.array(drawn[k].reshape(shape), requires_grad=True)
        np.testing.assert_allclose(draws.gradient[k], np.ravel(qp.grad(qnode)(weights)), atol=1e-9)


def test_noise_of_a_projector_on_all_wires(monkeypatch):
    """``(p₊(1 − p₊) + p₋(1 − p₋))/4`` from PennyLane's shifted circuits."""
    qnode, draws, drawn, ansatz = draws_of(whole, (2, 4), monkeypatch)
    assert isinstance(ansatz.measurements[0].observable, ProjectorProduct)
    for k in range(3):
        for element in range(8):
            shifted = []
            for sign in (1, -1):
                angles = drawn[k].copy()
                angles[element] += sign * np.pi / 2
                shifted.append(float(qnode(angles.reshape(2, 4))))
            expected = sum(p * (1 - p) for p in shifted) / 4
            assert draws.noise[k, element] == pytest.approx(expected, abs=1e-9)
            assert draws.least[k, element] == pytest.approx(1 / sum(shifted), rel=1e-6)


def resolved_share(qnode, shape, draw, shots, projector, seeds=200):
    """Entries at random initializations whose parameter-shift estimate has less noise than signal: from exact shifted
    circuits, whose shot noise is binomial."""
    rng = np.random.default_rng(5)
    found, moving = [], np.zeros(int(np.prod(shape)), bool)
    for _ in range(seeds):
        angles = draw(rng, int(np.prod(shape)))
        batch = np.repeat(angles[None], 2 * len(angles), axis=0)
        for k in range(len(angles)):
            batch[2 * k, k] += np.pi / 2
            batch[2 * k + 1, k] -= np.pi / 2
        values = np.array(qnode(np.moveaxis(batch.reshape(-1, *shape), 0, -1)))
        plus, minus = values[::2], values[1::2]
        signal = ((plus - minus) / 2) ** 2
        probability = np.stack([plus, minus])
        if projector:
            noise = (probability * (1 - probability)).sum(axis=0) / 4
        else:
            noise = (1 - probability**2).sum(axis=0) / 4
        found.append((signal >= noise / shots) & (signal > 1e-14))
        moving |= signal > 1e-14
    return np.array(found)[:, moving]


def families():
    """Ten circuits: projectors on many wires, strings on many wires, local observables, small angles."""

    def broadcast(layers, wires, rotation, entangle, measure):
        def circuit(w):
            for layer in range(layers):
                for i in range(wires):
                    rotation(w[layer, i], i)
                if entangle:
                    for i in range(layer % 2, wires - 1, 2):
                        qp.CZ((i, i + 1))
            return measure()

        return circuit, (layers, wires)

    def word(wires):
        return lambda: qp.expval(qp.prod(*(qp.Z(i) for i in range(wires))))

    def projector(wires):
        return lambda: qp.expval(qp.Projector([0] * wires, wires=range(wires)))

    cases = {
        "projector 6": (*broadcast(1, 6, qp.RY, False, projector(6)), None, 300, True),
        "projector 8": (*broadcast(3, 8, qp.RY, True, projector(8)), None, 1000, True),
        "projector 10": (*broadcast(2, 10, qp.RY, True, projector(10)), None, 10_000, True),
        "word 6": (*broadcast(1, 6, qp.RX, False, word(6)), None, 200, False),
        "word 10": (*broadcast(1, 10, qp.RX, False, word(10)), None, 3000, False),
        "word 8, layers": (*broadcast(3, 8, qp.RX, True, word(8)), None, 1000, False),
        "local": (*broadcast(3, 8, qp.RY, True, lambda: qp.expval(qp.Z(4))), None, 30, False),
        "local, deep": (*broadcast(8, 6, qp.RX, True, lambda: qp.expval(qp.Z(3))), None, 60, False),
        "small angles": (*broadcast(3, 8, qp.RX, True, lambda: qp.expval(qp.Z(4))), 0.2, 100, False),
        "projector, small angles": (*broadcast(2, 8, qp.RX, True, projector(8)), 0.3, 100, True),
    }
    return cases


@pytest.mark.slow
@pytest.mark.parametrize("name", families())
def test_predicted_share_of_resolved_entries(name):
    """Against 200 simulated initializations of PennyLane, with exact shifted circuits: five standard errors."""
    function, shape, width, shots, projector = families()[name]
    qnode = qp.QNode(function, DEVICE)
    law = dla.Uniform() if width is None else dla.Normal(width)
    signal = dla.inspect(qnode, shots=shots, angles=law, max_seconds=60)(np.zeros(shape)).measurements[0].signal
    assert "simulated" in signal.method

    def draw(rng, size):
        return rng.uniform(0, 2 * np.pi, size) if width is None else rng.normal(0, width, size)

    per_draw = resolved_share(qnode, shape, draw, shots, projector).mean(axis=1)
    error = np.hypot(np.std(per_draw) / np.sqrt(len(per_draw)), signal.share_stderr)
    assert abs(per_draw.mean() - signal.share) < 5 * error + 0.02


def test_a_global_projector_does_not_pass_with_ten_thousand_shots():
    """Both shifted circuits give no count in nine initializations of ten."""

    @qp.qnode(DEVICE)
    def circuit(w, x):
        qp.AngleEmbedding(x, wires=range(16))
        qp.BasicEntanglerLayers(w, wires=range(16), rotation=qp.RY)
        return qp.expval(qp.Projector([0] * 16, wires=range(16)))

    arguments = np.zeros((3, 16)), np.linspace(0, 1, 16)
    with pytest.raises(dla.TrainabilityError, match="at least"):
        dla.check(circuit, shots=10_000)(*arguments)
    signal = dla.inspect(circuit, shots=10_000)(*arguments).measurements[0].signal
    assert signal.share_is_bound and signal.share < 0.5
