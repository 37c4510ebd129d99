"""UCCSD of four electrons in eight spin orbitals, as for H4: predictions against a simulation that shares no code.

The simulation takes each excitation as a fermionic operator, writes ``exp(θA/2) = 1 + sin(θ/2) A +
(1 - cos(θ/2)) A²`` (``A³ = -A``) and differentiates whole batches of real state vectors backwards. Tolerances are
five standard errors.
"""

import numpy as np
import pennylane as qp
import pytest
import scipy.sparse

import pennylane_dla as dla

ELECTRONS, ORBITALS = 4, 8
STATE = qp.qchem.hf_state(ELECTRONS, ORBITALS)
SINGLES, DOUBLES = qp.qchem.excitations(ELECTRONS, ORBITALS)
NUM = len(SINGLES) + len(DOUBLES)
SINGLE_WIRES, DOUBLE_WIRES = qp.qchem.excitations_to_wires(SINGLES, DOUBLES)


def ansatz(params):
    qp.UCCSD(params, range(ORBITALS), SINGLE_WIRES, DOUBLE_WIRES, init_state=STATE)


def two_terms():
    return qp.Z(0) @ qp.Z(4) + 0.5 * qp.Z(2)


def molecular():
    """Every kind of term that a molecular Hamiltonian has, with coefficients that decay as its integrals do."""
    number = [0.5 * (qp.I(q) - qp.Z(q)) for q in range(ORBITALS)]
    terms = [(-1.2 + 0.1 * q) * number[q] for q in range(ORBITALS)]
    terms += [0.4 / (1 + b - a) * number[a] @ number[b] for a in range(ORBITALS) for b in range(a + 1, ORBITALS)]
    fermi = qp.FermiC(0) * qp.FermiA(4) + qp.FermiC(1) * qp.FermiA(5)
    exchange = qp.FermiC(0) * qp.FermiC(1) * qp.FermiA(5) * qp.FermiA(4)
    for word, strength in ((fermi, 0.08), (exchange, 0.15)):
        mapped = qp.jordan_wigner(word)
        terms.append(strength * (mapped + qp.adjoint(mapped)))
    return qp.simplify(qp.sum(*terms))


def generator(creators, annihilators, num_wires):
    """``a†…a… - h.c.`` as a real sparse matrix, by PennyLane's Jordan-Wigner map."""
    letters = [(wire, "+") for wire in creators] + [(wire, "-") for wire in annihilators]
    word = qp.fermi.FermiWord({(place, wire): kind for place, (wire, kind) in enumerate(letters)})
    up = qp.jordan_wigner(word, ps=True).to_mat(wire_order=range(num_wires), format="csr").real
    return scipy.sparse.csr_array(up - up.T)


def turned(excitation, angle, state):
    """``exp(θA/2)`` on one state vector for each angle."""
    once = excitation @ state
    return state + np.sin(angle / 2) * once + (1 - np.cos(angle / 2)) * (excitation @ once)


@pytest.mark.parametrize(
    "operation",
    [qp.FermionicSingleExcitation(1.4, [0, 1, 2]), qp.FermionicDoubleExcitation(1.4, [0, 1], [2, 3])],
)
def test_the_simulation_has_the_matrices_of_the_gates(operation):
    n = len(operation.wires)
    excitation = generator([0], [2], 3) if n == 3 else generator([0, 1], [3, 2], 4)
    matrices = [turned(excitation, sign * 1.4, np.eye(2**n)) for sign in (1, -1)]
    assert any(np.allclose(matrix, qp.matrix(operation), atol=1e-9) for matrix in matrices)


def sampled(observable, periods, samples, seed):
    """Losses and gradients at random angles, in the sector of four electrons."""
    weights = np.arange(1.0, NUM + 1)
    operations = qp.UCCSD(weights, range(ORBITALS), SINGLE_WIRES, DOUBLE_WIRES, init_state=STATE).decomposition()
    occupied = np.array([list(np.binary_repr(k, ORBITALS)) for k in range(2**ORBITALS)], int).sum(axis=1)
    sector = np.flatnonzero(occupied == ELECTRONS)
    excitations = []
    for operation in operations[1:]:
        element = round(float(operation.data[0])) - 1
        if isinstance(operation, qp.FermionicDoubleExcitation):
            occupied, empty = (list(operation.hyperparameters[key]) for key in ("wires1", "wires2"))
            occupied, empty = [occupied[0], occupied[-1]], [empty[0], empty[-1]]
        else:
            occupied, empty = [operation.wires[0]], [operation.wires[-1]]
        matrix = generator(empty, occupied[::-1], ORBITALS)
        excitations.append((element, scipy.sparse.csr_array(matrix[sector][:, sector])))
    assert sorted(element for element, _ in excitations) == list(range(NUM))
    measured = qp.simplify(observable).pauli_rep.to_mat(wire_order=range(ORBITALS), format="csr").real
    measured = scipy.sparse.csr_array(measured[sector][:, sector])

    points = np.random.default_rng(seed).uniform(0, 1, (samples, NUM)) * periods
    state = np.zeros((len(sector), samples))
    state[sector == int("".join(map(str, STATE)), 2)] = 1
    for element, excitation in excitations:
        state = turned(excitation, points[:, element], state)
    image = measured @ state
    losses, slopes = np.sum(state * image, axis=0), np.zeros((samples, NUM))
    for element, excitation in reversed(excitations):
        slopes[:, element] = np.sum(image * (excitation @ state), axis=0)
        state, image = (turned(excitation, -points[:, element], vector) for vector in (state, image))
    return losses, slopes


def variance_and_error(values):
    variance = values.var(axis=0, ddof=1)
    fourth = np.mean((values - values.mean(axis=0)) ** 4, axis=0)
    return variance, np.sqrt((fourth - variance**2) / len(values))


@pytest.mark.slow
@pytest.mark.parametrize("observable", [two_terms(), molecular()], ids=["two terms", "as a molecule"])
def test_every_component_against_an_independent_simulation(observable):
    """The observable spreads over more than 2048 dimensions; the state stays in 36 determinants, a module of 666."""

    @qp.qnode(qp.device("default.qubit"))
    def circuit(params):
        ansatz(params)
        return qp.expval(observable)

    diagnosis = dla.inspect(circuit, method="module", max_seconds=60.0, progress=False)(np.zeros(NUM))
    assert diagnosis.loss.variance.exact
    assert diagnosis.measurements[0].facts["module dimension"] == 666
    assert diagnosis.limit.loss.variance.available
    losses, slopes = sampled(observable, diagnosis.arguments.periods, 10_000, seed=5)
    variance, error = variance_and_error(losses)
    assert abs(diagnosis.loss.variance.value - variance) < 5 * error
    assert abs(diagnosis.loss.mean - losses.mean()) < 5 * np.sqrt(variance / len(losses))
    variances, errors = variance_and_error(slopes)
    assert np.all(np.abs(diagnosis.gradient.estimate.value - variances) < 5 * errors + 1e-12)
