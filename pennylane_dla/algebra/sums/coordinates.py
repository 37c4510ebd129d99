"""Pauli coordinates for sums of strings: only the strings that are reached, and how generators act on them.

Every computation with sums (Lie closure, module of an observable, covariance) is linear algebra in the Pauli
strings that nested commutators reach. They are discovered as needed, so fifty qubits of a QAOA ring cost its
9900 strings, not ``4^50``. Qubits that no generator tells apart (``twins``) are treated together: a sum over
all ways to place the letters is one coordinate, and permutation-equivariant circuits of twenty qubits have
1770 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.allowance import checkpoint
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import anticommutation_matrix, product

_PAIRS = 2**22  # string-term pairs looked at together


class Coordinates:
    """A growing list of Pauli strings (or of their orbits under twins) and the sparse action of the
    generators.

    The action of generator ``k`` is ``Q -> i[G_k, Q]``, the derivative of the Heisenberg picture: a term ``c
    P`` takes an anticommuting string ``Q`` to ``2c (iPQ)``. An orbit is normalised, so that coordinates are
    orthonormal under ``Tr[A B]/2ⁿ`` and the action is a skew matrix.

    Args:
        generators: real Pauli sums on the same qubits
        twins: class of each qubit; qubits of one class are interchangeable (see :func:`twin_classes`)
    """

    def __init__(self, generators: Sequence[PauliSum], twins: Int[np.ndarray, " n"] | None = None):
        self.generators = tuple(generators)
        self.num_wires = generators[0].num_wires
        self.terms = PauliStrings.concatenate([g.strings for g in generators])
        self.term_generator = np.repeat(np.arange(len(generators)), [len(g) for g in generators])
        self.term_coefficients = np.concatenate([g.coefficients for g in generators])
        self._classes = []
        if twins is not None:
            labels, counts = np.unique(twins, return_counts=True)
            self._classes = [np.flatnonzero(twins == c) for c in labels[counts > 1]]
        words = self.terms.x.shape[-1]
        self.x = np.zeros((0, words), np.uint32)
        self.z = np.zeros((0, words), np.uint32)
        self.sizes = np.zeros(0)  # strings in an orbit
        self.expanded = np.zeros(0, bool)
        self._keys = np.zeros(0, np.uint64)
        self._order = np.zeros(0, np.int64)
        rng = np.random.default_rng(7)
        odd = rng.integers(0, 2**63, 2 * words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._mix = odd if words > 1 else None
        self._rows, self._columns = [], []
        self._entry_term, self._entry_sign = [], []

    def __len__(self) -> int:
        return len(self.x)

    @property
    def strings(self) -> PauliStrings:
        """The coordinates, one representative of each."""
        return PauliStrings(self.x, self.z, self.num_wires)

    @property
    def symmetric(self) -> bool:
        """Whether a coordinate may stand for more than one string."""
        return bool(self._classes)

    def _canonical(self, strings: PauliStrings) -> PauliStrings:
        if not self._classes:
            return strings
        x, z = strings.bits()
        codes = x + 2 * z
        for members in self._classes:
            codes[:, members] = np.sort(codes[:, members], axis=1)
        return PauliStrings.from_bits(codes & 1, codes >> 1)

    def _orbit_sizes(self, strings: PauliStrings) -> Float[np.ndarray, " m"]:
        if not self._classes:
            return np.ones(len(strings))
        x, z = strings.bits()
        codes = x + 2 * z
        logarithm = np.zeros(len(strings))
        factorial = np.array([lgamma(k + 1) for k in range(self.num_wires + 1)])
        for members in self._classes:
            logarithm += factorial[len(members)]
            for letter in range(4):
                logarithm -= factorial[(codes[:, members] == letter).sum(axis=1)]
        sizes = np.exp(logarithm)
        return np.where(sizes < 2**50, np.rint(sizes), sizes)

    def _hash(self, strings: PauliStrings) -> np.ndarray:
        """A 64-bit key: the string itself up to 32 qubits, a random mix above (two strings in
        10⁶ share one with probability 10⁻⁷, and :meth:`locate` would notice)."""
        vectors = strings.vectors().astype(np.uint64)
        if self._mix is None:
            return vectors[:, 0] | vectors[:, 1] << np.uint64(32)
        mixed = vectors * self._mix
        mixed ^= mixed >> np.uint64(29)
        mixed *= self._mix[::-1]
        return np.bitwise_xor.reduce(mixed ^ mixed >> np.uint64(32), axis=1)

    def locate(self, strings: PauliStrings) -> Int[np.ndarray, " m"]:
        """Index of each string's coordinate; new ones are appended."""
        strings = self._canonical(strings)
        keys = self._hash(strings)
        fresh, first = np.unique(keys, return_index=True)
        place = np.searchsorted(self._keys, fresh)
        known = place < len(self._keys)
        known[known] = self._keys[place[known]] == fresh[known]
        if not known.all():
            added = np.sort(first[~known])
            new = strings[added]
            start = len(self)
            self.x, self.z = np.concatenate([self.x, new.x]), np.concatenate([self.z, new.z])
            self.sizes = np.concatenate([self.sizes, self._orbit_sizes(new)])
            self.expanded = np.concatenate([self.expanded, np.zeros(len(new), bool)])
            all_keys = np.concatenate([self._keys, keys[added]])
            all_order = np.concatenate([self._order, np.arange(start, start + len(new))])
            sort = np.argsort(all_keys, kind="stable")
            self._keys, self._order = all_keys[sort], all_order[sort]
        index = self._order[np.searchsorted(self._keys, keys)]
        if self._mix is not None and not (
            np.array_equal(self.x[index], strings.x) and np.array_equal(self.z[index], strings.z)
        ):
            raise RuntimeError("two Pauli strings share a 64-bit key")  # never seen
        return index

    def expand(self, index: Int[np.ndarray, " m"]) -> None:
        """Work out how the generators act on these coordinates, once."""
        index = index[~self.expanded[index]]
        self.expanded[index] = True
        block = max(1, _PAIRS // max(1, len(self.terms)))
        for start in range(0, len(index), block):
            checkpoint()
            columns = index[start : start + block]
            strings = self.strings[columns]
            string, term = np.nonzero(anticommutation_matrix(strings, self.terms))
            moved, exponent = product(self.terms[term], strings[string])
            self._rows.append(self.locate(moved))
            self._columns.append(columns[string])
            self._entry_term.append(term)
            self._entry_sign.append(np.where(exponent == 1, -1, 1).astype(np.int8))

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns, terms and signs of the action, one entry for each anticommuting pair so far."""
        if len(self._rows) > 1:
            for parts in (self._rows, self._columns, self._entry_term, self._entry_sign):
                parts[:] = [np.concatenate(parts)]
        if not self._rows:
            empty = np.zeros(0, np.int64)
            return empty, empty, empty, empty
        return self._rows[0], self._columns[0], self._entry_term[0], self._entry_sign[0]

    def action(self, weights: Float[np.ndarray, " generators"]) -> scipy.sparse.csr_array:
        """``Σ_k weights[k] ad_k`` on orthonormal coordinates."""
        rows, columns, term, sign = self.entries()
        values = (2.0 * self.term_coefficients * weights[self.term_generator])[term] * sign
        if self.symmetric:
            values *= np.sqrt(self.sizes[columns] / self.sizes[rows])
        return scipy.sparse.csr_array((values, (rows, columns)), shape=(len(self), len(self)))

    def vector(self, operator: PauliSum) -> Float[np.ndarray, " dim"]:
        """An operator (that the twins leave alone) in orthonormal coordinates."""
        index = self.locate(operator.strings)
        result = np.zeros(len(self))
        np.add.at(result, index, operator.coefficients)
        return result / np.sqrt(self.sizes)

    def members(self, index: int) -> PauliStrings:
        """All strings of one coordinate (for small orbits)."""
        strings = self.strings[index]
        if not self._classes:
            return strings
        x, z = strings.bits()
        words = {tuple((x + 2 * z)[0].tolist())}
        for members in self._classes:
            words = {word for old in words for word in _arrangements(old, members)}
        codes = np.array(sorted(words), np.uint8)
        return PauliStrings.from_bits(codes & 1, codes >> 1)


def _arrangements(word: tuple[int, ...], members: np.ndarray) -> list[tuple[int, ...]]:
    """All distinct ways to permute the letters of ``word`` on ``members``."""
    letters, counts = np.unique([word[m] for m in members], return_counts=True)
    partial = [(dict(zip(letters.tolist(), counts.tolist(), strict=True)), list(word))]
    for member in members:
        following = []
        for counts, letters in partial:
            for letter, count in counts.items():
                if count:
                    filled = list(letters)
                    filled[member] = letter
                    following.append(({**counts, letter: count - 1}, filled))
        partial = following
    return [tuple(letters) for _, letters in partial]


def twin_classes(operators: Sequence[PauliSum], labels: Sequence[object] | None = None) -> Int[np.ndarray, " n"]:
    """Classes of qubits that can be exchanged without changing any of the operators.

    Args:
        operators: generators, and the observable where there is one
        labels: one for each qubit; qubits with different labels are never twins (their initial states)

    Returns:
        the class of each qubit

    >>> from pennylane_dla.pauli import PauliSum
    >>> ring = PauliSum.from_dict({"ZZII": 1, "IZZI": 1, "IIZZ": 1, "ZIIZ": 1})
    >>> twin_classes([ring]).tolist()     # opposite corners of a square
    [0, 1, 0, 1]
    """
    n = operators[0].num_wires
    tables = []
    for operator in operators:
        x, z = operator.strings.bits()
        tables.append(((x + 2 * z).astype(np.uint8), operator.coefficients))
    rng = np.random.default_rng(11)
    # A necessary condition that is one comparison a pair: random letter weights, summed over the terms two
    # qubits share.
    weight_a, weight_b = rng.random(4), rng.random(4)
    weight_a[0] = weight_b[0] = 0
    shared = np.zeros((n, n))
    for codes, coefficients in tables:
        factor = rng.random()
        shared += factor * (weight_a[codes] * coefficients[:, None]).T @ weight_b[codes]
    scale = np.abs(shared).max() or 1.0
    classes = np.full(n, -1)
    representatives: list[int] = []
    for qubit in range(n):
        for number, other in enumerate(representatives):
            if labels is not None and labels[qubit] != labels[other]:
                continue
            rest = np.ones(n, bool)
            rest[[qubit, other]] = False
            alike = (
                abs(shared[qubit, qubit] - shared[other, other]) < 1e-12 * scale
                and np.abs(shared[qubit] - shared[other])[rest].max(initial=0) < 1e-12 * scale
                and np.abs(shared[:, qubit] - shared[:, other])[rest].max(initial=0) < 1e-12 * scale
            )
            if alike and all(_invariant(codes, c, qubit, other) for codes, c in tables):
                classes[qubit] = number
                break
        else:
            classes[qubit] = len(representatives)
            representatives.append(qubit)
    return classes


def _invariant(codes: np.ndarray, coefficients: np.ndarray, a: int, b: int) -> bool:
    """Whether exchanging qubits ``a`` and ``b`` leaves the sum as it is."""
    moved = codes[:, a] != codes[:, b]
    if not moved.any():
        return True
    before = codes[moved]
    after = before.copy()
    after[:, [a, b]] = before[:, [b, a]]
    terms = {row.tobytes(): c for row, c in zip(before, coefficients[moved], strict=True)}
    swapped = zip(after, coefficients[moved], strict=True)
    return all(abs(terms.get(row.tobytes(), np.inf) - c) <= 1e-12 * abs(c) for row, c in swapped)
