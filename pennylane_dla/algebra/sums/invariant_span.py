"""The smallest space that holds some operators and that the generators map into itself.

With the generators themselves as seeds it is their Lie algebra (left-normed brackets span), with an
observable as seed its module. It is grown by *random combinations* of candidates: ``[Σ_k r_k G_k, Σ_b s_b
B_b]`` leaves the span with probability one as long as any candidate does, so about ``dim`` vectors are tested
and not ``generators × dim``, and two rounds with fresh numbers that stay inside certify the closure.

Where coefficients are rational up to scale (or square roots of rationals), the arithmetic is modulo a prime
of 23 bits. That rank is never too large. The echelon form is then read as a matrix of fractions, and where
the generators map its rows into themselves *over the rationals*, which is checked without rounding, the
dimension is proved. Other coefficients are decided in double precision, and the result says with which
tolerance and how clear the decision was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse
from jaxtyping import Float

from pennylane_dla.allowance import OutOfTime, afford, current
from pennylane_dla.pauli import PauliSum
from pennylane_dla.progress import tick

from .coordinates import Coordinates
from .rational_basis import RationalBasis, rational_basis
from .residues import embed, reduce
from .span import CHUNK, ModularSpan, RealSpan

TOLERANCE = 1e-8
SECONDS = 1e-10  # for each entry of a product, at least
MEASURED = 1e7  # entries, from which on a round tells how long the next will take
PRIMES = 4  # at most, to read off fractions
MOST_ENTRIES = 2**23  # of a basis, for a second prime
_CLEAR = 1e-3  # a rank decision is in doubt if rejected and accepted remainders are closer than this ratio
_ROUNDING = 1e-11  # or if what was rejected is more than rounding


class OverBudget(Exception):
    """A limit was reached; carries what was reached and why it stopped."""

    def __init__(self, dim: int, reason: str):
        super().__init__(reason)
        self.dim, self.reason = dim, reason


class Grown:
    """How far a span has grown, between steps of the work: what is known of it where the time is used up."""

    dim = 0

    def to(self, dim: int, strings: int) -> None:
        """The span has ``dim`` dimensions on so many strings.

        Raises:
            OverBudget: where the open allowance of time is used up
        """
        self.dim = dim
        tick()
        if current().over:
            raise OverBudget(dim, f"{current().statement} on {strings} Pauli strings")


@dataclass(frozen=True, eq=False)
class InvariantSpan:
    """What :func:`close` finds.

    Args:
        dim: its dimension
        statement: how ranks were decided
        whole: whether it is the space of all coordinates
        rational: an exact basis, where there is one
        real: an orthonormal basis, where ranks were decided in double precision
    """

    dim: int
    statement: str
    whole: bool
    rational: RationalBasis | None = None
    real: Float[np.ndarray, "dim coordinates"] | None = None

    def rows(self, coordinates: Coordinates) -> Float[np.ndarray, "dim coordinates"] | None:
        """An orthonormal basis, one row each; ``None`` where there is none to double precision."""
        if self.real is not None:
            return self.real
        if self.whole:
            return np.eye(len(coordinates))
        if self.rational is None:
            return None
        rows = self.rational.matrix.toarray()
        rows = np.pad(rows, ((0, 0), (0, len(coordinates) - rows.shape[1]))) / np.sqrt(coordinates.sizes)
        return _orthonormal(rows / np.linalg.norm(rows, axis=1)[:, None])


def _orthonormal(rows: Float[np.ndarray, "dim coordinates"]) -> Float[np.ndarray, "dim coordinates"]:
    """An orthonormal basis of the same space, by two Cholesky factors of the Gram matrix: products of matrices."""
    try:
        for _ in range(2):  # the second removes what rounding the first left
            triangle = np.linalg.cholesky(rows @ rows.T)
            if triangle.diagonal().min() < 1e-5:  # of unit vectors: the squared condition would eat the digits
                raise np.linalg.LinAlgError
            rows = scipy.linalg.solve_triangular(triangle, rows, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return np.ascontiguousarray(np.linalg.qr(rows.T)[0].T)
    return np.ascontiguousarray(rows)


def close(
    coordinates: Coordinates,
    seeds: Sequence[PauliSum],
    max_dim: int,
    max_memory: int,
    basis: Callable[[int], bool] = lambda dim: True,
) -> InvariantSpan:
    """The span of ``seeds`` under repeated commutators with the generators of ``coordinates``.

    Args:
        coordinates: of the generators; strings that are reached are added
        seeds: where to start
        max_dim: dimension at which it stops
        max_memory: bytes that it may hold
        basis: whether a basis is wanted and not only the dimension, asked once the dimension is known

    Raises:
        OverBudget: where ``max_dim``, ``max_memory`` or the open allowance of time is exceeded
    """
    so_far = Grown()
    try:
        return _close(coordinates, seeds, max_dim, max_memory, so_far, basis)
    except OutOfTime as stop:
        raise OverBudget(max(so_far.dim, 1), f"{stop} on {len(coordinates)} Pauli strings") from stop


def _close(coordinates, seeds, max_dim, max_memory, so_far, basis) -> InvariantSpan:
    operators = [*coordinates.generators, *seeds]
    count = len(coordinates.generators)
    embedded = embed([g.coefficients for g in operators])
    if embedded is None:
        real = invariant_basis(coordinates, seeds, None, max_dim, max_memory, so_far)
        return InvariantSpan(real.dim, rank_statement(real, operators), False, real=real.rows)
    spans: list[ModularSpan] = []
    for skip in range(PRIMES):
        if skip:
            embedded = embed([g.coefficients for g in operators], skip)
            assert embedded is not None  # as the first time
        p, residues = embedded
        span = invariant_dimension(
            coordinates, seeds, residues[:count], residues[count:], p, max_dim, max_memory, so_far
        )
        spans.append(span)
        if span.dim == len(coordinates):
            return InvariantSpan(span.dim, f"ranks exact modulo the prime {p}, all strings reached", True)
        if not skip and not basis(span.dim):
            return InvariantSpan(span.dim, f"ranks exact modulo the prime {p}", False)
        exact = rational_basis(coordinates, seeds, spans)
        if exact is not None:
            how = "proved over the rational numbers" if exact.proved else f"exact modulo {skip + 1} primes"
            return InvariantSpan(span.dim, f"ranks {how}", False, rational=exact)
        if span.dim * len(coordinates) > MOST_ENTRIES:
            break
    statement = f"ranks exact modulo the prime {p}"
    real = invariant_basis(coordinates, seeds, span.dim, max_dim, max_memory, so_far)
    if real.dim != span.dim or real.smallest_accepted < 1e-3:
        return InvariantSpan(span.dim, statement + ", no basis to double precision", False)
    return InvariantSpan(span.dim, statement, False, real=real.rows)


def invariant_dimension(
    coordinates: Coordinates,
    seeds: Sequence[PauliSum],
    residues: Sequence[Float[np.ndarray, " _"]],
    seed_residues: Sequence[Float[np.ndarray, " _"]],
    p: int,
    max_dim: int,
    max_memory: int,
    so_far: Grown,
) -> ModularSpan:
    """The span of ``seeds`` under repeated commutators with the generators of ``coordinates``, modulo ``p``.

    Coordinates are the *totals* over an orbit here, so that every entry of the action is an integer.

    Raises:
        OverBudget: where ``max_dim`` or ``max_memory`` is exceeded
    """
    rng = np.random.default_rng(0)
    span = ModularSpan(p)
    half = p // 2
    term_residue = np.concatenate(residues)
    index = [coordinates.locate(seed.strings) for seed in seeds]
    support = np.unique(np.concatenate(index))
    for start in range(0, len(seeds), CHUNK):
        block = np.zeros((len(seeds[start : start + CHUNK]), len(coordinates)))
        for row, j in zip(block, range(start, start + CHUNK), strict=False):
            np.add.at(row, index[j], seed_residues[j])
        span.extend(reduce(block, p))
    grown, quiet = span.dim, 0
    seconds_each = SECONDS
    while quiet < 2:
        if span.dim > max_dim:
            raise OverBudget(span.dim, f"stopped at max_dim={max_dim}")
        if 2 * span.dim * len(coordinates) * 8 > max_memory:
            raise OverBudget(span.dim, f"stopped at {len(coordinates)} Pauli strings by max_memory={max_memory} bytes")
        coordinates.expand(support)
        rows, columns, term, sign = coordinates.entries()
        weights = rng.integers(-half, half + 1, len(coordinates.generators)).astype(float)
        values = reduce(term_residue * weights[coordinates.term_generator], p)[term] * sign
        size = len(coordinates)
        action = scipy.sparse.csr_array((values, (rows, columns)), shape=(size, size))
        action.data = reduce(action.data, p)
        span.resize(size)
        count = max(2, min(2 * grown + 2, span.dim, CHUNK))
        work, start = (2 * span.dim + count) * count * size, time.monotonic()
        afford(seconds_each * work, "the next round of commutators")
        elements = np.ascontiguousarray(span.combinations(count, rng, size).T)
        candidates = np.ascontiguousarray((action @ elements).T)
        pivots = span.extend(reduce(candidates, p))
        grown = len(pivots)
        quiet = 0 if grown else quiet + 1
        if grown:
            support = np.flatnonzero(candidates.any(axis=0) & ~coordinates.expanded[:size])
        if work > MEASURED:
            seconds_each = max(SECONDS, (time.monotonic() - start) / work)
        so_far.to(span.dim, size)
    return span


def invariant_basis(
    coordinates: Coordinates,
    seeds: Sequence[PauliSum],
    dim: int | None,
    max_dim: int,
    max_memory: int,
    so_far: Grown,
    tolerance: float = TOLERANCE,
) -> RealSpan:
    """An orthonormal basis of the span of ``seeds`` under repeated commutators with the generators.

    Brackets are taken with the newest basis vectors, which keeps what is new in them large against
    rounding: the accuracy does not decay with the depth of the nesting.

    Args:
        coordinates: of the generators; strings that are reached are added
        seeds: where to start
        dim: the dimension, where it is already known exactly
        max_dim: dimension at which it stops
        max_memory: bytes that it may hold
        so_far: keeps how far it is
        tolerance: on the length of what is new in a candidate

    Raises:
        OverBudget: where ``max_dim`` or ``max_memory`` is exceeded
    """
    rng = np.random.default_rng(1)
    span = RealSpan(tolerance, dim)
    scale = np.array([1 / np.linalg.norm(g.coefficients) for g in coordinates.generators])
    seeds = list(seeds)
    for seed in seeds:
        coordinates.locate(seed.strings)
    for start in range(0, len(seeds), CHUNK):
        block = np.array([coordinates.vector(seed) for seed in seeds[start : start + CHUNK]])
        block /= np.linalg.norm(block, axis=1)[:, None]
        span.extend(block)
    frontier = span.rows
    while len(frontier) and (dim is None or span.dim < dim):
        if span.dim > max_dim:
            raise OverBudget(span.dim, f"stopped at max_dim={max_dim}")
        coordinates.expand(np.flatnonzero(np.abs(frontier).max(axis=0) > 0))
        size = len(coordinates)
        if 3 * span.dim * size * 8 > max_memory:
            raise OverBudget(span.dim, f"stopped at {size} Pauli strings by max_memory={max_memory} bytes")
        frontier = np.pad(frontier, ((0, 0), (0, size - frontier.shape[1])))
        start = span.dim
        quiet = 0
        for _ in range(len(coordinates.generators) + 1):
            action = coordinates.action(scale * rng.normal(size=len(scale)))
            grown = 0
            for first in range(0, len(frontier), CHUNK):
                grown += span.extend(np.ascontiguousarray((action @ frontier[first : first + CHUNK].T).T))
                if span.dim > max_dim:
                    break
            quiet = 0 if grown else quiet + 1
            if quiet == 2 or span.dim > max_dim:  # fresh random generators twice bring nothing new
                break
            so_far.to(span.dim, size)
        frontier = span.rows[start:].copy()
    span.resize(len(coordinates))
    return span


def rank_statement(span: RealSpan, generators: Sequence[PauliSum]) -> str:
    """How ranks were decided in double precision, and whether the decision is in doubt."""
    text = f"ranks in double precision with tolerance {span.tolerance:g}"
    if span.largest_rejected > min(_CLEAR * span.smallest_accepted, _ROUNDING):
        text += (
            f", rank uncertain: smallest accepted residual {span.smallest_accepted:.1e}, largest rejected "
            f"{span.largest_rejected:.1e}"
        )
    small = [
        number
        for number, g in enumerate(generators)
        if np.abs(g.coefficients).min() < 1e-6 * np.abs(g.coefficients).max()
    ]
    if small:
        text += (
            f"; generators {small} mix coefficients of very different size, of which the small ones count as "
            "zero below the tolerance (rational coefficients are decided exactly whatever their size)"
        )
    return text
