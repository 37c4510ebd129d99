"""Which Pauli strings an observable can become on its way back through a circuit: its light cone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from pennylane_dla.pauli import PauliStrings, StringTable
from pennylane_dla.pauli.strings import anticommute, pack, unpack


def light_cone(initial: PauliStrings, rotations: PauliStrings) -> Int[np.ndarray, " qubits"]:
    """Qubits that a string of ``initial`` can reach, going from the last rotation to the first.

    An upper bound: a rotation counts as soon as its generator shares a qubit with the cone.
    """
    cone = np.bitwise_or.reduce(initial.x | initial.z, axis=0)
    for support in (rotations.x | rotations.z)[::-1]:
        if np.any(support & cone):
            cone = cone | support
    return np.flatnonzero(unpack(cone, initial.num_wires))


def restrict(strings: PauliStrings, qubits: Int[np.ndarray, " qubits"]) -> PauliStrings:
    """The strings on some of the qubits only."""
    x, z = strings.bits()
    return PauliStrings(pack(x[:, qubits]), pack(z[:, qubits]), len(qubits))


def reachable(
    initial: PauliStrings, rotations: PauliStrings, max_dim: int
) -> tuple[StringTable | None, Bool[np.ndarray, " g"]]:
    """All strings that ``initial`` can become, from the last rotation to the first.

    Args:
        initial: the terms of the observable
        rotations: generators in order of application, those that can move a string
        max_dim: strings at most

    Returns:
        the strings (``None`` beyond ``max_dim``), and which rotations moved any
    """
    table = StringTable.of(initial)
    moves = np.zeros(len(rotations), bool)
    for k in range(len(rotations) - 1, -1, -1):
        generator = rotations[k]
        moved = anticommute(generator, table.strings)
        if not moved.any():
            continue
        moves[k] = True
        sources = table.strings[moved]
        images = PauliStrings(sources.x ^ generator.x, sources.z ^ generator.z, sources.num_wires)
        new = table.find(images) < 0
        if new.any():
            if len(table) + int(new.sum()) > max_dim:
                return None, moves
            table = StringTable.of(PauliStrings.concatenate([table.strings, images[new]]))
    return table, moves
