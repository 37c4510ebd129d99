"""The trainable qubit templates of PennyLane, one circuit each, and why every other template is left out.

``TRAINABLE`` maps the name of a template to a circuit on four qubits, or as few as it needs, and the shape of its
parameters. ``LEFT_OUT`` gives the reason for the others. Together they are all of ``qp.templates``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qp

WIRES = range(4)
HALF_FILLED = np.array([1, 1, 0, 0])  # two electrons in four spin orbitals
FEATURES = np.array([0.3, 0.8, 1.4, 2.1])  # data, where a template wants some besides its weights


@dataclass(frozen=True)
class Template:
    """A template at work.

    Args:
        family: where PennyLane's documentation lists it
        circuit: takes the weights and queues the operations
        shape: of the weights
    """

    family: str
    circuit: Callable
    shape: tuple[int, ...]


def heisenberg_chain():
    """A Heisenberg chain in a field gradient, ``Tr[O²]/2⁴ = 1``: one and the same observable for every template."""
    bonds = [P(i) @ P(i + 1) for i in range(3) for P in (qp.X, qp.Y, qp.Z)]
    field = [-1.5, -0.5, 0.5, 1.5]
    return qp.dot(np.array([1.0] * 9 + field) / np.sqrt(14), bonds + [qp.Z(i) for i in WIRES])


def ising_chain():
    """A Hamiltonian whose terms do not commute, for the templates that evolve in time."""
    return qp.dot(
        [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5], [qp.Z(i) @ qp.Z(i + 1) for i in range(3)] + [qp.X(i) for i in WIRES]
    )


def plus():
    """``|++++⟩``, in front of templates that would leave ``|0000⟩`` alone."""
    for wire in WIRES:
        qp.Hadamard(wire)


def block(weights, wires):
    """What the tensor networks are made of."""
    qp.RY(weights[0], wires=wires[0])
    qp.RY(weights[1], wires=wires[1])
    qp.CNOT(wires=wires)


def strongly_entangling_layers(weights):
    qp.StronglyEntanglingLayers(weights, wires=WIRES)


def basic_entangler_layers(weights):
    qp.BasicEntanglerLayers(weights, wires=WIRES, rotation=qp.RY)


def random_layers(weights):
    qp.RandomLayers(weights, wires=WIRES, seed=7)


def simplified_two_design(weights):
    qp.SimplifiedTwoDesign(weights[:4], weights[4:].reshape(4, 3, 2), wires=WIRES)


def gate_fabric(weights):
    qp.GateFabric(weights, wires=WIRES, init_state=HALF_FILLED, include_pi=True)


def particle_conserving_u1(weights):
    qp.ParticleConservingU1(weights, wires=WIRES, init_state=HALF_FILLED)


def particle_conserving_u2(weights):
    qp.ParticleConservingU2(weights, wires=WIRES, init_state=HALF_FILLED)


def angle_embedding(features):
    qp.AngleEmbedding(features, wires=WIRES, rotation="Y")


def iqp_embedding(features):
    qp.IQPEmbedding(features, wires=WIRES, n_repeats=2)


def qaoa_embedding(weights):
    qp.QAOAEmbedding(FEATURES, weights, wires=WIRES)


def all_singles_doubles(weights):
    singles, doubles = qp.qchem.excitations(2, 4)
    qp.AllSinglesDoubles(weights, wires=WIRES, hf_state=HALF_FILLED, singles=singles, doubles=doubles)


def fermionic_single_excitation(weight):
    qp.BasisState(np.array([1, 0, 1, 0]), wires=WIRES)
    qp.FermionicSingleExcitation(weight, wires=WIRES)


def fermionic_double_excitation(weight):
    qp.BasisState(HALF_FILLED, wires=WIRES)
    qp.FermionicDoubleExcitation(weight, wires1=[0, 1], wires2=[2, 3])


def uccsd(weights):
    qp.UCCSD(
        weights,
        wires=WIRES,
        s_wires=[[0, 1, 2], [1, 2, 3]],
        d_wires=[[[0, 1], [2, 3]]],
        init_state=HALF_FILLED,
        n_repeats=2,
    )


def k_up_ccgsd(weights):
    qp.kUpCCGSD(weights, wires=WIRES, k=1, delta_sz=0, init_state=HALF_FILLED)


def arbitrary_unitary(weights):
    qp.ArbitraryUnitary(weights, wires=WIRES)


def arbitrary_state_preparation(weights):
    qp.ArbitraryStatePreparation(weights, wires=WIRES)


def iqp(weights):
    pairs = [(a, b) for a in WIRES for b in range(a)]
    qp.IQP(weights, num_wires=4, pattern=[[[a]] for a in WIRES] + [[list(pair)] for pair in pairs])


def two_local_swap_network(weights):
    plus()
    qp.TwoLocalSwapNetwork(
        WIRES, lambda index, wires, param=None: qp.CRX(param, wires=index), weights, fermionic=False, shift=True
    )


def select_pauli_rot(angles):
    plus()
    qp.SelectPauliRot(angles, control_wires=[0, 1, 2], target_wire=3, rot_axis="Y")


def gqsp(angles):
    qp.GQSP(qp.prod(qp.Hadamard(1), qp.CNOT([1, 2]), qp.CNOT([2, 3])), angles, control=0)


def qsvt(angles):
    encoding = qp.prod(qp.CNOT([1, 3]), qp.CNOT([0, 2]), qp.Hadamard(1), qp.Hadamard(0))
    qp.QSVT(encoding, [qp.PCPhase(angle, dim=4, wires=WIRES) for angle in angles])


def reflection(alpha):
    qp.Reflection(qp.prod(qp.Hadamard(0), qp.CNOT([0, 1]), qp.Hadamard(2), qp.CNOT([2, 3])), alpha)


def controlled_sequence(weight):
    plus()
    qp.ControlledSequence(qp.RX(weight, wires=3), control=[0, 1, 2])


def quantum_phase_estimation(weight):
    qp.Hadamard(3)
    qp.QuantumPhaseEstimation(qp.PhaseShift(weight, wires=3), estimation_wires=[0, 1, 2])


def select(weights):
    plus()
    qp.Select([qp.RY(weight, wires=2) @ qp.RZ(weight, wires=3) for weight in weights], control=[0, 1])


def prep_sel_prep(weights):
    qp.PrepSelPrep(qp.dot([0.5, 0.5], [qp.RX(weights[0], 2), qp.RY(weights[1], 3)]), control=[0])


def amplitude_amplification(weights):
    layer = qp.prod(*(qp.RY(weights[wire], wire) for wire in WIRES))
    qp.apply(layer)
    qp.AmplitudeAmplification(layer, qp.FlipSign([0, 1, 0, 1], wires=WIRES), iters=1)


def hilbert_schmidt(weights):
    trained = [qp.RZ(weights[0], 2), qp.RY(weights[1], 3), qp.CNOT([2, 3]), qp.RX(weights[2], 3)]
    qp.HilbertSchmidt(trained, qp.CZ([0, 1]))


def local_hilbert_schmidt(weights):
    trained = [qp.RZ(weights[0], 2), qp.RY(weights[1], 3), qp.CNOT([2, 3]), qp.RX(weights[2], 3)]
    qp.LocalHilbertSchmidt(trained, qp.CZ([0, 1]))


def mps(weights):
    qp.MPS(WIRES, n_block_wires=2, block=block, n_params_block=2, template_weights=weights)


def mera(weights):
    qp.MERA(WIRES, n_block_wires=2, block=block, n_params_block=2, template_weights=weights)


def ttn(weights):
    qp.TTN(WIRES, n_block_wires=2, block=block, n_params_block=2, template_weights=weights)


def approx_time_evolution(time):
    qp.ApproxTimeEvolution(ising_chain(), time, n=2)


def commuting_evolution(time):
    qp.CommutingEvolution(qp.dot([1.0, 1.0, 1.0], [qp.X(i) @ qp.X(i + 1) for i in range(3)]), time)


def trotter_product(time):
    qp.TrotterProduct(ising_chain(), time, n=1, order=2)


def qdrift(time):
    qp.QDrift(ising_chain(), time, n=4, seed=5)


def trotterized_qfunc(weights):
    def step(time, x, wires):  # the products time·x would not be affine: x is an angle
        for wire in wires:
            qp.RX(x, wires=wire)
        for a, b in zip(wires[:-1], wires[1:], strict=True):
            qp.IsingZZ(time, wires=(a, b))

    qp.TrotterizedQfunc(weights[0], weights[1], qfunc=step, n=1, order=1, wires=list(WIRES))


def shape_of(template, *args, **kwargs):
    return tuple(int(size) for size in template.shape(*args, **kwargs))


TRAINABLE = {
    "StronglyEntanglingLayers": Template("layers", strongly_entangling_layers, (4, 4, 3)),
    "BasicEntanglerLayers": Template("layers", basic_entangler_layers, (4, 4)),
    "RandomLayers": Template("layers", random_layers, (4, 4)),
    "SimplifiedTwoDesign": Template("layers", simplified_two_design, (4 + 24,)),
    "GateFabric": Template("layers", gate_fabric, (4, 1, 2)),
    "ParticleConservingU1": Template("layers", particle_conserving_u1, (2, 3, 2)),
    "ParticleConservingU2": Template("layers", particle_conserving_u2, (4, 7)),
    "AngleEmbedding": Template("embeddings", angle_embedding, (4,)),
    "IQPEmbedding": Template("embeddings", iqp_embedding, (4,)),
    "QAOAEmbedding": Template("embeddings", qaoa_embedding, (2, 8)),
    "AllSinglesDoubles": Template("chemistry", all_singles_doubles, (3,)),
    "FermionicSingleExcitation": Template("chemistry", fermionic_single_excitation, ()),
    "FermionicDoubleExcitation": Template("chemistry", fermionic_double_excitation, ()),
    "UCCSD": Template("chemistry", uccsd, (2, 3)),
    "kUpCCGSD": Template("chemistry", k_up_ccgsd, (1, 6)),
    "ArbitraryUnitary": Template("subroutines", arbitrary_unitary, (255,)),
    "ArbitraryStatePreparation": Template("state preparation", arbitrary_state_preparation, (30,)),
    "IQP": Template("subroutines", iqp, (10,)),
    "TwoLocalSwapNetwork": Template("swap networks", two_local_swap_network, (6,)),
    "SelectPauliRot": Template("subroutines", select_pauli_rot, (8,)),
    "GQSP": Template("subroutines", gqsp, (3, 4)),
    "QSVT": Template("subroutines", qsvt, (5,)),
    "Reflection": Template("subroutines", reflection, ()),
    "ControlledSequence": Template("subroutines", controlled_sequence, ()),
    "QuantumPhaseEstimation": Template("subroutines", quantum_phase_estimation, ()),
    "Select": Template("subroutines", select, (4,)),
    "PrepSelPrep": Template("subroutines", prep_sel_prep, (2,)),
    "AmplitudeAmplification": Template("subroutines", amplitude_amplification, (4,)),
    "HilbertSchmidt": Template("subroutines", hilbert_schmidt, (3,)),
    "LocalHilbertSchmidt": Template("subroutines", local_hilbert_schmidt, (3,)),
    "MPS": Template("tensor networks", mps, (3, 2)),
    "MERA": Template("tensor networks", mera, (5, 2)),
    "TTN": Template("tensor networks", ttn, (3, 2)),
    "ApproxTimeEvolution": Template("time evolution", approx_time_evolution, ()),
    "CommutingEvolution": Template("time evolution", commuting_evolution, ()),
    "TrotterProduct": Template("time evolution", trotter_product, ()),
    "QDrift": Template("time evolution", qdrift, ()),
    "TrotterizedQfunc": Template("time evolution", trotterized_qfunc, (2,)),
}

AMPLITUDES = "takes amplitudes, whose norm is fixed, and no angles"
MATRIX = "takes the entries of a matrix, and computes its angles from them"
CONTINUOUS_VARIABLES = "acts on modes of light, not on qubits"
ARITHMETIC = "computes on integers"
FIXED = "has no parameters"
PARTS = "arranges operations that are given to it, with no parameter of its own"

LEFT_OUT = {
    "AmplitudeEmbedding": AMPLITUDES,
    "MottonenStatePreparation": AMPLITUDES,
    "MultiplexerStatePreparation": AMPLITUDES,
    "QROMStatePreparation": AMPLITUDES,
    "SumOfSlatersPrep": AMPLITUDES,
    "Superposition": AMPLITUDES,
    "MPSPrep": AMPLITUDES,
    "Qubitization": AMPLITUDES,
    "QuantumMonteCarlo": AMPLITUDES,
    "BasisRotation": MATRIX,
    "FABLE": MATRIX,
    "CVNeuralNetLayers": CONTINUOUS_VARIABLES,
    "DisplacementEmbedding": CONTINUOUS_VARIABLES,
    "SqueezingEmbedding": CONTINUOUS_VARIABLES,
    "Interferometer": CONTINUOUS_VARIABLES,
    "QutritBasisStatePreparation": "acts on qutrits",
    "BasisEmbedding": "takes bits",
    "Adder": ARITHMETIC,
    "ModExp": ARITHMETIC,
    "Multiplier": ARITHMETIC,
    "OutAdder": ARITHMETIC,
    "OutMultiplier": ARITHMETIC,
    "OutPoly": ARITHMETIC,
    "PhaseAdder": ARITHMETIC,
    "SemiAdder": ARITHMETIC,
    "QROM": "loads bits",
    "BBQRAM": "loads bits",
    "HybridQRAM": "loads bits",
    "SelectOnlyQRAM": "loads bits",
    "AQFT": FIXED,
    "QFT": FIXED,
    "CosineWindow": FIXED,
    "Elbow": FIXED,
    "TemporaryAND": FIXED,
    "FlipSign": FIXED,
    "GroverOperator": FIXED,
    "Permute": FIXED,
    "SubroutineOp": PARTS,
}
