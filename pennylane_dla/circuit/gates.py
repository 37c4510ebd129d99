"""From leaves to the gates of the IR: angles composed, neighbours merged, fixed angles snapped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pennylane_dla.errors import DLAError

from .ansatz import Angle, Gate, Rotation
from .decomposition import Primitive
from .factors import Factor
from .probing import AngleMap

SNAP = 1e-6
QUARTER = np.pi / 2
UNKNOWN = "a number in it is not known inside jit or vmap; call inspect with concrete data."


class GateList:
    """Gates being collected, with a stack of gate positions for each wire for the peephole merge.

    Args:
        place: position of each wire label
        angles: what drives each slot
        operations: of the tape, for messages
    """

    def __init__(self, place: dict, angles: AngleMap, operations: Sequence):
        self.place, self.angles, self.operations = place, angles, operations
        self.gates: list[Gate | None] = []
        self.stacks: list[list[int]] = [[] for _ in place]
        self.keys: list = []
        self.snapped: list[float] = []
        self.curved: set[str] = set()

    def add(self, leaf: Primitive, factors: Sequence[Factor], start: int, angles: AngleMap | None = None) -> None:
        """A leaf as its factors.

        Args:
            leaf: the leaf
            factors: it as a product
            start: the place of its first slot in ``angles``
            angles: what drives the slots, where it is not the map of the tape
        """
        angles = angles or self.angles
        name, source = leaf.operation.name, leaf.source
        driving = set()
        for positions, words, coefficients, terms, offset in factors:
            for index, _ in terms:
                driving.add(index)
            if not positions:
                continue
            angle = self._angle(angles, terms, offset, start) if terms else Angle(offset)
            wires = tuple([self.place[leaf.wires[a]] for a in positions])
            if len(words) == 1:
                self._single(wires, words[0], angle, name, source)
            else:
                self._several(wires, words, coefficients, angle, name, source)
        if angles is self.angles and len(driving) < len(leaf.slots):
            rest = [start + i for i in range(len(leaf.slots)) if i not in driving]
            if not self.constant(leaf, rest):
                raise DLAError(f"{self.origin(leaf)}: {UNKNOWN}")

    def constant(self, leaf: Primitive, slots: Sequence[int]) -> bool:
        """Whether numbers of a leaf that are no angles are known.

        Raises:
            DLAError: a trainable argument drives one of them
        """
        known = True
        for slot in slots:
            angle = self.angles.angle(slot)
            if angle.elements:
                raise DLAError(
                    f"{self.origin(leaf)}: a trainable argument drives a number in it that is not a "
                    "rotation angle; treat that argument as data (by argnums, or requires_grad=False)."
                )
            known = known and bool(np.isfinite(angle.offset))
        return known

    def origin(self, leaf: Primitive) -> str:
        """The operation, and the one on the tape that it comes from."""
        name, top = leaf.operation.name, self.operations[leaf.source].name
        return name if name == top else f"{top} (by its {name})"

    def append(self, gate: Gate, key=None) -> None:
        """A gate as it is."""
        for wire in gate.wires:
            self.stacks[wire].append(len(self.gates))
        self.gates.append(gate)
        self.keys.append(key)

    def finish(self) -> tuple[Gate, ...]:
        """All gates, first applied first."""
        return tuple(gate for gate in self.gates if gate is not None)

    def notes(self) -> tuple[str, ...]:
        """What was rounded or assumed."""
        notes = []
        if self.snapped:
            notes.append(
                f"{len(self.snapped)} fixed angle{'s' * (len(self.snapped) > 1)} within {SNAP:g} of a "
                f"multiple of π/2 rounded to it (largest change {max(self.snapped):.1e})"
            )
        if self.curved:
            notes.append(
                f"angles of {', '.join(sorted(self.curved))} are not affine in the trainable arguments: "
                "the algebra and the deep limit take each as a parameter of its own"
            )
        return tuple(notes)

    def _angle(self, angles: AngleMap, terms, offset: float, start: int) -> Angle:
        """``offset + Σ scale · slot`` as an affine function of the elements."""
        if len(terms) == 1:
            index, scale = terms[0]
            constant, elements, coefficients, affine = angles.angle(start + index)
            if scale != 1:
                coefficients = tuple([scale * c for c in coefficients])
            angle = Angle(offset + scale * constant, elements, coefficients, affine)
        else:
            angle = Angle(offset)
            for index, scale in terms:
                angle = _sum(angle, angles.angle(start + index), scale)
        return angle

    def _several(self, wires, words, coefficients, angle: Angle, name: str, source: int) -> None:
        """A rotation by a sum; a known angle splits where the words commute."""
        if angle.fixed and np.isfinite(angle.offset) and _commuting(words):
            for word, c in zip(words, coefficients, strict=True):
                self._single(wires, word, Angle(2 * c * angle.offset), name, source)
            return
        order = sorted(range(len(wires)), key=wires.__getitem__)
        words = tuple("".join([word[a] for a in order]) for word in words)
        if not angle.affine:
            self.curved.add(name)
        self.append(Rotation(tuple(wires[a] for a in order), words, tuple(coefficients), angle, name, source))

    def _single(self, wires, word: str, angle: Angle, name: str, source: int) -> None:
        """A rotation by one string: merged with an equal neighbour, snapped, dropped at angle zero."""
        if "I" in word:
            wires = tuple(w for w, letter in zip(wires, word, strict=True) if letter != "I")
            word = word.replace("I", "")
            if not word:
                return
        if len(word) > 1:
            order = sorted(range(len(wires)), key=wires.__getitem__)
            wires = tuple(wires[a] for a in order)
            word = "".join(word[a] for a in order)
        stacks = self.stacks
        last = stacks[wires[0]][-1] if stacks[wires[0]] else -1
        key = (wires, word)
        if last >= 0 and self.keys[last] == key and all(stacks[w][-1] == last for w in wires[1:]):
            before = self.gates[last]
            if isinstance(before, Rotation) and angle.affine and before.angle.affine:
                if angle.fixed:
                    name, source = before.name, before.source
                angle = _sum(before.angle, angle)
                for w in wires:
                    stacks[w].pop()
                self.gates[last] = None
        if not angle.affine:
            self.curved.add(name)
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
