"""Diagnoses that once ran on, each cold in a process of its own: ``python -m tests.benchmarks slow``.

Printed are the seconds of the whole diagnosis with default options, the memory at its peak, the engine of each kind of
number and what was not found. ``python -m tests.benchmarks.slow CASE`` runs one of them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pennylane as qp

LIMIT = 170.0  # seconds after which a case is stopped


def main(names=()) -> None:
    """Print one line for each case."""
    print(f"{'case':<22}{'seconds':>8}{'of CPU':>8}{'MB':>7}  loss | gradient | limit")
    for name in names or CASES:
        start = time.perf_counter()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.slow", name],
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
            print(
                done.stdout.rstrip() if not done.returncode else f"{name:<22}failed: {done.stderr[-300:]}", flush=True
            )
        except subprocess.TimeoutExpired:
            print(f"{name:<22}{'over ' + format(time.perf_counter() - start, '.0f'):>8}", flush=True)


def run(name: str) -> None:
    """One case in this process."""
    import pennylane_dla as dla

    circuit, args, *options = CASES[name]()
    options = dict(*options)
    if "angles" in options:
        options["angles"] = dla.Uniform(*options["angles"])
    start, busy = time.perf_counter(), time.process_time()
    diagnosis = dla.inspect(circuit, progress=False, **options)(*args)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{name:<22}{seconds:>8.1f}{busy:>8.1f}{memory:>7.0f}  {_summary(diagnosis)}")


def _summary(diagnosis) -> str:
    """Which engine gave what, counted over the measurements, and what the algebra says."""
    parts = []
    for estimates in (
        [m.loss.variance for m in diagnosis.measurements],
        [m.gradient.estimate for m in diagnosis.measurements],
        [m.limit.loss.variance for m in diagnosis.measurements],
    ):
        counts = Counter(e.method for e in estimates)
        parts.append(", ".join(f"{method} {count}" if count > 1 else method for method, count in counts.items()))
    algebra = diagnosis.algebra
    return f"{' | '.join(parts)}; algebra {algebra.dim if algebra.complete else f'at least {algebra.dim}'}"


def adapt_vqe():
    """The pool of AdaptVQE: all 24 single and double excitations of 2 electrons in 10 spin orbitals."""
    singles, doubles = qp.qchem.excitations(2, 10)
    hamiltonian = molecule(5, seed=1)
    reference = qp.qchem.hf_state(2, 10)

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        qp.AllSinglesDoubles(weights, range(10), reference, singles, doubles)
        return qp.expval(hamiltonian)

    return circuit, (np.zeros(len(singles) + len(doubles)),)


def molecule(orbitals: int, seed: int):
    """A Hamiltonian with the symmetries of a molecule's, from random integrals: some hundred Pauli terms."""
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(orbitals, orbitals))
    one = (one + one.T) / 2
    pair = rng.normal(size=(orbitals, orbitals, orbitals, orbitals)) / 4
    pair = pair + pair.transpose(1, 0, 2, 3)
    pair = pair + pair.transpose(0, 1, 3, 2)
    pair = pair + pair.transpose(2, 3, 0, 1)  # (pq|rs) of real orbitals
    operator = qp.qchem.fermionic_observable(np.array([0.7]), one, pair.transpose(0, 2, 3, 1), cutoff=1e-3)
    return qp.jordan_wigner(operator, tol=1e-8)


def kernel():
    """The trainable kernel of PennyLane's demonstration: 5 wires, 6 layers there and back, 240 gates, 32 outcomes."""

    def embed(x, weights):
        for number, layer in enumerate(weights):
            for wire in range(5):
                qp.Hadamard(wire)
                qp.RZ(x[(5 * number + wire) % len(x)], wire)
                qp.RY(layer[0, wire], wire)
            for wire in range(5):
                qp.CRZ(layer[1, wire], (wire, (wire + 1) % 5))

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights, x1, x2):
        embed(x1, weights)
        qp.adjoint(embed)(x2, weights)
        return qp.probs(wires=range(5))

    rng = np.random.default_rng(0)
    return circuit, (rng.uniform(size=(6, 2, 5)), rng.uniform(size=2), rng.uniform(size=2))


def qaoa_probs():
    """QAOA on 4 wires, two layers, all outcomes."""
    import networkx as nx

    cost, mixer = qp.qaoa.maxcut(nx.Graph([(0, 1), (0, 2), (1, 2), (2, 3)]))

    @qp.qnode(qp.device("default.qubit"))
    def circuit(params):
        for wire in range(4):
            qp.Hadamard(wire)
        for layer in range(2):
            qp.qaoa.cost_layer(params[0, layer], cost)
            qp.qaoa.mixer_layer(params[1, layer], mixer)
        return qp.probs(wires=range(4))

    return circuit, (np.zeros((2, 2)),)


def mottonen():
    """A Möttönen state, then one fermionic double excitation, under a law that is not a period."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(vector, angle):
        qp.MottonenStatePreparation(vector, wires=range(5))
        qp.FermionicDoubleExcitation(angle, wires1=[0, 1], wires2=[2, 3, 4])
        return qp.expval(qp.Z(0))

    vector = np.random.default_rng(0).normal(size=32)
    return circuit, (vector / np.linalg.norm(vector), 0.3), {"argnums": 1, "angles": (-0.5, 1.3)}


def broadcast():
    """A batch of 10⁵ values of a data argument."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights, x):
        qp.RX(x, 0)
        qp.StronglyEntanglingLayers(weights, range(3))
        return qp.expval(qp.Z(0))

    return circuit, (np.zeros((2, 3, 3)), np.random.default_rng(0).uniform(size=100_000))


def many_gates():
    """95,000 gates with 50,000 parameters on 10 qubits."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        for row in weights:
            for wire in range(10):
                qp.RY(row[wire], wire)
            for wire in range(9):
                qp.CNOT((wire, wire + 1))
        return qp.expval(qp.Z(0))

    return circuit, (np.zeros((5000, 10)),)


def trotter():
    """Thirty steps of a fourth order product formula on 4 qubits, one time."""
    hamiltonian = qp.sum(
        *(qp.s_prod(0.5 + 0.1 * q, qp.X(q)) for q in range(4)),
        *(qp.s_prod(0.3 + 0.2 * q, qp.Z(q) @ qp.Z(q + 1)) for q in range(3)),
    )

    @qp.qnode(qp.device("default.qubit"))
    def circuit(time):
        qp.TrotterProduct(hamiltonian, time, n=30, order=4)
        return qp.expval(qp.Z(0))

    return circuit, (0.3,)


def behind_qft():
    """Outcomes of three wires behind a QFT on five."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        qp.StronglyEntanglingLayers(weights, range(5))
        qp.QFT(range(5))
        return qp.probs(wires=range(3))

    return circuit, (np.zeros((2, 5, 3)),)


CASES = {
    function.__name__.replace("_", "-"): function
    for function in (adapt_vqe, kernel, qaoa_probs, mottonen, broadcast, many_gates, trotter, behind_qft)
}

if __name__ == "__main__":
    run(sys.argv[1])
