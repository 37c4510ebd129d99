"""F₂ bookkeeping for a few thousand local strings, on Python integers.

A row is one integer. Local strings meet few others, so a row operation is a fraction of a microsecond where an array
call is several: below a few thousand generators this is several times faster than the packed arrays of
:mod:`~pennylane_dla.algebra.f2.linear`, which dense or very many strings need.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int, UInt64

from . import linear
from .symplectic import SymplecticBasis, swap

MAX_STRINGS = 8192
MAX_WEIGHT = 16  # ones in a row, on average


def is_local(rows: UInt64[np.ndarray, "m words"]) -> bool:
    """Whether integers are the better choice."""
    return len(rows) <= MAX_STRINGS and int(np.bitwise_count(rows).sum(dtype=np.int64)) <= MAX_WEIGHT * len(rows)


def integers(rows: UInt64[np.ndarray, "m words"]) -> list[int]:
    """Each row as an integer, bit ``c`` for column ``c``."""
    octets, size = np.ascontiguousarray(rows).tobytes(), 8 * rows.shape[1]
    return [int.from_bytes(octets[k : k + size], "little") for k in range(0, len(octets), size)]


def from_integers(values: list[int], words: int) -> UInt64[np.ndarray, "m words"]:
    """The rows that :func:`integers` took apart."""
    octets = b"".join(value.to_bytes(8 * words, "little") for value in values)
    return np.frombuffer(octets, "<u8").astype(np.uint64).reshape(len(values), words)


def ones(value: int) -> Iterator[int]:
    """Positions of the ones."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low


def adjacency(rows: UInt64[np.ndarray, "m words"]) -> list[int]:
    """For each string the set of strings that anticommute with it: a sum of columns, one for each of its ones."""
    columns = integers(linear.transpose(swap(rows)))
    result = [0] * len(rows)
    row, column = linear.unpack(rows, rows.shape[1] * linear.WORD).nonzero()
    for i, c in zip(row.tolist(), column.tolist(), strict=True):
        result[i] ^= columns[c]
    return result


def components(neighbours: list[int]) -> tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, " k"]]:
    """Connected components of two or more, by first member, and isolated vertices."""
    waiting = (1 << len(neighbours)) - 1
    connected, isolated = [], []
    while waiting:
        start = waiting & -waiting
        waiting ^= start
        found, frontier = start, neighbours[start.bit_length() - 1] & waiting
        if not frontier:
            isolated.append(start.bit_length() - 1)
            continue
        while frontier:
            low = frontier & -frontier
            waiting ^= low
            found |= low
            frontier = (frontier ^ low) | (neighbours[low.bit_length() - 1] & waiting)
        connected.append(np.fromiter(ones(found), np.int64))
    return connected, np.array(isolated, np.int64)


def independent(vectors: list[int], targets: list[int]) -> tuple[list[int], int]:
    """A basis chosen among vectors, and a linear functional ``w`` with ``w·v = target`` on it.

    Returns:
        positions of the basis, and the functional as an integer
    """
    basis: dict[int, int] = {}  # position of the highest one -> vector, with its target as bit 0
    chosen = []
    for i, (vector, target) in enumerate(zip(vectors, targets, strict=True)):
        value = vector << 1 | target
        while value > 1:
            top = value.bit_length()
            other = basis.get(top)
            if other is None:
                basis[top] = value
                chosen.append(i)
                break
            value ^= other
    functional = 0
    for top in sorted(basis):  # lower ones first: they are settled when a row needs them
        value = basis[top]
        if (value & 1) ^ ((value & functional).bit_count() & 1):
            functional |= 1 << (top - 1)
    return chosen, functional >> 1


def symplectic_basis(vectors: list[int], neighbours: list[int], chosen: list[int], words: int) -> SymplecticBasis:
    """Gram–Schmidt for the symplectic form on the chosen vectors.

    Args:
        vectors: all vectors
        neighbours: which of them each one anticommutes with
        chosen: positions of independent ones
        words: of a row
    """
    m = len(vectors)
    alive = sum(1 << i for i in chosen)
    rows = {i: neighbours[i] | vectors[i] << m for i in chosen}  # both take the same row operations
    e, f, radical = [], [], []
    for i in chosen:
        if not alive >> i & 1:
            continue
        alive ^= 1 << i
        partners = rows[i] & alive
        if not partners:
            radical.append(i)
            continue
        low = partners & -partners
        j = low.bit_length() - 1
        alive ^= low
        row_i, row_j = rows[i], rows[j]
        for k in ones(partners ^ low):
            rows[k] ^= row_j
        for k in ones(row_j & alive):
            rows[k] ^= row_i
        e.append(i)
        f.append(j)
    return SymplecticBasis(*(from_integers([rows[i] >> m for i in part], words) for part in (e, f, radical)))
