"""``E[l]`` by the chain of section 3 for single strings: from second moments to variances."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pennylane_dla.circuit.ansatz import State
from pennylane_dla.pauli import PauliStrings, PauliSum, StringTable
from pennylane_dla.pauli.strings import anticommute, product

from .reach import moved_by
from .steps import Steps


def mean_loss(steps: Steps, observable: PauliSum, state: State) -> float:
    """Mean of the loss, the observable's constant included.

    A rotation takes a string that anticommutes with it to ``E[cos α] Q + E[sin α] (iPQ)``; for uniform angles both
    vanish and few strings stay, so the strings are kept as a sparse sum.

    Args:
        steps: of the circuit
        observable: pushed through the Cliffords
        state: initial state

    Returns:
        ``E[l]``
    """
    terms, values = observable.strings, observable.coefficients
    for k in range(len(steps) - 1, -1, -1):
        terms, values = _averaged(terms, values, steps, k)
        if not len(terms):
            return observable.constant
    return observable.constant + float(values @ state.expectation(terms))


def _averaged(
    terms: PauliStrings, values: Float[np.ndarray, " m"], steps: Steps, k: int
) -> tuple[PauliStrings, Float[np.ndarray, " m"]]:
    moved = moved_by(steps, k, terms)
    if steps.rotation[k] >= 0:
        stay, move = np.where(moved, steps.moments[k, 0], 1.0), steps.moments[k, 1]
    else:
        stay, move = damping_of(steps, k, terms), steps.decay[k]
    kept = stay * values
    if move == 0 or not moved.any():
        return terms[kept != 0], kept[kept != 0]
    images, exponent = product(steps.shift[k], terms[moved])
    signs = np.where((exponent == 1) | (exponent == 2), -1.0, 1.0)  # of iPQ, or of PQ where the two commute
    candidates = PauliStrings.concatenate([terms, images])
    table = StringTable.of(candidates)
    totals = np.zeros(len(table))
    np.add.at(totals, table.find(candidates), np.concatenate([kept, move * signs * values[moved]]))
    return table.strings[totals != 0], totals[totals != 0]


def damping_of(steps: Steps, k: int, strings: PauliStrings) -> Float[np.ndarray, " m"]:
    """The eigenvalue of channel ``k`` on each string."""
    x0, x1, z0, z1 = (anticommute(string, strings) for string in steps.local[np.arange(4 * k, 4 * k + 4)])
    return steps.damping[k, z0 + 2 * x0 + 4 * (z1 + 2 * x1)]
