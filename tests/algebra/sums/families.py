"""Families of generators that are sums."""

from fractions import Fraction

import numpy as np

from pennylane_dla.pauli import PauliSum


def word(n, letters):
    return "".join(letters.get(q, "I") for q in range(n))


def total(n, *terms):
    return PauliSum.from_dict({word(n, t): 1.0 for t in terms})


def field(n, letter):
    return total(n, *({q: letter} for q in range(n)))


def couplings(n, edges, letter="Z"):
    return total(n, *({a: letter, b: letter} for a, b in edges))


def ring(n):
    return [(q, (q + 1) % n) for q in range(n)]


def path(n):
    return [(q, q + 1) for q in range(n - 1)]


def complete(n):
    return [(a, b) for a in range(n) for b in range(a)]


def heisenberg_layers(n):
    return [total(n, *({q: p, q + 1: p} for q in range(start, n - 1, 2) for p in "XYZ")) for start in (0, 1)]


def random_sums(rng, kind):
    n = int(rng.integers(1, 5 if kind == "integer" else 4))
    generators = []
    for _ in range(rng.integers(2, 4)):
        size = int(rng.integers(1, min(4, 4**n - 1) + 1))
        labels = set()
        while len(labels) < size:
            label = "".join(rng.choice(list("IXYZ"), n))
            if set(label) != {"I"}:
                labels.add(label)
        draw = {
            "integer": lambda: float(rng.choice([-3, -2, -1, 1, 2, 3])),
            "rational": lambda: float(Fraction(int(rng.integers(1, 9)), int(rng.integers(1, 9)))),
            "irrational": lambda: float(rng.choice([-1, 1]) * rng.uniform(0.5, 2)),
            "root": lambda: float(rng.choice([1, -1, 2]) * np.sqrt(rng.choice([1, 2, 3, 6]))),
        }[kind]
        generators.append(PauliSum.from_dict({label: draw() for label in sorted(labels)}))
    return generators
