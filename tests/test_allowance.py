"""One allowance of time for a whole diagnosis."""

import time

import networkx as nx
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla import allowance as module
from pennylane_dla.allowance import Allowance, OutOfTime, afford, checkpoint, current, paced
from pennylane_dla.variance.module import observable_module
from pennylane_dla.variance.paths.sharding import map_batches


class Clock:
    """Seconds that pass only when told."""

    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_part_ends_with_its_share_and_never_after_the_whole(clock):
    whole = Allowance(10.0)
    with whole.part(1 / 2) as half:
        clock.now = 4.9
        checkpoint()
        with current().part() as inner:
            assert inner.end == half.end
        clock.now = 5.1
        with pytest.raises(OutOfTime, match=r"5 s, its part of max_seconds=10"):
            checkpoint()
        with whole.part() as nested:  # the whole has time left, what is open has not
            assert nested.over or nested.left == 0
    assert not whole.over
    with whole.part():
        clock.now = 10.1
        with pytest.raises(OutOfTime, match="stopped after max_seconds=10"):
            checkpoint()


def test_nothing_is_limited_where_no_allowance_is_open(clock):
    clock.now = 1e9
    checkpoint()
    afford(1e12, "all of it")
    assert current().seconds == np.inf


def test_after_work_that_cannot_stop_a_share_is_left(clock):
    allowance = Allowance(10.0)
    clock.now = 25.0
    allowance.last(1 / 2)
    assert allowance.left == 5.0
    clock.now = 0.0
    other = Allowance(10.0)
    other.last(1 / 2)
    assert other.left == 10.0


def test_work_that_will_not_finish_is_given_up_early(clock):
    def work(seconds, number):
        done = 0
        for _ in paced(range(number), "the work"):
            clock.now += seconds
            done += 1
        return done

    with Allowance(10.0).part():
        assert work(0.9, 10) == 10
    with Allowance(10.0).part():
        before = clock.now
        with pytest.raises(OutOfTime, match="the work would take about 1e.02 s"):
            work(1.0, 100)
        assert clock.now - before <= 3.0
    with Allowance(10.0).part(), pytest.raises(OutOfTime, match="eigenvectors would take about 20 s"):
        afford(20.0, "eigenvectors")


def test_threads_work_under_the_same_allowance():
    with Allowance(5.0).part() as part:
        assert map_batches(lambda _: current(), range(4)) == [part] * 4


def ring_of_sums(graph):
    cost, mixer = qp.qaoa.maxcut(graph)

    @qp.qnode(qp.device("default.qubit"))
    def circuit(params):
        for wire in graph.nodes:
            qp.Hadamard(wire)
        qp.qaoa.cost_layer(params[0], cost)
        qp.qaoa.mixer_layer(params[1], mixer)
        return qp.expval(cost)

    return circuit


def test_the_limit_does_not_grow_again_what_was_too_large(monkeypatch):
    """A random graph: algebra and modules are too large; each side is grown once a rung and never for the limit,
    which the sector of the state gives in closed form.
    """
    circuit = ring_of_sums(nx.random_regular_graph(3, 8, seed=1))
    asked = []
    build = observable_module.build_module

    def counted(rotations, seed, observable, problem, max_dim, minimal):
        asked.append((len(seed), max_dim))
        return build(rotations, seed, observable, problem, max_dim, minimal)

    monkeypatch.setattr(observable_module, "build_module", counted)
    diagnosis = dla.inspect(circuit, samples=300, max_seconds=3.0, progress=False)(np.zeros(2))
    assert 1 <= len(asked) == len(set(asked)) <= 4
    assert "max_seconds=3" in diagnosis.algebra.reason
    limit = diagnosis.limit.loss.variance
    assert limit.exact or "max_seconds=3" in limit.reason
    assert not diagnosis.algebra.complete and diagnosis.algebra.dim > 2


@pytest.mark.parametrize("seconds", [0.3, 2.0])
def test_what_is_not_found_in_time_says_so(seconds):
    """Ten qubits, an algebra of all sums with one symmetry: nothing of it is small."""
    circuit = ring_of_sums(nx.random_regular_graph(3, 10, seed=1))
    dla.inspect(circuit, max_seconds=0.3, progress=False)(np.zeros(2))  # imports
    start = time.process_time()  # of this process: others may keep the machine busy
    diagnosis = dla.inspect(circuit, samples=10**7, rtol=1e-6, max_seconds=seconds, progress=False)(np.zeros(2))
    assert time.process_time() - start < 2 * seconds + 1
    for estimate in (diagnosis.loss.variance, diagnosis.gradient.estimate, diagnosis.limit.loss.variance):
        assert estimate.available or "max_seconds" in estimate.reason
    sampled = diagnosis.loss.variance
    assert not sampled.available or f"max_seconds={seconds:g}" in sampled.reason
