"""Whole diagnoses against gradients of ``lightning.qubit`` (adjoint): every component within five standard errors."""

import networkx as nx
import numpy as np
import pennylane as qp
import pytest
from pennylane import numpy as pnp

import pennylane_dla as dla
from pennylane_dla.variance.sector import engine
from pennylane_dla.variance.sector.sampled import ChainRule
from pennylane_dla.variance.sector.samples import SectorSampler
from pennylane_dla.variance.sector.sector import find_sector
from pennylane_dla.variance.sector.walk import SectorWalk

from .circuits import ansatz_of, heisenberg, lithium_hydride, problem_of, qaoa, three_regular
from .test_engine import sampled

pytest.importorskip("pennylane_lightning")


def simulated(circuit, periods, shape, count, seed=0):
    """Losses and gradients for uniform arguments."""
    circuit = circuit.update(diff_method="adjoint")
    rng = np.random.default_rng(seed)
    gradient = qp.grad(circuit)
    losses, slopes = [], []
    for _ in range(count):
        weights = pnp.array(rng.uniform(0, periods).reshape(shape), requires_grad=True)
        slopes.append(np.ravel(gradient(weights)))
        losses.append(gradient.forward)
    return np.array(losses), np.array(slopes)


def variance_and_error(values):
    away = values - values.mean(axis=0)
    variance = np.mean(away**2, axis=0)
    return variance, np.sqrt((np.mean(away**4, axis=0) - variance**2) / len(values))


@pytest.mark.parametrize(
    "build",
    [lithium_hydride, lambda device: heisenberg(8, 2, device), lambda device: qaoa(nx.cycle_graph(7), 2, device)],
)
@pytest.mark.parametrize("single, digits", [(True, 2e-5), (False, 1e-10)])
def test_losses_and_gradients_at_random_points(build, single, digits):
    circuit, weights = build("lightning.qubit")
    ansatz = ansatz_of(circuit, weights)
    problem, sector = problem_of(ansatz), find_sector(ansatz)
    walk = SectorWalk(sector, problem.effective.angles)
    angles = ChainRule.of(walk.angles, weights.size)
    points = np.random.default_rng(4).uniform(0, 12, (6, weights.size))
    values, slopes = SectorSampler.of(walk, [sector.compressed(problem.observable)]).run(
        angles.angles(points, np.random.default_rng(0)), single
    )
    gradient = qp.grad(circuit.update(diff_method="adjoint"))
    for point, value, slope in zip(points, values[:, 0], slopes[:, 0] @ angles.chain, strict=True):
        expected = np.ravel(gradient(pnp.array(point.reshape(weights.shape), requires_grad=True)))
        size = np.abs(expected).max()
        assert value == pytest.approx(float(gradient.forward), abs=digits * max(1, abs(gradient.forward)))
        np.testing.assert_allclose(slope, expected, atol=digits * max(1, size))


def test_second_moments_of_lithium_hydride_against_samples_on_the_sector(monkeypatch):
    """Fourth moments are large there: a few hundred samples would not do."""
    problem = problem_of(ansatz_of(*lithium_hydride()), rtol=0.01)
    expected = engine.predict(problem)
    sampled(monkeypatch)
    found = engine.predict(problem)
    assert expected.loss.exact and not found.loss.exact
    assert abs(found.loss.value - expected.loss.value) < 5 * found.loss.stderr
    assert abs(found.loss_mean - expected.loss_mean) < 5 * found.loss_mean_stderr
    assert np.all(np.abs(found.gradient.value - expected.gradient.value) < 5 * found.gradient.stderr)


@pytest.mark.parametrize(
    "build, count",
    [
        (lambda device: heisenberg(8, 3, device), 400),
        pytest.param(lambda device: heisenberg(10, 4, device), 300, marks=pytest.mark.slow),
        pytest.param(lambda device: heisenberg(12, 4, device), 300, marks=pytest.mark.slow),
        (lambda device: qaoa(nx.cycle_graph(8), 3, device), 600),
        (lambda device: qaoa(three_regular(8, 4, 44), 3, device), 300),
        pytest.param(lambda device: qaoa(three_regular(10, 8, 136), 3, device), 500, marks=pytest.mark.slow),
    ],
    ids=["Heisenberg 8", "Heisenberg 10", "Heisenberg 12", "ring 8", "3-regular 8", "3-regular 10"],
)
def test_every_component(build, count):
    circuit, weights = build("lightning.qubit")
    # a minute, for machines that are slow or busy; the whole takes a few seconds on a quiet one
    diagnosis = dla.inspect(circuit, method="sector", max_seconds=60.0, rtol=0.02, progress=False)(weights)
    assert diagnosis.loss.variance.method == "sector", diagnosis.loss.variance.reason
    losses, slopes = simulated(circuit, diagnosis.arguments.periods, weights.shape, count)
    variance, error = variance_and_error(losses)
    found = diagnosis.loss.variance
    assert abs(found.value - variance) < 5 * np.hypot(error, found.stderr)
    assert abs(diagnosis.loss.mean - losses.mean()) < 5 * losses.std() / np.sqrt(count) * (1 + 1e-3) + 0.05 * error
    variances, errors = variance_and_error(slopes)
    away = np.abs(np.ravel(diagnosis.gradient.variance) - variances)
    assert np.all(away < 5 * np.hypot(errors, np.ravel(diagnosis.gradient.stderr))), away / errors
