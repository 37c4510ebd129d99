"""Families of circuits with a known law."""

import json
import warnings

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.scaling import _not_importable
from tests.families import shallow

DEVICE = qp.device("default.qubit")


def matchgates(n):
    @qp.qnode(DEVICE)
    def circuit(couplings, fields):
        for layer in range(n**2):
            for i in range(n - 1):
                qp.IsingXX(couplings[layer, i], (i, i + 1))
            for i in range(n):
                qp.RZ(fields[layer, i], i)
        return qp.expval(qp.Z(n // 2))

    return circuit, (np.zeros((n**2, n - 1)), np.zeros((n**2, n)))


def strongly_entangling(n):
    @qp.qnode(DEVICE)
    def circuit(weights):
        qp.StronglyEntanglingLayers(weights, wires=range(n))
        return qp.expval(qp.Projector([0] * n, wires=range(n)))

    return circuit, np.zeros((4 * n, n, 3))


def limits(build, sizes, argnums=0):
    """Median gradient variance of infinitely deep circuits, from the exact fractions of the deep limit."""
    values = []
    for n in sizes:
        circuit, args = build(n)
        diag = dla.inspect(circuit, argnums=argnums)(*(args if isinstance(args, tuple) else (args,)))
        values.append(np.median([float(v) for v in diag.limit.gradient.estimate.value]))
    return np.array(values)


def test_global_projector_is_exponential_with_the_exact_rate():
    sizes = [3, 4, 5, 6]
    found = dla.scaling(strongly_entangling, sizes, progress=False)
    assert found.verdict == "exponential" and found.loss.label == "exponential"
    exact = -np.polyfit(sizes, np.log2(limits(strongly_entangling, sizes)), 1)[0]
    assert abs(found.gradient.rate - exact) < 0.05 * exact
    assert abs(exact - 2) < 0.1  # two bits a qubit, up to finite size


def test_matchgates_are_polynomial_with_the_exact_degree():
    sizes = [4, 5, 6, 8]
    found = dla.scaling(matchgates, sizes, argnums=(0, 1), progress=False)
    assert found.verdict == "polynomial"
    exact = -np.polyfit(np.log2(sizes), np.log2(limits(matchgates, sizes, (0, 1))), 1)[0]
    assert abs(found.gradient.rate - exact) < 0.1
    assert abs(exact - 2) < 0.1


def test_shallow_local_circuits_are_constant():
    found = dla.scaling(shallow, [4, 8, 16, 32], progress=False)
    assert found.verdict == "constant" and found.gradient.rate == 0


def test_three_sizes_give_no_verdict():
    found = dla.scaling(shallow, [4, 6, 8], progress=False)
    assert found.verdict == "undecided" and found.gradient.rate is None
    assert "at least 4" in str(found)


def test_shows_every_size():
    found = dla.scaling(shallow, [8, 4, 6, 10], progress=False)
    assert found.sizes == (4, 6, 8, 10)
    data = json.loads(found.to_json())
    assert [case["size"] for case in data["cases"]] == [4, 6, 8, 10] and data["verdict"] == "constant"
    diag = dla.inspect(shallow(6)[0])(np.zeros((3, 6)))
    variance = np.ravel(diag.gradient.variance)
    assert data["cases"][1]["gradient"] == pytest.approx(np.median(variance[variance > 0]))
    assert "constant" in str(found) and "<table" in found._repr_html_()


def test_depth_instead_of_qubits():
    def build(layers):
        @qp.qnode(DEVICE)
        def circuit(weights):
            qp.BasicEntanglerLayers(weights, wires=range(3))
            return qp.expval(qp.Z(0))

        return circuit, np.zeros((layers, 3))

    found = dla.scaling(build, [1, 2, 3, 4], over="layers", progress=False)
    assert "layers" in found.plot().get_xlabel()


@pytest.mark.parametrize("executor", ["serial", "cf_threadpool"])
def test_executors_of_pennylane(executor):
    expected = dla.scaling(shallow, [4, 6, 8, 10], progress=False)
    found = dla.scaling(shallow, [4, 6, 8, 10], executor=executor, max_workers=1)
    assert [c.summary for c in found.cases] == [c.summary for c in expected.cases]


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["cf_procpool", "mp_pool", "dask"])
def test_processes(executor):
    if executor == "dask":
        pytest.importorskip("dask.distributed")
    expected = dla.scaling(shallow, [4, 6], progress=False)
    found = dla.scaling(shallow, [4, 6], executor=executor, max_workers=2)
    assert [c.summary for c in found.cases] == [c.summary for c in expected.cases]


def test_what_cannot_be_pickled_runs_serially_and_says_so():
    with pytest.warns(dla.DLAWarning, match="cannot be pickled.*serially"):
        found = dla.scaling(lambda n: shallow(n), [4, 6], executor="cf_procpool", max_workers=1, progress=False)
    assert len(found.cases) == 2 and any("serially" in note for note in found.notes)


def test_pickles_are_only_asked_for_where_they_are_needed():
    with warnings.catch_warnings():
        warnings.simplefilter("error", dla.DLAWarning)
        dla.scaling(lambda n: shallow(n), [4], executor="serial", max_workers=1, progress=False)
    assert _not_importable((np.zeros, 0, {})) is None
    assert "pickled" in _not_importable((lambda n: n, 0, {}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((shallow, []), "sizes"),
        ((shallow, [4, 4]), "distinct"),
        ((shallow, [-1, 4]), "positive"),
        ((shallow, ["a"]), "sizes"),
        ((lambda n: shallow(n)[0], [4]), r"build\(4\) must return"),
        ((lambda n: (n, n), [4]), r"build\(4\) must return"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(dla.DLAError, match=message):
        dla.scaling(*arguments, progress=False)


def test_unknown_executor():
    with pytest.raises(dla.DLAError, match="cf_procpool"):
        dla.scaling(shallow, [4], executor="nothing")


def test_plot_shows_the_points_and_the_fit():
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    found = dla.scaling(shallow, [4, 6, 8, 10], progress=False)
    ax = found.plot()
    drawn = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 4]
    assert any(np.allclose(y, [c.summary.gradient for c in found.cases]) for y in drawn)
    assert ax.get_yscale() == "log" and "1/rad²" in ax.get_ylabel() and "qubits" in ax.get_xlabel()
    assert any("constant" in text.get_text() for text in ax.get_legend().get_texts())
    plt.close("all")
