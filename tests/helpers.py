"""What several tests share: dense matrices of an ansatz, as an oracle independent of the engines."""

import functools

import numpy as np

from pennylane_dla.circuit.ansatz import ProductState, Rotation, VectorState

LETTERS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def pauli_matrix(word):
    """Matrix of a Pauli word, qubit 0 first."""
    return functools.reduce(np.kron, (LETTERS[letter] for letter in word), np.eye(1))


def embed(word, wires, num_wires):
    """A local word as a word over all wires."""
    letters = ["I"] * num_wires
    for wire, letter in zip(wires, word, strict=True):
        letters[wire] = letter
    return "".join(letters)


def angle_value(angle, elements):
    """Value of an affine angle."""
    assert angle.affine
    return angle.offset + sum(c * elements[j] for j, c in zip(angle.elements, angle.coefficients, strict=True))


def rotation_matrix(gate, elements, num_wires):
    """``exp(-iαG)`` on all wires, by diagonalization of ``G``."""
    generator = sum(
        c * pauli_matrix(embed(word, gate.wires, num_wires))
        for word, c in zip(gate.strings, gate.coefficients, strict=True)
    )
    values, vectors = np.linalg.eigh(generator)
    phases = np.exp(-1j * angle_value(gate.angle, elements) * values)
    return (vectors * phases) @ vectors.conj().T


def unitary_of(ansatz, elements=()):
    """The unitary of all gates of an ansatz without channels, qubit 0 most significant.

    Args:
        ansatz: the circuit
        elements: values of the trainable elements, flattened in order
    """
    elements = np.asarray(elements, float).reshape(-1)
    unitary = np.eye(2**ansatz.num_wires, dtype=complex)
    for gate in ansatz.gates:
        assert isinstance(gate, Rotation), "a channel has no unitary"
        unitary = rotation_matrix(gate, elements, ansatz.num_wires) @ unitary
    return unitary


def density_of(state, num_wires):
    """Density matrix of a product or vector state."""
    if isinstance(state, VectorState):
        return np.outer(state.amplitudes, state.amplitudes.conj())
    assert isinstance(state, ProductState)
    factors = [
        (np.eye(2) + sum(r * LETTERS[letter] for r, letter in zip(vector, "XYZ", strict=True))) / 2
        for vector in state.bloch
    ]
    assert len(factors) == num_wires
    return functools.reduce(np.kron, factors)


def final_density(ansatz, elements=()):
    """``ρ`` after all gates, channels included (by their transfer matrices)."""
    n = ansatz.num_wires
    elements = np.asarray(elements, float).reshape(-1)
    rho = density_of(ansatz.state, n)
    for gate in ansatz.gates:
        if isinstance(gate, Rotation):
            unitary = rotation_matrix(gate, elements, n)
            rho = unitary @ rho @ unitary.conj().T
        else:
            rho = apply_channel(gate, rho, n)
    return rho


def apply_channel(channel, rho, num_wires):
    """``E(ρ)`` from ``Tr[E(ρ) Q P_j] = Σ_i T[i, j] Tr[ρ Q P_i]`` for all ``Q`` on the other wires."""
    k, letters = len(channel.wires), "IXZY"
    others = [w for w in range(num_wires) if w not in channel.wires]
    local = ["".join(letters[(code >> (2 * a)) & 3] for a in range(k)) for code in range(4**k)]
    result = np.zeros_like(rho)
    for code in range(4 ** len(others)):
        rest = "".join(letters[(code >> (2 * a)) & 3] for a in range(len(others)))
        full = []
        for word in local:
            out = list(embed(word, channel.wires, num_wires))
            for w, letter in zip(others, rest, strict=True):
                out[w] = letter
            full.append("".join(out))
        matrices = [pauli_matrix(word) for word in full]
        before = np.array([np.trace(rho @ m) for m in matrices])
        after = channel.transfer.T @ before
        result = result + sum(a * m for a, m in zip(after, matrices, strict=True)) / 2**num_wires
    return result


def equal_up_to_phase(a, b, atol=1e-9):
    """Whether two unitaries differ by a global phase only."""
    overlap = np.vdot(a, b) / len(a)
    return abs(abs(overlap) - 1) < atol and np.abs(a * overlap - b).max() < 100 * atol
