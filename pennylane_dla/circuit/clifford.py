"""Conjugation by a Clifford circuit, as the images of the single-qubit Paulis.

Strings are Python integers here: one circuit gate touches a handful of strings of any length, and big-integer
XOR and popcount beat an array call for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import CODE, num_words


class SignedString(NamedTuple):
    """``i^phase`` times the Hermitian string with bits ``x`` and ``z`` (bit ``q`` is qubit ``q``)."""

    x: int
    z: int
    phase: int = 0

    @property
    def sign(self) -> int:
        """+1 or -1, of a Hermitian one."""
        return 1 - self.phase

    def anticommutes(self, other: SignedString) -> bool:
        """Whether the two anticommute."""
        return ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) % 2 == 1

    def times(self, other: SignedString) -> SignedString:
        """The product, phase included."""
        x, z = self.x ^ other.x, self.z ^ other.z
        phase = (
            self.phase
            + other.phase
            + (self.x & self.z).bit_count()
            + (other.x & other.z).bit_count()
            - (x & z).bit_count()
            + 2 * (self.z & other.x).bit_count()
        )
        return SignedString(x, z, phase % 4)


IDENTITY = SignedString(0, 0)


class Clifford:
    """The map ``Q -> F†QF`` of a Clifford circuit ``F`` that is built gate by gate.

    Args:
        num_wires: qubits
    """

    def __init__(self, num_wires: int):
        self.num_wires = num_wires
        self._x = [SignedString(1 << q, 0) for q in range(num_wires)]
        self._z = [SignedString(0, 1 << q) for q in range(num_wires)]

    def image(self, wires: Sequence[int], letters: str) -> SignedString:
        """``F†PF`` of a local string."""
        result = IDENTITY
        for wire, letter in zip(wires, letters, strict=True):
            code = CODE[letter]
            if code & 1:
                result = result.times(self._x[wire])
            if code & 2:
                result = result.times(self._z[wire])
            if code == 3:  # Y = i X Z
                result = result._replace(phase=(result.phase + 1) % 4)
        return result

    def append_turn(self, wires: Sequence[int], letters: str, quarters: int) -> None:
        """Apply one more gate, ``exp(-i (π/2) quarters P/2)``, after those so far."""
        quarters %= 4
        if not quarters:
            return
        turned = self.image(wires, letters)
        for images in (self._x, self._z):
            for wire in wires:
                image = images[wire]
                if not turned.anticommutes(image):
                    continue
                if quarters == 2:
                    images[wire] = image._replace(phase=(image.phase + 2) % 4)
                else:  # ±i P Q
                    moved = turned.times(image)
                    images[wire] = moved._replace(phase=(moved.phase + quarters) % 4)

    def push(self, observable: PauliSum) -> PauliSum:
        """``F†OF``."""
        x, z = observable.strings.bits()
        images = []
        for row in x + 2 * z:
            wires = np.flatnonzero(row)
            images.append(self.image(wires.tolist(), "".join("IXZY"[c] for c in row[wires])))
        signs = np.array([image.sign for image in images], float)
        return PauliSum(pack_signed(images, self.num_wires), observable.coefficients * signs, observable.constant)


def pack_signed(strings: Sequence[SignedString], num_wires: int) -> PauliStrings:
    """The strings, without their signs, as a packed array."""
    octets = 4 * num_words(num_wires)
    parts = [
        np.frombuffer(b"".join(getattr(s, part).to_bytes(octets, "little") for s in strings), "<u4")
        .astype(np.uint32)
        .reshape(len(strings), -1 if strings else octets // 4)
        for part in ("x", "z")
    ]
    return PauliStrings(parts[0], parts[1], num_wires)
