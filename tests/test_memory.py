"""What a long-lived process keeps of the circuits it looked at."""

import subprocess
import sys
import textwrap

import pytest

MEASURE = """
    import gc
    import numpy as np, pennylane as qp, pennylane_dla as dla

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096 / 1e6

    def different(number):
        rng = np.random.default_rng(number)
        n, layers = 2 + number % 5, 1 + number % 4
        kinds = rng.integers(0, 4, (layers, n))

        @qp.qnode(qp.device("default.qubit"))
        def circuit(weights):
            for layer in range(layers):
                for wire in range(n):
                    (qp.RX, qp.RY, qp.RZ, qp.IsingXX)[kinds[layer, wire]](
                        weights[layer, wire], [wire, (wire + 1) % n] if kinds[layer, wire] == 3 else wire
                    )
                for wire in range(n - 1):
                    qp.CNOT((wire, wire + 1))
            if number % 3 == 0:
                qp.IsingZZ(weights[0, 0], (0, 1))
            return qp.probs(wires=range(2)) if number % 7 == 0 else qp.expval(qp.Z(number % n))

        angles = dla.Normal(0.3) if number % 5 == 0 else None
        dla.inspect(circuit, samples=2000, angles=angles, max_seconds=600, progress=False)(np.zeros((layers, n)))

    sizes = []
    for number in range(FIRST + COUNT):
        if number == FIRST:
            before = resident()
        different(number)
    print(before, resident())
"""


def grown(first: int, count: int) -> float:
    """Megabytes that ``count`` different inspections add, after ``first`` of them."""
    program = textwrap.dedent(MEASURE).replace("FIRST", str(first)).replace("COUNT", str(count))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split()[-2:])
    return after - before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_different_circuits_leave_little_behind():
    assert grown(20, 300) < 100
