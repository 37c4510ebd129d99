"""The sector before any other engine: only where it is found at once, and nothing that is exact is given away."""

from __future__ import annotations

from collections.abc import Sequence

from pennylane_dla.variance.module.observable_module import MAX_DIM as MAX_MODULE

from ..estimate import Declined, Prediction
from ..problem import Problem
from . import engine
from .group import recognized
from .sector import find_sector

MAX_STATES = 2**12  # basis states that are looked at before other engines are asked
MAX_DIM = 256


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """:func:`.engine.predict_together`, where it is exact, or where no module can be small.

    Where the group on ``K`` is all of su(d) (so, sp), the operators on ``K`` split into very few modules, whose
    dimensions are known; if each is beyond what the module engine takes, sampling starts without waiting for it.

    Args:
        problems: with one ansatz, law and budget

    Returns:
        one prediction for each, or why it is left to the engines that follow
    """
    first = problems[0]
    declined = next(filter(None, map(engine.obstacle, problems)), None)
    if declined is None:
        sector = find_sector(first.ansatz, min(MAX_DIM, first.budget.max_dim), MAX_STATES)
        if isinstance(sector, Declined):
            declined = sector
        elif not engine.exact(sector, problems) and not _hopeless_elsewhere(sector):
            declined = Declined(f"the sector has {sector.dim} dimensions, too many for its second moments")
    if declined is not None:
        return [Prediction.unavailable(declined.reason) for _ in problems]
    return engine.predict_together(problems)


def _hopeless_elsewhere(sector) -> bool:
    group = recognized(sector)
    return group is not None and min(group.modules) > MAX_MODULE
