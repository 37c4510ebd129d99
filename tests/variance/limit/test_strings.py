"""The deep-circuit limit against the iterated second-moment channel and against closed forms."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation, UnknownState, VectorState
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import product, turn
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.limit import orbit_average
from pennylane_dla.variance.limit.projectors import projector_limit
from pennylane_dla.variance.limit.strings import limit
from pennylane_dla.variance.problem import Budget, Problem
from tests.algebra.enumeration import anticommutation_table, codes, from_codes, generator_sets


def rotation(p, angle, n):
    """Matrix of ``exp(iαP/2) · exp(-iαP/2)`` on coefficient vectors in the Pauli basis."""
    index = np.arange(4**n)
    moved, signs = turn(from_codes(np.full(4**n, p), n), from_codes(index, n))
    active = anticommutation_table(n)[p]
    matrix = np.diag(np.where(active, np.cos(angle), 1.0))
    matrix[codes(moved)[active], index[active]] = np.sin(angle) * signs[active]
    return matrix


def second_moment(generators, covariance, n, sweeps=400):
    """Covariance of the Heisenberg coefficients behind very many rotations by uniform angles: three angles average
    every trigonometric polynomial of degree two."""
    turns = [[rotation(p, 2 * np.pi * j / 3, n) for j in range(3)] for p in generators]
    for _ in range(sweeps):
        before = covariance
        for matrices in turns:
            covariance = sum(m @ covariance @ m.T for m in matrices) / 3
        if np.abs(covariance - before).max() < 1e-14:
            break
    return covariance


def derivative(p, covariance, n):
    """``∂/∂α`` of both factors at ``α = 0``; an angle more or less is absorbed by the average around it."""
    generator = rotation(p, np.pi / 2, n) * anticommutation_table(n)[p]
    return generator @ covariance @ generator.T


@st.composite
def states(draw, n):
    kind = draw(st.sampled_from(["zero", "eigen", "product", "mixed", "vector"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    if kind == "zero":
        return ProductState.zero(n)
    if kind == "eigen":
        return ProductState(np.eye(3)[rng.integers(0, 3, n)] * rng.choice([-1, 1], (n, 1)))
    if kind == "vector":
        amplitudes = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
        return VectorState(amplitudes / np.linalg.norm(amplitudes))
    bloch = rng.normal(size=(n, 3))
    bloch /= np.linalg.norm(bloch, axis=1, keepdims=True)
    return ProductState(bloch * (rng.choice([0, 0.5, 1], (n, 1)) if kind == "mixed" else 1))


@st.composite
def cases(draw, max_wires=3):
    generators, n = draw(generator_sets(max_wires))
    terms = draw(st.lists(st.integers(1, 4**n - 1), min_size=1, max_size=5, unique=True))
    central = ~anticommutation_table(n)[list(generators)].any(axis=0)
    if central.sum() > 1 and draw(st.booleans()):  # terms that interfere are rare: make some
        conserved = int(np.flatnonzero(central)[draw(st.integers(1, int(central.sum()) - 1))])
        terms = list(dict.fromkeys([*terms, *(t ^ conserved for t in terms if t != conserved)]))
    coefficients = draw(
        st.lists(st.sampled_from([1.0, -0.5, 0.25, 2.0, 0.1]), min_size=len(terms), max_size=len(terms))
    )
    return generators, n, terms, coefficients, draw(states(n))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_against_the_second_moment_channel(case):
    generators, n, terms, coefficients, state = case
    result = limit(from_codes(generators, n), PauliSum(from_codes(terms, n), np.array(coefficients)), state)

    vector = np.zeros(4**n)
    vector[terms] = coefficients
    conserved = ~anticommutation_table(n)[list(generators)].any(axis=0)
    expectation = state.expectation(from_codes(np.arange(4**n), n))
    mean = (vector * expectation)[conserved].sum()
    vector[conserved] = 0
    covariance = second_moment(generators, np.outer(vector, vector), n)
    assert result.loss.exact
    np.testing.assert_allclose(float(result.loss.value), expectation @ covariance @ expectation, atol=1e-10)
    np.testing.assert_allclose(result.loss_mean, mean, atol=1e-12)
    for p, value in zip(generators, result.gradient.value, strict=True):
        expected = second_moment(generators, derivative(p, covariance, n), n)
        np.testing.assert_allclose(float(value), expectation @ expected @ expectation, atol=1e-10)


def chain(n, *words):
    """Each word on neighbouring qubits, everywhere on an open chain."""
    wires = [[i + a for a in range(len(word))] for word in words for i in range(n - len(word) + 1)]
    letters = [word for word in words for _ in range(n - len(word) + 1)]
    return PauliStrings.from_local(wires, letters, n)


def string(n, wires, letters):
    return PauliSum(PauliStrings.from_local([wires], [letters], n), np.ones(1))


@pytest.mark.parametrize("n", [4, 40, 400])
def test_matchgates(n):
    """Closed forms for ``|0…0⟩``: the fraction of Majorana products of the degree that are diagonal."""
    zero = ProductState.zero(n)
    xx = limit(chain(n, "XX", "Z"), string(n, [0], "Z"), zero)
    assert xx.loss.value == Fraction(1, 2 * n - 1)
    # two of the 2n operators in each bilinear γ_aγ_b: it anticommutes with 2·2(n-1) of the n(2n-1) bilinears
    assert set(xx.gradient.value) == {Fraction(1, 2 * n - 1) * Fraction(4 * (n - 1), n * (2 * n - 1))}
    zz = limit(chain(n, "ZZ", "X"), string(n, [0], "Z"), zero)
    assert zz.loss.value == Fraction(1, 2 * n)
    pair = limit(chain(n, "ZZ", "X"), string(n, [0, 1], "ZZ"), zero)
    assert pair.loss.value == Fraction(n - 1, n * (2 * n - 1))
    assert xx.algebra.name == zz.algebra.name == f"so({2 * n})"


@pytest.mark.parametrize("n", [2, 5, 40, 300])
def test_universal_circuits(n):
    """``su(2^n)``: a traceless string on a pure stabilizer state has ``1/(2ⁿ+1)``, and half of it for a derivative up
    to the missing identity."""
    axes = np.eye(3)[np.arange(n) % 3] * (-1.0) ** np.arange(n)[:, None]
    result = limit(chain(n, "X", "Y", "ZZ"), string(n, [0, n - 1], "YX"), ProductState(axes))
    assert result.loss.value == Fraction(1, 2**n + 1)
    half = Fraction(4**n // 2, 4**n - 1)  # of all strings but the identity, those that anticommute with one
    assert set(result.gradient.value) == {half / (2**n + 1)}
    assert result.modules[0].dim == 4**n - 1
    assert result.modules[0].state_purity == 2**n - 1
    assert result.expressiveness == Fraction(1, 4**n - 1)
    assert result.state_factor == 2**n - 1


def test_any_pure_product_state_of_a_universal_circuit():
    """The purity of a pure state is 1 in any basis, so the limit does not see which one it is."""
    n = 60
    angles = np.random.default_rng(0).uniform(0, np.pi, n)
    state = ProductState(np.stack([np.sin(angles), np.zeros(n), np.cos(angles)], axis=1))
    result = limit(chain(n, "X", "Y", "ZZ"), string(n, [3], "Z"), state)
    assert result.loss.exact
    np.testing.assert_allclose(float(result.loss.value * (2**n + 1)), 1.0, rtol=1e-12)


def test_majorana_degree_in_the_middle():
    """A weight enumerator that splits into pairs: degree ``n`` of ``2n`` Majorana operators, ``C(n, n/2)/C(2n, n)``."""
    n = 200
    result = limit(chain(n, "XX", "Z"), string(n, range(n // 2), "Z" * (n // 2)), ProductState.zero(n))
    # 2k = N: a set and its complement differ by the parity, a central string that is no label here
    assert result.loss.value == Fraction(comb(n, n // 2), comb(2 * n, n))


def test_interference_through_a_conserved_parity():
    """``Z₀`` and its product with the parity move together and interfere with the sign of the parity."""
    n = 6
    generators = chain(n, "XX", "Z")
    terms = PauliStrings.from_labels(["ZIIIII", "IZZZZZ"])
    for sign, bloch in ((1, 1.0), (-1, -1.0)):
        state = ProductState.zero(n)
        state.bloch[-1, 2] = bloch
        both = limit(generators, PauliSum(terms, np.array([1.0, 0.5])), state)
        assert both.loss.value == Fraction(1, 2 * n - 1) * (1 + sign * Fraction(1, 2)) ** 2


def test_conserved_terms_are_the_mean():
    generators = PauliStrings.from_labels(["XI", "YI"])
    result = limit(generators, PauliSum.from_dict({"IZ": 3.0, "II": 0.5}), ProductState.zero(2))
    assert (result.loss.value, result.loss_mean, result.conserved_purity) == (0, 3.5, 9)
    assert all(value == 0 for value in result.gradient.value)


def test_sampled_where_nothing_else_applies(monkeypatch):
    """A tilted product state under matchgates, degree two: compared with the sum over all pairs, within four
    standard errors."""
    n, angle = 60, 0.7
    state = ProductState(np.tile([np.sin(angle), 0.0, np.cos(angle)], (n, 1)))
    observable = string(n, [0, 1], "ZZ")
    generators = chain(n, "ZZ", "X")
    exact = limit(generators, observable, state)
    assert exact.loss.exact  # 7140 members are listed
    monkeypatch.setattr(orbit_average, "WORK", 2**18)
    sampled = limit(generators, observable, state, budget=Budget(samples=4000, seed=1))
    assert not sampled.loss.exact and "random members" in sampled.loss.reason
    assert 0 < abs(float(sampled.loss.value - exact.loss.value)) < 4 * sampled.loss.stderr


def test_unknown_state():
    result = limit(chain(3, "X", "ZZ"), string(3, [0], "Z"), UnknownState("MottonenStatePreparation on 20 wires"))
    assert not result.loss.available and "Mottonen" in result.loss.reason


@pytest.mark.parametrize(
    "n, words, terms, layers",
    [
        (8, ("ZZ", "X"), {"ZIIIIIII": 1.0, "ZZIIIIII": 0.5}, 800),
        (6, ("XX", "YY"), {"XXIIII": 1.0, "IIYYII": -0.5}, 300),
        (5, ("XX", "Z"), {"ZIIII": 1.0, "IZZZZ": 0.5, "XXIII": 1.0}, 300),
        (4, ("X", "Y", "ZZ"), {"ZIII": 1.0, "XYZI": 0.3}, 120),
        (3, ("XY", "YZ", "ZX"), {"ZII": 1.0, "XYZ": 0.3}, 150),
    ],
)
def test_against_the_engine_at_large_depth(n, words, terms, layers):
    """Finite depth converges to the limit, for the loss and for a parameter in the middle."""
    generators, observable = chain(n, *words), PauliSum.from_dict(terms)
    m = len(generators)
    labels = [(tuple(np.flatnonzero([c != "I" for c in word])), word.replace("I", "")) for word in generators.labels()]
    gates = [
        Rotation(tuple(int(w) for w in wires), (word,), (0.5,), Angle(0.0, (layer * m + k,), (1.0,)))
        for layer in range(layers)
        for k, (wires, word) in enumerate(labels)
    ]
    arguments = Arguments(("w",), ((len(gates),),), np.full(len(gates), 2 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), ProductState.zero(n), (), arguments)
    deep = exact.predict(Problem(ansatz, observable, AngleLaw.resolve(None, arguments)))
    result = limit(generators, observable, ProductState.zero(n))
    np.testing.assert_allclose(deep.loss.value, float(result.loss.value), rtol=1e-6)
    middle = slice(layers // 2 * m, (layers // 2 + 1) * m)
    np.testing.assert_allclose(deep.gradient.value[middle], result.gradient.value.astype(float), rtol=1e-5)


@pytest.mark.parametrize(
    "labels",
    [
        ["XII", "YII", "IXI", "IYI", "IIX", "IIY", "ZZI", "IZZ"],  # su(8)
        ["XII", "IXI", "IIX", "ZII", "IZI", "ZZI", "IZZ", "XXX"],
        ["YII", "IYI", "IIY", "XYI", "IXY", "YIX"],  # so(8), all strings with an odd number of Y
        ["ZII", "XII", "IZI", "IXI", "IIX", "ZZZ"],
    ],
)
@pytest.mark.parametrize("stabilizers", [["ZII", "IZI", "IIZ"], ["XXI", "ZZI"], ["YYX"]])
@pytest.mark.parametrize("kind", ["eigenstate", "tilted"])
def test_projectors_without_expansion(labels, stabilizers, kind):
    """Against the expanded projector, wherever the generators span everything in one component."""
    generators, group = PauliStrings.from_labels(labels), PauliStrings.from_labels(stabilizers)
    state = ProductState.zero(3)
    if kind == "tilted":
        state = ProductState(np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [0.36, 0.48, 0.8]]))
    terms, coefficients = PauliStrings.from_labels(["III"]), np.ones(1)
    for string in group:  # ∏ (1 + S)/2, multiplied out
        more, exponent = product(terms, string[np.zeros(len(terms), int)])
        terms = PauliStrings.concatenate([terms, more])
        coefficients = np.concatenate([coefficients, coefficients * (1 - exponent)]) / 2
    expected = limit(generators, PauliSum.collect(terms, coefficients), state)
    found = projector_limit(generators, group, state)
    component = expected.algebra.components[0]
    if component.frame is not None or component.span.g < 3:
        assert found is None
        return
    np.testing.assert_allclose(float(found.loss.value), float(expected.loss.value), rtol=1e-12)
    np.testing.assert_allclose(found.gradient.value.astype(float), expected.gradient.value.astype(float), rtol=1e-12)
    assert found.loss_mean == 2.0 ** -len(group)


def test_projectors_of_other_algebras_are_left_to_the_sum():
    assert projector_limit(chain(4, "X", "ZZ"), PauliStrings.from_labels(["ZIII"]), ProductState.zero(4)) is None
