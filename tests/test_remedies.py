"""Four known illnesses, each with its known cure; and what every remedy must be: true."""

import json

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.remedies.layers import by_repetition
from pennylane_dla.remedies.observable import localized

DEVICE = qp.device("default.qubit")


def brickwork(weights, n):
    for layer in range(weights.shape[0]):
        for i in range(n):
            qp.RY(weights[layer, i], i)
        for i in range(layer % 2, n - 1, 2):
            qp.CZ((i, i + 1))


@qp.qnode(DEVICE)
def global_cost(weights):
    """Cerezo et al., arXiv:2001.00550: a shallow circuit, and a target far from its start."""
    brickwork(weights, 8)
    return qp.expval(qp.Projector([1, 0] * 4, wires=range(8)))


@qp.qnode(DEVICE)
def deep(weights):
    """Zhang et al., arXiv:2203.09376: deep and generic, a local observable."""
    for layer in range(weights.shape[0]):
        for i in range(5):
            qp.RX(weights[layer, 0, i], i)
            qp.RY(weights[layer, 1, i], i)
        for i in range(4):
            qp.CZ((i, i + 1))
    return qp.expval(qp.sum(*(qp.Z(i) for i in range(5))))


@qp.qnode(DEVICE)
def broken_fermions(couplings, fields, breaking):
    """Matchgates and one RX in the middle."""
    for layer in range(couplings.shape[0]):
        for i in range(5):
            qp.IsingXX(couplings[layer, i], (i, i + 1))
        for i in range(6):
            qp.RZ(fields[layer, i], i)
        qp.RX(breaking[layer], 3)
    return qp.expval(qp.X(2) @ qp.Z(3) @ qp.X(4))


@qp.qnode(DEVICE)
def reuploading(weights, x):
    """Data in every layer: zero angles do not bring the circuit near the identity."""
    for layer in range(weights.shape[0]):
        for i in range(3):
            qp.RX(x[i] * (layer + 1), i)
        for i in range(3):
            qp.RY(weights[layer, i], i)
        for i in range(3):
            qp.CNOT((i, (i + 1) % 3))
    return qp.expval(qp.Z(0))


KNOWN = {
    "observable": (global_cost, (np.zeros((3, 8)),), {"shots": 10}),
    "angles": (deep, (np.zeros((16, 2, 5)),), {"shots": 32}),
    "generators": (
        broken_fermions,
        (np.zeros((24, 5)), np.zeros((24, 6)), np.zeros(24)),
        {"shots": 45, "argnums": (0, 1, 2)},
    ),
    "layers": (reuploading, (np.zeros((8, 3)), np.array([0.3, 0.9, -0.7])), {"shots": 5}),
}


@pytest.fixture(scope="module")
def found():
    """Each case searched once."""
    cache = {}

    def look(kind):
        if kind not in cache:
            circuit, args, options = KNOWN[kind]
            diag = dla.inspect(circuit, progress=False, **options)(*args)
            cache[kind] = diag, diag.remedies(progress=False)
        return cache[kind]

    return look


@pytest.mark.parametrize("kind", KNOWN)
def test_known_cure_comes_first(kind, found):
    diag, remedies = found(kind)
    assert remedies[0].kind == kind, str(remedies)
    relative = [remedy.figures.relative for remedy in remedies]
    assert relative == sorted(relative, reverse=True)
    assert all(remedy.factor > 1 for remedy in remedies)


def test_free_fermions_are_restored(found):
    _, remedies = found("generators")
    assert "RX" in remedies[0].change and "3" in remedies[0].change
    assert remedies[0].dim == 6 * 11 and remedies[0].diagnostics.algebra.name == "so(12)"


def test_figures_are_those_of_the_changed_circuit(found):
    """The circuit written by hand has the gradient that the remedy promises."""
    _, remedies = found("observable")

    @qp.qnode(DEVICE)
    def local(weights):
        brickwork(weights, 8)
        terms = [(qp.Identity(w) + (-1) ** (w % 2 == 0) * qp.Z(w)) / 16 for w in range(8)]
        return qp.expval(qp.sum(*terms))

    variance = np.ravel(dla.inspect(local)(np.zeros((3, 8))).gradient.variance)
    assert remedies[0].gradient == pytest.approx(np.median(variance[variance > 0]), rel=1e-6)

    diag, remedies = found("layers")
    k = int(remedies[0].change.split()[0])
    fewer = dla.inspect(reuploading)(np.zeros((k, 3)), np.array([0.3, 0.9, -0.7]))
    variance = np.ravel(fewer.gradient.variance)
    assert remedies[0].gradient == pytest.approx(np.median(variance[variance > 0]), rel=1e-6)

    diag, remedies = found("angles")
    width = float(remedies[0].change.split("(")[1].rstrip(")"))
    small = dla.inspect(deep, angles=dla.Normal(width), max_seconds=60)(np.zeros((16, 2, 5)))
    variance = np.ravel(small.gradient.variance)
    assert remedies[0].gradient == pytest.approx(np.median(variance[variance > 0]), rel=1e-6)


def test_no_width_of_the_grid_does_better(found):
    _, remedies = found("angles")
    for width in (0.03, 0.1, 0.3, 1.0):
        diag = dla.inspect(deep, angles=dla.Normal(width), max_seconds=60)(np.zeros((16, 2, 5)))
        variance = np.ravel(diag.gradient.variance)
        assert np.median(variance[variance > 0]) <= remedies[0].gradient * 1.1


def test_table_json_and_order(found):
    diag, remedies = found("layers")
    data = json.loads(remedies.to_json())
    assert [r["kind"] for r in data["remedies"]] == [r.kind for r in remedies]
    assert remedies[0].change in str(remedies) and "as it is" in str(remedies)
    assert remedies[0].change in remedies._repr_html_()


def test_nothing_is_listed_where_nothing_helps():
    @qp.qnode(DEVICE)
    def best(w):
        qp.RX(w, 0)
        return qp.expval(qp.Z(0))

    remedies = dla.inspect(best)(0.1).remedies(progress=False)
    assert len(remedies) == 0 and "Nothing" in str(remedies)


def test_a_dead_start_gets_another_state():
    """Only X rotations on ``|+⟩``: no gradient at all."""

    @qp.qnode(DEVICE)
    def dead(w):
        for i in range(2):
            qp.Hadamard(i)
            qp.RX(w[i], i)
        return qp.expval(qp.Z(0))

    remedies = dla.inspect(dead)(np.zeros(2)).remedies(progress=False)
    assert remedies[0].kind == "state" and np.isinf(remedies[0].factor)


def test_layers_of_a_loop_are_found_without_the_arguments():
    """The number of layers is fixed in the function: slicing the argument fails, the gates repeat."""

    @qp.qnode(DEVICE)
    def fixed(w):
        qp.Hadamard(0)
        for layer in range(6):
            for i in range(3):
                qp.RY(w[layer, i], i)
            for i in range(2):
                qp.CNOT((i, i + 1))
        return qp.expval(qp.Z(0))

    ansatz = dla.inspect(fixed)(np.zeros((6, 3))).ansatz
    layers, shorter = by_repetition(ansatz)
    assert layers == 6
    kept = {j for gate in shorter(2).gates if hasattr(gate, "angle") for j in gate.angle.elements}
    assert kept == set(range(6))


def test_local_observables_have_the_same_range():
    from pennylane_dla.pauli import PauliSum, ProjectorProduct

    local, _ = localized(ProjectorProduct((0, 1, 2), (1, -1, 1), 3))
    assert local.constant == 0.5 and dict(zip(local.strings.labels(), local.coefficients, strict=True)) == {
        "ZII": 1 / 6, "IZI": -1 / 6, "IIZ": 1 / 6,
    }  # fmt: skip
    local, _ = localized(PauliSum.from_dict({"XYZ": 3.0, "ZZI": 1.0}))
    assert dict(zip(local.strings.labels(), local.coefficients, strict=True)) == {
        "XII": 1.0, "IYI": 1.0, "IIZ": 1.0, "ZZI": 1.0,
    }  # fmt: skip
    assert localized(PauliSum.from_dict({"ZZI": 1.0})) is None


def test_under_jit_the_report_says_what_is_missing():
    import jax

    @dla.diagnose
    @qp.qnode(DEVICE, interface="jax")
    def circuit(weights, x):
        qp.RX(x, 0)
        qp.RY(weights[0], 0)
        return qp.expval(qp.Z(0))

    jax.jit(circuit)(jax.numpy.zeros(1), jax.numpy.array(0.3))
    with pytest.raises(dla.DLAError, match=r"inspect\(circuit\)"):
        circuit.dla.remedies()


def test_time_is_limited():
    diag = dla.inspect(global_cost)(np.zeros((3, 8)))
    remedies = diag.remedies(max_seconds=0.0, progress=False)
    assert len(remedies) == 0 and "not tried" in remedies.notes[0]
