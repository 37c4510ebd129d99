"""Losses and derivatives of many circuits with different angles, on state vectors.

Few qubits: the state vectors of a whole batch go through the circuit together, forward and, for the derivatives,
backward (adjoint differentiation, arXiv:2009.02823). More qubits: ``lightning.qubit`` with its
adjoint derivatives, circuit by circuit. Compiling a circuit, ``jit(vmap(grad(qnode)))``, takes minutes for a few
hundred gates, which is why nothing is compiled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pennylane as qp
import scipy.sparse
from jaxtyping import Complex, Float

from pennylane_dla.allowance import checkpoint
from pennylane_dla.circuit.ansatz import Angle, Ansatz, ProductState, Rotation, UnknownState, VectorState
from pennylane_dla.pauli import PauliSum
from pennylane_dla.pauli.strings import CODE
from pennylane_dla.variance.estimate import Declined

BATCHED_QUBITS = 10  # beyond, lightning is faster
BATCH_AMPLITUDES = 2**17
MANY_TERMS = 64  # an observable with more terms is given to lightning as a sparse matrix


class Turn(NamedTuple):
    """``exp(-i · coefficient · α P)`` with ``α`` the angle of ``gate``, or a fixed unitary (``gate = -1``).

    Args:
        wires: positions in the simulated register
        word: the letters of ``P``, or ``""``
        coefficient: of ``P`` in the generator
        gate: position among the gates that are simulated
        unitary: the matrix, where there is no word
    """

    wires: tuple[int, ...]
    word: str
    coefficient: float
    gate: int
    unitary: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Simulation:
    """What is simulated: the light cone of an observable.

    Args:
        num_wires: of the register, ancillas that purify mixed qubits included
        state: amplitudes at the start
        turns: in order
        gates: the gates of the circuit that are in the light cone; an angle for each is given to :meth:`run`
        trainable: whether a derivative is wanted, one for each gate
        observables: on the register
    """

    num_wires: int
    state: Complex[np.ndarray, " dim"]
    turns: tuple[Turn, ...]
    gates: tuple[Rotation, ...]
    trainable: tuple[bool, ...]
    observables: tuple[PauliSum, ...]

    @property
    def angles(self) -> tuple[Angle, ...]:
        """Of the gates."""
        return tuple(gate.angle for gate in self.gates)

    @property
    def statistics(self) -> dict[str, int]:
        """What the report may show."""
        return {"simulated qubits": self.num_wires}

    @property
    def description(self) -> str:
        """Completes the sentence "sampled circuits …"."""
        return f"on {self.num_wires} qubits"

    @property
    def seconds(self) -> float:
        """Rough time for one circuit and its derivatives."""
        batched = self.num_wires <= BATCHED_QUBITS
        per_turn = 1e-7 * 2**self.num_wires if batched else 1e-4 + 6e-9 * 2**self.num_wires
        return per_turn * len(self.turns) * (1 + len(self.observables)) / 2

    @property
    def batch(self) -> int:
        """How many circuits are best run together."""
        if self.num_wires > BATCHED_QUBITS:
            return 16
        return int(np.clip((2 * BATCH_AMPLITUDES >> self.num_wires) // (1 + len(self.observables)), 16, 512))

    def run(
        self, angles: Float[np.ndarray, "batch gates"]
    ) -> tuple[Float[np.ndarray, "batch observables"], Float[np.ndarray, "batch observables gates"]]:
        """Expectation values (without constants) and their derivatives with respect to the angles."""
        if self.num_wires > BATCHED_QUBITS:
            return self._run_lightning(angles)
        return self._run_batched(angles)

    def _run_batched(self, angles):
        """Amplitudes by rows, circuits by columns: ``exp(-iφP)ψ = cos φ ψ - i sin φ Pψ`` permutes rows."""
        batch, dim = len(angles), len(self.state)
        state = np.repeat(self.state.astype(complex)[:, None], batch, axis=1)
        words: dict[tuple, _Word] = {}
        for turn in self.turns:
            if turn.unitary is None and (turn.wires, turn.word) not in words:
                words[turn.wires, turn.word] = _Word.of(turn, self.num_wires)
        phases = angles.T * 1.0
        for turn in self.turns:
            checkpoint()
            if turn.unitary is not None:
                state = _apply_matrix(turn.unitary, turn.wires, state)
            else:
                phase = turn.coefficient * phases[turn.gate]
                state = np.cos(phase) * state + (-1j * np.sin(phase)) * words[turn.wires, turn.word].on(state)
        images = [_apply_sum(observable, state) for observable in self.observables]
        values = np.stack([np.real(_overlap(state, image)) for image in images], axis=1)
        slopes = np.zeros((batch, len(images), len(self.gates)))
        both = np.stack([state, *images], axis=1)  # the state and the images go back together
        for turn in reversed(self.turns):
            checkpoint()
            flat = both.reshape(dim, -1)
            if turn.unitary is not None:
                both = _apply_matrix(turn.unitary.conj().T, turn.wires, flat).reshape(both.shape)
                continue
            moved = words[turn.wires, turn.word].on(flat).reshape(both.shape)
            if self.trainable[turn.gate]:
                image, one = both[:, 1:], moved[:, 0]
                overlap = np.einsum("djb,db->bj", np.real(image), np.imag(one))
                overlap -= np.einsum("djb,db->bj", np.imag(image), np.real(one))
                slopes[:, :, turn.gate] += 2 * turn.coefficient * overlap
            phase = turn.coefficient * phases[turn.gate]
            both = np.cos(phase) * both + (1j * np.sin(phase)) * moved
        return values, slopes

    def forwards(self, num_elements: int) -> bool:
        """Whether there are so many observables that tangents of the state, one for each element, cost less than going
        back with an image of the state under each observable."""
        return self.num_wires <= BATCHED_QUBITS and 2 * num_elements < len(self.observables)

    def run_forwards(
        self, angles: Float[np.ndarray, "batch gates"], chain: scipy.sparse.csr_array
    ) -> tuple[Float[np.ndarray, "batch observables"], Float[np.ndarray, "batch observables elements"]]:
        """The same with derivatives with respect to the elements: ``∂l/∂θ = 2 Re ⟨ψ|O ∂ψ/∂θ⟩``.

        Args:
            angles: of the gates
            chain: derivatives of the gates' angles with respect to the elements
        """
        batch, dim = len(angles), len(self.state)
        both = np.zeros((dim, 1 + chain.shape[1], batch), complex)  # the state and its tangents
        both[:, 0] = self.state[:, None]
        words: dict[tuple, _Word] = {}
        phases = angles.T * 1.0
        for turn in self.turns:
            checkpoint()
            flat = both.reshape(dim, -1)
            if turn.unitary is not None:
                both = _apply_matrix(turn.unitary, turn.wires, flat).reshape(both.shape)
                continue
            if (turn.wires, turn.word) not in words:
                words[turn.wires, turn.word] = _Word.of(turn, self.num_wires)
            moved = words[turn.wires, turn.word].on(flat).reshape(both.shape)
            cos, sin = (function(turn.coefficient * phases[turn.gate]) for function in (np.cos, np.sin))
            turned = cos * both + (-1j * sin) * moved
            driven = slice(*chain.indptr[turn.gate : turn.gate + 2])
            if self.trainable[turn.gate] and driven.stop > driven.start:
                along = (-1j * turn.coefficient) * (cos * moved[:, 0] + (-1j * sin) * both[:, 0])
                for element, factor in zip(chain.indices[driven], chain.data[driven], strict=True):
                    turned[:, 1 + element] += factor * along
            both = turned
        values = np.zeros((batch, len(self.observables)))
        slopes = np.zeros((batch, len(self.observables), chain.shape[1]))
        for j, observable in enumerate(self.observables):
            checkpoint()
            image = _apply_sum(observable, both[:, 0])
            overlaps = np.einsum("db,dkb->kb", image.conj(), both).real
            values[:, j], slopes[:, j] = overlaps[0], 2 * overlaps[1:].T
        return values, slopes

    def _run_lightning(self, angles):
        device = qp.device("lightning.qubit", wires=self.num_wires)
        config = qp.devices.ExecutionConfig(
            gradient_method="adjoint", use_device_gradient=True, use_device_jacobian_product=False
        )
        config = device.setup_execution_config(config)
        observables = [_operator(observable) for observable in self.observables]
        wanted = [turn for turn in self.turns if turn.gate >= 0 and self.trainable[turn.gate]]
        scripts = []
        for row in angles:
            operations = [qp.StatePrep(self.state, wires=range(self.num_wires))]
            positions, parameters = [], 1
            for turn in self.turns:
                elementary, driven = _elementary(turn, row)
                for operation in elementary:
                    if operation is driven and self.trainable[turn.gate]:
                        positions.append(parameters)
                    parameters += len(operation.data)
                operations += elementary
            measurements = [qp.expval(observable) for observable in observables]
            scripts.append(qp.tape.QuantumScript(operations, measurements, trainable_params=positions))
        results, jacobians = device.execute_and_compute_derivatives(scripts, config)
        values = np.array(results, float).reshape(len(angles), -1)
        raw = np.array(jacobians, float).reshape(len(angles), len(observables), len(wanted))
        slopes = np.zeros((len(angles), len(observables), len(self.gates)))
        for j, turn in enumerate(wanted):  # exp(-iφP/2) with φ = 2 · coefficient · α
            slopes[:, :, turn.gate] += 2 * turn.coefficient * raw[:, :, j]
        return values, slopes


def light_cone(ansatz: Ansatz, support: frozenset[int]) -> frozenset[int]:
    """The qubits that what is measured on ``support`` can depend on."""
    cone = set(support)
    for gate in reversed(ansatz.gates):
        if not cone.isdisjoint(gate.wires):
            cone.update(gate.wires)
    return frozenset(cone)


def simulation(ansatz: Ansatz, observables: Sequence[PauliSum], max_qubits: int) -> Simulation | Declined:
    """The light cone of some observables, ready to run; or why it cannot be.

    Args:
        ansatz: a circuit of rotations from a known state
        observables: as measured at the end
        max_qubits: in the light cone at most
    """
    start = ansatz.state
    if isinstance(start, UnknownState):
        return Declined(start.reason)
    cone = set()
    for observable in observables:
        x, z = observable.strings.bits()
        cone |= set(np.flatnonzero(np.any(x | z, axis=0)).tolist())
    kept: list[Rotation] = []
    for gate in reversed(ansatz.gates):
        if cone & set(gate.wires):
            if not isinstance(gate, Rotation):
                return Declined("noise channels are not simulated on state vectors")
            cone |= set(gate.wires)
            kept.append(gate)
    kept.reverse()
    whole = isinstance(start, VectorState)
    qubits = list(range(ansatz.num_wires)) if whole else sorted(cone)
    ancillas = 0
    if isinstance(start, ProductState):
        ancillas = int(np.sum(np.linalg.norm(start.bloch[qubits], axis=1) < 1 - 1e-9))
    if len(qubits) + ancillas > max_qubits:
        return Declined(
            f"the light cone has {len(qubits) + ancillas} qubits, more than the {max_qubits} that are simulated"
        )
    place = {qubit: i for i, qubit in enumerate(qubits)}
    state = start.amplitudes if whole else _product_amplitudes(start.bloch[qubits])
    num_wires = len(qubits) + ancillas
    turns: list[Turn] = []
    for k, gate in enumerate(kept):
        turns += _turns(gate._replace(wires=tuple(place[w] for w in gate.wires)), k)
    local = tuple(_restricted(observable, qubits, num_wires) for observable in observables)
    trainable = tuple(not gate.angle.fixed for gate in kept)
    return Simulation(num_wires, np.asarray(state, complex), tuple(turns), tuple(kept), trainable, local)


def _turns(gate: Rotation, k: int) -> list[Turn]:
    """Commuting terms one after the other; other sums in their eigenbasis, where they are sums of Z strings."""
    supports = []
    for word, coefficient in zip(gate.strings, gate.coefficients, strict=True):
        letters = [(w, p) for w, p in zip(gate.wires, word, strict=True) if p != "I"]
        supports.append((tuple(w for w, _ in letters), "".join(p for _, p in letters), coefficient))
    codes = np.array([[CODE[p] for p in word] for word in gate.strings])
    x, z = codes & 1, codes >> 1
    if not np.any((x @ z.T + z @ x.T) % 2):
        return [Turn(wires, word, coefficient, k) for wires, word, coefficient in supports]
    matrix = sum(
        c * qp.pauli.string_to_pauli_word(word).matrix(range(len(word)))
        if set(word) != {"I"}
        else c * np.eye(2 ** len(word))
        for word, c in zip(gate.strings, gate.coefficients, strict=True)
    )
    values, vectors = np.linalg.eigh(matrix)
    result = [Turn(gate.wires, "", 0.0, -1, vectors.conj().T)]
    width = len(gate.wires)
    bits = (np.arange(2**width)[:, None] >> np.arange(width - 1, -1, -1)) & 1
    for subset in bits[1:]:
        coefficient = float(np.mean(values * (1 - 2 * ((bits @ subset) % 2))))
        wires = tuple(w for w, used in zip(gate.wires, subset, strict=True) if used)
        result.append(Turn(wires, "Z" * len(wires), coefficient, k))
    return [*result, Turn(gate.wires, "", 0.0, -1, vectors)]


def _product_amplitudes(bloch: Float[np.ndarray, "n 3"]) -> Complex[np.ndarray, " dim"]:
    """A product of qubits; each mixed one is purified by an ancilla behind all qubits."""
    state = np.ones(1, complex)
    for qubit, vector in enumerate(bloch):
        length = float(np.linalg.norm(vector))
        x, y, zed = vector
        values, vectors = np.linalg.eigh(0.5 * np.array([[1 + zed, x - 1j * y], [x + 1j * y, 1 - zed]]))
        if length >= 1 - 1e-9:
            local = vectors[:, 1][:, None]
        else:
            local = vectors * np.sqrt(np.maximum(values, 0))  # Σ √p |v⟩|i⟩: columns belong to the ancilla
        state = np.einsum("aq,sb->asqb", state.reshape(2**qubit, -1), local).reshape(-1)
    return state


_PAULI = {"X": qp.X, "Y": qp.Y, "Z": qp.Z}
_ROTATION = {"X": qp.RX, "Y": qp.RY, "Z": qp.RZ}


def _operation(turn: Turn, angles: Float[np.ndarray, "... gates"]):
    if turn.unitary is not None:
        return qp.QubitUnitary(turn.unitary, wires=turn.wires)
    return qp.PauliRot(2 * turn.coefficient * angles[..., turn.gate], turn.word, wires=turn.wires)


def _elementary(turn: Turn, angles: Float[np.ndarray, " gates"]) -> tuple[list, qp.operation.Operator | None]:
    """The turn as operations that lightning differentiates, and the one that carries the angle. (Its
    adjoint derivative of a PauliRot is zero, without a warning, in 0.45.)"""
    if turn.unitary is not None:
        return [_operation(turn, angles)], None
    if len(turn.wires) == 1:
        driven = _ROTATION[turn.word](2 * turn.coefficient * angles[turn.gate], wires=turn.wires)
        return [driven], driven
    elementary = _operation(turn, angles).decomposition()
    return elementary, next(operation for operation in elementary if isinstance(operation, qp.MultiRZ))


class _Word(NamedTuple):
    """A Pauli word on all amplitudes: ``(Pψ)_i = phase_i ψ_{source_i}``."""

    source: np.ndarray
    phase: np.ndarray

    @classmethod
    def of(cls, turn: Turn, num_wires: int) -> _Word:
        codes = [0] * num_wires
        for wire, letter in zip(turn.wires, turn.word, strict=True):
            codes[wire] = CODE[letter]
        x, z = (sum((code >> part & 1) << (num_wires - 1 - w) for w, code in enumerate(codes)) for part in (0, 1))
        source = np.arange(2**num_wires) ^ x
        signs = 1 - 2 * (np.bitwise_count(source & z) & 1).astype(float)
        return cls(source, (1j ** int(np.bitwise_count(x & z)) * signs)[:, None])

    def on(self, state: Complex[np.ndarray, "dim m"]) -> Complex[np.ndarray, "dim m"]:
        return self.phase * state[self.source]


def _apply_matrix(matrix: np.ndarray, wires: Sequence[int], state: Complex[np.ndarray, "dim m"]) -> np.ndarray:
    """A matrix on some wires of all columns."""
    n = int(len(state)).bit_length() - 1
    rest = [w for w in range(n) if w not in wires]
    order = [*wires, *rest, n]
    tensor = state.reshape((2,) * n + (-1,)).transpose(order)
    image = (matrix @ tensor.reshape(len(matrix), -1)).reshape(tensor.shape)
    return np.ascontiguousarray(image.transpose(np.argsort(order))).reshape(state.shape)


def _overlap(left: np.ndarray, right: np.ndarray) -> Complex[np.ndarray, " batch"]:
    return np.einsum("ib,ib->b", left.conj(), right)


def _apply_sum(observable: PauliSum, state: Complex[np.ndarray, "dim m"]) -> np.ndarray:
    """``O|ψ⟩``: terms with equal X part share one permutation and one diagonal."""
    result = np.zeros_like(state)
    index = np.arange(len(state))
    if observable not in _known:
        _known[observable] = diagonals(observable)
    for flip, diagonal in _known[observable].items():
        result += diagonal[:, None] * state[index ^ flip]
    return result


_known: WeakKeyDictionary[PauliSum, dict[int, np.ndarray]] = WeakKeyDictionary()


def diagonals(observable: PauliSum) -> dict[int, Complex[np.ndarray, " dim"]]:
    """``O = Σ_x D_x X^x``: the diagonal ``D_x`` for each X part."""
    n = observable.num_wires
    x, z = observable.strings.bits()
    place = 1 << np.arange(n - 1, -1, -1)
    index = np.arange(2**n)
    result: dict[int, np.ndarray] = {}
    for flip, phase, coefficient in zip(x @ place, z @ place, observable.coefficients, strict=True):
        signs = 1 - 2 * (np.bitwise_count((index ^ int(flip)) & int(phase)) & 1).astype(float)
        factor = coefficient * 1j ** int(np.bitwise_count(int(flip) & int(phase)))
        result[int(flip)] = result.get(int(flip), 0) + factor * signs
    return result


def _operator(observable: PauliSum):
    """For lightning: a Hamiltonian, or a sparse matrix where it has many terms."""
    if len(observable) <= MANY_TERMS:
        words = []
        for label in observable.strings.labels():
            letters = [_PAULI[p](wire) for wire, p in enumerate(label) if p != "I"]
            words.append(qp.prod(*letters) if len(letters) > 1 else letters[0])
        return qp.Hamiltonian(observable.coefficients.tolist(), words)
    dim = 2**observable.num_wires
    index = np.arange(dim)
    matrix = sum(
        scipy.sparse.csr_matrix((diagonal, (index, index ^ flip)), shape=(dim, dim))
        for flip, diagonal in diagonals(observable).items()
    )
    return qp.SparseHamiltonian(matrix, wires=range(observable.num_wires))


def _restricted(observable: PauliSum, qubits: Sequence[int], num_wires: int) -> PauliSum:
    x, z = observable.strings.bits()
    pad = ((0, 0), (0, num_wires - len(qubits)))
    strings = type(observable.strings).from_bits(np.pad(x[:, qubits], pad), np.pad(z[:, qubits], pad))
    return PauliSum(strings, observable.coefficients, observable.constant)
