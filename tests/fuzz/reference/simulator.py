"""Dense simulation over a grid, or over samples, of the parameters; axes appear where a gate needs them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pennylane as qp

from .leaves import Circuit, Leaf


def simulate(circuit: Circuit, batches: Sequence[np.ndarray], ndim: int) -> np.ndarray:
    """Final states.

    Args:
        circuit: with ``n`` wires
        batches: for each leaf its matrices, shape ``(*grid, d, d)`` with ``ndim`` axes of the grid, some of length 1
        ndim: axes of the grid

    Returns:
        states ``(*grid, 2^n)``, or density matrices ``(*grid, 2^n, 2^n)`` where the circuit has channels
    """
    n = circuit.num_wires
    noisy = any(leaf.kraus() is not None for leaf in circuit.leaves)
    state = circuit.state
    if noisy:
        state = np.multiply.outer(state, state.conj())
    state = state.reshape((1,) * ndim + (2,) * (n * (1 + noisy)))
    for leaf, matrices in zip(circuit.leaves, batches, strict=True):
        kraus = leaf.kraus()
        if kraus is not None:
            total = sum(np.kron(k, k.conj()) for k in kraus)
            state = _apply(
                state, total.reshape((1,) * ndim + total.shape), (*leaf.wires, *(w + n for w in leaf.wires)), ndim
            )
            continue
        state = _apply(state, matrices, leaf.wires, ndim)
        if noisy:
            state = _apply(state, matrices.conj(), tuple(w + n for w in leaf.wires), ndim)
    shape = state.shape[:ndim]
    return state.reshape(shape + ((2**n,) * (1 + noisy)))


def _apply(state: np.ndarray, matrices: np.ndarray, wires: tuple[int, ...], ndim: int) -> np.ndarray:
    """A gate on some axes of the state, with broadcasting over the grid."""
    k, rest = len(wires), state.ndim - ndim
    moved = np.moveaxis(state, [ndim + w for w in wires], range(state.ndim - k, state.ndim))
    shape = moved.shape
    flat = moved.reshape(shape[:ndim] + (2 ** (rest - k), 2**k))
    flat = np.matmul(flat, np.swapaxes(matrices, -1, -2))
    result = flat.reshape(flat.shape[:ndim] + shape[ndim:])
    return np.moveaxis(result, range(state.ndim - k, state.ndim), [ndim + w for w in wires])


def losses(circuit: Circuit, states: np.ndarray, measurement, ndim: int) -> list[np.ndarray]:
    """Values of a measurement over the grid: one array, or one for each outcome of ``probs``."""
    n = circuit.num_wires
    pure = states.ndim == ndim + 1
    if isinstance(measurement, qp.measurements.ProbabilityMP):
        weights = np.abs(states) ** 2 if pure else np.real(np.einsum("...ii->...i", states))
        tensor = weights.reshape(weights.shape[:ndim] + (2,) * n)
        wires = [circuit.wires.index(w) for w in (measurement.wires or circuit.wires)]
        others = [ndim + w for w in range(n) if w not in wires]
        kept = [w for w in range(n) if w in wires]
        tensor = tensor.sum(axis=tuple(others)) if others else tensor
        tensor = np.moveaxis(tensor, [ndim + kept.index(w) for w in wires], range(ndim, ndim + len(wires)))
        flat = tensor.reshape(tensor.shape[:ndim] + (2 ** len(wires),))
        return [flat[..., i] for i in range(flat.shape[-1])]
    matrix = np.asarray(qp.matrix(measurement.obs, wire_order=circuit.wires))
    value = _expectation(states, matrix, pure)
    if isinstance(measurement, qp.measurements.VarianceMP):
        value = _expectation(states, matrix @ matrix, pure) - value**2
    return [value]


def _expectation(states, matrix, pure) -> np.ndarray:
    if pure:
        return np.real(np.sum(states.conj() * (states @ matrix.T), axis=-1))
    return np.real(np.einsum("...ij,ji->...", states, matrix))


def leaf_matrices(leaf: Leaf, parameters: np.ndarray) -> np.ndarray:
    """Matrices for parameters of shape ``(*grid, p)``."""
    shape = parameters.shape[:-1]
    if leaf.kraus() is not None:
        return np.zeros(0)
    flat = (
        leaf.matrices(parameters.reshape(-1, parameters.shape[-1])) if len(leaf.offset) else leaf.matrices(parameters)
    )
    dim = flat.shape[-1]
    return flat.reshape(shape + (dim, dim)) if len(leaf.offset) else flat.reshape((1,) * len(shape) + (dim, dim))
