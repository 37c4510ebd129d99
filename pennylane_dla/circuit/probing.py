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

CHECK_BITS = 6
BRANCHES = 4
MAX_EVALUATIONS = 5000
DOUBLE, SINGLE = 1e-11, 3e-6  # relative rounding error of a slot, with a margin

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
    rtol = np.where(_rounded_to_single(p0) & _rounded_to_single(p1), SINGLE, DOUBLE)
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
            other = _general(evaluate, points, p0, p1, p2, left, rtol)
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
    rtol = np.where(_rounded_to_single(at_first) & _rounded_to_single(at_other), SINGLE, DOUBLE)
    unknown = np.abs(at_other - at_first) > rtol * scale
    tilted = np.flatnonzero(np.abs(change - expected) > 10 * rtol * scale)
    offset = np.where(unknown, np.nan, angles.offset)
    other = {
        slot: angle._replace(offset=float("nan")) if unknown[slot] else angle
        for slot, angle in angles.other.items()
    }
    for slot in map(int, tilted):
        other[slot] = angles.angle(slot)._replace(offset=float("nan"), affine=False)
    return AngleMap(angles.element, angles.coefficient, offset, other)


def _rounded_to_single(values: np.ndarray) -> np.ndarray:
    """Which numbers went through single precision."""
    return values.astype(np.float32) == values


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


def clean_offset(values: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Offsets that are zero, or a multiple of π/12, up to rounding."""
    unit = np.pi / 12
    rounded = np.round(values / unit) * unit
    return np.where(np.abs(values - rounded) < tolerance, rounded, values)


def _general(evaluate, points, p0, p1, p2, slots, rtol) -> dict[int, Angle]:
    """Slots that several elements drive, or that are not affine."""
    supports = _by_bits(evaluate, points, p0, p1, slots, rtol)
    dense = np.array(sorted(slot for slot, support in supports.items() if support is None), int)
    if len(dense):
        supports |= _by_halving(evaluate, points, p0, dense, rtol)
    return _fit(evaluate, points, p0, p1, p2, supports, rtol)


def _by_bits(evaluate, points, p0, p1, slots, rtol) -> dict[int, tuple[int, ...] | None]:
    """The one or two elements that drive each slot, ``None`` where there are more.

    Evaluation ``b`` moves the elements whose code has bit ``b``. A slot answers 0, its total change, or the
    change by one of its two elements alone: so the answers spell the two codes. Check bits beyond the index
    make another reading improbable.
    """
    size = len(points.first)
    bits = max(1, int(size - 1).bit_length())
    checks = np.random.default_rng(7).integers(0, 2, (CHECK_BITS, size)).astype(bool)
    index = (np.arange(size)[None, :] >> np.arange(bits)[:, None]) & 1 == 1
    codes = np.concatenate([index, checks])
    answers = np.empty((len(codes), len(slots)))
    for b, code in enumerate(codes):
        answers[b] = (evaluate(np.where(code, points.second, points.first)) - p0)[slots]
    tolerance = rtol[slots] * np.maximum(np.abs(p0[slots]), np.abs(p1[slots])) + 1e-300
    totals = (p1 - p0)[slots]
    return {
        int(slot): _decode(answers[:, c], totals[c], tolerance[c], codes, bits)
        for c, slot in enumerate(slots)
    }


def _decode(answers, total, tolerance, codes, bits) -> tuple[int, ...] | None:
    values: list[float] = []
    for value in answers:
        if all(abs(value - known) > tolerance for known in (0.0, total, *values)):
            values.append(float(value))
    if len(values) > 2:
        return None
    both = np.abs(answers - total) <= tolerance
    words = [both | (np.abs(answers - v) <= tolerance) for v in values]
    if len(values) < 2:  # an element that never moves alone
        words.append(both)
    found = []
    for word in words:
        number = int(word[:bits] @ (1 << np.arange(bits)))
        if number >= codes.shape[1] or not np.array_equal(codes[:, number], word):
            return None
        found.append(number)
    return tuple(sorted(set(found)))


def _by_halving(evaluate, points, p0, slots, rtol) -> dict[int, tuple[int, ...]]:
    """The elements that drive each slot, by dividing them into ever smaller blocks.

    Blocks that share no slot are moved in one evaluation.
    """
    size = len(points.first)
    active = {slot: {(0, size)} for slot in map(int, slots)}
    evaluations = 0
    while any(stop - start > 1 for blocks in active.values() for start, stop in blocks):
        users: dict[tuple[int, int], list[int]] = {}
        for slot, blocks in active.items():
            for block in blocks:
                users.setdefault(block, []).append(slot)
        following: dict[int, set] = {slot: set() for slot in active}
        for group in _disjoint_groups(users):
            for part in range(BRANCHES):
                moved, pieces = points.first.copy(), {}
                for start, stop in group:
                    step = -(-(stop - start) // BRANCHES)
                    piece = (start + part * step, min(stop, start + (part + 1) * step))
                    if piece[0] < piece[1]:
                        pieces[start, stop] = piece
                        moved[piece[0] : piece[1]] = points.second[piece[0] : piece[1]]
                if not pieces:
                    continue
                evaluations += 1
                if evaluations > MAX_EVALUATIONS:
                    raise DLAError(
                        "the angles depend on too many argument elements each to find out which; compute "
                        "them outside the QNode and pass the angles as its argument."
                    )
                answer = evaluate(moved) - p0
                for block, piece in pieces.items():
                    for slot in users[block]:
                        if abs(answer[slot]) > rtol[slot] * max(abs(p0[slot]), 1e-3):
                            following[slot].add(piece)
        active = following
    return {slot: tuple(sorted(start for start, _ in blocks)) for slot, blocks in active.items()}


def _disjoint_groups(users: dict) -> list[list]:
    """Keys in groups whose users do not overlap (greedy coloring)."""
    groups: list[list] = []
    busy: list[set[int]] = []
    for key, using in users.items():
        free = next((g for g, taken in enumerate(busy) if taken.isdisjoint(using)), len(groups))
        if free == len(groups):
            groups.append([])
            busy.append(set())
        groups[free].append(key)
        busy[free].update(using)
    return groups


def _fit(evaluate, points, p0, p1, p2, supports, rtol) -> dict[int, Angle]:
    """Slopes on the known supports, and the decision whether a slot is affine."""
    e0, e1, e2 = points.first, points.second, points.third
    users: dict[int, list[int]] = {}
    for slot, support in supports.items():
        for j in support:
            users.setdefault(j, []).append(slot)
    groups = _disjoint_groups(users)
    secant: dict[tuple[int, int], float] = {}
    for group in groups:
        moved = e0.copy()
        moved[group] = e1[group]
        answer = evaluate(moved) - p0
        for j in group:
            for slot in users[j]:
                secant[slot, j] = answer[slot] / (e1[j] - e0[j])
    result, curved = {}, set()
    for slot, support in supports.items():
        index = np.array(support, int)
        slope = np.array([secant[slot, j] for j in support])
        reach = np.abs(slope) @ np.abs(e1 - e0)[index] + abs(p0[slot])
        errors = [
            p1[slot] - p0[slot] - slope @ (e1 - e0)[index],
            p2[slot] - p0[slot] - slope @ (e2 - e0)[index],
        ]
        if max(map(abs, errors)) < 10 * rtol[slot] * reach:
            slope = clean(slope, max(rtol[slot], 1e-9))
            offset = float(clean_offset(p0[slot] - slope @ e0[index], rtol[slot] * reach))
            result[slot] = Angle(offset, tuple(map(int, support)), tuple(map(float, slope)))
        else:
            curved.add(slot)
    if curved:
        result |= _curved(evaluate, e0, p0, users, groups, supports, curved)
    return result


def _curved(evaluate, e0, p0, users, groups, supports, curved) -> dict[int, Angle]:
    """Slots that are not affine: their partial derivatives at the first point."""
    step = 1e-4
    derivative: dict[tuple[int, int], float] = {}
    for group in groups:
        group = [j for j in group if not curved.isdisjoint(users[j])]
        if not group:
            continue
        shift = np.zeros_like(e0)
        shift[group] = step
        change = (evaluate(e0 + shift) - evaluate(e0 - shift)) / (2 * step)
        for j in group:
            for slot in users[j]:
                derivative[slot, j] = float(change[slot])
    return {
        slot: Angle(
            float(p0[slot] - sum(derivative[slot, j] * e0[j] for j in supports[slot])),
            tuple(map(int, supports[slot])),
            tuple(derivative[slot, j] for j in supports[slot]),
            affine=False,
        )
        for slot in curved
    }
