"""Benchmarks of the classification: ratios measured in one run. ``python -m tests.benchmarks.classification``

- a thousand qubits: three families, best of several, and memory;
- growth: cost for each doubling of the number of qubits;
- very many dense generators;
- PauLie (arXiv:2408.00081; Python ≥ 3.12), from the same words, where it is installed;
- the deep-circuit limit of a thousand qubits.
"""

from __future__ import annotations

import os
import platform
import resource
import time
import tracemalloc
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from pennylane_dla.algebra.classification import classify, classify_strings
from pennylane_dla.algebra.naming import format_dimension
from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.variance.limit.strings import limit


def main() -> None:
    """Print every section."""
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, numpy {np.__version__}, pennylane {_version('pennylane')}, "
        f"paulie {_version('paulie')}"
    )
    thousand_qubits()
    growth()
    many_generators()
    against_paulie()
    deep_limit()
    print(f"peak resident memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB")


def chain(n: int, *words: str) -> list[str]:
    """Each word on neighbouring qubits, everywhere on an open chain."""
    return ["I" * i + word + "I" * (n - i - len(word)) for word in words for i in range(n - len(word) + 1)]


def regular_graph(n: int, seed: int = 0) -> list[str]:
    """One random two-letter word on each edge of a random 3-regular graph."""
    rng = np.random.default_rng(seed)
    while True:
        edges = {tuple(sorted(pair)) for pair in rng.permutation(np.repeat(np.arange(n), 3)).reshape(-1, 2).tolist()}
        if len(edges) == 3 * n // 2 and all(a != b for a, b in edges):
            break
    words = []
    for a, b in sorted(edges):
        letters = ["I"] * n
        letters[a], letters[b] = rng.choice(list("XYZ"), 2)
        words.append("".join(letters))
    return words


FAMILIES = {
    "X, Y, ZZ": lambda n: chain(n, "X", "Y", "ZZ"),
    "open TFIM": lambda n: chain(n, "X", "ZZ"),
    "XX, YY, ZZ": lambda n: chain(n, "XX", "YY", "ZZ"),
    "3-regular graph": regular_graph,
}


def best(function, repeat: int = 5) -> float:
    """Best wall time of several calls, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def thousand_qubits() -> None:
    """Type, dimension, time and memory at 1000 qubits."""
    print("\n1000 qubits, packed strings")
    for name, family in FAMILIES.items():
        strings = PauliStrings.from_labels(family(1000))
        start = time.perf_counter()
        algebra = classify_strings(strings)
        first = time.perf_counter() - start
        seconds = best(lambda s=strings: classify_strings(s))
        tracemalloc.start()
        classify_strings(strings)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            f"  {name:16s} {len(strings)} strings: {seconds:.3f} s (first call {first:.3f} s), {peak / 2**20:.0f} MiB; "
            f"{algebra.name}, dim {format_dimension(algebra.dim)}"
        )


def growth() -> None:
    """Factor in time for each doubling of ``n``."""
    print("\ncost for each doubling of n")
    sizes = [125, 250, 500, 1000, 2000]
    for name, family in FAMILIES.items():
        times = []
        for n in sizes:
            strings = PauliStrings.from_labels(family(n + n % 2))
            times.append(best(lambda s=strings: classify_strings(s), 3))
        factors = ", ".join(f"{b / a:.1f}" for a, b in zip(times, times[1:], strict=False))
        print(f"  {name:16s} n = {sizes}: {', '.join(f'{t:.3f}' for t in times)} s; factors {factors}")


def many_generators() -> None:
    """Dense random strings, as Cliffords leave them behind in deep circuits."""
    print("\ndense random strings on 1000 qubits")
    rng = np.random.default_rng(0)
    for m in (1000, 10_000, 100_000):
        bits = rng.integers(0, 2**32, (2, m, 32), dtype=np.uint32)
        bits[:, :, -1] &= 0xFF
        strings = PauliStrings(bits[0], bits[1], 1000)
        print(
            f"  {m} strings: {best(lambda s=strings: classify_strings(s), 1):.2f} s, {classify_strings(strings).name}"
        )


def against_paulie() -> None:
    """The same words, parsing included, both from scratch in every call."""
    try:
        from paulie import get_pauli_string
    except ImportError:
        print("\nPauLie is not installed (it needs Python 3.12 or newer): skipped")
        return
    print("\nagainst PauLie")
    for name, family in FAMILIES.items():
        for n in (64, 128, 256):
            words = family(n)
            theirs = best(lambda w=words: get_pauli_string(list(w)).get_algebra(), 3)
            strings = PauliStrings.from_labels(words)
            ours, parsed = best(lambda s=strings: classify_strings(s)), best(lambda w=words: classify(w))
            same = int(get_pauli_string(list(words)).get_dla_dim()) == classify_strings(strings).dim
            print(
                f"  {name:16s} n = {n}: {theirs:.4f} s against {ours:.4f} s: {theirs / ours:.0f}x "
                f"(from words {parsed:.4f} s: {theirs / parsed:.0f}x); dimensions {'agree' if same else 'DIFFER'}"
            )


def deep_limit() -> None:
    """Exact variance of the loss and of all derivatives in the deep limit."""
    print("\ndeep limit on 1000 qubits, |0…0⟩")
    n = 1000
    for name, family, observable in (
        ("X, Y, ZZ", FAMILIES["X, Y, ZZ"], chain(n, "Z")[:1]),
        ("X, Y, ZZ", FAMILIES["X, Y, ZZ"], chain(n, "Z")),
        ("open TFIM", FAMILIES["open TFIM"], chain(n, "Z")[:1]),
        ("open TFIM", FAMILIES["open TFIM"], chain(n, "X", "ZZ")),
    ):
        generators = PauliStrings.from_labels(family(n))
        terms = PauliSum(PauliStrings.from_labels(observable), np.ones(len(observable)))
        seconds = best(lambda g=generators, t=terms: limit(g, t, ProductState.zero(n)), 2)
        value = limit(generators, terms, ProductState.zero(n)).loss.value
        print(f"  {name}, {len(terms)} terms: {seconds:.2f} s, classification included; variance {float(value):.6g}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    main()
