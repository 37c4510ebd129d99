"""Time that closures and modules share."""

import networkx as nx
import numpy as np
import pennylane as qp

import pennylane_dla as dla
from pennylane_dla.algebra import allowance as module
from pennylane_dla.algebra.allowance import Allowance, Stopwatch
from pennylane_dla.variance import observable_module


class Clock:
    """Seconds that pass only when told."""

    now = 0.0

    def monotonic(self):
        return self.now


def test_what_one_uses_is_gone_for_the_others_down_to_the_floor(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    shared = Allowance(10.0)
    first = Stopwatch(shared, 0.5)
    clock.now = 4.9
    assert not first.over
    clock.now = 5.1
    assert first.over and "max_seconds=10" in first.statement
    first.stop()
    first.stop()  # charged once
    assert shared.grant() == 10.0 - 5.1
    second = Stopwatch(shared)
    clock.now = 15.0
    assert second.over
    second.stop()
    assert shared.grant() == module.FLOOR


def test_a_small_allowance_has_no_larger_floor():
    shared = Allowance(0.25)
    shared.charge(1.0)
    assert shared.grant() == 0.25


def test_the_limit_does_not_grow_again_what_was_too_large(monkeypatch):
    """A random graph: algebra and modules are too large; each side is grown once a rung and never for the limit."""
    cost, mixer = qp.qaoa.maxcut(nx.random_regular_graph(3, 8, seed=1))

    @qp.qnode(qp.device("default.qubit"))
    def circuit(params):
        for wire in range(8):
            qp.Hadamard(wire)
        qp.qaoa.cost_layer(params[0], cost)
        qp.qaoa.mixer_layer(params[1], mixer)
        return qp.expval(cost)

    asked = []
    build = observable_module.build_module

    def counted(rotations, seed, observable, problem, max_dim, minimal):
        asked.append((len(seed), max_dim))
        return build(rotations, seed, observable, problem, max_dim, minimal)

    monkeypatch.setattr(observable_module, "build_module", counted)
    diagnosis = dla.inspect(circuit, samples=300, max_seconds=0.5, progress=False)(np.zeros(2))
    assert 1 <= len(asked) == len(set(asked)) <= 4
    assert "max_seconds=0.5" in diagnosis.algebra.reason
    assert "max_seconds=0.5" in diagnosis.limit.loss.variance.reason
    assert not diagnosis.algebra.complete and diagnosis.algebra.dim > 2
