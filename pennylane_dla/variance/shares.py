"""Several predictions under one allowance of time: each gets its share of what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pennylane_dla.algebra.allowance import OutOfTime, current

from .estimate import Prediction
from .problem import Problem


def one_by_one(predict: Callable[[Problem], Prediction], problems: Sequence[Problem]) -> list[Prediction]:
    """A prediction for each problem; time that one leaves is shared by those behind it.

    Args:
        predict: an engine
        problems: to predict, in order

    Returns:
        one prediction each; where the time is used up, that is the reason why there is none
    """
    found = []
    for number, problem in enumerate(problems):
        with current().part(1 / (len(problems) - number)):
            try:
                found.append(predict(problem))
            except OutOfTime as stop:
                found.append(Prediction.unavailable(str(stop)))
    return found
