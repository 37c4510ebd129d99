"""The 95 % intervals of the path engine cover the exact value in 90 to 99 % of 200 runs with different seeds.

A coverage of 95 % gives between 180 and 198 of 200 with probability 0.998.
"""

import numpy as np
import pytest

from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.law import Normal
from pennylane_dla.variance.paths import engine as paths
from tests.variance.paths.circuits import circuit, exact_reference, layered, problem, rotation

pytestmark = pytest.mark.slow
SEEDS = 200


def covered(task_of_seed, value, at_least=0.90, at_most=0.99):
    """Share of the seeds whose interval contains ``value``, in the given range."""
    count = 0
    for seed in range(SEEDS):
        prediction = paths.predict(task_of_seed(seed))
        low, high = prediction.loss.interval
        count += low <= value <= high
    assert at_least <= count / SEEDS <= at_most, count / SEEDS
    return count


def test_hit_rate_below_one_in_ten_thousand():
    """Rotations by ``XX`` on 14 pairs take ``Z_0 Z_2 …`` away with probability 1/2 each: ``2^-14``, six hits a run.

    Those by ``ZX`` next to the state bring nothing back, and keep the others out of its commuting block.
    """
    pairs = 14
    layers = (("ZX", 0), ("XX", pairs))
    gates = [rotation((2 * i, 2 * i + 1), axes, i + first) for axes, first in layers for i in range(pairs)]
    ansatz = circuit(gates, 2 * pairs, 2 * pairs)
    observable = PauliSum.from_dict({"ZI" * pairs: 1.0})
    covered(lambda seed: problem(ansatz, observable, samples=100_000, seed=seed), 2.0**-pairs)


def test_hardly_a_hit():
    """The same with 18 pairs: 0.4 hits a run; most intervals are upper bounds, and discreteness makes them wide."""
    pairs = 18
    layers = (("ZX", 0), ("XX", pairs))
    gates = [rotation((2 * i, 2 * i + 1), axes, i + first) for axes, first in layers for i in range(pairs)]
    ansatz = circuit(gates, 2 * pairs, 2 * pairs)
    observable = PauliSum.from_dict({"ZI" * pairs: 1.0})
    covered(lambda seed: problem(ansatz, observable, samples=100_000, seed=seed), 2.0**-pairs, 0.95, 1.0)


def test_product_weights_on_a_plateau():
    """Every path counts, by a product over the qubits with a wide spread."""
    ansatz, observable = layered(8, 10), PauliSum.from_dict({"IIIZIIII": 1.0})
    _, loss, _ = exact_reference(problem(ansatz, observable))
    assert loss < 0.02
    covered(lambda seed: problem(ansatz, observable, samples=4096, seed=seed), loss)


def test_gradient_components():
    """All components together: their mean coverage over the seeds."""
    ansatz, observable = layered(5, 6), PauliSum.from_dict({"IIZII": 1.0, "XIIII": 0.5})
    _, _, gradient = exact_reference(problem(ansatz, observable))
    inside = np.zeros(len(gradient))
    for seed in range(SEEDS):
        low, high = paths.predict(problem(ansatz, observable, samples=4096, seed=seed)).gradient.interval
        inside += (low <= gradient + 1e-12) & (gradient <= high + 1e-12)
    live = gradient > 0
    assert 0.93 <= inside[live].mean() / SEEDS <= 0.99
    assert inside[live].min() / SEEDS >= 0.88


def test_signed_pairs():
    """A law with a mean: weights of both signs, the normal interval."""
    ansatz, observable = layered(3, 2), PauliSum.from_dict({"ZII": 1.0})
    _, loss, _ = exact_reference(problem(ansatz, observable, Normal(0.3, mean=0.5)))
    covered(lambda seed: problem(ansatz, observable, Normal(0.3, mean=0.5), samples=4096, seed=seed), loss, 0.90, 0.999)
