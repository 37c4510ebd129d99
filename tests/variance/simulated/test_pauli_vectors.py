"""Circuits on the Pauli strings that the observables reach: against state vectors, density matrices and the exact
engines. Statistical tests allow five standard errors."""

from dataclasses import replace

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.allowance import Allowance
from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, Channel, ProductState, Rotation, VectorState
from pennylane_dla.circuit.channels import transfer_matrix
from pennylane_dla.circuit.extract import extract
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.module import engine as module
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.simulated import engine as simulated
from pennylane_dla.variance.simulated import pauli_vectors as string_simulation
from pennylane_dla.variance.simulated.reached_strings import Mixing
from pennylane_dla.variance.simulated.state_vectors import simulation
from tests.variance.circuits import qaoa, random_ansatz, random_observable, ring, sums_ansatz
from tests.variance.oracle import loss

from .circuits import assert_within_errors, correlated

BUDGET = Budget(progress=False)


def strings(ansatz, observables, **limits):
    limits = {"max_strings": 2**17, "max_seconds": 10.0, "budget": BUDGET} | limits
    return string_simulation.string_simulation(ansatz, observables, **limits)


def run(task, points, num):
    """Values and derivatives with respect to the elements."""
    matrix = np.zeros((len(task.angles), num))
    for k, angle in enumerate(task.angles):
        matrix[k, list(angle.elements)] = angle.coefficients
    offsets = np.array([angle.offset for angle in task.angles])
    values, slopes = task.run(offsets + points @ matrix.T)
    return values, slopes @ matrix


def assert_like_state_vectors(ansatz, observables, rng):
    num = ansatz.arguments.num_elements
    points = rng.uniform(0, 6, (3, num))
    ours = run(strings(ansatz, observables), points, num)
    theirs = run(simulation(ansatz, observables, 16), points, num)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-10)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-10)
    assert np.abs(theirs[1]).max() > 1e-3


def random_bloch(rng, n):
    bloch = rng.normal(size=(n, 3))
    return bloch * rng.uniform(0.3, 1, (n, 1)) / np.linalg.norm(bloch, axis=1)[:, None]


@pytest.mark.parametrize("seed", range(6))
def test_like_state_vectors(seed):
    """Shared angles, Cliffords, known angles, sums of commuting strings; mixed product states; two observables."""
    rng = np.random.default_rng(seed)
    n = 2 + seed % 4
    ansatz = random_ansatz(rng, n, trainable=8, fixed=3, quarters=6, bloch=random_bloch(rng, n))
    gates = []
    for gate in ansatz.gates:  # every element drives two gates or so
        elements = gate.angle.elements
        gates.append(gate if not elements else gate._replace(angle=gate.angle._replace(elements=(elements[0] // 2,))))
    gates.insert(5, Rotation((0, 1), ("XX", "YY"), (0.25, 0.25), Angle(0.2, (1, 6), (0.5, -1.0))))
    gates.insert(12, Rotation((1, 0), ("ZI", "IZ", "ZZ"), (0.3, -0.7, 0.2), Angle(0.0, (7,), (1.0,))))
    observables = [random_observable(rng, n, 4), random_observable(rng, n, 2)]
    assert_like_state_vectors(replace(ansatz, gates=tuple(gates)), observables, rng)


def test_sums_and_a_vector_state_like_state_vectors():
    rng = np.random.default_rng(3)
    amplitudes = rng.normal(size=8) + 1j * rng.normal(size=8)
    state = VectorState(amplitudes / np.linalg.norm(amplitudes))
    ansatz = sums_ansatz(rng, 3, trainable=5, fixed=2, state=state)
    assert_like_state_vectors(ansatz, [random_observable(rng, 3, 4)], rng)


def excitations(w):
    for q in range(6):
        qp.RY(w[q], q)
    for layer in range(2):
        for q in range(5):
            qp.SingleExcitation(w[6 + q], (q, q + 1))
        qp.DoubleExcitation(w[11 + layer], (0, 1, 3, 4))
        qp.CNOT((0, 5))
        qp.CRX(w[13], (2, 3))
    return qp.expval(qp.Z(0) @ qp.X(3) + 0.5 * qp.Z(5))


def test_excitations_from_a_tape_like_state_vectors():
    (ansatz,) = extract(qp.QNode(excitations, qp.device("default.qubit")), (np.zeros(14),))
    assert_like_state_vectors(ansatz, [ansatz.measurements[0].observable], np.random.default_rng(0))


def random_kraus(rng, count, dim):
    kraus = rng.normal(size=(count, dim, dim)) + 1j * rng.normal(size=(count, dim, dim))
    values, vectors = np.linalg.eigh(np.einsum("rba,rbc->ac", kraus.conj(), kraus))
    return list(kraus @ (vectors / np.sqrt(values)) @ vectors.conj().T)


KRAUS = random_kraus(np.random.default_rng(1), 3, 4)
NOISE = {
    "depolarizing": lambda wire: qp.DepolarizingChannel(0.1, wire),
    "nothing is left": lambda wire: qp.DepolarizingChannel(0.75, wire),
    "bit flip": lambda wire: qp.BitFlip(0.2, wire),
    "no phase is left": lambda wire: qp.PhaseFlip(0.5, wire),
    "amplitude damping": lambda wire: qp.AmplitudeDamping(0.3, wire),
    "total amplitude damping": lambda wire: qp.AmplitudeDamping(1.0, wire),
    "reset": lambda wire: qp.ResetError(0.3, 0.5, wire),
    "thermal": lambda wire: qp.ThermalRelaxationError(0.1, 1.2, 0.9, 0.3, wire),
    "any on two qubits": lambda wire: qp.QubitChannel(KRAUS, (wire, (wire + 1) % 3)),
}


def noisy(noise, device="default.mixed"):
    @qp.qnode(qp.device(device, wires=3))
    def circuit(w):
        qp.Hadamard(0)
        for layer in range(2):
            for q in range(3):
                qp.RY(w[0] if layer else w[q], q)
            noise(1)
            qp.CNOT((0, 1))
            qp.IsingXY(w[3], (1, 2))
            qp.S(2)
            qp.CNOT((2, 0))
            noise(layer)
            qp.RX(2 * w[1], 0)
            noise(2)
        return qp.expval(qp.Z(0) @ qp.Y(1) + 0.5 * qp.X(2) - 0.3 * qp.Y(0) @ qp.Z(2) + 0.2 * qp.Identity(0))

    return circuit


@pytest.mark.parametrize("name", NOISE)
def test_noise_like_density_matrices(name):
    circuit = noisy(NOISE[name])
    (ansatz,) = extract(circuit, (np.zeros(4),))
    observable = ansatz.measurements[0].observable
    points = np.random.default_rng(2).uniform(0, 6, (3, 4))
    values, slopes = run(strings(ansatz, [observable]), points, 4)
    for point, value, slope in zip(points, values[:, 0], slopes[:, 0], strict=True):
        point = qp.numpy.array(point, requires_grad=True)
        assert value + observable.constant == pytest.approx(float(circuit(point)), abs=1e-10)
        np.testing.assert_allclose(slope, qp.grad(circuit)(point), atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_noise_on_a_random_circuit(seed):
    """Several channels, two of them next to each other, between Cliffords and sums; a mixed state."""
    rng = np.random.default_rng(30 + seed)
    ansatz = random_ansatz(rng, 3, trainable=5, fixed=1, quarters=5, bloch=random_bloch(rng, 3))
    gates = list(ansatz.gates)
    operations = [build(0) for build in NOISE.values()]
    for operation in operations:
        wires = tuple(int(w) for w in rng.permutation(3)[: len(operation.wires)])
        gates.insert(int(rng.integers(len(gates))), Channel(wires, transfer_matrix(operation.kraus_matrices())))
    gates.insert(3, gates[2])
    ansatz = replace(ansatz, gates=tuple(gates))
    observable = random_observable(rng, 3, 6)
    point = rng.uniform(0, 6, 5)
    values, slopes = run(strings(ansatz, [observable]), point[None], 5)
    assert values[0, 0] + observable.constant == pytest.approx(loss(ansatz, observable, point), abs=1e-12)
    for element in range(5):
        step = np.eye(5)[element] * 1e-5
        expected = (loss(ansatz, observable, point + step) - loss(ansatz, observable, point - step)) / 2e-5
        assert slopes[0, 0, element] == pytest.approx(expected, abs=1e-9)


def strongly_dephased(layers):
    """``Z`` passes, ``X`` and ``Y`` lose a factor of 20 in every layer."""
    rotation = Rotation((0, 1), ("ZX",), (0.5,), Angle(0.0, (0,), (0.1,)))
    other = Rotation((0,), ("X",), (0.5,), Angle(0.0, (1,), (0.1,)))
    channel = Channel((0,), np.diag([1.0, 0.05, 1.0, 0.05]))
    gates = (rotation, other, channel) * layers
    arguments = Arguments(("w",), ((2,),), np.full(2, 20 * np.pi), lambda rows: rows)
    return Ansatz((0, 1), gates, ProductState.zero(2), (), arguments)


@pytest.mark.parametrize("most, copies", [(1e4, "some"), (1.0, "all"), (np.inf, "none")])
def test_undoing_noise(most, copies, monkeypatch):
    monkeypatch.setattr(string_simulation, "MAX_AMPLIFICATION", most)
    ansatz = strongly_dephased(15)
    observable = PauliSum.from_dict({"ZI": 1.0, "YI": 0.3, "XX": 0.2})
    task = strings(ansatz, [observable])
    assert {"some": 1 < len(task.kept) < 14, "all": len(task.kept) == 15, "none": not task.kept}[copies]
    point = np.array([1.0, 2.0])
    _, slopes = run(task, point[None], 2)
    away = []
    for element in range(2):
        step = np.eye(2)[element] * 1e-4
        expected = (loss(ansatz, observable, point + step) - loss(ansatz, observable, point - step)) / 2e-4
        away.append(abs(slopes[0, 0, element] - expected))
    assert max(away) < 1e-8 if task.kept else max(away) > 1e-6  # which is why copies are kept


def test_light_cones_and_angles_without_effect():
    """What the observable cannot see costs nothing, at 300 qubits."""
    n = 300
    gates = [Rotation((q,), ("Y",), (0.5,), Angle(0.0, (0,), (1.0,))) for q in range(n)]
    gates += [Rotation((q, q + 1), ("ZZ",), (0.5,), Angle(0.0, (1,), (1.0,))) for q in range(0, n - 1, 2)]
    gates += [Rotation((q,), ("X",), (0.5,), Angle(0.0, (0,), (1.0,))) for q in range(n)]
    arguments = Arguments(("w",), ((3,),), np.full(3, 2 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), ProductState.zero(n), (), arguments)
    observable = PauliSum.from_dict({"Z" + "I" * (n - 1): 1.0})
    task = strings(ansatz, [observable])
    assert len(task.state) < 16 and len(task.reached.steps) <= 5
    points = np.random.default_rng(0).uniform(0, 6, (4, 3))
    small = replace(ansatz, wires=(0, 1), gates=tuple(g for g in gates if max(g.wires) < 2), state=ProductState.zero(2))
    expected = [loss(small, PauliSum.from_dict({"ZI": 1.0}), point) for point in points]
    values, slopes = run(task, points, 3)
    np.testing.assert_allclose(values[:, 0], expected, atol=1e-12)
    assert not slopes[:, 0, 2].any()


@pytest.mark.parametrize("kind", ["expval", "var"])
def test_correlated_angles_and_variances_like_state_vectors(kind, monkeypatch):
    """Both ways draw the same angles."""
    observable = PauliSum.from_dict({"ZZ": 1.0, "XI": 0.5, "II": 0.25})
    ansatz = correlated()
    law = AngleLaw.resolve(None, ansatz.arguments)
    problem = Problem(ansatz, observable, law, Budget(samples=512, rtol=1e-9, progress=False), kind)
    vectors = simulated.predict(problem)
    monkeypatch.setattr(simulated, "MAX_QUBITS", 0)
    ours = simulated.predict(problem)
    assert "simulated qubits" in vectors.statistics and ours.statistics["strings"] <= 16
    assert "Pauli strings" in ours.loss.reason
    for one, other in ((ours.loss, vectors.loss), (ours.gradient, vectors.gradient)):
        np.testing.assert_allclose(one.value, other.value, rtol=1e-9)
        np.testing.assert_allclose(one.stderr, other.stderr, rtol=1e-9)
    assert ours.loss_mean == pytest.approx(vectors.loss_mean, abs=1e-12)


def single(n):
    return PauliSum.from_dict({"ZZ" + "I" * (n - 2): 1.0})


@pytest.mark.parametrize("n", [6, 8])
def test_a_bond_of_a_qaoa_ring_like_the_module(n, monkeypatch):
    monkeypatch.setattr(simulated, "MAX_QUBITS", 0)
    problem = replace(qaoa(n, 3, ring(n), single(n)), budget=Budget(samples=4000, rtol=1e-9, progress=False))
    prediction = simulated.predict(problem)
    assert prediction.statistics["strings"] > 0
    assert_within_errors(prediction, module.predict(problem))


def test_a_bond_of_a_long_qaoa_ring():
    """Three layers see eight qubits: forty are like ten."""
    budget = Budget(samples=4000, rtol=1e-9, progress=False)
    prediction = simulated.predict(replace(qaoa(40, 3, ring(40), single(40)), budget=budget))
    assert prediction.statistics["samples"] == 4000
    assert_within_errors(prediction, module.predict(qaoa(10, 3, ring(10), single(10))))


def hva(n, layers):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        for bond, field in w:
            for q in range(n - 1):
                qp.IsingZZ(bond, (q, q + 1))
            for q in range(n):
                qp.RX(field, q)
        return qp.expval(qp.Z(n // 2) @ qp.Z(n // 2 + 1))

    return circuit, np.zeros((layers, 2))


@pytest.mark.slow
def test_free_fermions_at_a_hundred_qubits():
    """Sixty layers: the whole module of bilinears is in reach, 100 · 199 strings."""
    circuit, w = hva(100, 60)
    diag = dla.inspect(circuit, samples=256, max_seconds=60, progress=False)(w)
    assert diag.loss.variance.method == "simulated" and "Pauli strings" in diag.loss.variance.reason
    assert 0 < diag.loss.variance.stderr < 0.3 * diag.loss.variance.value
    assert np.all(np.asarray(diag.gradient.variance)[5:] > 0)


def test_noisy_qaoa_from_a_qnode():
    """Against density matrices with the same angles, from the mean and variance of the losses."""

    def circuit(w):
        for q in range(4):
            qp.Hadamard(q)
        for cost, mixer in w:
            for q in range(4):
                qp.IsingZZ(cost, (q, (q + 1) % 4))
            for q in range(4):
                qp.RX(mixer, q)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    rotations = qp.noise.op_in([qp.IsingZZ])
    model = qp.NoiseModel({rotations: lambda op, **kwargs: qp.AmplitudeDamping(0.05, op.wires[0])})
    qnode = qp.add_noise(qp.QNode(circuit, qp.device("default.mixed", wires=4)), model)
    diag = dla.inspect(qnode, samples=3000, rtol=1e-9, progress=False)(np.zeros((1, 2)))
    assert diag.loss.variance.method == "simulated", diag.loss.variance.reason
    axis = np.arange(10) * 2 * np.pi / 10  # frequencies up to four in both angles, doubled by the square
    values = np.array([[float(qnode(np.array([[a, b]]))) for b in axis] for a in axis])
    frequency = 1j * np.fft.fftfreq(10, 1 / 10)
    slope = np.fft.ifft(np.fft.fft(values, axis=0) * frequency[:, None], axis=0).real
    assert abs(diag.loss.variance.value - values.var()) < 5 * diag.loss.variance.stderr
    assert abs(diag.gradient.variance[0, 0] - slope.var()) < 5 * diag.gradient.stderr[0, 0]


def test_nothing_to_do():
    """Neither rotations nor strings: values are those of the state, derivatives of nothing."""
    arguments = Arguments((), (), np.zeros(0), lambda rows: rows)
    gates = (Channel((0,), np.diag([1.0, 0.5, 0.5, 0.5])), Rotation((0,), ("X",), (0.5,), Angle(np.pi)))
    ansatz = Ansatz((0, 1), gates, ProductState.zero(2), (), arguments)
    observables = [PauliSum.from_dict({"ZI": 2.0, "IZ": 0.3}), PauliSum.from_dict({"II": 1.0})]
    values, slopes = strings(ansatz, observables).run(np.zeros((2, 0)))
    np.testing.assert_allclose(values, [[-0.7, 0.0]] * 2, atol=1e-12)
    assert slopes.shape == (2, 2, 0)


def test_batches_fit_the_memory():
    problem = qaoa(12, 3, ring(12), single(12))
    large = strings(problem.ansatz, [problem.observable])
    small = strings(problem.ansatz, [problem.observable], budget=Budget(max_memory=2 * 10 * large.bytes))
    assert small.batch == 10 < large.batch


def test_reasons():
    problem = qaoa(12, 3, ring(12), single(12))

    def reason(ansatz=problem.ansatz, **limits):
        return strings(ansatz, [problem.observable], **limits).reason

    assert "more than 50 Pauli strings" in reason(max_strings=50)
    assert "one circuit takes more than 1e-07 s" in reason(max_seconds=1e-7)
    with Allowance(1e-9).part():
        assert "max_seconds=1e-09" in reason()
    assert "max_memory=1000" in reason(budget=Budget(max_memory=1000))
    mixed = Rotation((0, 1), ("ZX", "IZ"), (0.5, 0.5), Angle(0.0, (0,), (1.0,)), "Evolution")
    ansatz = replace(problem.ansatz, gates=(*problem.ansatz.gates, mixed))
    assert "Evolution rotates by terms that do not commute" in reason(ansatz)


def test_equal_channels_share_their_arrays():
    ansatz = strongly_dephased(6)
    task = strings(ansatz, [PauliSum.from_dict({"XX": 1.0})])
    factors = [step.factors for step in task.reached.steps if hasattr(step, "factors")]
    assert len(factors) == 6 and all(f.base is factors[0].base for f in factors)
    damped = tuple(g._replace(transfer=_DAMPING) if isinstance(g, Channel) else g for g in ansatz.gates)
    task = strings(replace(ansatz, gates=damped), [PauliSum.from_dict({"XX": 1.0})])
    mixing = [step for step in task.reached.steps if isinstance(step, Mixing)]
    assert len(mixing) == 6 and mixing[0] is mixing[2]


_DAMPING = transfer_matrix(qp.AmplitudeDamping(0.3, 0).kraus_matrices())
