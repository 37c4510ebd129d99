"""The table of engines, and the page that says how to add one: its steps, followed to the letter."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

import pennylane_dla as dla
from pennylane_dla.variance import engines
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate

PAGE = Path(__file__).parents[2] / "demos" / "docs" / "adding_an_engine.rst"


def blocks():
    """The code of the page, one text a block."""
    found, taken = [], None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(".. printed::"):
            found.append([])
            taken = found[-1]
        elif line and not line.startswith(" "):
            taken = None
        elif taken is not None:
            taken.append(line[3:])
    return ["\n".join(lines) for lines in found]


def test_the_steps_of_the_page():
    *steps, last = blocks()
    names = {}
    before = engines.names()
    printed = io.StringIO()
    try:
        for step in steps[:-1]:
            exec(step, names)
        assert engines.names() == (*before[:-1], "toy", "simulated")
        with contextlib.redirect_stdout(printed):
            exec(steps[-1], names)
        circuit, weights = names["circuit"], names["weights"]
        toy = dla.inspect(circuit, method="toy", progress=False)(weights)
        exact = dla.inspect(circuit, method="exact", progress=False)(weights)
        # asked without being named: behind the engines that are exact, before simulation
        assert dla.inspect(circuit, progress=False)(weights).loss.variance.method == "exact"
    finally:
        exec(last, names)
    assert engines.names() == before
    assert toy.loss.variance.method == toy.gradient.estimate.method == "toy"
    loss = toy.loss.variance
    assert abs(loss.value - exact.loss.variance.value) < 5 * loss.stderr
    value, error = (np.ravel(part) for part in (toy.gradient.estimate.value, toy.gradient.estimate.stderr))
    assert np.all(np.abs(value - np.ravel(exact.gradient.estimate.value)) <= 5 * error + 1e-12) and value.max() > 0
    lines = printed.getvalue().splitlines()
    assert lines[0].startswith("toy: 0.") and lines[1] == f"exact: {exact.loss.variance.value:.4f} ± 0.0000"
    assert lines[2] == "toy: the toy knows uniform angles alone"


class Constant(engines.Engine):
    name = "constant"

    def applies(self, problem):
        return Declined("not today") if problem.method is None else None

    def predict(self, problem):
        every = VarianceEstimate(np.full(problem.ansatz.arguments.num_elements, 0.5), method=self.name)
        return Prediction(VarianceEstimate(0.25, method=self.name), every)


@pytest.mark.wrong_types
def test_register_refuses_a_class():
    with pytest.raises(dla.DLAError, match="instance of Engine"):
        engines.register(Constant)


def test_what_register_refuses():
    taken = Constant()
    taken.name = "exact"
    with pytest.raises(dla.DLAError, match="already"):
        engines.register(taken)
    with pytest.raises(dla.DLAError, match="there are exact"):
        engines.register(Constant(), before="nothing")
    for name in ("constant", "exact"):
        with pytest.raises(dla.DLAError, match="was added"):
            engines.unregister(name)
    assert "constant" not in engines.names()


def test_each_engine_says_whether_it_applies():
    import pennylane as qp

    @qp.qnode(qp.device("default.qubit", wires=2))
    def shared(x):
        qp.RX(x, wires=0)
        qp.RY(x, wires=0)
        return qp.expval(qp.Z(0))

    for name in ("exact", "paths", "module"):
        reason = dla.inspect(shared, method=name, progress=False)(qp.numpy.array(0.3)).loss.variance.reason
        assert reason.startswith(f"{name}: ") and "x drives" in reason
