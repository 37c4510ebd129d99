"""Which trainable element drives which angle: the classical map of a QNode, found by evaluating it.

The map from argument elements ``e`` to the numbers ``p`` on the tape is affine in nearly every circuit. It is evaluated at
few generic points: where ``p = c e_j``, the ratio ``p(e¹)/p(e⁰) = e¹_j/e⁰_j`` tells ``j`` (all ratios differ); where there is
an offset, the ratio of differences at a third point does. What is left (sums of elements, functions) is found with
about ``log₂`` of the number of elements further evaluations. All is sparse: nothing of size (angles × elements) is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .ansatz import Angle

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

    def angle(self, slot: int) -> Angle:
        """What drives one slot."""
        if slot in self.other:
            return self.other[slot]
        if self.element[slot] < 0:
            return Angle(float(self.offset[slot]))
        return Angle(
            float(self.offset[slot]), (int(self.element[slot]),), (float(self.coefficient[slot]),)
        )


@dataclass(frozen=True, eq=False)
class ProbePoints:
    """Three generic points: with ``δ¹ = e¹-e⁰`` and ``δ² = e²-e⁰`` all ``e¹/e⁰`` differ from each other, and all ``δ²/δ¹``.

    ``e⁰`` and ``e¹`` have different signs, so that a branch on ``θ > 0`` shows; on the ``positive`` points all are in (0, 1),
    for circuits with ``arccos`` or ``sqrt``.
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
    size = len(e0)
    p0 = at_first
    slots = len(p0)
    element, coefficient = np.full(slots, -1), np.zeros(slots)
    if size == 0 or slots == 0:
        return AngleMap(element, coefficient, p0.copy(), {})
    p1 = evaluate(e1)
    scale = np.maximum(np.abs(p0), np.abs(p1))
    moved = np.abs(p1 - p0) > 1e-12 * np.maximum(scale, 1e-3)

    with np.errstate(divide="ignore", invalid="ignore"):
        linear = _match(p1 / p0, e1 / e0)
    linear[~moved] = -1
    found = linear >= 0
    element[found] = linear[found]
    coefficient[found] = (p1 - p0)[found] / (e1 - e0)[linear[found]]

    rest = np.flatnonzero(moved & ~found)
    other: dict[int, Angle] = {}
    if len(rest):
        p2 = evaluate(e2)
        with np.errstate(divide="ignore", invalid="ignore"):
            affine = _match((p2 - p0)[rest] / (p1 - p0)[rest], (e2 - e0) / (e1 - e0))
        hit = affine >= 0
        element[rest[hit]] = affine[hit]
        coefficient[rest[hit]] = (p1 - p0)[rest[hit]] / (e1 - e0)[affine[hit]]
        left = rest[~hit]
        if len(left):
            other = _general(evaluate, points, p0, p1, p2, left)
    coefficient = clean(coefficient)
    offset = p0 - coefficient * np.where(element >= 0, e0[element], 0.0)
    offset = np.where(element >= 0, clean_offset(offset, np.abs(p0)), p0)
    return AngleMap(element, coefficient, offset, other)


def _match(ratios: np.ndarray, table: np.ndarray, rtol: float = 1e-10) -> np.ndarray:
    """Index of the entry of ``table`` that equals each ratio, or -1."""
    order = np.argsort(table)
    ordered = table[order]
    ratios = np.where(np.isfinite(ratios), ratios, np.inf)
    right = np.clip(np.searchsorted(ordered, ratios), 0, len(table) - 1)
    left = np.maximum(right - 1, 0)
    with np.errstate(invalid="ignore"):
        nearest = np.where(np.abs(ordered[left] - ratios) < np.abs(ordered[right] - ratios), left, right)
        close = np.abs(ordered[nearest] - ratios) < rtol * np.abs(ordered[nearest])
    return np.where(close, order[nearest], -1)


DENOMINATORS = (1, 3, 7, 10, 16, 1 / np.pi)


def clean(values: np.ndarray, rtol: float = 1e-9) -> np.ndarray:
    """Rounding errors removed from coefficients that are simple fractions (or simple multiples of π)."""
    result = values.copy()
    done = np.zeros(np.shape(values), bool)
    for d in DENOMINATORS:
        rounded = np.round(values * d) / d
        close = ~done & (rounded != 0) & (np.abs(rounded - values) < rtol * np.abs(values))
        result[close] = rounded[close]
        done |= close
    return result


def clean_offset(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Offsets that are zero, or a multiple of π/12, up to rounding."""
    unit = np.pi / 12
    rounded = np.round(values / unit) * unit
    return np.where(np.abs(values - rounded) < 1e-12 * np.maximum(1.0, 100 * scale), rounded, values)


def _general(evaluate, points, p0, p1, p2, left) -> dict[int, Angle]:
    """Slots that several elements drive, or that are not affine."""
    e0, e1, e2 = points.first, points.second, points.third
    size = len(e0)
    bits = max(1, int(size - 1).bit_length())
    delta = e1 - e0
    responses = np.empty((bits, len(left)))
    for b in range(bits):
        chosen = (np.arange(size) >> b) & 1 == 1
        responses[b] = (evaluate(np.where(chosen, e1, e0)) - p0)[left]
    supports: dict[int, tuple[int, ...] | None] = {}
    for column, slot in enumerate(left):
        supports[int(slot)] = _decode(responses[:, column], (p1 - p0)[slot], size)
    dense = sorted(slot for slot, support in supports.items() if support is None)
    if dense:
        supports |= _one_by_one(evaluate, points, p0, dense)
    return _fit(evaluate, points, p0, p1, p2, supports, delta)


def _decode(responses: np.ndarray, total: float, size: int) -> tuple[int, ...] | None:
    """The one or two elements whose index bits explain the responses; ``None`` where there are more."""
    tol = 1e-10 * max(np.abs(responses).max(), abs(total))
    values: list[float] = []
    for value in responses:
        if abs(value) > tol and abs(value - total) > tol and not any(abs(value - v) < tol for v in values):
            values.append(float(value))
    indices = []
    if not values:
        indices = [[abs(r - total) <= tol for r in responses]]
    elif len(values) == 1:  # the other one never stands alone
        a = values[0]
        indices = [
            [abs(r - a) <= tol or abs(r - total) <= tol for r in responses],
            [abs(r - total) <= tol for r in responses],
        ]
    elif len(values) == 2:
        indices = [[abs(r - v) <= tol or abs(r - total) <= tol for r in responses] for v in values]
    else:
        return None
    numbers = sorted({sum(1 << b for b, bit in enumerate(word) if bit) for word in indices})
    return tuple(numbers) if all(n < size for n in numbers) else None


def _one_by_one(evaluate, points, p0, slots) -> dict[int, tuple[int, ...]]:
    """The elements that drive each slot, one evaluation an element."""
    e0, e1 = points.first, points.second
    drives = []
    for j in range(len(e0)):
        e = e0.copy()
        e[j] = e1[j]
        drives.append(np.abs((evaluate(e) - p0)[slots]) > 1e-12 * np.maximum(np.abs(p0[slots]), 1e-3))
    drives = np.array(drives)
    return {slot: tuple(int(j) for j in np.flatnonzero(drives[:, c])) for c, slot in enumerate(slots)}


def _fit(evaluate, points, p0, p1, p2, supports, delta) -> dict[int, Angle]:
    """Partial derivatives on the known supports, and the decision whether the slot is affine."""
    e0, e1, e2 = points.first, points.second, points.third
    slots = sorted(supports)
    color: dict[int, int] = {}
    taken: list[set[int]] = []  # for each color the slots that already have an element of it
    users: dict[int, list[int]] = {}
    for slot in slots:
        for j in supports[slot]:
            users.setdefault(j, []).append(slot)
    for j, using in users.items():
        for c, busy in enumerate(taken):
            if busy.isdisjoint(using):
                break
        else:
            c = len(taken)
            taken.append(set())
        color[j] = c
        taken[c].update(using)
    step = 1e-4
    derivative: dict[tuple[int, int], float] = {}
    for c in range(len(taken)):
        shift = np.zeros_like(e0)
        members = [j for j in color if color[j] == c]
        shift[members] = step
        plus, minus = evaluate(e0 + shift), evaluate(e0 - shift)
        for j in members:
            for slot in users[j]:
                derivative[slot, j] = (plus[slot] - minus[slot]) / (2 * step)
    result = {}
    for slot in slots:
        support = np.array(supports[slot], int)
        slope = np.array([derivative[slot, j] for j in support])
        scale = np.abs(slope) @ np.abs(delta[support]) + 1e-300
        error = max(
            abs(p1[slot] - p0[slot] - slope @ (e1 - e0)[support]),
            abs(p2[slot] - p0[slot] - slope @ (e2 - e0)[support]),
        )
        affine = bool(error < 1e-8 * scale)
        slope = clean(slope, 1e-8)
        offset = float(clean_offset(p0[slot] - slope @ e0[support], np.abs(p0[slot])))
        result[slot] = Angle(offset, tuple(map(int, support)), tuple(map(float, slope)), affine)
    return result
