"""The circuit of a diagnosis with its tape edited: the same arguments, the same classical map, other operations."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pennylane as qp
from pennylane.tape import QuantumScript

from pennylane_dla.circuit.arguments import read_tape
from pennylane_dla.diagnosis.records import Source


def rewritten(source: Source, edit: Callable[[QuantumScript], QuantumScript]) -> tuple[qp.QNode, tuple, dict]:
    """A QNode whose tape is the edited one.

    Args:
        source: the call that was diagnosed
        edit: takes a tape and returns one; called once for every tape that is built

    Returns:
        the QNode, to be read at ``level="top"``, and its positional and keyword arguments
    """
    circuit, args, kwargs = source.circuit, source.args, dict(source.kwargs)
    assert args is not None  # the call was kept
    if isinstance(circuit, QuantumScript):
        trainable = read_tape(circuit)[0].trainable
        values = circuit.get_parameters(trainable_only=False)

        def parameters(parameters):
            return _queue(edit, lambda: circuit.bind_new_parameters(list(parameters), trainable))

        arrays = all(np.ndim(values[i]) == 0 for i in trainable)
        chosen = [values[i] for i in trainable]
        argument = np.array(chosen, float) if arrays else chosen
        return qp.QNode(parameters, qp.device("default.qubit")), (argument,), {}

    @functools.wraps(circuit.func)
    def function(*args, **kwargs):
        return _queue(edit, lambda: _tape(circuit, source.options.level, args, kwargs))

    return qp.QNode(function, circuit.device, interface=circuit.interface), args, kwargs


def _tape(qnode: qp.QNode, level, args, kwargs) -> QuantumScript:
    if level == "top" or (level == "user" and len(qnode.compile_pipeline) == 0):
        return qp.tape.make_qscript(qnode.func)(*args, **kwargs)
    return qp.workflow.construct_tape(qnode, level=level)(*args, **kwargs)


def _queue(edit, build):
    with qp.QueuingManager.stop_recording():  # operations queue themselves where they are made
        tape = edit(build())
    for operation in tape.operations:
        qp.apply(operation)
    measurements = tuple(qp.apply(m) for m in tape.measurements)
    return measurements[0] if len(measurements) == 1 else measurements
