"""The range of the initial state, as amplitudes on basis states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Inexact, UInt32

from pennylane_dla.circuit.ansatz import State, UnknownState, VectorState
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.pauli.strings import count_bits, pack
from pennylane_dla.variance.estimate import Declined

from .basis_states import BasisStates

MAX_AMPLITUDES = 2**16
MAX_MIXED = 8  # qubits: the range has 2^8 columns
_ZERO = 1e-14


@dataclass(frozen=True, eq=False)
class Start:
    """Columns whose span is the range of the state: ``ρ = Σ_j weights[j] |v_j⟩⟨v_j|``.

    Args:
        bits: basis states that occur, packed
        num_wires: qubits
        vectors: orthonormal columns
        weights: of the columns, positive, of sum 1
        spanning: columns with the same span, of numbers that are as simple as can be
    """

    bits: UInt32[np.ndarray, "states words"]
    num_wires: int
    vectors: Inexact[np.ndarray, "states columns"]
    weights: Float[np.ndarray, " columns"]
    spanning: Inexact[np.ndarray, "states columns"]

    def turned(self, string: PauliStrings, angle: float) -> Start:
        """After ``exp(-iαP/2)``; quarter turns keep Gaussian integers in ``spanning``.

        Raises:
            TooManyStates: beyond ``MAX_AMPLITUDES`` basis states
        """
        states = BasisStates(self.num_wires, MAX_AMPLITUDES)
        states.locate(self.bits)
        place = states.locate(self.bits ^ string.x)
        here = states.locate(self.bits)
        phase = 1j ** int(count_bits(string.x & string.z)[0])
        signs = phase * (1.0 - 2.0 * (count_bits(self.bits & string.z) & 1))
        quarters = round(angle / (np.pi / 2))
        exact = abs(angle / (np.pi / 2) - quarters) < 1e-9
        stay, move = np.cos(angle / 2), np.sin(angle / 2)
        simple = ((1, 0), (1, 1), (0, 1), (-1, 1))[quarters % 4] if exact else (stay, move)
        columns = []
        for values, (c, s) in ((self.vectors, (stay, move)), (self.spanning, simple)):
            result = np.zeros((len(states), values.shape[1]), complex)
            result[here] += c * values
            result[place] += -1j * s * signs[:, None] * values
            columns.append(result)
        vectors, spanning = columns
        kept = np.abs(vectors).max(axis=1) > _ZERO
        spanning = spanning / (np.abs(np.concatenate([spanning.real, spanning.imag])).max() if not exact else 1.0)
        return Start(states.bits[kept], self.num_wires, vectors[kept], self.weights, spanning[kept])

    def without_phase(self) -> Start:
        """The largest number of each column made positive: real states are real then."""
        largest = self.vectors[np.argmax(np.abs(self.vectors), axis=0), np.arange(len(self.weights))]
        vectors = self.vectors * (largest.conj() / np.abs(largest))
        vectors = vectors.real + 1j * np.where(np.abs(vectors.imag) > _ZERO, vectors.imag, 0.0)
        spanning = self.spanning / self.spanning.ravel()[np.argmax(np.abs(self.spanning))]
        return Start(self.bits, self.num_wires, vectors, self.weights, spanning)


def start_of(state: State, num_wires: int) -> Start | Declined:
    """The range of a state, or why it is too large."""
    if isinstance(state, UnknownState):
        return Declined(state.reason)
    if isinstance(state, VectorState):
        index = np.flatnonzero(np.abs(state.amplitudes) > _ZERO)
        bits = pack(((index[:, None] >> np.arange(num_wires - 1, -1, -1)) & 1).astype(np.uint8))
        vector = state.amplitudes[index][:, None]
        return Start(bits, num_wires, vector / np.linalg.norm(vector), np.ones(1), vector)
    return _of_product(state.bloch)


def _of_product(bloch: Float[np.ndarray, "n 3"]) -> Start | Declined:
    """Qubit by qubit. A mixed one has ``|0⟩`` and ``|1⟩`` as a spanning set, whatever its eigenvectors are."""
    bits = np.zeros((1, 0), np.uint8)
    vectors, spanning, weights = np.ones((1, 1), complex), np.ones((1, 1), complex), np.ones(1)
    if np.sum(np.linalg.norm(bloch, axis=1) < 1 - 1e-9) > MAX_MIXED:
        return Declined(f"the state is mixed on more than {MAX_MIXED} qubits")
    for r in bloch:
        local, local_weights, simple = _qubit(r)
        rows = np.flatnonzero(np.abs(local).max(axis=1) > _ZERO)
        if len(bits) * len(rows) * len(weights) * len(local_weights) > MAX_AMPLITUDES:
            return Declined(f"the state has more than {MAX_AMPLITUDES} amplitudes")
        bits = np.concatenate([np.repeat(bits, len(rows), axis=0), np.tile(rows, len(bits))[:, None]], axis=1)
        vectors, spanning = np.kron(vectors, local[rows]), np.kron(spanning, simple[rows])
        weights = np.kron(weights, local_weights)
    return Start(pack(bits.astype(np.uint8)), len(bloch), vectors, weights, spanning)


def _qubit(r: Float[np.ndarray, " 3"]):
    """Eigenvectors with weights, and a spanning set of simple numbers."""
    x, y, z = (float(c) for c in r)
    if np.linalg.norm(r) < 1 - 1e-9:
        if np.hypot(x, y) < 1e-12:
            return np.eye(2, dtype=complex), np.array([(1 + z) / 2, (1 - z) / 2]), np.eye(2)
        values, vectors = np.linalg.eigh(0.5 * np.array([[1 + z, x - 1j * y], [x + 1j * y, 1 - z]]))
        return vectors, values, np.eye(2)
    column = np.array([1 + z, x + 1j * y]) if z > -1 + 1e-12 else np.array([0.0, 1.0 + 0j])
    column = np.where(np.abs(column) < 1e-12, 0.0, column)
    simple = column / column[np.argmax(np.abs(column))]
    return (column / np.linalg.norm(column))[:, None], np.ones(1), simple[:, None]
