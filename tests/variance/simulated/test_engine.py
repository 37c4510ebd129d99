"""Sampled gradients against the exact engines and against QNodes; all tolerances are five standard errors."""

from dataclasses import replace

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.allowance import Allowance
from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, Channel, ProductState, Rotation, VectorState
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw, Normal
from pennylane_dla.variance.module import engine as module
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.simulated import engine as simulated
from pennylane_dla.variance.simulated import state_vectors as simulators
from pennylane_dla.variance.simulated.state_vectors import simulation
from tests.variance.circuits import qaoa, random_ansatz, random_observable, ring, ring_cost, sums_ansatz
from tests.variance.oracle import loss

from .circuits import assert_within_errors, correlated

QUIET = Budget(samples=2000, rtol=1e-9, progress=False)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("law", [None, Normal(0.4, mean=0.3)])
def test_single_strings(seed, law):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 2
    ansatz = random_ansatz(rng, n, trainable=4, fixed=2, quarters=4)
    problem = Problem(ansatz, random_observable(rng, n, 3), AngleLaw.resolve(law, ansatz.arguments), QUIET)
    assert_within_errors(simulated.predict(problem), exact.predict(problem))


@pytest.mark.parametrize("seed", range(3))
def test_sums_and_mixed_states(seed):
    rng = np.random.default_rng(20 + seed)
    bloch = rng.normal(size=(2, 3))
    bloch *= np.array([[1.0], [0.6]]) / np.linalg.norm(bloch, axis=1)[:, None]
    ansatz = sums_ansatz(rng, 2, trainable=3, fixed=1, state=ProductState(bloch))
    problem = Problem(ansatz, random_observable(rng, 2, 3), AngleLaw.resolve(None, ansatz.arguments), QUIET)
    assert_within_errors(simulated.predict(problem), module.predict(problem))


def test_qaoa():
    problem = replace(qaoa(4, 3, ring(4), PauliSum.from_dict({"ZZII": 1.0, "IZZI": 0.5})), budget=QUIET)
    assert_within_errors(simulated.predict(problem), module.predict(problem))


@pytest.mark.parametrize("qubits", [10, 0])  # both ways to simulate
def test_values_and_slopes_of_one_circuit(qubits, monkeypatch):
    monkeypatch.setattr(simulators, "BATCHED_QUBITS", qubits)
    rng = np.random.default_rng(4)
    bloch = np.array([[0.6, 0.0, 0.8], [0.0, 0.3, 0.1], [0.0, 0.0, -1.0]])
    ansatz = random_ansatz(rng, 3, trainable=4, fixed=2, quarters=3, bloch=bloch)
    gates = list(ansatz.gates)
    gates.insert(3, Rotation((1, 2), ("XY", "ZI", "XX"), (0.3, 0.5, -0.7), Angle(0.2, (1,), (0.5,))))
    ansatz = replace(ansatz, gates=tuple(gates))
    observable = random_observable(rng, 3, 5)
    task = simulation(ansatz, [observable], 16)
    point = rng.uniform(0, 6, 4)

    def angles(elements):
        of = [g.angle.offset + np.dot(g.angle.coefficients, elements[list(g.angle.elements)]) for g in task.gates]
        return np.array([of])

    values, slopes = task.run(angles(point))
    assert values[0, 0] + observable.constant == pytest.approx(loss(ansatz, observable, point), abs=1e-10)
    for element in range(4):
        step = np.zeros(4)
        step[element] = 1e-5
        expected = (loss(ansatz, observable, point + step) - loss(ansatz, observable, point - step)) / 2e-5
        own = sum(
            c * slopes[0, 0, k]
            for k, g in enumerate(task.gates)
            for e, c in zip(g.angle.elements, g.angle.coefficients, strict=True)
            if e == element
        )
        assert own == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("kind", ["expval", "var"])
def test_correlated_angles_against_a_qnode(kind):
    ansatz = correlated()
    observable = PauliSum.from_dict({"ZZ": 1.0, "XI": 0.5, "II": 0.25})
    law = AngleLaw.resolve(None, ansatz.arguments)
    prediction = simulated.predict(Problem(ansatz, observable, law, QUIET, kind))

    measure = qp.expval if kind == "expval" else qp.var

    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.RX(w[0], 0)
        qp.RY(w[1], 1)
        qp.CNOT([0, 1])
        qp.RX(w[0], 0)
        qp.RY(2 * w[1], 1)
        return measure(qp.Z(0) @ qp.Z(1) + 0.5 * qp.X(0) + 0.25 * qp.Identity(0))

    count = 32  # points enough for the frequencies of the squares
    axis = np.arange(count) * 2 * np.pi / count
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    values = circuit(grid.T).reshape(count, count)
    frequency = 1j * np.fft.fftfreq(count, 1 / count)
    slopes = [np.fft.ifft(np.fft.fft(values, axis=a) * np.expand_dims(frequency, 1 - a), axis=a).real for a in (0, 1)]
    assert abs(prediction.loss_mean - values.mean()) < 5 * (values.var() / QUIET.samples) ** 0.5
    assert abs(prediction.loss.value - values.var()) < 5 * prediction.loss.stderr
    for a in (0, 1):
        assert abs(prediction.gradient.value[a] - slopes[a].var()) < 5 * prediction.gradient.stderr[a]


def test_light_cone_and_dead_parameters():
    """Twenty qubits in product form: only the neighbourhood of the observable is simulated."""
    n = 20
    gates = [Rotation((q,), ("Y",), (0.5,), Angle(0.0, (q,), (1.0,))) for q in range(n)]
    gates += [Rotation((q, q + 1), ("ZZ",), (0.5,), Angle(0.3)) for q in range(0, n - 1, 2)]
    gates.append(Rotation((0,), ("X",), (0.5,), Angle(0.0, (n,), (1.0,))))
    arguments = Arguments(("w",), ((n + 1,),), np.full(n + 1, 2 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), ProductState.zero(n), (), arguments)
    observable = PauliSum.from_dict({"Z" + "I" * (n - 1): 1.0})
    problem = Problem(ansatz, observable, AngleLaw.resolve(None, arguments), QUIET)
    prediction = simulated.predict(problem)
    assert prediction.statistics["simulated qubits"] == 2
    assert np.all(prediction.gradient.value[2:n] == 0)
    assert_within_errors(prediction, exact.predict(problem))


def test_projectors_and_vector_states():
    rng = np.random.default_rng(7)
    amplitudes = rng.normal(size=8) + 1j * rng.normal(size=8)
    ansatz = random_ansatz(rng, 3, trainable=3, fixed=1, quarters=3)
    ansatz = replace(ansatz, state=VectorState(amplitudes / np.linalg.norm(amplitudes)))
    problem = Problem(ansatz, ProjectorProduct((0, 2), (1, -1), 3), AngleLaw.resolve(None, ansatz.arguments), QUIET)
    assert_within_errors(simulated.predict(problem), exact.predict(problem))


def test_reproducible_and_stops_at_the_wanted_precision():
    problem = replace(qaoa(4, 2, ring(4), ring_cost(4)), budget=Budget(rtol=0.1, progress=False))
    first, second = simulated.predict(problem), simulated.predict(problem)
    assert first.loss.value == second.loss.value
    assert first.loss.stderr <= 0.1 * first.loss.value
    assert first.statistics["samples"] < 100_000 and "below 0.1" in first.loss.reason


def test_time_is_a_stated_limit():
    problem = replace(qaoa(4, 2, ring(4), ring_cost(4)), budget=replace(QUIET, rtol=1e-9, samples=10**8))
    with Allowance(1.0).part():
        found = simulated.predict(problem)
    assert "stopped after max_seconds=1" in found.loss.reason and found.statistics["samples"] > 100
    with Allowance(1e-9).part():
        assert "max_seconds=1e-09" in simulated.predict(problem).loss.reason


def test_what_it_does_not_treat_it_says(monkeypatch):
    problem = qaoa(17, 2, ring(17), ring_cost(17))
    monkeypatch.setattr(simulated, "MAX_STRINGS", 100)
    reason = simulated.predict(problem).loss.reason
    assert "17 qubits" in reason and "more than 100 Pauli strings" in reason
    noisy = replace(problem.ansatz, gates=(*problem.ansatz.gates, Channel((0,), np.diag([1, 0.9, 0.9, 0.9]))))
    assert "noise" in simulated.predict(replace(problem, ansatz=noisy)).loss.reason
    law = AngleLaw.resolve(lambda t: np.exp(-abs(t)), problem.ansatz.arguments)
    assert "cannot be sampled" in simulated.predict(replace(problem, law=law)).loss.reason
