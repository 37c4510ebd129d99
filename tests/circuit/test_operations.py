"""Every operation against its PennyLane matrix: the unitary rebuilt from the IR, up to a global phase."""

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.circuit.extract import extract
from pennylane_dla.circuit.operations import TABLE, Conjugate
from pennylane_dla.errors import DLAError
from tests.helpers import equal_up_to_phase, unitary_of

RNG = np.random.default_rng(11)


def check(build, values, num_wires=4):
    """``build(values)`` queues operations; the rebuilt unitary must be its matrix at these values.

    A trainable layer first leaves nothing to fold into the initial state, so that whole unitaries are
    compared.
    """
    values = np.asarray(values, float)
    size = len(values)

    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        for q in range(num_wires):
            qp.RX(theta[size + 2 * q], q)
            qp.RY(theta[size + 2 * q + 1], q)
        build(theta[:size])
        return qp.expval(qp.Z(0))

    values = np.append(values, RNG.uniform(-3, 3, 2 * num_wires))
    (ansatz,) = extract(circuit, (values,))
    tape = qp.workflow.construct_tape(circuit)(values)
    assert np.array_equal(ansatz.state.bloch, ProductState.zero(ansatz.num_wires).bloch)
    assert equal_up_to_phase(unitary_of(ansatz, values), qp.matrix(tape, wire_order=ansatz.wires))
    return ansatz


NO_SIZE = {
    qp.PauliRot: lambda t: qp.PauliRot(t[0], "XIYZ", wires=[3, 1, 0, 2]),
    qp.MultiRZ: lambda t: qp.MultiRZ(t[0], wires=[2, 0, 1]),
    qp.GlobalPhase: lambda t: qp.GlobalPhase(t[0], wires=[0]),
    qp.Identity: lambda t: qp.Identity(wires=[0]),
    qp.ops.Evolution: lambda t: qp.evolve(0.3 * qp.X(0) @ qp.X(1) - 0.7 * qp.Z(0) @ qp.Z(1) + 0.2 * qp.I(), t[0]),
    qp.ops.Exp: lambda t: qp.exp(0.3 * qp.X(0) @ qp.X(1) - 0.7 * qp.Z(0) @ qp.Z(1) + 0.2 * qp.I(), 1j * t[0]),
}


def instance(kind, values):
    if kind in NO_SIZE:
        return NO_SIZE[kind](values)
    return kind(*values[: kind.num_params], wires=range(kind.num_wires))


def number_of_parameters(kind):
    return 1 if kind in NO_SIZE else int(kind.num_params)


@pytest.mark.parametrize("form", ["plain", "adjoint", "conjugate", "controlled", "controlled on 0", "squared"])
@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_table(kind, form):
    values = RNG.uniform(-3, 3, max(1, number_of_parameters(kind)))

    def build(t):
        if form == "plain":
            instance(kind, t)
        elif form == "adjoint":
            qp.adjoint(instance(kind, t))
        elif form == "conjugate":
            Conjugate(instance(kind, t))
        elif form == "controlled":
            qp.ctrl(instance(kind, t), control=4)
        elif form == "controlled on 0":
            qp.ctrl(instance(kind, t), control=[4, 5], control_values=[0, 1])
        else:
            qp.pow(instance(kind, t), 2)

    check(build, values, {"controlled": 5, "controlled on 0": 6}.get(form, 4))


OTHERS = {
    "S dagger": lambda t: qp.adjoint(qp.S(0)),
    "root of S": lambda t: qp.pow(qp.S(0), 0.5),
    "root of X": lambda t: qp.pow(qp.X(0), 0.5),
    "inverse T": lambda t: qp.pow(qp.T(0), -1),
    "half RX": lambda t: qp.pow(qp.RX(t[0], 0), 0.5),
    "half Rot": lambda t: qp.pow(qp.Rot(t[0], t[1], t[2], 0), 3),
    "adjoint of adjoint": lambda t: qp.adjoint(qp.adjoint(qp.Rot(t[0], t[1], t[2], 0))),
    "MultiControlledX": lambda t: qp.MultiControlledX(wires=[0, 1, 2, 3], control_values=[1, 0, 1]),
    "six controls": lambda t: qp.MultiControlledX(wires=range(6)),
    "controlled MultiRZ": lambda t: qp.ctrl(qp.MultiRZ(t[0], wires=[0, 1]), control=[2, 3]),
    "controlled product": lambda t: qp.ctrl(qp.prod(qp.RX(t[0], 0), qp.RZ(t[1], 1)), control=[2]),
    "product": lambda t: qp.prod(qp.RX(t[0], 0), qp.CRZ(t[1], (0, 1)), qp.H(1)),
    "controlled unitary": lambda t: qp.ctrl(qp.QubitUnitary(SINGLE, wires=0), control=[1]),
    "ControlledQubitUnitary": lambda t: qp.ControlledQubitUnitary(SINGLE, wires=[1, 2, 0]),
    "QubitUnitary 1": lambda t: qp.QubitUnitary(SINGLE, wires=0),
    "QubitUnitary 2": lambda t: qp.QubitUnitary(DOUBLE, wires=[1, 0]),
    "QubitUnitary 3": lambda t: qp.QubitUnitary(TRIPLE, wires=[1, 0, 2]),
    "DiagonalQubitUnitary": lambda t: qp.DiagonalQubitUnitary(np.exp(1j * np.arange(8.0) ** 2), wires=[0, 1, 2]),
    "SpecialUnitary of data": lambda t: qp.SpecialUnitary(np.linspace(0.1, 1.5, 15), wires=[0, 1]),
    "PCPhase": lambda t: qp.PCPhase(t[0], dim=3, wires=[0, 1, 2]),
    "PauliRot identity": lambda t: qp.PauliRot(t[0], "II", wires=[0, 1]),
    "DoubleExcitation moved": lambda t: qp.DoubleExcitation(t[0], wires=[3, 1, 0, 2]),
    "controlled SingleExcitation": lambda t: qp.ctrl(qp.SingleExcitation(t[0], wires=[3, 1]), control=[0]),
    "evolve word": lambda t: qp.evolve(qp.X(0) @ qp.Y(2), t[0]),
    "evolve non-commuting": lambda t: qp.evolve(qp.X(0) + 0.5 * qp.Z(0) @ qp.Z(1), t[0]),
    "evolve fixed": lambda t: qp.evolve(0.4 * qp.X(0) @ qp.X(1) + 0.5 * qp.Z(0) @ qp.Z(1), 0.7),
    "evolve fixed non-commuting": lambda t: qp.evolve(0.4 * qp.X(0) + 0.5 * qp.Z(0) @ qp.Z(1), 0.7),
    "evolve adjoint": lambda t: qp.adjoint(qp.evolve(0.4 * qp.X(0) @ qp.X(1) + 0.5 * qp.Z(0) @ qp.Z(1), t[0])),
    "exp of a sum": lambda t: qp.exp(qp.X(0) @ qp.X(1) + 0.5 * qp.Z(0) @ qp.Z(1), 1j * t[0]),
    "exp": lambda t: qp.exp(qp.X(0) @ qp.Z(1), 0.3j),
    "TemporaryAND": lambda t: qp.TemporaryAND(wires=[0, 1, 2]),
    "IntegerComparator": lambda t: qp.IntegerComparator(2, geq=True, wires=[0, 1, 2]),
    "QubitCarry": lambda t: qp.QubitCarry(wires=[0, 1, 2, 3]),
    "QubitSum": lambda t: qp.QubitSum(wires=[0, 1, 2]),
    "Permute": lambda t: qp.Permute([2, 0, 1], wires=[0, 1, 2]),
    "QFT": lambda t: qp.QFT(wires=[0, 1, 2]),
    "GroverOperator": lambda t: qp.GroverOperator(wires=[0, 1, 2]),
    "FlipSign": lambda t: qp.FlipSign([1, 0, 1], wires=[0, 1, 2]),
    "SelectPauliRot": lambda t: qp.SelectPauliRot(t[:4], control_wires=[0, 1], target_wire=2, rot_axis="Y"),
    "Barrier, Snapshot": lambda t: (qp.Barrier(wires=[0, 1]), qp.RX(t[0], 0), qp.Snapshot("here")),
}
SINGLE, DOUBLE, TRIPLE = (np.linalg.qr(RNG.normal(size=(2**k, 2**k, 2)) @ [1, 1j])[0] for k in (1, 2, 3))


@pytest.mark.parametrize("name", OTHERS)
def test_other_operations(name):
    check(OTHERS[name], RNG.uniform(-3, 3, 4), 6 if name == "six controls" else 4)


def layers(template, *shape):
    return lambda t: template(t[: int(np.prod(shape))].reshape(shape), wires=range(4))


HAMILTONIAN = 0.5 * qp.X(0) @ qp.X(1) + 0.3 * qp.Z(1) @ qp.Z(2) - 0.2 * qp.Y(3)
TEMPLATES = {
    "BasicEntanglerLayers": layers(qp.BasicEntanglerLayers, 2, 4),
    "BasicEntanglerLayers RY": lambda t: qp.BasicEntanglerLayers(t[:8].reshape(2, 4), wires=range(4), rotation=qp.RY),
    "StronglyEntanglingLayers": layers(qp.StronglyEntanglingLayers, 2, 4, 3),
    "StronglyEntanglingLayers CZ": lambda t: qp.StronglyEntanglingLayers(
        t[:24].reshape(2, 4, 3), wires=range(4), ranges=[2, 1], imprimitive=qp.CZ
    ),
    "SimplifiedTwoDesign": lambda t: qp.SimplifiedTwoDesign(t[:4], t[4:16].reshape(2, 3, 2), wires=range(4)),
    "RandomLayers": lambda t: qp.RandomLayers(t[:12].reshape(2, 6), wires=range(4), seed=3),
    "TwoLocalSwapNetwork": lambda t: qp.TwoLocalSwapNetwork(
        range(4), lambda index, wires, param, **_: qp.CRY(param, wires=wires), t[:6], fermionic=True
    ),
    "MPS": lambda t: qp.MPS(range(4), 2, block, 2, t[:6].reshape(3, 2)),
    "TTN": lambda t: qp.TTN(range(4), 2, block, 2, t[:6].reshape(3, 2)),
    "MERA": lambda t: qp.MERA(range(4), 2, block, 2, t[:10].reshape(5, 2)),
    "ArbitraryUnitary": lambda t: qp.ArbitraryUnitary(t[:15], wires=[0, 1]),
    "ArbitraryStatePreparation": lambda t: qp.ArbitraryStatePreparation(t[:6], wires=[0, 1]),
    "AngleEmbedding": lambda t: qp.AngleEmbedding(t[:4], wires=range(4), rotation="Y"),
    "IQPEmbedding": lambda t: qp.IQPEmbedding([0.1, 0.2, 0.3, 0.4], wires=range(4), n_repeats=2),
    "QAOAEmbedding": lambda t: qp.QAOAEmbedding([0.1, 0.2, 0.3], t[:16].reshape(2, 8), wires=range(4)),
    "adjoint of a template": lambda t: qp.adjoint(qp.BasicEntanglerLayers)(t[:8].reshape(2, 4), wires=range(4)),
    "power of a template": lambda t: qp.pow(qp.BasicEntanglerLayers(t[:8].reshape(2, 4), wires=range(4)), 2),
    "controlled template": lambda t: qp.ctrl(qp.BasicEntanglerLayers, control=4)(t[:4].reshape(1, 4), wires=range(4)),
    "ApproxTimeEvolution": lambda t: qp.ApproxTimeEvolution(HAMILTONIAN, t[0], 2),
    "TrotterProduct": lambda t: qp.TrotterProduct(HAMILTONIAN, t[0], n=2, order=2),
    "CommutingEvolution": lambda t: qp.CommutingEvolution(qp.X(0) @ qp.X(1) - 2 * qp.Y(0) @ qp.Y(1), t[0]),
    "cost layer": lambda t: qp.qaoa.cost_layer(t[0], qp.Z(0) @ qp.Z(1) + 0.5 * qp.Z(2)),
    "mixer layer": lambda t: qp.qaoa.mixer_layer(t[0], qp.X(0) + qp.X(1) + qp.X(3)),
    "FermionicSingleExcitation": lambda t: qp.FermionicSingleExcitation(t[0], wires=[0, 1, 2]),
    "FermionicDoubleExcitation": lambda t: qp.FermionicDoubleExcitation(t[0], wires1=[0, 1], wires2=[2, 3]),
    "AllSinglesDoubles": lambda t: qp.AllSinglesDoubles(
        t[:3], range(4), np.array([1, 1, 0, 0]), singles=[[0, 2], [1, 3]], doubles=[[0, 1, 2, 3]]
    ),
    "UCCSD": lambda t: qp.UCCSD(
        t[:3],
        range(4),
        s_wires=[[0, 1, 2], [1, 2, 3]],
        d_wires=[[[0, 1], [2, 3]]],
        init_state=np.array([1, 1, 0, 0]),
    ),
    "kUpCCGSD": lambda t: qp.kUpCCGSD(
        t[:6].reshape(1, 6), range(4), k=1, delta_sz=0, init_state=np.array([1, 1, 0, 0])
    ),
    "GateFabric": lambda t: qp.GateFabric(
        t[:2].reshape(1, 1, 2), range(4), init_state=np.array([1, 1, 0, 0]), include_pi=True
    ),
    "ParticleConservingU1": lambda t: qp.ParticleConservingU1(
        t[:6].reshape(1, 3, 2), range(4), init_state=np.array([1, 1, 0, 0])
    ),
    "ParticleConservingU2": lambda t: qp.ParticleConservingU2(
        t[:7].reshape(1, 7), range(4), init_state=np.array([1, 1, 0, 0])
    ),
    "BasisRotation": lambda t: qp.BasisRotation(range(3), ORTHOGONAL),
    "MottonenStatePreparation": lambda t: qp.MottonenStatePreparation(np.arange(1, 9) / np.sqrt(204), wires=[0, 1, 2]),
}
ORTHOGONAL = np.linalg.qr(RNG.normal(size=(3, 3)))[0]


def block(weights, wires):
    qp.CNOT(wires=[wires[0], wires[1]])
    qp.RY(weights[0], wires=wires[0])
    qp.RX(weights[1], wires=wires[1])


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates(name):
    ansatz = check(TEMPLATES[name], RNG.uniform(-3, 3, 24), 5 if name == "controlled template" else 4)
    driven = {j for gate in ansatz.gates for j in gate.angle.elements}
    assert driven or name in ("IQPEmbedding", "BasisRotation", "MottonenStatePreparation")
    assert all(gate.angle.affine for gate in ansatz.gates)
    assert all(gate.strings != ("I",) for gate in ansatz.gates)


def test_normal_form():
    gate = check(lambda t: qp.PauliRot(-2 * t[0], "ZIX", wires=[2, 1, 0]), [0.4]).gates[-1]
    assert (gate.wires, gate.strings, gate.coefficients) == ((0, 2), ("XZ",), (0.5,))
    assert (gate.angle.offset, gate.angle.elements, gate.angle.coefficients) == (0.0, (0,), (-2.0,))


def test_one_argument_one_sum():
    """A sum generator is one rotation with all its strings."""
    for build, terms in [
        (lambda t: qp.CRX(t[0], (0, 1)), 2),
        (lambda t: qp.SingleExcitation(t[0], (0, 1)), 2),
        (lambda t: qp.DoubleExcitation(t[0], range(4)), 8),
        (lambda t: qp.IsingXY(t[0], (0, 1)), 2),
        (lambda t: qp.evolve(HAMILTONIAN, t[0]), 3),
        (lambda t: qp.ControlledPhaseShift(t[0], (0, 1)), 3),
        (lambda t: qp.PCPhase(t[0], dim=3, wires=range(2)), 3),
    ]:
        ansatz = check(build, [0.4])
        trainable = [g for g in ansatz.gates if 0 in g.angle.elements]
        assert [len(g.strings) for g in trainable] == [terms]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fixed_quarter_turns_snap(dtype):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(theta):
        qp.CNOT((0, 1))
        qp.RX(dtype(np.pi / 2), 0)
        qp.RZ(dtype(3 * np.pi), 1)
        qp.RY(np.pi / 2 + 5e-7, 1)
        qp.RX(theta, 0)
        return qp.expval(qp.Z(0))

    (ansatz,) = extract(circuit, (0.3,))
    fixed = [g.angle.offset / (np.pi / 2) for g in ansatz.gates if g.angle.fixed and g.name in ("RX", "RZ", "RY")]
    assert all(q == round(q) for q in fixed)
    assert any("rounded" in note for note in ansatz.notes)
    assert ansatz.gates[-1].angle.elements == (0,)


def test_neighbours_merge_and_cancel():
    def build(t):
        qp.CNOT((0, 1))
        qp.RZ(t[0], 2)
        qp.RX(t[1], 3)
        qp.RZ(2 * t[0] + 0.1, 2)
        qp.RY(t[3], 1)
        qp.RY(-t[3], 1)
        qp.CNOT((0, 1))
        qp.RX(0.0, 2)
        qp.U3(t[1], t[2], -t[2], wires=3)
        qp.RZ(-t[2], 3)

    gates = [g for g in check(build, [0.1, 0.2, 0.3, 0.4]).gates if g.angle.elements and min(g.angle.elements) < 4]
    assert {g.angle.elements: g.angle.coefficients for g in gates if g.wires == (2,)} == {(0,): (3.0,)}
    assert sorted(g.angle.elements for g in gates) == [(0,), (1,), (1,), (2,)]
    assert all(3 not in g.angle.elements for g in gates)


@pytest.mark.parametrize(
    "operation, name",
    [
        (lambda t: qp.TRX(t, wires=0), "TRX"),
        (lambda t: qp.Displacement(t, 0.1, wires=0), "Displacement"),
        (lambda t: qp.QubitUnitary(np.diag([1, np.exp(1j * t)]), wires=0), "QubitUnitary"),
        (lambda t: qp.StatePrep(np.array([np.cos(t), np.sin(t)]), wires=0), "StatePrep"),
        (lambda t: qp.AmplitudeDamping(t**2, wires=0), "AmplitudeDamping"),
        (lambda t: qp.evolve(t * qp.X(0) @ qp.X(1) + qp.Z(0) @ qp.Z(1), 0.3), "Evolution"),
        (lambda t: qp.SpecialUnitary(t * np.ones(3), wires=0), "SpecialUnitary"),
        (lambda t: qp.measure(0), "mid-circuit"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_unsupported_operations_are_named(operation, name):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(t):
        qp.RX(t, 0)
        operation(t) if name != "StatePrep" else None
        qp.RX(t, 1)
        return qp.expval(qp.Z(1))

    if name == "StatePrep":

        @qp.qnode(qp.device("default.qubit"))
        def circuit(t):
            operation(t)
            return qp.expval(qp.Z(0))

    with pytest.raises(DLAError, match=name):
        extract(circuit, (0.3,))


def random_clifford(num_wires, seed):
    """A random circuit of Cliffords as a matrix, with a phase."""
    rng = np.random.default_rng(seed)
    gates = []
    for _ in range(12):
        gates.append(rng.choice([qp.H, qp.S, qp.SX])(int(rng.integers(num_wires))))
        if num_wires > 1:
            gates.append(qp.CNOT(rng.permutation(num_wires)[:2].tolist()))
    return np.exp(1j * rng.uniform(0, 6)) * qp.matrix(qp.prod(*gates), wire_order=range(num_wires))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("num_wires", [1, 2, 3])
def test_clifford_matrices_are_recognized(num_wires, seed):
    matrix = random_clifford(num_wires, seed)
    ansatz = check(lambda t: qp.QubitUnitary(matrix, wires=range(num_wires)), [0.1])
    angles = [g.angle.offset / (np.pi / 2) for g in ansatz.gates if g.angle.fixed]
    assert all(q == round(q) for q in angles) and len(angles) <= 6 * num_wires


def test_almost_clifford_matrices_are_not():
    almost = qp.matrix(qp.CRX(np.pi + 1e-4, (0, 1)), wire_order=[0, 1]) @ qp.CZ.compute_matrix()
    ansatz = check(lambda t: qp.QubitUnitary(almost, wires=[0, 1]), [0.1])
    assert any(q != round(q) for g in ansatz.gates for q in [g.angle.offset / (np.pi / 2)])


@pytest.mark.parametrize("operator", [qp.X(0) + 1j * qp.Z(1), 1j * qp.X(0), np.nan * qp.X(0)], ids=str)
def test_generators_must_be_hermitian(operator):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(t):
        qp.RX(t, 0)
        qp.evolve(operator, t)
        return qp.expval(qp.Z(0))

    with pytest.raises(DLAError, match="not Hermitian|NaN"):
        extract(circuit, (0.3,))


def test_small_coefficients_are_kept():
    """Only what is rounding of the largest coefficient is dropped: 1e-12 beside 1 stays."""
    ansatz = check(lambda t: qp.evolve(qp.X(0) + 1e-12 * qp.Z(1), t[0]), [0.4])
    assert ansatz.gates[-1].coefficients == (1.0, 1e-12)
