"""Several observables of one circuit: as sums of strings, and in families that have their strings in common.

The outcomes of ``probs`` are projectors on the same wires: the same ``2^k`` strings, with other signs. What depends on
strings alone is done once for a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pennylane_dla.circuit.clifford import Clifford
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct


class Family(NamedTuple):
    """Observables with the same strings.

    Args:
        members: their positions among those that were given
        strings: in the order that all of them have
        coefficients: a row each
        constants: coefficients of the identity
    """

    members: tuple[int, ...]
    strings: PauliStrings
    coefficients: Float[np.ndarray, "members terms"]
    constants: Float[np.ndarray, " members"]

    def sum(self, row: int) -> PauliSum:
        """The observable of one row."""
        return PauliSum(self.strings, self.coefficients[row], float(self.constants[row]))


def families(observables: Sequence[PauliSum | ProjectorProduct]) -> list[Family]:
    """Observables in families, in the order of their first members; projectors are expanded.

    >>> outcomes = [ProjectorProduct((0,), (sign,), 1) for sign in (1, -1)]
    >>> family, = families(outcomes)
    >>> family.strings.labels(), family.coefficients.tolist()
    (['Z'], [[0.5], [-0.5]])
    """
    members: dict[object, list[int]] = {}
    for i, observable in enumerate(observables):
        if isinstance(observable, ProjectorProduct):
            key = observable.wires
        else:
            key = observable.strings.x.tobytes(), observable.strings.z.tobytes()
        members.setdefault(key, []).append(i)
    result = []
    for index in members.values():
        chosen = [observables[i] for i in index]
        projectors = [one for one in chosen if isinstance(one, ProjectorProduct)]
        if projectors:
            strings = projectors[0].expand().strings
            wires = len(projectors[0].wires)
            negative = np.array([[sign < 0 for sign in one.signs] for one in projectors])
            ones = negative @ (1 << np.arange(wires))
            odd = np.bitwise_count(ones[:, None] & np.arange(1, 2**wires)) & 1
            coefficients, constants = (1.0 - 2 * odd) / 2.0**wires, np.full(len(chosen), 2.0**-wires)
        else:
            sums = [one for one in chosen if isinstance(one, PauliSum)]
            strings = sums[0].strings
            coefficients = np.array([one.coefficients for one in sums], float).reshape(len(sums), len(strings))
            constants = np.array([one.constant for one in sums], float)
        result.append(Family(tuple(index), strings, coefficients, constants))
    return result


def pushed(family: Family, clifford: Clifford) -> Family:
    """The family pushed through the Cliffords: other strings, and signs."""
    image = clifford.push(PauliSum(family.strings, np.ones(len(family.strings))))
    return family._replace(strings=image.strings, coefficients=family.coefficients * image.coefficients)


def distinct_rows(rows: Iterable[np.ndarray]) -> tuple[list[int], list[int]]:
    """Positions of the first of equal arrays, and for each array the number of the one it equals."""
    first: dict[bytes, int] = {}
    index = [first.setdefault(np.ascontiguousarray(row).tobytes(), i) for i, row in enumerate(rows)]
    leaders = sorted(set(index))
    number = {i: j for j, i in enumerate(leaders)}
    return leaders, [number[i] for i in index]


def up_to_signs(
    coefficients: Float[np.ndarray, "members terms"], groups: Iterable[Sequence[int]]
) -> Float[np.ndarray, "members terms"]:
    """The coefficients with every group's common sign taken out, so that the first of each group is not negative."""
    result = coefficients.copy()
    for group in groups:
        result[:, group] *= np.where(result[:, group[:1]] < 0, -1.0, 1.0)
    return result
