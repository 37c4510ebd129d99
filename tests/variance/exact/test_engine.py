"""The exact engine against numerical integration, on random small circuits."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import Ansatz, Channel
from pennylane_dla.circuit.channels import transfer_of
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.choose import predict
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw, Normal, Uniform
from pennylane_dla.variance.problem import Budget, Problem
from tests.variance.circuits import random_ansatz, random_observable
from tests.variance.oracle import integrate


def assert_matches(ansatz, observable, law):
    prediction = exact.predict(Problem(ansatz, observable, law))
    mean, variance, gradient = integrate(ansatz, observable, law)
    assert prediction.loss.available, prediction.loss.reason
    np.testing.assert_allclose(prediction.loss_mean, mean, atol=1e-9)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-9)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-7)


@pytest.mark.parametrize("seed", range(12))
def test_uniform_angles_with_cliffords_and_known_angles(seed):
    rng = np.random.default_rng(seed)
    n = 1 + seed % 3
    ansatz = random_ansatz(rng, n, trainable=2, fixed=seed % 4, quarters=4)
    assert_matches(ansatz, random_observable(rng, n, 4), AngleLaw.resolve(None, ansatz.arguments))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("law", [Normal(0.3), Normal(0.4, mean=0.7), Uniform(-0.2, 1.0)])
def test_other_laws(seed, law):
    rng = np.random.default_rng(100 + seed)
    ansatz = random_ansatz(rng, 2, trainable=2, fixed=seed % 3, quarters=2)
    assert_matches(ansatz, random_observable(rng, 2, 3), AngleLaw.resolve(law, ansatz.arguments))


@pytest.mark.parametrize("seed", range(4))
def test_product_states_and_projectors(seed):
    rng = np.random.default_rng(200 + seed)
    bloch = rng.normal(size=(3, 3))
    bloch *= (rng.uniform(0.3, 1, 3) / np.linalg.norm(bloch, axis=1))[:, None]
    ansatz = random_ansatz(rng, 3, trainable=2, fixed=1, quarters=2, bloch=bloch)
    observable = ProjectorProduct((0, 2), (1, -1), 3)
    assert_matches(ansatz, observable, AngleLaw.resolve(None, ansatz.arguments))


def both_layouts(ansatz, observable, law, monkeypatch):
    """The same problem with a table of strings and with direct addressing."""
    problem = Problem(ansatz, observable, law)
    by_table = exact.predict(problem)
    monkeypatch.setattr(exact, "SMALL_TABLE", 0)
    return by_table, exact.predict(problem)


@pytest.mark.parametrize("law", [None, Normal(0.4, mean=0.7)])
def test_table_and_direct_addressing_agree(law, monkeypatch):
    rng = np.random.default_rng(5)
    ansatz = random_ansatz(rng, 4, trainable=12, fixed=2, quarters=6)
    observable = random_observable(rng, 4, 3)
    a, b = both_layouts(ansatz, observable, AngleLaw.resolve(law, ansatz.arguments), monkeypatch)
    np.testing.assert_allclose(a.loss.value, b.loss.value, rtol=1e-10)
    np.testing.assert_allclose(a.gradient.value, b.gradient.value, rtol=1e-10, atol=1e-14)


def test_many_segments_agree_with_few():
    """200 rotations run through several segments; reversing a circuit of involutions keeps E[l²]."""
    rng = np.random.default_rng(6)
    ansatz = random_ansatz(rng, 3, trainable=200, fixed=0, quarters=10)
    law = AngleLaw.resolve(None, ansatz.arguments)
    prediction = exact.predict(Problem(ansatz, PauliSum.from_dict({"ZZI": 1.0}), law))
    # deep random circuits on 3 qubits are close to the 2-design value 1/(2^n + 1)
    np.testing.assert_allclose(prediction.loss.value, 1 / 9, rtol=1e-3)


def test_what_does_not_apply_is_said():
    rng = np.random.default_rng(7)
    ansatz = random_ansatz(rng, 2, trainable=2, fixed=0, quarters=0)
    twice = Ansatz(ansatz.wires, ansatz.gates * 2, ansatz.state, (), ansatz.arguments)
    law = AngleLaw.resolve(None, ansatz.arguments)
    result = predict(Problem(twice, PauliSum.from_dict({"ZZ": 1.0}), law), "exact")
    assert not result.loss.available and "correlated" in result.loss.reason
    big = random_ansatz(rng, 12, trainable=60, fixed=0, quarters=0)
    law = AngleLaw.resolve(None, big.arguments)
    result = exact.predict(Problem(big, PauliSum.from_dict({"Z" * 12: 1.0}), law, Budget(max_dim=1000)))
    assert not result.loss.available and "max_dim" in result.loss.reason


NOISE = {
    "pauli": [qp.DepolarizingChannel(0.2, 0), qp.PauliError("XZ", 0.3, [0, 1]), qp.BitFlip(0.4, 1)],
    "damping": [qp.AmplitudeDamping(0.3, 0), qp.PhaseDamping(0.2, 1), qp.GeneralizedAmplitudeDamping(0.3, 0.2, 1)],
    "reset": [qp.ResetError(0.2, 0.3, 1), qp.ThermalRelaxationError(0.1, 1.2, 1.3, 0.1, 0)],
}


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("law", [None, Normal(0.4, mean=0.7)])
@pytest.mark.parametrize("seed", range(3))
def test_noise_channels(kind, law, seed, monkeypatch):
    rng = np.random.default_rng(300 + seed)
    ansatz = random_ansatz(rng, 2, trainable=2, fixed=1, quarters=3)
    gates = list(ansatz.gates)
    for channel in NOISE[kind] * 2:
        noise = Channel(tuple(channel.wires), transfer_of(channel), channel.name)
        gates.insert(int(rng.integers(len(gates) + 1)), noise)
    noisy = Ansatz(ansatz.wires, tuple(gates), ansatz.state, (), ansatz.arguments)
    observable, law = random_observable(rng, 2, 3), AngleLaw.resolve(law, ansatz.arguments)
    assert_matches(noisy, observable, law)
    table, direct = both_layouts(noisy, observable, law, monkeypatch)
    np.testing.assert_allclose(table.gradient.value, direct.gradient.value, atol=1e-12)
