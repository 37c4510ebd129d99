"""Benchmarks of sums of strings: ratios measured in one run. ``python -m tests.benchmarks sums``

- ``X_i, Y_i, ΣZZ``: Lie closure at 5 and 6 qubits against fastdla (arXiv:2506.01120, where it is installed) and
  ``qp.lie_closure(matrix=True)``; a peer is stopped where it has lost by enough, and the ratio is then a bound;
- the share of the machine's matrix-product peak that the closure reaches;
- QAOA on a ring: closure at 50 qubits, and a whole diagnosis at 40 qubits, 10 layers, in a fresh process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np

from pennylane_dla.algebra.sums.closure import lie_closure_sums
from pennylane_dla.algebra.sums.structure import structure
from pennylane_dla.pauli import PauliSum

PEER_SECONDS = {5: 150, 6: 240}  # at most

FASTDLA = """
import time
from fastdla import lie_closure
from fastdla.generators.hea import hea_generators
lie_closure(hea_generators(2))
start = time.perf_counter()
dim = len(lie_closure(hea_generators({n})))
print(dim, time.perf_counter() - start)
"""

PENNYLANE = """
import time
import pennylane as qp
n = {n}
generators = [f(q) for q in range(n) for f in (qp.X, qp.Y)]
generators.append(qp.sum(*(qp.Z(q) @ qp.Z(q + 1) for q in range(n - 1))))
start = time.perf_counter()
dim = len(qp.lie_closure(generators, matrix=True))
print(dim, time.perf_counter() - start)
"""

RING = """
import networkx, numpy as np, pennylane as qp, time
import pennylane_dla as dla
cost, mixer = qp.qaoa.maxcut(networkx.cycle_graph(40))

@qp.qnode(qp.device("default.qubit"))
def circuit(params):
    for wire in range(40):
        qp.Hadamard(wire)
    for layer in range(10):
        qp.qaoa.cost_layer(params[0, layer], cost)
        qp.qaoa.mixer_layer(params[1, layer], mixer)
    return qp.expval(cost)

start = time.perf_counter()
diagnosis = dla.inspect(circuit)(np.zeros((2, 10)))
print(diagnosis.algebra.dim, time.perf_counter() - start)
"""


def main() -> None:
    """Print every section."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    peak = matrix_product_peak()
    print(f"matrix-product peak, 2048 x 2048 doubles: {peak / 1e9:.0f} GFLOP/s")
    for n in (5, 6):
        against_peers(n, peak)
    ring_closure()
    found = in_fresh_process(RING, 120)
    if isinstance(found, tuple):
        print(f"QAOA ring QNode, 40 qubits, 10 layers: whole diagnosis in {found[1]:.1f} s cold (dimension {found[0]})")
    else:
        print(f"QAOA ring QNode, 40 qubits, 10 layers: {found}")


def word(n: int, letters: dict[int, str]) -> str:
    """A Pauli word from its letters."""
    return "".join(letters.get(q, "I") for q in range(n))


def hardware_efficient(n: int) -> list[PauliSum]:
    """``X_i``, ``Y_i`` and the sum of ``Z_i Z_{i+1}``: all of su(2ⁿ)."""
    single = [PauliSum.from_dict({word(n, {q: p}): 1.0}) for q in range(n) for p in "XY"]
    return [*single, PauliSum.from_dict({word(n, {q: "Z", q + 1: "Z"}): 1.0 for q in range(n - 1)})]


def ring(n: int) -> list[PauliSum]:
    """Cost and mixer of QAOA on a ring."""
    cost = PauliSum.from_dict({word(n, {q: "Z", (q + 1) % n: "Z"}): 1.0 for q in range(n)})
    return [cost, PauliSum.from_dict({word(n, {q: "X"}): 1.0 for q in range(n)})]


def matrix_product_peak() -> float:
    """Floating point operations a second of a large product."""
    a = np.random.default_rng(0).random((2048, 2048))
    times = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times)


def timed(function, repeat: int) -> tuple[float, object]:
    """Best wall time of several calls, and the result."""
    best = np.inf
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return best, result


def in_fresh_process(program: str, seconds: float) -> tuple[int, float] | str:
    """Dimension and time that a program prints, or why it did not."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:.0f} s"
    if done.returncode:
        return "not installed" if "ModuleNotFoundError" in done.stderr else "failed: " + done.stderr[-200:]
    dim, elapsed = done.stdout.split()[-2:]
    return int(dim), float(elapsed)


def against_peers(n: int, peak: float) -> None:
    """One size against both peers, each in its own process."""
    own, algebra = timed(lambda: lie_closure_sums(hardware_efficient(n)), 3 if n < 6 else 2)
    products = 2.0 * algebra.dim**3  # random combinations and elimination, dim³ each
    print(
        f"X_i, Y_i, sum ZZ, n = {n}: dimension {algebra.dim} in {own:.2f} s, "
        f"{100 * products / own / peak:.0f} % of the peak"
    )
    for name, program, enough in (("fastdla", FASTDLA, 35), ("qp.lie_closure(matrix=True)", PENNYLANE, 12)):
        limit = min(max(enough * own + 10, 30), PEER_SECONDS[n])
        found = in_fresh_process(program.format(n=n), limit)
        if isinstance(found, tuple):
            print(f"    {name}: dimension {found[0]} in {found[1]:.1f} s, ratio {found[1] / own:.0f}")
        elif found.startswith("stopped"):
            print(f"    {name}: {found}, ratio above {limit / own:.0f}")
        else:
            print(f"    {name}: {found}")


def ring_closure() -> None:
    """Fifty qubits: 9900 strings, dimension 149, with a basis and a proof; then its ideals."""
    seconds, algebra = timed(lambda: lie_closure_sums(ring(50)), 3)
    named, found = timed(lambda: structure(algebra), 1)
    print(f"QAOA ring, n = 50: dimension {algebra.dim} in {seconds:.2f} s ({algebra.reason})")
    print(f"    {found.name} in {named:.2f} s more")


if __name__ == "__main__":
    main()
