"""The template table of demos/template_tradeoff: it is complete, and its numbers agree with simulated gradients.

Angles are drawn uniformly over the periods that the diagnosis claims, and the claim is tested too. Predicted and
sampled values agree within five standard errors; where the prediction is sampled itself, both errors count.
"""

import importlib.util
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla import compat

CATALOGUE = Path(__file__).parents[1] / "demos" / "template_tradeoff" / "catalogue.py"
SPEC = importlib.util.spec_from_file_location("template_catalogue", CATALOGUE)
catalogue = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(catalogue)

DEVICE = qp.device("default.qubit", wires=4)
SAMPLES = 1000

NOT_AFFINE = {"IQPEmbedding", "PrepSelPrep"}  # products of features; angles that PennyLane wraps
MANY_GATES = {
    "ArbitraryUnitary",
    "AmplitudeAmplification",
    "kUpCCGSD",
    "ArbitraryStatePreparation",
    "IQP",
    "QAOAEmbedding",
}
MANY_GATES |= {
    "StronglyEntanglingLayers",
    "ParticleConservingU1",
    "TrotterProduct",
    "SimplifiedTwoDesign",
    "RandomLayers",
}
READ = [name for name in catalogue.TRAINABLE if name not in NOT_AFFINE]


def qnode_of(name):
    template = catalogue.TRAINABLE[name]

    @qp.qnode(DEVICE)
    def circuit(weights):
        template.circuit(weights)
        return qp.expval(catalogue.heisenberg_chain())

    return circuit, template.shape


def test_every_template_is_in_the_table_or_left_out_for_a_reason():
    offered = {
        name
        for name, member in vars(qp.templates).items()
        if inspect.isclass(member) and issubclass(member, qp.operation.Operator)
    }
    listed = set(catalogue.TRAINABLE) | set(catalogue.LEFT_OUT)
    assert not set(catalogue.TRAINABLE) & set(catalogue.LEFT_OUT)
    assert offered <= listed, f"new in this PennyLane: {sorted(offered - listed)}"
    assert all(catalogue.LEFT_OUT.values())


@pytest.mark.parametrize("name", list(catalogue.TRAINABLE))
def test_each_circuit_uses_its_template(name):
    template = catalogue.TRAINABLE[name]
    tape = qp.tape.make_qscript(template.circuit)(np.full(template.shape, 0.3))
    assert any(isinstance(op, getattr(qp.templates, name)) for op in tape.operations) or name in str(
        inspect.getsource(template.circuit)
    )
    assert len(tape.wires) <= 4


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in MANY_GATES else n for n in READ])
def test_numbers_agree_with_simulated_gradients(name):
    circuit, shape = qnode_of(name)
    diagnosis = dla.inspect(circuit, progress=False)(np.zeros(shape))
    assert diagnosis.loss.variance.available and diagnosis.gradient.variance is not None
    assert diagnosis.algebra.complete and 1 <= diagnosis.algebra.dim <= 255
    periods = diagnosis.arguments.periods
    assert np.isfinite(periods).all()
    samples = SAMPLES // 4 if name == "ArbitraryUnitary" else SAMPLES
    draws = np.random.default_rng(5).uniform(size=(samples, len(periods))) * periods
    with compat.numerics():
        losses, gradients = jax.vmap(jax.value_and_grad(circuit))(jnp.asarray(draws.reshape(samples, *shape)))
    losses, gradients = np.asarray(losses, float), np.asarray(gradients, float).reshape(samples, -1)
    predicted = np.asarray(diagnosis.gradient.variance, float).reshape(-1)
    assert_agrees(gradients, predicted, np.reshape(diagnosis.gradient.stderr, -1))
    assert_agrees(losses, float(diagnosis.loss.variance.value), diagnosis.loss.variance.stderr)
    spread = losses.std() / np.sqrt(samples)
    drawn = float(diagnosis.loss.variance.stderr > 0) * losses.std() / np.sqrt(256)  # samples of the engine, at least
    assert abs(losses.mean() - float(diagnosis.loss.mean)) < 5 * np.hypot(spread, drawn) + 1e-9


def assert_agrees(samples, predicted, stderr):
    """Within five standard errors of the sample variance and of the prediction; what is dead is zero."""
    centred = samples - samples.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    error = np.sqrt(np.maximum((centred**4).mean(axis=0) - variance**2, 0) / len(samples) + np.square(stderr))
    np.testing.assert_array_less(np.abs(variance - predicted), 5 * error + 1e-12)


@pytest.mark.parametrize("name", [name for name in READ if name not in MANY_GATES])
def test_the_loss_has_the_period_that_the_law_assumes(name):
    circuit, shape = qnode_of(name)
    periods = dla.inspect(circuit, method="exact", max_dim=10, progress=False)(np.zeros(shape)).arguments.periods
    point = np.random.default_rng(1).uniform(0, 6, len(periods))
    moved = [point + periods * (np.arange(len(periods)) == k) for k in range(len(periods))]
    losses = [float(circuit(values.reshape(shape) if shape else values[0])) for values in [point, *moved]]
    np.testing.assert_allclose(losses, losses[0], atol=1e-9)


@pytest.mark.parametrize("name", sorted(NOT_AFFINE))
def test_products_of_arguments_get_no_variance(name):
    circuit, shape = qnode_of(name)
    diagnosis = dla.inspect(circuit, progress=False)(np.zeros(shape))
    assert diagnosis.gradient.variance is None and "affine" in str(diagnosis.loss.variance.reason)
