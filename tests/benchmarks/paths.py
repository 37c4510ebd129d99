"""Benchmarks of the path engine: ratios measured in one run. ``python -m tests.benchmarks.paths [name …]``

- ``simulation``: all gradient variances against ``jax.vmap(jax.grad(qnode))`` on default.qubit and against
lightning.qubit with adjoint differentiation, at the same statistical error, compilation counted.
- ``clifford``: a path against one Stim tableau simulation of a sampled Clifford circuit (Heyraud et al.,
arXiv:2302.04649).
- ``bandwidth``: bytes that the sweep moves against what the machine copies.
- ``grid``: two-local observables on brick-wall circuits, every parameter of the whole grid.
- ``large``: 1000 qubits, 50 layers, 100,000 parameters, from the QNode on.
- ``scaling``: cost against gates and against samples.
- ``tail``: a variance of 1e-9 at 30 qubits.
"""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import sys
import time
from importlib.metadata import version

import jax
import numpy as np
import pennylane as qp
from pennylane import numpy as pnp

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation
from pennylane_dla.circuit.extract import extract
from pennylane_dla.compat import numerics
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.paths import batches as path_batches
from pennylane_dla.variance.paths import engine as paths
from pennylane_dla.variance.paths import sweep
from pennylane_dla.variance.paths.gate_table import gate_table, quarter
from pennylane_dla.variance.problem import Budget, Problem


def main(names: list[str] | tuple[str, ...] = ()) -> None:
    """Run the benchmarks named, or all."""
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f};", end=" "
    )
    packages = ["jax", "pennylane", "pennylane-lightning", "stim", "numpy"]
    print(", ".join(f"{name} {_version(name)}" for name in packages))
    for name in names or list(BENCHMARKS):
        print(f"\n== {name}")
        BENCHMARKS[name]()


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "(not installed)"


def layers(weights, num_wires: int) -> None:
    """RX·RY on every wire and a ladder of CZ, once for each row of ``weights``."""
    for row in range(weights.shape[0]):
        for w in range(num_wires):
            qp.RX(weights[row, 0, w], w)
        for w in range(num_wires):
            qp.RY(weights[row, 1, w], w)
        for w in range(num_wires - 1):
            qp.CZ((w, w + 1))


def layered_ansatz(num_wires: int, depth: int) -> Ansatz:
    """The same circuit, written down directly."""
    gates, element = [], 0
    for _ in range(depth):
        for word in "XY":
            for w in range(num_wires):
                gates.append(Rotation((w,), (word,), (0.5,), Angle(0.0, (element,), (1.0,))))
                element += 1
        for w in range(num_wires - 1):
            gates.append(Rotation((w, w + 1), ("ZZ",), (0.5,), Angle(np.pi / 2)))
            gates.append(Rotation((w,), ("Z",), (0.5,), Angle(-np.pi / 2)))
            gates.append(Rotation((w + 1,), ("Z",), (0.5,), Angle(-np.pi / 2)))
    return ansatz_of(gates, num_wires, element)


def ansatz_of(gates, num_wires: int, elements: int) -> Ansatz:
    arguments = Arguments(("weights",), ((elements,),), np.full(elements, 2 * np.pi), lambda rows: rows)
    return Ansatz(tuple(range(num_wires)), tuple(gates), ProductState.zero(num_wires), (), arguments)


def predicted(ansatz: Ansatz, observable, **budget):
    """The prediction, and the seconds it took."""
    law = AngleLaw.resolve(None, ansatz.arguments)
    start = time.perf_counter()
    prediction = paths.predict(Problem(ansatz, observable, law, Budget(**({"progress": False} | budget))))
    return prediction, time.perf_counter() - start


@contextlib.contextmanager
def without_splitting():
    """Every path by itself, so that a cost per path means something."""
    uneven, paths.UNEVEN = paths.UNEVEN, np.inf
    try:
        yield
    finally:
        paths.UNEVEN = uneven


def local(labels: dict[int, str], num_wires: int) -> PauliSum:
    strings = PauliStrings.from_local([list(labels)], ["".join(labels.values())], num_wires)
    return PauliSum(strings, np.ones(1))


def simulation() -> None:
    """Same error: simulated samples have relative variance ``(κ - 1)/R`` with κ the kurtosis of the gradient, so the
    number ``R`` that matches our error follows from the samples that were drawn; their cost is linear in ``R``."""
    for num_wires, depth, drawn in ((8, 3, 256), (12, 3, 128)):
        shape = (depth, 2, num_wires)

        def circuit(weights, num_wires=num_wires):
            layers(weights, num_wires)
            return qp.expval(qp.Z(num_wires // 2))

        ours = []
        for samples in (100_000, 1_000_000, 10_000_000):
            jax.clear_caches()  # every figure is that of a first call
            start = time.perf_counter()
            (ansatz,) = extract(qp.QNode(circuit, qp.device("default.qubit")), (pnp.zeros(shape, requires_grad=True),))
            prediction, _ = predicted(ansatz, ansatz.measurements[0].observable, samples=samples, rtol=1e-6)
            seconds = time.perf_counter() - start
            live = prediction.gradient.value > 0
            error = np.median(prediction.gradient.stderr[live] / prediction.gradient.value[live])
            ours.append((seconds, error))
            print(
                f"{num_wires} qubits, {depth} layers: {seconds:.2f} s cold, relative error {error:.3%}, "
                f"{prediction.statistics['paths']} paths"
            )

        traced = qp.QNode(circuit, qp.device("default.qubit"), interface="jax")
        rng = np.random.default_rng(0)
        weights = rng.uniform(0, 2 * np.pi, (drawn, *shape))
        start = time.perf_counter()
        gradients = jax.jit(jax.vmap(jax.grad(traced)))
        first = np.asarray(gradients(weights.astype(np.float32)))
        cold = time.perf_counter() - start
        start = time.perf_counter()
        np.asarray(gradients(weights.astype(np.float32)))
        each = (time.perf_counter() - start) / drawn
        name = "jit(vmap(grad)) on default.qubit"
        _compare(name, first.reshape(drawn, -1), live, cold - each * drawn, each, ours, prediction)

        try:
            device = qp.device("lightning.qubit", wires=num_wires)
        except qp.exceptions.DeviceError:
            print("  lightning.qubit is not installed")
            continue
        adjoint = qp.grad(qp.QNode(circuit, device, diff_method="adjoint"))
        adjoint(pnp.array(weights[0], requires_grad=True))
        start = time.perf_counter()
        rows = [adjoint(pnp.array(w, requires_grad=True)) for w in weights[:64]]
        each = (time.perf_counter() - start) / 64
        _compare("adjoint on lightning.qubit", np.reshape(rows, (64, -1)), live, 0.0, each, ours, prediction)


def _compare(name, gradients, live, compile_time, each, ours, prediction) -> None:
    squares = gradients[:, live] ** 2
    relative = np.median(squares.std(axis=0) / np.maximum(squares.mean(axis=0), 1e-300))  # of one sample
    ratio = np.median(squares.mean(axis=0) / prediction.gradient.value[live])
    print(
        f"  {name}: compile {compile_time:.1f} s, {1e3 * each:.2f} ms a sample (median simulated/predicted {ratio:.2f})"
    )
    for seconds, error in ours:
        needed = (relative / error) ** 2
        total = compile_time + needed * each
        print(f"    error {error:.3%}: {needed:.3g} samples, {total:.3g} s; ratio {total / seconds:.0f}")


def clifford() -> None:
    """A Clifford circuit with angles drawn from the multiples of π/2: one tableau simulation, one value of ``⟨O⟩²``."""
    try:
        import stim
    except ImportError:
        print("stim is not installed")
        return
    num_wires, depth, samples = 100, 20, 4_000_000
    turns = {word: (None, f"SQRT_{word}", word, f"SQRT_{word}_DAG") for word in "XY"}
    ladder = "CZ " + " ".join(f"{w} {w + 1}" for w in range(num_wires - 1))
    pairs = [v for w in range(num_wires - 1) for v in (w, w + 1)]
    rng = np.random.default_rng(0)
    observable = stim.PauliString(num_wires)
    observable[num_wires // 2] = "Z"
    built = simulated = direct = 0.0
    count, total = 500, 0.0
    for _ in range(count):
        turned = rng.integers(4, size=(depth, 2, num_wires))
        start = time.perf_counter()
        lines = []
        for layer in turned:
            for word, drawn in zip("XY", layer, strict=True):
                for turn in (1, 2, 3):
                    lines.append(f"{turns[word][turn]} " + " ".join(map(str, np.flatnonzero(drawn == turn))))
            lines.append(ladder)
        circuit = stim.Circuit("\n".join(lines))
        middle = time.perf_counter()
        simulator = stim.TableauSimulator()
        simulator.do(circuit)
        total += simulator.peek_observable_expectation(observable) ** 2
        built, simulated = built + middle - start, simulated + time.perf_counter() - middle
        start = time.perf_counter()
        simulator = stim.TableauSimulator()
        names = {word: (None, f"sqrt_{word.lower()}", word.lower(), f"sqrt_{word.lower()}_dag") for word in "XY"}
        for layer in turned:
            for word, drawn in zip("XY", layer, strict=True):
                for turn in (1, 2, 3):
                    getattr(simulator, names[word][turn])(*np.flatnonzero(drawn == turn).tolist())
            simulator.cz(*pairs)
        simulator.peek_observable_expectation(observable)
        direct += time.perf_counter() - start
    direct /= count
    built, simulated = built / count, simulated / count
    ansatz = layered_ansatz(num_wires, depth)
    task = local({num_wires // 2: "Z"}, num_wires)
    with without_splitting():
        jax.clear_caches()
        _, cold = predicted(ansatz, task, samples=samples, rtol=1e-9)
        prediction, warm = predicted(ansatz, task, samples=samples, rtol=1e-9, seed=1)
    print(
        f"stim: {1e6 * simulated:.0f} us a simulation (and {1e6 * built:.0f} us to write the circuit; "
        f"{1e6 * direct:.0f} us gate by gate, without writing one); "
        f"{count} samples give {total / count:.2g} for the loss alone"
    )
    for name, seconds in (("cold", cold), ("warm", warm)):
        per_path = seconds / prediction.statistics["paths"]
        print(
            f"paths, {name}: {1e6 * per_path:.2f} us a path with all {2 * num_wires * depth} gradients, ratio "
            f"{simulated / per_path:.0f} ({(simulated + built) / per_path:.0f} with the writing, "
            f"{direct / per_path:.0f} gate by gate)"
        )
    split, seconds = predicted(ansatz, task, samples=samples // 10, rtol=1e-9)
    relative = [p.loss.stderr / p.loss.value for p in (prediction, split)]
    print(
        f"loss {prediction.loss.value:.3g} ± {relative[0]:.1%}; "
        f"with splitting {split.loss.value:.3g} ± {relative[1]:.1%} "
        f"from a tenth of the paths"
    )


def bandwidth() -> None:
    """A step reads and writes four rows and writes one: nine rows of a batch."""
    source = np.ones(2**25)
    target = np.empty_like(source)
    copies = []
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        copies.append(2 * source.nbytes / (time.perf_counter() - start))
    num_wires, words = 1000, path_batches.LARGE_BATCH
    ansatz = layered_ansatz(num_wires, 8)
    table = gate_table(
        ansatz.gates,
        range(len(ansatz.gates))[::-1],
        [quarter(g) for g in ansatz.gates],
        [4] * num_wires,
        np.ones((num_wires, 4)),
    )
    rows, blocks, eigenvalues = sweep.padded_blocks(table, sweep.block_length(len(table.codes)))
    rng = np.random.default_rng(0)
    bits = rng.integers(2**32, size=(4, rows, words), dtype=np.uint32)
    with numerics():
        state = sweep.Rows(jax.numpy.asarray(bits[0]), jax.numpy.asarray(bits[1]))
        parity, weight = jax.numpy.zeros((1, words), "uint32"), jax.numpy.ones((1, 1))
        times = []
        for repeat in range(6):
            start = time.perf_counter()
            state, parity, weight, odd = sweep.sweep_block(
                state, parity, weight, bits[2, :2], *blocks[0], eigenvalues, np.uint32(repeat), False
            )
            odd.block_until_ready()
            times.append(time.perf_counter() - start)
    steps = len(blocks[0][1])
    moved = 9 * 4 * words * steps / min(times)
    print(
        f"{1e6 * min(times) / steps:.2f} us a step of {32 * words} paths on one core: {moved / 1e9:.1f} GB/s, "
        f"{moved / max(copies):.0%} of the {max(copies) / 1e9:.1f} GB/s that one core copies"
    )


GRID_FAMILIES = {"XX YY XY": ("XX", "YY", "XY"), "XY YZ ring": ("XY", "YZ")}


def brick_wall(words, num_wires: int, depth: int, ring: bool) -> Ansatz:
    """Layers of independent ``PauliRot`` on even, then odd bonds, one layer for each word in turn."""
    gates, element = [], 0
    for layer in range(depth):
        word = words[layer % len(words)]
        for parity in (0, 1):
            for w in range(parity, num_wires if ring else num_wires - 1, 2):
                gates.append(Rotation((w, (w + 1) % num_wires), (word,), (0.5,), Angle(0.0, (element,), (1.0,))))
                element += 1
    return ansatz_of(gates, num_wires, element)


def grid() -> None:
    """``Z_0 Z_1``, n = 4…16, depth 2…24, every parameter."""
    start, count, parameters, errors = time.perf_counter(), 0, 0, []
    for name, words in GRID_FAMILIES.items():
        for num_wires in range(4, 17, 2):
            for depth in range(2, 25, 2):
                ansatz = brick_wall(words, num_wires, depth, "ring" in name)
                prediction, _ = predicted(ansatz, local({0: "Z", 1: "Z"}, num_wires), samples=100_000)
                count, parameters = count + 1, parameters + ansatz.arguments.num_elements
                live = prediction.gradient.value > 0
                errors += list(prediction.gradient.stderr[live] / prediction.gradient.value[live])
    print(
        f"{count} circuits, {parameters} parameters: {time.perf_counter() - start:.1f} s cold (limit 60 s); "
        f"median relative error of a gradient variance {np.median(errors):.1%}"
    )


def large() -> None:
    """From the QNode to every gradient variance."""
    num_wires, depth = 1000, 50

    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        layers(weights, num_wires)
        return qp.expval(qp.dot([1 / num_wires] * num_wires, [qp.Z(w) for w in range(num_wires)]))

    start = time.perf_counter()
    (ansatz,) = extract(circuit, (pnp.zeros((depth, 2, num_wires), requires_grad=True),))
    extraction = time.perf_counter() - start
    prediction, seconds = predicted(ansatz, ansatz.measurements[0].observable, samples=100_000, rtol=1e-9)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    low, high = prediction.loss.interval
    print(
        f"extraction {extraction:.1f} s, paths {seconds:.1f} s, together {extraction + seconds:.1f} s (limit 45 s), "
        f"{memory:.2f} GiB (limit 4)"
    )
    print(
        f"loss {prediction.loss.value:.2g}, 95 % [{low:.2g}, {high:.2g}]; "
        f"{len(prediction.gradient.value)} gradient variances"
    )


def scaling() -> None:
    """Seconds, warm, without extraction."""
    num_wires = 100
    observable = local({num_wires // 2: "Z"}, num_wires)
    print("layers  steps   paths    seconds  ns a step and path")
    for depth, samples in ((20, 2**17), (40, 2**17), (80, 2**17), (160, 2**17), (40, 2**15), (40, 2**19)):
        ansatz = layered_ansatz(num_wires, depth)
        with without_splitting():
            predicted(ansatz, observable, samples=samples, rtol=1e-9)
            prediction, seconds = predicted(ansatz, observable, samples=samples, rtol=1e-9)
        steps = prediction.statistics["steps"]
        print(f"{depth:6d} {steps:6d} {samples:7d} {seconds:10.2f} {1e9 * seconds / steps / samples:10.3f}")


def tail() -> None:
    """One string in the middle of 30 qubits, 60 layers: the deep limit is about ``2^-30``."""
    num_wires, depth = 30, 60
    prediction, seconds = predicted(
        layered_ansatz(num_wires, depth), local({num_wires // 2: "Z"}, num_wires), samples=1_000_000, rtol=1e-3
    )
    low, high = prediction.loss.interval
    relative = prediction.loss.stderr / prediction.loss.value
    print(
        f"loss variance {prediction.loss.value:.3g} ± {relative:.0%}, 95 % [{low:.3g}, {high:.3g}], "
        f"{prediction.statistics['paths']} paths, {seconds:.1f} s; 2^-30 = {2.0**-30:.3g}"
    )


BENCHMARKS = {function.__name__: function for function in (simulation, clifford, bandwidth, grid, large, scaling, tail)}

if __name__ == "__main__":
    main(sys.argv[1:])
