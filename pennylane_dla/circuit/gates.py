"""From leaves to the gates of the IR: angles composed, neighbours merged, fixed angles snapped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_dla.errors import DLAError

from .ansatz import Angle, Gate, Rotation
from .arguments import Call
from .operations import Factor
from .probing import AngleMap

SNAP = 1e-6
QUARTER = np.pi / 2


class GateList:
    """Gates being collected, with a stack of gate positions for each wire for the peephole merge.

    Args:
        place: position of each wire label
        angles: what drives each slot
        call: the call, for names in messages
    """

    def __init__(self, place: dict, angles: AngleMap, call: Call):
        self.place, self.angles, self.call = place, angles, call
        self.gates: list[Gate | None] = []
        self.stacks: list[list[int]] = [[] for _ in place]
        self.keys: list = []
        self.notes: list[str] = []
        self.known_elements = call.num_elements  # elements from here on are unknown data
        self.snapped: list[float] = []

    def add(self, leaf, factors: Sequence[Factor], start: int) -> None:
        """A leaf, as its factors."""
        op = leaf.operation
        labels = op.wires.labels
        used = set()
        for f in factors:
            used.update(i for i, _ in f.terms)
            if not f.positions:
                continue
            angle = self._angle(f, start)
            wires = tuple(self.place[labels[a]] for a in f.positions)
            self._rotate(wires, f.words, f.coefficients, angle, op.name, leaf.source)

    def constants(self, leaf, start: int, count: int) -> bool:
        """Whether the numbers of a leaf are known; an error where a trainable argument drives one."""
        for slot in range(start, start + count):
            angle = self.angles.angle(slot)
            if any(j < self.known_elements for j in angle.elements):
                raise DLAError(
                    f"{leaf.operation.name}: a trainable argument drives its data, which is not a rotation angle; "
                    "treat that argument as data (argnums, requires_grad=False)."
                )
            if angle.elements:
                return False
        return True

    def append(self, gate: Gate, key=None) -> None:
        """A gate as it is."""
        for wire in gate.wires:
            self.stacks[wire].append(len(self.gates))
        self.gates.append(gate)
        self.keys.append(key)

    def finish(self) -> tuple[Gate, ...]:
        """All gates, first applied first."""
        if self.snapped:
            self.notes.append(
                f"{len(self.snapped)} fixed angles within {SNAP:g} of a multiple of π/2 were rounded to it "
                f"(largest change {max(self.snapped):.1e})."
            )
        return tuple(gate for gate in self.gates if gate is not None)

    def _angle(self, f: Factor, start: int) -> Angle:
        """``offset + Σ scale · slot`` as an affine function of the elements."""
        if not f.terms:
            return Angle(f.offset)
        if len(f.terms) == 1:
            index, scale = f.terms[0]
            angle = self.angles.angle(start + index)
            angle = Angle(
                f.offset + scale * angle.offset,
                angle.elements,
                angle.coefficients if scale == 1 else tuple(scale * c for c in angle.coefficients),
                angle.affine,
            )
        else:
            angle = Angle(f.offset)
            for index, scale in f.terms:
                angle = _sum(angle, self.angles.angle(start + index), scale)
        if angle.elements and angle.elements[-1] >= self.known_elements:
            return self._without_data(angle)
        return angle

    def _without_data(self, angle: Angle) -> Angle:
        """Unknown data in an angle: its offset is not known."""
        kept = [(j, c) for j, c in zip(angle.elements, angle.coefficients, strict=True) if j < self.known_elements]
        elements, coefficients = tuple(j for j, _ in kept), tuple(c for _, c in kept)
        return Angle(float("nan"), elements, coefficients, angle.affine if kept else True)

    def _rotate(self, wires, words, coefficients, angle: Angle, name: str, source: int) -> None:
        if len(words) == 1:
            self._single(wires, words[0], angle, name, source)
        elif angle.fixed and np.isfinite(angle.offset) and _commuting(words):
            for word, c in zip(words, coefficients, strict=True):
                self._single(wires, word, Angle(2 * c * angle.offset), name, source)
        else:
            order = sorted(range(len(wires)), key=wires.__getitem__)
            words = tuple("".join(word[a] for a in order) for word in words)
            self.append(
                Rotation(tuple(wires[a] for a in order), words, tuple(coefficients), angle, name, source)
            )

    def _single(self, wires, word: str, angle: Angle, name: str, source: int) -> None:
        """A rotation by one string: merged with an equal neighbour, snapped, dropped at angle zero."""
        if "I" in word:
            wires = tuple(w for w, letter in zip(wires, word, strict=True) if letter != "I")
            word = word.replace("I", "")
            if not word:
                return
        if len(wires) > 1:
            order = sorted(range(len(wires)), key=wires.__getitem__)
            wires = tuple(wires[a] for a in order)
            word = "".join(word[a] for a in order)
        stacks = self.stacks
        last = stacks[wires[0]][-1] if stacks[wires[0]] else -1
        key = (wires, word)
        if last >= 0 and self.keys[last] == key and all(stacks[w][-1] == last for w in wires[1:]):
            before = self.gates[last]
            if angle.affine and before.angle.affine:
                if angle.fixed:
                    name, source = before.name, before.source
                angle = _sum(before.angle, angle)
                for w in wires:
                    stacks[w].pop()
                self.gates[last] = None
        if not angle.elements:
            angle = self._snap(angle)
            if angle.offset == 0:
                return
        for w in wires:
            stacks[w].append(len(self.gates))
        self.gates.append(Rotation(wires, (word,), (0.5,), angle, name, source))
        self.keys.append(key)

    def _snap(self, angle: Angle) -> Angle:
        """A fixed angle in (-π, π], exactly a multiple of π/2 where it is one within 1e-6."""
        if not np.isfinite(angle.offset):
            return angle
        quarters = angle.offset / QUARTER
        nearest = round(quarters)
        change = abs(quarters - nearest) * QUARTER
        if change < SNAP:
            if change > 1e-12:
                self.snapped.append(change)
            nearest = nearest % 4
            return Angle((nearest - 4 if nearest == 3 else nearest) * QUARTER)
        return Angle(float(np.pi - (np.pi - angle.offset) % (2 * np.pi)))


def _sum(a: Angle, b: Angle, scale: float = 1.0) -> Angle:
    """``a + scale · b``."""
    coefficients = dict(zip(a.elements, a.coefficients, strict=True))
    for j, c in zip(b.elements, b.coefficients, strict=True):
        coefficients[j] = coefficients.get(j, 0.0) + scale * c
    magnitude = max((abs(c) for c in (*a.coefficients, *b.coefficients)), default=0.0)
    kept = sorted((j, c) for j, c in coefficients.items() if abs(c) > 1e-9 * magnitude)
    return Angle(
        a.offset + scale * b.offset,
        tuple(j for j, _ in kept),
        tuple(c for _, c in kept),
        a.affine and b.affine,
    )


def _commuting(words: Sequence[str]) -> bool:
    for i, a in enumerate(words):
        for b in words[:i]:
            if sum(p != q and p != "I" and q != "I" for p, q in zip(a, b, strict=True)) % 2:
                return False
    return True
