"""The smallest space that holds some vectors and that matrices map into itself: its dimension, then a basis.

The dimension is decided modulo a prime where the numbers allow it: closing a state under generators in floating point
goes wrong (rounding errors are amplified from one application to the next: 1597 instead of 232 on a Heisenberg chain of
14 spins). A basis to double precision needs no closure at all: rotations by the generators are unitary, so that states
which a random circuit passes through lie in the space to rounding, and as many of them as it has dimensions span it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.special
from jaxtyping import Float, Inexact

from pennylane_dla.algebra.sums.residues import INNER, reduce
from pennylane_dla.algebra.sums.span import CHUNK, ModularSpan
from pennylane_dla.allowance import checkpoint

from .basis_states import Entries

TOLERANCE = 1e-8  # singular values below this fraction of the largest count as zero, where ranks are not exact
INVARIANT = 1e-9  # what may lead out of the space, relative to the generator
_TURN = 4.0  # radians times spectral radius, of the random rotations
_WIDTH = 8  # states that are rotated together, at most
_SPARE = (1.3, 2.0, 4.0, 8.0)  # times the dimension: so many states are collected
_CLEAR = 1e-5  # smallest singular value, relative to the largest, at which a basis is taken


class TooLarge(Exception):
    """The space is larger than the limit."""


class Unclear(Exception):
    """No basis to the stated accuracy."""


def modular_dimension(
    entries: Entries,
    start: Float[np.ndarray, "size columns"],
    count: int,
    p: int,
    max_dim: int,
) -> int:
    """The dimension, modulo ``p``, of the smallest space that holds ``start`` and is invariant under the matrices.

    Random combinations as in :mod:`pennylane_dla.algebra.sums.invariant_span`.

    Args:
        entries: of the matrices
        start: residues
        count: number of the matrices
        p: the prime
        max_dim: dimension at which it stops

    Raises:
        TooLarge: beyond ``max_dim``
    """
    rng = np.random.default_rng(0)
    span = ModularSpan(p)
    for first in range(0, start.shape[1], CHUNK):
        span.extend(np.ascontiguousarray(start[:, first : first + CHUNK].T))
    half, grown, quiet = p // 2, span.dim, 0
    shape = (entries.size, entries.size)
    while quiet < 2 and span.dim < entries.size:
        if span.dim > max_dim:
            raise TooLarge(f"dimension above {max_dim}")
        checkpoint()
        weights = rng.integers(-half, half + 1, count).astype(float)
        values = reduce(entries.residues * weights[entries.owner], p)
        action = scipy.sparse.csr_array((values, (entries.rows, entries.columns)), shape=shape)
        action.sum_duplicates()
        action.data = reduce(action.data, p)
        wanted = max(2, min(2 * grown + 2, span.dim, CHUNK))
        elements = np.ascontiguousarray(span.combinations(wanted, rng, entries.size).T)
        candidates = np.ascontiguousarray(_product(action, elements, p).T)
        grown = len(span.extend(candidates))
        quiet = 0 if grown else quiet + 1
    return span.dim


def _product(action: scipy.sparse.csr_array, vectors: np.ndarray, p: int) -> np.ndarray:
    """Modulo ``p``, a few hundred columns at a time where a row has more entries than a sum may have terms."""
    if np.diff(action.indptr).max(initial=0) <= INNER:
        return reduce(action @ vectors, p)
    columns = action.tocsc()
    total = np.zeros_like(vectors)
    for first in range(0, action.shape[1], INNER):
        total = reduce(total + columns[:, first : first + INNER] @ vectors[first : first + INNER], p)
    return total


@dataclass(frozen=True, eq=False)
class Basis:
    """An orthonormal basis.

    Args:
        columns: real where the matrices and the start are
        smallest: smallest singular value that counted, relative to the largest
        largest_dropped: largest one that did not
    """

    columns: Inexact[np.ndarray, "size d"]
    smallest: float
    largest_dropped: float


def orthonormal_basis(
    matrices: Sequence[scipy.sparse.csr_array],
    start: Inexact[np.ndarray, "size columns"],
    dim: int | None,
    max_dim: int,
) -> Basis:
    """A basis of the smallest invariant space that holds ``start``, from the states that a random circuit passes.

    Args:
        matrices: Hermitian
        start: vectors
        dim: the dimension, where it is known
        max_dim: dimension at which it stops

    Raises:
        TooLarge: beyond ``max_dim``
        Unclear: where the states do not span ``dim`` dimensions clearly, or there is no gap between what counts and not
    """
    size = start.shape[0]
    if dim == size:
        return Basis(np.eye(size), 1.0, 0.0)
    width = _WIDTH if dim is None else max(1, min(_WIDTH, dim // 16))  # many turns, also where few states are needed
    walk = _RandomCircuit(matrices, start, width)
    if dim is not None:
        for factor in _SPARE:
            states = walk.collect(int(factor * dim) + _WIDTH)
            if states.shape[1] >= dim:
                basis = _span(states, dim)
                if basis.smallest > _CLEAR:
                    return basis
        raise Unclear("states of random circuits do not span the space to double precision")
    rank = 0
    while True:  # until every generator in turn brings nothing new
        basis = _span(walk.collect(int(_SPARE[0] * max(rank, 1)) + _WIDTH, every=True))
        found = basis.columns.shape[1]
        if found > max_dim:
            raise TooLarge(f"dimension above {max_dim}")
        if found in (rank, size) or walk.still:
            break
        rank = found
    if basis.largest_dropped > 1e-3 * basis.smallest:
        raise Unclear(
            f"rank uncertain: smallest accepted singular value {basis.smallest:.1e}, largest rejected "
            f"{basis.largest_dropped:.1e}"
        )
    return basis


def real_up_to_a_factor(matrix: scipy.sparse.csr_array) -> bool:
    """Whether all entries are real, or all imaginary."""
    return not np.any(matrix.data.imag) or not np.any(matrix.data.real)


class _RandomCircuit:
    """States that rotations by random angles pass through, from a few start vectors side by side."""

    def __init__(self, matrices, start: Inexact[np.ndarray, "size columns"], width: int):
        self._rng = np.random.default_rng(0)
        turns = [_Turn.of(matrix, self._rng) for matrix in matrices]
        self._turns = [turn for turn in turns if turn.radius > 0]
        self._real = all(map(real_up_to_a_factor, matrices)) and not np.any(np.imag(start))
        self._block = np.tile(start.astype(complex), (1, max(1, -(-width // start.shape[1]))))
        self._states, self._count, self._next = [], 0, []
        self._keep(start)

    @property
    def still(self) -> bool:
        """Whether nothing moves."""
        return not self._turns

    def collect(self, count: int, every: bool = False) -> np.ndarray:
        """At least so many states, one a column; real and imaginary parts where the space is that of a real one.

        Args:
            count: of states altogether
            every: whether each generator must act once more in any case
        """
        left = 2 * len(self._turns) if every else 0
        while (self._count < count or left > 0) and self._turns:
            left -= 1
            checkpoint()
            if not self._next:
                self._next = list(self._rng.permutation(len(self._turns)))
            turn = self._turns[self._next.pop()]
            self._block = turn.apply(self._block, self._rng.uniform(0.3, 1.0, self._block.shape[1]) * _TURN)
            self._keep(self._block)
        self._states = [np.concatenate(self._states, axis=1)]
        return self._states[0]

    def _keep(self, block: np.ndarray) -> None:
        if self._real:
            block = np.concatenate([np.real(block), np.imag(block)], axis=1)
            block = block[:, np.abs(block).max(axis=0) > 0]
        self._states.append(block)
        self._count += block.shape[1]


@dataclass(frozen=True, eq=False)
class _Turn:
    """``exp(-iα(G - center)/radius)`` by Chebyshev polynomials, the spectrum of ``G`` in ``center ± radius``."""

    real: scipy.sparse.csr_array | None
    imaginary: scipy.sparse.csr_array | None
    center: float
    radius: float

    @classmethod
    def of(cls, matrix: scipy.sparse.csr_array, rng: np.random.Generator) -> _Turn:
        parts = []
        for data in (matrix.data.real, matrix.data.imag):
            part = scipy.sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
            parts.append(part if np.any(data) else None)
        real, imaginary = parts
        turn = cls(real, imaginary, 0.0, 1.0)
        low, high = turn._spectrum(rng)
        center = 0.0 if real is None else (low + high) / 2  # a rotation by an imaginary matrix is real
        radius = max(high - center, center - low)
        return cls(real, imaginary, center, radius if radius > 1e-12 else 0.0)

    def _times(self, block: Inexact[np.ndarray, "size m"]) -> Inexact[np.ndarray, "size m"]:
        total, pairs = np.zeros_like(block), block.view(float)
        if self.real is not None:
            total = (self.real @ pairs).view(complex)
        if self.imaginary is not None:
            total = total + 1j * (self.imaginary @ pairs).view(complex)
        return total

    def _spectrum(self, rng: np.random.Generator) -> tuple[float, float]:
        """Bounds, by a few steps of Lanczos."""
        part = self.real if self.real is not None else self.imaginary
        if part is None:
            return 0.0, 0.0
        size = part.shape[0]
        vector = rng.normal(size=(size, 1)) + 1j * rng.normal(size=(size, 1))
        basis, diagonal, off = [vector / np.linalg.norm(vector)], [], []
        for _ in range(min(12, size)):
            image = self._times(basis[-1])
            diagonal.append(np.vdot(basis[-1], image).real)
            for other in basis:
                image = image - other * np.vdot(other, image)
            off.append(float(np.linalg.norm(image)))
            if off[-1] < 1e-10 * (np.abs(diagonal).max() + off[0]):
                off[-1] = 0.0
                break
            basis.append(np.ascontiguousarray(image / off[-1]))
        values = scipy.linalg.eigvalsh_tridiagonal(np.array(diagonal), np.array(off[:-1]))
        return float(values[0] - off[-1]), float(values[-1] + off[-1])

    def apply(
        self, block: Inexact[np.ndarray, "size m"], angles: Float[np.ndarray, " m"]
    ) -> Inexact[np.ndarray, "size m"]:
        """Each column by its own angle ``α``."""
        terms = int(np.ceil(angles.max())) + 18
        weights = np.array([scipy.special.jv(k, angles) * (-1j) ** k * (2 if k else 1) for k in range(terms)])
        before, now = block, self._scaled(block)
        total = weights[0] * before + weights[1] * now
        for k in range(2, terms):
            before, now = now, 2 * self._scaled(now) - before
            total += weights[k] * now
        return np.ascontiguousarray(total)

    def _scaled(self, block):
        image = self._times(block)
        if self.center:
            image = image - self.center * block
        return np.ascontiguousarray(image / self.radius)


def _span(vectors: np.ndarray, dim: int | None = None) -> Basis:
    """An orthonormal basis of the columns, of the dimension that is known."""
    triangle = scipy.linalg.qr(vectors, mode="r", check_finite=False)[0][: vectors.shape[1]]
    _, values, mixing = np.linalg.svd(triangle, full_matrices=False)
    rank = dim or int(np.sum(values > TOLERANCE * values[0]))
    columns = vectors @ (mixing[:rank].conj().T / values[:rank])
    columns = np.linalg.qr(columns)[0]
    dropped = float(values[rank] / values[0]) if rank < len(values) else 0.0
    return Basis(columns, float(values[rank - 1] / values[0]), dropped)
