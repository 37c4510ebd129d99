"""The engine that works on the sector: exact where that is affordable, sampled beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum, ProjectorProduct

from ..estimate import Prediction
from ..problem import Problem
from ..simulated import square
from .covariance import MAX_WORK, exact_variances, memory, work
from .sampled import sampled_variances
from .sector import MAX_DIM, MAX_PROJECTOR_WIRES, Sector, find_sector
from .walk import SectorWalk

MAX_PAIRS = 4_000_000  # terms of an observable, squared, for its variance
EXACT_DIM = 64  # beyond, second moments of the state do not fit


def predict(problem: Problem) -> Prediction:
    """Variances of the loss and of every gradient component, on the dimensions that the state reaches.

    Args:
        problem: a circuit without noise

    Returns:
        exact values where the second moment of the state is affordable, else estimates with standard errors; or the
        reason why this engine does not apply
    """
    (prediction,) = predict_all([problem])
    return prediction


def predict_exactly(problem: Problem) -> Prediction:
    """The same, only where it is exact and takes some seconds at most."""
    if problem.kind == "var":
        return Prediction.unavailable("a variance is not linear in the state")
    if problem.effective.correlated:
        return Prediction.unavailable(problem.effective.correlated)
    sector = _sector(problem, EXACT_DIM)
    if isinstance(sector, str):
        return Prediction.unavailable(sector)
    if not _exact(sector, [problem]):
        return Prediction.unavailable(f"the sector has {sector.dim} dimensions, too many for second moments")
    return predict(problem)


def predict_all(problems: Sequence[Problem]) -> list[Prediction]:
    """Several measurements of one circuit, from the same moments or the same samples.

    Args:
        problems: with one ansatz, law and budget

    Returns:
        one prediction for each
    """
    first = problems[0]
    refused = [Prediction.unavailable(reason) if (reason := _obstacle(problem)) else None for problem in problems]
    if any(refused):
        return [r or Prediction.unavailable("another measurement of the circuit has no observable") for r in refused]
    sector = _sector(first, min(MAX_DIM, first.budget.max_dim))
    if isinstance(sector, str):
        return [Prediction.unavailable(sector) for _ in problems]
    walk = SectorWalk(sector, first.effective.angles)
    if not np.isfinite([angle.offset for angle in walk.angles]).all():
        return [Prediction.unavailable("data values are unknown under jit: call inspect with concrete data")] * len(
            problems
        )
    matrices = [_observables(sector, problem) for problem in problems]
    wrong = next((m for m in matrices if isinstance(m, str)), None)
    if wrong is not None:
        return [Prediction.unavailable(wrong) for _ in problems]
    num_elements = first.ansatz.arguments.num_elements
    if _exact(sector, problems):
        firsts = [m[0] for m in matrices]
        found = exact_variances(walk, firsts, first.law, num_elements, first.budget.progress)
    else:
        try:
            first.law.draw(np.random.default_rng(0), 1)
        except DLAError as error:
            return [Prediction.unavailable(str(error)) for _ in problems]
        found = sampled_variances(walk, first, matrices, [problem.kind for problem in problems])
    facts = {"sector dimension": sector.dim, "ranks": sector.statement}
    return [replace(prediction, statistics={**prediction.statistics, **facts}) for prediction in found]


def _obstacle(problem: Problem) -> str | None:
    observable = problem.observable
    if problem.effective.channels:
        return "noise channels leave no subspace of state vectors"
    if isinstance(observable, ProjectorProduct) and len(observable.wires) > MAX_PROJECTOR_WIRES:
        return f"a projector on {len(observable.wires)} wires has too many terms to enumerate"
    if problem.kind == "var" and _terms(observable) ** 2 > MAX_PAIRS:
        return f"the square of an observable of {_terms(observable)} terms is too long"
    return None


def _terms(observable: PauliSum | ProjectorProduct) -> int:
    return len(observable) if isinstance(observable, PauliSum) else 2 ** len(observable.wires)


def _sector(problem: Problem, max_dim: int) -> Sector | str:
    return find_sector(problem.ansatz, max_dim, problem.allowance)


def _exact(sector: Sector, problems: Sequence[Problem]) -> bool:
    if any(problem.kind == "var" or problem.effective.correlated for problem in problems):
        return False
    rotations = len(sector.rotations)
    return (
        sector.dim <= EXACT_DIM
        and work(sector.dim, rotations, len(problems)) <= MAX_WORK
        and memory(sector.dim, rotations) <= problems[0].budget.max_memory
    )


def _observables(sector: Sector, problem: Problem) -> tuple[np.ndarray, ...] | str:
    """The observable, and for a variance its square."""
    observable = problem.observable
    if isinstance(observable, ProjectorProduct):
        observable = observable.expand()
    sums = (observable, square(observable)) if problem.kind == "var" else (observable,)
    found = [sector.compressed(one) for one in sums]
    return next((matrix for matrix in found if isinstance(matrix, str)), tuple(found))
