"""Program capture: the decorated QNode executes as the bare one (PennyLane 0.45 captures with JAX 0.7.1 only)."""

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

pytestmark = pytest.mark.skipif(
    not jax.__version__.startswith("0.7.1"), reason="PennyLane's capture requires JAX 0.7.1"
)

WEIGHTS = np.random.default_rng(3).uniform(0, 6, (2, 3, 3))


def bare():
    @qp.qnode(qp.device("default.qubit", wires=3))
    def circuit(weights):
        for layer in range(2):
            for wire in range(3):
                qp.Rot(weights[layer, wire, 0], weights[layer, wire, 1], weights[layer, wire, 2], wires=wire)
            qp.CNOT((0, 1))
            qp.CNOT((1, 2))
        return qp.expval(qp.Z(0))

    return circuit


@pytest.fixture
def capture():
    qp.capture.enable()
    yield
    qp.capture.disable()


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.grad, jax.vmap], ids=["eager", "jit", "grad", "vmap"])
def test_execution_under_capture(capture, wrap, request):
    weights = jnp.asarray(WEIGHTS)
    if "vmap" in request.node.name:
        weights = jnp.stack([weights, weights + 1])
    plain, circuit = bare(), dla.diagnose(bare())
    np.testing.assert_allclose(wrap(circuit)(weights), wrap(plain)(weights), atol=1e-6)
    assert qp.capture.enabled()
    assert circuit.dla.num_params == 18
    assert circuit.dla.loss.variance.available


def test_inspect_under_capture_leaves_it_on(capture):
    assert dla.inspect(bare())(WEIGHTS).num_params == 18
    assert qp.capture.enabled()


def test_qjit_executes_the_diagnosed_circuit():
    catalyst = pytest.importorskip("catalyst")
    circuit = dla.diagnose(bare().update(device=qp.device("lightning.qubit", wires=3)))
    weights = jnp.asarray(WEIGHTS)
    np.testing.assert_allclose(catalyst.qjit(circuit)(weights), bare()(weights), atol=1e-6)
    assert circuit.dla.num_params == 18
