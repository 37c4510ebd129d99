"""What noise does to Pauli strings: a factor for each, or a matrix on those that it can reach."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from pennylane_dla.circuit.effective import EffectiveChannel
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.pauli.growing import GrowingStrings
from pennylane_dla.pauli.strings import anticommute, product


class ChannelImages:
    """A channel's local word of each string, and its images where it is not diagonal.

    Args:
        channel: in the frame of the strings
    """

    def __init__(self, channel: EffectiveChannel):
        self.channel, self.wires = channel, len(channel.x)
        self.transfer = np.asarray(channel.transfer, float)
        self.seen = 0
        self._entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        away = np.abs(self.transfer - np.diag(np.diag(self.transfer))) > 1e-12
        self.diagonal = not away.any()
        if not self.diagonal:
            self._words = [_image(channel, word) for word in range(4**self.wires)]
            self._moves = np.argwhere(away)

    def codes(self, strings: PauliStrings) -> Int[np.ndarray, " m"]:
        """``Σ_a code_a 4^a`` with ``code = x + 2z``."""
        codes = np.zeros(len(strings), np.intp)
        for a in range(self.wires):
            x, z = anticommute(self.channel.z[a], strings), anticommute(self.channel.x[a], strings)
            codes += (x + 2 * z) << (2 * a)
        return codes

    def factors(self, strings: PauliStrings) -> Float[np.ndarray, " m"]:
        """What each string is multiplied by."""
        return np.diag(self.transfer)[self.codes(strings)]

    def extend(self, found: GrowingStrings) -> None:
        """All images of the strings so far, and theirs: the first strings become an invariant space."""
        while self.seen < len(found):
            start = self.seen
            new = found.part(start, len(found))
            self.seen += len(new)
            codes = self.codes(new)
            columns = np.arange(start, start + len(new))
            self._entries.append((columns, columns, self.transfer[codes, codes]))
            for to, word in self._moves:
                columns = np.flatnonzero(codes == word)
                if not len(columns):
                    continue
                shift = int(to) ^ int(word)
                _, local = product(_word(int(to), self.wires), _word(int(word), self.wires))
                string, sign = self._words[shift]
                moved, exponent = product(string, new[columns])
                values = self.transfer[to, word] * sign * (1.0 - (exponent + local) % 4)
                self._entries.append((found.locate(moved), columns + start, values))

    def matrix(self, count: int) -> scipy.sparse.csr_array:
        """On the first ``count`` strings, those of a moment when :meth:`extend` was through."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        used = columns < count
        rows, columns, values = rows[used], columns[used], values[used]
        return scipy.sparse.csr_array((values, (rows, columns)), shape=(count, count))


def _word(code: int, wires: int) -> PauliStrings:
    digits = (code >> 2 * np.arange(wires)) & 3
    return PauliStrings.from_bits(digits[None] & 1, digits[None] >> 1)


def _image(channel: EffectiveChannel, code: int) -> tuple[PauliStrings, int]:
    """The signed effective string of a local word: letters are multiplied wire by wire, ``Y = iXZ``."""
    total = channel.x[0]
    total = PauliStrings(np.zeros_like(total.x), np.zeros_like(total.z), total.num_wires)
    phase = 0
    for a in range(len(channel.x)):
        letter = (code >> 2 * a) & 3
        parts = (1, channel.x, channel.x_signs), (2, channel.z, channel.z_signs)
        for bit, strings, signs in parts:
            if letter & bit:
                total, exponent = product(total, strings[a])
                phase += int(exponent[0]) + (0 if signs[a] > 0 else 2)
        phase += letter == 3
    return total, 1 - phase % 4
