"""Pauli strings numbered in the order in which they are met."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np
from jaxtyping import Int

from .strings import PauliStrings, num_words


class TooManyStrings(Exception):
    """There are more than the limit."""


class GrowingStrings:
    """Distinct strings, each at the place of its first appearance.

    Args:
        num_wires: number of qubits
        limit: strings at most

    >>> found = GrowingStrings(2, limit=10)
    >>> found.locate(PauliStrings.from_labels(["XI", "ZZ"])).tolist()
    [0, 1]
    >>> found.locate(PauliStrings.from_labels(["YY", "ZZ"])).tolist()
    [2, 1]
    """

    def __init__(self, num_wires: int, limit: int):
        words = num_words(num_wires)
        self.num_wires, self._limit = num_wires, limit
        self._vectors = np.zeros((1024, 2 * words), np.uint32)
        self._place: dict[Any, int] = {}  # by the bytes of a string
        self._key = np.dtype((np.void, 8 * words))

    def __len__(self) -> int:
        return len(self._place)

    @property
    def strings(self) -> PauliStrings:
        """All of them."""
        return self.part(0, len(self))

    def part(self, start: int, stop: int) -> PauliStrings:
        """Those from ``start`` to ``stop``."""
        x, z = np.split(self._vectors[start:stop], 2, axis=1)
        return PauliStrings(x, z, self.num_wires)

    def locate(self, strings: PauliStrings) -> Int[np.ndarray, " m"]:
        """The place of each of some distinct strings; new ones are added.

        Raises:
            TooManyStrings: beyond the limit
        """
        vectors = np.ascontiguousarray(strings.vectors())
        keys = vectors.view(self._key).ravel().tolist()
        place = np.fromiter(map(self._place.get, keys, repeat(-1)), np.intp, len(keys))
        new = np.flatnonzero(place < 0)
        start, stop = len(self), len(self) + len(new)
        if stop > self._limit:
            raise TooManyStrings(f"more than {self._limit} Pauli strings")
        if stop > len(self._vectors):
            more = np.zeros((max(stop, 2 * len(self._vectors)) - len(self._vectors), vectors.shape[1]), np.uint32)
            self._vectors = np.concatenate([self._vectors, more])
        self._vectors[start:stop] = vectors[new]
        place[new] = np.arange(start, stop)
        self._place.update((keys[position], start + k) for k, position in enumerate(new.tolist()))
        return place
