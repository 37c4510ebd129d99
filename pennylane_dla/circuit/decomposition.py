"""A tape's operations as leaves: operations of the tables, channels, state preparations and fixed matrices.

Whatever is none of these is decomposed by PennyLane, at the probe's generic values (decompositions may differ at zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pennylane as qp
from pennylane.operation import CV, Channel, Operator, StatePrepBase

from pennylane_dla.errors import DLAError

from .operations import TABLE, generator_factors, is_listed, slots_of

IGNORED = (qp.Barrier, qp.Snapshot, qp.WireCut)
MATRICES = (qp.QubitUnitary, qp.DiagonalQubitUnitary)
MAX_DEPTH = 60  # of nested decompositions


class Leaf(NamedTuple):
    """One operation that is not decomposed further.

    Args:
        operation: the operation
        kind: ``"table"``, ``"generator"``, ``"channel"``, ``"state"`` or ``"matrix"``
        source: index of the operation on the user's tape that it comes from
    """

    operation: Operator
    kind: str
    source: int


def leaves_of(operations: Sequence[Operator]) -> list[Leaf]:
    """Decompose what is in no table.

    Raises:
        DLAError: an operation that is no unitary, channel or preparation of qubits, or that PennyLane cannot decompose
    """
    leaves: list[Leaf] = []
    touched: set = set()
    with qp.QueuingManager.stop_recording():
        for source, op in enumerate(operations):
            if type(op) in TABLE and type(op) is not qp.ops.Evolution:  # the many
                leaves.append(Leaf(op, "table", source))
                touched.update(op.wires.labels)
            else:
                _expand(op, source, leaves, touched, 0)
    return leaves


def _expand(op: Operator, source: int, leaves: list[Leaf], touched: set, depth: int) -> None:
    if isinstance(op, IGNORED):
        return
    kind = _kind(op, touched)
    if kind is not None:
        leaves.append(Leaf(op, kind, source))
        touched.update(op.wires.labels)
        return
    for part in _decomposition(op, depth):
        _expand(part, source, leaves, touched, depth + 1)


def _kind(op: Operator, touched: set) -> str | None:
    """How the operation is read, or ``None`` where it must be decomposed."""
    if isinstance(op, CV) or type(op).__name__ in QUTRIT:
        raise DLAError(f"{op.name}: only qubit operations are supported, not qutrits or continuous variables.")
    if type(op).__name__ in NOT_UNITARY:
        raise DLAError(
            f"{op.name}: mid-circuit measurements and operations conditioned on them are not supported; defer them "
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


QUTRIT = {
    name
    for name in dir(qp)
    if name.startswith(("Qutrit", "TRX", "TRY", "TRZ", "TAdd", "TClock", "THadamard", "TSWAP", "TShift", "TritFlip"))
} | {"ControlledQutritUnitary", "THermitian", "GellMann"}
NOT_UNITARY = {"MidMeasure", "MidMeasureMP", "PauliMeasure", "Conditional", "MeasurementValue"}


def _has_factors(op: Operator) -> bool:
    try:
        return generator_factors(op) is not None
    except Exception:  # a generator that PennyLane cannot give: decompose
        return False


def _decomposition(op: Operator, depth: int) -> Sequence[Operator]:
    if depth > MAX_DEPTH:
        raise DLAError(f"{op.name}: its decomposition does not end.")
    try:
        return op.decomposition()
    except Exception as error:
        undefined = error
    if isinstance(op, qp.ops.Adjoint) and op.base.has_decomposition:
        return [qp.adjoint(part) for part in reversed(op.base.decomposition())]
    if isinstance(op, qp.ops.Pow) and float(op.z).is_integer() and abs(op.z) <= 64:
        base = op.base if op.z >= 0 else qp.adjoint(op.base)
        return [base] * int(abs(op.z))
    raise DLAError(
        f"{op.name} on wires {op.wires.tolist()} is not supported: it is in no table and PennyLane gives no decomposition "
        f"({type(undefined).__name__}: {undefined})."
    ) from undefined


def structure(leaves: Sequence[Leaf]) -> list:
    """What must not depend on the values: types, wires, and hyperparameters."""
    return [(type(leaf.operation), leaf.operation.wires.labels) for leaf in leaves]


def numbers(leaves: Sequence[Leaf]) -> np.ndarray:
    """All slots of all leaves in one vector; an array is one slot, its projection on a fixed generic direction."""
    flat: list = []
    for leaf in leaves:
        flat.extend(leaf.operation.data if leaf.kind == "table" and type(leaf.operation) in TABLE
                    and type(leaf.operation) is not qp.ops.Evolution else slots_of(leaf.operation))
    try:
        vector = np.array(flat, dtype=float)
        if vector.ndim == 1:
            return vector
    except (TypeError, ValueError):
        pass
    return np.array([number(value) for value in flat], dtype=float)


def number(value) -> float:
    """One slot as a real number."""
    if qp.math.is_abstract(value):
        raise DLAError(
            "the QNode uses a traced value that is not one of its arguments (a closure inside jit, grad or vmap); "
            "pass it as an argument."
        )
    array = np.asarray(qp.math.toarray(qp.math.unwrap([value])[0]) if not isinstance(value, (int, float)) else value)
    if array.ndim == 0 and not np.iscomplexobj(array):
        return float(array)
    flat = np.concatenate([array.real.reshape(-1), array.imag.reshape(-1)])
    return float(np.cos(1.0 + np.arange(len(flat)) * np.sqrt(2.0)) @ flat)
