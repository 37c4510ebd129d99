"""Connected components of the anticommutation graph, without building the graph.

A string commutes with every generator if it commutes with a basis of their span, and two generators that anticommute
both anticommute with elements of one and the same component of the basis: so edges to a basis are enough, and there are
at most ``2n`` basis elements however many generators there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.symplectic import forms


@dataclass(frozen=True, eq=False)
class Members:
    """One connected component.

    Args:
        all: positions of its generators
        core: positions of some of them that are connected among themselves; every other one is adjacent to one of them
    """

    all: Int[np.ndarray, " m"]
    core: Int[np.ndarray, " k"]


def components(
    rows: UInt64[np.ndarray, "m words"], basis: Int[np.ndarray, " rank"]
) -> tuple[list[Members], Int[np.ndarray, " isolated"]]:
    """Split distinct generators into connected components of two or more, and isolated ones.

    Args:
        rows: the generators as vectors, no two equal
        basis: positions of generators that form a basis of their span

    Returns:
        the components, and the positions of the isolated generators
    """
    m, size = len(rows), len(basis)
    edges = f2.unpack(forms(rows[basis], rows[basis]), size)
    count, label = connected_components(coo_array(edges), directed=False)

    rest = np.setdiff1d(np.arange(m), basis)
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(count))
    sources, targets = [], []
    step = max(1, f2.CHUNK // size)
    for start in range(0, len(rest), step):
        part = rest[start : start + step]
        touches = f2.unpack(forms(rows[part], rows[basis[order]]), size)
        source, target = np.logical_or.reduceat(touches, starts, axis=1).nonzero()
        sources.append(part[source])
        targets.append(target)
    source = np.concatenate(sources) if sources else np.zeros(0, np.int64)
    target = np.concatenate(targets) if targets else np.zeros(0, np.int64)

    graph = coo_array((np.ones(len(source), bool), (source, m + target)), shape=(m + count, m + count))
    _, joined = connected_components(graph, directed=False)
    final = joined[:m].copy()
    final[basis] = joined[m + label]

    core = np.zeros(m, bool)
    core[basis] = True
    core[_connectors(source, target, count)] = True

    order = np.argsort(final, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(final[order])) + 1)
    connected = [Members(group, group[core[group]]) for group in groups if len(group) > 1]
    isolated = np.array([group[0] for group in groups if len(group) == 1], np.int64)
    connected.sort(key=lambda members: members.all[0])
    return connected, np.sort(isolated)


def _connectors(source, target, count):
    """Generators that join components of the basis, no more of them than needed."""
    parent = list(range(count))

    def root(node):
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    several = np.bincount(source, minlength=1)[source] > 1 if len(source) else np.zeros(0, bool)
    chosen, previous, first = [], -1, -1
    for v, c in zip(source[several].tolist(), target[several].tolist(), strict=True):
        c = root(c)
        if v != previous:
            previous, first = v, c
            continue
        first = root(first)
        if c != first:
            parent[c] = first
            if not chosen or chosen[-1] != v:
                chosen.append(v)
    return np.array(chosen, np.int64)
