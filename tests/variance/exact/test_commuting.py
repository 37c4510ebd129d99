"""The closed form of commuting circuits against grids of angles, the enumeration of strings, an elimination over
Python integers, and sampled paths."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.circuit.ansatz import ProductState, VectorState
from pennylane_dla.circuit.extract import extract
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.variance.estimate import Declined, Prediction
from pennylane_dla.variance.exact import commuting
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.paths import engine as paths
from pennylane_dla.variance.steps import circuit_steps
from tests.variance.commuting_circuits import commute, commuting_words, ring, state, times
from tests.variance.oracle import density, string_matrix, sum_matrix
from tests.variance.paths.circuits import circuit, problem, rotation, within


def closed_form(task):
    pushed = task.effective.clifford.push(task.observable)
    return commuting.predict(task, pushed, circuit_steps(task.effective, task.law))


def observable_with_interference(rng, n, words):
    """Random terms, and terms that differ from them by strings that no rotation moves."""
    terms = {"".join(rng.choice(list("IXYZ"), n)) for _ in range(3)}
    for _ in range(30):
        still = "".join(rng.choice(list("IXYZ"), n))
        if all(commute(still, word) for word in words):
            terms |= {times(still, term) for term in list(terms)[:2]}
    return PauliSum.from_dict({term: float(rng.normal()) for term in sorted(terms)[:12]})


def over_the_grid(words, observable, rho, offset):
    """Mean, variance and gradient variances over all multiples of π/2 plus ``offset``: exact for degree one, and the
    gradients are differences of losses on the same grid."""
    n, m = len(words[0]), len(words)
    operators = sum_matrix(observable)[None]
    for word in reversed(words):  # the last axis of the grid first
        string = string_matrix(dict(enumerate(word)), n)
        angles = offset + np.arange(4) * np.pi / 2
        turns = [np.cos(a / 2) * np.eye(2**n) - 1j * np.sin(a / 2) * string for a in angles]
        operators = np.concatenate([turn.conj().T @ operators @ turn for turn in turns])
    losses = np.einsum("ij,kji->k", rho, operators).real.reshape((4,) * m)
    gradients = [(np.roll(losses, -1, axis=k) - np.roll(losses, 1, axis=k)) / 2 for k in range(m)]
    return losses.mean(), losses.var(), np.array([np.mean(g**2) - g.mean() ** 2 for g in gradients])


@pytest.mark.parametrize("kind", ["eigenstates", "mixed", "others"])
@pytest.mark.parametrize("seed", range(15))
def test_against_grids_of_angles(seed, kind):
    """The grid of offset 0 is the average over all Clifford angles."""
    rng = np.random.default_rng([seed, len(kind)])
    n = 2 + seed % 3
    words = commuting_words(rng, n, 5 if n < 4 else 4)
    observable = observable_with_interference(rng, n, words)
    gates = [rotation(tuple(range(n)), word, k) for k, word in enumerate(words)]
    task = problem(circuit(gates, n, len(words), state(rng, n, kind)), observable)
    prediction = closed_form(task)
    assert isinstance(prediction, Prediction), prediction
    for offset in (0.0, 0.3):
        mean, loss, gradient = over_the_grid(words, observable, density(task.ansatz.state, n), offset)
        assert abs(prediction.loss_mean - mean) < 1e-12
        assert abs(prediction.loss.value - loss) < 1e-12
        assert np.allclose(prediction.gradient.value, gradient, atol=1e-12)


def entangled(n, layers, pairs):
    """``RX`` on every wire, then CNOTs on ``pairs[layer]``; ``Z(0)`` is measured."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        for layer in range(layers):
            for w in range(n):
                qp.RX(weights[layer, w], w)
            for pair in pairs[layer]:
                qp.CNOT(pair)
        return qp.expval(qp.Z(0))

    return circuit


def random_pairs(rng, n, layers):
    return [[tuple(rng.choice(n, 2, replace=False).tolist()) for _ in range(n)] for _ in range(layers)]


def eliminated(n, layers, pairs):
    """``2^-rank`` and the rotations that count: Z bits go back through the CNOTs alone, each rotation that they meet
    may leave an X, and the X's that reach the start must add up to nothing."""
    z, active, masks = {0}, np.zeros((layers, n), bool), []
    for layer in reversed(range(layers)):
        for control, target in reversed(pairs[layer]):
            masks = [mask ^ ((mask >> control & 1) << target) for mask in masks]
            if target in z:
                z ^= {control}
        for w in z:
            active[layer, w] = True
            masks.append(1 << w)
    basis = {}
    for mask in masks:
        while mask and mask.bit_length() in basis:
            mask ^= basis[mask.bit_length()]
        if mask:
            basis[mask.bit_length()] = mask
    return 2.0 ** -len(basis), active.reshape(-1)


@pytest.mark.parametrize("kind", ["ring", "random"])
@pytest.mark.parametrize("n", [40, 50, 60, 80, 100])
def test_entanglers_at_any_size(n, kind):
    layers = 10
    pairs = ring(n, layers) if kind == "ring" else random_pairs(np.random.default_rng(n), n, layers)
    weights = np.ones((layers, n))
    (ansatz,) = extract(entangled(n, layers, pairs), (weights,))
    prediction = exact.predict(problem(ansatz, ansatz.measurements[0].observable))
    loss, active = eliminated(n, layers, pairs)
    assert prediction.loss.exact and prediction.gradient.exact
    assert prediction.loss.value == loss > 0
    assert np.array_equal(prediction.gradient.value, loss * active)


def test_basic_entangler_layers_of_fifty_wires():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        qp.BasicEntanglerLayers(weights, wires=range(50))
        return qp.expval(qp.Z(0))

    diagnosis = dla.inspect(circuit)(np.ones((10, 50)))
    loss, active = eliminated(50, 10, ring(50, 10))
    assert diagnosis.loss.variance.value == loss
    assert diagnosis.loss.variance.exact and diagnosis.loss.variance.method == "exact"
    assert np.array_equal(np.flatnonzero(~active), diagnosis.gradient.dead)


@pytest.mark.parametrize("n", [5, 10])
def test_sampled_paths_hit_the_closed_form(n):
    pairs = random_pairs(np.random.default_rng(n), n, 6)
    (ansatz,) = extract(entangled(n, 6, pairs), (np.ones((6, n)),))
    task = problem(ansatz, ansatz.measurements[0].observable)
    prediction, closed = paths.predict(task), closed_form(task)
    assert prediction.statistics["hits"] > 10
    assert within(prediction.loss, closed.loss.value)
    assert within(prediction.gradient, closed.gradient.value)


@pytest.mark.parametrize("seed", range(6))
def test_against_the_enumeration_of_strings(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    n = 4 + seed % 3
    pairs = random_pairs(rng, n, 3)
    (ansatz,) = extract(entangled(n, 3, pairs), (np.ones((3, n)),))
    observable = PauliSum.from_dict({"".join(rng.choice(list("IXYZ"), n)): float(rng.normal()) for _ in range(6)})
    task = problem(circuit(ansatz.gates, n, 3 * n, state(rng, n, ["eigenstates", "others"][seed % 2])), observable)
    closed = closed_form(task)
    monkeypatch.setattr(commuting, "predict_family", lambda *_: Declined("not asked"))
    enumerated = exact.predict(task)
    assert "sectors" in enumerated.statistics
    assert abs(closed.loss_mean - enumerated.loss_mean) < 1e-12
    assert abs(closed.loss.value - enumerated.loss.value) < 1e-12
    assert np.allclose(closed.gradient.value, enumerated.gradient.value, atol=1e-12)


def test_what_floats_cannot_hold_is_a_bound():
    """``Z`` on 1 200 rotated wires: ``2^-1200`` is not 0."""
    n = 1200
    gates = [rotation((w,), "X", w) for w in range(n)] + [rotation((0,), "Z", n)]
    strings = PauliStrings.from_local([list(range(n))], ["Z" * n], n)
    prediction = exact.predict(problem(circuit(gates, n, n + 1), PauliSum(strings, np.ones(1))))
    for estimate in (prediction.loss, prediction.gradient):
        assert not estimate.exact and "2^-1200" in estimate.reason
    low, high = prediction.gradient.interval
    assert prediction.loss.interval[1] >= 2.0**-1022
    assert np.all(low == 0) and np.all(high[:n] >= 2.0**-1022)
    assert high[n] == 0  # RZ before Z: exactly nothing


def test_angles_that_nothing_meets_may_have_any_law():
    gates = [rotation((1,), "Y", 1), rotation((0,), "Z", 2), rotation((0,), "X", 0), rotation((1,), "X", 1)]
    ansatz = circuit(gates[:3], 2, 3)
    task = problem(ansatz, PauliSum.from_dict({"ZI": 2.0}))
    prediction = closed_form(task)  # RZ on |0⟩ does not commute with RX, and does nothing
    assert prediction.loss.value == 2.0 and prediction.gradient.value.tolist() == [2.0, 0.0, 0.0]


def test_what_it_declines():
    observable = PauliSum.from_dict({"ZZ": 1.0})
    gates = [rotation((0,), "X", 0), rotation((0,), "Y", 1)]
    assert "commute" in closed_form(problem(circuit(gates, 2, 2), observable)).reason
    assert "uniform" in closed_form(problem(circuit(gates[:1], 2, 1), observable, dla.Normal(0.1))).reason
    vector = VectorState(np.array([1, 0, 0, 1]) / np.sqrt(2))
    assert "product" in closed_form(problem(circuit(gates[:1], 2, 1, vector), observable)).reason
    wide = ProductState(np.full((30, 3), 0.5))
    many = circuit([rotation((w,), "X", w) for w in range(30)], 30, 30, wide)
    strings = PauliStrings.from_local([list(range(30))], ["Z" * 30], 30)
    assert "too many strings" in closed_form(problem(many, PauliSum(strings, np.ones(1)))).reason
