"""The limit of a deep circuit, by averaging over one generator after the other until nothing changes.

All known gates are pushed to the end: ``G̃_k = F_k† G_k F_k``. On vectors of Pauli coefficients ``i[G̃_k, ·]`` is a
skew matrix; averaging ``E = Σ E_ab v_a v_bᵀ`` over its one-parameter group keeps the entries with ``w_a + w_b = 0``.
The projection on what all of them leave alone is the limit of applying them in turn (von Neumann): the average over the
closure of the group, tori with irrational lines included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pennylane as qp
import scipy.linalg

from .leaves import TURN, Circuit, NoReference
from .simulator import _apply

PAULIS = (np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]))
ROUNDS = 600
STILL = 1e-13
EQUAL = 1e-8


@dataclass(frozen=True, eq=False)
class Limit:
    """Mean and variance of the loss, and variances of the gradient deep inside, one per element."""

    mean: float
    variance: float
    gradient: np.ndarray


def limits(circuit: Circuit, num_elements: int) -> list[Limit]:
    """One for each expectation value or outcome.

    Raises:
        NoReference: noise, an element that is not the one angle of one gate, a variance, or averages that do not settle
    """
    n = circuit.num_wires
    if any(isinstance(m, qp.measurements.VarianceMP) for m in circuit.measurements):
        raise NoReference("a variance has no limit")
    before, generators, owners = np.eye(2**n, dtype=complex), [], []
    for leaf in circuit.leaves:
        if leaf.kraus() is not None:
            raise NoReference("noise, part of which may count as the state's")
        if leaf.elements:
            if len(leaf.elements) > 1 or len(leaf.offset) > 1 or leaf.elements[0] in owners:
                raise NoReference("an element that is not the angle of one gate")
            start, later = (_full(leaf, value, n) for value in (0.0, TURN))
            upper, vectors = scipy.linalg.schur(later @ start.conj().T, output="complex")
            generator = -(vectors * (np.angle(np.diag(upper)) / TURN)) @ vectors.conj().T
            before = start @ before
            generators.append(leaf.slopes[0, leaf.elements[0]] * before.conj().T @ generator @ before)
            owners.append(leaf.elements[0])
        else:
            before = _full(leaf, None, n) @ before
    if not generators:
        raise NoReference("no gate is trainable")
    basis = _paulis(n)
    flat = basis.reshape(len(basis), -1)
    turns = [np.real(flat.conj() @ (1j * (g @ basis - basis @ g)).reshape(len(basis), -1).T) / 2**n for g in generators]
    state = np.real(np.einsum("i,kij,j->k", circuit.state.conj(), basis, circuit.state))
    average = _Average(turns)
    results = []
    for observable in _observables(circuit):
        pushed = before.conj().T @ observable @ before
        vector = np.real(np.einsum("kij,ji->k", basis, pushed)) / 2**n
        mean = float(state @ average.single(vector))
        second = average.pairs(np.outer(vector, vector))
        gradient = np.zeros(num_elements)
        for owner, turn in zip(owners, turns, strict=True):
            gradient[owner] = state @ average.pairs(turn @ second @ turn.T) @ state
        results.append(Limit(mean, float(state @ second @ state) - mean**2, gradient))
    return results


def _paulis(n: int) -> np.ndarray:
    result = [np.eye(1)]
    for _ in range(n):
        result = [np.kron(a, p) for a in result for p in PAULIS]
    return np.stack(result)


def _full(leaf, value, n: int) -> np.ndarray:
    """A leaf on all wires; ``value`` is its parameter."""
    if value is None:
        matrix = leaf.matrices(leaf.offset[None])[0]
    else:
        matrix = leaf.matrices(np.array([[value]]))[0]
    columns = np.eye(2**n, dtype=complex).reshape((2**n,) + (2,) * n)  # column j as the state |j>
    return _apply(columns, matrix[None], leaf.wires, 1).reshape(2**n, 2**n).T


def _observables(circuit: Circuit):
    n = circuit.num_wires
    for measurement in circuit.measurements:
        if not isinstance(measurement, qp.measurements.ProbabilityMP):
            yield np.asarray(qp.matrix(measurement.obs, wire_order=circuit.wires))
            continue
        wires = [circuit.wires.index(w) for w in (measurement.wires or circuit.wires)]
        bits = np.stack([(np.arange(2**n) >> (n - 1 - w)) & 1 for w in wires], axis=1)
        index = bits @ (1 << np.arange(len(wires))[::-1])
        for outcome in range(2 ** len(wires)):
            yield np.diag((index == outcome).astype(float))


class _Average:
    """Averages over the group that skew matrices generate."""

    def __init__(self, turns):
        self.parts = []
        for turn in turns:
            values, vectors = np.linalg.eigh(1j * turn)
            size = max(np.abs(values).max(), 1e-300)
            alone = np.abs(values) < EQUAL * size
            self.parts.append((vectors, alone, np.abs(values[:, None] + values[None, :]) < EQUAL * size))

    def single(self, vector: np.ndarray) -> np.ndarray:
        """Of a vector: what every matrix maps to zero."""
        return self._settled(vector, lambda v, part: np.real(part[0] @ (part[1] * (part[0].conj().T @ v))))

    def pairs(self, matrix: np.ndarray) -> np.ndarray:
        """Of a covariance."""

        def project(e, part):
            vectors, _, kept = part
            inner = (vectors.conj().T @ e @ vectors.conj()) * kept
            return np.real(vectors @ inner @ vectors.T)

        return self._settled(matrix, project)

    def _settled(self, value, project):
        size = max(np.abs(value).max(), 1e-300)
        for _ in range(ROUNDS):
            before = value
            for part in (*self.parts, *self.parts[-2::-1]):
                value = project(value, part)
            if np.abs(value - before).max() < STILL * size:
                return value
        raise NoReference("the averages do not settle")
