"""The anticommutation graph of the generators: its components are the parts of the Lie algebra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from pennylane_dla.circuit.effective import EffectiveAnsatz, effective_ansatz
from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import anticommutation_matrix, product

from .canvas import CYCLE, MARKERS, SEQUENTIAL, ink, new_axes, pyplot

MAX_NODES = 120  # more generators than this are drawn as a matrix
MAX_LABELS = 14
MAX_MATRIX = 3000  # rows
MAX_SUM_WORK = 10**7  # pairs of terms whose commutators are taken


@dataclass(frozen=True, eq=False)
class GeneratorGraph:
    """Which generators do not commute.

    Args:
        generators: the distinct ones, of trainable rotations
        edges: whether two do not commute (single strings: anticommute)
        component: number of the connected component of each, the largest component first
        left_out: distinct generators beyond what is looked at
    """

    generators: tuple[PauliSum, ...]
    edges: Bool[np.ndarray, "m m"]
    component: Int[np.ndarray, " m"]
    left_out: int = 0

    @property
    def num_components(self) -> int:
        return int(self.component.max(initial=-1)) + 1


def generator_graph(effective: EffectiveAnsatz) -> GeneratorGraph:
    """From the effective generators of the trainable rotations.

    Raises:
        DLAError: generators with too many terms
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    seen: dict = {}
    for k, angle in enumerate(effective.angles):
        if angle.fixed:
            continue
        generator = effective.generator(k)
        order = np.argsort(generator.strings.keys())
        scaled = generator.coefficients[order] / generator.coefficients[order[0]]
        key = generator.strings.vectors()[order].tobytes(), np.round(scaled, 9).tobytes()
        seen.setdefault(key, generator)
    generators = list(seen.values())
    left_out = max(0, len(generators) - MAX_MATRIX)
    generators = generators[:MAX_MATRIX]
    if all(len(g) == 1 for g in generators):
        strings = PauliStrings.concatenate([g.strings for g in generators])
        edges = anticommutation_matrix(strings, strings)
    else:
        edges = _noncommuting(generators)
    _, label = connected_components(coo_array(edges), directed=False)
    sizes = np.bincount(label)
    rank = np.empty(len(sizes), int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return GeneratorGraph(tuple(generators), edges, rank[label], left_out)


def _noncommuting(generators) -> Bool[np.ndarray, "m m"]:
    """Whether ``[A, B] ≠ 0`` for sums of strings."""
    lengths = np.array([len(g) for g in generators])
    if lengths.sum() ** 2 > MAX_SUM_WORK:
        raise DLAError(
            f"the generators have {lengths.sum()} terms: too many to compare all pairs; plot a smaller circuit."
        )
    size = len(generators)
    edges = np.zeros((size, size), bool)
    for i in range(size):
        for j in range(i):
            a, b = generators[i], generators[j]
            odd_a, odd_b = np.nonzero(anticommutation_matrix(a.strings, b.strings))
            if not len(odd_a):
                continue
            terms, exponent = product(a.strings[odd_a], b.strings[odd_b])  # i^k with k odd: the sign decides
            signs = np.where(exponent == 1, 1.0, -1.0)
            total = PauliSum.collect(terms, signs * a.coefficients[odd_a] * b.coefficients[odd_b])
            edges[i, j] = edges[j, i] = bool(np.any(np.abs(total.coefficients) > 1e-9))
    return edges


def algebra(diagnostics: Diagnosis, ax=None):
    """Draw which generators do not commute; connected components are the commuting parts of the Lie algebra.

    Up to 120 distinct generators are drawn as a graph, a component in one colour and marker; more of them as a matrix,
    ordered by component.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`
        ax: matplotlib axes to draw into; a new figure by default

    Returns:
        matplotlib.axes.Axes: the axes

    Raises:
        DLAError: without matplotlib, or for generators with too many terms
    """
    pyplot()
    graph = generator_graph(effective_ansatz(diagnostics.ansatz))
    ax = new_axes(ax, (6, 5.5))
    names = component_names(diagnostics, graph)
    if len(graph.generators) > MAX_NODES:
        as_matrix(ax, graph, names)
    else:
        as_graph(ax, graph, names)
    dimension = diagnostics.algebra.name or f"dim {diagnostics.algebra.dim}"
    more = f", {graph.left_out} more not shown" if graph.left_out else ""
    ax.set_title(
        f"$\\mathfrak{{g}}$ = {dimension}\n{len(graph.generators)} distinct generators{more}", fontsize="medium"
    )
    return ax


def component_names(diagnostics: Diagnosis, graph: GeneratorGraph) -> list[str]:
    """For each component of the graph what it generates, where the classification says it."""
    sizes = np.bincount(graph.component)
    names = [f"{size} generator{'s' if size > 1 else ''}" for size in sizes]
    single = all(len(g) == 1 for g in graph.generators)
    for k, size in enumerate(sizes):
        if size == 1:
            names[k] = "1 generator: u(1)"
        elif single and not graph.left_out and size <= 2000:
            from pennylane_dla.algebra.classification import classify_strings

            strings = PauliStrings.concatenate(
                [g.strings for g, c in zip(graph.generators, graph.component, strict=True) if c == k]
            )
            names[k] += f": {classify_strings(strings).name}"
    return names


def as_graph(ax, graph: GeneratorGraph, names) -> None:
    """Nodes and edges, component by component."""
    import networkx as nx

    foreground, background = ink()
    whole = nx.from_numpy_array(graph.edges)
    positions, x, row_height, y = {}, 0.0, 0.0, 0.0
    groups = [np.flatnonzero(graph.component == c) for c in range(graph.num_components)]
    width = max(2.2 * np.sqrt(sum(max(len(g), 1) for g in groups)), 2.2 * np.sqrt(max(len(g) for g in groups)))
    for members in groups:  # largest first, packed in rows
        radius = max(0.35, 0.9 * np.sqrt(len(members)) / 1.6)
        if x and x + 2 * radius > width:
            x, y, row_height = 0.0, y - row_height - 0.5, 0.0
        part = whole.subgraph(members.tolist())
        if len(members) > 1:
            local = nx.kamada_kawai_layout(part)
        else:
            local = {int(members[0]): np.zeros(2)}
        for node, place in local.items():
            positions[node] = np.array([x + radius, y - radius]) + radius * 0.9 * np.asarray(place)
        x, row_height = x + 2 * radius + 0.4, max(row_height, 2 * radius)
    nx.draw_networkx_edges(whole, positions, ax=ax, edge_color=foreground, alpha=0.35, width=0.8)
    size = float(np.clip(6000 / len(whole), 18, 260))
    single_shown = False
    for c, members in enumerate(groups):
        label = names[c]
        if len(members) == 1:
            same = sum(len(g) == 1 for g in groups)
            label = None if single_shown else f"{same} isolated: {'center' if same > 1 else 'u(1)'}"
            single_shown = True
            colour, marker = "none", "o"
        else:
            colour, marker = CYCLE[c % len(CYCLE)], MARKERS[c % len(MARKERS)]
        points = np.array([positions[int(k)] for k in members])
        ax.scatter(
            *points.T,
            s=size,
            color=colour,
            marker=marker,
            edgecolor=foreground,
            linewidth=0.8,
            zorder=3,
            label=label if c < 8 or len(members) == 1 else None,
        )
    if len(whole) <= MAX_LABELS:
        for k, generator in enumerate(graph.generators):
            ax.annotate(
                word(generator),
                positions[k],
                (0, 9),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize="small",
                zorder=4,
                bbox={"facecolor": background, "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
            )
    ax.set_axis_off()
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.12)
    handles, _ = ax.get_legend_handles_labels()
    extra = sum(len(g) > 1 for g in groups[8:])
    title = "components (an edge: the two do not commute)" + (f", {extra} more not named" if extra else "")
    legend = ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=2 if len(handles) > 2 else 1,
        frameon=False,
        fontsize="small",
        title=title,
        title_fontsize="small",
    )
    for handle in legend.legend_handles:
        handle.set_sizes([50])


def as_matrix(ax, graph: GeneratorGraph, names) -> None:
    """All pairs, ordered by component; dark is zero."""
    order = np.argsort(graph.component, kind="stable")
    matrix = graph.edges[np.ix_(order, order)].astype(float)
    bins = -(-len(matrix) // 400)
    if bins > 1:  # the share of pairs in each square, so that sparse patterns stay visible
        size = -(-len(matrix) // bins) * bins
        padded = np.zeros((size, size))
        padded[: len(matrix), : len(matrix)] = matrix
        shown = padded.reshape(size // bins, bins, size // bins, bins).mean(axis=(1, 3))
    else:
        shown = matrix
    extent = (-0.5, len(shown) * bins - 0.5, len(shown) * bins - 0.5, -0.5)
    image = ax.imshow(shown, cmap=SEQUENTIAL, extent=extent, interpolation="nearest", vmin=0)
    label = "share of pairs that do not commute" if bins > 1 else "1: the two do not commute"
    ax.figure.colorbar(image, ax=ax, fraction=0.045, pad=0.03).set_label(label, fontsize="small")
    ax.set(xlabel="generator, ordered by component" + (f" ({bins} in a pixel)" if bins > 1 else ""), ylabel="generator")
    sizes = np.bincount(graph.component)
    ends = np.cumsum(sizes)
    for end in ends[:-1][:50]:
        ax.axhline(end - 0.5, color="white", linewidth=0.6, label="_end")
        ax.axvline(end - 0.5, color="white", linewidth=0.6, label="_end")
    listed = "; ".join(names[:3]) + (f"; {len(names) - 3} more components" if len(names) > 3 else "")
    ax.annotate(
        listed,
        (0.5, 0),
        (0, -38),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize="small",
    )


def word(generator: PauliSum) -> str:
    """``X₀Z₂``; the first terms of a sum."""
    terms = []
    for label, coefficient in zip(generator.strings.labels()[:2], generator.coefficients, strict=False):
        letters = "".join(f"{letter}$_{{{q}}}$" for q, letter in enumerate(label) if letter != "I")
        terms.append(letters if len(generator) == 1 else f"{coefficient:+.3g} {letters}")
    return " ".join(terms) + (" …" if len(generator) > 2 else "")
