"""The main job: one diagnosis in a fresh process, the next one warm, the cost of a decorated call, and the closure
against ``qp.lie_closure``."""

import subprocess
import sys
import textwrap
import time

import numpy as np
import pennylane as qp

import pennylane_dla as dla

COLD = """
    import time
    import numpy as np, pennylane as qp, pennylane_dla as dla

    def circuit_of(ranges):
        @qp.qnode(qp.device("default.qubit"))
        def circuit(weights):
            qp.StronglyEntanglingLayers(weights, wires=range(8), ranges=ranges)
            return qp.expval(qp.Z(0))
        return circuit

    weights = np.zeros((4, 8, 3))
    start = time.perf_counter(); dla.inspect(circuit_of([1, 2, 3, 4]))(weights)
    cold = time.perf_counter() - start
    warm = []
    for ranges in ([2, 1, 3, 4], [1, 1, 2, 2], [3, 3, 1, 1]):
        start = time.perf_counter(); dla.inspect(circuit_of(ranges))(weights)
        warm.append(time.perf_counter() - start)
    print(cold, min(warm))
"""


def main():
    """Print the figures."""
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(COLD)], capture_output=True, text=True, check=True
    ).stdout
    cold, warm = map(float, output.split())
    print(f"inspect, 8 qubits, 96 parameters, fresh process: {cold:.2f} s cold, {warm:.2f} s warm (another circuit)")
    print(f"decorated call / bare call: {_overhead():.3f}")
    print(f"qp.lie_closure / dla.lie_closure, X_i Y_i ZZ, n = 5 (dim 1023): {_closure_ratio():.0f}x")


def _overhead():
    @qp.qnode(qp.device("default.qubit"))
    def bare(weights):
        qp.StronglyEntanglingLayers(weights, wires=range(8))
        return qp.expval(qp.Z(0))

    decorated, weights = dla.diagnose(bare), np.zeros((4, 8, 3))
    decorated(weights), bare(weights)
    times = {bare: [], decorated: []}
    for _ in range(60):  # in turn, so that a busy machine slows both
        for circuit in times:
            start = time.perf_counter()
            circuit(weights)
            times[circuit].append(time.perf_counter() - start)
    return np.median(times[decorated]) / np.median(times[bare])


def _closure_ratio():
    n = 5
    operators = [f(i) for i in range(n) for f in (qp.X, qp.Y)] + [qp.Z(i) @ qp.Z(i + 1) for i in range(n - 1)]
    ours = _best(lambda: dla.lie_closure(operators), 5)
    words = [op.pauli_rep for op in operators]
    return _best(lambda: qp.lie_closure(words, pauli=True), 1) / ours


def _best(function, repeats):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
