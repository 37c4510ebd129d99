"""The symplectic form on packed Pauli vectors ``(x|z)`` and subspaces in normal form.

The theory: :mod:`~pennylane_dla.algebra.f2`. Source: Cuypers, arXiv:2603.08373.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, UInt64

from pennylane_dla.pauli import PauliStrings

from . import linear


def vectors(strings: PauliStrings) -> UInt64[np.ndarray, "m words"]:
    """``(x|z)``, one row a string; 32-bit words in pairs."""
    return np.ascontiguousarray(strings.vectors()).view(np.uint64)


def strings(rows: UInt64[np.ndarray, "m words"], num_wires: int) -> PauliStrings:
    """Back from vectors to strings."""
    halves = np.ascontiguousarray(rows).view(np.uint32)
    words = halves.shape[1] // 2
    return PauliStrings(halves[:, :words].copy(), halves[:, words:].copy(), num_wires)


def swap(rows: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "m words"]:
    """``(z|x)``: an inner product with it is the symplectic form."""
    halves = np.ascontiguousarray(rows).view(np.uint32)
    words = halves.shape[1] // 2
    return np.concatenate([halves[:, words:], halves[:, :words]], axis=1).view(np.uint64)


def form(
    left: UInt64[np.ndarray, "*left words"], right: UInt64[np.ndarray, "*right words"]
) -> Bool[np.ndarray, "*rows"]:
    """``ω(left, right)`` row by row, with broadcasting."""
    right = np.atleast_2d(right)
    return linear.parity(left & swap(right))


def forms(left: UInt64[np.ndarray, "m words"], right: UInt64[np.ndarray, "k words"]) -> UInt64[np.ndarray, "m kwords"]:
    """``ω`` of all pairs, packed."""
    return linear.inner_products(left, swap(right))


def y_parity(rows: UInt64[np.ndarray, "m words"]) -> Bool[np.ndarray, " m"]:
    """``x·z mod 2``: a quadratic form whose polarization is ``ω``."""
    halves = np.ascontiguousarray(rows).view(np.uint32)
    words = halves.shape[1] // 2
    return (np.bitwise_count(halves[:, :words] & halves[:, words:]).sum(axis=1, dtype=np.int64) & 1).astype(bool)


class Pairing:
    """``ω`` with fixed rows, prepared for many calls.

    Args:
        rows: the fixed ones
    """

    def __init__(self, rows: UInt64[np.ndarray, "k words"]):
        self._columns = linear.transpose(swap(rows)) if len(rows) else None

    def __call__(self, left: UInt64[np.ndarray, "m words"]) -> UInt64[np.ndarray, "m kwords"]:
        """``ω`` of all pairs, packed."""
        if self._columns is None:
            return np.zeros((len(left), 0), np.uint64)
        return linear.multiply(left, self._columns)


@dataclass(frozen=True, eq=False)
class SymplecticBasis:
    """A basis of a subspace: ``g`` hyperbolic pairs ``ω(e_i, f_i) = 1`` and ``r`` vectors of its radical.

    Args:
        e: shape ``(g, words)``
        f: shape ``(g, words)``
        radical: shape ``(r, words)``, orthogonal to the whole subspace
    """

    e: UInt64[np.ndarray, "g words"]
    f: UInt64[np.ndarray, "g words"]
    radical: UInt64[np.ndarray, "r words"]

    @property
    def g(self) -> int:
        return len(self.e)

    @property
    def r(self) -> int:
        return len(self.radical)

    @cached_property
    def rows(self) -> UInt64[np.ndarray, "dim words"]:
        """All basis vectors."""
        return np.concatenate([self.e, self.f, self.radical])

    @cached_property
    def pairing(self) -> Pairing:
        """``ω`` with all of :attr:`rows`."""
        return Pairing(self.rows)


def symplectic_basis(basis: UInt64[np.ndarray, "dim words"]) -> SymplecticBasis:
    """Gram–Schmidt for the symplectic form, on independent vectors.

    The Gram matrix and the vectors take the same row operations, so they are kept side by side.
    """
    size, words = basis.shape
    gram = forms(basis, basis)
    work = np.concatenate([gram, basis], axis=1)
    split = gram.shape[1]
    done = np.zeros(size, bool)
    e, f, radical = [], [], []
    for i in range(size):
        if done[i]:
            continue
        done[i] = True
        with_e = linear.unpack(work[i : i + 1, :split], size)[0] & ~done
        partners = with_e.nonzero()[0]
        if not len(partners):
            radical.append(i)
            continue
        j = partners[0]
        done[j] = True
        with_f = linear.unpack(work[j : j + 1, :split], size)[0] & ~done
        with_f, rest = with_f.nonzero()[0], partners[1:]
        work[rest] ^= work[j]
        work[with_f] ^= work[i]
        e.append(i)
        f.append(j)
    rows = work[:, split:]
    return SymplecticBasis(rows[e], rows[f], rows[radical])
