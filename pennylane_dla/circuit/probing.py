"""Which trainable element drives which angle: the classical map of a QNode, found by evaluating it.

The map from argument elements ``e`` to the numbers ``p`` on the tape is affine in nearly every circuit. It
is evaluated at few generic points: where ``p = c e_j``, the ratio ``p(e¹)/p(e⁰) = e¹_j/e⁰_j`` tells ``j``
(all ratios differ); where there is an offset, the ratio of differences at a third point does. What is left
(sums of elements, functions) is found with about ``log₂`` of the number of elements further evaluations. All
is sparse: nothing of size (angles × elements) is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.errors import DLAError

from .ansatz import Angle
from .dependence import several_elements
from .rounding import DOUBLE, SINGLE, clean, clean_offset, went_through_single

Evaluate = Callable[[Float[np.ndarray, " elements"]], Float[np.ndarray, " slots"]]


@dataclass(frozen=True, eq=False)
class AngleMap:
    """``p_k = offset[k] + coefficient[k] · e[element[k]]``; ``element = -1`` where nothing drives ``p_k``.

    Args:
        element: the one element that drives each slot, or -1
        coefficient: its coefficient
        offset: constant part
        other: the slots driven by several elements, or not affine
    """

    element: Int[np.ndarray, " slots"]
    coefficient: Float[np.ndarray, " slots"]
    offset: Float[np.ndarray, " slots"]
    other: dict[int, Angle]

    @classmethod
    def constant(cls, values: np.ndarray) -> AngleMap:
        """No slot is driven by anything."""
        return cls(np.full(len(values), -1), np.zeros(len(values)), values, {})

    def angle(self, slot: int) -> Angle:
        """What drives one slot."""
        if slot in self.other:
            return self.other[slot]
        if self.element[slot] < 0:
            return Angle(float(self.offset[slot]))
        return Angle(float(self.offset[slot]), (int(self.element[slot]),), (float(self.coefficient[slot]),))

    def part(self, start: int, stop: int) -> AngleMap:
        """The map of slots ``start`` to ``stop``."""
        cut = slice(start, stop)
        other = {slot - start: angle for slot, angle in self.other.items() if start <= slot < stop}
        return AngleMap(self.element[cut], self.coefficient[cut], self.offset[cut], other)

    def key(self) -> tuple:
        """Equal for equal maps."""
        return (
            self.element.tobytes(),
            self.coefficient.tobytes(),
            self.offset.tobytes(),
            tuple(sorted(self.other.items())),
        )


@dataclass(frozen=True, eq=False)
class ProbePoints:
    """Three generic points: with ``δ¹ = e¹-e⁰`` and ``δ² = e²-e⁰`` all ``e¹/e⁰`` differ from each other, and
    all ``δ²/δ¹``.

    ``e⁰`` and ``e¹`` have different signs, so that a branch on ``θ > 0`` shows; on the ``positive`` points
    all are in (0, 1), for circuits with ``arccos`` or ``sqrt``.
    """

    first: Float[np.ndarray, " elements"]
    second: Float[np.ndarray, " elements"]
    third: Float[np.ndarray, " elements"]

    @classmethod
    def generic(cls, size: int, positive: bool = False, seed: int = 20_250) -> ProbePoints:
        rng = np.random.default_rng(seed)

        def ladder(low, high):  # distinct by construction, without visible order
            return low + (high - low) * (rng.permutation(size) + rng.uniform(0.25, 0.75, size)) / max(size, 1)

        first = rng.uniform(0.35, 0.6, size)
        second = first * (ladder(0.6, 1.6) if positive else -ladder(0.6, 2.1))
        third = first + (second - first) * ladder(0.2, 0.8)
        return cls(first, second, third)


def angle_map(evaluate: Evaluate, points: ProbePoints, at_first: np.ndarray) -> AngleMap:
    """Find the map of ``evaluate`` from elements to slots.

    Args:
        evaluate: the map; deterministic
        points: where to evaluate
        at_first: ``evaluate(points.first)``, already known

    Returns:
        the sparse map, exact up to rounding where it is affine
    """
    e0, e1, e2 = points.first, points.second, points.third
    p0 = at_first
    element, coefficient = np.full(len(p0), -1), np.zeros(len(p0))
    if len(e0) == 0 or len(p0) == 0:
        return AngleMap(element, coefficient, p0.copy(), {})
    p1 = evaluate(e1)
    size = np.maximum(np.abs(p0), np.abs(p1))
    moved = np.flatnonzero(np.abs(p1 - p0) > 1e-14 + 1e-12 * size)
    rtol = np.where(went_through_single(p0) & went_through_single(p1), SINGLE, DOUBLE)
    with np.errstate(divide="ignore", invalid="ignore"):
        element[moved] = _match((p1 / p0)[moved], e1 / e0, DOUBLE)
    other: dict[int, Angle] = {}
    if np.any(element[moved] < 0):
        p2 = evaluate(e2)
        guess = p0 * np.where(element >= 0, e2[element] / e0[element], np.nan)
        element[np.abs(guess - p2) > 1e-10 * size] = -1  # a ratio hit by chance
        rest = moved[element[moved] < 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            element[rest] = _match(((p2 - p0) / (p1 - p0))[rest], (e2 - e0) / (e1 - e0), 10 * DOUBLE)
        left = rest[element[rest] < 0]
        if len(left):
            if not np.array_equal(evaluate(e0), p0):
                raise DLAError(
                    "the circuit is random: two calls with the same arguments give different angles; draw random "
                    "numbers outside the QNode and pass them as an argument."
                )
            other = several_elements(evaluate, points, p0, p1, p2, left, rtol)
    driven = np.flatnonzero(element >= 0)
    coefficient[driven] = clean((p1 - p0)[driven] / (e1 - e0)[element[driven]], 1e-9)
    offset = p0.copy()
    offset[driven] = clean_offset(
        p0[driven] - coefficient[driven] * e0[element[driven]], 1e-11 * np.maximum(size[driven], 1e-3)
    )
    return AngleMap(element, coefficient, offset, other)


def without_data(angles: AngleMap, evaluate, points: ProbePoints, at_first: np.ndarray, data) -> AngleMap:
    """The map where some data are not known: offsets that they drive become ``nan``; a slope that they drive
    makes the slot not affine.

    Args:
        angles: the map at one value of the data
        evaluate: ``(elements, data) -> slots``
        points: where the map was found
        at_first: its values at the first point
        data: another generic value of the data
    """
    at_other = evaluate(points.first, data)
    change = evaluate(points.second, data) - at_other
    expected = evaluate(points.second) - at_first
    scale = np.maximum(np.abs(at_first), np.abs(at_other)) + np.abs(expected)
    rtol = np.where(went_through_single(at_first) & went_through_single(at_other), SINGLE, DOUBLE)
    unknown = np.abs(at_other - at_first) > rtol * scale
    tilted = np.flatnonzero(np.abs(change - expected) > 10 * rtol * scale)
    offset = np.where(unknown, np.nan, angles.offset)
    other = {
        slot: angle._replace(offset=float("nan")) if unknown[slot] else angle for slot, angle in angles.other.items()
    }
    for slot in map(int, tilted):
        other[slot] = angles.angle(slot)._replace(offset=float("nan"), affine=False)
    return AngleMap(angles.element, angles.coefficient, offset, other)


def _match(ratios: np.ndarray, table: np.ndarray, rtol: float) -> np.ndarray:
    """Index of the entry of ``table`` that equals each ratio; -1 where none does, or more than one."""
    order = np.argsort(table)
    ordered = table[order]
    ratios = np.where(np.isfinite(ratios), ratios, np.inf)
    right = np.clip(np.searchsorted(ordered, ratios), 0, len(table) - 1)
    left = np.maximum(right - 1, 0)
    with np.errstate(invalid="ignore"):
        to_left, to_right = np.abs(ordered[left] - ratios), np.abs(ordered[right] - ratios)
        nearest = np.where(to_left < to_right, left, right)
        close = np.minimum(to_left, to_right) < rtol * np.abs(ordered[nearest])
        alone = (left == right) | (np.maximum(to_left, to_right) > 3 * rtol * np.abs(ordered[nearest]))
    return np.where(close & alone, order[nearest], -1)
