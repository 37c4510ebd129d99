"""A tape's operations as leaves: operations of the tables, channels, state preparations and fixed matrices.

Whatever is none of these is decomposed by PennyLane, at the probe's generic values (decompositions may
differ at zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pennylane as qp
import scipy.sparse
from pennylane.operation import CV, Channel, Operator, StatePrepBase

from pennylane_dla.errors import DLAError

from .operations import PLAIN, Conjugate, generator_factors, is_listed, slots_of

IGNORED = (qp.Barrier, qp.Snapshot, qp.WireCut)
MATRICES = (qp.QubitUnitary, qp.DiagonalQubitUnitary)
MAX_MATRIX_WIRES = 5
MAX_DEPTH = 60  # of nested decompositions
QUTRIT = tuple(
    kind
    for name in dir(qp.ops.qutrit)
    if isinstance(kind := getattr(qp.ops.qutrit, name), type) and issubclass(kind, Operator)
)
CONDITIONED = {"MidMeasure", "MidMeasureMP", "PauliMeasure", "Conditional"}


class Primitive(NamedTuple):
    """One operation that is not decomposed further.

    Args:
        operation: the operation
        kind: ``"table"``, ``"generator"``, ``"channel"``, ``"state"`` or ``"matrix"``
        source: index of the operation on the user's tape that it comes from
        wires: its wire labels
        slots: the numbers that determine it
    """

    operation: Operator
    kind: str
    source: int
    wires: tuple
    slots: tuple


def leaves_of(operations: Sequence[Operator]) -> list[Primitive]:
    """Decompose what is in no table.

    Raises:
        DLAError: an operation that is no unitary, channel or preparation of qubits, or that PennyLane cannot
            decompose
    """
    leaves: list[Primitive] = []
    touched: set = set()
    with qp.QueuingManager.stop_recording():
        for source, op in enumerate(operations):
            _expand(op, source, leaves, touched, 0)
    return leaves


def _expand(op: Operator, source: int, leaves: list[Primitive], touched: set, depth: int) -> None:
    if type(op) in PLAIN:  # the many
        labels = _labels(op)
        leaves.append(Primitive(op, "table", source, labels, op.data))
        touched.update(labels)
        return
    if isinstance(op, IGNORED):
        return
    kind = _kind(op, touched)
    if kind is None:
        parts = _decomposition(op, depth)
        if parts is None:  # PennyLane knows no decomposition, perhaps a matrix
            kind = "matrix"
        else:
            for part in parts:
                _expand(part, source, leaves, touched, depth + 1)
            return
    leaves.append(Primitive(op, kind, source, op.wires.labels, tuple(slots_of(op))))
    touched.update(op.wires.labels)


def _labels(op: Operator) -> tuple:
    """Wire labels; ``Controlled.wires`` builds a new ``Wires`` every time."""
    if isinstance(op, qp.ops.Controlled):
        return op.control_wires.labels + op.base.wires.labels
    return op.wires.labels


def _kind(op: Operator, touched: set) -> str | None:
    """How the operation is read, or ``None`` where it must be decomposed."""
    if isinstance(op, (CV, *QUTRIT)):
        raise DLAError(f"{op.name}: only qubit operations are supported, not qutrits or continuous variables.")
    if type(op).__name__ in CONDITIONED:
        raise DLAError(
            f"{op.name}: mid-circuit measurements and operations conditioned on them are not supported; "
            f"defer them "
            "(qp.defer_measurements) or remove them."
        )
    if is_listed(op):
        return "table"
    if isinstance(op, Channel):
        return "channel"
    if isinstance(op, qp.QubitDensityMatrix):
        if touched.intersection(op.wires.labels):
            raise DLAError("QubitDensityMatrix is supported only before any gate on its wires.")
        return "state"
    if isinstance(op, StatePrepBase) and not touched.intersection(op.wires.labels):
        return "state"
    if isinstance(op, MATRICES):
        return "matrix"
    if op.has_generator and len(op.data) == 1 and np.ndim(op.data[0]) == 0 and _has_factors(op):
        return "generator"
    return None


def _has_factors(op: Operator) -> bool:
    try:
        return generator_factors(op) is not None
    except Exception:  # a generator that PennyLane cannot give: decompose
        return False


def _decomposition(op: Operator, depth: int) -> Sequence[Operator] | None:
    """PennyLane's decomposition; ``None`` where there is only a matrix."""
    if depth > MAX_DEPTH:
        raise DLAError(f"{op.name}: its decomposition does not end.")
    try:
        parts = op.decomposition()
        if isinstance(op, qp.HilbertSchmidt):  # the local one among them
            return _with_conjugates(parts, op)
        return [parts] if isinstance(parts, Operator) else parts  # a power of Exp gives one operation, no list
    except Exception as error:
        undefined = error
    if isinstance(op, qp.ops.Adjoint) and op.base.has_decomposition:
        return [qp.adjoint(part) for part in reversed(op.base.decomposition())]
    if isinstance(op, qp.ops.Pow) and float(op.z).is_integer() and abs(op.z) <= 64:
        base = op.base if op.z >= 0 else qp.adjoint(op.base)
        return [base] * int(abs(op.z))
    if op.has_matrix and len(op.wires) <= MAX_MATRIX_WIRES:
        return None
    raise DLAError(
        f"{op.name} on wires {op.wires.tolist()} is not supported: it is in no table and PennyLane gives no "
        f"decomposition ({type(undefined).__name__}: {undefined})."
    ) from undefined


def _with_conjugates(parts: Sequence[Operator], op: qp.HilbertSchmidt) -> list[Operator]:
    """The conjugates of V's operations as operations, where PennyLane has the matrix of each."""
    trained = op.hyperparameters["V"]
    trained = [trained] if isinstance(trained, Operator) else list(trained)
    waiting = iter(trained)
    # V's matrices are the last ones: U's operations come before them, and only gates after
    first = max(i for i, part in enumerate(parts) if isinstance(part, qp.QubitUnitary)) + 1 - len(trained)
    return [Conjugate(next(waiting)) if first <= i < first + len(trained) else part for i, part in enumerate(parts)]


def matrix_leaves(leaf: Primitive) -> list[Primitive]:
    """A fixed unitary, given by its matrix, as a product of table operations."""
    op = leaf.operation
    if len(op.wires) > MAX_MATRIX_WIRES:
        raise DLAError(
            f"{op.name} on {len(op.wires)} wires: matrices on more than {MAX_MATRIX_WIRES} wires are not decomposed."
        )
    with qp.QueuingManager.stop_recording():
        unitary = qp.QubitUnitary(np.asarray(qp.matrix(op, wire_order=op.wires), complex), wires=op.wires)
        parts, result, touched = unitary.decomposition(), [], set(op.wires.labels)
        for part in parts:
            _expand(part, leaf.source, result, touched, 1)
    final = []
    for part in result:
        final += matrix_leaves(part) if part.kind == "matrix" else [part]
    return final


def structure(leaves: Sequence[Primitive]) -> list:
    """What must not depend on the values: types, wires, and words or control values."""
    return [
        (type(op), wires) if type(op) in PLAIN else (type(op), wires, _details(op)) for op, _, _, wires, _ in leaves
    ]


def _details(op: Operator):
    if isinstance(op, qp.PauliRot):
        return op.hyperparameters["pauli_word"]
    if isinstance(op, qp.ops.Controlled):
        return (type(op.base), tuple(map(bool, op.control_values)), _details(op.base))
    if isinstance(op, (qp.ops.Adjoint, qp.ops.Exp, Conjugate)):
        return (type(op.base), op.base.wires.labels, _details(op.base))
    if isinstance(op, qp.ops.Prod):
        return tuple((type(part), part.wires.labels, _details(part)) for part in op.operands)
    return None


def numbers(leaves: Sequence[Primitive]) -> np.ndarray:
    """All slots of all leaves in one vector; an array is one slot, its projection on a fixed generic
    direction."""
    return vector_of([value for leaf in leaves for value in leaf.slots])


def vector_of(values: list) -> np.ndarray:
    """Numbers and arrays as one vector, see :func:`numbers`."""
    try:
        vector = np.array(values)
        if vector.ndim == 1 and vector.dtype.kind in "fiub":
            return vector.astype(float)
    except (TypeError, ValueError, RuntimeError):  # arrays of several shapes, torch tensors with a graph
        pass
    return np.array([_number(value) for value in values], dtype=float)


def _number(value) -> float:
    if isinstance(value, (int, float)):
        return float(value)
    if qp.math.is_abstract(value):
        raise DLAError(
            "the QNode uses a traced value that is not one of its arguments (a closure inside jit, grad or "
            "vmap); pass it as an argument."
        )
    if hasattr(value, "detach"):
        value = value.detach()
    if scipy.sparse.issparse(value):
        value = value.tocsr().data  # as an array it may have 4^n entries
    array = np.asarray(qp.math.toarray(qp.math.unwrap([value])[0]))
    if array.ndim == 0 and not np.iscomplexobj(array):
        return float(array)
    flat = np.concatenate([np.real(array).reshape(-1), np.imag(array).reshape(-1)])
    return float(np.cos(1.0 + np.arange(len(flat)) * np.sqrt(2.0)) @ flat)
