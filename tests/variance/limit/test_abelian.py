"""Deep limits of one-parameter groups, commuting sums, and both beside a semisimple part: against averages over the
group that are found from eigenvalues of dense matrices."""

import itertools

import numpy as np
import pytest

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.limit.engine import deep_limit
from pennylane_dla.variance.problem import Budget, Problem
from tests.variance.oracle import string_matrix


def problem_of(sums, observable):
    """One gate per generator from ``|0…0⟩``."""
    n = len(next(iter(sums[0])))
    gates = tuple(
        Rotation(tuple(range(n)), tuple(words), tuple(words.values()), Angle(0.0, (k,), (1.0,)))
        for k, words in enumerate(sums)
    )
    arguments = Arguments(("w",), ((len(sums),),), np.full(len(sums), np.inf), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), gates, ProductState.zero(n), (), arguments)
    law = AngleLaw.resolve(None, arguments)
    return Problem(ansatz, PauliSum.from_dict(observable), law, Budget(progress=False))


def matrix(words):
    n = len(next(iter(words)))
    return sum(c * string_matrix(dict(enumerate(word)), n) for word, c in words.items())


def torus_average(matrices, rho, observable):
    """Mean, variance and gradient second moments of ``Tr[O e^{-iΣtG} ρ e^{iΣtG}]`` over independent long windows of
    commuting generators: amplitudes of equal frequency are added, then squared."""
    weights = np.sqrt([2, 3, 5, 7])[: len(matrices)]
    _, vectors = np.linalg.eigh(sum(w * g for w, g in zip(weights, matrices, strict=True)))
    energies = np.array([np.diag(vectors.conj().T @ g @ vectors).real for g in matrices]).T
    state, seen = (vectors.conj().T @ m @ vectors for m in (rho, observable))
    amplitudes = {}
    for a, b in itertools.product(range(len(rho)), repeat=2):
        key = tuple(np.round(energies[a] - energies[b], 8) + 0.0)
        amplitudes[key] = amplitudes.get(key, 0) + state[a, b] * seen[b, a]
    zero = (0.0,) * len(matrices)
    mean = amplitudes.get(zero, 0.0)
    second = sum(abs(v) ** 2 for v in amplitudes.values())
    slopes = [sum(key[k] ** 2 * abs(v) ** 2 for key, v in amplitudes.items()) for k in range(len(matrices))]
    return float(np.real(mean)), float(second - abs(mean) ** 2), slopes


def start(n):
    rho = np.zeros((2**n, 2**n))
    rho[0, 0] = 1.0
    return rho


def projector(n):
    words = itertools.product("IZ", repeat=n)
    return {"".join(w): (-1.0) ** w.count("Z") / 2**n for w in words}


CASES = {
    "irrational line": ([{"XY": 2.0, "ZY": 1.0, "XZ": 1.0}], {"XY": -0.5}),
    "rational line": ([{"XX": 1.0, "ZZ": 1.0}], {"ZI": 1.0, "XY": 0.3}),
    "three commuting sums": ([{"YIZ": 0.5}, {"XIY": 1.0}, {"ZZX": 2.0, "YXZ": 1.0}], projector(3)),
    "two lines": ([{"XI": 1.0, "ZI": 1.0}, {"IX": 1.0, "IY": 2.0, "IZ": 1.0}], {"ZZ": 1.0, "XI": 0.4}),
}


def assert_limit(found, mean, variance, slopes):
    assert found.loss.available, found.loss.reason
    assert float(found.loss.value) == pytest.approx(variance, abs=1e-9)
    assert found.loss_mean == pytest.approx(mean, abs=1e-9)
    np.testing.assert_allclose(np.asarray(found.gradient.value, float), slopes, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_commuting_generators(name):
    """The finite circuit is the average over the torus already."""
    sums, observable = CASES[name]
    n = len(next(iter(sums[0])))
    expected = torus_average([matrix(words) for words in sums], start(n), matrix(observable))
    assert_limit(deep_limit(problem_of(sums, observable)), *expected)


def test_an_irrational_line_says_what_is_averaged_over():
    sums, observable = CASES["irrational line"]
    found = deep_limit(problem_of(sums, observable))
    assert float(found.loss.value) == pytest.approx(1 / 128, abs=1e-12)
    assert "torus" in found.loss.reason


@pytest.mark.parametrize("seed", range(10))
def test_random_commuting_sums(seed):
    """Sums of products of ``M₁ = P·Q…`` that commute pairwise, with rational and irrational ratios."""
    rng = np.random.default_rng(seed)
    n, letters = 3, [str(rng.choice(list("XYZ"))) for _ in range(3)]
    words = ["".join(a if bit else "I" for a, bit in zip(letters, bits, strict=True)) for bits in
             itertools.product((0, 1), repeat=n)][1:]  # fmt: skip
    sums = []
    for _ in range(1 + seed % 3):
        chosen = rng.choice(words, 2, replace=False)
        sums.append({str(w): float(rng.choice([1.0, 2.0, 0.5, np.sqrt(2)])) for w in chosen})
    observable = {"".join(rng.choice(list("IXYZ"), n)): float(rng.normal()) for _ in range(5)}
    observable.pop("III", None)
    expected = torus_average([matrix(s) for s in sums], start(n), matrix(observable))
    if len({tuple(s) for s in sums}) == len(sums):
        assert_limit(deep_limit(problem_of(sums, observable)), *expected)


@pytest.mark.parametrize("line", [{"IX": 1.0, "IZ": 1.0}, {"IX": 2.0, "IY": -1.0}], ids=["XZ", "XY"])
def test_a_center_beside_a_semisimple_part(line):
    """``su(2)`` on one qubit from two sums, a commuting line on the other: a product of two averages."""
    sums = [{"XI": 1.0, "YI": 1.0}, {"ZI": 1.0, "YI": 0.5}, line]
    observable = {"ZI": 0.7, "ZZ": 1.0, "IY": -0.4, "XX": 0.5, "IX": 0.2}
    circle = _rotations(matrix({word[1]: c for word, c in line.items()}))
    nodes, gauss = np.polynomial.legendre.leggauss(8)
    y = matrix({"Y": 1.0})
    sphere = [np.cos(b) * np.eye(2) - 1j * np.sin(b) * y for b in np.arccos(nodes) / 2]
    z = _rotations(matrix({"Z": 1.0}))
    full, mean, second = matrix(observable), 0.0, 0.0
    for (weight, beta), first, last, other in itertools.product(zip(gauss / 2, sphere, strict=True), z, z, circle):
        unitary = np.kron(first @ beta @ last, other)
        value = float((unitary @ start(2) @ unitary.conj().T @ full).trace().real)
        mean, second = mean + weight * value, second + weight * value**2
    count = len(z) ** 2 * len(circle)
    mean, second = mean / count, second / count
    found = deep_limit(problem_of(sums, observable))
    assert float(found.loss.value) == pytest.approx(second - mean**2, abs=1e-9)
    assert found.loss_mean == pytest.approx(mean, abs=1e-9)


def _rotations(generator):
    """``e^{-itG}`` at equidistant points over the period of a traceless ``2 × 2`` generator."""
    values, vectors = np.linalg.eigh(generator)
    times = np.arange(8) * np.pi / 8 / np.abs(values).max()
    return [(vectors * np.exp(-1j * t * values)) @ vectors.conj().T for t in times]
