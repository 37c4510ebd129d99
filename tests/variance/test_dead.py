"""Identically vanishing derivatives: those found are zero in the exact engine too; sampling reports them as dead."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.variance.dead import dead_rotations
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Problem
from tests.variance.circuits import random_ansatz, random_observable


@pytest.mark.parametrize("seed", range(20))
def test_what_is_called_dead_has_no_gradient(seed):
    rng = np.random.default_rng(seed)
    ansatz = random_ansatz(rng, 4, trainable=8, fixed=1, quarters=4)
    problem = Problem(ansatz, random_observable(rng, 4, 2), AngleLaw.resolve(None, ansatz.arguments))
    effective = problem.effective
    dead = dead_rotations(effective, effective.clifford.push(problem.observable))
    gradient = exact.predict(problem).gradient.value
    for k in np.flatnonzero(dead):
        assert all(gradient[e] == 0 for e in effective.angles[k].elements)


def test_sampling_tells_dead_from_unseen():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(w):
        qp.StronglyEntanglingLayers(w, wires=range(6))
        return qp.expval(qp.Z(0))

    exactly = dla.inspect(circuit)(np.zeros((2, 6, 3)))
    sampled = dla.inspect(circuit, method="paths", samples=2000, progress=False)(np.zeros((2, 6, 3)))
    assert set(sampled.gradient.dead) <= set(exactly.gradient.dead)
    assert {3 * wire for wire in range(6)} <= set(sampled.gradient.dead)  # RZ on |0⟩
    assert len(sampled.gradient.dead) >= len(exactly.gradient.dead) - 2
