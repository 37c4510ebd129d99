"""Lie closure of sums: families of known dimension, qp.lie_closure on random generators, and how ranks are decided."""

from fractions import Fraction
from math import comb

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.algebra.sums.coordinates import Coordinates, twin_classes
from pennylane_dla.algebra.sums.residues import embed, rational
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum

from .families import complete, couplings, field, heisenberg_layers, path, random_sums, ring, total


def hardware_efficient(n):
    return [total(n, {q: p}) for q in range(n) for p in "XY"] + [couplings(n, path(n))]


def as_operator(generator):
    return qp.sum(
        *(
            c * qp.pauli.string_to_pauli_word(label)
            for c, label in zip(generator.coefficients, generator.strings.labels(), strict=True)
        )
    )


ROWS = (
    [(f"QAOA ring {n}", [couplings(n, ring(n)), field(n, "X")], 3 * n - 1) for n in range(3, 9)]
    + [(f"QAOA path {n}", [couplings(n, path(n)), field(n, "X")], n * n) for n in range(3, 8)]
    + [
        (f"QAOA complete {n}", [couplings(n, complete(n)), field(n, "X")], d)
        for n, d in zip(range(3, 7), (8, 15, 24, 38), strict=True)
    ]
    + [
        (f"equivariant {n}", [field(n, "X"), field(n, "Y"), couplings(n, complete(n))], d)
        for n, d in zip(range(2, 6), (9, 19, 33, 54), strict=True)
    ]
    + [(f"Heisenberg layers {n}", heisenberg_layers(n), d) for n, d in zip((4, 5, 6), (8, 31, 66), strict=True)]
    + [(f"X, Y, sum ZZ {n}", hardware_efficient(n), 4**n - 1) for n in (3, 4)]
)


@pytest.mark.parametrize("generators, dim", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_reference_dimensions(generators, dim):
    algebra = lie_closure_sums(generators)
    assert algebra.complete and algebra.dim == dim
    assert len(algebra.basis) == dim


def test_ring_of_fifty_qubits_needs_only_the_strings_of_free_fermions():
    algebra = lie_closure_sums([couplings(50, ring(50)), field(50, "X")])
    assert algebra.dim == 149


@pytest.mark.parametrize("n", [6, 12])
def test_equivariant_circuits_at_any_width(n):
    generators = [field(n, "X"), field(n, "Y"), couplings(n, complete(n))]
    assert lie_closure_sums(generators, basis=False).dim == comb(n + 3, 3) - n // 2 - (n == 0)


def dense(generator):
    return qp.matrix(as_operator(generator), wire_order=range(generator.num_wires))


def brute_force_dimension(generators):
    """All brackets of all pairs, rank by singular values, until nothing is new."""
    size = 2 ** generators[0].num_wires
    basis, rank = np.array([dense(g) for g in generators]), 0
    while True:
        basis = basis / np.linalg.norm(basis, axis=(1, 2))[:, None, None]
        brackets = [1j * (a @ b - b @ a) for i, a in enumerate(basis) for b in basis[:i]]
        rows = np.array([*basis, *brackets]).reshape(-1, size * size)
        rows = np.concatenate([rows.real, rows.imag], axis=1)
        _, values, vectors = np.linalg.svd(rows, full_matrices=False)
        previous, rank = rank, int(np.sum(values > 1e-9 * values[0]))
        if rank == previous:
            return rank
        basis = (vectors[:rank, : size * size] + 1j * vectors[:rank, size * size :]).reshape(-1, size, size)


@pytest.mark.parametrize("kind", ["integer", "rational", "irrational", "root"])
def test_random_sums_against_brute_force_and_pennylane(kind):
    rng = np.random.default_rng([len(kind), 5])
    for _ in range(25):
        generators = random_sums(rng, kind)
        algebra = lie_closure_sums(generators)
        if generators[0].num_wires < 4:
            assert algebra.dim == brute_force_dimension(generators)
        if generators[0].num_wires < (4 if kind == "integer" else 3):
            # beyond that qp.lie_closure (0.45.1) can lose dimensions: see the next test
            assert algebra.dim == len(qp.lie_closure([as_operator(g) for g in generators]))
        assert "DOUBT" not in algebra.reason
        assert "tolerance" not in algebra.reason or kind == "irrational"


def test_a_case_that_pennylane_misjudges():
    """``qp.lie_closure`` (0.45.1) finds 62, and no subalgebra of su(8) but itself has more than 49."""
    generators = [
        PauliSum.from_dict({"IZI": -1.5201191865139092, "YYI": -0.06588837406423007, "YYZ": -0.7990042523861552}),
        PauliSum.from_dict({"IIZ": -0.08615767133145076, "IXZ": -1.4416560545167754, "ZZI": -0.0032993139184961844}),
    ]
    assert lie_closure_sums(generators).dim == brute_force_dimension(generators) == 13


def test_the_basis_is_orthonormal_closed_and_holds_the_generators():
    generators = [couplings(4, path(4)), field(4, "X")]
    basis = np.array([dense(b).ravel() for b in lie_closure_sums(generators).basis]) / 4
    assert np.allclose(basis @ basis.conj().T, np.eye(16), atol=1e-12)
    matrices = basis.reshape(-1, 16, 16)
    inside = [dense(g) for g in generators]
    inside += [1j * (a @ b - b @ a) for a in matrices for b in matrices]
    inside = np.array(inside).reshape(len(inside), -1)
    assert np.allclose(inside, (inside @ basis.conj().T) @ basis, atol=1e-10)


def test_an_algebra_spanned_by_strings_is_returned_as_strings():
    assert isinstance(lie_closure_sums(hardware_efficient(3)).basis, PauliStrings)


def test_tiny_rational_coefficients_are_decided_exactly():
    """``Z₀ + 1e-12 Z₁`` with ``X₁`` makes ``Z₀`` and ``su(2)``; without the small term they commute."""
    small = [PauliSum.from_dict({"ZI": 1.0, "IZ": 1e-12}), PauliSum.from_dict({"IX": 1.0})]
    algebra = lie_closure_sums(small)
    assert algebra.dim == 4  # ZI apart, IX, IY and IZ
    assert "exact" in algebra.reason
    assert lie_closure_sums([PauliSum.from_dict({"ZI": 1.0}), PauliSum.from_dict({"IX": 1.0})]).dim == 2


def test_tiny_irrational_coefficients_are_a_stated_decision():
    small = [PauliSum.from_dict({"ZI": 1.0, "IZ": np.pi * 1e-12}), PauliSum.from_dict({"IX": 1.0})]
    algebra = lie_closure_sums(small)
    assert "very different size" in algebra.reason or "DOUBT" in algebra.reason


def test_budget_is_a_stated_result():
    algebra = lie_closure_sums(hardware_efficient(4), max_dim=100)
    assert not algebra.complete and 100 < algebra.dim <= 255 and "max_dim=100" in algebra.reason
    algebra = lie_closure_sums(hardware_efficient(4), max_memory=10_000)
    assert not algebra.complete and "max_memory" in algebra.reason


def test_bad_input():
    with pytest.raises(DLAError, match="at least one"):
        lie_closure_sums([])
    with pytest.raises(DLAError, match="Generator 1 acts on 3 qubits"):
        lie_closure_sums([field(2, "X"), field(3, "X")])
    with pytest.raises(DLAError, match="not finite"):
        lie_closure_sums([PauliSum(PauliStrings.from_labels(["X"]), np.array([np.nan]))])


def test_identity_only():
    assert lie_closure_sums([PauliSum.from_dict({"II": 2.0})]).dim == 0


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(-22, 7), Fraction(1, 10**12), Fraction(5)])
def test_rational_numbers_are_recognised(value):
    assert rational(float(value)) == value


def test_generic_numbers_are_not():
    rng = np.random.default_rng(3)
    found = sum(rational(value) is not None for value in rng.normal(size=300))
    assert found <= 30


def test_roots_satisfy_their_relations_modulo_the_prime():
    p, (residues,) = embed([np.sqrt([9.0, 2.0, 3.0, 6.0, 1.5])])
    one, two, three, six, half = (int(r) for r in residues)  # all divided by 3
    third = pow(3, -1, p)
    assert one == 1
    assert (two * two - 2 * third * third) % p == 0
    assert (two * three - third * six) % p == 0
    assert (2 * half * two - two * six) % p == 0 or (2 * half - six) % p == 0


def test_twins_and_their_orbits():
    n = 5
    generators = [couplings(n, complete(n)), field(n, "X")]
    assert len(np.unique(twin_classes(generators))) == 1
    assert len(np.unique(twin_classes([*generators, total(n, {2: "Z"})]))) == 2
    assert len(np.unique(twin_classes([couplings(n, ring(n)), field(n, "X")]))) == n
    coordinates = Coordinates(generators, twin_classes(generators))
    index = coordinates.locate(PauliStrings.from_labels(["XIIZI", "IZXII", "XXIII"]))
    assert index.tolist() == [0, 0, 1]
    assert coordinates.sizes.tolist() == [20, 10]
    members = coordinates.members(0)
    assert len(set(members.labels())) == 20 and "IIZIX" in members.labels()
