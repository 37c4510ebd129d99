"""The computational basis states that generators reach from a state, and how they act on them.

A string takes a basis state to one other, so a sum takes it to as many as its strings have different X parts, fewer
where amplitudes cancel: an excitation leaves alone what it cannot excite. Two electrons in forty spin orbitals are at
most 780 states, not ``2^40``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float, Inexact, Int, UInt32

from pennylane_dla.allowance import checkpoint
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.growing import GrowingStrings, TooManyStrings
from pennylane_dla.pauli.strings import count_bits, unpack

from .prime_field import PrimeField

CANCELLED = 1e-12  # of the sum of the absolute values
_BLOCK = 2**21  # signs that are computed together


class TooManyStates(Exception):
    """More basis states, or more entries of the generators, than the limit."""


class BasisStates:
    """Distinct basis states, numbered in the order in which they are met.

    Args:
        num_wires: qubits
        limit: states at most
    """

    def __init__(self, num_wires: int, limit: int):
        self.num_wires, self._found = num_wires, GrowingStrings(num_wires, limit)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def bits(self) -> UInt32[np.ndarray, "states words"]:
        """Qubits that are 1, packed as in :class:`PauliStrings`."""
        return self._found.strings.x

    def part(self, start: int, stop: int) -> UInt32[np.ndarray, "m words"]:
        """Those from ``start`` to ``stop``."""
        return self._found.part(start, stop).x

    def locate(self, bits: UInt32[np.ndarray, "m words"]) -> Int[np.ndarray, " m"]:
        """The number of each state; new ones are added.

        Raises:
            TooManyStates: beyond the limit
        """
        _, first, inverse = np.unique(_keys(bits), return_index=True, return_inverse=True)
        unique = bits[first]
        try:
            place = self._found.locate(PauliStrings(unique, np.zeros_like(unique), self.num_wires))
        except TooManyStrings as error:
            raise TooManyStates(f"more than {self._found._limit} basis states") from error
        return place[inverse.reshape(-1)]

    def find(self, bits: UInt32[np.ndarray, "m words"]) -> Int[np.ndarray, " m"]:
        """The number of each state, -1 where it is not among them."""
        known, keys = _keys(self.bits), _keys(bits)
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known[order], keys), len(self) - 1)]
        return np.where(known[place] == keys, place, -1)


def _keys(bits: UInt32[np.ndarray, "m words"]) -> np.ndarray:
    """One number for each state up to 64 qubits, the bytes of its words beyond."""
    words = bits.shape[1]
    if words == 1:
        return bits[:, 0].astype(np.uint64)
    if words == 2:
        return bits[:, 0].astype(np.uint64) | bits[:, 1].astype(np.uint64) << np.uint64(32)
    return np.ascontiguousarray(bits).view(f"S{4 * words}").ravel()


@dataclass(frozen=True, eq=False)
class Flips:
    """Sums of strings, their terms grouped by sum and X part.

    Args:
        owner: number of the sum of each group
        x: what a group flips, packed
        z: Z parts of all terms, group after group
        starts: first term of each group
        weights: coefficient times ``i^{x·z}`` of each term
        residues: the same in the prime field, where there is one
        sizes: sum of the absolute values of the weights of each group
    """

    owner: Int[np.ndarray, " groups"]
    x: UInt32[np.ndarray, "groups words"]
    z: UInt32[np.ndarray, "terms words"]
    starts: Int[np.ndarray, " groups"]
    weights: Inexact[np.ndarray, " terms"]
    residues: Float[np.ndarray, " terms"] | None
    sizes: Float[np.ndarray, " groups"]
    num_wires: int

    @classmethod
    def of(
        cls,
        sums: Sequence[PauliSum],
        residues: Sequence[Float[np.ndarray, " _"]] | None = None,
        field: PrimeField | None = None,
    ) -> Flips:
        """Group the terms.

        Args:
            sums: without their constants
            residues: of their coefficients
            field: of the residues
        """
        strings = PauliStrings.concatenate([s.strings for s in sums])
        owner = np.repeat(np.arange(len(sums)), [len(s) for s in sums])
        keys = np.concatenate([owner[:, None].astype(np.uint32), strings.x], axis=1)
        groups, inverse = np.unique(keys, axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)
        order = np.argsort(inverse, kind="stable")
        starts = np.searchsorted(inverse[order], np.arange(len(groups)))
        quarter = count_bits(strings.x & strings.z) % 4
        weights = np.concatenate([s.coefficients for s in sums]) * 1j**quarter
        modular = None
        if residues is not None and field is not None:
            power = np.array([pow(field.imaginary, k, field.p) for k in range(4)], np.int64)[quarter]
            modular = field.centered(np.concatenate(residues).astype(np.int64) * power)[order]
        sizes = np.add.reduceat(np.abs(weights[order]), starts)
        return cls(
            groups[:, 0].astype(int), np.ascontiguousarray(groups[:, 1:]), strings.z[order], starts,
            weights[order], modular, sizes, strings.num_wires,
        )  # fmt: skip

    def amplitudes(self, bits: UInt32[np.ndarray, "m words"], p: int | None = None):
        """``⟨s ⊕ x|G|s⟩`` for each state and group, zeros exact, and its residue."""
        n = self.num_wires
        parity = unpack(bits, n).astype(np.float32) @ unpack(self.z, n).astype(np.float32).T
        signs = 1.0 - 2.0 * (parity.astype(np.int32) & 1)
        values = np.add.reduceat(signs * np.real(self.weights), self.starts, axis=1).astype(complex)
        if np.any(np.imag(self.weights)):
            values += 1j * np.add.reduceat(signs * np.imag(self.weights), self.starts, axis=1)
        values[np.abs(values) <= CANCELLED * self.sizes] = 0.0
        modular = None
        if self.residues is not None:
            modular = np.add.reduceat(signs * self.residues, self.starts, axis=1)
            modular -= p * np.rint(modular / p)
        return values, modular

    def block(self) -> int:
        """States that are best treated together."""
        return max(1, _BLOCK // max(1, len(self.z)))


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of several matrices on numbered basis states.

    Args:
        rows: row of each entry
        columns: its column
        owner: its matrix
        values: in double precision
        residues: in the prime field, where there is one
        size: rows and columns of the matrices
    """

    rows: Int[np.ndarray, " m"]
    columns: Int[np.ndarray, " m"]
    owner: Int[np.ndarray, " m"]
    values: Inexact[np.ndarray, " m"]
    residues: Float[np.ndarray, " m"] | None
    size: int

    @classmethod
    def none(cls, size: int) -> Entries:
        """No matrices."""
        empty = np.zeros(0, int)
        return cls(empty, empty, empty, np.zeros(0, complex), None, size)

    def matrix(self, number: int) -> scipy.sparse.csr_array:
        """One of the matrices; real where it is."""
        own = self.owner == number
        values = self.values[own]
        if not np.any(np.imag(values)):
            values = np.real(values)
        shape = (self.size, self.size)
        return scipy.sparse.csr_array((values, (self.rows[own], self.columns[own])), shape=shape)


def reach(states: BasisStates, flips: Flips, p: int | None, max_entries: int) -> Entries:
    """Close the states under the sums.

    Args:
        states: where to start; those that are reached are added
        flips: of the generators
        p: the prime, where there are residues
        max_entries: entries at most

    Returns:
        Entries: of the generators on all states

    Raises:
        TooManyStates: beyond a limit
    """
    parts: list[tuple] = []
    done = count = 0
    while done < len(states):
        checkpoint()
        stop = min(len(states), done + flips.block())
        bits = states.part(done, stop)
        values, modular = flips.amplitudes(bits, p)
        present = values != 0 if modular is None else (values != 0) | (modular != 0)
        column, group = np.nonzero(present)
        count += len(column)
        if count > max_entries:
            raise TooManyStates(f"more than {max_entries} entries of the generators")
        rows = states.locate(bits[column] ^ flips.x[group])
        residues = None if modular is None else modular[column, group]
        parts.append((rows, done + column, flips.owner[group], values[column, group], residues))
        done = stop
    rows, columns, owner, values, residues = zip(*parts, strict=True)
    return Entries(
        np.concatenate(rows), np.concatenate(columns), np.concatenate(owner), np.concatenate(values),
        None if residues[0] is None else np.concatenate(residues), len(states),
    )  # fmt: skip


def restricted(states: BasisStates, flips: Flips) -> Entries:
    """Entries of sums (observables) between the states; what leads out of them is left out."""
    parts = [(np.zeros(0, int),) * 3 + (np.zeros(0, complex),)]
    for start in range(0, len(states), flips.block()):
        bits = states.part(start, min(len(states), start + flips.block()))
        values, _ = flips.amplitudes(bits)
        column, group = np.nonzero(values)
        rows = states.find(bits[column] ^ flips.x[group]) if len(column) else column
        kept = rows >= 0
        parts.append((rows[kept], start + column[kept], flips.owner[group[kept]], values[column[kept], group[kept]]))
    rows, columns, owner, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Entries(rows, columns, owner, values, None, len(states))
