"""Modules of a compact Lie algebra, given by skew matrices: projection on the commutant, and irreducible parts.

Averaging over the group is the projection on the matrices that commute with all of it. For one element ``H`` it is
done in its eigenbasis, where entries between different frequencies vanish. The average over the whole group is the
projection on the intersection for two *generic* elements, because they generate what matters: the two projections
in turn contract everything else, and conjugate gradients reach rounding in a few dozen steps, whatever the number of
generators. What commutes with ``H`` has few entries in its eigenbasis (about ``d`` where frequencies are simple), so
that a step costs ``d²`` rather than ``d³``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float, Inexact, Int

from pennylane_dla.allowance import afford, checkpoint
from pennylane_dla.errors import DLAError

_EQUAL = 1e-9  # frequencies closer than this fraction of the largest are one
_COMMUTING = 1e-9  # the bracket of two matrices of norm 1 that is rounding
_ELEMENTS = 3
_STEPS = 200
_CHECKS = 4  # combinations of generators
_RESIDUAL = 1e-9
_ROUNDING = 1e-13  # of the largest action
SECONDS = 1e-8  # times d³: eigenvectors of two complex and three real matrices of size d, products of matrices


class NotConverged(DLAError):
    """The projection did not reach its accuracy: the caller says that the structure was not determined."""


@dataclass(frozen=True, eq=False)
class Torus:
    """Eigenvectors of a skew matrix in real form: ``H u = w v``, ``H v = -w u``.

    Args:
        vectors: orthonormal columns: those of frequency 0, then pairs ``u, v``
        group: number of the frequency of each column (0 for frequency 0)
        partner: the column that ``H`` takes a column to
        sign: and with which sign
    """

    vectors: Float[np.ndarray, "d d"]
    group: Int[np.ndarray, " d"]
    partner: Int[np.ndarray, " d"]
    sign: Float[np.ndarray, " d"]

    @classmethod
    def of(cls, matrix: Float[np.ndarray, "d d"]) -> Torus:
        """From the eigenvectors of the Hermitian matrix ``iH``, which belong to ``w`` and ``-w`` in conjugate
        pairs."""
        frequencies, vectors = np.linalg.eigh(1j * matrix)
        largest = np.abs(frequencies).max(initial=0) or 1.0
        positive = frequencies > _EQUAL * largest
        pairs = np.sqrt(2) * vectors[:, positive]
        moving = np.stack([pairs.real, pairs.imag], axis=2).reshape(len(matrix), -1)
        # i H (u + iv) = w (u + iv) reads H u = w v, H v = -w u; what is left is the space of frequency 0
        zero = len(matrix) - moving.shape[1]
        still = np.linalg.qr(moving, mode="complete")[0][:, moving.shape[1] :] if zero else moving[:, :0]
        jumps = np.diff(frequencies[positive], prepend=-np.inf) > _EQUAL * largest
        group = np.concatenate([np.zeros(zero, int), np.repeat(np.cumsum(jumps), 2)])
        partner = np.arange(len(matrix))
        partner[zero::2], partner[zero + 1 :: 2] = partner[zero + 1 :: 2].copy(), partner[zero::2].copy()
        sign = np.ones(len(matrix))
        sign[zero + 1 :: 2] = -1
        return cls(np.concatenate([still, moving], axis=1), group, partner, sign)

    def entries(self) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
        """Rows and columns of the entries between equal frequencies: all that commutes with ``H`` has."""
        order = np.argsort(self.group, kind="stable")
        starts = np.flatnonzero(np.diff(self.group[order], prepend=-1))
        rows, columns = [], []
        for members in np.split(order, starts[1:]):
            rows.append(np.repeat(members, len(members)))
            columns.append(np.tile(members, len(members)))
        return np.concatenate(rows), np.concatenate(columns)


class _Averages:
    """Averages over one torus of matrices that are given by their entries in the eigenbasis of another.

    Args:
        torus: whose entries are computed
        change: from the other eigenbasis to this one, ``other.vectorsᵀ @ torus.vectors``
    """

    def __init__(self, torus: Torus, change: Float[np.ndarray, "d d"]):
        self._rows, self._columns = torus.entries()
        self._transposed = np.ascontiguousarray(change.T)
        self._shape = change.shape
        number = np.full(len(change) ** 2, -1)
        number[self._rows * len(change) + self._columns] = np.arange(len(self._rows))
        turned = torus.partner[self._rows] * len(change) + torus.partner[self._columns]
        self._turned = number[turned]
        self._sign = torus.sign[self._rows] * torus.sign[self._columns]

    def of(self, matrix) -> Float[np.ndarray, " m"]:
        """Entries of the average of ``matrix`` (dense or sparse, in the other eigenbasis)."""
        half = np.ascontiguousarray((matrix @ self._transposed.T).T)  # rows of ``half`` are columns of matrix @ change
        values = np.empty(len(self._rows))
        block = max(1, 2**22 // self._shape[0])
        for start in range(0, len(values), block):
            checkpoint()
            part = slice(start, start + block)
            values[part] = np.einsum("ij,ij->i", self._transposed[self._rows[part]], half[self._columns[part]])
        return self.averaged(values)

    def averaged(self, values: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The mean over the torus of a matrix with these entries (others play no part)."""
        return 0.5 * (values + self._sign * values[self._turned])

    def restrict(self, matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, " m"]:
        """The entries of a matrix that is already in this eigenbasis, averaged."""
        return self.averaged(matrix[self._rows, self._columns])

    def matrix(self, values: Float[np.ndarray, " m"]) -> scipy.sparse.csr_array:
        """The matrix with these entries."""
        return scipy.sparse.csr_array((values, (self._rows, self._columns)), shape=self._shape)


def generic_elements(
    actions: Sequence[Inexact[np.ndarray, "d d"]], count: int, rng: np.random.Generator
) -> list[Inexact[np.ndarray, "d d"]]:
    """Random elements of the Lie algebra that the matrices generate, long brackets included."""
    scale, zero = np.array([1 / (np.linalg.norm(a) or 1.0) for a in actions]), np.zeros_like(actions[0])

    def combination():
        weights = rng.normal(size=len(actions)) * scale
        return sum((w * a for w, a in zip(weights, actions, strict=True)), zero)

    def normalised(matrix):
        return matrix / (np.linalg.norm(matrix) or 1.0)

    def bracket_of(one, other):
        bracket = one @ other - other @ one
        size = np.linalg.norm(bracket)  # what commutes leaves rounding, which is no element of the algebra
        return bracket / size if size > _COMMUTING else np.zeros_like(bracket)

    pool = [normalised(combination()) for _ in range(count + 1)]
    for _ in range(8):  # brackets up to a length of some hundred
        checkpoint()
        following = []
        for i, element in enumerate(pool):
            other = pool[(i + 1) % len(pool)]
            mixed = rng.normal() * element + rng.normal() * bracket_of(element, other) + normalised(combination())
            following.append(normalised(mixed))
        pool = following
    return pool[:count]


def _without_noise(actions: list[Float[np.ndarray, "d d"]]) -> list[Float[np.ndarray, "d d"]]:
    """Rounding is no generator: what a generator leaves that does nothing on the module would count as one."""
    sizes = [np.abs(action).max(initial=0.0) for action in actions]
    least = _ROUNDING * max(sizes, default=0.0)
    return [a if size > least else np.zeros_like(a) for a, size in zip(actions, sizes, strict=True)]


class Commutant:
    """The matrices that commute with every one of the given skew matrices.

    Args:
        actions: skew matrices ``ad_k`` of the generators on a module
        seed: of the generic elements
    """

    def __init__(self, actions: Sequence[Float[np.ndarray, "d d"]], seed: int = 0):
        self.actions = _without_noise([np.asarray(a) for a in actions])
        self.dim = self.actions[0].shape[0]
        afford(SECONDS * self.dim**3, f"the commutant of a module of dimension {self.dim}")
        self.rng = np.random.default_rng(seed)
        self._checked = self.actions
        if len(self.actions) > _CHECKS:  # random combinations commute with it only if all of them do
            weights = self.rng.normal(size=(_CHECKS, len(self.actions)))
            self._checked = [sum(w * a for w, a in zip(row, self.actions, strict=True)) for row in weights]
        self.elements = generic_elements(self.actions, _ELEMENTS, self.rng)
        first, second = (Torus.of(element) for element in self.elements[:2])
        change = first.vectors.T @ second.vectors
        self._basis = first.vectors
        self._first, self._second = _Averages(first, change.T), _Averages(second, change)

    def project(self, matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
        """The projection of a matrix on the commutant.

        Raises:
            NotConverged: where the result does not commute with the generators to ``1e-9``
        """
        size = np.linalg.norm(matrix)
        if size == 0:
            return np.zeros_like(matrix)

        def moved(x):  # x minus its average over the second torus and the first: zero on the commutant only
            there = self._second.matrix(self._second.of(self._first.matrix(x)))
            return x - self._first.of(there)

        start = self._first.restrict(self._basis.T @ matrix @ self._basis)
        residual = moved(start)
        outside = np.zeros_like(start)
        direction, square = residual, float(residual @ residual)
        for _ in range(_STEPS):
            checkpoint()
            if square <= (1e-14 * size) ** 2:
                break
            image = moved(direction)
            step = square / float(direction @ image)
            outside = outside + step * direction
            residual = residual - step * image
            square, previous = float(residual @ residual), square
            direction = residual + (square / previous) * direction
        result = self._basis @ (self._first.matrix(start - outside) @ self._basis.T)
        for action in self._checked:
            error = np.linalg.norm(action @ result - result @ action)
            if error > _RESIDUAL * size * max(1.0, np.abs(action).max()):
                missed = error / size
                raise NotConverged(f"the projection on the commutant misses a generator by {missed:.1e}")
        return result

    @property
    def abelian(self) -> bool:
        """Whether all generators commute on the module: random combinations do."""
        one, other = self.elements[:2]
        return bool(np.linalg.norm(one @ other - other @ one) <= _COMMUTING)

    def invariants(self) -> Float[np.ndarray, "d m"]:
        """Orthonormal basis of the vectors that every generator maps to zero."""
        stacked = sum(a.T @ a / max(np.linalg.norm(a) ** 2 / self.dim, 1e-300) for a in self.actions)
        values, vectors = np.linalg.eigh(stacked)
        return vectors[:, values < 1e-14 * self.dim + 1e-12 * max(values[-1], 1.0)]

    def irreducibles(self) -> list[Float[np.ndarray, "d _"]]:
        """The module as an orthogonal sum of irreducible ones, a basis of each.

        A random symmetric element of the commutant has one eigenvalue on each.
        """
        noise = self.rng.normal(size=(self.dim, self.dim))
        values, vectors = np.linalg.eigh(self.project(noise + noise.T))
        gaps = np.flatnonzero(np.diff(values) > 1e-7 * np.abs(values).max()) + 1
        return np.split(vectors, gaps, axis=1)

    def equivalent(self, parts: Sequence[Float[np.ndarray, "d _"]]) -> list[int]:
        """A number for each part, the same for equivalent ones."""
        noise = self.rng.normal(size=(self.dim, self.dim))
        between = self.project(noise + noise.T)
        numbers: list[int] = []
        for i, part in enumerate(parts):
            checkpoint()
            for j in range(i):
                same = parts[j].shape[1] == part.shape[1]
                if same and np.linalg.norm(parts[j].T @ between @ part) > 1e-6:
                    numbers.append(numbers[j])
                    break
            else:
                numbers.append(max(numbers, default=-1) + 1)
        return numbers
