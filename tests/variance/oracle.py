"""Means and variances of small circuits by numerical integration: independent of every engine.

The loss is a trigonometric polynomial of degree one in each angle, so few equidistant points integrate its square
exactly; a normal law is integrated by Gauss-Hermite points.
"""

import functools
import itertools

import numpy as np

from pennylane_dla.circuit.ansatz import Channel
from pennylane_dla.pauli.strings import LETTERS
from pennylane_dla.variance.law import Normal

MATRICES = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def string_matrix(letters_by_wire, num_wires):
    """Dense matrix of a local string ``{wire: letter}``."""
    return _word_matrix("".join(letters_by_wire.get(wire, "I") for wire in range(num_wires)))


@functools.cache
def _word_matrix(word):
    return functools.reduce(np.kron, [MATRICES[letter] for letter in word])


def sum_matrix(observable):
    """Dense matrix of a PauliSum or ProjectorProduct."""
    if hasattr(observable, "expand"):
        observable = observable.expand()
    n = observable.num_wires
    total = observable.constant * np.eye(2**n, dtype=complex)
    for label, coefficient in zip(observable.strings.labels(), observable.coefficients, strict=True):
        total += coefficient * string_matrix(dict(enumerate(label)), n)
    return total


def density(state, num_wires):
    """Dense density matrix of a ProductState or VectorState."""
    if hasattr(state, "amplitudes"):
        return np.outer(state.amplitudes, state.amplitudes.conj())
    rho = np.eye(1)
    for bloch in state.bloch:
        rho = np.kron(rho, (np.eye(2) + sum(b * MATRICES[p] for b, p in zip(bloch, "XYZ", strict=True))) / 2)
    return rho


def _heisenberg_channel(gate, operator, n):
    """The adjoint of a channel, from its transfer matrix."""
    words = ["".join(w) for w in itertools.product(LETTERS, repeat=len(gate.wires))]
    words = [w[::-1] for w in words]  # index Σ code_a 4^a: the first wire runs fastest
    result = np.zeros_like(operator)
    local = [string_matrix(dict(zip(gate.wires, w, strict=True)), n) for w in words]
    # O = Σ_j P_j ⊗ O_j on the other qubits: project by averaging, using Tr over the channel's qubits
    for j, pj in enumerate(local):
        part = _partial(operator @ pj, gate.wires, n)  # Tr_wires[O P_j] / 2^k, as an operator on all
        for i, pi in enumerate(local):
            if gate.transfer[i, j]:
                result += gate.transfer[i, j] * pi @ part
    return result


def _partial(operator, wires, n):
    """``Tr_wires[O]/2^k ⊗ 1``, by twirling with the Paulis of each wire."""
    for wire in wires:
        operator = sum(string_matrix({wire: p}, n) @ operator @ string_matrix({wire: p}, n) for p in "IXYZ") / 4
    return operator


def loss(ansatz, observable, elements):
    """``Tr[ρ U†OU]`` at the given argument elements."""
    n = ansatz.num_wires
    operator = sum_matrix(observable).astype(complex)
    for gate in reversed(ansatz.gates):
        if isinstance(gate, Channel):
            operator = _heisenberg_channel(gate, operator, n)
            continue
        generator = sum(
            c * string_matrix(dict(zip(gate.wires, s, strict=True)), n)
            for s, c in zip(gate.strings, gate.coefficients, strict=True)
        )
        angle = gate.angle.offset + sum(
            c * elements[e] for e, c in zip(gate.angle.elements, gate.angle.coefficients, strict=True)
        )
        values, vectors = np.linalg.eigh(generator)
        unitary = (vectors * np.exp(-1j * angle * values)) @ vectors.conj().T
        operator = unitary.conj().T @ operator @ unitary
    return float(np.trace(density(ansatz.state, n) @ operator).real)


def integrate(ansatz, observable, law):
    """Mean and variance of the loss, and variances of ``∂l/∂element``, by quadrature over all elements."""
    num = ansatz.arguments.num_elements
    nodes, weights = [], []
    for element in range(num):
        of = law.law_of(element)
        if isinstance(of, Normal):
            x, w = np.polynomial.hermite_e.hermegauss(10)
            nodes.append(of.mean + of.std * x)
            weights.append(w / w.sum())
        elif of.low is None:
            count = 5
            nodes.append(np.arange(count) * ansatz.arguments.periods[element] / count)
            weights.append(np.full(count, 1 / count))
        else:
            x, w = np.polynomial.legendre.leggauss(10)
            nodes.append((of.high + of.low) / 2 + (of.high - of.low) / 2 * x)
            weights.append(w / 2)
    step = 1e-5
    mean = second = 0.0
    gradient, gradient_second = np.zeros(num), np.zeros(num)
    for index in itertools.product(*(range(len(x)) for x in nodes)):
        point = np.array([x[i] for x, i in zip(nodes, index, strict=True)])
        weight = np.prod([w[i] for w, i in zip(weights, index, strict=True)])
        value = loss(ansatz, observable, point)
        mean, second = mean + weight * value, second + weight * value**2
        for e in range(num):
            shift = np.zeros(num)
            shift[e] = step
            slope = (loss(ansatz, observable, point + shift) - loss(ansatz, observable, point - shift)) / (2 * step)
            gradient[e] += weight * slope
            gradient_second[e] += weight * slope**2
    return mean, second - mean**2, gradient_second - gradient**2


def integrate_finely(ansatz, observable):
    """As the oracle's, with points enough for frequencies up to six."""
    num, count = ansatz.arguments.num_elements, 14
    axes = np.meshgrid(*[np.arange(count) * 2 * np.pi / count] * num, indexing="ij")
    values = np.array([loss(ansatz, observable, point) for point in np.stack(axes, -1).reshape(-1, num)])
    # the derivative of a trigonometric polynomial, from its values on the grid
    cube = values.reshape((count,) * num)
    frequency = 1j * np.fft.fftfreq(count, 1 / count)
    slopes = []
    for axis in range(num):
        shape = [1] * num
        shape[axis] = count
        slopes.append(np.fft.ifft(np.fft.fft(cube, axis=axis) * frequency.reshape(shape), axis=axis).real)
    return values.mean(), values.var(), np.array([(s**2).mean() - s.mean() ** 2 for s in slopes])
