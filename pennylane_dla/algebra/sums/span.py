"""The span of many vectors, grown a block at a time: modulo a prime (exact ranks) or in floating point.

Both classes take blocks of candidate rows, keep those that are independent of what they have, and tell which.
The number of coordinates may grow in between; old rows are zero in new coordinates. The work is in matrix
products.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from . import modular_products
from .modular_products import FixedChunks
from .residues import reduce

CHUNK = 256  # rows that are stored and multiplied together
_PANEL = 16  # rows that are eliminated one by one: small enough for the cache


def _widen(rows: np.ndarray, dim: int) -> np.ndarray:
    return np.pad(rows, ((0, 0), (0, dim - rows.shape[1]))) if rows.shape[1] < dim else rows


class ModularSpan:
    """Rows in echelon form modulo ``p``: each chunk is the identity on its own pivots and zero on earlier
    ones.

    Later chunks are not substituted into earlier ones: a candidate passes the chunks in order, one product of
    matrices each, and nothing has to be updated.

    Args:
        p: a prime below 2^23
    """

    def __init__(self, p: int):
        self.p = p
        self.dim = 0
        self._fixed = FixedChunks(p, CHUNK)  # full chunks, where they are large
        self._chunks: list[np.ndarray] = []
        self._pivots: list[np.ndarray] = []
        self._width = 0

    def resize(self, dim: int) -> None:
        """Make room for ``dim`` coordinates."""
        if self._chunks and self._width < dim:
            self._width = dim + dim // 4
            self._chunks = [_widen(chunk, self._width) for chunk in self._chunks]
            self._fixed.resize(self._width)

    def combinations(self, count: int, rng: np.random.Generator, dim: int) -> Float[np.ndarray, "count dim"]:
        """Random elements of the span."""
        result = self._fixed.combinations(count, rng, dim) if len(self._fixed) else np.zeros((count, dim))
        half = self.p // 2
        for chunk, pivots in zip(self._chunks, self._pivots, strict=True):
            weights = rng.integers(-half, half + 1, (count, len(pivots))).astype(float)
            result += weights @ chunk[: len(pivots), :dim]
            reduce(result, self.p)
        return result

    def extend(self, rows: Float[np.ndarray, "m dim"]) -> np.ndarray:
        """Add the rows, reduced modulo ``p``.

        Returns:
            the coordinates on which the added rows have their pivots (as many as the dimension has grown)
        """
        self.resize(rows.shape[1])
        residual = self._pass(rows)
        residual, pivots = _echelon(residual, self.p)
        self.dim += len(pivots)
        added = pivots
        while len(pivots):
            if not self._chunks or len(self._pivots[-1]) == CHUNK:
                self._width = max(self._width, residual.shape[1])
                if modular_products.worthwhile(CHUNK * self._width):
                    for chunk, own in zip(self._chunks, self._pivots, strict=True):
                        self._fixed.append(chunk, own)
                    self._chunks, self._pivots = [], []
                self._chunks.append(np.zeros((CHUNK, self._width)))
                self._pivots.append(np.zeros(0, np.int64))
            chunk, filled = self._chunks[-1], len(self._pivots[-1])
            take = min(len(pivots), CHUNK - filled)
            dim = residual.shape[1]
            weights = chunk[:filled, pivots[:take]]
            touched = np.flatnonzero(weights.any(axis=1))
            if len(touched):
                update = weights[touched] @ residual[:take]
                chunk[touched, :dim] = reduce(chunk[touched, :dim] - update, self.p)
            chunk[filled : filled + take, :dim] = residual[:take]
            self._pivots[-1] = np.concatenate([self._pivots[-1], pivots[:take]])
            residual, pivots = residual[take:], pivots[take:]
        return added

    def reduced(self, dim: int) -> tuple[Float[np.ndarray, "m dim"], Int[np.ndarray, " m"]]:
        """The reduced echelon form (unique for its pivots): rows and pivots."""
        chunks = [*self._fixed.chunks, *self._chunks]
        pivots = [*self._fixed.pivots, *self._pivots]
        chunks = [_widen(c[: len(p), :dim].copy(), dim) for c, p in zip(chunks, pivots, strict=True)]
        for j in range(len(chunks) - 1, 0, -1):
            for i in range(j):
                weights = chunks[i][:, pivots[j]]
                if weights.any():
                    chunks[i] = reduce(chunks[i] - weights @ chunks[j], self.p)
        return np.concatenate(chunks), np.concatenate(pivots)

    def _pass(self, rows):
        """What is left of the rows when all pivots are eliminated."""
        dim = rows.shape[1]
        rows = self._fixed.eliminate(rows) if len(self._fixed) else rows.copy()
        for chunk, pivots in zip(self._chunks, self._pivots, strict=True):
            weights = rows[:, pivots]
            if weights.any():
                rows -= weights @ chunk[: len(pivots), :dim]
                reduce(rows, self.p)
        return rows


def _echelon(rows: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Reduced echelon form modulo ``p`` of a block of at most ``INNER`` rows: its non-zero rows and their
    pivots."""
    # The last non-zero coordinate is the pivot: most often a string that was only just reached, in which the
    # rows so far are zero, so that they need no update. Rows are written once for each level, as in _panel.
    done = np.empty_like(rows)
    inverse = np.zeros((len(rows), len(rows)))
    pivots: list[int] = []
    for start in range(0, len(rows), _PANEL):
        panel = rows[start : start + _PANEL].copy()
        k = len(pivots)
        if k:
            weights = reduce(panel[:, pivots] @ inverse[:k, :k], p)
            if weights.any():
                panel -= weights @ done[:k]
                reduce(panel, p)
        new = _panel(panel, p)
        last = k + len(new)
        done[k:last] = panel[: len(new)]
        inverse[:k, k:last] = reduce(-inverse[:k, :k] @ done[:k, new], p)
        inverse[k:last, k:last] = np.eye(len(new))
        pivots += new
    k = len(pivots)
    return reduce(inverse[:k, :k] @ done[:k], p), np.array(pivots, np.int64)


def _panel(panel: np.ndarray, p: int) -> list[int]:
    """Reduced echelon form of a few rows, in place: the first ones hold it, one for each pivot that is returned.

    A row is read and written once for all rows before it, and once more at the end: the inverse of the triangle that
    those rows have on their pivots says with which weights.
    """
    width, pivots = panel.shape[1], []
    inverse = np.zeros((len(panel), len(panel)))
    for row in panel:
        k = len(pivots)
        if k:
            weights = reduce(row[pivots] @ inverse[:k, :k], p)
            if weights.any():
                row -= weights @ panel[:k]
                reduce(row, p)
        pivot = width - 1 - int(np.argmax(row[::-1] != 0))
        value = int(row[pivot])
        if value == 0:
            continue
        row *= _centered(pow(value, -1, p), p)
        panel[k] = reduce(row, p)
        inverse[:k, k] = reduce(-inverse[:k, :k] @ panel[:k, pivot], p)
        inverse[k, k] = 1
        pivots.append(pivot)
    k = len(pivots)
    if k > 1:
        panel[:k] = reduce(inverse[:k, :k] @ panel[:k], p)
    return pivots


def _centered(residue: int, p: int) -> int:
    return residue - p if residue > p // 2 else residue


class RealSpan:
    """Orthonormal rows in double precision.

    A candidate is independent when what is left of it after projection is longer than ``tolerance``;
    candidates come in with lengths of order one (or shorter: what cancels must count as zero). The shortest
    accepted and the longest rejected remainder are kept: where they come close, the rank is in doubt.

    Args:
        tolerance: on the length of what is left
        limit: rows at most, where the dimension is known beforehand
    """

    def __init__(self, tolerance: float = 1e-8, limit: int | None = None):
        self.tolerance = tolerance
        self.limit = limit
        self.smallest_accepted = np.inf
        self.largest_rejected = 0.0
        self._rows = np.zeros((0, 0))
        self.dim = 0

    @property
    def rows(self) -> Float[np.ndarray, "dim coordinates"]:
        """The orthonormal rows."""
        return self._rows[: self.dim]

    def resize(self, dim: int) -> None:
        """Make room for ``dim`` coordinates."""
        if self._rows.shape[1] < dim:
            self._rows = _widen(self._rows, dim)

    def extend(self, rows: Float[np.ndarray, "m dim"]) -> int:
        """Add the rows; returns by how much the dimension has grown."""
        self.resize(rows.shape[1])
        if not len(rows):
            return 0
        rows = self._project(self._project(rows))  # twice is enough in double precision
        # QR with pivoting takes the largest remainder first: the rank is read off a decreasing sequence.
        q, r, _ = scipy.linalg.qr(rows.T, mode="economic", pivoting=True, check_finite=False)
        left = np.abs(np.diag(r))
        count = int(np.sum(left > self.tolerance))
        if self.limit is not None:
            count = min(count, self.limit - self.dim)
        if count:
            self.smallest_accepted = min(self.smallest_accepted, float(left[count - 1]))
        if count < len(left):
            self.largest_rejected = max(self.largest_rejected, float(left[count]))
        start, added = self.dim, q[:, :count].T
        if count and left[count - 1] < 1e-3:  # what was divided by a small number carries rounding with it
            added = np.linalg.qr(self._project(added).T)[0].T
        if count:
            if start + len(added) > len(self._rows):
                capacity = max(2 * len(self._rows), start + len(added))
                grown = np.zeros((capacity - len(self._rows), rows.shape[1]))
                self._rows = np.concatenate([self._rows, grown])
            self._rows[start : start + len(added)] = added
            self.dim += len(added)
        return count

    def _project(self, rows: np.ndarray) -> np.ndarray:
        """What is left of the rows outside the span."""
        return rows - (rows @ self.rows.T) @ self.rows if self.dim else rows
