"""Free-fermion components: generators that are Majorana bilinears ``γ_aγ_b``, up to a central label.

Then the anticommutation graph is the line graph of the graph with an edge ``ab`` for each generator (twins, which
differ by a central string, count as parallel edges). Instead of testing for a line graph, a spanning tree of the root
graph is grown: generators that are independent modulo the center cannot close a cycle, so each new one must be a leaf,
that is, it must anticommute with exactly the edges at one vertex. Any other generator is then an edge if its
anticommutation pattern on the tree is that of one or two vertices. From seven vertices on this labelling is unique
(Whitney); on five and six any of them will do (two hyperbolic pairs are always of this kind: ``Sp(4,2) = S_6``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, UInt64

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.integers import ones
from pennylane_dla.algebra.f2.symplectic import Pairing, SymplecticBasis, forms


@dataclass(frozen=True, eq=False)
class MajoranaFrame:
    """Vertices and labels of a free-fermion component.

    Args:
        vertices: the string of ``γ_0γ_a`` for each vertex ``a`` (zero for ``a = 0``), shape ``(N, words)``
        labels: a basis of the central strings that multiply them (image of the cycle space), shape ``(z, words)``
    """

    vertices: UInt64[np.ndarray, "N words"]
    labels: UInt64[np.ndarray, "z words"]

    @property
    def num_vertices(self) -> int:
        return len(self.vertices)

    @property
    def z(self) -> int:
        return len(self.labels)

    @cached_property
    def _pairing(self) -> Pairing:
        return Pairing(self.vertices)

    @cached_property
    def label_space(self) -> f2.Echelon:
        """Echelon form of the labels."""
        return f2.echelon(self.labels)

    @cached_property
    def everything(self) -> UInt64[np.ndarray, "1 words"] | None:
        """The product of all Majorana operators, where their number is even."""
        if self.num_vertices % 2:
            return None
        return np.bitwise_xor.reduce(self.vertices, axis=0)[None]

    @cached_property
    def splits(self) -> bool:
        """Whether the product of all Majorana operators is a central string of its own, not a label."""
        return self.everything is not None and bool(self.label_space.reduce(self.everything).any())

    @cached_property
    def rows(self) -> UInt64[np.ndarray, "dim words"]:
        """A basis of the span."""
        rows = np.concatenate([self.labels, self.vertices[1:]])
        if self.everything is not None and not self.splits:  # one of the even sets is a label
            return rows[f2.echelon(rows).chosen]
        return rows

    @cached_property
    def radical(self) -> UInt64[np.ndarray, "r words"]:
        """A basis of the center of the span."""
        if self.everything is None or not self.splits:
            return self.labels
        return np.concatenate([self.labels, self.everything])

    def sets(self, rows: UInt64[np.ndarray, "m words"]) -> Bool[np.ndarray, "m N"]:
        """For each string the vertex set, up to complement, of the Majorana product that anticommutes with the
        same bilinears; only for strings that commute with the labels."""
        return f2.unpack(self._pairing(rows), self.num_vertices)

    def even_sets(self, rows: UInt64[np.ndarray, "m words"]) -> Bool[np.ndarray, "m N"]:
        """The even vertex set ``E`` with ``u = γ_E`` times a label, for ``u`` in the span and linear in it; up to
        complement where the product of all Majorana operators is a label."""
        sets = self.sets(rows)
        if self.everything is None:
            sets[sets.sum(axis=1) % 2 == 1] ^= True
        elif self.splits:
            label = rows ^ self.products(sets)
            sets[self.label_space.reduce(label).any(axis=1)] ^= True
        return sets

    def products(self, sets: Bool[np.ndarray, "m N"]) -> UInt64[np.ndarray, "m words"]:
        """The string of ``∏_{a∈S} γ_a`` for even sets, label apart."""
        return f2.multiply(f2.pack(sets), self.vertices)


def majorana_frame(
    rows: UInt64[np.ndarray, "m words"],
    core: UInt64[np.ndarray, "k words"],
    neighbours: Sequence[int],
    span: SymplecticBasis,
) -> MajoranaFrame | None:
    """The frame of a component, or ``None`` where it is not of free fermions. A single hyperbolic pair, three
    vertices, is left to the other description, which says the same.

    Args:
        rows: all generators of the component
        core: some of them, connected, with the same span
        neighbours: for each of ``core`` the set of those that it anticommutes with, as an integer
        span: their span
    """
    if span.g < 2:
        return None
    tree = _grow(neighbours, 2 * span.g)
    if tree is None:
        return None
    edges, parents = tree
    vertices = np.zeros((len(edges) + 1, rows.shape[1]), np.uint64)
    strings = core[edges]
    for child, parent in enumerate(parents, start=1):
        np.bitwise_xor(vertices[parent], strings[child - 1], out=vertices[child])
    ends = _endpoints(rows, vertices)
    if ends is None:
        return None
    a, b = ends
    extra = np.flatnonzero(b == len(vertices))
    if len(extra):  # the first edge to the last vertex defines its Majorana operator
        vertices = np.concatenate([vertices, vertices[a[extra[:1]]] ^ rows[extra[:1]]])
    labels = rows ^ vertices[a] ^ vertices[b]
    return MajoranaFrame(vertices, f2.echelon(labels[labels.any(axis=1)]).rows)


def _grow(neighbours, size):
    """A spanning tree: its edges (positions in the core) and the vertex at which each was attached.

    ``stars`` are the sets of tree edges at each vertex. A generator is a leaf if the tree edges that it anticommutes
    with are a star; if they are the sum of two it is an edge inside the tree, now and later.
    """
    edges, parents, stars = [0], [0], [1, 1]
    vertex_of, child_of = {1: 1}, {0: 1}
    tree, seen = 1, 1

    def attach(edge, vertex):
        nonlocal tree
        del vertex_of[stars[vertex]]
        stars[vertex] |= 1 << edge
        vertex_of[stars[vertex]] = vertex
        vertex_of[1 << edge] = child_of[edge] = len(stars)
        stars.append(1 << edge)
        edges.append(edge)
        parents.append(vertex)
        tree |= 1 << edge

    waiting = deque(ones(neighbours[0]))
    seen |= neighbours[0]
    while len(edges) < size:
        if not waiting:
            return None
        edge = waiting.popleft()
        pattern = neighbours[edge] & tree
        vertex = 1
        if len(edges) > 1:
            vertex = vertex_of.get(pattern)
            if vertex is None:
                child = child_of[(pattern & -pattern).bit_length() - 1]
                if all(pattern ^ stars[end] not in vertex_of for end in (child, parents[child - 1])):
                    return None  # no edge between two vertices of the tree
                continue
            if len(edges) == 2:  # three vertices: a star is also the pattern of a twin or of the third side
                first, second = neighbours[edges[0]], neighbours[edges[1]]
                if neighbours[edge] == (second, first ^ second, first)[vertex]:
                    continue
        attach(edge, vertex)
        if len(edges) == 2:
            vertex_of[1] = 0  # until now both ends of the first edge looked alike
        fresh = neighbours[edge] & ~seen
        seen |= fresh
        waiting.extend(ones(fresh))
    return edges, parents


def _endpoints(rows, vertices):
    """Both vertices of every generator (the number of tree vertices stands for the one outside the tree),
    or ``None`` where some generator is no edge."""
    size = len(vertices)
    ends = np.zeros((2, len(rows)), np.int64)
    step = max(1, f2.CHUNK // size)
    for start in range(0, len(rows), step):
        sets = f2.unpack(forms(rows[start : start + step], vertices), size)
        odd = sets.sum(axis=1) % 2 == 1
        sets[odd] ^= True  # an odd number of vertices: one of the two complements is even
        ones = sets.sum(axis=1)
        outer = ones == size - 1
        if not (outer | (ones == 2)).all():
            return None
        sets[outer] ^= True
        ends[0, start : start + step] = sets.argmax(axis=1)
        last = size - 1 - sets[:, ::-1].argmax(axis=1)
        ends[1, start : start + step] = np.where(outer, size, last)
    return ends
