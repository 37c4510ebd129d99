"""Circuits of sums of strings whose states stay in small sectors."""

import networkx as nx
import numpy as np
import pennylane as qp
from networkx.algorithms.isomorphism import GraphMatcher

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation
from pennylane_dla.circuit.extract import extract
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Budget, Problem


def ansatz_of(circuit, *args):
    """As ``inspect`` reads it."""
    return extract(circuit, args, {}, None, "user")[0]


def problem_of(ansatz, observable=None, law=None, **budget):
    observable = ansatz.measurements[0].observable if observable is None else observable
    return Problem(ansatz, observable, AngleLaw.resolve(law, ansatz.arguments), Budget(progress=False, **budget))


def heisenberg(n, layers=3, device="default.qubit"):
    """Even and odd bonds summed, on neighbouring singlets; observable the whole chain."""

    @qp.qnode(qp.device(device, wires=n))
    def circuit(weights):
        for q in range(0, n, 2):
            qp.X(q)
            qp.X(q + 1)
            qp.Hadamard(q)
            qp.CNOT([q, q + 1])
        for layer in range(layers):
            for parity in (1, 0):
                for q in range(parity, n - 1, 2):
                    for coupling in (qp.IsingXX, qp.IsingYY, qp.IsingZZ):
                        coupling(weights[layer, parity], wires=[q, q + 1])
        return qp.expval(qp.sum(*(p(q) @ p(q + 1) for q in range(n - 1) for p in (qp.X, qp.Y, qp.Z))))

    return circuit, np.zeros((layers, 2))


def qaoa(graph, layers=2, device="default.qubit"):
    """Max-cut."""

    @qp.qnode(qp.device(device, wires=len(graph)))
    def circuit(weights):
        for q in graph.nodes:
            qp.Hadamard(q)
        for layer in range(layers):
            for edge in graph.edges:
                qp.IsingZZ(weights[0, layer], wires=edge)
            for q in graph.nodes:
                qp.RX(2 * weights[1, layer], wires=q)
        return qp.expval(qp.sum(*(0.5 * qp.Z(a) @ qp.Z(b) for a, b in graph.edges)))

    return circuit, np.zeros((2, layers))


def orbits(graph):
    """Automorphisms, and classes of bitstrings up to these and up to flipping all bits: no more dimensions are reached
    from ``|+…+⟩``."""
    n = len(graph)
    index = np.arange(2**n)
    bits = (index[:, None] >> np.arange(n)) & 1
    smallest, count = np.minimum(index, 2**n - 1 - index), 0
    for automorphism in GraphMatcher(graph, graph).isomorphisms_iter():
        image = (bits << np.array([automorphism[q] for q in range(n)])).sum(axis=1)
        smallest = np.minimum(smallest, np.minimum(image, 2**n - 1 - image))
        count += 1
    return count, len(np.unique(smallest))


def three_regular(n, automorphisms, classes):
    """The first connected 3-regular graph with so many automorphisms and classes of bitstrings."""
    for seed in range(200):
        graph = nx.random_regular_graph(3, n, seed=seed)
        if nx.is_connected(graph) and orbits(graph) == (automorphisms, classes):
            return graph
    raise AssertionError("no such graph")


def lithium_hydride(device="default.qubit"):
    """2 electrons in 10 spin orbitals, all singles and doubles from the Hartree-Fock state."""
    molecule = qp.qchem.Molecule(["Li", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]]))
    hamiltonian, wires = qp.qchem.molecular_hamiltonian(molecule, method="dhf", active_electrons=2, active_orbitals=5)
    assert wires == 10
    singles, doubles = qp.qchem.excitations(2, 10)
    start = qp.qchem.hf_state(2, 10)

    @qp.qnode(qp.device(device, wires=10))
    def circuit(weights):
        qp.AllSinglesDoubles(weights, wires=range(10), hf_state=start, singles=singles, doubles=doubles)
        return qp.expval(hamiltonian)

    return circuit, np.zeros(len(singles) + len(doubles))


def random_sums(rng, n, gates, state=None, integer=True, commuting=False):
    """Rotations by random sums of two or three strings, one argument each."""
    rotations = []
    for k in range(gates):
        words = set()
        while len(words) < min(rng.integers(1, 4), 4**n - 1):
            word = "".join(rng.choice(list("IXYZ" if not commuting else "IZ"), n))
            if set(word) != {"I"}:
                words.add(word)
        words = tuple(sorted(words))
        if len(words) == 1:
            coefficients = (0.5,)
        elif integer:
            coefficients = tuple(float(c) for c in rng.choice([-1.0, 0.5, 1.0, 2.0], len(words)))
        else:
            coefficients = tuple(float(c) for c in rng.normal(size=len(words)))
        rotations.append(Rotation(tuple(range(n)), words, coefficients, Angle(0.0, (k,), (1.0,))))
    arguments = Arguments(("w",), ((gates,),), np.full(gates, 2 * np.pi), lambda rows: rows)
    state = ProductState.zero(n) if state is None else state
    return Ansatz(tuple(range(n)), tuple(rotations), state, (), arguments)
