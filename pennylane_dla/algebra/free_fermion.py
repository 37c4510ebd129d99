"""Free-fermion components: generators that are Majorana bilinears ``γ_aγ_b``, up to a central label.

Then the anticommutation graph is the line graph of the graph with an edge ``ab`` for each generator (twins, which
differ by a central string, count as parallel edges). Instead of testing for a line graph, a spanning tree of the root
graph is grown: generators that are independent modulo the center cannot close a cycle, so each new one must be a leaf,
that is, it must anticommute with exactly the edges at one vertex. Any other generator is then an edge if its
anticommutation pattern on the tree is that of one or two vertices. From seven vertices on this labelling is unique
(Whitney); on five and six any of them will do (two hyperbolic pairs are always of this kind: ``Sp(4,2) = S_6``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, UInt64

from . import f2
from .symplectic import Pairing, SymplecticBasis, forms


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
        return np.concatenate([self.labels, self.everything]) if self.splits else self.labels

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
    rows: UInt64[np.ndarray, "m words"], core: UInt64[np.ndarray, "k words"], span: SymplecticBasis
) -> MajoranaFrame | None:
    """The frame of a component, or ``None`` where it is not of free fermions. A single hyperbolic pair, three
    vertices, is left to the other description, which says the same.

    Args:
        rows: all generators of the component
        core: some of them, connected, with the same span
        span: their span
    """
    if span.g < 2:
        return None
    tree = _grow(core, 2 * span.g)
    if tree is None:
        return None
    edges, parents = tree
    vertices = np.zeros((len(edges) + 1, rows.shape[1]), np.uint64)
    for child, (edge, parent) in enumerate(zip(edges, parents, strict=True), start=1):
        vertices[child] = vertices[parent] ^ core[edge]
    ends = _endpoints(rows, vertices)
    if ends is None:
        return None
    a, b = ends
    extra = np.flatnonzero(b == len(vertices))
    if len(extra):  # the first edge to the last vertex defines its Majorana operator
        vertices = np.concatenate([vertices, vertices[a[extra[:1]]] ^ rows[extra[:1]]])
    labels = rows ^ vertices[a] ^ vertices[b]
    return MajoranaFrame(vertices, f2.echelon(labels[labels.any(axis=1)]).rows)


def _grow(core, size):
    """A spanning tree: its edges (positions in ``core``) and the vertex at which each was attached.

    Every candidate keeps its pattern on the vertices reached so far: the set ``S``, up to complement, whose
    coboundary is the set of tree edges that it anticommutes with.
    """
    count = len(core)
    pattern = np.zeros((size + 1, count), bool)  # pattern[vertex, candidate], 0 at vertex 0
    ones = np.zeros(count, np.int64)
    index_sum = np.zeros(count, np.int64)
    edges, parents = [], []
    adjacent = forms(core, core)

    def attach(edge, parent):
        edges.append(edge)
        parents.append(parent)
        child = len(edges)
        column = pattern[parent] ^ f2.unpack(adjacent[edge : edge + 1], count)[0]
        pattern[child] = column
        ones[column] += 1
        index_sum[column] += child

    attach(0, 0)
    attach(int(np.flatnonzero(pattern[1])[0]), 1)
    third = _third(adjacent, edges, pattern)
    if third is None:
        return None
    attach(*third)
    while len(edges) < size:
        reached = len(edges) + 1
        single = (ones == 1) | (ones == reached - 1)
        leaves = np.flatnonzero(single)
        others = (ones > 2) & (ones < reached - 2)
        if others.any() or not len(leaves):
            return None
        # Several leaves at once save passes, but two of them may be the same new vertex: take one.
        edge = int(leaves[0])
        vertex = index_sum[edge] if ones[edge] == 1 else reached * (reached - 1) // 2 - index_sum[edge]
        attach(edge, int(vertex))
    return edges, parents


def _third(adjacent, edges, pattern):
    """A third edge independent of the first two modulo the center, and its vertex.

    On three vertices a pattern does not tell a leaf from a twin of an edge or the third side of a triangle.
    """
    first, second = adjacent[edges[0]], adjacent[edges[1]]
    # the pattern of a leaf at vertex v, and what in the span of the two edges has the same pattern
    twins = {0: second, 1: first ^ second, 2: first}
    alone = pattern[:3].copy()
    alone[:, alone.sum(axis=0) == 2] ^= True  # two of three vertices: take the complement
    for vertex, twin in twins.items():
        candidates = np.flatnonzero(alone[vertex])
        central = ~(adjacent[candidates] ^ twin).any(axis=1)
        if not central.all():
            return int(candidates[np.flatnonzero(~central)[0]]), vertex
    return None


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
