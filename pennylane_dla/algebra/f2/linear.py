"""Linear algebra over F₂ on packed rows: 64 columns to a word.

A matrix is a ``uint64`` array of shape ``(rows, words)``; column ``c`` is bit ``c % 64`` of word ``c // 64``. A
product walks its inner dimension eight rows at a time through a table of their 256 sums (the "method of the four
Russians"), and touches only rows that have something there: local strings cost little, dense ones stay affordable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt64

WORD = 64
CHUNK = 2**22  # entries of a temporary (rows, columns) array
BLOCK = 4096  # rows that one elimination takes in


def num_words(num_columns: int) -> int:
    """Words that hold ``num_columns`` bits."""
    return -(-num_columns // WORD)


def pack(bits: Shaped[np.ndarray, "m k"]) -> UInt64[np.ndarray, "m words"]:
    """Pack the columns of a matrix of zeros and ones."""
    bits = np.asarray(bits)
    bits = bits.view(np.uint8) if bits.dtype == bool else bits.astype(np.uint8)
    rows, columns = bits.shape
    padded = np.zeros((rows, num_words(columns) * 8), np.uint8)
    octets = np.packbits(bits, axis=1, bitorder="little")
    padded[:, : octets.shape[1]] = octets
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpack(rows: UInt64[np.ndarray, "m words"], num_columns: int) -> Bool[np.ndarray, "m k"]:
    """The bits that :func:`pack` packed."""
    if not num_columns:
        return np.zeros((len(rows), 0), bool)
    octets = np.ascontiguousarray(rows).view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little", count=num_columns).view(bool)


def parity(rows: UInt64[np.ndarray, "*batch words"]) -> Bool[np.ndarray, "*batch"]:
    """Whether the number of ones is odd, over the last axis."""
    return (np.bitwise_count(np.bitwise_xor.reduce(rows, axis=-1)) & 1).astype(bool)


def multiply(
    left: UInt64[np.ndarray, "m kwords"], right: UInt64[np.ndarray, "k words"]
) -> UInt64[np.ndarray, "m words"]:
    """Matrix product; columns of ``left`` beyond the rows of ``right`` must be zero."""
    product = np.zeros((len(left), right.shape[1]), np.uint64)
    octets = np.ascontiguousarray(np.ascontiguousarray(left).view(np.uint8).T)
    for group in np.flatnonzero(octets.any(axis=1)):
        digits = octets[group]
        active = digits.nonzero()[0]
        part = right[8 * group : 8 * group + 8]
        table = np.zeros((2 ** len(part), right.shape[1]), np.uint64)
        for j, row in enumerate(part):
            np.bitwise_xor(table[: 2**j], row, out=table[2**j : 2 ** (j + 1)])
        if 2 * len(active) > len(digits):
            product ^= table[digits]
        else:
            product[active] ^= table[digits[active]]
    return product


def transpose(rows: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "columns mwords"]:
    """The transposed matrix; it has ``64 · words`` rows."""
    m, words = rows.shape
    padded = np.zeros((num_words(m) * WORD, words), np.uint64)
    padded[:m] = rows
    octets = padded.view(np.uint8).reshape(len(padded) // 8, 8, words * 8)
    blocks = np.ascontiguousarray(octets.transpose(0, 2, 1)).view("<u8")[..., 0]  # 8 × 8 bits each
    for shift, mask in ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0)):
        swapped = (blocks ^ (blocks >> np.uint64(shift))) & np.uint64(mask)
        blocks = blocks ^ swapped ^ (swapped << np.uint64(shift))
    octets = blocks.view(np.uint8).reshape(len(padded) // 8, words * 8, 8).transpose(1, 2, 0)
    octets = np.ascontiguousarray(octets.reshape(words * WORD, len(padded) // 8))
    return octets.view("<u8").astype(np.uint64, copy=False)


def inner_products(
    left: UInt64[np.ndarray, "m words"], right: UInt64[np.ndarray, "k words"]
) -> UInt64[np.ndarray, "m kwords"]:
    """``left · rightᵀ``: inner products of all pairs of rows, packed."""
    if not len(right):
        return np.zeros((len(left), 0), np.uint64)
    return multiply(left, transpose(right))


@dataclass(frozen=True, eq=False)
class Echelon:
    """A basis of a row space in reduced echelon form: each pivot column has a single one.

    Args:
        rows: the basis; the last ``tail`` words were carried along and hold no pivot
        pivots: pivot column of each row
        chosen: positions of the given rows that form a basis (those independent of the ones before them)
        tail: number of words carried along
        residues: tails of the given rows whose other words are dependent, after reduction, nonzero ones only:
            a linear function of the rows is well defined on their span if there are none
        relations: positions of the rows that have these tails
    """

    rows: UInt64[np.ndarray, "rank words"]
    pivots: Int[np.ndarray, " rank"]
    chosen: Int[np.ndarray, " rank"]
    tail: int
    residues: UInt64[np.ndarray, "k tail"]
    relations: Int[np.ndarray, " k"]

    @property
    def rank(self) -> int:
        return len(self.rows)

    @property
    def head(self) -> int:
        """Number of words that are not carried along."""
        return self.rows.shape[1] - self.tail

    def reduce(self, rows: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "m words"]:
        """Remove the pivot columns: a row of the span becomes zero (apart from its tail)."""
        if not self.rank:
            return np.array(rows, dtype=np.uint64)
        mask, expanded = self._expanded
        return rows ^ multiply(rows & mask, expanded)

    @cached_property
    def _expanded(self) -> tuple[UInt64[np.ndarray, " words"], UInt64[np.ndarray, "columns words"]]:
        """The pivot columns as a mask, and the basis with each row at the position of its pivot: the pivot columns of
        any row are then its coefficients, where they are."""
        return _expand(self.rows, self.pivots)


def _expand(rows, pivots):
    mask = np.zeros(rows.shape[1], np.uint64)
    np.bitwise_or.at(mask, pivots // WORD, np.uint64(1) << (pivots % WORD).astype(np.uint64))
    expanded = np.zeros((rows.shape[1] * WORD, rows.shape[1]), np.uint64)
    expanded[pivots] = rows
    return mask, expanded


def echelon(rows: UInt64[np.ndarray, "m words"], tail: int = 0) -> Echelon:
    """Gauss–Jordan elimination, block of rows by block of rows.

    Once the rank is reached, the rows that remain cost one product with the basis and no elimination.
    """
    m, words = rows.shape
    head = words - tail
    basis = Echelon(
        np.zeros((0, words), np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64), tail,
        np.zeros((0, tail), np.uint64), np.zeros(0, np.int64),
    )  # fmt: skip
    pending, index = rows, np.arange(m)
    while len(index):
        block, pivots, chosen = _eliminate(pending[:BLOCK], head)
        old = basis.rows
        if len(pivots) and len(old):
            mask, expanded = _expand(block[chosen], pivots)
            old = old ^ multiply(old & mask, expanded)
        residue = np.ones(len(block), bool)
        residue[chosen] = False
        residue &= block[:, head:].any(axis=1)
        basis = Echelon(
            np.concatenate([old, block[chosen]]),
            np.concatenate([basis.pivots, pivots]),
            np.concatenate([basis.chosen, index[:BLOCK][chosen]]),
            tail,
            np.concatenate([basis.residues, block[residue, head:]]),
            np.concatenate([basis.relations, index[:BLOCK][residue]]),
        )
        if len(index) <= BLOCK:
            break
        pending, index = basis.reduce(pending[BLOCK:]), index[BLOCK:]
        keep = pending.any(axis=1)
        pending, index = pending[keep], index[keep]
    return basis


def _eliminate(rows, head):
    """Gauss–Jordan on a copy: the reduced rows, the pivots, and the rows that hold them."""
    rows = np.array(rows, dtype=np.uint64)
    pivots, chosen = [], []
    one = np.uint64(1)
    for i in range(len(rows)):
        row = rows[i]
        filled = row[:head].nonzero()[0]
        if not len(filled):
            continue
        word = filled[0]
        value = int(row[word])
        bit = (value & -value).bit_length() - 1
        others = ((rows[:, word] >> np.uint64(bit)) & one).nonzero()[0]
        if len(others) > 1:
            rows[others[others != i]] ^= row
        pivots.append(WORD * int(word) + bit)
        chosen.append(i)
    return rows, np.array(pivots, np.int64), np.array(chosen, np.int64)


def identity(size: int) -> UInt64[np.ndarray, "size words"]:
    """The identity matrix."""
    result = np.zeros((size, num_words(size)), np.uint64)
    index = np.arange(size)
    result[index, index // WORD] = np.uint64(1) << (index % WORD).astype(np.uint64)
    return result


def left_kernel(rows: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "k mwords"]:
    """A basis of the combinations of rows that vanish."""
    size = len(rows)
    return echelon(np.concatenate([rows, identity(size)], axis=1), tail=num_words(size)).residues


def rank(rows: UInt64[np.ndarray, "m words"]) -> int:
    """Dimension of the row space."""
    return echelon(rows).rank
