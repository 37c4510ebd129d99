"""The deep limit from the commutant: Ragone's and Fontana's formulas, equivalent modules, deep circuits."""

from types import SimpleNamespace

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.allowance import Allowance
from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation, VectorState
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.limit.strings import limit as string_limit
from pennylane_dla.variance.limit.sums import module_limit
from pennylane_dla.variance.module import engine as module
from pennylane_dla.variance.problem import Budget, Problem
from tests.variance.circuits import qaoa, ring, ring_cost
from tests.variance.oracle import density, sum_matrix


class Asked(SimpleNamespace):
    """What the limit reads of a problem."""

    __hash__ = object.__hash__


def deep(generators, observable, state):
    """The limit for generators of which each is driven by its own element."""
    angles = tuple(Angle(0.0, (k,), (1.0,)) for k in range(len(generators)))
    arguments = SimpleNamespace(num_elements=len(generators))
    problem = Asked(
        effective=SimpleNamespace(state=state, angles=angles),
        ansatz=SimpleNamespace(arguments=arguments),
        budget=Budget(progress=False),
        allowance=Allowance(),
    )
    return module_limit(problem, generators, observable)


def sums(*terms):
    return [PauliSum.from_dict(t) for t in terms]


def second_moment(prediction, observable):
    return prediction.loss.value + (prediction.loss_mean - observable.constant) ** 2


@pytest.mark.wrong_types
def test_equivalent_modules_where_the_shortcut_is_wrong():
    """Generators X₁, Y₁: the true second moment is 1/12; the formula for inequivalent parts (arXiv:2309.09342) on Pauli
    copies gives 3/4."""
    generators = sums({"XI": 0.5}, {"YI": 0.5})
    observable = PauliSum.from_dict({"ZI": 1.0, "XZ": 0.5, "ZZ": -1.0})
    prediction = deep(generators, observable, ProductState.zero(2))
    assert second_moment(prediction, observable) == pytest.approx(1 / 12, abs=1e-12)
    found = prediction.limit
    assert [share.dim for share in found.modules] == [3] and found.modules[0].components == (2,)
    # P(O) on {X,Y,Z}I and on {X,Y,Z}Z, where P(ρ) = 1, and dim 3 each
    assert sum(purity / 3 for purity in (1.0, 0.5**2 + 1.0)) == pytest.approx(3 / 4)


def killing_orthonormal(elements):
    """Matrices ``iB`` orthonormal under ``-Tr``."""
    matrices = np.array([sum_matrix(b) for b in elements])
    return matrices / np.linalg.norm(matrices, axis=(1, 2))[:, None, None]


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("kind", ["ring", "path"])
@pytest.mark.wrong_types
def test_ragone_and_fontana(kind, n):
    """``Var[l] = Σ_j P_{g_j}(O) P_{g_j}(ρ) / dim g_j`` for ``iO ∈ g``, with purities from dense matrices and ideals
    from a random element of the commutant of the adjoint action, found by linear algebra; the gradient of
    ``exp(-iαH)`` gets the factor ``-K_j(H_j, H_j) / dim g_j`` with the Killing form of the ideal."""
    edges = ring(n) if kind == "ring" else ring(n)[:-1]
    cost = PauliSum.from_dict({"".join("Z" if q in e else "I" for q in range(n)): 1.0 for e in edges})
    mixer = PauliSum.from_dict({"".join("X" if q == k else "I" for q in range(n)): 1.0 for k in range(n)})
    observable = PauliSum.collect(
        PauliStrings.concatenate([cost.strings, mixer.strings]),
        np.concatenate([0.7 * cost.coefficients, -0.4 * mixer.coefficients]),
    )
    rng = np.random.default_rng(n)
    bloch = rng.normal(size=(n, 3))
    state = ProductState(bloch / np.linalg.norm(bloch, axis=1)[:, None])
    prediction = deep([cost, mixer], observable, state)

    basis = killing_orthonormal(lie_closure_sums([cost, mixer]).basis)
    brackets = np.einsum("aij,bjk->abik", basis, basis)
    brackets = 1j * (brackets - brackets.transpose(1, 0, 2, 3))
    structure = np.einsum("abij,cji->cab", brackets, basis).real  # ad_a[c, b], in an orthonormal basis
    adjoint = structure.transpose(1, 0, 2)
    d = len(basis)
    pair = np.einsum("ka,aij->kij", rng.normal(size=(3, d)), adjoint)  # generic ones generate it
    equations = np.concatenate([np.kron(a, np.eye(d)) - np.kron(np.eye(d), a.T) for a in pair])
    null = np.linalg.svd(equations)[2][np.linalg.matrix_rank(equations, tol=1e-8) :]
    element = (rng.normal(size=len(null)) @ null).reshape(d, d)
    values, vectors = np.linalg.eigh(element + element.T)
    parts = np.split(vectors, np.flatnonzero(np.diff(values) > 1e-8) + 1, axis=1)

    rho, o = density(state, n), sum_matrix(observable)
    coordinates_rho = np.einsum("aij,ji->a", basis, rho).real
    coordinates_o = np.einsum("aij,ji->a", basis, o).real
    variance, slopes = 0.0, np.zeros(2)
    for part in parts:
        inside = [part.T @ a @ part for a in adjoint]
        if np.abs(inside).max() < 1e-9:
            continue  # central: conserved
        dim = part.shape[1]
        share = np.sum((part.T @ coordinates_rho) ** 2) * np.sum((part.T @ coordinates_o) ** 2) / dim
        variance += share
        for k, generator in enumerate((cost, mixer)):
            weights = np.einsum("aij,ji->a", basis, sum_matrix(generator)).real
            action = np.einsum("a,aij->ij", weights, np.array(inside))
            slopes[k] += share * np.sum(action**2) / dim  # -Killing form of H_j: Tr[-ad²]
    assert prediction.loss.value == pytest.approx(variance, rel=1e-9)
    np.testing.assert_allclose(prediction.gradient.value, slopes, rtol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.wrong_types
def test_single_strings_agree_with_the_limit_of_strings(seed):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 2
    labels = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(n + 2)]
    labels = [label for label in labels if set(label) != {"I"}]
    generators = sums(*({label: 0.5} for label in labels))
    terms = {"".join(rng.choice(list("IXYZ"), n)): float(rng.integers(1, 4)) for _ in range(3)}
    observable = PauliSum.from_dict(terms)
    if not len(observable):
        return
    state = ProductState.zero(n)
    prediction = deep(generators, observable, state)
    strings = PauliStrings.concatenate([g.strings for g in generators])
    expected = string_limit(strings, observable, state)
    assert prediction.loss.value == pytest.approx(float(expected.loss.value), abs=1e-10)
    assert prediction.loss_mean == pytest.approx(float(expected.loss_mean), abs=1e-10)
    np.testing.assert_allclose(prediction.gradient.value, [float(v) for v in expected.gradient.value], atol=1e-10)


@pytest.mark.wrong_types
def test_deep_circuits_reach_it():
    """QAOA on a ring of five, 60 layers: the loss, and a gradient in the middle."""
    problem = qaoa(5, 60, ring(5), ring_cost(5))
    exact = module.predict(problem)
    generators = [problem.effective.generator(k) for k in range(2)]
    observable = problem.effective.clifford.push(problem.observable)
    prediction = deep(generators, observable, problem.ansatz.state)
    assert exact.loss.value == pytest.approx(prediction.loss.value, rel=1e-3)
    np.testing.assert_allclose(exact.gradient.value[58:60], prediction.gradient.value, rtol=1e-2)


@pytest.mark.wrong_types
def test_the_state_may_be_entangled():
    amplitudes = np.zeros(8)
    amplitudes[[0, 7]] = 2**-0.5
    generators = sums({"XII": 0.5}, {"YII": 0.5})
    observable = PauliSum.from_dict({"XXX": 1.0})
    # {X,Y,Z}XX moves as a vector; on a GHZ state XXX and YXX, ZXX have expectations 1, 0, 0
    prediction = deep(generators, observable, VectorState(amplitudes))
    assert prediction.loss.value == pytest.approx(1 / 3)


def test_through_a_circuit():
    """Known gates and elements with coefficients: as :func:`deep_limit` calls it."""
    from pennylane_dla.variance.limit.engine import deep_limit

    n = 3
    problem = qaoa(n, 2, ring(n), ring_cost(n))
    gates = [
        Rotation(g.wires, g.strings, g.coefficients, Angle(0.0, g.angle.elements, (2.0,))) for g in problem.ansatz.gates
    ]
    arguments = Arguments(("p",), ((4,),), np.full(4, np.pi), lambda rows: rows)
    ansatz = Ansatz(problem.ansatz.wires, tuple(gates), problem.ansatz.state, (), arguments)
    law = AngleLaw.resolve(None, arguments)
    single, double = deep_limit(problem), deep_limit(Problem(ansatz, problem.observable, law))
    assert double.loss.value == pytest.approx(single.loss.value)
    np.testing.assert_allclose(double.gradient.value, 4 * single.gradient.value)


@pytest.mark.wrong_types
def test_a_module_that_is_too_large_is_said():
    rng = np.random.default_rng(0)
    generators = [
        PauliSum.from_dict({"".join(rng.choice(list("XYZ"), 6)): 0.5, "".join(rng.choice(list("IXZ"), 6)): 0.5})
        for _ in range(6)
    ]
    prediction = deep(generators, PauliSum.from_dict({"ZZZZZZ": 1.0}), ProductState.zero(6))
    assert not prediction.loss.available and "at least" in prediction.loss.reason


def test_an_observable_that_the_state_never_sees():
    """One excitation hops, and ``X(0)`` takes it out of its sector: the module of the state has nothing of it."""

    @qp.qnode(qp.device("default.qubit", wires=4))
    def circuit(weights):
        qp.BasisState([1, 0, 0, 0], wires=range(4))
        for k in range(3):
            qp.SingleExcitation(weights[k], [k, k + 1])
            qp.CPhase(weights[k + 3], [k, k + 1])
        return qp.expval(qp.X(0))

    weights = qp.numpy.zeros(6, requires_grad=True)
    diagnosis = dla.inspect(circuit, max_dim=20, progress=False)(weights)  # that of the observable is larger
    found = diagnosis.measurements[0]
    assert found.loss.variance.value == found.limit.loss.variance.value == 0
    assert found.limit.modules == ()
    assert "no gradient" in str(diagnosis)


def test_rounding_is_no_generator():
    """On this state only ``RY`` moves; what the other gate does is rounding, of a controlled flip."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(angles):
        qp.RY(angles[0], 1)
        qp.PCPhase(angles[1], dim=5, wires=[2, 1, 0])
        qp.MultiControlledX(wires=[1, 0, 2], control_values=[0, 0])
        return qp.probs(wires=[2, 0, 1])

    measurements = dla.inspect(circuit, progress=False)(np.zeros(2)).measurements
    moving = [m for m in measurements if m.limit.loss.variance.value > 1e-12]
    assert len(moving) == 2  # the probabilities cos² and sin² of half an angle
    for measurement in moving:
        assert measurement.limit.loss.mean == pytest.approx(1 / 2)
        assert float(measurement.limit.loss.variance.value) == pytest.approx(1 / 8)
        np.testing.assert_allclose(np.asarray(measurement.limit.gradient.variance, float), [1 / 8, 0], atol=1e-12)
