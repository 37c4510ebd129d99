"""The spans of the components that act on a string, taken together: what all strings they act on share.

Spans of different components may overlap (in their radicals), so a displacement may split in several ways; and a
condition on the sum couples them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int, UInt64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.symplectic import swap
from pennylane_dla.algebra.f2.weight_enumerator import Code
from pennylane_dla.algebra.strings.free_fermion import MajoranaFrame

Rows = UInt64[np.ndarray, "_ words"]  # any number of rows, which may differ among the spans


@dataclass(frozen=True, eq=False)
class JointSpan:
    """The sum of several spans.

    Args:
        spans: a basis of each
    """

    spans: tuple[Rows, ...]

    @cached_property
    def rows(self) -> Rows:
        """All bases, one after the other."""
        return np.concatenate(self.spans)

    @cached_property
    def owner(self) -> Int[np.ndarray, " m"]:
        """Which span each of :attr:`rows` belongs to."""
        return np.repeat(np.arange(len(self.spans)), [len(span) for span in self.spans])

    @cached_property
    def _echelon(self) -> f2.Echelon:
        """The carried words are coordinates in :attr:`rows`."""
        size = len(self.rows)
        return f2.echelon(np.concatenate([self.rows, f2.identity(size)], axis=1), tail=f2.num_words(size))

    def split(self, displacements: Rows) -> tuple[Bool[np.ndarray, " m"], list[Rows]]:
        """Which displacements lie in the sum, and one way to write each as a sum over the spans."""
        if len(self.spans) == 1:
            inside = ~np.any(self._plain.reduce(displacements), axis=1)
            return inside, [displacements * inside[:, None].astype(np.uint64)]
        words = displacements.shape[1]
        padded = np.concatenate([displacements, np.zeros((len(displacements), self._echelon.tail), np.uint64)], axis=1)
        reduced = self._echelon.reduce(padded)
        inside = ~np.any(reduced[:, :words], axis=1)
        reduced[~inside] = 0
        return inside, self._pieces(reduced[:, words:])

    @cached_property
    def _plain(self) -> f2.Echelon:
        return f2.echelon(self.rows)

    @cached_property
    def overlaps(self) -> list[Rows]:
        """A basis of the ways to write zero as a sum over the spans."""
        if len(self.spans) == 1:
            return [np.zeros((0, self.rows.shape[1]), np.uint64)]
        return self._pieces(self._echelon.residues)

    def _pieces(self, coordinates: UInt64[np.ndarray, "m k"]) -> list[Rows]:
        bits = f2.unpack(coordinates, len(self.rows))
        return [f2.multiply(f2.pack(bits[:, self.owner == k]), span) for k, span in enumerate(self.spans)]

    def condition(self, axes: tuple[str, ...]) -> Condition:
        """Being inside the stabilizer group of a product state, prepared once for each state."""
        if axes not in self._conditions:
            self._conditions[axes] = Condition(self, Outside.of(axes, self.rows.shape[1]))
        return self._conditions[axes]

    @cached_property
    def _conditions(self) -> dict[tuple[str, ...], Condition]:
        return {}


@dataclass(frozen=True, eq=False)
class Outside:
    """The part of a string outside the stabilizer group of a product state, as a linear map on vectors.

    Args:
        kept: bits taken from the row itself
        crossed: bits taken from the other half
    """

    kept: UInt64[np.ndarray, " words"]
    crossed: UInt64[np.ndarray, " words"]

    @classmethod
    def of(cls, axes: tuple[str, ...], words: int) -> Outside:
        """For the axes of :meth:`~pennylane_dla.circuit.ansatz.ProductState.stabilizer_axes`."""
        wide, n = words * f2.WORD // 2, len(axes)
        axis = np.array([a[-1] for a in axes])
        kept, crossed = np.zeros((1, 2 * wide), bool), np.zeros((1, 2 * wide), bool)
        kept[0, :n] = np.isin(axis, ["Z", "Y", "I"])  # x
        kept[0, wide : wide + n] = np.isin(axis, ["X", "I"])  # z
        crossed[0, :n] = axis == "Y"  # x + z
        return cls(f2.pack(kept)[0], f2.pack(crossed)[0])

    def __call__(self, rows: Rows) -> Rows:
        return (rows & self.kept) ^ (swap(rows) & self.crossed)


@dataclass(frozen=True, eq=False)
class Cluster:
    """Spans that the condition couples.

    Args:
        members: positions of the spans
        columns: which of the joint rows are theirs
        directions: solutions of the homogeneous condition, a share for each member
    """

    members: tuple[int, ...]
    columns: Bool[np.ndarray, " k"]
    directions: tuple[Rows, ...]

    @cached_property
    def _codes(self) -> dict[int, Code]:
        return {}

    def code(self, k: int, frame: MajoranaFrame) -> Code:
        """The vertex sets of the directions of member ``k``; closed under complement where that is a label."""
        if k not in self._codes:
            words = frame.even_sets(self.directions[k])
            if frame.everything is not None and not frame.splits:
                words = np.concatenate([words, np.ones((1, frame.num_vertices), bool)])
            self._codes[k] = Code(words)
        return self._codes[k]


class Condition:
    """``x + Σ_K u_K`` inside the stabilizer group: an affine condition on ``(u_K)``.

    Args:
        joint: the spans
        outside: the linear map whose kernel is the group
    """

    def __init__(self, joint: JointSpan, outside: Outside):
        self.joint, self.outside = joint, outside
        rows, size = joint.rows, len(joint.rows)
        self._solved = f2.echelon(np.concatenate([outside(rows), f2.identity(size)], axis=1), tail=f2.num_words(size))

    @cached_property
    def clusters(self) -> tuple[Cluster, ...]:
        """Spans are coupled if a fundamental circuit of the homogeneous condition needs both."""
        joint, parts = self.joint, len(self.joint.spans)
        kernel = f2.unpack(self._solved.residues, len(joint.rows))
        circuit, row = kernel.nonzero()
        size = len(kernel) + parts
        graph = coo_array((np.ones(len(row), bool), (circuit, len(kernel) + joint.owner[row])), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        result = []
        for cluster in np.unique(label[len(kernel) :]):
            members = np.flatnonzero(label[len(kernel) :] == cluster)
            circuits = kernel[label[: len(kernel)] == cluster]
            directions = tuple(f2.multiply(f2.pack(circuits[:, joint.owner == k]), joint.spans[k]) for k in members)
            result.append(Cluster(tuple(members.tolist()), np.isin(joint.owner, members), directions))
        return tuple(result)

    def solve(self, start: Rows) -> list[Rows] | None:
        """One solution, a share for each span, or ``None``."""
        words = start.shape[1]
        padded = np.concatenate([self.outside(start), np.zeros((1, self._solved.tail), np.uint64)], axis=1)
        reduced = self._solved.reduce(padded)
        if reduced[:, :words].any():
            return None
        return self.joint._pieces(reduced[:, words:])
