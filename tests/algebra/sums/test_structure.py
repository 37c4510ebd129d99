"""Center and simple ideals: known algebras, and ideals checked by their brackets."""

from itertools import combinations, product

import numpy as np
import pytest

from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.algebra.sums.commutant import Commutant
from pennylane_dla.algebra.sums.structure import adjoint, short_roots, structure
from pennylane_dla.pauli import PauliSum

from .families import complete, couplings, field, heisenberg_layers, path, random_sums, ring


def strings(*labels):
    return [PauliSum.from_dict({label: 1.0}) for label in labels]


def majoranas(n):
    """``2n`` anticommuting strings."""
    return ["Z" * q + p + "I" * (n - q - 1) for q in range(n) for p in "XY"]


CASES = [
    ("QAOA ring 5", [couplings(5, ring(5)), field(5, "X")], "4 su(2) + 2 u(1)"),
    ("QAOA path 6", [couplings(6, path(6)), field(6, "X")], "su(6) + u(1)"),
    ("QAOA complete 5", [couplings(5, complete(5)), field(5, "X")], "2 su(3) + 2 su(2) + 2 u(1)"),
    ("equivariant 4", [field(4, "X"), field(4, "Y"), couplings(4, complete(4))], "su(5) + su(3) + u(1)"),
    ("Heisenberg layers 6", heisenberg_layers(6), "su(6) + su(4) + su(3) + 2 su(2) + 2 u(1)"),
    ("TFIM 4", strings("ZZII", "IZZI", "IIZZ", "XIII", "IXII", "IIXI", "IIIX"), "so(8)"),
    ("XY 5", strings("XXIII", "YYIII", "IXXII", "IYYII", "IIXXI", "IIYYI", "IIIXX", "IIIYY"), "2 so(5)"),
    ("all strings", strings("XI", "YI", "IX", "IY", "ZZ"), "su(4)"),
    ("commuting", strings("ZI", "IZ", "ZZ"), "3 u(1)"),
    ("so(7), from Majoranas", strings(*majoranas(3), "ZZZ"), "so(8)"),
    ("so(7)", strings(*majoranas(3)), "so(7)"),
]


@pytest.mark.parametrize("generators, name", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_known_algebras(generators, name):
    algebra = structure(lie_closure_sums(generators))
    assert sum(ideal.dim * ideal.multiplicity for ideal in algebra.ideals) == algebra.dim
    assert algebra.name == name


def test_so_and_sp_of_equal_dimension_and_rank():
    """Both have dimension 36 and rank 4. The strings ``P`` with ``P^T = -Ω P Ω^{-1}``, ``Ω = Y₀``,
    span sp(8); eight Majoranas and their products of two span so(9)."""
    labels = ["".join(letters) for letters in product("IXYZ", repeat=3)]
    symplectic = []
    for label in labels[1:]:
        transposed = (-1) ** label.count("Y")
        conjugated = -1 if label[0] in "XZ" else 1
        if transposed * conjugated == -1:
            symplectic.append(label)
    assert len(symplectic) == 36
    assert structure(lie_closure_sums(strings(*symplectic))).name == "sp(8)"
    assert structure(lie_closure_sums(strings(*majoranas(4)))).name == "so(9)"


def root_system(family, rank):
    """Values on a generic element of the roots of so(2r+1), sp(2r) or e6 (e8 orthogonal to an su(3))."""
    signs = list(product((1, -1), repeat=2))
    if family == "e6":
        unit = np.eye(8)
        roots = [s * unit[i] + t * unit[j] for i, j in combinations(range(8), 2) for s, t in signs]
        roots += [np.array(s) / 2 for s in product((1, -1), repeat=8) if np.prod(s) > 0]
        h = np.random.default_rng(5).normal(size=8)
        return np.array([r @ h for r in roots if r[0] == r[1] == r[2]])
    h = np.random.default_rng(5).normal(size=rank)
    long = [s * h[i] + t * h[j] for i, j in combinations(range(rank), 2) for s, t in signs]
    return np.array(long + [s * {"so": 1, "sp": 2}[family] * x for x in h for s in (1, -1)])


@pytest.mark.parametrize("rank", [3, 4, 6, 9])
def test_short_roots_tell_the_families_apart(rank):
    assert short_roots(root_system("so", rank), 1e-9) == 2 * rank
    assert short_roots(root_system("sp", rank), 1e-9) == 2 * rank * (rank - 1)


def test_e6_is_simply_laced():
    roots = root_system("e6", 6)
    assert len(roots) == 72 and short_roots(roots, 1e-9) == 0


def test_parts_are_ideals():
    """Random sums: the parts are orthogonal, invariant, and brackets between different parts vanish."""
    rng = np.random.default_rng(8)
    seen = 0
    while seen < 12:
        algebra = lie_closure_sums(random_sums(rng, "rational"))
        if algebra.basis is None or not 3 < algebra.dim < 64:
            continue
        seen += 1
        commutant = Commutant(adjoint(algebra))
        parts = commutant.irreducibles()
        assert sum(p.shape[1] for p in parts) == algebra.dim
        for action in commutant.actions:
            for part in parts:
                image = action @ part
                assert np.allclose(image, part @ (part.T @ image), atol=1e-8)
            for one, other in combinations(parts, 2):
                assert np.abs(one.T @ action @ other).max() < 1e-8
        named = structure(algebra)
        assert sum(i.dim * i.multiplicity for i in named.ideals) == algebra.dim


def test_above_the_limit_it_says_so():
    algebra = structure(lie_closure_sums([couplings(5, path(5)), field(5, "X")]), max_dim=10)
    assert algebra.ideals is None and "not determined above dimension 10" in algebra.reason
