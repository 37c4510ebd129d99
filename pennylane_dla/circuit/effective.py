"""Effective generators: the Cliffords pushed to the end of the circuit (THEORY section 2).

With ``F_k`` the product of the Cliffords before rotation ``k``, ``U = F ∏_k exp(-iα_k F_k† G_k F_k)``: a circuit of
rotations by effective generators, then one Clifford ``F``, which the observables take up. Gates that one argument drives inside
one commuting block become one generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.pauli import PauliStrings, PauliSum

from .ansatz import Angle, Ansatz, State


@dataclass(frozen=True, eq=False)
class EffectiveChannel:
    """A channel in the pushed frame.

    Args:
        position: it acts just before rotation ``position`` (``num_rotations``: at the end)
        x: effective strings of ``X`` on each of its ``k`` wires; a string ``Q`` has Z bit ``ω(x[a], Q)`` on wire ``a``
        z: of ``Z``; ``Q`` has X bit ``ω(z[a], Q)`` on wire ``a``
        x_signs: their signs
        z_signs: their signs
        transfer: as in :class:`~pennylane_dla.circuit.ansatz.Channel`
    """

    position: int
    x: PauliStrings
    z: PauliStrings
    x_signs: Int[np.ndarray, " k"]
    z_signs: Int[np.ndarray, " k"]
    transfer: Float[np.ndarray, "4**k 4**k"]


@dataclass(frozen=True, eq=False)
class EffectiveAnsatz:
    """Rotations ``exp(-iα_k G_k)`` in order of application, ``G_k = Σ_{j in terms of k} coefficients[j] strings[j]``.

    The terms of rotation ``k`` are ``offsets[k]:offsets[k+1]``. A generator of one string has coefficient ``0.5`` or, where
    the Cliffords turn its sign, ``-0.5``.

    Args:
        strings: all terms, packed
        coefficients: one each
        offsets: shape ``(num_rotations + 1,)``
        angles: one for each rotation; fixed non-Clifford rotations are among them
        channels: in order
        state: the initial state
        clifford: takes an observable (before pushing) to ``F†OF``
        correlated: why the angles are not independent of each other, or ``None``
        names: the operation each rotation comes from
        sources: for each rotation, positions in ``ansatz.gates`` of the gates that it is made of
    """

    strings: PauliStrings
    coefficients: Float[np.ndarray, " terms"]
    offsets: Int[np.ndarray, " rotations+1"]
    angles: tuple[Angle, ...]
    channels: tuple[EffectiveChannel, ...]
    state: State
    clifford: "Clifford"
    correlated: str | None
    names: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]

    @property
    def num_rotations(self) -> int:
        return len(self.angles)

    @property
    def num_wires(self) -> int:
        return self.strings.num_wires

    @property
    def single(self) -> bool:
        """Whether every generator is a single string."""
        return len(self.strings) == self.num_rotations

    def generator(self, k: int) -> PauliSum:
        """``G_k``."""
        terms = slice(self.offsets[k], self.offsets[k + 1])
        return PauliSum(self.strings[terms], self.coefficients[terms])


class Clifford:
    """Conjugation ``G -> F†GF`` (being written)."""

    def push(self, observable: PauliSum) -> PauliSum:
        """``F†OF``."""
        raise NotImplementedError


def effective_ansatz(ansatz: Ansatz) -> EffectiveAnsatz:
    """Push the Cliffords of ``ansatz`` to the end and merge commuting blocks (being written)."""
    raise NotImplementedError
