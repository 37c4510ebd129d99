"""Circuits of local gates, and how sampled paths are held against exact values."""

import numpy as np

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation, VectorState
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Budget, Problem

SIGMAS = 4.5


def problem(ansatz, observable, angles=None, **budget):
    budget = {"samples": 40_000, "rtol": 1e-4} | budget
    return Problem(ansatz, observable, AngleLaw.resolve(angles, ansatz.arguments), Budget(**budget))


def circuit(gates, num_wires, num_elements, state=None):
    arguments = Arguments(("w",), ((num_elements,),), np.full(num_elements, 2 * np.pi), lambda rows: rows)
    return Ansatz(tuple(range(num_wires)), tuple(gates), state or ProductState.zero(num_wires), (), arguments)


def random_observable(rng, num_wires, terms):
    labels = dict.fromkeys("".join(rng.choice(list("IXYZ"), num_wires)) for _ in range(terms))
    return PauliSum.from_dict({label: float(rng.normal()) for label in labels})


def rotation(wires, word, element):
    return Rotation(wires, (word,), (0.5,), Angle(0.0, (element,), (1.0,)), word)


def layered(num_wires, depth):
    """RX·RY on every wire, then a ladder of CZ."""
    gates, element = [], 0
    for _ in range(depth):
        for word in "XY":
            for w in range(num_wires):
                gates.append(rotation((w,), word, element))
                element += 1
        for w in range(num_wires - 1):
            gates.append(Rotation((w, w + 1), ("ZZ",), (0.5,), Angle(np.pi / 2)))
            gates.append(Rotation((w,), ("Z",), (0.5,), Angle(-np.pi / 2)))
            gates.append(Rotation((w + 1,), ("Z",), (0.5,), Angle(-np.pi / 2)))
    return circuit(gates, num_wires, element)


def within(estimate, value, slack=1e-9):
    """Whether every entry is within ``SIGMAS`` standard errors of the truth."""
    return np.all(np.abs(estimate.value - value) <= SIGMAS * np.asarray(estimate.stderr) + slack)


def assert_agrees(prediction, reference):
    mean, loss, gradient = reference
    assert prediction.loss.available, prediction.loss.reason
    assert abs(prediction.loss_mean - mean) < 1e-9
    assert within(prediction.loss, loss)
    assert within(prediction.gradient, gradient, 1e-6)  # the oracle's gradients are finite differences


def exact_reference(task):
    prediction = exact.predict(task)
    return prediction.loss_mean, prediction.loss.value, prediction.gradient.value


def states(rng, n):
    amplitudes = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    return {
        "zero": ProductState.zero(n),
        "product": ProductState(rng.uniform(-0.5, 0.5, size=(n, 3))),
        "vector": VectorState(amplitudes / np.linalg.norm(amplitudes)),
    }
