"""Several predictions under one allowance of time: each gets its share of what is left."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

from pennylane_dla.allowance import OutOfTime, checkpoint, current
from pennylane_dla.progress import part

from .estimate import Prediction
from .problem import Problem

Item = TypeVar("Item")

LEAST = 1 / 8


def share_of(waiting: int) -> float:
    """The share of what is left for the next of so many: an equal one, but room for what only the first has to do."""
    return max(1 / waiting, LEAST)


def one_by_one(
    predict: Callable[[Item], Prediction], problems: Sequence[Item], what: Callable[[Item], str]
) -> list[Prediction]:
    """A prediction for each problem; time that one leaves is shared by those behind it.

    Args:
        predict: an engine
        problems: to predict, in order, or what stands for them
        what: is being done for one of them, in plain words

    Returns:
        one prediction each; where the time is used up, that is the reason why there is none
    """
    return [found for (found,) in in_turn(lambda problem: [predict(problem)], problems, lambda problem: 1, what)]


def in_turn(
    predict: Callable[[Item], Sequence[Prediction]],
    items: Sequence[Item],
    size: Callable[[Item], int],
    what: Callable[[Item], str],
) -> list[Sequence[Prediction]]:
    """The same for groups of problems that are predicted together.

    Args:
        predict: gives the predictions of one group
        items: the groups, in order
        size: the number of problems in a group
        what: is being done for a group, in plain words

    Returns:
        the predictions of each group
    """
    found = []
    for number, item in enumerate(items):
        waiting = len(items) - number
        with current().part(share_of(waiting)), part(functools.partial(what, item), 1 / waiting):
            try:
                checkpoint()
                found.append(predict(item))
            except OutOfTime as stop:
                found.append([Prediction.unavailable(str(stop)) for _ in range(size(item))])
    return found


def variance_of(problem: Problem) -> str:
    """What is being done for one problem."""
    return f"variance of {problem.label}"
