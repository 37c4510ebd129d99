"""Lie closure of sums of Pauli strings.

The algebra is the smallest space that holds the generators and that every ``ad_{G_k}`` maps into itself
(left-normed brackets span). It is grown by *random combinations* of candidates: ``[Σ_k r_k G_k, Σ_b s_b
B_b]`` leaves the span with probability one as long as any candidate does, so about ``dim`` vectors are tested
and not ``generators × dim``, and two rounds with fresh numbers that stay inside certify the closure.

Where the coefficients of each generator are rational up to scale (or square roots of rationals), the
arithmetic is modulo a prime of 23 bits and ranks are exact: no tolerance. The dimension found is then never
too large, and too small only if the prime divides one of the minors (chance about 10⁻⁷) or two certificates
fail (10⁻¹³). Other coefficients are decided in double precision, and the result says with which tolerance and
how clear the decision was.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import numpy as np
import scipy.sparse
from jaxtyping import Float

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum

from .coordinates import Coordinates, twin_classes
from .lie_algebra import LieAlgebra
from .residues import embed, reduce
from .span import CHUNK, ModularSpan, RealSpan

TOLERANCE = 1e-8
_CLEAR = 1e-3  # a rank decision is in doubt if rejected and accepted fractions are closer than this ratio


class OverBudget(Exception):
    """A limit was reached; carries what was reached and why it stopped."""

    def __init__(self, dim: int, reason: str):
        super().__init__(reason)
        self.dim, self.reason = dim, reason


class _Progress:
    """One line on stderr, from the third second on."""

    def __init__(self, wanted: bool, what: str):
        self._wanted, self._what = wanted, what
        self._next, self._shown = time.monotonic() + 3, False

    def show(self, dim: int, strings: int) -> None:
        if self._wanted and time.monotonic() > self._next:
            text = f"\r{self._what}: dimension {dim} on {strings} Pauli strings so far"
            print(text, end="", file=sys.stderr, flush=True)
            self._next, self._shown = time.monotonic() + 0.5, True

    def close(self) -> None:
        if self._shown:
            print(file=sys.stderr)


def invariant_dimension(
    coordinates: Coordinates,
    seeds: Sequence[PauliSum],
    residues: Sequence[Float[np.ndarray, " terms"]],
    seed_residues: Sequence[Float[np.ndarray, " terms"]],
    p: int,
    max_dim: int,
    max_memory: int,
    progress: _Progress,
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
    while quiet < 2:
        if span.dim > max_dim:
            raise OverBudget(span.dim, f"stopped at max_dim={max_dim}")
        if 2 * span.dim * len(coordinates) * 8 > max_memory:
            raise OverBudget(
                span.dim, f"stopped at {len(coordinates)} Pauli strings by max_memory={max_memory} bytes"
            )
        coordinates.expand(support)
        rows, columns, term, sign = coordinates.entries()
        weights = rng.integers(-half, half + 1, len(coordinates.generators)).astype(float)
        values = reduce(term_residue * weights[coordinates.term_generator], p)[term] * sign
        size = len(coordinates)
        action = scipy.sparse.csr_array((values, (rows, columns)), shape=(size, size))
        action.data = reduce(action.data, p)
        span.resize(size)
        count = max(2, min(2 * grown + 2, span.dim, CHUNK))
        elements = np.ascontiguousarray(span.combinations(count, rng, size).T)
        candidates = np.ascontiguousarray((action @ elements).T)
        pivots = span.extend(reduce(candidates, p))
        grown = len(pivots)
        quiet = 0 if grown else quiet + 1
        if grown:
            support = np.flatnonzero(candidates.any(axis=0) & ~coordinates.expanded[:size])
        progress.show(span.dim, size)
    return span


def invariant_basis(
    coordinates: Coordinates,
    seeds: Sequence[PauliSum],
    dim: int | None,
    max_dim: int,
    max_memory: int,
    progress: _Progress,
    tolerance: float = TOLERANCE,
) -> RealSpan:
    """An orthonormal basis of the span of ``seeds`` under repeated commutators with the generators.

    Brackets are taken with the newest basis vectors, which keeps what is new in them large against
    rounding: the accuracy does not decay with the depth of the nesting.

    Args:
        dim: the dimension, where it is already known exactly

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
            progress.show(span.dim, size)
        frontier = span.rows[start:].copy()
    span.resize(len(coordinates))
    return span


def lie_closure_sums(
    generators: Sequence[PauliSum],
    max_dim: int = 2**14,
    *,
    max_memory: int = 2**31,
    basis: bool = True,
    progress: bool = True,
) -> LieAlgebra:
    r"""The real Lie algebra generated by :math:`\{iG_k\}`, for sums :math:`G_k` of Pauli strings.

    Args:
        generators: real Pauli sums on the same qubits; the identity part is ignored
        max_dim: dimension at which it stops, a stated result
        max_memory: bytes that it may hold
        basis: whether an orthonormal basis is computed too
        progress: whether long work shows how far it is

    Returns:
        LieAlgebra: its ``dim`` is exact where ``complete``; ``reason`` states how ranks were decided.
            ``basis`` are Pauli strings where the algebra is spanned by strings, sums otherwise

    Raises:
        DLAError: for an empty list, different numbers of qubits, coefficients that are not finite

    **Example**

    >>> from pennylane_dla.pauli import PauliSum
    >>> cost = PauliSum.from_dict({"ZZII": 1, "IZZI": 1, "IIZZ": 1, "ZIIZ": 1})
    >>> mixer = PauliSum.from_dict({"XIII": 1, "IXII": 1, "IIXI": 1, "IIIX": 1})
    >>> lie_closure_sums([cost, mixer]).dim
    11

    Random combinations as in the meataxe; compare Iiyama, arXiv:2506.01120.
    """
    generators = checked_generators(generators)
    n = generators[0].num_wires
    generators = [g for g in generators if len(g)]
    if not generators:
        return LieAlgebra(n, 0, (), basis=(), reason="only multiples of the identity were given")
    shown = _Progress(progress, "Lie closure")
    twins = twin_classes(generators)
    symmetric = len(np.unique(twins)) < n
    coordinates = Coordinates(generators, twins if symmetric and not basis else None)
    embedded = embed([g.coefficients for g in generators])
    notes = []
    try:
        if embedded is not None:
            p, residues = embedded
            span = invariant_dimension(
                coordinates, generators, residues, residues, p, max_dim, max_memory, shown
            )
            dim = span.dim
            notes.append(f"ranks exact modulo the prime {p}")
        else:
            real = invariant_basis(coordinates, generators, None, max_dim, max_memory, shown)
            dim = real.dim
            notes.append(rank_statement(real, generators))
        vectors = None
        if basis:
            if dim == len(coordinates):
                vectors = coordinates.strings
            elif embedded is not None:
                real = invariant_basis(coordinates, generators, dim, max_dim, max_memory, shown)
                if real.dim != dim:
                    notes.append(f"no basis: in double precision only {real.dim} vectors are independent")
                else:
                    vectors = as_sums(coordinates, real.rows)
            else:
                vectors = as_sums(coordinates, real.rows)
    except OverBudget as stop:
        return LieAlgebra(n, stop.dim, None, complete=False, reason=stop.reason)
    finally:
        shown.close()
    return LieAlgebra(n, dim, None, basis=vectors, reason="; ".join(notes))


def checked_generators(generators: Sequence[PauliSum]) -> list[PauliSum]:
    """The generators as a list, or an error that says what is wrong with them."""
    generators = list(generators)
    if not generators:
        raise DLAError("No generators were given: a Lie algebra needs at least one.")
    for number, generator in enumerate(generators):
        if generator.num_wires != generators[0].num_wires:
            raise DLAError(
                f"Generator {number} acts on {generator.num_wires} qubits and generator 0 on "
                f"{generators[0].num_wires}: give all of them on the same wires."
            )
        if not np.isfinite(generator.coefficients).all():
            raise DLAError(f"Generator {number} has a coefficient that is not finite.")
    return generators


def rank_statement(span: RealSpan, generators: Sequence[PauliSum]) -> str:
    """How ranks were decided in double precision, and whether the decision is in doubt."""
    text = f"ranks in double precision with tolerance {span.tolerance:g}"
    if span.largest_rejected > _CLEAR * span.smallest_accepted:
        text += (
            f", IN DOUBT: a vector was kept with {span.smallest_accepted:.1e} of its length new, "
            f"another dropped with {span.largest_rejected:.1e}"
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


def as_sums(coordinates: Coordinates, rows: np.ndarray) -> tuple[PauliSum, ...]:
    """Rows of coefficients as Pauli sums, without entries that are rounding."""
    strings, result = coordinates.strings, []
    for row in rows:
        terms = np.flatnonzero(np.abs(row) > 1e-13)
        result.append(PauliSum(strings[terms], row[terms]))
    return tuple(result)
