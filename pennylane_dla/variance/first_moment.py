"""``E[l]`` by the chain of section 3 for single strings: from second moments to variances."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pennylane_dla.circuit.ansatz import State
from pennylane_dla.pauli import PauliStrings, PauliSum, StringTable
from pennylane_dla.pauli.strings import anticommute, turn



def mean_loss(
    rotations: PauliStrings, moments: Float[np.ndarray, "g 5"], observable: PauliSum, state: State
) -> float:
    """Mean of the loss, the observable's constant included.

    A rotation takes a string that anticommutes with it to ``E[cos α] Q + E[sin α] (iPQ)``; for uniform angles both
    vanish and few strings stay, so the strings are kept as a sparse sum.

    Args:
        rotations: generators ``P`` of ``exp(-iαP/2)`` in order of application
        moments: rows of :class:`~pennylane_dla.variance.law.Moments`
        observable: pushed through the Cliffords
        state: initial state

    Returns:
        ``E[l]``
    """
    terms, values = observable.strings, observable.coefficients
    for k in range(len(rotations) - 1, -1, -1):
        terms, values = _averaged(terms, values, rotations[k], *moments[k, :2])
        if not len(terms):
            return observable.constant
    return observable.constant + float(values @ state.expectation(terms))


def _averaged(
    terms: PauliStrings, values: np.ndarray, generator: PauliStrings, c: float, s: float
) -> tuple[PauliStrings, np.ndarray]:
    odd = anticommute(generator, terms)
    if not odd.any():
        return terms, values
    kept = np.where(odd, c * values, values)
    if s == 0:
        return terms[kept != 0], kept[kept != 0]
    turned, signs = turn(generator, terms[odd])
    candidates = PauliStrings.concatenate([terms, turned])
    table = StringTable.of(candidates)
    totals = np.zeros(len(table))
    np.add.at(totals, table.find(candidates), np.concatenate([kept, s * signs * values[odd]]))
    return table.strings[totals != 0], totals[totals != 0]
