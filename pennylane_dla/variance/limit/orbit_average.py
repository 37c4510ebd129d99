"""The average of ``(Σ_i c_i Tr[ρ Q_i])²`` while the strings ``Q_i`` run over an orbit together.

Exact by counting for products of Pauli eigenstates, exact by a product over qubits where the generators span all
strings on some qubits, exact by enumeration where the orbit is small; otherwise the mean over random members, with
its error. What it is for: :mod:`~pennylane_dla.variance.limit`.

Source: West et al., arXiv:2502.16404.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
from jaxtyping import Float, Int, UInt8

from pennylane_dla.algebra.f2.symplectic import strings
from pennylane_dla.algebra.orbits.displacements import Quadric
from pennylane_dla.algebra.orbits.orbit import Orbit
from pennylane_dla.algebra.orbits.stabilizer_count import Share
from pennylane_dla.circuit.ansatz import ProductState, State, VectorState
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.pauli.strings import product, unpack
from pennylane_dla.variance.problem import Budget

WORK = 2**26  # elementary steps (strings times qubits, or times amplitudes) of an enumeration


@dataclass(frozen=True, eq=False)
class Together:
    """Strings ``Q_i = i^{phases[i]} Q_1 R_i`` that differ by conserved strings, so that all move together.

    Args:
        orbit: of ``Q_1``
        differences: ``R_i``
        phases: exponents of ``i``
        coefficients: real, one each
    """

    orbit: Orbit
    differences: PauliStrings
    phases: Int[np.ndarray, " m"]
    coefficients: Float[np.ndarray, " m"]

    @classmethod
    def of(cls, orbit: Orbit, members: PauliStrings, coefficients: Float[np.ndarray, " m"]) -> Together:
        """From the strings themselves, the first of which starts the orbit."""
        leader = strings(np.repeat(orbit.start, len(members), axis=0), orbit.num_wires)
        differences, exponent = product(leader, members)  # Q_1 Q_i = i^k R_i
        return cls(orbit, differences, exponent, np.asarray(coefficients, float))

    def expectation(self, state: State, leaders: PauliStrings) -> Float[np.ndarray, " m"]:
        """``Σ_i c_i Tr[ρ P Q_1 Q_i]`` for members ``P`` of the orbit: up to one sign the loss."""
        total = np.zeros(len(leaders))
        for j in range(len(self.differences)):
            difference = self.differences[np.full(len(leaders), j)]
            moved, exponent = product(leaders, difference)
            phase = 1j ** ((exponent + self.phases[j]) % 4)
            total += self.coefficients[j] * phase.real * state.expectation(moved)
        return total


def mean_square(together: Together, state: State, budget: Budget) -> Share:
    """The average of the squared expectation over the orbit.

    Args:
        together: strings that move together
        state: a product state or a vector of amplitudes
        budget: limits of enumeration and sampling

    Returns:
        Share: with its standard error and reason where it was sampled
    """
    for closed_form in (_by_factors, _over_everything):
        exact = closed_form(together, state)
        if exact is not None:
            return exact
    orbit = together.orbit
    step = orbit.num_wires if isinstance(state, ProductState) else 2**orbit.num_wires
    work = step * len(together.differences)
    if orbit.size * work <= WORK:
        members = orbit.members()
        return Share(Fraction(float(np.mean(together.expectation(state, members) ** 2))))
    samples = max(64, min(budget.samples, WORK // work))
    members = orbit.sample(np.random.default_rng(budget.seed), samples)
    values = together.expectation(state, members) ** 2
    error = float(values.std(ddof=1) / np.sqrt(samples))
    return Share(Fraction(float(values.mean())), error, None, f"average over {samples} random members of the orbit")


def _by_factors(together, state):
    """Any product state, where each component spans all strings on qubits of its own: sums over its quadric are
    products over qubits, because quadratic form, sign and state all are."""
    orbit = together.orbit
    if not isinstance(state, ProductState):
        return None
    taken = np.zeros(orbit.num_wires, bool)
    mean = Fraction(1)
    for part in orbit.parts:
        if not isinstance(part, Quadric) or part.span.r:
            return None
        support = np.any(_bits(np.bitwise_or.reduce(part.rows, axis=0)[None], orbit.num_wires), axis=0)[0]
        if 2 * support.sum() != len(part.rows) or (taken & support).any():
            return None
        taken |= support
        mean *= _quadric_mean(part, np.flatnonzero(support), state, orbit.num_wires)
    outside = ProductState(np.where(taken[:, None], 0.0, state.bloch))
    blank = strings(orbit.start.copy(), orbit.num_wires)
    x, z = blank.bits()
    start = PauliStrings.from_bits(np.where(taken, 0, x), np.where(taken, 0, z))
    amplitude = Fraction(float(together.expectation(outside, start)[0]))
    return Share(mean * amplitude**2)


def _quadric_mean(part, qubits, state, num_wires) -> Fraction:
    """Mean of ``Tr[ρ Y]²`` over ``y = x + u``, ``u`` in the quadric, on its qubits."""
    letters = np.arange(4)
    x = _bits(part.x, num_wires)[:, 0, qubits]
    squares = [[1, *((c.numerator**2, c.denominator**2) for c in map(Fraction, state.bloch[q]))] for q in qubits]
    table = [[(1, 1), row[1], row[3], row[2]] for row in squares]  # codes I, X, Z, Y
    plain = _product_of_sums(table)
    u = letters[:, None] ^ (x[0] + 2 * x[1])  # letter of u = y + x, for each letter of y
    stop = part.quadratic is None or not part.value(part.stopping)[0]
    if part.quadratic is None:
        return (plain - 1) / part.size
    w = _bits(part.quadratic.functional[None], num_wires)[:, 0, qubits]
    ux, uz = u & 1, u >> 1
    odd = (ux & uz) ^ (ux & w[0]) ^ (uz & w[1]) ^ (ux & x[1]) ^ (uz & x[0])
    signed = _product_of_sums(
        [[(-a if odd[c, j] else a, b) for c, (a, b) in enumerate(row)] for j, row in enumerate(table)]
    )
    return ((plain + signed) / 2 - (1 if stop else 0)) / part.size


def _product_of_sums(table) -> Fraction:
    """``∏_q Σ_c a/b`` with one reduction at the end: denominators are powers of two."""
    numerators, denominators = [], []
    for row in table:
        common = max(b for _, b in row)
        numerators.append(sum(a * (common // b) for a, b in row))
        denominators.append(common)
    return Fraction(prod(numerators), prod(denominators))


def _over_everything(together, state):
    """A pure state of any kind, where the orbit is all strings but the identity: ``Σ_P Tr[ρP]² = 2ⁿ``."""
    orbit = together.orbit
    everything = orbit.size == 4**orbit.num_wires - 1 and len(together.differences) == 1
    if not (everything and isinstance(state, VectorState)):
        return None
    return Share(Fraction(together.coefficients[0]) ** 2 / (2**orbit.num_wires + 1))


def _bits(rows, num_wires) -> UInt8[np.ndarray, "2 m n"]:
    """X bits and Z bits of vectors."""
    halves = np.ascontiguousarray(rows).view(np.uint32)
    words = halves.shape[1] // 2
    return np.stack([unpack(halves[:, :words], num_wires), unpack(halves[:, words:], num_wires)])
