"""``E[l]`` and ``E[∂l/∂α]`` for single strings, by the chain of :mod:`~pennylane_dla.variance.exact`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from pennylane_dla.circuit.ansatz import State
from pennylane_dla.pauli import PauliStrings, PauliSum, StringTable
from pennylane_dla.pauli.strings import anticommute, product

from .reach import moved_by
from .steps import Steps


def mean_losses(
    steps: Steps, terms: PauliStrings, coefficients: Float[np.ndarray, "k m"], state: State
) -> Float[np.ndarray, " k"]:
    """Means of the losses of several observables with the same strings, their constants left out.

    A rotation takes a string that anticommutes with it to ``E[cos α] Q + E[sin α] (iPQ)``; for uniform angles both
    vanish and few strings stay, so the strings are kept as a sparse sum.

    Args:
        steps: of the circuit
        terms: pushed through the Cliffords
        coefficients: a row for each observable
        state: initial state

    Returns:
        ``E[l]``
    """
    values = coefficients
    for k in range(len(steps) - 1, -1, -1):
        terms, values = _averaged(terms, values, steps, k)
        if not len(terms):
            return np.zeros(len(coefficients))
    return values @ state.expectation(terms)


def _averaged(
    terms: PauliStrings, values: Float[np.ndarray, "k m"], steps: Steps, k: int
) -> tuple[PauliStrings, Float[np.ndarray, "k n"]]:
    moved = moved_by(steps, k, terms)
    if steps.rotation[k] >= 0:
        stay, move = np.where(moved, steps.moments[k, 0], 1.0), steps.moments[k, 1]
    else:
        stay, move = damping_of(steps, k, terms), steps.decay[k]
    kept = stay * values
    if move == 0 or not moved.any():
        return _nonzero(terms, kept)
    images, exponent = product(steps.shift[k], terms[moved])
    signs = np.where((exponent == 1) | (exponent == 2), -1.0, 1.0)  # of iPQ, or of PQ where the two commute
    candidates = PauliStrings.concatenate([terms, images])
    table = StringTable.of(candidates)
    totals = np.zeros((len(table), len(values)))
    np.add.at(totals, table.find(candidates), np.concatenate([kept, move * signs * values[:, moved]], axis=1).T)
    return _nonzero(table.strings, totals.T)


def _nonzero(terms: PauliStrings, values: Float[np.ndarray, "k m"]) -> tuple[PauliStrings, Float[np.ndarray, "k some"]]:
    some = values.any(axis=0)
    return terms[some], values[:, some]


def damping_of(steps: Steps, k: int, strings: PauliStrings) -> Float[np.ndarray, " m"]:
    """The eigenvalue of channel ``k`` on each string."""
    x0, x1, z0, z1 = (anticommute(string, strings) for string in steps.local[np.arange(4 * k, 4 * k + 4)])
    return steps.damping[k, z0 + 2 * x0 + 4 * (z1 + 2 * x1)]


ROUNDING = 1e-15
MAX_STRINGS = 4096  # at any step
MAX_WORK = 2_000_000  # words of strings, over all steps: a few seconds


@dataclass(frozen=True, eq=False)
class _Level:
    """What one step does to the strings that arrive at it.

    Args:
        weights: of the strings in the mean; 0 for those that only a derivative has
        moved: whether the step moves them
        stay: factor of what stays
        move: factor of what moves, sign included
        stays: index of each string among those that leave the step, -1 where it does not
        images: index of each string's image, -1 likewise
        signs: of the images
    """

    weights: Float[np.ndarray, " m"]
    moved: Bool[np.ndarray, " m"]
    stay: Float[np.ndarray, " m"]
    move: Float[np.ndarray, " m"]
    stays: Int[np.ndarray, " m"]
    images: Int[np.ndarray, " m"]
    signs: Float[np.ndarray, " m"]


def mean_gradient(
    steps: Steps, observable: PauliSum, state: State, trainable: Bool[np.ndarray, " steps"]
) -> tuple[float, Float[np.ndarray, " steps"]] | None:
    """Mean of the loss and of its derivative with respect to the angle of each step, exactly where few strings occur.

    A rotation takes ``Q`` to ``E[cos α] Q + E[sin α] (iPQ)`` and its derivative to ``E[cos α] (iPQ) − E[sin α] Q``. The
    strings of the mean and of all derivatives are followed together to the state; the values come back the same way.
    Angles with ``E[sin α] = 0`` (symmetric laws around 0) never branch.

    Args:
        steps: of the circuit
        observable: pushed through the Cliffords
        state: initial state
        trainable: steps whose derivative is wanted

    Returns:
        ``E[l]``, and one mean per step (0 where not wanted); ``None`` where too many strings occur
    """
    moments = np.where(np.abs(steps.moments) < ROUNDING, 0.0, steps.moments)  # E[cos] of π/2 is 6e-17
    steps = replace(steps, moments=moments)
    strings, weights = observable.strings, observable.coefficients
    levels, work = [], 0
    for k in range(len(steps) - 1, -1, -1):
        work += (len(strings) + 8) * strings.x.shape[1]
        if len(strings) > MAX_STRINGS or work > MAX_WORK:
            return None
        level, strings, weights = _through(strings, weights, steps, k, bool(trainable[k]))
        levels.append(level)
    values = state.expectation(strings) if len(strings) else np.zeros(0)
    mean = observable.constant + float(weights @ values)
    slopes = np.zeros(len(steps))
    for k, level in enumerate(reversed(levels)):
        values = np.append(values, 0.0)  # index -1
        stayed, moved = values[level.stays], level.signs * values[level.images]
        if trainable[k]:
            c, s = steps.moments[k, :2]
            slopes[k] = np.sum((level.weights * (c * moved - s * stayed))[level.moved])
        values = level.stay * stayed + level.move * moved
    return mean, slopes


def _through(strings: PauliStrings, weights, steps: Steps, k: int, wanted: bool):
    """One level, and the strings and weights that leave it."""
    moved = moved_by(steps, k, strings) if len(strings) else np.zeros(0, bool)
    if steps.rotation[k] >= 0:
        stay = np.where(moved, steps.moments[k, 0], 1.0)
        move = np.where(moved, steps.moments[k, 1], 0.0)
    else:
        stay = damping_of(steps, k, strings) if len(strings) else np.zeros(0)
        move = np.where(moved, steps.decay[k], 0.0)
    differentiated = moved & (weights != 0) & wanted
    kept = (stay != 0) | (differentiated & (move != 0))
    leaving = (move != 0) | (differentiated & (stay != 0))
    signs, stays, images = np.ones(len(strings)), np.full(len(strings), -1), np.full(len(strings), -1)
    if not leaving.any():
        stays[kept] = np.arange(np.count_nonzero(kept))
        level = _Level(weights, moved, stay, move, stays, images, signs)
        return level, strings[np.flatnonzero(kept)], (stay * weights)[kept]
    turned, exponent = product(steps.shift[k], strings[np.flatnonzero(leaving)])
    signs[leaving] = np.where((exponent == 1) | (exponent == 2), -1.0, 1.0)
    table = StringTable.of(PauliStrings.concatenate([strings[np.flatnonzero(kept)], turned]))
    stays[kept], images[leaving] = table.find(strings[np.flatnonzero(kept)]), table.find(turned)
    totals = np.zeros(len(table))
    np.add.at(totals, stays[kept], (stay * weights)[kept])
    np.add.at(totals, images[leaving], (move * signs * weights)[leaving])
    return _Level(weights, moved, stay, move, stays, images, signs), table.strings, totals
