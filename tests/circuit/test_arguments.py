"""What is trainable, under every interface and transformation; the way back to a gradient's form; errors at
the door."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.extract import extract
from pennylane_dla.errors import DLAError

pnp = qp.numpy


@qp.qnode(qp.device("default.qubit"))
def circuit(weights, x, scale=1.0):
    for q in range(2):
        qp.CZ((0, 1))
        qp.RX(x[q], q)
        qp.RY(scale * weights[q], q)
    return qp.expval(qp.Z(0) @ qp.Z(1))


W, X = np.array([0.1, 0.2]), np.array([0.3, 0.4])


def driven(ansatz):
    """For each gate that is no Clifford: its name, offset and elements."""
    return [(g.name, round(float(g.angle.offset), 6), g.angle.elements) for g in ansatz.gates if g.name in ("RX", "RY")]


WEIGHTS_TRAINABLE = [("RX", 0.3, ()), ("RY", 0.0, (0,)), ("RX", 0.4, ()), ("RY", 0.0, (1,))]
DATA_TRAINABLE = [("RX", 0.0, (0,)), ("RY", 0.1, ()), ("RX", 0.0, (1,)), ("RY", 0.2, ())]
BOTH = [("RX", 0.0, (2,)), ("RY", 0.0, (0,)), ("RX", 0.0, (3,)), ("RY", 0.0, (1,))]


@pytest.mark.parametrize("make", [np.array, jnp.array, list], ids=["numpy", "jax", "list"])
def test_argnums(make):
    assert driven(extract(circuit, (make(W), make(X)))[0]) == WEIGHTS_TRAINABLE
    assert driven(extract(circuit, (make(W), make(X)), argnums=1)[0]) == DATA_TRAINABLE
    assert driven(extract(circuit, (make(W), make(X)), argnums=(0, 1))[0]) == BOTH
    assert driven(extract(circuit, (make(W), make(X)), argnums=-1)[0]) == DATA_TRAINABLE


def marked(value, requires_grad):
    return pnp.array(value, requires_grad=requires_grad)


def test_autograd():
    assert driven(extract(circuit, (marked(W, True), marked(X, False)))[0]) == WEIGHTS_TRAINABLE
    assert driven(extract(circuit, (marked(W, False), marked(X, True)))[0]) == DATA_TRAINABLE
    assert driven(extract(circuit, (marked(W, True), marked(X, True)))[0]) == BOTH
    assert driven(extract(circuit, (marked(W, True), X))[0]) == WEIGHTS_TRAINABLE
    assert driven(extract(circuit, (W, marked(X, True)))[0]) == DATA_TRAINABLE
    assert driven(extract(circuit, (marked(W, True), marked(X, True)), argnums=0)[0]) == WEIGHTS_TRAINABLE


def test_autograd_keyword_argument():
    (ansatz,) = extract(circuit, (W, X), {"scale": marked(0.5, True)})
    assert ansatz.arguments.names == ("scale",)
    assert [g.angle.coefficients for g in ansatz.gates if g.name == "RY"] == [(0.1,), (0.2,)]
    (restored,) = [ansatz.arguments.restore(np.array([3.0]))]
    assert restored == ({"scale": np.array(3.0)},)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_torch():
    import torch

    def tensor(value, grad):
        return torch.tensor(value, requires_grad=grad)

    assert driven(extract(circuit, (tensor(W, True), tensor(X, False)))[0]) == WEIGHTS_TRAINABLE
    assert driven(extract(circuit, (tensor(W, False), tensor(X, True)))[0]) == DATA_TRAINABLE
    (ansatz,) = extract(circuit, (tensor(W, False), tensor(X, False)), {"scale": tensor(0.5, True)})
    assert ansatz.arguments.names == ("scale",)

    @qp.qnode(qp.device("default.qubit"))
    def needs_torch(w):
        qp.RX(torch.sum(w) * 2, 0)
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(needs_torch, (tensor([0.1, 0.2], True),))
    assert ansatz.gates[0].angle.coefficients == (2.0, 2.0)

    layer = torch.nn.Linear(2, 2)  # single precision: it refuses tensors in double precision

    @qp.qnode(qp.device("default.qubit"))
    def with_layer(w):
        qp.AngleEmbedding(layer(w), wires=range(2))
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(with_layer, (tensor([0.1, 0.2], True),))
    slopes = [g.angle.coefficients for g in ansatz.gates]
    assert all(g.angle.affine and g.angle.elements == (0, 1) for g in ansatz.gates)
    assert np.allclose(slopes, layer.weight.detach().numpy(), atol=1e-5)


class Spy:
    """A function that extracts ``circuit`` from inside a transformation, and is differentiable itself."""

    def __init__(self, argnums=None):
        self.argnums = argnums

    def __call__(self, *args):
        (self.ansatz,) = extract(circuit, args, argnums=self.argnums)
        return sum(jnp.sum(jnp.asarray(a)) for a in args)


UNKNOWN = float("nan")


def assert_driven(ansatz, expected):
    for got, wanted in zip(driven(ansatz), expected, strict=True):
        assert got[0] == wanted[0] and got[2] == wanted[2]
        assert got[1] == wanted[1] or (np.isnan(got[1]) and np.isnan(wanted[1]))


def without_data(expected):
    return [(name, offset if elements else UNKNOWN, elements) for name, offset, elements in expected]


def test_eager_jax_grad_decides():
    w, x = jnp.array(W), jnp.array(X)
    for argnums, expected in [(0, WEIGHTS_TRAINABLE), (1, DATA_TRAINABLE), ((0, 1), BOTH)]:
        spy = Spy()
        jax.grad(spy, argnums)(w, x)
        assert_driven(spy.ansatz, expected)
    spy = Spy(argnums=0)
    jax.grad(spy, 1)(w, x)  # what is differentiated wins
    assert_driven(spy.ansatz, DATA_TRAINABLE)


def test_autograd_grad_decides():
    spy = {}

    def loss(w, x):
        (spy["ansatz"],) = extract(circuit, (w, x))
        return pnp.sum(w) + pnp.sum(x)

    qp.grad(loss, argnums=1)(marked(W, True), marked(X, True))
    assert_driven(spy["ansatz"], DATA_TRAINABLE)


def test_jit_hides_the_data():
    w, x = jnp.array(W), jnp.array(X)
    spy = Spy()
    jax.jit(spy)(w, x)
    assert_driven(spy.ansatz, without_data(WEIGHTS_TRAINABLE))
    assert any("not known" in text for text in spy.ansatz.arguments.data)
    spy = Spy(argnums=1)
    jax.jit(spy)(w, x)
    assert_driven(spy.ansatz, without_data(DATA_TRAINABLE))
    spy = Spy()
    jax.jit(jax.grad(spy, 1))(w, x)
    assert_driven(spy.ansatz, without_data(DATA_TRAINABLE))
    spy = Spy()
    jax.grad(jax.jit(spy), 1)(w, x)  # inside jit nothing tells what grad does outside
    assert_driven(spy.ansatz, without_data(WEIGHTS_TRAINABLE))
    spy = Spy()
    jax.jit(lambda w: spy(w, x))(w)  # data that jit does not trace are known
    assert_driven(spy.ansatz, WEIGHTS_TRAINABLE)


def test_vmap_hides_what_it_maps():
    w, x = jnp.array(W), jnp.array(X)
    spy = Spy()
    jax.vmap(spy, (None, 0))(w, jnp.stack([x, x]))
    assert_driven(spy.ansatz, without_data(WEIGHTS_TRAINABLE))
    spy = Spy()
    jax.vmap(spy, (0, None))(jnp.stack([w, w]), x)
    assert_driven(spy.ansatz, WEIGHTS_TRAINABLE)
    spy = Spy()
    jax.jit(jax.vmap(jax.grad(spy), (0, None)))(jnp.stack([w, w]), x)
    assert_driven(spy.ansatz, without_data(WEIGHTS_TRAINABLE))


def test_nothing_leaks_into_the_trace():
    """The jaxpr of a function that extracts is the jaxpr without it."""
    spy = Spy()
    plain = jax.make_jaxpr(lambda *args: sum(jnp.sum(jnp.asarray(a)) for a in args))(jnp.array(W), jnp.array(X))
    assert str(jax.make_jaxpr(spy)(jnp.array(W), jnp.array(X))) == str(plain)
    assert not jax.config.jax_enable_x64


def test_program_capture():
    try:
        qp.capture.enable()
    except ImportError:
        pytest.skip("this JAX version is not the one PennyLane's capture needs")
    try:
        found = []

        def function(w, x):
            found.append(extract(circuit, (w, x))[0])
            return jnp.sum(w)

        function(jnp.array(W), jnp.array(X))
        jax.jit(function)(jnp.array(W), jnp.array(X))
        jax.grad(function)(jnp.array(W), jnp.array(X))
        assert qp.capture.enabled()
    finally:
        qp.capture.disable()
    for ansatz, expected in zip(
        found, [WEIGHTS_TRAINABLE, without_data(WEIGHTS_TRAINABLE), WEIGHTS_TRAINABLE], strict=True
    ):
        assert_driven(ansatz, expected)


def test_unknown_data_beside_a_parameter():
    @qp.qnode(qp.device("default.qubit"))
    def mixed(w, x):
        qp.RX(w + x, 0)
        qp.RY(w * x, 0)
        return qp.expval(qp.Z(0))

    found = {}

    def function(w, x):
        (found["ansatz"],) = extract(mixed, (w, x))
        return w

    jax.jit(function)(0.1, 0.2)
    first, second = (g.angle for g in found["ansatz"].gates)
    assert np.isnan(first.offset) and (first.elements, first.coefficients, first.affine) == (
        (0,),
        (1.0,),
        True,
    )
    assert np.isnan(second.offset) and (second.elements, second.affine) == ((0,), False)


def test_unknown_states_and_observables():
    @qp.qnode(qp.device("default.qubit"))
    def prepared(w, x, bits, c):
        qp.AmplitudeEmbedding(x, wires=[0, 1])
        qp.BasisState(bits, wires=[2])
        qp.RX(w, 0)
        return qp.expval(c * qp.Z(0)), qp.expval(qp.Z(1))

    found = {}

    def function(w, x, bits, c):
        (found["ansatz"],) = extract(prepared, (w, x, bits, c))
        return w

    arguments = (0.1, np.ones(4) / 2, np.array([1]), 2.0)
    jax.jit(function)(*arguments)
    assert "not known" in found["ansatz"].state.reason
    first, second = found["ansatz"].measurements
    assert first.observable is None and second.observable is not None
    jax.grad(function)(*map(jnp.array, arguments))
    assert found["ansatz"].state.stabilizer_axes() == ("+X", "+X", "-Z")


def test_qfunc_that_needs_its_array_type():
    @qp.qnode(qp.device("default.qubit"))
    def needs_jax(w):
        w = w.at[0].set(0.5)
        qp.RX(w[0], 0)
        qp.RY(jnp.sum(w[1:]) * 2, 0)
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(needs_jax, (jnp.zeros(3),))
    assert [g.angle.elements for g in ansatz.gates] == [(1, 2)]  # RX(0.5) is folded into the state
    assert ansatz.gates[-1].angle.coefficients == (2.0, 2.0)


PYTREE = {"b": [np.ones((2, 3)), np.float64(0.5)], "a": (np.zeros(2),)}


@qp.qnode(qp.device("default.qubit"))
def tree_circuit(params, x, extra):
    for q in range(2):
        qp.RX(params["a"][0][q], q)
        qp.Rot(*params["b"][0][q], q)
        qp.CZ((0, 1))
    qp.RY(params["b"][1] + extra, 0)
    return qp.expval(qp.Z(0))


@pytest.mark.parametrize("argnums", [0, 2, (0,), (2, 0)])
def test_restore_gives_the_form_of_jax_grad(argnums):
    as_jax = jax.tree_util.tree_map(jnp.asarray, PYTREE)
    arguments = (as_jax, 0.1, jnp.array(0.3))
    gradient = jax.grad(lambda *a: tree_circuit(*a), argnums)(*arguments)
    (ansatz,) = extract(tree_circuit, arguments, argnums=argnums)
    count = ansatz.arguments.num_elements
    restored = ansatz.arguments.restore(np.arange(count))
    assert jax.tree_util.tree_structure(restored) == jax.tree_util.tree_structure(gradient)
    shapes = [np.shape(leaf) for leaf in jax.tree_util.tree_leaves(gradient)]
    assert [np.shape(leaf) for leaf in jax.tree_util.tree_leaves(restored)] == shapes
    more = ansatz.arguments.restore(np.zeros((count, 5)))
    assert [np.shape(leaf) for leaf in jax.tree_util.tree_leaves(more)] == [(*s, 5) for s in shapes]
    order = np.concatenate(
        [np.ravel(leaf) for leaf in jax.tree_util.tree_leaves(ansatz.arguments.restore(np.arange(count)))]
    )
    if argnums != (2, 0):
        assert np.array_equal(order, np.arange(count))


def test_elements_and_rows_agree():
    """Element ``j`` of the IR is row ``j`` of ``restore``: against ``jax.grad`` by a dead-or-alive
    pattern."""
    (ansatz,) = extract(tree_circuit, (PYTREE, 0.1, 0.3), argnums=(2, 0))
    alive = np.zeros(ansatz.arguments.num_elements)
    for gate in ansatz.gates:
        for j in gate.angle.elements:
            alive[j] += 1
    extra, params = ansatz.arguments.restore(alive)
    assert extra == 1 and np.array_equal(params["b"][0], np.ones((2, 3))) and params["b"][1] == 1
    names = ("params['a'][0]", "params['b'][0]", "params['b'][1]", "extra")
    assert ansatz.arguments.names == names
    assert ansatz.arguments.label(7) == "params['b'][0][1, 2]"


def test_restore_gives_the_form_of_autograd():
    w, x = marked(W, True), marked(X, True)
    for arguments in [(w, x), (w, X)]:
        gradient = qp.grad(circuit)(*arguments)
        (ansatz,) = extract(circuit, arguments)
        restored = ansatz.arguments.restore(np.arange(ansatz.arguments.num_elements))
        assert isinstance(restored, tuple) == isinstance(gradient, tuple)
        assert np.shape(restored) == np.shape(gradient)


def test_data_is_stated():
    (ansatz,) = extract(circuit, (W, X), {"scale": 2.0})
    assert ansatz.arguments.data == ("x = [0.3, 0.4]", "scale = 2")


def test_operators_as_arguments():
    @qp.qnode(qp.device("default.qubit"))
    def cost(angle, hamiltonian):
        qp.qaoa.cost_layer(angle, hamiltonian)
        return qp.expval(hamiltonian)

    hamiltonian = qp.Hamiltonian([1.0, 0.5], [qp.Z(0) @ qp.Z(1), qp.Z(1) @ qp.Z(2)])
    (ansatz,) = extract(cost, (0.3, hamiltonian))
    assert ansatz.arguments.data == ("hamiltonian[0] = 1", "hamiltonian[1] = 0.5")
    assert [g.angle.coefficients for g in ansatz.gates] == [(2.0,), (1.0,)]
    assert ansatz.arguments.restore(np.array([7.0])) == 7.0


def test_varargs_are_named():
    @qp.qnode(qp.device("default.qubit"))
    def many(*angles):
        for q, angle in enumerate(angles):
            qp.RX(angle, q)
        return qp.expval(qp.Z(0))

    assert extract(many, (0.1, 0.2), argnums=(0, 1))[0].arguments.names == ("angles[0]", "angles[1]")


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((), {}, "without positional arguments"),
        ((W, X), {"argnums": 2}, "argnums=2 is out of range"),
        ((W, X), {"argnums": (0, -3)}, "out of range"),
        ((W, X), {"argnums": (0, 0)}, "none twice"),
        ((W, X), {"argnums": ()}, "at least one"),
        pytest.param((W, X), {"argnums": "weights"}, "must be an integer", marks=pytest.mark.wrong_types),
        pytest.param((W, X), {"argnums": 0.5}, "must be an integer", marks=pytest.mark.wrong_types),
        ((np.array([1, 2]), X), {}, "'weights' is an integer"),
        ((np.array([1j, 2]), X), {}, "'weights' is complex"),
        (("name", X), {}, "'weights'"),
        ((np.array([np.nan, 1]), X), {}, "'weights' contains NaN"),
        ((W, np.array([np.inf, 1])), {}, "'x' contains NaN or infinity"),
        ((marked(W, False), marked(X, False)), {}, "requires_grad=False"),
        ((np.zeros(0), X), {}, "no trainable parameter"),
        ((W,), {}, "missing 1 required positional argument"),
    ],
)
def test_errors_at_the_door(arguments, options, message):
    with pytest.raises(DLAError, match=message):
        extract(circuit, arguments, **options)


def test_circuits_without_measurement_or_wires():
    @qp.qnode(qp.device("default.qubit"))
    def no_measurement(theta):
        qp.RX(theta, 0)

    @qp.qnode(qp.device("default.qubit"))
    def no_wires(theta):
        return qp.state()

    with pytest.raises(DLAError, match="no measurement"):
        extract(no_measurement, (0.1,))
    with pytest.raises(DLAError, match="zero wires"):
        extract(no_wires, (0.1,))
    with pytest.raises(DLAError, match="neither a QNode nor a tape"):
        extract(lambda x: x, (0.1,))


def test_trainable_coefficients_of_the_observable():
    @qp.qnode(qp.device("default.qubit"))
    def weighted(theta):
        qp.RX(theta[0], 0)
        return qp.expval(theta[1] * qp.Z(0))

    with pytest.raises(DLAError, match="coefficient of the observable"):
        extract(weighted, (W,))


def test_a_parameter_that_drives_nothing():
    @qp.qnode(qp.device("default.qubit"))
    def unused(theta):
        qp.RX(theta[0], 0)
        return qp.expval(qp.Z(0))

    periods = extract(unused, (np.zeros(3),))[0].arguments.periods
    assert periods[0] == 2 * np.pi and np.isnan(periods[1:]).all()
