"""In which basis a sector is looked for: the one in which the generators reach fewest basis states.

With all Cliffords pushed to the end, an entangled start is ``|0…0⟩`` and its symmetries are hidden in long strings.
With the Cliffords at the start applied to the state, conserved numbers of excitations show. Which is better is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pennylane_dla.circuit.ansatz import Ansatz, ProductState, Rotation, State
from pennylane_dla.circuit.clifford import Clifford
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.variance.estimate import Declined

from .basis_states import TooManyStates
from .start import Start, start_of

_TURNS = {(0, 1): ("Y", -1), (0, -1): ("Y", 1), (1, 1): ("X", 1), (1, -1): ("X", -1)}  # axis and sign: to +Z


@dataclass(frozen=True, eq=False)
class Frame:
    """State and generators, seen in a rotated basis.

    Args:
        start: the range of the state there
        absorbed: positions of the effective rotations that are part of the state
        clifford: ``clifford.push(Q)`` is a pushed string in this basis; ``None`` for the identity
    """

    start: Start
    absorbed: frozenset[int]
    clifford: Clifford | None

    def seen(self, pushed: PauliSum) -> PauliSum:
        """A generator of the effective ansatz, or an observable pushed through its Cliffords, in this basis."""
        return pushed if self.clifford is None or not len(pushed) else self.clifford.push(pushed)


def frames(ansatz: Ansatz, effective: EffectiveAnsatz) -> list[Frame] | Declined:
    """The bases to try; or why the state has no small range in any."""
    state, n = effective.state, effective.num_wires
    leading = leading_gates(ansatz)
    absorbed = frozenset(
        k for k, sources in enumerate(effective.sources) if all(position in leading for position in sources)
    )
    found: list[Frame] = []
    plain = start_of(state, n)
    if leading and not isinstance(plain, Declined):
        prepared = _prepared(list(leading.values()), plain)
        if prepared is not None:
            clifford = inverse(list(leading.values()), n)
            found.append(Frame(prepared, absorbed, clifford))
            if absorbed:
                return found
    if not isinstance(plain, Declined):
        found.append(Frame(plain, frozenset(), None))
    aligned = _aligned(state)
    if aligned is not None:
        upright, turns = aligned
        start = start_of(upright, n)
        if not isinstance(start, Declined):
            clifford = Clifford(n)
            for wire, letter, quarters in reversed(turns):
                clifford.append_turn((wire,), letter, -quarters)
            found.append(Frame(start, frozenset(), clifford))
    return plain if isinstance(plain, Declined) and not found else found


def least_dimension(effective: EffectiveAnsatz) -> int:
    """A lower bound on the dimension that costs nothing: ``2^m`` for ``m`` strings that are generators by themselves,
    commute with each other, flip different sets of bits, and start from a basis state."""
    state, n = effective.state, effective.num_wires
    axes = state.stabilizer_axes()
    if axes is None or "I" in axes:
        return 1
    sizes = np.diff(effective.offsets)
    moving = np.array([not angle.fixed for angle in effective.angles], bool)
    x, z = (part.astype(int) for part in effective.strings[effective.offsets[:-1][(sizes == 1) & moving]].bits())
    # the group of the state: of one letter on each qubit; what a string flips is where it has another letter
    letter = np.array([{"X": 1, "Z": 2, "Y": 3}[axis[1]] for axis in axes])
    own_x, own_z = letter & 1, letter >> 1
    flips = (x * own_z + z * own_x) % 2
    rows, chosen = [], []
    for k in range(len(flips)):
        if chosen and np.any((x[chosen] @ z[k] + z[chosen] @ x[k]) % 2):
            continue
        row = flips[k].astype(bool)
        for pivot, other in rows:
            if row[pivot]:
                row = row ^ other
        if row.any():
            rows.append((int(np.argmax(row)), row))
            chosen.append(k)
            if len(rows) == n:
                break
    return 2 ** len(rows)


def leading_gates(ansatz: Ansatz) -> dict[int, Rotation]:
    """The known rotations by one string before anything else on their wires, by their positions."""
    leading, touched = {}, set()
    for position, gate in enumerate(ansatz.gates):
        known = isinstance(gate, Rotation) and gate.single and gate.angle.fixed and np.isfinite(gate.angle.offset)
        if known and touched.isdisjoint(gate.wires):
            leading[position] = gate
        else:
            touched.update(gate.wires)
    return leading


def inverse(gates: Sequence[Rotation], num_wires: int) -> Clifford:
    """``Q -> F Q F†`` for the quarter turns among the gates, ``F`` their product."""
    clifford = Clifford(num_wires)
    for gate in reversed(gates):
        quarters = gate.angle.offset / (np.pi / 2)
        if abs(quarters - round(quarters)) < 1e-9:
            clifford.append_turn(gate.wires, gate.strings[0], -round(quarters))
    return clifford


def _prepared(leading: Sequence[Rotation], start: Start) -> Start | None:
    """The state after the leading gates, where it has few amplitudes."""
    try:
        for gate in leading:
            string = PauliStrings.from_local([gate.wires], gate.strings, start.num_wires)
            start = start.turned(string, gate.angle.offset)
    except TooManyStates:
        return None
    return start.without_phase()


def _aligned(state: State) -> tuple[ProductState, list[tuple[int, str, int]]] | None:
    """A product state with Bloch vectors along X and Y turned to Z, and the turns; ``None`` where there are none."""
    if not isinstance(state, ProductState):
        return None
    bloch, turns = state.bloch.copy(), []
    for wire, r in enumerate(bloch):
        axes = np.flatnonzero(np.abs(r) > 1e-12)
        if len(axes) == 1 and axes[0] < 2:
            letter, quarters = _TURNS[int(axes[0]), int(np.sign(r[axes[0]]))]
            turns.append((wire, letter, quarters))
            bloch[wire] = [0.0, 0.0, abs(r[axes[0]])]
    return (ProductState(bloch), turns) if turns else None
