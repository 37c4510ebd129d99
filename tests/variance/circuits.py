"""Circuits that the tests of several engines share."""

import numpy as np

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Problem

QUARTER = np.pi / 2


def random_ansatz(rng, num_wires, trainable, fixed, quarters, bloch=None):
    """Random strings on random wires; ``trainable`` elements once each, in random order among fixed gates."""
    kinds = ["trainable"] * trainable + ["fixed"] * fixed + ["quarter"] * quarters
    rng.shuffle(kinds)
    gates, element, periods = [], 0, []
    for kind in kinds:
        width = int(rng.integers(1, num_wires + 1))
        wires = tuple(int(w) for w in rng.permutation(num_wires)[:width])
        string = "".join(rng.choice(list("XYZ"), width))
        if kind == "trainable":
            scale = float(rng.choice([1.0, -1.0, 2.0]))
            angle = Angle(float(rng.choice([0.0, 0.3])), (element,), (scale,))
            periods.append(2 * np.pi / abs(scale))
            element += 1
        else:
            angle = Angle(QUARTER * int(rng.integers(1, 4)) if kind == "quarter" else float(rng.uniform(0, 6)))
        gates.append(Rotation(wires, (string,), (0.5,), angle))
    state = ProductState.zero(num_wires) if bloch is None else ProductState(bloch)
    arguments = Arguments(("w",), ((element,),), np.array(periods), lambda rows: rows)
    return Ansatz(tuple(range(num_wires)), tuple(gates), state, (), arguments)


def random_observable(rng, num_wires, terms):
    labels = {"".join(rng.choice(list("IXYZ"), num_wires)) for _ in range(terms)}
    return PauliSum.from_dict({label: float(rng.normal()) for label in sorted(labels)})


def commuting_sum(rng, num_wires):
    """Terms that commute with each other, with integer coefficients: the angle has a period."""
    letters = rng.choice(list("XYZ"), num_wires)
    labels = set()
    while len(labels) < min(3, 2**num_wires - 1):
        keep = rng.integers(0, 2, num_wires)
        if keep.any():
            labels.add("".join(p if k else "I" for p, k in zip(letters, keep, strict=True)))
    return tuple(sorted(labels)), tuple(float(rng.choice([-1, 1, 0.5])) for _ in labels)


def sums_ansatz(rng, num_wires, trainable, fixed, state=None):
    kinds = ["trainable"] * trainable + ["fixed"] * fixed
    rng.shuffle(kinds)
    gates, element = [], 0
    for kind in kinds:
        strings, coefficients = commuting_sum(rng, num_wires)
        if kind == "trainable":
            scale = float(rng.choice([1.0, -1.0]))
            angle = Angle(float(rng.choice([0.0, 0.4])), (element,), (scale,))
            element += 1
        else:
            angle = Angle(float(rng.uniform(0, 6)))
        wires = tuple(int(w) for w in rng.permutation(num_wires))
        gates.append(Rotation(wires, strings, coefficients, angle))
    arguments = Arguments(("w",), ((element,),), np.full(element, 2 * np.pi), lambda rows: rows)
    state = ProductState.zero(num_wires) if state is None else state
    return Ansatz(tuple(range(num_wires)), tuple(gates), state, (), arguments)


def qaoa(n, layers, edges, observable, weights=None):
    """Cost ``exp(-iγ Σ w ZZ)`` and mixer ``exp(-iβ ΣX)`` from ``|+⟩``."""
    weights = weights or [1.0] * len(edges)
    cost = tuple("".join("Z" if q in edge else "I" for q in range(n)) for edge in edges)
    mixer = tuple("".join("X" if q == k else "I" for q in range(n)) for k in range(n))
    gates = []
    for layer in range(layers):
        gates.append(Rotation(tuple(range(n)), cost, tuple(weights), Angle(0.0, (2 * layer,), (1.0,))))
        gates.append(Rotation(tuple(range(n)), mixer, (1.0,) * n, Angle(0.0, (2 * layer + 1,), (1.0,))))
    state = ProductState(np.tile([1.0, 0, 0], (n, 1)))
    arguments = Arguments(("p",), ((layers, 2),), np.full(2 * layers, 2 * np.pi), lambda rows: rows)
    ansatz = Ansatz(tuple(range(n)), tuple(gates), state, (), arguments)
    return Problem(ansatz, observable, AngleLaw.resolve(None, arguments))


def ring(n):
    return [(q, (q + 1) % n) for q in range(n)]


def ring_cost(n):
    return PauliSum.from_dict({"".join("Z" if q in edge else "I" for q in range(n)): 1.0 for edge in ring(n)})
