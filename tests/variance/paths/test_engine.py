"""The sampled engine against numerical integration and against the exact engine.

Tolerance: 4.5 standard errors, a two-sided probability of 7e-6 a comparison; all seeds are fixed.
"""

import numpy as np
import pytest

from pennylane_dla.circuit.ansatz import Angle, ProductState, Rotation, UnknownState
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance import choose
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.paths import engine as paths
from pennylane_dla.variance.paths import state_side
from tests.variance.circuits import random_ansatz
from tests.variance.oracle import integrate

from .circuits import (
    assert_agrees,
    circuit,
    exact_reference,
    layered,
    problem,
    random_observable,
    rotation,
    states,
    within,
)


@pytest.mark.parametrize("seed", range(4))
def test_against_integration(seed):
    rng = np.random.default_rng(seed)
    n = 1 + seed % 3
    ansatz = random_ansatz(rng, n, trainable=3, fixed=0, quarters=4)
    task = problem(ansatz, random_observable(rng, n, 3))
    assert_agrees(paths.predict(task), integrate(ansatz, task.observable, task.law))


@pytest.mark.parametrize("kind", ["zero", "product", "vector"])
@pytest.mark.parametrize("seed", range(12))
def test_against_the_exact_engine(seed, kind):
    """Few trainable gates and many terms: terms interfere and some do not move at all."""
    rng = np.random.default_rng(100 + seed)
    n = 2 + seed % 4
    base = random_ansatz(rng, n, trainable=2 + seed, fixed=0, quarters=2 * seed)
    ansatz = circuit(base.gates, n, base.arguments.num_elements, states(rng, n)[kind])
    task = problem(ansatz, random_observable(rng, n, 6), seed=seed)
    assert_agrees(paths.predict(task), exact_reference(task))


def test_terms_that_interfere():
    """``Z_0`` and ``Z_0 Z_1`` behind a rotation of wire 0 only: ``(⟨Z_0⟩ + ½⟨Z_0 Z_1⟩)²`` with ``⟨Z_1⟩ = 1``."""
    ansatz = circuit([rotation((0,), "X", 0)], 2, 1)
    observable = PauliSum.from_dict({"ZI": 1.0, "ZZ": 0.5, "IZ": 3.0, "II": 0.25})
    prediction = paths.predict(problem(ansatz, observable))
    assert within(prediction.loss, 1.5**2 / 2)
    assert within(prediction.gradient, [1.5**2 / 2])
    assert prediction.loss_mean == 3.25


def clean_qubits(n, lengths):
    """A state with a few qubits that are not maximally mixed."""
    bloch = np.zeros((n, 3))
    bloch[: len(lengths), 2] = lengths
    return ProductState(bloch)


def scrambling(n, depth):
    gates = []
    for layer in range(depth):
        for w in range(n):
            gates.append(rotation((w,), "XYZ"[layer % 3], len(gates)))
        for w in range(layer % 2, n - 1, 2):
            gates.append(rotation((w, w + 1), "ZZ", len(gates)))
    return gates


@pytest.mark.parametrize("lengths", [(1.0,), (0.6, 0.9), (0.0, 0.02)])
def test_from_the_side_of_a_mixed_state(lengths):
    """Many terms, hardly any strings in the state: against the exact engine, and closer than from the other side."""
    rng = np.random.default_rng(3)
    n = 5
    gates = scrambling(n, 4)
    ansatz = circuit(gates, n, len(gates), clean_qubits(n, lengths))
    task = problem(ansatz, random_observable(rng, n, 60), samples=50_000, rtol=1e-3)
    prediction = paths.predict(task)
    assert prediction.statistics["start"] == "the state"
    assert_agrees(prediction, exact_reference(task))
    state_side.MARGIN, margin = np.inf, state_side.MARGIN
    try:
        other = paths.predict(task)
    finally:
        state_side.MARGIN = margin
    assert "start" not in other.statistics
    assert_agrees(other, exact_reference(task))
    assert prediction.loss.stderr < 0.7 * other.loss.stderr


@pytest.mark.parametrize("lengths", [(1.0,), (0.6, 0.9)])
def test_a_projector_from_the_side_of_a_mixed_state(lengths, monkeypatch):
    monkeypatch.setattr(paths, "EXPANDED_PROJECTOR", 2)
    n = 5
    gates = scrambling(n, 5)
    ansatz = circuit(gates, n, len(gates), clean_qubits(n, lengths))
    task = problem(ansatz, ProjectorProduct(tuple(range(n)), (1, -1, 1, 1, -1), n), samples=50_000, rtol=1e-3)
    prediction = paths.predict(task)
    assert prediction.statistics["start"] == "the state"
    assert_agrees(prediction, exact_reference(task))


def test_light_paths_keep_their_error_beside_heavy_ones():
    """One half of the qubits is almost mixed: the gradients there rest on weights a thousand times smaller."""
    n = 10
    bloch = np.zeros((n, 3))
    bloch[:, 2] = np.repeat([1.0, 0.03], n // 2)
    gates = []
    for _ in range(2):
        for word in "XY":
            gates += [rotation((w,), word, len(gates) + w) for w in range(n)]
        gates += [Rotation((w, w + 1), ("ZZ",), (0.5,), Angle(np.pi / 2)) for w in range(0, n - 1, 2)]
    driven = [gate for gate in gates if not gate.angle.fixed]
    gates = [g._replace(angle=Angle(0.0, (driven.index(g),), (1.0,))) if g in driven else g for g in gates]
    ansatz = circuit(gates, n, len(driven), ProductState(bloch))
    observable = PauliSum.from_dict({"I" * w + "Z" + "I" * (n - 1 - w): 1.0 for w in range(n)})
    expected = exact.predict(problem(ansatz, observable)).gradient.value
    live = expected > 0
    assert expected.max() > 300 * expected[live].min()
    scores = []
    for seed in range(20):
        gradient = paths.predict(problem(ansatz, observable, samples=4096, rtol=1e-9, seed=seed)).gradient
        assert np.all(gradient.stderr[live] > 0)
        scores.append((gradient.value[live] - expected[live]) / gradient.stderr[live])
    spread = np.std(scores)
    assert 0.6 < spread < 1.2  # strata make it a little smaller than one


def test_a_pure_state_is_left_to_the_side_of_the_observable():
    gates = scrambling(5, 3)
    ansatz = circuit(gates, 5, len(gates), ProductState.zero(5))
    prediction = paths.predict(problem(ansatz, random_observable(np.random.default_rng(0), 5, 6)))
    assert "start" not in prediction.statistics


@pytest.mark.parametrize("wires", [4, 12])
def test_projectors(wires):
    """``∏ (1 + Z)/2`` behind ``RX`` on every wire: ``E[((1 + cos θ)/2)²] = 3/8`` a wire, mean ``1/2`` a wire."""
    ansatz = circuit([rotation((w,), "X", w) for w in range(wires)], wires, wires)
    observable = ProjectorProduct(tuple(range(wires)), (1,) * wires, wires)
    prediction = paths.predict(problem(ansatz, observable))
    variance = (3 / 8) ** wires - (1 / 4) ** wires
    gradient = (1 / 8) * (3 / 8) ** (wires - 1)
    assert abs(prediction.loss_mean - 0.5**wires) < 1e-12
    assert within(prediction.loss, variance, 1e-15)
    assert within(prediction.gradient, np.full(wires, gradient), 1e-15)
    assert prediction.loss.stderr < 0.1 * variance


def test_projector_with_interfering_terms_is_refused():
    ansatz = circuit([rotation((w,), "X", w) for w in range(11)], 12, 11)
    observable = ProjectorProduct(tuple(range(12)), (1,) * 12, 12)
    prediction = paths.predict(problem(ansatz, observable))
    assert not prediction.loss.available and "interfere" in prediction.loss.reason


def test_rotations_by_long_strings():
    """A string on seven wires between single-wire layers, against the exact engine."""
    rng = np.random.default_rng(5)
    gates = [rotation((w,), "XY"[w % 2], w) for w in range(7)]
    gates.append(rotation((3, 1, 0, 6, 2, 5, 4), "XYZZYXZ", 7))
    gates.append(Rotation((0, 2, 4, 6, 5), ("ZXYZX",), (0.5,), Angle(np.pi / 2)))
    gates += [rotation((w,), "YX"[w % 2], 8 + w) for w in range(7)]
    task = problem(circuit(gates, 7, 15), random_observable(rng, 7, 3))
    assert_agrees(paths.predict(task), exact_reference(task))


def test_layers_of_a_deep_circuit():
    ansatz = layered(6, 6)
    task = problem(ansatz, PauliSum.from_dict({"ZIIIII": 1.0}), samples=100_000)
    assert_agrees(paths.predict(task), exact_reference(task))


def test_reproducible_and_independent_between_seeds():
    ansatz, observable = layered(4, 3), PauliSum.from_dict({"ZIII": 1.0})
    first, again, other = (paths.predict(problem(ansatz, observable, samples=8192, seed=s)) for s in (1, 1, 2))
    assert first.loss.value == again.loss.value
    assert np.array_equal(first.gradient.value, again.gradient.value)
    assert first.loss.value != other.loss.value


def test_stops_at_the_relative_error_and_at_the_budget():
    ansatz, observable = layered(3, 2), PauliSum.from_dict({"ZII": 1.0})
    early = paths.predict(problem(ansatz, observable, samples=1_000_000, rtol=0.05))
    assert early.loss.stderr <= 0.05 * early.loss.value
    assert early.statistics["paths"] < 20_000
    late = paths.predict(problem(ansatz, observable, samples=10_000, rtol=1e-6))
    assert late.statistics["paths"] == 10_000


def test_nothing_moves():
    ansatz = circuit([rotation((0,), "Z", 0)], 2, 1)
    prediction = paths.predict(problem(ansatz, PauliSum.from_dict({"ZZ": 2.0, "II": 1.0})))
    assert prediction.loss.value == 0.0 and prediction.loss_mean == 3.0
    assert prediction.gradient.value.tolist() == [0.0]


@pytest.mark.parametrize(
    "budget, words", [({"samples": 0}, "samples=0"), ({"samples": -3}, "samples=-3"), ({"rtol": 0}, "rtol=0")]
)
def test_impossible_budgets(budget, words):
    ansatz = circuit([rotation((0,), "X", 0)], 1, 1)
    with pytest.raises(DLAError, match=words):
        paths.predict(problem(ansatz, PauliSum.from_dict({"Z": 1.0}), **budget))


def test_what_it_does_not_do():
    observable = PauliSum.from_dict({"Z": 1.0})
    twice = circuit([rotation((0,), "X", 0), rotation((0,), "Y", 0)], 1, 1)
    assert "correlated" in choose.predict(problem(twice, observable), "paths").loss.reason
    summed = circuit([Rotation((0,), ("X", "Y"), (0.5, 0.5), Angle(0.0, (0,), (1.0,)), "Sum")], 1, 1)
    assert "Sum" in paths.predict(problem(summed, observable)).loss.reason
    unknown = circuit([rotation((0,), "X", 0)], 1, 1, UnknownState("a state nobody knows"))
    assert "nobody knows" in choose.predict(problem(unknown, observable), "paths").loss.reason
    traced = circuit([Rotation((0,), ("X",), (0.5,), Angle(np.nan))], 1, 1)
    assert "under jit" in choose.predict(problem(traced, observable), "paths").loss.reason
