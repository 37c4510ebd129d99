"""The dimension of the sector: molecules, chains and graphs of known dimension, and closures by hand."""

import networkx as nx
import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.allowance import Allowance, OutOfTime
from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation, VectorState
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.sector.prime_field import embed
from pennylane_dla.variance.sector.sector import Sector, find_sector
from tests.helpers import density_of, pauli_matrix
from tests.helpers import embed as word_on

from .circuits import ansatz_of, heisenberg, lithium_hydride, qaoa, random_sums, three_regular


def dense_generators(ansatz):
    def dense(gate):
        words = [word_on(word, gate.wires, ansatz.num_wires) for word in gate.strings]
        return sum(c * pauli_matrix(word) for word, c in zip(words, gate.coefficients, strict=True))

    return [dense(gate) for gate in ansatz.gates]


def closed_by_hand(ansatz):
    """An orthonormal basis of the invariant space, one matrix after the other on few qubits."""
    rho = density_of(ansatz.state, ansatz.num_wires)
    values, vectors = np.linalg.eigh(rho)
    basis = vectors[:, values > 1e-10]
    while True:
        moved = np.concatenate([basis, *(g @ basis for g in dense_generators(ansatz))], axis=1)
        u, s, _ = np.linalg.svd(moved, full_matrices=False)
        grown = u[:, s > 1e-9 * s[0]]
        if grown.shape[1] == basis.shape[1]:
            return basis
        basis = grown


def test_lithium_hydride_has_twenty_five_dimensions():
    sector = find_sector(ansatz_of(*lithium_hydride()))
    assert (sector.dim, sector.total, sector.exact, sector.real) == (25, 1024, True, True)


@pytest.mark.parametrize("n, dim", [(8, 10), (10, 26), (12, 76), pytest.param(14, 232, marks=pytest.mark.slow)])
def test_heisenberg_chains(n, dim):
    sector = find_sector(ansatz_of(*heisenberg(n)))
    assert sector.dim == dim and sector.exact and sector.real


@pytest.mark.parametrize(
    "n, dim", [(3, 2), (4, 4), (6, 8), (8, 16), (10, 32), pytest.param(12, 64, marks=pytest.mark.slow)]
)
def test_rings(n, dim):
    assert find_sector(ansatz_of(*qaoa(nx.cycle_graph(n)))).dim <= dim


@pytest.mark.parametrize(
    "n, automorphisms, classes, dim",
    [(8, 4, 44, 43), (10, 8, 136, 136), pytest.param(12, 4, 576, 575, marks=pytest.mark.slow)],
)
def test_three_regular_graphs(n, automorphisms, classes, dim):
    sector = find_sector(ansatz_of(*qaoa(three_regular(n, automorphisms, classes))))
    assert sector.dim == dim and sector.exact


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_random_circuits_against_closures_by_hand(seed, integer):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 3
    bloch = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.3], [0.0, 0.0, 0.0], [0.6, 0.0, 0.8]]
    state = ProductState(np.array([bloch[rng.integers(len(bloch))] for _ in range(n)]))
    ansatz = random_sums(rng, n, 1 + seed % 2, state, integer, commuting=seed % 4 == 3)
    sector = find_sector(ansatz)
    basis = closed_by_hand(ansatz)
    assert sector.dim == basis.shape[1]
    assert sector.exact == (integer or all(len(gate.strings) == 1 for gate in ansatz.gates))
    # the same spectra, the same loss at the start
    for rotation, matrix in zip(range(len(ansatz.gates)), dense_generators(ansatz), strict=True):
        own = sector.scales[rotation] * sector.generators[sector.which[rotation]]
        expected = np.linalg.eigvalsh(basis.conj().T @ matrix @ basis)
        np.testing.assert_allclose(np.linalg.eigvalsh(own), expected, atol=1e-9)
    observable = PauliSum.from_dict({"X" * n: 0.7, "Z" + "I" * (n - 1): 1.1, "Y" + "X" * (n - 1): -0.4, "I" * n: 2.0})
    matrix = 2.0 * np.eye(2**n) + sum(
        c * pauli_matrix(word) for word, c in zip(observable.strings.labels(), observable.coefficients, strict=True)
    )
    small = sector.compressed(observable)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(small), np.linalg.eigvalsh(basis.conj().T @ matrix @ basis), atol=1e-9
    )
    rho = (sector.state * sector.weights) @ sector.state.conj().T
    assert np.trace(rho @ small).real == pytest.approx(np.trace(density_of(ansatz.state, n) @ matrix).real, abs=1e-10)


def test_a_vector_state_with_roots_is_exact():
    amplitudes = np.array([1, np.sqrt(2), 1j, 0]) / 2
    generators = ("XX", "YY"), ("ZI", "IZ")
    gates = tuple(Rotation((0, 1), words, (1.0, 1.0), Angle(0.0, (k,), (1.0,))) for k, words in enumerate(generators))
    arguments = Arguments(("w",), ((2,),), np.full(2, np.pi), lambda rows: rows)
    ansatz = Ansatz((0, 1), gates, VectorState(amplitudes), (), arguments)
    sector = find_sector(ansatz)
    assert sector.exact and sector.dim == closed_by_hand(ansatz).shape[1]


def test_two_electrons_in_forty_spin_orbitals():
    n = 40

    @qp.qnode(qp.device("default.qubit", wires=n))
    def circuit(weights):
        qp.BasisState(np.array([1, 1] + [0] * (n - 2)), wires=range(n))
        for k in range(n - 1):
            qp.SingleExcitation(weights[k], wires=[k, k + 1])
        return qp.expval(qp.Z(n - 1))

    sector = find_sector(ansatz_of(circuit, np.zeros(n - 1)))
    assert sector.dim == n * (n - 1) // 2 and sector.num_states == sector.dim


def test_a_known_entangling_gate_at_the_start_belongs_to_the_state():
    @qp.qnode(qp.device("default.qubit", wires=4))
    def circuit(weights):
        qp.IsingXX(0.7, wires=[0, 1])
        qp.CNOT(wires=[1, 2])
        for k in range(3):
            qp.IsingXY(weights[k], wires=[k, k + 1])
        return qp.expval(qp.Z(0))

    sector = find_sector(ansatz_of(circuit, np.zeros(3)))
    assert sector.rotations == (1, 2, 3) and not sector.exact
    assert sector.dim == 5  # cos|0000⟩ - i sin|1110⟩: no excitation, or three in four places
    assert sector.weights @ np.abs(sector.state.T @ sector.state.conj()).ravel() == pytest.approx(1)


def test_limits_are_stated():
    ansatz = ansatz_of(*heisenberg(10))
    assert find_sector(ansatz, max_dim=20) == Declined("the sector of the state: dimension above 20")
    with Allowance(1e-9).part(), pytest.raises(OutOfTime):
        find_sector(ansatz_of(*heisenberg(10)))

    @qp.qnode(qp.device("default.qubit", wires=30))
    def large(weights):
        for k in range(30):
            qp.RX(weights[k], wires=k)
        for k in range(29):
            qp.CRY(weights[30 + k], wires=[k, k + 1])
        return qp.expval(qp.Z(0))

    assert "at least 1073741824" in find_sector(ansatz_of(large, np.zeros(59))).reason
    assert "more than 500 basis states" in find_sector(ansatz_of(*qaoa(nx.cycle_graph(12))), max_states=500).reason

    @qp.qnode(qp.device("default.mixed", wires=2))
    def noisy(weights):
        qp.CRX(weights[0], wires=[0, 1])
        qp.DepolarizingChannel(0.1, wires=0)
        return qp.expval(qp.Z(0))

    assert "noise" in find_sector(ansatz_of(noisy, np.zeros(1))).reason


def test_residues_respect_products():
    values = np.array([1.0, np.sqrt(2), 1j * np.sqrt(3), np.sqrt(6) / 5, -0.25j])
    field, (residues,) = embed([values])
    for a in range(5):
        for b in range(5):
            for c in range(5):
                same = abs(values[a] * values[b] / values[a].real - values[c]) < 1e-12 if values[a].real else False
                assert not same or (residues[a] * residues[b] / residues[a] - residues[c]) % field.p == 0
    scale = pow(int(residues[0]), -1, field.p)
    one, two, three, six, quarter = (int(r) * scale % field.p for r in residues)
    assert one == 1 and two**2 % field.p == 2 and three**2 % field.p == field.p - 3
    assert 25 * six**2 % field.p == 6 and 4 * quarter * 4 * quarter % field.p == field.p - 1
    assert isinstance(find_sector(ansatz_of(*heisenberg(4))), Sector)
    assert embed([np.array([1.0, np.pi])]) is None
