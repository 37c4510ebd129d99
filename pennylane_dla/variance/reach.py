"""Which Pauli strings an observable can become on its way back through a circuit: its light cone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from pennylane_dla.allowance import checkpoint
from pennylane_dla.pauli import PauliStrings, StringTable
from pennylane_dla.pauli.strings import anticommute, pack, unpack

from .estimate import Declined
from .steps import Steps


def light_cone(initial: PauliStrings, steps: Steps) -> Int[np.ndarray, " qubits"]:
    """Qubits that a string of ``initial`` can reach, going from the last step to the first.

    An upper bound: a step counts as soon as it shares a qubit with the cone.
    """
    cone = np.bitwise_or.reduce(initial.x | initial.z, axis=0)
    supports = steps.shift.x | steps.shift.z | steps.odd.x | steps.odd.z
    for support in supports[steps.moving][::-1]:
        if np.any(support & cone):
            cone = cone | support
    return np.flatnonzero(unpack(cone, initial.num_wires))


def restrict(strings: PauliStrings, qubits: Int[np.ndarray, " qubits"]) -> PauliStrings:
    """The strings on some of the qubits only."""
    x, z = strings.bits()
    return PauliStrings(pack(x[:, qubits]), pack(z[:, qubits]), len(qubits))


def moved_by(steps: Steps, k: int | np.integer, strings: PauliStrings) -> Bool[np.ndarray, " m"]:
    """Which strings step ``k`` can move."""
    moved = anticommute(steps.odd[k], strings)
    return moved if steps.rotation[k] >= 0 else moved & ~anticommute(steps.even[k], strings)


MAX_WORK = 2 * 10**8  # words read while looking for strings: about a second


def reachable(
    initial: PauliStrings, steps: Steps, max_dim: int
) -> tuple[StringTable | Declined, Bool[np.ndarray, " g"]]:
    """All strings that ``initial`` can become, from the last step to the first.

    Args:
        initial: the terms of the observable
        steps: of the circuit
        max_dim: strings at most

    Returns:
        the strings (or which limit they exceed), and which steps moved any
    """
    table = StringTable.of(initial)
    moves = np.zeros(len(steps), bool)
    work, words = 0, 2 * initial.x.shape[1]
    for k in np.flatnonzero(steps.moving)[::-1]:
        checkpoint()
        work += len(table) * words
        if work > MAX_WORK:
            return Declined(f"{len(table)} strings and growing, too many for {len(steps)} gates"), moves
        moved = moved_by(steps, k, table.strings)
        if not moved.any():
            continue
        moves[k] = True
        images = shifted(table.strings[moved], steps.shift[k])
        new = table.find(images) < 0
        if new.any():
            if len(table) + int(new.sum()) > max_dim:
                return Declined(f"more than {max_dim} strings are reached by the observable (max_dim)"), moves
            table = table.with_new(images[new])
    return table, moves


def shifted(strings: PauliStrings, by: PauliStrings) -> PauliStrings:
    """Every string plus one."""
    return PauliStrings(strings.x ^ by.x, strings.z ^ by.z, strings.num_wires)
