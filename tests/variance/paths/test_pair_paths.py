"""Sampled pairs: laws with a mean, known angles, noise; against integration and the exact engine.

Tolerance: 4.5 standard errors with fixed seeds.
"""

import itertools

import numpy as np
import pytest

from pennylane_dla.circuit.ansatz import Angle, Channel, Rotation
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.law import Normal, Uniform
from pennylane_dla.variance.paths import engine as paths
from tests.variance import oracle
from tests.variance.oracle import integrate
from tests.variance.paths.circuits import (
    SIGMAS,
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


def depolarizing(wire, p):
    return Channel((wire,), np.diag([1.0] + [1 - 4 * p / 3] * 3), "DepolarizingChannel")


def amplitude_damping(wire, gamma):
    """Heisenberg picture: ``Z -> (1-γ) Z + γ``, ``X, Y -> √(1-γ) X, Y``."""
    transfer = np.diag([1.0, np.sqrt(1 - gamma), 1 - gamma, np.sqrt(1 - gamma)])
    transfer[0, 2] = gamma
    return Channel((wire,), transfer, "AmplitudeDamping")


def random_gates(rng, num_wires, trainable, fixed, noise=None):
    """Rotations by random strings, quarter turns and known angles among them, ``noise(wire)`` behind each."""
    kinds = ["trainable"] * trainable + ["fixed"] * fixed + ["quarter"] * 3
    rng.shuffle(kinds)
    gates, element = [], 0
    for kind in kinds:
        width = int(rng.integers(1, min(num_wires, 2) + 1))
        wires = tuple(int(w) for w in rng.permutation(num_wires)[:width])
        word = "".join(rng.choice(list("XYZ"), width))
        angle = Angle(float(rng.uniform(0, 6)))
        if kind == "trainable":
            angle = Angle(0.2, (element,), (float(rng.choice([1.0, -1.0, 2.0])),))
            element += 1
        elif kind == "quarter":
            angle = Angle(np.pi / 2 * int(rng.integers(1, 4)))
        gates.append(Rotation(wires, (word,), (0.5,), angle))
        if noise:
            gates += [noise(w) for w in wires]
    return gates


LAWS = {
    "narrow": Normal(0.1),
    "warm start": Normal(0.3, mean=0.7),
    "wide": Normal(1.0, mean=-0.4),
    "interval": Uniform(-0.2, 1.0),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(5))
def test_laws_against_the_exact_engine(seed, law):
    rng = np.random.default_rng(seed)
    n = 1 + seed % 3
    state = states(rng, n)[("product", "vector")[seed % 2]]
    ansatz = circuit(random_gates(rng, n, 4, seed % 3), n, 4, state)
    task = problem(ansatz, random_observable(rng, n, 2), LAWS[law], samples=80_000, seed=seed)
    prediction = paths.predict(task)
    mean, loss, gradient = exact_reference(task)
    if not prediction.loss.available:  # both signs: the bound must hold
        assert prediction.loss.interval[0] <= loss <= prediction.loss.interval[1]
        return
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient, 1e-6)
    assert abs(prediction.loss_mean - mean) < 0.05


def test_small_angles_in_a_deep_circuit():
    task = problem(layered(4, 4), PauliSum.from_dict({"ZIII": 1.0}), Normal(0.1), samples=200_000)
    prediction = paths.predict(task)
    _, loss, gradient = exact_reference(task)
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient, 1e-6)
    assert prediction.loss.stderr < 0.1 * loss


def test_a_spread_so_small_that_hardly_a_path_would_vary():
    """Leading order in the spread: the exact variance to 10 %, though one path in 10⁴ varies by itself."""
    task = problem(layered(3, 2), PauliSum.from_dict({"ZII": 1.0}), Normal(0.01, mean=0.5), samples=100_000)
    prediction = paths.predict(task)
    _, loss, gradient = exact_reference(task)
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient, 1e-9)
    assert prediction.loss.stderr < 0.1 * loss


def test_known_angles():
    """Data between uniform layers."""
    rng = np.random.default_rng(0)
    base = layered(3, 2)
    data = [Rotation((w,), ("X",), (0.5,), Angle(float(rng.uniform(0, 6))), "RX") for w in range(3)]
    half = len(base.gates) // 2
    ansatz = circuit([*base.gates[:half], *data, *base.gates[half:]], 3, base.arguments.num_elements)
    task = problem(ansatz, PauliSum.from_dict({"ZII": 1.0, "IXI": 0.5}), samples=100_000)
    mean, loss, gradient = exact_reference(task)
    prediction = paths.predict(task)
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient, 1e-6)
    assert abs(prediction.loss_mean - mean) < 0.02


@pytest.mark.parametrize("seed, law", [(0, None), (1, None), (0, "warm start")])
@pytest.mark.parametrize("noise", ["depolarizing", "amplitude damping"])
def test_noise_against_integration(seed, noise, law):
    rng = np.random.default_rng(10 + seed)
    n = 1 + seed
    channel = {
        "depolarizing": lambda w: depolarizing(w, 0.05),
        "amplitude damping": lambda w: amplitude_damping(w, 0.2),
    }[noise]
    ansatz = circuit(random_gates(rng, n, 2, 1, channel), n, 2)
    task = problem(ansatz, random_observable(rng, n, 2), LAWS.get(law), samples=100_000)
    prediction = paths.predict(task)
    mean, loss, gradient = integrate(ansatz, task.observable, task.law)
    assert within(prediction.loss, loss) and within(prediction.gradient, gradient, 1e-6)
    assert abs(prediction.loss_mean - mean) < 0.05


@pytest.mark.parametrize("p", [0.01, 0.3])
def test_depolarized_single_strings(p):
    """One string and uniform angles: no pairs needed. ``E[l²] = 1/2 (1 - 4p/3)²`` behind one rotation."""
    ansatz = circuit([rotation((0,), "X", 0), depolarizing(0, p)], 1, 1)
    prediction = paths.predict(problem(ansatz, PauliSum.from_dict({"Z": 1.0})))
    assert_agrees(prediction, (0.0, (1 - 4 * p / 3) ** 2 / 2, [(1 - 4 * p / 3) ** 2 / 2]))


def test_noise_on_every_gate_of_a_layered_circuit():
    """1 % depolarizing on the wires of every gate; four equidistant points an angle integrate the square exactly."""
    gates = []
    for gate in layered(2, 1).gates:
        gates += [gate, *(depolarizing(w, 0.01) for w in gate.wires)]
    ansatz = circuit(gates, 2, 4)
    task = problem(ansatz, PauliSum.from_dict({"XI": 1.0, "ZZ": 0.5}))
    points = itertools.product(np.arange(4) * np.pi / 2, repeat=4)
    values = np.array([oracle.loss(ansatz, task.observable, np.array(point)) for point in points])
    assert within(paths.predict(task).loss, np.mean(values**2) - np.mean(values) ** 2)


def test_projector_under_a_narrow_law():
    """Twelve wires, ``RX`` on each: mean ``((1 + e^{-σ²/2})/2)^12``, known in closed form."""
    n, std = 12, 0.3
    ansatz = circuit([rotation((w,), "X", w) for w in range(n)], n, n)
    observable = ProjectorProduct(tuple(range(n)), (1,) * n, n)
    prediction = paths.predict(problem(ansatz, observable, Normal(std), samples=400_000))
    first, second = np.exp(-(std**2) / 2), (1 + np.exp(-2 * std**2)) / 2
    mean = ((1 + first) / 2) ** n
    variance = ((1 + 2 * first + second) / 4) ** n - mean**2
    if prediction.loss.available:
        assert abs(prediction.loss.value - variance) <= SIGMAS * prediction.loss.stderr
    else:
        assert prediction.loss.interval[0] <= variance <= prediction.loss.interval[1]
    assert abs(prediction.loss_mean - mean) < 0.05


def test_giving_up_names_no_negative_variance():
    """Signs that cancel: what is reported is a bound or nothing, and the means stay."""
    rng = np.random.default_rng(4)
    n, gates, element = 30, [], 0
    for _ in range(12):
        for wire in range(n):
            gates.append(Rotation((wire,), (str(rng.choice(list("XYZ"))),), (0.5,), Angle(1.1, (element,), (1.0,))))
            element += 1
        gates += [Rotation((w, w + 1), ("ZZ",), (0.5,), Angle(0.7)) for w in range(n - 1)]
    observable = PauliSum.from_dict({"I" * 15 + "Z" + "I" * 14: 1.0})
    found = paths.predict(problem(circuit(gates, n, element), observable, Normal(0.3), samples=5000, progress=False))
    if found.loss.available:
        assert found.loss.value >= 0 and np.all(found.gradient.value >= 0)
    else:
        assert "-" not in found.loss.reason.replace("e-", "") and "−" not in found.loss.reason
        assert found.loss.interval is None or 0 < found.loss.interval[1] < 1
    assert found.loss_mean is None or abs(found.loss_mean) <= 1 + 4 * found.loss_mean_stderr < 5
    mean = found.gradient_mean
    assert not mean.available or np.all(np.abs(mean.value) <= 1 + 4 * mean.stderr)


def test_memory_that_is_too_small_is_a_reason():
    found = paths.predict(problem(layered(3, 2), PauliSum.from_dict({"ZII": 1.0}), Normal(0.1), max_memory=1000))
    assert not found.loss.available and "max_memory" in found.loss.reason
