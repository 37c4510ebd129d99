"""Numbers on the tape that several argument elements drive, or that are no affine function of them.

Which elements drive a number is found with few evaluations of all numbers at once: about ten where two
elements add up (``x w + b``), about ``2 log₂`` of the number of elements where the dependence is not affine,
more where many add up.
"""

from __future__ import annotations

import numpy as np

from pennylane_dla.errors import DLAError

from .ansatz import Angle
from .rounding import clean, clean_offset

CHECK_BITS = 6
BRANCHES = 4
MAX_EVALUATIONS = 5000
STEP = 0.3  # the farthest move of an element that keeps positive points in (0, 1)


def several_elements(evaluate, points, p0, p1, p2, slots, rtol) -> dict[int, Angle]:
    """Slots that several elements drive, or that are not affine."""
    found: dict[int, Angle] = {}
    for trial in range(2):
        left = np.array([slot for slot in slots if slot not in found], int)
        if len(left) and (trial == 0 or len(found) > len(left)):
            found |= _pairs(evaluate, points, p0, p1, p2, left, trial)
    left = np.array([slot for slot in slots if slot not in found], int)
    if not len(left):
        return found
    supports = _by_bits(evaluate, points, p0, p1, left, rtol)
    dense = np.array(sorted(slot for slot, support in supports.items() if support is None), int)
    if len(dense):
        supports |= _by_halving(evaluate, points, p0, dense, rtol)
    return found | _fit(evaluate, points, p0, p1, p2, supports, rtol)


def _pairs(evaluate, points, p0, p1, p2, slots, trial: int) -> dict[int, Angle]:
    """Slots ``c_a e_a + c_b e_b + d``, by Prony's method: every element has a node ``x_j`` and is moved by
    ``x_j^k`` in evaluation ``k``, so the slot moves by ``c_a x_a^k + c_b x_b^k``. Four such numbers give the
    two nodes as the roots of a quadratic equation.

    The slopes come from two other points, so the four numbers check them. Nodes that lie close to each other
    need another trial.
    """
    e0, e1, e2 = points.first, points.second, points.third
    size = len(e0)
    if size < 2:
        return {}
    rng = np.random.default_rng(100 + trial)
    nodes = -1 + 2 * (rng.permutation(size) + rng.uniform(0.25, 0.75, size)) / size
    m0, m1, m2, m3 = ((evaluate(e0 + STEP * nodes**k) - p0)[slots] / STEP for k in range(4))
    with np.errstate(all="ignore"):
        determinant = m0 * m2 - m1 * m1
        total, product = (m0 * m3 - m1 * m2) / determinant, (m1 * m3 - m2 * m2) / determinant
        root = np.sqrt(total**2 - 4 * product)
        pair = np.stack([(total - root) / 2, (total + root) / 2])
    order = np.argsort(nodes)
    between = (nodes[order][1:] + nodes[order][:-1]) / 2
    first, second = order[np.searchsorted(between, np.nan_to_num(pair, nan=2.0))]
    step1, step2 = e1 - e0, e2 - e0
    change1, change2 = (p1 - p0)[slots], (p2 - p0)[slots]
    with np.errstate(all="ignore"):
        cross = step1[first] * step2[second] - step1[second] * step2[first]
        c1 = (change1 * step2[second] - change2 * step1[second]) / cross
        c2 = (change2 * step1[first] - change1 * step2[first]) / cross
        errors = [np.abs(c1 * nodes[first] ** k + c2 * nodes[second] ** k - m) for k, m in enumerate((m0, m1, m2, m3))]
        scale = np.abs(c1) + np.abs(c2) + np.abs(p0[slots])
        good = (first != second) & (np.max(errors, axis=0) < 1e-10 * scale)
    slots, first, second, c1, c2 = (array[good] for array in (slots, first, second, c1, c2))
    c1, c2 = clean(c1), clean(c2)
    offset = clean_offset(p0[slots] - c1 * e0[first] - c2 * e0[second], 1e-11 * (1 + np.abs(p0[slots])))
    swap = first > second
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    c1, c2 = np.where(swap, c2, c1), np.where(swap, c1, c2)
    return {
        slot: Angle(d, (j, k), (cj, ck))
        for slot, d, j, k, cj, ck in zip(
            *(array.tolist() for array in (slots, offset, first, second, c1, c2)), strict=True
        )
    }


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
    return {int(slot): _decode(answers[:, c], totals[c], tolerance[c], codes, bits) for c, slot in enumerate(slots)}


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
