"""The engine that works on the sector: exact where that is affordable, sampled beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.pauli.sums import square

from ..estimate import Declined, Prediction
from ..observables import distinct_rows
from ..problem import Problem
from .covariance import MAX_WORK, exact_variances, memory, work
from .sampled import sampled_variances
from .sector import MAX_DIM, Sector, find_sector
from .walk import SectorWalk

MAX_PROJECTOR_WIRES = 12
MAX_PAIRS = 4_000_000  # terms of an observable, squared, for its variance
_SAME = 1e-12  # of the largest entry of all observables
EXACT_DIM = 64  # beyond, second moments of the state do not fit


def predict(problem: Problem) -> Prediction:
    """Variances of the loss and of every gradient component, on the dimensions that the state reaches.

    Args:
        problem: a circuit without noise

    Returns:
        exact values where the second moment of the state is affordable, else estimates with standard errors; or the
        reason why this engine does not apply
    """
    return predict_together([problem])[0]


def predict_together(problems: Sequence[Problem], max_dim: int = MAX_DIM) -> list[Prediction]:
    """Several measurements of one circuit, from the same moments or the same samples.

    Args:
        problems: with one ansatz, law and budget
        max_dim: dimension of the sector at most

    Returns:
        one prediction for each
    """
    declined = [obstacle(problem) for problem in problems]
    free = [problem for problem, why in zip(problems, declined, strict=True) if why is None]
    found = iter(_predicted(free, max_dim))
    return [next(found) if why is None else Prediction.unavailable(why.reason) for why in declined]


def obstacle(problem: Problem) -> Declined | None:
    """Why the engine does not apply, as far as that can be said before the sector is looked for."""
    observable = problem.observable
    if problem.effective.channels:
        return Declined("noise channels leave no subspace of state vectors")
    if isinstance(observable, ProjectorProduct) and len(observable.wires) > MAX_PROJECTOR_WIRES:
        return Declined(f"a projector on {len(observable.wires)} wires has too many terms to enumerate")
    if problem.kind == "var" and _terms(observable) ** 2 > MAX_PAIRS:
        return Declined(f"the square of an observable of {_terms(observable)} terms is too long")
    return None


def exact(sector: Sector, problems: Sequence[Problem]) -> bool:
    """Whether second moments give exact values, in some seconds."""
    if any(problem.kind == "var" or problem.effective.correlated for problem in problems):
        return False
    rotations = len(sector.rotations)
    return (
        sector.dim <= EXACT_DIM
        and work(sector.dim, rotations, len(problems)) <= MAX_WORK
        and memory(sector.dim, rotations) <= problems[0].budget.max_memory
    )


def _predicted(problems: Sequence[Problem], max_dim: int) -> list[Prediction]:
    if not problems:
        return []
    first = problems[0]
    sector = find_sector(first.ansatz, min(MAX_DIM, max_dim, first.budget.max_dim))
    if isinstance(sector, Declined):
        return [Prediction.unavailable(sector.reason) for _ in problems]
    walk = SectorWalk(sector, first.effective.angles)
    matrices = [observables_on(sector, problem) for problem in problems]
    different, which = _distinct(matrices)  # outcomes that a symmetry exchanges are one observable here
    matrices, kinds = [matrices[i] for i in different], [problems[i].kind for i in different]
    if exact(sector, [problems[i] for i in different]):
        found = exact_variances(walk, first, [one[0] for one in matrices])
    else:
        try:
            first.law.draw(np.random.default_rng(0), 1)
        except DLAError as error:
            return [Prediction.unavailable(str(error)) for _ in problems]
        found = sampled_variances(walk, first, matrices, kinds)
    facts = {"sector dimension": sector.dim, "ranks": sector.statement}
    return [replace(found[i], statistics={**found[i].statistics, **facts}) for i in which]


def _distinct(matrices: Sequence[tuple[np.ndarray, ...]]) -> tuple[list[int], list[int]]:
    """The first of those that are the same up to rounding, and for each which of these it is."""
    unit = _SAME * max((np.abs(part).max(initial=0.0) for one in matrices for part in one), default=0.0) or 1.0
    # rounding in integers: there is no negative zero
    return distinct_rows(np.round(np.array(one, complex).view(float) / unit).astype(np.int64) for one in matrices)


def _terms(observable: PauliSum | ProjectorProduct) -> int:
    return len(observable) if isinstance(observable, PauliSum) else 2 ** len(observable.wires)


def observables_on(sector: Sector, problem: Problem) -> tuple[np.ndarray, ...]:
    """The observable, and for a variance its square."""
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        observable = observable.expand()
    sums = (observable, square(observable)) if problem.kind == "var" else (observable,)
    return tuple(sector.compressed(one) for one in sums)
