"""What an engine gives back: a number is never without its method and its error, no number without its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np


@dataclass(frozen=True)
class Declined:
    """No result, and why: what a function gives that else returns it, so that a reason is never a bare string.

    Args:
        reason: completes the sentence "not available: …"
    """

    reason: str


@dataclass(frozen=True, eq=False)
class VarianceEstimate:
    """A predicted variance, or an array of them.

    Args:
        value: the variance: a float, a :class:`~fractions.Fraction` (exact limits), an array (one entry a
            parameter element, or a batch element), or a pytree of arrays (as a user sees gradients).
            ``None`` where no engine applies
        stderr: standard error in the same form; ``0.0`` where exact
        method: the engine: ``"exact"``, ``"module"``, ``"paths"``, ``"sector"``, ``"simulated"``, ``"limit"``, or
            ``"none"``
        exact: whether the value is exact up to rounding
        interval: 95 % confidence interval ``(low, high)`` in the form of ``value``, where there is one; a
            bound ``(0, high)`` may be given even without a value
        reason: why there is no value, or what was assumed
    """

    value: Any
    stderr: Any = 0.0
    method: str = "exact"
    exact: bool = True
    interval: tuple[Any, Any] | None = None
    reason: str | None = None

    @classmethod
    def unavailable(cls, reason: str, interval: tuple[Any, Any] | None = None) -> VarianceEstimate:
        """No engine applies; ``reason`` completes the sentence "not available: …"."""
        return cls(None, None, "none", False, interval, reason)

    @classmethod
    def sampled(cls, value: Any, stderr: Any, method: str, reason: str) -> VarianceEstimate:
        """A number or an array of them from samples, with the interval of the normal distribution, never negative."""
        low, high = np.maximum(value - 1.96 * stderr, 0), value + 1.96 * stderr
        if np.ndim(value) == 0:
            low, high = float(low), float(high)
        return cls(value, stderr, method, False, (low, high), reason)

    @property
    def available(self) -> bool:
        return self.value is not None


_Predicted = TypeVar("_Predicted", bound="Prediction")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an engine returns for one observable.

    Args:
        loss: variance of the loss
        gradient: variances of ``∂loss/∂element``, value of shape ``(num_elements,)``: one entry for each
            element of the trainable arguments, flattened in order; an element that drives no gate has 0
        loss_mean: ``E[loss]``, the constant term of the observable included; ``None`` if not computed
        loss_mean_stderr: standard error of ``loss_mean``; ``0.0`` where it is exact
        gradient_mean: ``E[∂loss/∂element]`` with its error, in the form of ``gradient``; all zeros for angles that are
            uniform over the period. ``None`` if not computed
        statistics: facts about the run that the report may show (orbit size, paths, hits …)
    """

    loss: VarianceEstimate
    gradient: VarianceEstimate
    loss_mean: float | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    loss_mean_stderr: float = 0.0
    gradient_mean: VarianceEstimate | None = None

    @classmethod
    def unavailable(cls: type[_Predicted], reason: str) -> _Predicted:
        missing = VarianceEstimate.unavailable(reason)
        return cls(missing, missing)


def as_float(value: float | Fraction | np.ndarray) -> float | np.ndarray:
    """Numbers for arithmetic and plots; a ``Fraction`` too small for a float becomes 0."""
    return float(value) if isinstance(value, Fraction) else value
