"""From local gates to the padded table that the path sweep walks.

For uniform angles a path is a random walk on vectors ``(x|z)`` of F₂^{2n}, so signs and angles play no part:
a rotation adds its string to an anticommuting vector with probability one half, a quarter turn adds it
always. Both are transvections. Quarter turns on one pair of wires are multiplied together (``Sp(4, 2)`` has
720 elements) and ride along with the next rotation on that pair, so a step of the table is "a linear map on
two wires, then one rotation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt32

from pennylane_dla.circuit.ansatz import Channel, Gate, Rotation
from pennylane_dla.pauli.strings import CODE

# A step's code: 16 bits of linear map, then what to test, what to add, and two flags.
TEST, ADD, CARRY, DRAW = 16, 20, 24, 25
IDENTITY = 0x8421  # row i of the map in bits 4i…4i+3
DONE = -1  # the linear map of what has been written
ANY = 4  # a wire that any letter can reach


@dataclass(frozen=True, eq=False)
class GateTable:
    """Steps in the order of the Heisenberg picture, last gate first.

    A step replaces the rows ``(x_a, z_a, x_b, z_b)`` of its wires by their image under the linear map,
    computes the parity ``t`` of the rows in ``TEST`` (and of the last step's ``t``, with ``CARRY``), ands
    ``t`` with random bits (with ``DRAW``), and adds ``t`` to the rows in ``ADD``.

    Args:
        wires: the two wires of each step, as positions in ``active``; the spare positions ``len(active)`` and
            ``len(active) + 1`` stand for no wire
        codes: what each step does
        gates: for each step the position in ``ansatz.gates`` of the rotation that it draws for, or -1
        damping: for each step the row of ``eigenvalues`` that multiplies the path, or -1
        eigenvalues: squared eigenvalues of Pauli channels, by the local word ``x_a + 2 z_a + 4 x_b + 8 z_b``
        active: the wires that the observable can reach
        end: expected end weight of each letter (I, X, Z, Y) on each active wire, once the first single-wire
            gates are integrated
        absorbed: for each rotation integrated there: its gate, its active wire, and the weight of each letter
            restricted to paths that anticommute with it
    """

    wires: Int[np.ndarray, "steps 2"]
    codes: UInt32[np.ndarray, " steps"]
    gates: Int[np.ndarray, " steps"]
    damping: Int[np.ndarray, " steps"]
    eigenvalues: Float[np.ndarray, "channels 16"]
    active: tuple[int, ...]
    end: Float[np.ndarray, "active 4"]
    absorbed: tuple[tuple[int, int, Float[np.ndarray, " 4"]], ...]


def quarter(gate: Gate) -> int | None:
    """Quarter turns (mod 4) of a fixed single-string rotation, ``None`` for any other gate."""
    if isinstance(gate, Channel) or not gate.single or not gate.angle.fixed:
        return None
    turns = gate.angle.offset / (np.pi / 2)
    if not np.isfinite(turns) or abs(turns - round(turns)) > 1e-6:
        return None
    return round(turns) % 4


def light_cone(gates: Sequence[Gate], letters: Sequence[int]) -> list[int]:
    """Positions of the gates that act on what the observable can become, last first.

    Args:
        gates: the circuit
        letters: for each wire the letter that the terms have there: 0 none, 1, 2, 3 for X, Z, Y, ``ANY`` for
            several
    """
    reach, kept = list(letters), []
    for position in range(len(gates) - 1, -1, -1):
        gate = gates[position]
        if isinstance(gate, Channel):
            if any(reach[w] for w in gate.wires):
                kept.append(position)
                if not gate.diagonal:
                    for w in gate.wires:
                        reach[w] = ANY
            continue
        if not any(
            reach[w] and letter != "I" and reach[w] != CODE[letter]
            for word in gate.strings
            for w, letter in zip(gate.wires, word, strict=True)
        ):
            continue
        kept.append(position)
        for word in gate.strings:
            for w, letter in zip(gate.wires, word, strict=True):
                if letter != "I" and reach[w] != CODE[letter]:
                    reach[w] = ANY if reach[w] else CODE[letter]
    return kept


def active_wires(gates: Sequence[Gate], kept: Sequence[int], letters: Sequence[int]) -> tuple[int, ...]:
    """The wires that an observable with ``letters`` can reach through the gates ``kept``."""
    cone = {w for w, letter in enumerate(letters) if letter}
    cone.update(w for position in kept for w in gates[position].wires)
    return tuple(sorted(cone))


def gate_table(
    gates: Sequence[Gate],
    kept: Sequence[int],
    quarters: Sequence[int | None],
    letters: Sequence[int],
    start: Float[np.ndarray, "n 4"],
    active: tuple[int, ...] | None = None,
    absorb: bool = True,
) -> GateTable:
    """Lower a circuit of uniform rotations, quarter turns and Pauli channels on one or two wires.

    Args:
        gates: the circuit, first gate first
        kept: its light cone
        quarters: for each gate its :func:`quarter`
        letters: what the observable has on each wire (see :func:`light_cone`)
        start: weight of each letter in the initial state, ``(1, r_x², r_z², r_y²)``
        active: wires to keep, by default those that the observable can reach
        absorb: integrate the first single-wire gates of each wire into the end weight
    """
    active = active_wires(gates, kept, letters) if active is None else active
    place = {w: i for i, w in enumerate(active)}

    first: dict[int, list[int]] = {}
    walked = []
    closed: set[int] = set() if absorb else set(active)
    for position in reversed(kept):
        wires = gates[position].wires
        if len(wires) == 1 and wires[0] not in closed:
            first.setdefault(wires[0], []).append(position)
        else:
            closed.update(wires)
            walked.append(position)
    walked.reverse()

    end = np.array(start[list(active)], float).reshape(-1, 4)
    absorbed = []
    for wire, positions in first.items():
        end[place[wire]], parts = _integrate(
            [gates[p] for p in positions], [quarters[p] for p in positions], start[wire]
        )
        absorbed += [(p, place[wire], part) for p, part in zip(positions, parts, strict=True) if part is not None]

    steps = _Steps(place)
    for position in walked:
        steps.add(position, gates[position], quarters[position])
    wires, codes, drawn, damping = steps.finish()
    return GateTable(
        wires=np.array(wires, np.int32).reshape(-1, 2),
        codes=np.array(codes, np.uint32),
        gates=np.array(drawn, np.int64),
        damping=np.array(damping, np.int32),
        eigenvalues=np.array(steps.eigenvalues, float).reshape(-1, 16),
        active=active,
        end=end,
        absorbed=tuple(absorbed),
    )


def _integrate(gates: list[Gate], quarters: list[int | None], start: Float[np.ndarray, " 4"]):
    """End weights of the four letters before single-wire ``gates``, and for each rotation the weights
    restricted to
    letters that anticommute with it on arrival (``None`` for gates that are not drawn)."""
    kernels, restricted = [], []
    for gate, turns in zip(gates, quarters, strict=True):
        if isinstance(gate, Channel):
            kernels.append(np.diag(np.diag(gate.transfer) ** 2))
            restricted.append(None)
            continue
        code = CODE[gate.strings[0]]
        moves = np.array([_anticommutes(code, letter) for letter in range(4)], float)
        stay, move = (0.5, 0.5) if turns is None else (1 - turns % 2, turns % 2)
        moved = np.eye(4)[np.arange(4) ^ code]
        kernel = np.diag(1 - moves) + moves[:, None] * (stay * np.eye(4) + move * moved)
        kernels.append(kernel)
        restricted.append(moves[:, None] * kernel if turns is None else None)
    before = [np.asarray(start, float)]
    for kernel in kernels:
        before.append(kernel @ before[-1])
    parts, later = [], np.eye(4)
    for kernel, part, value in zip(reversed(kernels), reversed(restricted), reversed(before[:-1]), strict=True):
        parts.append(None if part is None else later @ part @ value)
        later = later @ kernel
    return before[-1], parts[::-1]


def _anticommutes(a: int, b: int) -> bool:
    return bool(a and b and a != b)


class _Pending:
    """A linear map on one or two wires that no step carries yet, and the maps that come before it."""

    __slots__ = ("wires", "linear", "before")

    def __init__(self, wires, linear=IDENTITY, before=()):
        self.wires, self.linear, self.before = wires, linear, before


_TRANSVECTED: dict[tuple[int, int], int] = {}


def _transvect(linear: int, add: int) -> int:
    """The map followed by the transvection of the local string ``add``."""
    key = (linear, add)
    if key not in _TRANSVECTED:
        rows = [(linear >> (4 * i)) & 15 for i in range(4)]
        parity = 0
        for i in range(4):
            if (_dual(add) >> i) & 1:
                parity ^= rows[i]
        _TRANSVECTED[key] = sum((rows[i] ^ (parity if (add >> i) & 1 else 0)) << (4 * i) for i in range(4))
    return _TRANSVECTED[key]


def _swap(linear: int) -> int:
    """The same map with its two wires exchanged."""
    rows = [(linear >> (4 * i)) & 15 for i in (2, 3, 0, 1)]
    return sum((((row << 2) & 12) | (row >> 2)) << (4 * i) for i, row in enumerate(rows))


def _dual(add: int) -> int:
    """The rows whose parity is the symplectic form with the local string ``add``."""
    return ((add & 5) << 1) | ((add & 10) >> 1)


class _Steps:
    """Collects steps; quarter turns wait until a rotation on their wires can carry them."""

    def __init__(self, place: dict[int, int]):
        self.place = place
        self.spare = len(place)
        self.last: dict[int, _Pending] = {}
        self.wires: list[tuple[int, int]] = []
        self.codes: list[int] = []
        self.drawn: list[int] = []
        self.damping: list[int] = []
        self.eigenvalues: list[np.ndarray] = []
        self._known: dict[bytes, int] = {}

    def add(self, position: int, gate: Gate, turns: int | None) -> None:
        if isinstance(gate, Channel):
            wires = tuple(self.place[w] for w in gate.wires)
            self._settle(wires)
            self._step(self._pair(wires), IDENTITY, damping=self._channel(gate))
            return
        wires, codes = [], []
        for w, letter in zip(gate.wires, gate.strings[0], strict=True):
            if letter != "I":
                wires.append(self.place[w])
                codes.append(CODE[letter])
        if turns is not None and turns % 2 == 0:
            return
        if len(wires) > 2:
            self._settle(wires)
            self._long(wires, codes, -1 if turns is not None else position)
        elif turns is None:
            pair, linear = self._take(wires)
            add = sum(code << (2 * pair.index(w)) for w, code in zip(wires, codes, strict=True))
            self._step(pair, linear | add << ADD | _dual(add) << TEST | 1 << DRAW, drawn=position)
        else:
            self._turn(wires, codes)

    def finish(self):
        for pending in list(self.last.values()):
            self._emit(pending)
        return self.wires, self.codes, self.drawn, self.damping

    def _turn(self, wires, codes) -> None:
        """Multiply a quarter turn into what is pending."""
        pending = self._pending(wires)
        if pending is None:
            pending = _Pending((wires[0], self.spare))
        for w in wires:
            self.last[w] = pending
        add = sum(code << (2 * pending.wires.index(w)) for w, code in zip(wires, codes, strict=True))
        pending.linear = _transvect(pending.linear, add)

    def _pending(self, wires) -> _Pending | None:
        """What is pending on one wire, or what a new map on two wires has to begin with."""
        if len(wires) == 1:
            return self.last.get(wires[0])
        a, b = wires
        at_a, at_b = self.last.get(a), self.last.get(b)
        return at_a if at_a is not None and at_a is at_b else self._join(a, b, at_a, at_b)

    def _join(self, a: int, b: int, at_a: _Pending | None, at_b: _Pending | None) -> _Pending:
        """A map on two wires that takes up maps on one of them and waits for longer ones."""
        linear, before = IDENTITY, []
        for side, pending in enumerate((at_a, at_b)):
            if pending is None:
                continue
            if pending.wires[1] == self.spare:
                alone = _swap(pending.linear) if side else pending.linear
                kept = 0x00FF if side else 0xFF00
                linear = (linear & kept) | (alone & ~kept & 0xFFFF)
            else:
                before.append(pending)
        return _Pending((a, b), linear, tuple(before))

    def _take(self, wires) -> tuple[tuple[int, int], int]:
        """The pair of wires and the linear map that a rotation on ``wires`` carries."""
        pending = self._pending(wires)
        if pending is None:
            return self._pair(wires), IDENTITY
        for before in pending.before:
            self._emit(before)
        linear = self._forget(pending)
        for w in wires:  # maps that the join took up
            self.last.pop(w, None)
        return pending.wires, linear

    def _settle(self, wires) -> None:
        for w in wires:
            if w in self.last:
                self._emit(self.last[w])

    def _emit(self, pending: _Pending) -> None:
        """Write a map as a step, after all that come before it."""
        stack = [pending]
        while stack:
            top = stack[-1]
            waiting = [p for p in top.before if p.linear != DONE]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if top.linear != DONE:
                if top.linear != IDENTITY:
                    self._step(top.wires, top.linear)
                self._forget(top)

    def _forget(self, pending: _Pending) -> int:
        linear, pending.linear = pending.linear, DONE
        for w in pending.wires:
            if self.last.get(w) is pending:
                del self.last[w]
        return linear

    def _long(self, wires, codes, drawn) -> None:
        """A rotation by a string on many wires: gather the parity pair by pair, then hand it out."""
        pairs = [(wires[i : i + 2], codes[i : i + 2]) for i in range(0, len(wires), 2)]
        adds = [c[0] | (c[1] << 2 if len(c) == 2 else 0) for _, c in pairs]
        pairs = [self._pair(w) for w, _ in pairs]
        for i, (pair, add) in enumerate(zip(pairs, adds, strict=True)):
            code = IDENTITY | _dual(add) << TEST | (1 << CARRY if i else 0)
            if i == len(pairs) - 1:
                code |= add << ADD | ((1 << DRAW) if drawn >= 0 else 0)
                self._step(pair, code, drawn=drawn)
            else:
                self._step(pair, code)
        for pair, add in zip(pairs[:-1], adds[:-1], strict=True):
            self._step(pair, IDENTITY | add << ADD | 1 << CARRY)

    def _pair(self, wires) -> tuple[int, int]:
        return (wires[0], wires[1] if len(wires) == 2 else self.spare)

    def _channel(self, gate: Channel) -> int:
        values = np.diag(gate.transfer) ** 2
        values = np.tile(values, 16 // len(values))
        key = values.tobytes()
        if key not in self._known:
            self._known[key] = len(self.eigenvalues)
            self.eigenvalues.append(values)
        return self._known[key]

    def _step(self, pair, code, drawn=-1, damping=-1) -> None:
        self.wires.append(pair)
        self.codes.append(code)
        self.drawn.append(drawn)
        self.damping.append(damping)


def sources(gates: Sequence[Gate]) -> dict[int, list[int]]:
    """For each element the positions of the rotations that it drives."""
    driven: dict[int, list[int]] = {}
    for position, gate in enumerate(gates):
        if isinstance(gate, Rotation):
            for element in gate.angle.elements:
                driven.setdefault(element, []).append(position)
    return driven
