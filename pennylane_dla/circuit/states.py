"""Initial states: what the preparations at the start of a tape mean, and fixed gates folded into a product
state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pennylane as qp

from .ansatz import Channel, Gate, ProductState, State, UnknownState, VectorState

MAX_VECTOR_WIRES = 12
AXIS = {"X": 0, "Y": 1, "Z": 2}


def prepare(preparations: Sequence, known: Sequence[bool], wires: Sequence) -> State:
    """The state after the preparations, ``|0⟩`` elsewhere.

    Args:
        preparations: PennyLane's preparations, on disjoint wires
        known: whether the numbers of each are known
        wires: all wires of the circuit
    """
    place = {wire: q for q, wire in enumerate(wires)}
    bloch = ProductState.zero(len(wires)).bloch
    vectors = []
    for op, values_known in zip(preparations, known, strict=True):
        positions = [place[wire] for wire in op.wires]
        if not values_known:
            return UnknownState(f"the data of {op.name} are not known (inside jit or vmap)")
        if isinstance(op, qp.BasisState):
            bits = np.asarray(op.data[0] if op.data else op.parameters[0], int).reshape(-1)
            bloch[positions, 2] = 1 - 2 * bits
            continue
        if isinstance(op, qp.QubitDensityMatrix):
            reduced = _product_of_density(np.asarray(op.data[0], complex), len(positions))
            if reduced is None:
                return UnknownState("QubitDensityMatrix does not factorize over its wires")
            bloch[positions] = reduced
            continue
        vector = np.asarray(op.state_vector(wire_order=op.wires), complex).reshape(-1)
        vector = vector / np.linalg.norm(vector)
        reduced = _product_of_vector(vector, len(positions))
        if reduced is not None:
            bloch[positions] = reduced
        else:
            vectors.append((positions, vector, op.name))
    if not vectors:
        return ProductState(bloch)
    if len(wires) > MAX_VECTOR_WIRES:
        return UnknownState(
            f"{vectors[0][2]} prepares an entangled state on a circuit of more than {MAX_VECTOR_WIRES} wires"
        )
    return _full_vector(vectors, bloch, len(wires))


def _full_vector(vectors, bloch, num_wires: int) -> State:
    """Amplitudes on all wires; ``UnknownState`` beside a mixed qubit."""
    state, order = np.ones(1, complex), []
    for positions, vector, _ in vectors:
        state, order = np.kron(state, vector), order + positions
    for q in sorted(set(range(num_wires)) - set(order)):
        if np.linalg.norm(bloch[q]) < 1 - 1e-9:
            return UnknownState("an entangled state beside a mixed qubit")
        state, order = np.kron(state, _spinor(bloch[q])), [*order, q]
    tensor = state.reshape((2,) * num_wires)
    return VectorState(tensor.transpose(np.argsort(order)).reshape(-1))


def _spinor(r) -> np.ndarray:
    """The pure state with Bloch vector ``r``."""
    if r[2] < -1 + 1e-12:
        return np.array([0.0, 1.0])
    spinor = np.array([1 + r[2], r[0] + 1j * r[1]])
    return spinor / np.linalg.norm(spinor)


def _bloch(rho: np.ndarray) -> np.ndarray:
    return np.array([2 * rho[1, 0].real, 2 * rho[1, 0].imag, (rho[0, 0] - rho[1, 1]).real])


def _product_of_vector(vector: np.ndarray, k: int) -> np.ndarray | None:
    """Bloch vectors of a product vector; ``None`` for an entangled one."""
    bloch = np.empty((k, 3))
    tensor = vector.reshape((2,) * k)
    for q in range(k):
        matrix = np.moveaxis(tensor, q, 0).reshape(2, -1)
        rho = matrix @ matrix.conj().T
        bloch[q] = _bloch(rho)
        if abs(np.linalg.norm(bloch[q]) - 1) > 1e-9:
            return None
    return _tidy(bloch)


def _product_of_density(rho: np.ndarray, k: int) -> np.ndarray | None:
    """Bloch vectors of a product density matrix; ``None`` where it does not factorize."""
    bloch, product = np.empty((k, 3)), np.ones((1, 1), complex)
    tensor = rho.reshape((2,) * (2 * k))
    for q in range(k):
        moved = np.moveaxis(tensor, (q, k + q), (0, 1)).reshape(2, 2, 2 ** (k - 1), 2 ** (k - 1))
        reduced = np.einsum("abcc->ab", moved)
        bloch[q] = _bloch(reduced)
        product = np.kron(product, reduced)
    return _tidy(bloch) if np.abs(product - rho).max() < 1e-9 else None


def _tidy(bloch: np.ndarray) -> np.ndarray:
    """Rounding errors next to 0 and ±1 removed, so that stabilizer states are recognized exactly."""
    rounded = np.round(bloch)
    return np.where(np.abs(bloch - rounded) < 1e-12, rounded, bloch)


def fold(state: State, gates: Sequence[Gate]) -> tuple[State, tuple[Gate, ...]]:
    """Fixed single-qubit gates and channels before anything else on their wire, taken into a product
    state."""
    if not isinstance(state, ProductState):
        return state, tuple(gates)
    bloch, rest, closed = state.bloch.copy(), [], set()
    for gate in gates:
        if len(gate.wires) == 1 and gate.wires[0] not in closed:
            turned = _act(gate, bloch[gate.wires[0]])
            if turned is not None:
                bloch[gate.wires[0]] = turned
                continue
        rest.append(gate)
        closed.update(gate.wires)
    return ProductState(_tidy(bloch)), tuple(rest)


def _act(gate: Gate, r: np.ndarray) -> np.ndarray | None:
    """The Bloch vector after a gate; ``None`` for a gate that depends on a parameter or on unknown data."""
    if isinstance(gate, Channel):  # Tr[E(ρ) P_j] = Σ_i T[i, j] Tr[ρ P_i], codes I, X, Z, Y
        x, z, y = gate.transfer[:, 1:].T @ np.array([1.0, r[0], r[2], r[1]])
        return np.array([x, y, z])
    if not gate.angle.fixed or not np.isfinite(gate.angle.offset):
        return None
    axis = np.zeros(3)
    for word, c in zip(gate.strings, gate.coefficients, strict=True):
        axis[AXIS[word]] += 2 * c * gate.angle.offset
    length = np.linalg.norm(axis)
    if length == 0:
        return r
    axis = axis / length
    cos, sin = np.cos(length), np.sin(length)
    return cos * r + sin * np.cross(axis, r) + (1 - cos) * (axis @ r) * axis
