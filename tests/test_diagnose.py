"""The door: what a decorated QNode does is what the bare one does, and its diagnosis is there before it runs."""

import copy
import json
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest
from pennylane import numpy as pnp

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")
RNG = np.random.default_rng(3)
WEIGHTS = RNG.uniform(0, 6, (2, 3, 3))
DATA = np.array([0.1, 0.2, 0.3])


@qp.qnode(DEVICE)
def bare(weights, data):
    qp.AngleEmbedding(data, wires=range(3))
    qp.StronglyEntanglingLayers(weights, wires=range(3))
    return qp.expval(qp.Z(0))


@pytest.fixture
def circuit():
    return dla.diagnose(bare)


def test_result_and_gradient_under_autograd(circuit):
    weights, data = pnp.array(WEIGHTS, requires_grad=True), pnp.array(DATA, requires_grad=False)
    np.testing.assert_allclose(circuit(weights, data), bare(weights, data))
    np.testing.assert_allclose(qp.grad(circuit)(weights, data), qp.grad(bare)(weights, data))
    assert circuit.dla.gradient.variance.shape == WEIGHTS.shape


@pytest.mark.parametrize(
    "wrap",
    [
        lambda f: f,
        jax.jit,
        jax.grad,
        lambda f: jax.jit(jax.grad(f)),
        lambda f: jax.grad(f, argnums=1),
        lambda f: jax.vmap(f, in_axes=(0, None)),
        lambda f: jax.jit(jax.vmap(jax.grad(f), in_axes=(0, None))),
    ],
    ids=["eager", "jit", "grad", "jit-grad", "grad-1", "vmap", "jit-vmap-grad"],
)
def test_results_under_jax(circuit, wrap, request):
    weights = jnp.asarray(WEIGHTS)
    if "vmap" in request.node.name:
        weights = jnp.stack([weights, weights + 1])
    expected = wrap(bare)(weights, jnp.asarray(DATA))
    np.testing.assert_allclose(wrap(circuit)(weights, jnp.asarray(DATA)), expected, atol=1e-6)
    assert circuit.dla.num_wires == 3
    assert not jax.config.jax_enable_x64


def test_grad_with_argnums_diagnoses_what_is_differentiated(circuit):
    jax.grad(circuit, argnums=1)(jnp.asarray(WEIGHTS), jnp.asarray(DATA))
    assert circuit.dla.gradient.variance.shape == DATA.shape
    assert circuit.dla.arguments.names == ("data",)


def test_data_is_unknown_under_jit_until_a_concrete_call(circuit):
    jax.jit(circuit)(jnp.asarray(WEIGHTS), jnp.asarray(DATA))
    assert "call inspect with concrete data" in circuit.dla.loss.variance.reason
    assert circuit.dla.algebra.name == "su(8)"
    circuit(jnp.asarray(WEIGHTS), jnp.asarray(DATA))
    known = circuit.dla
    assert known.loss.variance.exact
    jax.jit(circuit)(jnp.asarray(WEIGHTS), jnp.asarray(DATA))
    assert circuit.dla is known


def test_results_under_torch(circuit):
    torch = pytest.importorskip("torch")
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    result = circuit(weights, torch.tensor(DATA))
    result.backward()
    again = torch.tensor(WEIGHTS, requires_grad=True)
    bare(again, torch.tensor(DATA)).backward()
    np.testing.assert_allclose(weights.grad, again.grad)
    assert circuit.dla.arguments.names == ("weights",)


def test_filled_before_the_first_execution(monkeypatch):
    circuit, seen = dla.diagnose(bare), []
    monkeypatch.setattr(type(DEVICE), "execute", lambda *_, **__: seen.append(circuit.dla.verdict.label) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        circuit(WEIGHTS, DATA)
    assert seen == ["resolved"]


def test_same_structure_computes_nothing_again(circuit, monkeypatch):
    circuit(WEIGHTS, DATA)
    first = circuit.dla
    monkeypatch.setattr(sys.modules["pennylane_dla.diagnose"], "inspect_circuit", None)
    circuit(WEIGHTS + 1, DATA)
    assert circuit.dla is first


def test_another_structure_is_diagnosed_anew(circuit):
    circuit(WEIGHTS, DATA)
    circuit(np.concatenate([WEIGHTS, WEIGHTS]), DATA)
    assert circuit.dla.num_params == 36


@pytest.mark.parametrize(
    "change",
    [
        copy.copy,
        lambda c: c.update(diff_method="parameter-shift"),
        lambda c: qp.set_shots(c, 100),
        qp.transforms.merge_rotations,
        lambda c: qp.gradients.param_shift(c),
        lambda c: qp.metric_tensor(c, approx="block-diag"),
    ],
    ids=["copy", "update", "set_shots", "merge_rotations", "param_shift", "metric_tensor"],
)
def test_survives_with_a_result_of_its_own(circuit, change):
    weights, data = pnp.array(WEIGHTS), pnp.array(DATA, requires_grad=False)
    circuit(weights, data)
    changed = change(circuit)
    with pytest.raises(dla.DLAError, match="not called yet"):
        _ = changed.dla
    changed(weights, data)
    assert changed.dla.algebra.name == "su(8)"
    assert circuit.dla is not changed.dla


@pytest.mark.parametrize("order", ["before", "after"])
def test_shots_of_the_qnode_are_taken(order):
    circuit = dla.diagnose(qp.set_shots(bare, 77)) if order == "before" else qp.set_shots(dla.diagnose(bare), 77)
    circuit(WEIGHTS, DATA)
    assert circuit.dla.shots == 77


def test_with_options_and_inside_a_pipeline():
    @dla.diagnose(shots=50, angles=dla.Normal(0.1))
    @qp.qnode(DEVICE)
    def decorated(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0))

    decorated(np.zeros((2, 3)))
    assert decorated.dla.shots == 50
    assert "Normal(std=0.1" in " ".join(decorated.dla.assumptions)
    pipeline = qp.CompilePipeline(qp.transforms.cancel_inverses, dla.diagnose, qp.transforms.merge_rotations)
    circuit = pipeline(bare)
    np.testing.assert_allclose(circuit(WEIGHTS, DATA), bare(WEIGHTS, DATA))
    assert circuit.dla.num_params == 18


def test_reads_the_circuit_at_its_place_in_the_pipeline():
    @qp.qnode(DEVICE)
    def twice(x):
        qp.RX(x[0], 0)
        qp.RX(x[1], 0)
        qp.RY(x[2], 1)
        return qp.expval(qp.Z(0))

    first = qp.transforms.merge_rotations(dla.diagnose(twice))
    last = dla.diagnose(qp.transforms.merge_rotations(twice))
    first(np.zeros(3)), last(np.zeros(3))
    assert len(first.dla.ansatz.gates) >= len(last.dla.ansatz.gates)


def test_a_bare_tape():
    tape = qp.tape.QuantumScript([qp.RX(0.3, 0), qp.CNOT([0, 1])], [qp.expval(qp.Z(1))], trainable_params=[0])
    (marked,), post = dla.diagnose(tape)
    assert marked.dla.loss.variance.value == pytest.approx(0.5)
    assert marked.operations == tape.operations and post(["result"]) == "result"
    assert dla.inspect(tape)().num_params == 1


def test_a_failed_diagnosis_warns_and_the_circuit_runs():
    @dla.diagnose
    @qp.qnode(DEVICE)
    def circuit(x):
        qp.RX(x, 0)
        qp.measure(0)
        return qp.expval(qp.Z(0))

    with pytest.warns(dla.DLAWarning, match="not diagnosed"):
        result = circuit(0.3)
    np.testing.assert_allclose(result, np.cos(0.3))
    with pytest.raises(dla.DLAError, match="(?i)measure"):
        _ = circuit.dla
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        circuit(0.4)  # said once


def test_check_raises_or_warns_or_passes():
    @qp.qnode(DEVICE)
    def circuit(weights):
        qp.StronglyEntanglingLayers(weights, wires=range(4))
        return qp.expval(qp.Z(0))

    weights = np.zeros((4, 4, 3))
    assert dla.check(circuit, shots=1000)(weights).verdict == "resolved"
    with pytest.raises(dla.TrainabilityError, match="you have 2") as caught:
        dla.check(circuit, shots=2)(weights)
    assert not isinstance(caught.value, dla.BarrenPlateauError)  # a threshold is not a plateau
    assert caught.value.shots_needed > 2 and caught.value.verdict == "needs more shots"
    with pytest.warns(dla.DLAWarning, match="gradient needs"):
        dla.check(circuit, shots=2, on_fail="warn")(weights)
    with pytest.raises(dla.DLAError, match="on_fail"):
        dla.check(circuit, on_fail="explode")


@pytest.mark.parametrize(
    "options, words",
    [({"shot": 3}, "unknown option"), ({"shots": 0}, "shots=0: it must be"), ({"method": "magic"}, "engine")],
)
def test_bad_options(options, words):
    with pytest.raises(dla.DLAError, match=words):
        dla.inspect(bare, **options)(WEIGHTS, DATA)


def test_bad_options_leave_no_half_wrapped_qnode():
    before = len(bare.compile_pipeline)
    with pytest.raises(dla.DLAError):
        dla.diagnose(shots=-1)(bare)
    with pytest.raises(dla.DLAError):
        dla.diagnose(level="top")(bare)
    assert type(bare) is qp.QNode and len(bare.compile_pipeline) == before


def test_inspect_executes_nothing(monkeypatch):
    monkeypatch.setattr(type(DEVICE), "execute", None)
    assert dla.inspect(bare)(WEIGHTS, DATA).verdict == "resolved"
    assert dla.inspect(dla.diagnose(bare), argnums=1)(WEIGHTS, DATA).num_params == 3


def test_several_measurements_and_one_that_cannot_be_predicted():
    @qp.qnode(DEVICE)
    def circuit(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0)), qp.vn_entropy(0), qp.expval(qp.X(1) @ qp.X(2))

    diag = dla.inspect(circuit)(np.zeros((2, 3)))
    assert [m.loss.variance.available for m in diag.measurements] == [True, False, True]
    assert diag.measurements[1].loss.variance.reason
    with pytest.raises(dla.DLAError, match="measurements"):
        _ = diag.loss


def test_report_and_json_are_complete(circuit):
    circuit(WEIGHTS, DATA)
    text = str(circuit.dla)
    for words in ("resolved with 1 000 shots", "qubits", "weights (2, 3, 3)", "su(8)", "variance", "needed", "uniform"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100
    data = json.loads(circuit.dla.to_json())
    assert data["algebra"]["dim"] == 63
    np.testing.assert_allclose(data["measurements"][0]["gradient"]["value"], np.ravel(circuit.dla.gradient.variance))
