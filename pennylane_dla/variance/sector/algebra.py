"""The algebra of a circuit on its state as a record: "on this state: so(25), 25 of 1024 dimensions"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pennylane_dla.algebra.ideal import Ideal
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.algebra.sums.commutant import Commutant, NotConverged
from pennylane_dla.algebra.sums.span import RealSpan
from pennylane_dla.algebra.sums.structure import identify
from pennylane_dla.allowance import checkpoint

from .group import Group, generic_levels, irreducible_parts, recognize
from .sector import Sector

MAX_CLOSURE = 400  # dimension of an algebra that is enumerated
MAX_SIZE = 32  # of the matrices
PHASE = "global phases left out"


@dataclass(frozen=True, eq=False)
class SectorAlgebra:
    """A circuit on its own state.

    Args:
        dim: dimensions of the state space that it reaches
        total: all there are, ``2ⁿ``
        algebra: the Lie algebra of its generators there, without global phases; ``dim`` is a lower bound where it is
            not ``complete``
        statement: how ``dim`` was decided
    """

    dim: int
    total: int
    algebra: LieAlgebra
    statement: str

    @property
    def name(self) -> str:
        """``"so(25)"``, or its dimension where the structure is not known."""
        at_least = "" if self.algebra.complete else ">= "
        return self.algebra.name or f"dim {at_least}{self.algebra.dim}"

    def __str__(self) -> str:
        return f"{self.name}, {self.dim} of {self.total} dimensions"


def sector_algebra(sector: Sector) -> SectorAlgebra:
    """The algebra that the generators (known gates among them) span on the sector.

    Args:
        sector: as :func:`~.sector.find_sector` returns it

    Returns:
        SectorAlgebra: recognised where it is as large as its symmetries allow (:mod:`.group`), enumerated where it is
        small, otherwise a lower bound
    """
    algebra = _algebra(sector.generators, sector.num_wires, sector.dim)
    return SectorAlgebra(sector.dim, sector.total, algebra, sector.statement)


def _algebra(generators: Sequence[np.ndarray], num_wires: int, d: int) -> LieAlgebra:
    moving = [g - np.trace(g) / d * np.eye(d) for g in generators]
    moving = [g / np.linalg.norm(g, 2) for g in moving if np.linalg.norm(g) > 1e-12]
    if not moving:
        return LieAlgebra(num_wires, 0, (), method="sector", reason=PHASE)
    parts = irreducible_parts(moving)
    if parts is not None:
        groups = [recognize(moving, part) for part in parts if part.shape[1] > 1]
        if all(group.family for group in groups):
            ideals = _ideals(moving, groups)
            if ideals is not None:
                ideals += _center(moving, parts)
                dim = sum(ideal.dim * ideal.multiplicity for ideal in ideals)
                return LieAlgebra(num_wires, dim, tuple(ideals), method="sector", reason=PHASE)
    if d > MAX_SIZE:
        return LieAlgebra(
            num_wires, _independent(moving), None, False, method="sector",
            reason=f"not recognised on {d} dimensions, and too large to enumerate; {PHASE}",
        )  # fmt: skip
    return _enumerated(moving, num_wires)


def _ideals(generators: Sequence[np.ndarray], groups: Sequence[Group]) -> list[Ideal] | None:
    """Simple ideals: parts on which generic elements have the same levels, up to sign, share one.

    ``None`` where parts are alike in a way that levels do not decide: so(8) has a triality.
    """
    kinds: list[tuple[tuple, Float[np.ndarray, " m"]]] = []
    for group in groups:
        kind = (group.family, group.dim)
        if kind == ("so", 8) and sum(g.family == "so" and g.dim == 8 for g in groups) > 1:
            return None
        levels = generic_levels(generators, group.columns)
        alike = (
            np.abs(other - one).max() < 1e-7 * np.ptp(levels)
            for known, other in kinds
            if known == kind
            for one in (levels, -levels[::-1])
        )
        if not any(alike):
            kinds.append((kind, levels))
    resolved = [Ideal.resolved(*kind) for kind, _ in kinds]
    if len({ideal.dim for ideal in resolved}) < len({kind for kind, _ in kinds}):
        return None  # so(6) beside su(4): the same ideal perhaps
    counted = Counter()
    for ideal in resolved:
        counted[ideal.name, ideal.dim] += ideal.multiplicity
    ideals = [Ideal(name, dim, count) for (name, dim), count in counted.items()]
    return sorted(ideals, key=lambda ideal: (-ideal.dim, ideal.name))


def _center(generators: Sequence[np.ndarray], parts: Sequence[np.ndarray]) -> list[Ideal]:
    """Phases between the parts: traces on each, beside a common one."""
    traces = [[np.trace(part.conj().T @ g @ part).real / part.shape[1] for part in parts] for g in generators]
    values = np.linalg.svd(np.array([*traces, np.ones(len(parts))]), compute_uv=False)
    count = int(np.sum(values > 1e-9 * values[0])) - 1
    return [Ideal.resolved("u", 1, count)] if count else []


def _independent(generators: Sequence[np.ndarray]) -> int:
    return int(np.linalg.matrix_rank(np.array([_flat(-1j * g) for g in generators]), tol=1e-9))


def _flat(matrix: np.ndarray) -> Float[np.ndarray, " m"]:
    return np.concatenate([np.real(matrix).ravel(), np.imag(matrix).ravel()])


def _enumerated(generators: Sequence[np.ndarray], num_wires: int) -> LieAlgebra:
    """By brackets, orthonormal in double precision; then its ideals."""
    d = generators[0].shape[0]
    skew = [-1j * g for g in generators]
    span = RealSpan(1e-8)
    span.extend(np.array([_flat(g) / np.linalg.norm(g) for g in skew]))
    done = 0
    while done < span.dim:
        checkpoint()
        if span.dim > MAX_CLOSURE:
            reason = f"enumeration stopped at dimension {MAX_CLOSURE}; {PHASE}"
            return LieAlgebra(num_wires, span.dim, None, False, method="sector", reason=reason)
        rows, done = span.rows[done:], span.dim
        fresh = _matrices(rows, d)
        for g in skew:
            brackets = g @ fresh - fresh @ g
            span.extend(np.array([_flat(bracket) for bracket in brackets]))
    text = f"ranks in double precision with tolerance {span.tolerance:g}; {PHASE}"
    if span.largest_rejected > min(1e-3 * span.smallest_accepted, 1e-11):
        text += (
            f"; rank uncertain: smallest accepted residual {span.smallest_accepted:.1e}, largest rejected "
            f"{span.largest_rejected:.1e}"
        )
    algebra = LieAlgebra(num_wires, span.dim, None, method="sector", reason=text)
    try:
        ideals = _structure(span.rows, skew, d)
    except NotConverged:
        return algebra
    return LieAlgebra(num_wires, span.dim, ideals, method="sector", reason=text)


def _matrices(rows: Float[np.ndarray, "k m"], d: int) -> np.ndarray:
    real, imaginary = np.split(rows, 2, axis=1)
    return (real + 1j * imaginary).reshape(-1, d, d)


def _structure(rows: Float[np.ndarray, "dim m"], skew: Sequence[np.ndarray], d: int) -> tuple[Ideal, ...]:
    basis = _matrices(rows, d)
    adjoint = []
    for g in skew:
        images = g @ basis - basis @ g
        matrix = rows @ np.array([_flat(image) for image in images]).T
        adjoint.append((matrix - matrix.T) / 2)
    commutant = Commutant(adjoint)
    center = commutant.invariants()
    parts = [
        part
        for part in commutant.irreducibles()
        if not (center.shape[1] and np.linalg.norm(center.T @ part) ** 2 > 0.5 * part.shape[1])
    ]
    if center.shape[1] + sum(part.shape[1] for part in parts) != len(rows):
        raise NotConverged("the parts do not add up to the algebra")
    counted = Counter()
    for (family, size, dim), count in Counter(identify(part, commutant.elements) for part in parts).items():
        ideal = Ideal.resolved(family, size) if size else Ideal(family, dim)
        counted[ideal.name, ideal.dim] += ideal.multiplicity * count
    ideals = [Ideal(name, dim, count) for (name, dim), count in counted.items()]
    ideals.sort(key=lambda ideal: (-ideal.dim, ideal.name))
    return (*ideals, Ideal.resolved("u", 1, center.shape[1])) if center.shape[1] else tuple(ideals)
