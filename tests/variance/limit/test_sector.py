"""Deep limits on the sector: averages over random unitaries, deep circuits, and the commutant on strings."""

import networkx as nx
import numpy as np
import pennylane as qp
import pytest
import scipy.stats

import pennylane_dla as dla
from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.circuit.effective import effective_ansatz
from pennylane_dla.variance.limit import sector as sector_limits
from pennylane_dla.variance.limit.sector import limit_on_sector, sector_limit
from pennylane_dla.variance.limit.sums import module_limit
from pennylane_dla.variance.sector.group import Group
from pennylane_dla.variance.sector.pushed import Pushed
from pennylane_dla.variance.sector.sector import find_sector
from tests.variance.circuits import random_observable, sums_ansatz
from tests.variance.sector.circuits import ansatz_of, heisenberg, lithium_hydride, problem_of, qaoa


@pytest.mark.parametrize("family, size", [("su", 4), ("so", 5), ("so", 7), ("sp", 4), ("sp", 6)])
@pytest.mark.parametrize("rank", [1, 2])
def test_closed_forms_against_the_commutant(family, size, rank):
    """Loss and derivative, pure and mixed, of states that are not real."""
    rng = np.random.default_rng(size)

    def element():
        matrix = rng.normal(size=(size, size)) + (1j * rng.normal(size=(size, size)) if family != "so" else 0)
        matrix = matrix - matrix.conj().T
        if family == "sp":
            form = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(size // 2))
            matrix = (matrix + form @ matrix.T @ form) / 2
        return 1j * (matrix - np.trace(matrix) / size * np.eye(size))

    generators = [element() for _ in range(3)]
    observable = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    observable = observable + observable.conj().T
    state = np.linalg.qr(rng.normal(size=(size, rank)) + 1j * rng.normal(size=(size, rank)))[0]

    weights = np.array([0.7, 0.3])[:rank] / np.array([0.7, 0.3])[:rank].sum()
    density = (state * weights) @ state.conj().T
    from pennylane_dla.variance.sector.group import recognize

    group = recognize(generators, np.eye(size))
    assert isinstance(group, Group) and group.family == family
    variance, slopes, mean, shares = sector_limits._closed(group, generators, observable, density)
    shared = sector_limits._OnSector(Pushed(tuple(generators), (), (), (), None), density)
    other, others, its_mean, _ = sector_limits._projected(shared, observable)
    assert variance == pytest.approx(other, rel=1e-9) and mean == pytest.approx(its_mean, rel=1e-9)
    np.testing.assert_allclose(slopes, others, rtol=1e-9)
    assert sum(share.variance for share in shares) == pytest.approx(variance)


def test_lithium_hydride_against_random_real_states():
    ansatz = ansatz_of(*lithium_hydride())
    problem, sector = problem_of(ansatz), find_sector(ansatz)
    matrix = sector.compressed(problem.observable)
    found = sector_limit(problem, sector, matrix)
    assert found.loss_mean == pytest.approx(-7.327132, abs=1e-6)
    states = np.random.default_rng(0).normal(size=(200_000, 25))
    states /= np.linalg.norm(states, axis=1)[:, None]
    losses = np.einsum("ni,ij,nj->n", states, matrix.real, states, optimize=True)
    error = np.sqrt(np.mean((losses - losses.mean()) ** 4) - losses.var() ** 2) / np.sqrt(len(losses))
    assert abs(found.loss.value - losses.var()) < 5 * error
    squares = np.linalg.norm(matrix - np.trace(matrix) / 25 * np.eye(25)) ** 2
    assert found.loss.value == pytest.approx(2 * squares / (25 * 27))


@pytest.mark.parametrize("n", [4, 6])
def test_heisenberg_chains_against_the_module_of_strings(n):
    circuit, weights = heisenberg(n, 2)
    ansatz = ansatz_of(circuit, weights)
    problem = problem_of(ansatz)
    effective = effective_ansatz(ansatz)
    generators = [effective.generator(k) for k in range(effective.num_rotations)]
    expected = module_limit(problem, generators, effective.clifford.push(problem.observable))
    found = limit_on_sector(problem)
    assert found.loss.value == pytest.approx(expected.loss.value, rel=1e-8)
    assert found.loss_mean == pytest.approx(expected.loss_mean)
    np.testing.assert_allclose(found.gradient.value, expected.gradient.value, rtol=1e-8)


def test_heisenberg_of_eight_spins_against_haar_random_states():
    ansatz = ansatz_of(*heisenberg(8))
    problem, sector = problem_of(ansatz), find_sector(ansatz)
    matrix = sector.compressed(problem.observable)
    unitaries = scipy.stats.unitary_group.rvs(10, size=20_000, random_state=1)
    states = unitaries @ sector.state[:, 0]
    losses = np.einsum("ni,ij,nj->n", states.conj(), matrix, states, optimize=True).real
    error = np.sqrt(np.mean((losses - losses.mean()) ** 4) - losses.var() ** 2) / np.sqrt(len(losses))
    assert abs(limit_on_sector(problem).loss.value - losses.var()) < 5 * error


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_rings_against_the_module_of_strings(n):
    """so(4) and products of su(2): no closed form is used."""
    ansatz = ansatz_of(*qaoa(nx.cycle_graph(n)))
    problem = problem_of(ansatz)
    effective = effective_ansatz(ansatz)
    generators = [effective.generator(k) for k in range(effective.num_rotations)]
    expected = module_limit(problem, generators, effective.clifford.push(problem.observable))
    found = limit_on_sector(problem)
    assert found.loss.value == pytest.approx(expected.loss.value, rel=1e-8)
    np.testing.assert_allclose(found.gradient.value, expected.gradient.value, rtol=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_random_circuits_with_known_gates_against_iterated_averages(seed):
    """The circuit without its known gates in front of the trainable ones, repeated many times."""
    rng = np.random.default_rng(seed)
    states = (ProductState.zero(2), ProductState(np.array([[0.3, 0.0, 0.5], [0.0, 0.0, 1.0]])))
    ansatz = sums_ansatz(rng, 2, trainable=3, fixed=seed % 3, state=states[seed % 2])
    problem = problem_of(ansatz, random_observable(rng, 2, 3))
    sector = find_sector(ansatz)
    matrix = sector.compressed(problem.observable)
    pushed = sector_limits.push_known(sector_limits.SectorWalk(sector, problem.effective.angles))
    seen = pushed.observable(matrix)
    rho = (sector.state * sector.weights) @ sector.state.conj().T
    moments = np.einsum("ac,be->abce", rho, rho)
    average = rho
    for _ in range(4000):
        for generator in pushed.generators:
            moments, average = _twirled(moments, average, generator)
    mean = np.trace(seen @ average).real
    second = np.einsum("ca,eb,abce->", seen, seen, moments).real
    found = sector_limit(problem, sector, matrix)
    assert found.loss_mean == pytest.approx(mean, abs=1e-6)
    assert found.loss.value == pytest.approx(second - mean**2, abs=1e-6)


def _twirled(moments, average, generator):
    levels, vectors = np.linalg.eigh(generator)
    turned = np.einsum(
        "ia,jb,ijkl,kc,le->abce", vectors.conj(), vectors.conj(), moments, vectors, vectors, optimize=True
    )
    sums = levels[:, None, None, None] + levels[None, :, None, None] - levels[None, None, :, None] - levels
    turned = np.where(np.abs(sums) < 1e-9, turned, 0)
    inner = vectors.conj().T @ average @ vectors
    inner = np.where(np.abs(levels[:, None] - levels) < 1e-9, inner, 0)
    back = np.einsum("ia,jb,abce,kc,le->ijkl", vectors, vectors, turned, vectors.conj(), vectors.conj(), optimize=True)
    return back, vectors @ inner @ vectors.conj().T


def test_generators_that_do_nothing_on_the_sector():
    """The control stays ``|0⟩``, and the fixed gates leave two dimensions: nothing moves, in one gate or in many."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        qp.CRot(weights[0], weights[1], weights[2], wires=[0, 2])
        qp.Toffoli(wires=[1, 0, 2])
        qp.CH(wires=[2, 1])
        qp.QFT(wires=[3, 1, 0])
        return qp.expval(qp.Z(3) @ qp.Z(0))

    diagnosis = dla.inspect(circuit, progress=False)(np.zeros(3))
    for loss in (diagnosis.loss.variance, diagnosis.limit.loss.variance):
        assert loss.exact and loss.value == 0
    assert np.all(diagnosis.gradient.variance == 0)
