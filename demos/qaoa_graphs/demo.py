r"""
QAOA: from a ring to a random graph
===================================

The quantum approximate optimization algorithm has few parameters, two for each round, and much structure: all
qubits share an angle. Whether its gradient survives depends on the graph. On a ring the symmetries leave the circuit
so little room that it can hardly fail to train; take a few edges away or add some at random, and the same circuit may
explore almost everything.

We go from one to the other, edge by edge, and let the Lie algebra tell what changed.
"""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pennylane as qp
from pennylane import qaoa

import pennylane_dla as dla

##############################################################################
# QAOA on a ring
# --------------
# For MaxCut the cost Hamiltonian counts the edges that are cut. Each round evolves under the cost, then under the
# mixer :math:`\sum_i X_i`, and the loss is the expected cost, divided by the number of edges such that graphs can be compared.


def maxcut(graph, rounds):
    cost, mixer = qaoa.maxcut(graph)

    @qp.qnode(qp.device("default.qubit", wires=len(graph)))
    def circuit(angles):
        for wire in graph:
            qp.Hadamard(wires=wire)
        for gamma, beta in angles:
            qaoa.cost_layer(gamma, cost)
            qaoa.mixer_layer(beta, mixer)
        return qp.expval(cost / graph.number_of_edges())

    return circuit, np.zeros((rounds, 2))


##############################################################################
# Although the circuit has dozens of gates, it has only two generators, since a layer shares one angle. The diagnosis
# knows, because it follows which argument drives which gate.

ring, angles = maxcut(nx.cycle_graph(8), rounds=4)
diagnosis = dla.inspect(ring, progress=False)(angles)
print(diagnosis)

##############################################################################
# The dimension grows like :math:`3n - 1` on rings of :math:`n` qubits, not like :math:`4^n`. With as many rounds
# as half the qubits, :func:`~pennylane_dla.scaling` finds the gradient at every size exactly:


def ring_of(n):
    return maxcut(nx.cycle_graph(n), rounds=n // 2)


SIZES = [4, 6, 8, 10, 12]
on_rings = dla.scaling(ring_of, SIZES, max_seconds=60, progress=False)
print(on_rings)
for case in on_rings.cases:
    print(f"{case.size:>3} qubits: dim {case.summary.dim}, 3n - 1 = {3 * case.size - 1}")

##############################################################################
# Edge by edge
# ------------
# Now five qubits and one graph after the other: the ring, the ring with one edge missing, the ring with a chord, and a random graph.
# Fewer symmetries mean more directions. The complete graph has all symmetries again.

chord = nx.cycle_graph(5)
chord.add_edge(0, 2)
graphs = {
    "ring": nx.cycle_graph(5),
    "path": nx.path_graph(5),
    "ring + chord": chord,
    "random": nx.gnm_random_graph(5, 7, seed=2),
    "complete": nx.complete_graph(5),
}
assert all(nx.is_connected(graph) for graph in graphs.values())

ROUNDS = 6
built = {name: maxcut(graph, ROUNDS) for name, graph in graphs.items()}
circuits = {name: circuit for name, (circuit, _) in built.items()}
comparison = dla.compare(circuits, max_seconds=60, progress=False)(np.zeros((ROUNDS, 2)))
print(comparison)

##############################################################################
# The graphs, and beside each the gradient variance of every angle, from the first round to the last:

fig, axes = plt.subplots(2, len(graphs), figsize=(11, 4.4), layout="constrained", sharey="row")
top = max(comparison[name].gradient.variance.max() for name in graphs)
for column, (name, graph) in enumerate(graphs.items()):
    draw = axes[0, column]
    nx.draw(graph, nx.circular_layout(graph), ax=draw, node_size=70, node_color="#56b4e9", edge_color="#555555")
    draw.set_aspect("equal")
    draw.margins(0.15)
    draw.set_title(f"{name}\n" + rf"$\dim\,\mathfrak{{g}}$ = {comparison[name].algebra.dim}", fontsize="medium")
    variance = comparison[name].gradient.variance
    rounds = np.arange(1, ROUNDS + 1)
    axes[1, column].plot(rounds, variance[:, 0], "o-", color="#0072b2", label="γ (cost)")
    axes[1, column].plot(rounds, variance[:, 1], "s--", color="#d55e00", label="β (mixer)")
    axes[1, column].set(xlabel="round", yscale="log")
    axes[1, column].grid(alpha=0.3)
axes[1, 0].set_ylabel("Var[∂loss/∂angle]\nin 1/rad²")
axes[1, 0].legend(fontsize="small")
plt.show()

##############################################################################
# Growth
# ------
# How five qubits compare is a snapshot. The question is whether the random graph loses its gradient when it grows,
# and the ring does not. We ask both, with as many rounds as qubits. The random graphs
# have two edges more than vertices. Their algebra soon has thousands of dimensions: we let the count stop at 150 (``max_dim``), and where
# the exact engine would need more, gradients are simulated, with error bars.


def deep_ring(n):
    return maxcut(nx.cycle_graph(n), rounds=n)


def random_graph(n):
    seed = next(s for s in range(100) if nx.is_connected(nx.gnm_random_graph(n, n + 2, seed=s)))
    return maxcut(nx.gnm_random_graph(n, n + 2, seed=seed), rounds=n)


##############################################################################
# A verdict is given only where the sizes decide between a power of :math:`n` and an exponential; otherwise the answer is that they do not.

fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
for name, build, sizes, style in (
    ("rings", deep_ring, [4, 5, 6, 7, 8, 10], "o-"),
    ("random graphs", random_graph, [4, 5, 6, 7, 8], "s--"),
):
    grown = dla.scaling(build, sizes, max_dim=150, progress=False)
    print(f"{name}\n{grown}\n")
    ax.plot([case.size for case in grown.cases], [case.summary.gradient for case in grown.cases], style, label=name)
ax.set(yscale="log", xlabel="qubits, and rounds", ylabel="median Var[∂loss/∂angle] in 1/rad²")
ax.legend()
ax.grid(alpha=0.3)
plt.show()

##############################################################################
# What to take home
# -----------------
# QAOA has the same two generators on every graph, and their algebra ranges from a few dimensions to thousands. Symmetry of
# the graph keeps it small. For a graph without symmetry the number of rounds is what one can choose: it should stay
# well below the depth at which the gradient has sunk to the limit of deep circuits, ``diag.limit``.
#
# References
# ----------
# Larocca et al., *Diagnosing barren plateaus with tools from quantum optimal control*, Quantum 6, 824 (2022). Farhi et al., *A quantum
# approximate optimization algorithm*, `arXiv:1411.4028 <https://arxiv.org/abs/1411.4028>`__.
