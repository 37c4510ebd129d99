"""QNodes with shared angles and sums of strings, as people write them: exact variances against sampled ones.

The samples come from PennyLane's own execution of the QNode where it is affordable, elsewhere from the engine
``simulated``, which the tests of that engine checks against PennyLane. All tolerances are five standard errors.
"""

import networkx as nx
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.errors import DLAError

DEVICE = qp.device("default.qubit")


def qaoa(graph, layers):
    """As PennyLane's QAOA tutorial writes it."""
    cost, mixer = qp.qaoa.maxcut(graph)

    def layer(gamma, alpha):
        qp.qaoa.cost_layer(gamma, cost)
        qp.qaoa.mixer_layer(alpha, mixer)

    @qp.qnode(DEVICE)
    def circuit(params):
        for wire in range(len(graph)):
            qp.Hadamard(wires=wire)
        qp.layer(layer, layers, params[0], params[1])
        return qp.expval(cost)

    return circuit, np.zeros((2, layers))


def tfim(n, layers):
    @qp.qnode(DEVICE)
    def circuit(params):
        for layer in range(layers):
            for q in range(n - 1):
                qp.CNOT([q, q + 1])
                qp.RZ(params[layer, 0], q + 1)
                qp.CNOT([q, q + 1])
            for q in range(n):
                qp.RX(params[layer, 1], q)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    return circuit, np.zeros((layers, 2))


def xxz(n, layers):
    @qp.qnode(DEVICE)
    def circuit(params):
        for q in range(0, n, 2):
            qp.X(q)
        for layer in range(layers):
            for parity in (0, 1):
                for q in range(parity, n - 1, 2):
                    qp.IsingZZ(params[layer, parity, 0], [q, q + 1])
                    qp.IsingXX(params[layer, parity, 1], [q, q + 1])
                    qp.IsingYY(params[layer, parity, 1], [q, q + 1])
        return qp.expval(qp.Z(0) @ qp.Z(1))

    return circuit, np.zeros((layers, 2, 2))


def givens(n, layers):
    @qp.qnode(DEVICE)
    def circuit(params):
        for q in range(0, n, 2):
            qp.X(q)
        k = 0
        for layer in range(layers):
            for q in range(layer % 2, n - 1, 2):
                qp.SingleExcitation(params[k], wires=[q, q + 1])
                k += 1
        return qp.expval(qp.Z(0) + 0.5 * qp.Z(1) @ qp.Z(2))

    return circuit, np.zeros(sum(len(range(layer % 2, n - 1, 2)) for layer in range(layers)))


def uccsd(electrons, orbitals):
    state = qp.qchem.hf_state(electrons, orbitals)
    singles, doubles = qp.qchem.excitations(electrons, orbitals)
    single_wires, double_wires = qp.qchem.excitations_to_wires(singles, doubles)

    @qp.qnode(DEVICE)
    def circuit(params):
        qp.UCCSD(params, range(orbitals), single_wires, double_wires, init_state=state)
        return qp.expval(qp.Z(0) @ qp.Z(1) + 0.3 * qp.Z(2) + 0.2 * qp.X(0) @ qp.X(1) @ qp.Y(2) @ qp.Y(3))

    return circuit, np.zeros(len(singles) + len(doubles))


def equivariant(n, layers):
    @qp.qnode(DEVICE)
    def circuit(params):
        for layer in range(layers):
            for q in range(n):
                qp.RX(params[layer, 0], q)
                qp.RY(params[layer, 1], q)
            for a in range(n):
                for b in range(a):
                    qp.IsingZZ(params[layer, 2], [a, b])
        return qp.expval(qp.sum(*(qp.Z(q) for q in range(n))) / n)

    return circuit, np.zeros((layers, 3))


def controlled():
    @qp.qnode(DEVICE)
    def circuit(params):
        qp.Hadamard(0)
        qp.CRX(params[0], [0, 1])
        qp.CRY(params[1], [1, 2])
        qp.ControlledPhaseShift(params[2], [2, 0])
        qp.IsingXY(params[3], [0, 1])
        return qp.expval(qp.Z(1) @ qp.X(2))

    return circuit, np.zeros(4)


CIRCUITS = {
    "QAOA ring": qaoa(nx.cycle_graph(5), 2),
    "QAOA path": qaoa(nx.path_graph(4), 2),
    "QAOA complete": qaoa(nx.complete_graph(4), 2),
    "QAOA 3-regular": qaoa(nx.random_regular_graph(3, 6, seed=1), 2),
    "TFIM": tfim(4, 2),
    "XXZ": xxz(4, 2),
    "Givens": givens(4, 3),
    "UCCSD H2": uccsd(2, 4),
    "equivariant": equivariant(4, 2),
    "controlled rotations": controlled(),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_exact_against_sampled(name):
    circuit, params = CIRCUITS[name]
    exact = dla.inspect(circuit, method="module", progress=False)(params)
    sampled = dla.inspect(circuit, method="simulated", samples=1500, rtol=1e-9, progress=False)(params)
    assert exact.loss.variance.exact
    for one, other in (
        (sampled.loss.variance, exact.loss.variance),
        (sampled.gradient.estimate, exact.gradient.estimate),
    ):
        away = np.abs(np.asarray(one.value) - np.asarray(other.value))
        assert np.all(away <= 5 * np.asarray(one.stderr) + 1e-12)


@pytest.mark.parametrize("name", ["QAOA ring", "Givens", "equivariant"])
def test_exact_against_the_qnode_itself(name):
    """Losses and gradients that PennyLane computes from the QNode, broadcasting over angles."""
    circuit, params = CIRCUITS[name]
    exact = dla.inspect(circuit, method="module", progress=False)(params)
    rng = np.random.default_rng(1)
    samples = 1000
    points = rng.uniform(0, 4 * np.pi, (samples,) + params.shape)
    spread = np.moveaxis(points, 0, -1)
    losses = np.asarray(circuit(spread))
    variance = losses.var(ddof=1)
    error = np.sqrt((np.mean((losses - losses.mean()) ** 4) - variance**2) / samples)
    assert abs(variance - exact.loss.variance.value) < 5 * error
    first = (0,) * params.ndim
    step = 1e-4
    up, down = spread.copy(), spread.copy()
    up[first] += step
    down[first] -= step
    slopes = (np.asarray(circuit(up)) - np.asarray(circuit(down))) / (2 * step)
    variance = slopes.var(ddof=1)
    error = np.sqrt((np.mean((slopes - slopes.mean()) ** 4) - variance**2) / samples)
    assert abs(variance - np.asarray(exact.gradient.variance)[first]) < 5 * error + 1e-6


def test_reference_values_of_qaoa_from_a_qnode():
    """The figures of ``test_engine.py``, from a QNode: cost ``exp(-iγ ΣZZ)`` and mixer ``exp(-iβ ΣX)``."""
    n = 4
    cost = qp.sum(*(qp.Z(q) @ qp.Z((q + 1) % n) for q in range(n)))
    mixer = qp.sum(*(qp.X(q) for q in range(n)))

    @qp.qnode(DEVICE)
    def circuit(params):
        for q in range(n):
            qp.Hadamard(q)
        for gamma, beta in params:
            qp.qaoa.cost_layer(gamma, cost)
            qp.qaoa.mixer_layer(beta, mixer)
        return qp.expval(qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(1) @ qp.Z(2))

    diagnosis = dla.inspect(circuit)(np.zeros((3, 2)))
    assert diagnosis.loss.variance.value + diagnosis.loss.mean**2 == pytest.approx(0.33233643, abs=1e-6)
    expected = [2.8564453, 3.6826172, 3.8232422, 3.8232422, 3.6826172, 2.8564453]
    np.testing.assert_allclose(np.asarray(diagnosis.gradient.variance).reshape(-1), expected, atol=1e-6)
    assert diagnosis.algebra.dim == 11 and diagnosis.algebra.name == "3 su(2) + 2 u(1)"


def test_an_argument_that_returns_is_sampled_and_that_is_said():
    @qp.qnode(DEVICE)
    def circuit(x, y):
        for _ in range(2):
            for q in range(3):
                qp.RX(x, q)
            for q in range(2):
                qp.IsingZZ(y, [q, q + 1])
        return qp.expval(qp.Z(0) @ qp.Y(1))

    diagnosis = dla.inspect(circuit, argnums=(0, 1), progress=False)(0.1, 0.2)
    assert diagnosis.loss.variance.method == "simulated" and not diagnosis.loss.variance.exact
    alone = dla.inspect(circuit, argnums=(0, 1), method="module")(0.1, 0.2)
    assert alone.loss.variance.value is None and "correlated" in alone.loss.variance.reason


def test_a_generator_of_very_different_coefficients():
    """``Z₀ + 1e-12 Z₁`` and ``X₁``: the small term counts, exactly."""
    algebra = dla.lie_closure([qp.Z(0) + 1e-12 * qp.Z(1), qp.X(1)])
    assert algebra.dim == 4 and "proved" in algebra.reason or "exact" in algebra.reason


def test_a_generator_that_is_not_hermitian():
    with pytest.raises(DLAError):
        dla.lie_closure([qp.X(0) + 1j * qp.Z(0), qp.Y(0)])
