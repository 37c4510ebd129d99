"""Which gates are one generator: those that one argument drives inside one commuting block.

QAOA written as a loop of IsingZZ with a shared angle has the generator ``Σ ZZ``; the tape does not show that, the
angle map does. An argument that comes back in a separate block makes the angles correlated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .ansatz import Angle, Arguments
from .clifford import SignedString


@dataclass
class Block:
    """One rotation ``exp(-iα Σ c P)`` while blocks are being merged.

    Args:
        strings: without signs
        coefficients: real, signs included
        angle: what drives it
        name: the operation it comes from
        sources: positions of the gates it is made of
    """

    strings: list[SignedString]
    coefficients: list[float]
    angle: Angle
    name: str
    sources: list[int]

    def __post_init__(self):
        self._cover()

    def _cover(self) -> None:
        self.x = self.z = 0
        for string in self.strings:
            self.x |= string.x
            self.z |= string.z

    def commutes(self, other: Block) -> bool:
        """Whether every term commutes with every term of ``other``."""
        if not (self.x & other.z or self.z & other.x):
            return True  # no qubit on which they could differ: the usual case in a layer
        return not any(a.anticommutes(b) for a in self.strings for b in other.strings)


def merge_blocks(walk: list[Block | Any], arguments: Arguments) -> list[Block | Any]:
    """Merge rotations that share trainable elements, where everything between them commutes.

    Equal strings add their angles (``RZ(-δ)`` and ``RZ(δ)`` vanish); proportional angles add their generators.
    Rotations whose elements drive nothing else stay as they are.

    Args:
        walk: blocks and, between them, channels, which nothing passes
        arguments: the trainable arguments

    Returns:
        the merged walk
    """
    uses = Counter(e for item in walk if isinstance(item, Block) for e in item.angle.elements)
    result: list[Block | Any] = []
    for item in walk:
        shared = isinstance(item, Block) and any(uses[e] > 1 for e in item.angle.elements)
        if not (shared and item.angle.affine and _merge_into(result, item)):
            result.append(item)
    return result


def _merge_into(result: list, item: Block) -> bool:
    """Merge ``item`` into the last block that takes it, if everything behind that commutes with it."""
    for k in range(len(result) - 1, -1, -1):
        block = result[k]
        if not isinstance(block, Block):
            return False
        if block.angle.affine and not block.angle.fixed:
            if len(block.strings) == len(item.strings) == 1 and block.strings == item.strings:
                _add_angle(block, item)
                if block.angle == Angle():
                    del result[k]
                return True
            ratio = _ratio(item.angle, block.angle)
            if ratio is not None and block.commutes(item) and _internally_commuting(item):
                offset = item.angle.offset - ratio * block.angle.offset
                _add_generator(block, item, ratio)
                if not block.strings:
                    del result[k]
                    k -= 1
                if abs(offset) > 1e-12:  # the rest is a known rotation of the same commuting strings
                    for string, coefficient in zip(item.strings, item.coefficients, strict=True):
                        rest = Angle(2 * coefficient * offset)
                        result.insert(k + 1, Block([string], [0.5], rest, item.name, list(item.sources)))
                return True
        if not block.commutes(item):
            return False
    return False


def _add_angle(block: Block, item: Block) -> None:
    """Two rotations by one string: the angles add."""
    scale = item.coefficients[0] / block.coefficients[0]
    totals = dict(zip(block.angle.elements, block.angle.coefficients, strict=True))
    for element, coefficient in zip(item.angle.elements, item.angle.coefficients, strict=True):
        totals[element] = totals.get(element, 0.0) + scale * coefficient
    kept = {e: c for e, c in sorted(totals.items()) if abs(c) > 1e-12}
    offset = block.angle.offset + scale * item.angle.offset
    block.angle = Angle(0.0 if abs(offset) < 1e-12 else offset, tuple(kept), tuple(kept.values()))
    block.sources.extend(item.sources)


def _add_generator(block: Block, item: Block, ratio: float) -> None:
    """Two commuting rotations under one angle: the generators add."""
    totals = dict(zip(block.strings, block.coefficients, strict=True))
    for string, coefficient in zip(item.strings, item.coefficients, strict=True):
        totals[string] = totals.get(string, 0.0) + ratio * coefficient
    kept = {s: c for s, c in totals.items() if abs(c) > 1e-12}
    block.strings, block.coefficients = list(kept), list(kept.values())
    block.sources.extend(item.sources)
    block._cover()
    if len(kept) == 1:  # back to the normal form exp(-iαP/2)
        scale = 2 * block.coefficients[0]
        angle = block.angle
        block.coefficients = [0.5]
        block.angle = angle._replace(
            offset=scale * angle.offset, coefficients=tuple(scale * c for c in angle.coefficients)
        )


def _ratio(angle: Angle, reference: Angle) -> float | None:
    """``r`` with ``angle = r · reference + constant``, where there is one."""
    if angle.elements != reference.elements:
        return None
    ratio = angle.coefficients[0] / reference.coefficients[0]
    same = all(
        abs(a - ratio * b) <= 1e-9 * abs(a) for a, b in zip(angle.coefficients, reference.coefficients, strict=True)
    )
    return ratio if same else None


def _internally_commuting(block: Block) -> bool:
    strings = block.strings
    return not any(a.anticommutes(b) for i, a in enumerate(strings) for b in strings[:i])


def correlation(blocks: list[Block], arguments: Arguments) -> str | None:
    """Why the angles of the blocks are not independent of each other, or ``None``.

    They are where every element drives one block only.
    """
    uses = Counter(e for block in blocks for e in block.angle.elements)
    repeated = [element for element, count in uses.items() if count > 1]
    if not repeated:
        return None
    named = ", ".join(arguments.label(e) for e in sorted(repeated)[:3]) + (", …" if len(repeated) > 3 else "")
    return f"correlated: {named} drives several blocks that do not commute"
