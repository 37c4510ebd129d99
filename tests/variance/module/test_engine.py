"""The covariance engine against numerical integration, against the exact engine, and on QAOA."""

import numpy as np
import pytest

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation, VectorState
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.choose import predict
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw, Normal, Uniform
from pennylane_dla.variance.module import engine as module
from pennylane_dla.variance.module import observable_module
from pennylane_dla.variance.problem import Budget, Problem
from tests.variance.circuits import qaoa, random_ansatz, random_observable, ring, ring_cost, sums_ansatz
from tests.variance.oracle import integrate, integrate_finely


@pytest.mark.parametrize("seed", range(10))
def test_sums_against_integration(seed):
    rng = np.random.default_rng(seed)
    n = 1 + seed % 3
    ansatz = sums_ansatz(rng, n, trainable=2, fixed=seed % 3)
    observable = random_observable(rng, n, 3)
    law = AngleLaw.resolve(None, ansatz.arguments)
    prediction = module.predict(Problem(ansatz, observable, law))
    mean, variance, gradient = integrate_finely(ansatz, observable)
    np.testing.assert_allclose(prediction.loss_mean, mean, atol=1e-10)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-10)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-10)


@pytest.mark.parametrize("law", [Normal(0.15), Normal(0.15, mean=0.7), Uniform(-0.2, 0.4)])
@pytest.mark.parametrize("seed", range(3))
def test_sums_under_other_laws(seed, law):
    rng = np.random.default_rng(50 + seed)
    state = ProductState(np.array([[0.3, 0.1, 0.8], [0.0, 1.0, 0.0]]))
    ansatz = sums_ansatz(rng, 2, trainable=2, fixed=seed, state=state)
    observable = random_observable(rng, 2, 3)
    law = AngleLaw.resolve(law, ansatz.arguments)
    prediction = module.predict(Problem(ansatz, observable, law))
    mean, variance, gradient = integrate(ansatz, observable, law)
    np.testing.assert_allclose(prediction.loss_mean, mean, atol=1e-8)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-8)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("law", [None, Normal(0.5, mean=0.2)])
def test_single_strings_agree_with_the_exact_engine(seed, law):
    rng = np.random.default_rng(300 + seed)
    n = 2 + seed % 3
    ansatz = random_ansatz(rng, n, trainable=6, fixed=seed % 3, quarters=5)
    problem = Problem(ansatz, random_observable(rng, n, 3), AngleLaw.resolve(law, ansatz.arguments))
    one, other = module.predict(problem), exact.predict(problem)
    np.testing.assert_allclose(one.loss_mean, other.loss_mean, atol=1e-11)
    np.testing.assert_allclose(one.loss.value, other.loss.value, atol=1e-11)
    np.testing.assert_allclose(one.gradient.value, other.gradient.value, atol=1e-11)


@pytest.mark.parametrize("bloch", [[0.0, 0.0, 1.0], [0.6, 0.0, 0.8], [0.3, -0.2, 0.4]])
@pytest.mark.parametrize("seed", range(4))
def test_the_module_of_the_state_serves_as_well(seed, bloch, monkeypatch):
    rng = np.random.default_rng(70 + seed)
    n = 2 + seed % 2
    state = ProductState(np.tile(bloch, (n, 1)))
    ansatz = sums_ansatz(rng, n, trainable=3, fixed=seed % 3, state=state)
    problem = Problem(ansatz, random_observable(rng, n, 3), AngleLaw.resolve(None, ansatz.arguments))
    expected = module.predict(problem)

    again = Problem(problem.ansatz, problem.observable, problem.law)
    start = observable_module.Search({"observable": (np.inf, "left out")})
    monkeypatch.setattr(observable_module, "Search", lambda *args: start)
    prediction = module.predict(again)
    assert start.found is not None
    np.testing.assert_allclose(prediction.loss_mean, expected.loss_mean, atol=1e-11)
    np.testing.assert_allclose(prediction.loss.value, expected.loss.value, atol=1e-11)
    np.testing.assert_allclose(prediction.gradient.value, expected.gradient.value, atol=1e-11)


def test_a_vector_state():
    rng = np.random.default_rng(9)
    amplitudes = rng.normal(size=4) + 1j * rng.normal(size=4)
    state = VectorState(amplitudes / np.linalg.norm(amplitudes))
    ansatz = sums_ansatz(rng, 2, trainable=2, fixed=1, state=state)
    observable = random_observable(rng, 2, 3)
    prediction = module.predict(Problem(ansatz, observable, AngleLaw.resolve(None, ansatz.arguments)))
    _, variance, gradient = integrate_finely(ansatz, observable)
    np.testing.assert_allclose(prediction.loss.value, variance, atol=1e-10)
    np.testing.assert_allclose(prediction.gradient.value, gradient, atol=1e-10)


def test_reference_values_of_qaoa_on_a_ring_of_four():
    """Second moments of the loss and of each component; samples say 0.3316 ± 0.0064, and 2.80 ± 0.05, 3.69 ± 0.08,
    3.82 ± 0.08, 3.84 ± 0.08, 3.73 ± 0.09, 2.84 ± 0.05."""
    problem = qaoa(4, 3, ring(4), PauliSum.from_dict({"ZZII": 1.0, "IZZI": 0.5}))
    prediction = module.predict(problem)
    second = prediction.loss.value + prediction.loss_mean**2
    assert second == pytest.approx(0.33233643, abs=1e-8)
    expected = [2.8564453, 3.6826172, 3.8232422, 3.8232422, 3.6826172, 2.8564453]
    np.testing.assert_allclose(prediction.gradient.value, expected, atol=1e-7)


def test_the_variance_on_a_ring_does_not_depend_on_its_length_beyond_the_light_cone():
    """After ``p`` layers an edge sees ``2p + 2`` qubits, and all edges have the same loss."""
    values = [module.predict(qaoa(n, 2, ring(n), ring_cost(n))).loss.value / n**2 for n in (12, 16, 40)]
    np.testing.assert_allclose(values, values[0], rtol=1e-9)


def test_equivariant_circuit_of_twelve_qubits():
    """ΣX, ΣY, ΣZZ: 4^12 strings, a module of 448 symmetric sums."""
    n = 12
    fields = {p: tuple("".join(p if q == k else "I" for q in range(n)) for k in range(n)) for p in "XY"}
    edges = [(a, b) for a in range(n) for b in range(a)]
    pairs = tuple("".join("Z" if q in edge else "I" for q in range(n)) for edge in edges)
    gates = [
        Rotation(tuple(range(n)), fields["X"], (0.5,) * n, Angle(0.0, (0,), (1.0,))),
        Rotation(tuple(range(n)), pairs, (0.5,) * len(pairs), Angle(0.0, (1,), (1.0,))),
        Rotation(tuple(range(n)), fields["Y"], (0.5,) * n, Angle(0.0, (2,), (1.0,))),
    ]
    arguments = Arguments(("w",), ((3,),), np.full(3, 4 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), ProductState.zero(n), (), arguments)
    single = ["".join("Z" if q == k else "I" for q in range(n)) for k in range(n)]
    observable = PauliSum.from_dict({label: 1 / n for label in single})
    problem = Problem(ansatz, observable, AngleLaw.resolve(None, arguments))
    prediction = module.predict(problem)
    assert prediction.loss.available, prediction.loss.reason
    assert prediction.statistics["strings"] < 1000
    # by hand: the last field turns Z to cos Z + sin X; after the first, spins point to (0, -sin a, cos a);
    # the couplings average every spin by cos^{n-1}, simulated here qubit by qubit
    rng = np.random.default_rng(0)
    a, b, c = rng.uniform(0, 4 * np.pi, (3, 200_000))
    z, y = np.cos(a), -np.sin(a)
    x_after = _transverse(y, z, b, n)[0]
    sampled = np.cos(c) * z - np.sin(c) * x_after
    assert prediction.loss.value == pytest.approx(sampled.var(), rel=0.02)


def _transverse(y, z, b, n):
    """``X, Y`` of one spin of a product state under ``exp(-ib/2 ΣZZ)``:
    ``(x + iy) (cos b + i z sin b)^{n-1}``."""
    phase = (1j * y) * (np.cos(b) + 1j * z * np.sin(b)) ** (n - 1)
    return phase.real, phase.imag


def test_free_fermions_on_a_hundred_qubits():
    """TFIM layers on an open chain, a Majorana at its end: the module are the 200 Majoranas."""
    n = 100
    labels = {"ZZ": [], "X": []}
    for q in range(n - 1):
        labels["ZZ"].append("".join("Z" if w in (q, q + 1) else "I" for w in range(n)))
    for q in range(n):
        labels["X"].append("".join("X" if w == q else "I" for w in range(n)))
    gates = []
    for layer in range(3):
        for j, kind in enumerate(("ZZ", "X")):
            angle = Angle(0.0, (2 * layer + j,), (1.0,))
            gates.append(Rotation(tuple(range(n)), tuple(labels[kind]), (0.5,) * len(labels[kind]), angle))
    arguments = Arguments(("w",), ((6,),), np.full(6, 2 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), ProductState.zero(n), (), arguments)
    observable = PauliSum.from_dict({"Z" + "I" * (n - 1): 1.0})
    prediction = module.predict(Problem(ansatz, observable, AngleLaw.resolve(None, arguments)))
    assert prediction.statistics["module dimension"] == 2 * n
    assert 0 < prediction.loss.value < 1


def test_memory_that_does_not_hold_every_covariance_gives_the_same(monkeypatch):
    problem = qaoa(4, 6, ring(4), PauliSum.from_dict({"ZZII": 1.0, "IZZI": 0.5}))
    everything = module.predict(problem)
    monkeypatch.setattr(module._CovarianceWalk, "_stride", lambda self: 3)
    again = module.predict(problem)
    np.testing.assert_allclose(again.gradient.value, everything.gradient.value, rtol=1e-12)
    monkeypatch.setattr(module._CovarianceWalk, "_stride", lambda self: 5)
    again = module.predict(problem)
    np.testing.assert_allclose(again.gradient.value, everything.gradient.value, rtol=1e-12)


def test_what_it_does_not_treat_it_says():
    problem = qaoa(4, 2, ring(4), PauliSum.from_dict({"ZZII": 1.0}))
    repeated = [gate._replace(angle=Angle(0.0, (0,), (1.0,))) for gate in problem.ansatz.gates]
    ansatz = Ansatz(problem.ansatz.wires, tuple(repeated), problem.ansatz.state, (), problem.ansatz.arguments)
    answer = predict(Problem(ansatz, problem.observable, problem.law), "module")
    assert not answer.loss.available and answer.loss.reason
    small = Budget(max_dim=5)
    answer = module.predict(Problem(problem.ansatz, problem.observable, problem.law, small))
    assert "at least" in answer.loss.reason and "max_dim" in answer.loss.reason


def test_nothing_moves():
    problem = qaoa(3, 1, ring(3), PauliSum.from_dict({"XXX": 2.0, "III": 1.0}))
    prediction = module.predict(problem)
    assert prediction.loss.value == 0 and prediction.loss_mean == pytest.approx(3.0)
    assert np.all(prediction.gradient.value == 0)
