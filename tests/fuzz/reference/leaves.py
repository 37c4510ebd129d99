"""A circuit as a list of operations with matrices, and how their parameters depend on the trainable elements.

The function of the QNode is run at a few points of the elements; templates are decomposed until every operation has a
matrix. Parameters that turn out not to be affine are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pennylane as qp
import scipy.linalg

STEP = 0.05
TURN = 0.3  # no gate turns by more than half a period here


class NoReference(Exception):
    """Why a case has no reference."""


@dataclass(frozen=True, eq=False)
class Leaf:
    """One operation.

    Args:
        operation: at the base point
        wires: positions of its wires
        offset: its parameters at elements zero, shape ``(p,)``; empty where it has matrices as data
        slopes: their derivatives, shape ``(p, elements)``
    """

    operation: qp.operation.Operator
    wires: tuple[int, ...]
    offset: np.ndarray
    slopes: np.ndarray

    @property
    def elements(self) -> tuple[int, ...]:
        """Those that it depends on."""
        return tuple(int(e) for e in np.flatnonzero(np.any(self.slopes != 0, axis=0))) if len(self.slopes) else ()

    def kraus(self) -> list[np.ndarray] | None:
        """Kraus operators of a channel, ``None`` for a unitary."""
        if isinstance(self.operation, qp.operation.Channel):
            return [np.asarray(k) for k in self.operation.kraus_matrices()]
        return None

    def matrices(self, parameters: np.ndarray) -> np.ndarray:
        """Matrices for rows of parameters, shape ``(rows, d, d)``."""
        operation = self.operation
        if not len(self.offset):
            return np.asarray(qp.matrix(operation, wire_order=operation.wires))[None]
        parameters = np.unique(parameters, axis=0, return_inverse=True)
        rows, back = parameters[0], parameters[1].reshape(-1)
        result = None
        if len(rows) > 1:
            result = self._together(rows)
        if result is None:
            result = np.stack([self._one(row) for row in rows])
        return result[back]

    def _one(self, row: np.ndarray) -> np.ndarray:
        operation, values = self.operation, [float(v) for v in row]
        if isinstance(operation, qp.ops.Evolution):
            bound = qp.ops.Evolution(operation.base, values[0])
        else:
            bound = qp.ops.functions.bind_new_parameters(operation, values)
        return np.asarray(qp.matrix(bound, wire_order=bound.wires))

    def _powers(self, values: np.ndarray) -> np.ndarray | None:
        """``U(θ) = exp(-iθG) U(0)`` from two matrices, where a third agrees."""
        start = self._one([0.0])
        upper, vectors = scipy.linalg.schur(self._one([TURN]) @ start.conj().T, output="complex")
        phases = np.angle(np.diag(upper)) / TURN
        result = (vectors * np.exp(1j * values[:, None, None] * phases)) @ (vectors.conj().T @ start)
        agrees = all(np.allclose(result[i], self._one([values[i]]), atol=1e-11) for i in (0, -1))
        return result if agrees else None

    def _together(self, rows: np.ndarray) -> np.ndarray | None:
        """All rows at once, where that works and agrees with single rows."""
        if rows.shape[1] == 1:
            return self._powers(rows[:, 0])
        dim = 2 ** len(self.wires)
        try:
            bound = qp.ops.functions.bind_new_parameters(self.operation, list(rows.T.copy()))
            result = np.asarray(qp.matrix(bound, wire_order=bound.wires))
        except Exception:  # noqa: BLE001 - an operation without broadcasting fails in its own way
            return None
        if result.shape != (len(rows), dim, dim) or not np.allclose(result[-1], self._one(rows[-1]), atol=1e-12):
            return None
        return result


@dataclass(frozen=True, eq=False)
class Circuit:
    """One tape (of a broadcast batch): initial state, leaves, measurements.

    Args:
        num_wires: qubits
        state: vector of length ``2^n``
        leaves: in order
        measurements: of the tape
        wires: labels, in order
    """

    num_wires: int
    state: np.ndarray
    leaves: tuple[Leaf, ...]
    measurements: tuple
    wires: tuple


def read(function: Callable[[np.ndarray], qp.tape.QuantumScript], num_elements: int) -> list[Circuit]:
    """The circuits of a batch.

    Args:
        function: from elements to a tape
        num_elements: trainable elements

    Raises:
        NoReference: a parameter that is not affine, or gates that change with the values
    """
    rng = np.random.default_rng(12345)
    base = rng.uniform(0.4, 1.3, num_elements)
    points = [base]
    for element in range(num_elements):
        points.append(base + STEP * (np.arange(num_elements) == element))
    points.append(base + rng.uniform(-0.3, 0.3, num_elements))
    tapes = [_tapes(function(point)) for point in points]
    if any(len(t) != len(tapes[0]) for t in tapes):
        raise NoReference("the batch changes with the values")
    return [_circuit([t[i] for t in tapes], points) for i in range(len(tapes[0]))]


def _tapes(tape):
    if any(isinstance(op, qp.ops.MidMeasure) for op in tape.operations):
        (tape,), _ = qp.defer_measurements(tape)
    if tape.batch_size is not None:
        try:
            tapes, _ = qp.transforms.broadcast_expand(tape)
        except AttributeError as error:
            raise NoReference(f"PennyLane cannot expand the batch: {error}") from error
        return list(tapes)
    return [tape]


def _circuit(tapes, points) -> Circuit:
    wires = tuple(tapes[0].wires)
    place = {wire: i for i, wire in enumerate(wires)}
    flat = [_flatten(tape) for tape in tapes]
    names = [[(op.name, tuple(op.wires)) for op in ops] for ops in flat]
    if any(other != names[0] for other in names):
        raise NoReference("the gates change with the values")
    state = np.zeros((2,) * len(wires), complex)
    state[(0,) * len(wires)] = 1
    leaves, prepared = [], set()
    for ops in zip(*flat, strict=True):
        op = ops[0]
        if isinstance(op, qp.operation.StatePrepBase):
            if prepared & set(op.wires):
                raise NoReference("a state is prepared twice")
            prepared |= set(op.wires)
            state = _prepare(state, op, [place[w] for w in op.wires], leaves)
            continue
        leaves.append(_leaf(ops, points, tuple(place[w] for w in op.wires)))
    return Circuit(len(wires), state.reshape(-1), tuple(leaves), tuple(tapes[0].measurements), wires)


def _prepare(state, op, positions, leaves):
    if any(set(leaf.wires) & set(positions) for leaf in leaves):
        raise NoReference("a state is prepared in the middle")
    part = np.asarray(op.state_vector(wire_order=op.wires)).reshape((2,) * len(positions))
    rest = np.take(np.moveaxis(state, positions, range(len(positions))), 0, axis=0)
    for _ in positions[1:]:
        rest = rest[0]
    return np.moveaxis(np.multiply.outer(part, rest), range(len(positions)), positions)


def _flatten(tape) -> list:
    result, stack = [], list(reversed(tape.operations))
    while stack:
        op = stack.pop()
        if isinstance(op, (qp.operation.StatePrepBase, qp.operation.Channel)):
            result.append(op)
        elif isinstance(op, (qp.Barrier, qp.Snapshot, qp.WireCut)) or not len(op.wires):
            continue
        elif op.has_matrix and len(op.wires) <= 5 and all(np.ndim(d) == 0 for d in op.data):
            result.append(op)
        elif op.has_matrix and not op.has_decomposition:
            result.append(op)
        elif op.has_matrix and len(op.wires) <= 5 and isinstance(op, (qp.QubitUnitary, qp.DiagonalQubitUnitary)):
            result.append(op)
        else:
            stack.extend(reversed(op.decomposition()))
    return result


def _leaf(ops, points, wires) -> Leaf:
    op, num = ops[0], len(points[0])
    if isinstance(op, (qp.operation.Channel, qp.QubitUnitary, qp.DiagonalQubitUnitary)):
        if any(not np.allclose(a, b, atol=1e-12) for o in ops for a, b in zip(o.data, op.data, strict=True)):
            raise NoReference(f"the data of {op.name} depend on the trainable elements")
        return Leaf(op, wires, np.zeros(0), np.zeros((0, num)))
    if any(np.ndim(d) for o in ops for d in o.data):
        raise NoReference(f"a batch inside {op.name}")
    data = np.array([[float(np.real(d)) for d in o.data] for o in ops]).reshape(len(ops), -1)
    slopes = ((data[1 : num + 1] - data[0]) / STEP).T.reshape(data.shape[1], num)
    slopes = np.round(slopes, 10)
    offset = data[0] - slopes @ points[0]
    if not np.allclose(offset + slopes @ points[-1], data[-1], atol=1e-8):
        raise NoReference(f"a parameter of {op.name} is not affine")
    return Leaf(op, wires, offset, slopes)
