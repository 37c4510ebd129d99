"""Circuits side by side."""

import json

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")


def basic(rotation):
    @qp.qnode(DEVICE)
    def circuit(weights):
        qp.BasicEntanglerLayers(weights, wires=range(4), rotation=rotation)
        return qp.expval(qp.Z(0))

    return circuit


@qp.qnode(DEVICE)
def strong(weights):
    qp.StronglyEntanglingLayers(weights, wires=range(4))
    return qp.expval(qp.Z(0))


@qp.qnode(DEVICE)
def two(couplings, fields):
    for i in range(3):
        qp.IsingZZ(couplings[i], (i, i + 1))
    for i in range(4):
        qp.RX(fields[i], i)
    return qp.expval(qp.Z(0))


def test_shared_arguments():
    weights = np.zeros((3, 4))
    found = dla.compare({"RX": basic(qp.RX), "RY": basic(qp.RY)})(weights)
    for name, rotation in (("RX", qp.RX), ("RY", qp.RY)):
        alone = dla.inspect(basic(rotation))(weights)
        assert found[name].algebra.dim == alone.algebra.dim
        variance = np.ravel(alone.gradient.variance)
        assert found.summaries[name].gradient == pytest.approx(np.median(variance[variance > 0]))


def test_own_arguments_for_each():
    found = dla.compare({"basic": basic(qp.RY), "strong": strong, "two": two})(
        {"basic": np.zeros((2, 4)), "strong": np.zeros((2, 4, 3)), "two": (np.zeros(3), np.zeros(4))}
    )
    assert [found.summaries[name].num_params for name in found] == [8, 24, 3]


def test_regions():
    """Two RX in a row: more parameters than directions. One shot does not resolve ``strong``, a thousand do."""

    @qp.qnode(DEVICE)
    def product(weights):
        for layer in range(2):
            for i in range(4):
                qp.RX(weights[layer, i], i)
        return qp.expval(qp.Z(0))

    arguments = {"product": np.zeros((2, 4)), "strong": np.zeros((4, 4, 3))}
    circuits = {"product": product, "strong": strong}
    found = dla.compare(circuits, shots=1000)(arguments)
    assert (found.region("product"), found.region("strong")) == ("underfitting", "balanced")
    found = dla.compare(circuits, shots=1)(arguments)
    assert found.region("strong") == "below shot noise"


def test_table_and_json():
    found = dla.compare({"RX": basic(qp.RX), "<b>": basic(qp.RY)})(np.zeros((2, 4)))
    text, html, data = str(found), found._repr_html_(), json.loads(found.to_json())
    assert "RX" in text and str(found["RX"].algebra.dim) in text
    assert "&lt;b&gt;" in html and "<b>" not in html
    assert data["RX"]["region"] == found.region("RX")


def test_errors_name_the_circuit():
    @qp.qnode(DEVICE)
    def broken(w):
        qp.measure(0)
        qp.RX(w, 0)
        return qp.expval(qp.Z(0))

    with pytest.raises(dla.DLAError, match="^bad: .*"):
        dla.compare({"bad": broken})(0.1)
    with pytest.raises(dla.DLAError, match="'x'"):
        dla.compare({"x": 3})
    with pytest.raises(dla.DLAError, match="dictionary"):
        dla.compare([strong])


def test_plot():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    found = dla.compare({"basic": basic(qp.RX), "strong": strong})(
        {"basic": np.zeros((2, 4)), "strong": np.zeros((4, 4, 3))}
    )
    ax = found.plot()
    for name in found:
        line = next(line for line in ax.lines if line.get_label().startswith(name + ":"))
        assert 10 ** line.get_xdata()[0] == pytest.approx(found[name].algebra.dim)
        assert line.get_ydata()[0] == pytest.approx(found.summaries[name].gradient)
    assert {"_barren", "_underfitting"} <= {patch.get_label() for patch in ax.patches}
    assert "dim" in ax.get_xlabel() and "1/rad²" in ax.get_ylabel()
    plt.close("all")
