"""The algebra on the sector against enumeration by hand."""

import networkx as nx
import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.variance.sector.algebra import sector_algebra
from pennylane_dla.variance.sector.group import recognize
from pennylane_dla.variance.sector.sector import find_sector

from .circuits import ansatz_of, heisenberg, lithium_hydride, qaoa, random_sums, three_regular


def enumerated(matrices):
    """Dimension of the real Lie algebra of skew matrices, bracket by bracket, by exact rank of a growing list."""
    flat = lambda m: np.concatenate([m.real.ravel(), m.imag.ravel()])  # noqa: E731
    basis, elements = np.zeros((0, 2 * matrices[0].size)), []

    def add(matrix):
        nonlocal basis
        row = flat(matrix)
        size = np.linalg.norm(row)
        for _ in range(2):
            row = row - basis.T @ (basis @ row)
        if size > 1e-9 and np.linalg.norm(row) > 1e-7 * max(size, 1.0):
            row = row / np.linalg.norm(row)
            basis = np.vstack([basis, row])
            half = len(row) // 2
            elements.append((row[:half] + 1j * row[half:]).reshape(matrix.shape))

    for matrix in matrices:
        add(matrix)
    number = 0
    while number < len(elements):
        for matrix in matrices:
            add(matrix @ elements[number] - elements[number] @ matrix)
        number += 1
    return len(elements)


def traceless(sector):
    one = np.eye(sector.dim)
    return [-1j * (g - np.trace(g) / sector.dim * one) for g in sector.generators]


@pytest.mark.parametrize(
    "circuit, name, dim",
    [
        (lithium_hydride(), "so(25)", 300),
        (heisenberg(6), "su(4)", 15),
        (heisenberg(10), "su(26)", 675),
        (heisenberg(12), "su(76)", 5775),
        (qaoa(nx.cycle_graph(4)), "2 su(2)", 6),
        (qaoa(nx.cycle_graph(6)), "3 su(2)", 9),
        (qaoa(three_regular(8, 4, 44)), "su(43)", 1848),
    ],
)
def test_names(circuit, name, dim):
    found = sector_algebra(find_sector(ansatz_of(*circuit)))
    assert (found.name, found.algebra.dim, found.algebra.complete) == (name, dim, True)
    assert str(found).startswith(f"{name}, ") and "dimensions" in str(found)


def test_three_hundred_by_enumeration():
    assert enumerated(traceless(find_sector(ansatz_of(*lithium_hydride())))) == 300


@pytest.mark.parametrize("seed", range(16))
def test_random_circuits_against_enumeration(seed):
    rng = np.random.default_rng(seed)
    n = 2 + seed % 2
    bloch = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    state = ProductState(np.array([bloch[rng.integers(len(bloch))] for _ in range(n)]))
    sector = find_sector(random_sums(rng, n, 1 + seed % 3, state, commuting=seed % 5 == 4))
    matrices = [m for m in traceless(sector) if np.linalg.norm(m) > 1e-9]
    expected = enumerated(matrices) if matrices else 0
    found = sector_algebra(sector).algebra
    assert found.complete and found.dim == expected
    if found.ideals is not None:
        assert sum(ideal.dim * ideal.multiplicity for ideal in found.ideals) == expected


@pytest.mark.parametrize("family, size", [("so", 5), ("so", 6), ("so", 9), ("sp", 6), ("sp", 8), ("su", 5), ("su", 8)])
def test_groups_are_recognised_and_subgroups_are_not(family, size):
    rng = np.random.default_rng(size)

    def element():
        matrix = rng.normal(size=(size, size)) + (1j * rng.normal(size=(size, size)) if family != "so" else 0)
        matrix = matrix - matrix.conj().T
        if family == "sp":
            form = np.kron(np.array([[0, 1], [-1, 0]]), np.eye(size // 2))
            matrix = (matrix + form @ matrix.T @ form) / 2  # Xᵀ J + J X = 0 with J² = -1
            assert np.abs(matrix.T @ form + form @ matrix).max() < 1e-12
        return matrix - np.trace(matrix) / size * np.eye(size)

    turn = np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]
    generators = [1j * turn @ element() @ turn.conj().T for _ in range(2)]
    group = recognize(generators, np.eye(size))
    assert group.family == family
    # an irreducible subalgebra: su(2) with spin (size - 1) / 2
    spin = (size - 1) / 2
    levels = np.arange(size) - spin
    up = np.diag(np.sqrt(spin * (spin + 1) - levels[:-1] * (levels[:-1] + 1)), -1)
    subalgebra = [turn @ g @ turn.conj().T for g in (np.diag(levels), up + up.T)]
    assert recognize(subalgebra, np.eye(size)).family is None


def test_parts_that_move_together_are_one_ideal():
    """The same rotations of two blocks, and of one block and its conjugate: su(2) twice, su(2) once, su(3) once."""
    rng = np.random.default_rng(3)

    def hermitian(d):
        matrix = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
        matrix = matrix + matrix.conj().T
        return matrix - np.trace(matrix) / d * np.eye(d)

    from pennylane_dla.variance.sector.algebra import _algebra

    def block(a, b):
        return np.block([[a, np.zeros((len(a), len(b)))], [np.zeros((len(b), len(a))), b]])

    free = [block(hermitian(2), hermitian(3)) for _ in range(2)]
    assert _algebra(free, 3, 5).name == "su(3) + su(2)"
    threes = [hermitian(3) for _ in range(2)]
    dual = [block(a, -a.conj()) for a in threes]
    assert _algebra(dual, 3, 6).name == "su(3)"
    phases = [block(a + s * np.eye(3), -a.conj()) for a, s in zip(threes, (0.3, -0.9), strict=True)]
    assert _algebra(phases, 3, 6).name == "su(3) + u(1)"


def test_what_is_too_large_to_enumerate_is_a_lower_bound():
    @qp.qnode(qp.device("default.qubit", wires=12))
    def circuit(weights):
        for q in range(6):
            qp.X(q)
        for q in range(11):
            qp.IsingXY(weights[q], wires=[q, q + 1])
        return qp.expval(qp.Z(0))

    sector = find_sector(ansatz_of(circuit, np.zeros(11)))  # free fermions: so(12) at most, on 924 dimensions
    assert sector.dim == 924
    found = sector_algebra(sector)
    assert not found.algebra.complete and found.algebra.dim <= 66 and ">=" in found.name
