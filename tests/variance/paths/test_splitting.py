"""Splitting against the exact engine, and what it is for: circuits that plain sampling cannot resolve."""

import numpy as np
import pytest

from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.paths import engine as paths
from pennylane_dla.variance.paths import splitting
from tests.variance.paths.circuits import circuit, exact_reference, layered, problem, rotation, within


@pytest.fixture
def always(monkeypatch):
    """Split after the first batch, however even the weights are."""
    monkeypatch.setattr(paths, "UNEVEN", 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_against_the_exact_engine(always, seed):
    task = problem(layered(8, 16), PauliSum.from_dict({"IIIZIIII": 1.0, "IXIIIIII": 0.5}), samples=200_000, seed=seed)
    prediction = paths.predict(task)
    assert prediction.statistics["batches"] == prediction.statistics["paths"] // 4096  # it did split
    _, loss, gradient = exact_reference(task)
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient)


@pytest.mark.slow
def test_coverage(always):
    """100 runs of 24 batches: 95 % interval of the loss in 88 to 100 of them (probability 0.998 at 95 %)."""
    ansatz, observable = layered(8, 16), PauliSum.from_dict({"IIIZIIII": 1.0})
    _, loss, gradient = exact_reference(problem(ansatz, observable))
    count, inside = 0, 0.0
    for seed in range(100):
        prediction = paths.predict(problem(ansatz, observable, samples=100_000, seed=seed))
        low, high = prediction.loss.interval
        assert prediction.statistics["batches"] > 1
        count += low <= loss <= high
        low, high = prediction.gradient.interval
        inside += np.mean(((low <= gradient) & (gradient <= high))[gradient > 0])
    assert 88 <= count <= 100
    assert 88 <= inside <= 100


def test_a_shallow_circuit_on_many_qubits():
    """60 qubits, 20 layers: 100,000 paths with splitting do better than a million without, and both agree."""
    task = problem(layered(60, 20), PauliSum.from_dict({"I" * 30 + "Z" + "I" * 29: 1.0}), samples=100_000)
    split = paths.predict(task)
    plain = problem(task.ansatz, task.observable, samples=1_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "UNEVEN", np.inf)
        plain = paths.predict(plain)
    assert "batches" in split.statistics and "batches" not in plain.statistics
    error = np.hypot(split.loss.stderr, plain.loss.stderr)
    assert abs(split.loss.value - plain.loss.value) < 4.5 * error
    assert split.loss.stderr < plain.loss.stderr


def test_weights_that_are_nearly_all_zero():
    """No hit in the pilot: pairs of ``XX`` rotations that each take the string away with probability 1/2, ``2^-20``."""
    pairs = 20
    gates, element = [], 0
    for i in range(pairs):
        gates.append(rotation((2 * i, 2 * i + 1), "XX", element))
        element += 1
    ansatz = circuit(gates, 2 * pairs, element)
    prediction = paths.predict(problem(ansatz, PauliSum.from_dict({"ZI" * pairs: 1.0}), samples=100_000))
    low, high = prediction.loss.interval
    assert low <= 2.0**-pairs <= high


def test_slopes_from_the_pilot():
    """End weights ``3^-size``, sizes that double at random between the stages."""
    rng = np.random.default_rng(0)
    before = rng.integers(1, 6, size=20_000)
    after = before + rng.binomial(before, 0.5)
    slopes = splitting.pilot_slopes([before, after], 3.0**-after, 1 / 3)
    expected = np.log(1 / 6 + 1 / 18)  # each qubit: 3^-1 alone, 3^-2 with its double
    np.testing.assert_allclose(slopes, [expected, -np.log(3)], rtol=0.05)


def test_descendants_are_added_up():
    tree = splitting.Tree(4, np.random.default_rng(0))
    tree.ancestors = [np.array([0, 0, 2, 3]), None, np.array([1, 1, 1, 2])]
    first, second, third = tree.at_stages(np.array([1.0, 2.0, 4.0, 8.0]))
    assert third.tolist() == [0, 7, 8, 0]
    assert second.tolist() == [0, 7, 8, 0]
    assert first.tolist() == [7, 0, 8, 0]
