"""The mean of the gradient, as every engine states it.

Under angles that are uniform over their period it vanishes: ``E[∂l/∂θ]`` is an integral of a derivative over a period,
whatever the loss and the other angles. Under other laws it can be the whole signal.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .chain_rule import mean_to_elements
from .estimate import VarianceEstimate
from .law import AngleLaw, Uniform
from .problem import Problem


def zero_mean(num_elements: int, method: str) -> VarianceEstimate:
    """``E[∂l/∂θ] = 0`` for every element, exactly.

    >>> zero_mean(2, "paths").value.tolist()
    [0.0, 0.0]
    """
    return VarianceEstimate(np.zeros(num_elements), np.zeros(num_elements), method)


def periodic(law: AngleLaw) -> np.ndarray:
    """Which elements are uniform over their period, so that the mean of their derivative is 0."""
    sizes = [int(np.prod(shape)) for shape in law.arguments.shapes]
    return np.repeat([one == Uniform() for one in law.laws], sizes).astype(bool)


def mean_by_element(
    problem: Problem,
    values: Float[np.ndarray, " elements"],
    method: str,
    errors: Float[np.ndarray, " elements"] | None = None,
) -> VarianceEstimate:
    """What an engine found for each element, with zeros where the law says so.

    Args:
        problem: whose elements they are
        values: ``E[∂l/∂θ]``
        method: the engine
        errors: standard errors; ``None`` where the values are exact

    Returns:
        the estimate; exact without errors, and where the law makes every mean vanish
    """
    known = periodic(problem.law)
    if known.all():
        return zero_mean(len(known), method)
    value = np.where(known, 0.0, values)
    if errors is None:
        return VarianceEstimate(value, np.zeros_like(value), method)
    error = np.where(known, 0.0, errors)
    return VarianceEstimate(value, error, method, False, (value - 1.96 * error, value + 1.96 * error))


def mean_by_rotation(problem: Problem, values: Float[np.ndarray, " rotations"], method: str) -> VarianceEstimate:
    """The same from exact means ``E[∂l/∂α_k]`` for the rotations of the effective circuit."""
    elements = mean_to_elements(problem.effective.angles, values, problem.ansatz.arguments.num_elements)
    return mean_by_element(problem, elements, method)
