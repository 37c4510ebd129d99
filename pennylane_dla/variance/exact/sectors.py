"""Pairs of strings ``(Q, Q + R)`` by their difference ``R``: which differences survive the circuit.

A rotation whose angle is uniform multiplies a pair by ``E[cos] = 0`` when it anticommutes with exactly one of the two,
that is, with ``R``; otherwise both move together and ``R`` stays. A rotation with a known angle also takes ``R`` to
``R + P``.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from pennylane_dla.allowance import checkpoint
from pennylane_dla.pauli import PauliStrings, StringTable
from pennylane_dla.pauli.strings import anticommute
from pennylane_dla.variance.reach import shifted
from pennylane_dla.variance.steps import Steps


def surviving_sectors(terms: PauliStrings, steps: Steps, max_sectors: int) -> PauliStrings | None:
    """The differences that matter, ``R = 0`` first.

    Args:
        terms: strings of the observable
        steps: of the circuit
        max_sectors: at most so many

    Returns:
        the differences, or ``None`` where there are more
    """
    differences = _differences(terms)
    killing, mixing = steps.killing, steps.mixing
    if not mixing.any():  # R is conserved: it lives if nothing kills it
        for k in np.flatnonzero(killing)[::-1]:
            differences = differences[~anticommute(steps.odd[k], differences)]
        return _with_zero_first(differences, max_sectors)

    # Differences that the observable can reach at each level, then those of them that get through to the start.
    levels = [StringTable.of(differences)]
    for k in range(len(steps) - 1, -1, -1):
        checkpoint()
        level = levels[-1].strings
        if killing[k]:
            level = level[~anticommute(steps.odd[k], level)]
        elif mixing[k]:
            level = PauliStrings.concatenate([level, shifted(level, steps.shift[k])])
        if len(level) > 4 * max_sectors:
            return None
        levels.append(StringTable.of(level))
    alive = levels[-1].strings
    seen = [alive]
    for k in range(len(steps)):
        checkpoint()
        if mixing[k]:
            alive = PauliStrings.concatenate([alive, shifted(alive, steps.shift[k])])
        reached = levels[len(steps) - 1 - k]
        alive = alive[reached.find(alive) >= 0] if len(alive) else alive
        alive = StringTable.of(alive).strings if len(alive) else alive
        seen.append(alive)
    return _with_zero_first(PauliStrings.concatenate(seen), max_sectors)


def term_partners(terms: PauliStrings, sectors: PauliStrings) -> Int[np.ndarray, "sectors m"]:
    """For each sector ``R`` and term ``Q`` the position of ``Q + R`` among the terms, -1 where it is none."""
    table = StringTable.of(terms)
    place = np.empty(len(table) + 1, int)
    place[table.find(terms)], place[-1] = np.arange(len(terms)), -1
    partners = np.empty((len(sectors), len(terms)), int)
    for r in range(len(sectors)):
        checkpoint()
        partners[r] = place[table.find(shifted(terms, sectors[r]))]
    return partners


def pair_weights(
    coefficients: Float[np.ndarray, " m"], partners: Int[np.ndarray, "sectors m"]
) -> Float[np.ndarray, "sectors m"]:
    """``c_Q c_{Q+R}`` for each sector ``R`` and term ``Q``, with the partners of :func:`term_partners`."""
    return np.where(partners >= 0, coefficients * coefficients[partners], 0.0)


def _differences(terms: PauliStrings) -> PauliStrings:
    parts = [shifted(terms, terms[0])]
    found = StringTable.of(parts[0])
    for i in range(1, len(terms)):
        checkpoint()
        candidates = shifted(terms, terms[i])
        new = found.find(candidates) < 0
        if new.any():
            found = StringTable.of(PauliStrings.concatenate([found.strings, candidates[new]]))
    return found.strings


def _with_zero_first(differences: PauliStrings, max_sectors: int) -> PauliStrings | None:
    if len(differences):
        differences = StringTable.of(differences).strings
    nonzero: Bool[np.ndarray, " m"] = ~differences.is_identity()
    words = differences.x.shape[1]
    zero = PauliStrings(np.zeros((1, words), np.uint32), np.zeros((1, words), np.uint32), differences.num_wires)
    if int(nonzero.sum()) + 1 > max_sectors:
        return None
    return PauliStrings.concatenate([zero, differences[nonzero]])
