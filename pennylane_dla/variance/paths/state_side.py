"""Pauli paths from the state to the observable, where the state is the smaller of the two.

For uniform angles the averaged step of a path has a symmetric matrix, so ``E[l²] = Σ_{Q,S} a_Q² P(Q → S) w_S``,
with ``a`` the observable and ``w_S = Tr[ρS]²``, may be read from either end. From the observable a path starts at ``Q``
with probability ``∝ a_Q²`` and weighs ``Σa² · w_S``; from the state it starts at ``S`` with probability ``∝ w_S``,
goes through the gates in the order of the circuit, and weighs ``Σw · a_Q²``. What is left to chance is whether a path
meets the other end, so the better start is the end of fewer strings. A pure state of ``n`` qubits is ``2^n`` strings
and an observable rarely that many; a mixed one (one clean qubit, a thermal state) or a projector on many wires turns it
round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8, UInt32, UInt64

from pennylane_dla.circuit.ansatz import ProductState, State

from .term_classes import ProjectorTerms, TermClasses

MARGIN = 2.0  # from the observable unless the state is so many times fewer strings


@dataclass(frozen=True, eq=False)
class StateStrings:
    """The strings of a product state, as starts of paths, and the observable as where they end.

    Args:
        letters: ``(1, r_x², r_z², r_y²)`` of each wire that the observable can reach
        factor: ``Σ w`` over all strings but the identity
        ends: the observable
        active: the wires, as positions in the circuit
    """

    letters: Float[np.ndarray, "active 4"]
    factor: float
    ends: TermClasses | ProjectorTerms
    active: tuple[int, ...]

    @property
    def mean(self) -> float:
        """``E[loss]``."""
        return self.ends.mean

    @property
    def weights(self) -> Float[np.ndarray, " 1"]:
        """What the end weight of a path is multiplied with."""
        return np.array([self.factor * (self.ends.factor**2 if isinstance(self.ends, ProjectorTerms) else 1.0)])

    @property
    def largest(self) -> float:
        """No path can weigh more."""
        most = 1.0 if isinstance(self.ends, ProjectorTerms) else np.max(self.ends.coefficients[:, 0] ** 2)
        return float(self.weights[0] * most)

    def draw(self, rng: np.random.Generator, paths: int) -> tuple[UInt8[np.ndarray, "active paths"], ...]:
        """X and Z bits of independent strings, never the identity.

        Letter by letter: as long as all were the identity, a letter is drawn on the condition that they will not
        remain so.
        """
        sums = self.letters.sum(axis=1)
        still = np.concatenate([np.cumprod(1 / sums[::-1])[::-1], [1.0]])  # all identity from here on
        x, z = np.zeros((2, len(sums), paths), np.uint8)
        nothing = np.ones(paths, bool)
        for wire, (weights, total) in enumerate(zip(self.letters, sums, strict=True)):
            free = np.cumsum(weights / total)
            held = weights / total
            held[0] *= 1 - still[wire + 1]
            held = np.cumsum(held / max(held.sum(), 1e-300))
            point = rng.random(paths)
            letter = np.where(nothing, np.searchsorted(held, point), np.searchsorted(free, point))
            letter = np.minimum(letter, 3)
            x[wire], z[wire] = letter & 1, letter >> 1
            nothing &= letter == 0
        return x, z

    def end_letters(self) -> Float[np.ndarray, "active 4"] | None:
        """Weights of the letters at the end, where the observable is a product; else :meth:`end_weights`."""
        if not isinstance(self.ends, ProjectorTerms):
            return None
        measured = np.isin(self.active, self.ends.wires)
        return np.where(measured[:, None], [1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0])

    def end_weights(self, rows: UInt32[np.ndarray, "2 rows words"]) -> Float[np.ndarray, " paths"]:
        """``a_Q²`` of the string in which each path ends, 0 where it is no term."""
        total = np.uint64(0)
        for kind in (0, 1):
            for row, key in enumerate(self._keys[kind]):
                arrived = np.unpackbits(rows[kind, row].view(np.uint8), bitorder="little")
                total = total ^ np.where(arrived, key, np.uint64(0))
        terms, weights = self._terms
        place = np.minimum(np.searchsorted(terms, total), len(terms) - 1)
        return np.where(terms[place] == total, weights[place], 0.0)

    @cached_property
    def _keys(self) -> UInt64[np.ndarray, "2 active"]:
        """64 random bits for each letter; a string is the sum of its keys."""
        return np.random.default_rng(5).integers(2**64, size=(2, len(self.active)), dtype=np.uint64)

    @cached_property
    def _terms(self) -> tuple[UInt64[np.ndarray, " terms"], Float[np.ndarray, " terms"]]:
        """The observable's terms by their sums of keys, in order, and ``a_Q²`` of each."""
        assert isinstance(self.ends, TermClasses)  # a projector has end letters
        bits = np.stack(self.ends.leaders.bits())[:, :, list(self.active)].astype(np.uint64)
        sums = np.bitwise_xor.reduce(bits * self._keys[:, None], axis=(0, 2))
        order = np.argsort(sums)
        return sums[order], self.ends.coefficients[order, 0] ** 2


def state_strings(state: State, ends: TermClasses | ProjectorTerms, active: tuple[int, ...]) -> StateStrings | None:
    """The strings of the state, if it is better to start there.

    Args:
        state: the initial state
        ends: the observable; terms that interfere are left to the other direction
        active: wires in the light cone
    """
    if not isinstance(state, ProductState) or (isinstance(ends, TermClasses) and ends.interfering):
        return None
    letters = np.ones((len(active), 4))
    letters[:, 1:] = state.bloch[list(active)][:, [0, 2, 1]] ** 2
    weight, squares = letters.sum(axis=1), (letters**2).sum(axis=1)
    if isinstance(ends, ProjectorTerms):
        log_terms = len(ends.wires) * np.log(2)
    else:
        sizes = ends.coefficients[:, 0] ** 2
        log_terms = np.log(sizes.sum() ** 2 / np.sum(sizes**2))
    log_factor = np.log(weight).sum()
    if log_factor > 600 or log_factor < 1e-12:  # too many strings to be fewer, or none but the identity
        return None
    factor = float(np.expm1(log_factor))
    strings = factor**2 / float(np.expm1(np.log(squares).sum()))
    if MARGIN * strings > np.exp(min(log_terms, 700.0)):
        return None
    return StateStrings(letters, factor, ends, active)
