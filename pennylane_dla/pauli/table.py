"""Sets of Pauli strings that can be looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt64

from .strings import PauliStrings


@dataclass(frozen=True, eq=False)
class StringTable:
    """Distinct strings that can be looked up.

    Args:
        strings: sorted by key
        keys: one 64-bit key each, sorted; exact up to 32 qubits, a hash beyond
    """

    strings: PauliStrings
    keys: UInt64[np.ndarray, " d"]

    @classmethod
    def of(cls, strings: PauliStrings) -> StringTable:
        """The distinct ones among ``strings``."""
        keys, first = np.unique(string_keys(strings), return_index=True)
        return cls(strings[first], keys)

    def with_new(self, strings: PauliStrings) -> StringTable:
        """The table with distinct strings added that are not in it yet."""
        keys = string_keys(strings)
        order = np.argsort(keys)
        place = np.searchsorted(self.keys, keys[order])
        x = np.insert(self.strings.x, place, strings.x[order], axis=0)
        z = np.insert(self.strings.z, place, strings.z[order], axis=0)
        return StringTable(PauliStrings(x, z, strings.num_wires), np.insert(self.keys, place, keys[order]))

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, strings: PauliStrings) -> Int[np.ndarray, " m"]:
        """Index of each string, ``-1`` where it is not in the table."""
        keys = string_keys(strings)
        index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        found = (
            (self.keys[index] == keys)
            & np.all(self.strings.x[index] == strings.x, axis=-1)
            & np.all(self.strings.z[index] == strings.z, axis=-1)
        )
        return np.where(found, index, -1)


def string_keys(strings: PauliStrings) -> UInt64[np.ndarray, " m"]:
    """A 64-bit key of each string: its bits where they fit, a multiplicative hash where not."""
    if strings.num_wires <= 32:
        return strings.x[:, 0].astype(np.uint64) | (strings.z[:, 0].astype(np.uint64) << np.uint64(32))
    vectors = strings.vectors().astype(np.uint64)
    odd = np.random.default_rng(7).integers(2**63, size=(2, vectors.shape[1]), dtype=np.uint64) * 2 + 1
    mixed = (vectors + odd[1]) * odd[0]
    return ((mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)).sum(axis=1, dtype=np.uint64)
