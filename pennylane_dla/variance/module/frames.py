"""Covariances in the eigenbasis of one generator, where a random rotation is a product of entries.

A skew matrix ``A`` has orthonormal vectors with ``A z = 0``, and pairs with ``A u = w v``, ``A v = -w u``.
With ``x, y`` the coefficients on a pair and ``z = x + iy``, the rotation ``exp(αA)`` multiplies ``z`` by
``e^{iαw}``. So averaging over ``α`` multiplies ``E[z_p z_q]`` by ``φ(w_p + w_q)`` and ``E[z_p z_q*]`` by
``φ(w_p - w_q)``, with ``φ`` the characteristic function of the angle: the step of
:mod:`~pennylane_dla.variance.module` in real arithmetic.

Source: Diaz et al., arXiv:2310.11505.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
from jaxtyping import Complex, Float

from pennylane_dla.allowance import afford, checkpoint
from pennylane_dla.circuit.ansatz import Angle
from pennylane_dla.variance.law import AngleLaw

_EQUAL = 1e-9  # frequencies closer than this fraction of the largest are one
_LARGE = 256  # beyond, a matrix is diagonalised group by group of equal frequencies
_APART = 1e-3  # of the largest w², between groups: rounding mixes their spaces by 1e-13
_ROUNDING = 1e-12
SECONDS = 2e-9  # times d³, for the eigenvectors of a matrix of size d
MAX_BLOCK = 64  # a sparse matrix is diagonalised block by block up to this size


@dataclass(frozen=True, eq=False)
class Eigenframe:
    """The eigenbasis of a skew matrix: columns of frequency 0, then all ``u``, then all ``v``.

    Args:
        basis: orthogonal matrix, sparse where the generator moves strings in small groups
        frequencies: ``w`` of each pair, positive
    """

    basis: np.ndarray | scipy.sparse.csr_array
    frequencies: Float[np.ndarray, " pairs"]

    @property
    def zeros(self) -> int:
        """Number of vectors that do not move."""
        return self.basis.shape[0] - 2 * len(self.frequencies)

    @classmethod
    def of(cls, action) -> Eigenframe:
        """Diagonalise a skew matrix."""
        if not scipy.sparse.issparse(action):
            still, first, second, frequencies = _diagonalise(np.asarray(action))
            return cls(np.concatenate([still, first, second], axis=1), frequencies)
        count, label = scipy.sparse.csgraph.connected_components(action, directed=False)
        sizes = np.bincount(label, minlength=count)
        if sizes.max() > MAX_BLOCK:
            return cls.of(action.toarray())
        order = np.argsort(label, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)])
        parts: tuple[list, list, list] = ([], [], [])  # still, first, second: (rows, values) of each column
        frequencies = []
        for size in np.unique(sizes):
            blocks = np.flatnonzero(sizes == size)
            members = order[starts[blocks][:, None] + np.arange(size)]
            dense = np.zeros((len(blocks), size, size))
            place = np.full(action.shape[0], -1)
            place[members.ravel()] = np.tile(np.arange(size), len(blocks))
            owner = np.zeros(action.shape[0], int)
            owner[members.ravel()] = np.repeat(np.arange(len(blocks)), size)
            entries = action.tocoo()
            inside = place[entries.row] >= 0
            rows, columns = entries.row[inside], entries.col[inside]
            np.add.at(dense, (owner[rows], place[rows], place[columns]), entries.data[inside])
            checkpoint()
            for block, matrix in enumerate(dense):
                still, first, second, w = _known_block(matrix)
                for part, columns_ in zip(parts, (still, first, second), strict=True):
                    part += [(members[block], column) for column in columns_.T]
                frequencies.append(w)
        columns = [column for part in parts for column in part]
        rows = np.concatenate([rows for rows, _ in columns])
        values = np.concatenate([values for _, values in columns])
        number = np.repeat(np.arange(len(columns)), [len(rows) for rows, _ in columns])
        basis = scipy.sparse.csr_array((values, (rows, number)), shape=action.shape)
        basis.eliminate_zeros()
        return cls(basis, np.concatenate(frequencies))


def largest_block(action: scipy.sparse.csr_array) -> int:
    """Size of the largest block of a sparse matrix that is block diagonal up to order."""
    _, label = scipy.sparse.csgraph.connected_components(action, directed=False)
    return int(np.bincount(label).max())


_blocks: dict[bytes, tuple] = {}
_MOST_BYTES = 2**23  # of matrices that are kept; what is known of them is twice as much


def _known_block(matrix: np.ndarray):
    """:func:`_diagonalise`, once for each matrix: strings move in few kinds of small groups."""
    key = matrix.tobytes()
    if key not in _blocks:
        if len(_blocks) * len(key) > _MOST_BYTES and sum(map(len, _blocks)) > _MOST_BYTES:
            _blocks.clear()
        _blocks[key] = _diagonalise(matrix)
    return _blocks[key]


def _diagonalise(matrix: np.ndarray):
    """Vectors of frequency 0, ``u``, ``v`` (columns) and the frequencies."""
    afford(SECONDS * len(matrix) ** 3, f"the eigenvectors of a generator on {len(matrix)} dimensions")
    found = _by_groups(matrix) if len(matrix) >= _LARGE else None
    return found or _directly(matrix)


def _by_groups(matrix: np.ndarray):
    """:func:`_directly`, in the eigenspaces of ``-A²``: a real matrix, and generators have few frequencies.

    ``None`` where the eigenvalues ``w²`` do not fall into groups that are far apart, or ``A`` leaves the spaces of
    these groups by more than rounding.
    """
    values, vectors = np.linalg.eigh(-(matrix @ matrix))
    largest = values[-1]
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf) > _APART * largest)
    ends = np.append(starts[1:], len(values))
    if largest <= 0 or (ends - starts).max() > len(values) / 2:
        return None
    image = matrix @ vectors
    parts: tuple[list, list, list, list] = ([], [], [], [])
    for start, end in zip(starts, ends, strict=True):
        space, moved = vectors[:, start:end], image[:, start:end]
        block = space.T @ moved
        if np.abs(moved - space @ block).max() > _ROUNDING * np.sqrt(largest):
            return None
        *columns, frequencies = _directly((block - block.T) / 2, np.sqrt(largest))
        for part, of_block in zip(parts, columns, strict=False):
            part.append(space @ of_block)
        parts[3].append(frequencies)
    return *(np.concatenate(part, axis=1) for part in parts[:3]), np.concatenate(parts[3])


def _directly(matrix: np.ndarray, largest: float | None = None):
    """By the complex eigenvectors of ``iA``; frequencies are compared with the largest one."""
    values, vectors = np.linalg.eigh(1j * matrix)
    positive = values > _EQUAL * (largest or np.abs(values).max(initial=0) or 1.0)
    pairs = np.sqrt(2) * vectors[:, positive]
    moving = np.concatenate([pairs.real, pairs.imag], axis=1)
    still = np.linalg.qr(moving, mode="complete")[0][:, moving.shape[1] :]
    return still, pairs.real, pairs.imag, values[positive]


class Phases:
    """Averages of ``e^{iαw}`` over the law of an angle, for all frequencies that a frame needs.

    Args:
        frame: of the generator
        law: of the trainable elements
    """

    def __init__(self, frame: Eigenframe, law: AngleLaw):
        w = frame.frequencies
        self._law = law
        scale = w.max(initial=0) or 1.0
        self._first = w
        plus, minus = w[:, None] + w[None, :], w[:, None] - w[None, :]
        minus[np.abs(minus) < _EQUAL * scale] = 0.0
        everything = np.concatenate([w, plus.ravel(), minus.ravel()])
        rounded = np.round(np.abs(everything) / (scale * _EQUAL * 10)).astype(np.int64)
        _, first, inverse = np.unique(rounded, return_index=True, return_inverse=True)
        self._times = np.abs(everything[first])
        inverse = inverse.reshape(-1)
        p = len(w)
        self._of_one = inverse[:p]
        self._of_sum = inverse[p : p + p * p].reshape(p, p)
        self._of_difference = inverse[p + p * p :].reshape(p, p)
        self._negative = minus < 0
        self._cache: dict[tuple, np.ndarray] = {}

    def of(self, angle: Angle, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``φ(w_p)``, ``φ(w_p + w_q)``, ``φ(w_p - w_q)`` for a rotation by ``scale`` times the generator."""
        centered = angle._replace(offset=0.0)
        key = (centered, scale)
        if key not in self._cache:
            values = [self._law.characteristic(centered, t * scale) for t in self._times]
            self._cache[key] = np.array(values, complex)
        phi = self._cache[key]
        if angle.affine:
            phi = phi * np.exp(1j * angle.offset * scale * self._times)
        difference = phi[self._of_difference]
        difference = np.where(self._negative, difference.conj(), difference)
        return phi[self._of_one], phi[self._of_sum], difference


@dataclass(frozen=True, eq=False)
class SplitMoments:
    """A covariance and a mean, split as a frame splits the space.

    Args:
        still: ``E[c c']`` among vectors of frequency 0
        mixed: ``E[c z]``
        sums: ``E[z_p z_q]``
        differences: ``E[z_p z_q*]``
        still_mean: ``E[c]``
        mean: ``E[z]``
    """

    still: Float[np.ndarray, "m m"]
    mixed: Complex[np.ndarray, "m p"]
    sums: Complex[np.ndarray, "p p"]
    differences: Complex[np.ndarray, "p p"]
    still_mean: Float[np.ndarray, " m"]
    mean: Complex[np.ndarray, " p"]

    @classmethod
    def split(cls, covariance: Float[np.ndarray, "d d"], mean: Float[np.ndarray, " d"], zeros: int) -> SplitMoments:
        """From a matrix and a vector in the basis of a frame."""
        p = (len(mean) - zeros) // 2
        o, x, y = slice(0, zeros), slice(zeros, zeros + p), slice(zeros + p, None)
        e = covariance
        return cls(
            e[o, o],
            e[o, x] + 1j * e[o, y],
            (e[x, x] - e[y, y]) + 1j * (e[y, x] + e[x, y]),
            (e[x, x] + e[y, y]) + 1j * (e[y, x] - e[x, y]),
            mean[o],
            mean[x] + 1j * mean[y],
        )

    def join(self) -> tuple[Float[np.ndarray, "d d"], Float[np.ndarray, " d"]]:
        """The matrix and the vector again."""
        m, p = self.mixed.shape
        e = np.empty((m + 2 * p, m + 2 * p))
        o, x, y = slice(0, m), slice(m, m + p), slice(m + p, None)
        e[o, o] = self.still
        e[o, x], e[o, y] = np.real(self.mixed), np.imag(self.mixed)
        e[x, o], e[y, o] = np.real(self.mixed).T, np.imag(self.mixed).T
        both, apart = (self.differences + self.sums) / 2, (self.differences - self.sums) / 2
        e[x, x], e[y, y] = both.real, apart.real
        e[y, x], e[x, y] = both.imag, -apart.imag
        return e, np.concatenate([self.still_mean, np.real(self.mean), np.imag(self.mean)])

    def rotated(self, phases: tuple[np.ndarray, np.ndarray, np.ndarray], backwards: bool = False) -> SplitMoments:
        """Averaged over a rotation; ``backwards`` by the opposite angle."""
        one, of_sum, of_difference = (a.conj() for a in phases) if backwards else phases
        return SplitMoments(
            self.still,
            self.mixed * one,
            self.sums * of_sum,
            self.differences * of_difference,
            self.still_mean,
            self.mean * one,
        )

    def slope(self, other: SplitMoments, frequencies: Float[np.ndarray, " p"]) -> tuple[float, float]:
        """``Tr[F A E Aᵀ]`` and ``fᵀ A e`` with ``A`` the generator, for ``F, f`` of ``self`` and ``E, e`` of
        ``other``."""
        w = frequencies
        products = np.outer(w, w)
        second = 0.5 * np.sum(
            products * np.real(self.differences.conj() * other.differences - self.sums.conj() * other.sums)
        )
        first = np.sum(w * (self.mean.conj() * 1j * other.mean).real)
        return float(second), float(first)
