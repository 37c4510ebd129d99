"""From a QNode and its arguments to an :class:`~pennylane_dla.circuit.ansatz.Ansatz`: the story of extraction.

The tape is built at a few generic argument values, never at the user's; all of it runs on concrete stand-ins, apart from any
trace the caller is inside.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pennylane as qp

from pennylane_dla import compat
from pennylane_dla.errors import DLAError

from .ansatz import Ansatz, Arguments, Channel, Gate, Rotation
from .arguments import Call, read_call
from .channels import transfer_of
from .decomposition import Leaf, leaves_of, numbers, structure
from .gates import GateList
from .measurements import read_measurements
from .operations import factors_of, generator_factors
from .periods import element_periods
from .probing import AngleMap, ProbePoints, angle_map
from .states import fold, prepare


def extract(
    circuit,
    args: Sequence = (),
    kwargs: dict | None = None,
    argnums: int | Sequence[int] | None = None,
    level: str | int = "user",
) -> tuple[Ansatz, ...]:
    """Read a circuit into the intermediate representation.

    Args:
        circuit: a QNode, or a tape: the trainable parameters of a tape are one argument ``parameters``
        args: positional arguments of the QNode
        kwargs: keyword arguments of the QNode
        argnums: which positional arguments are trainable, for JAX, NumPy and Python numbers; default 0
        level: after which transforms the tape is read, as in ``qp.draw``

    Returns:
        one ansatz for each element of a broadcast batch; a single one without broadcasting

    Raises:
        DLAError: an argument, an operation or a transform that cannot be treated; the message names it

    **Example**

    >>> @qp.qnode(qp.device("default.qubit"))
    ... def circuit(weights):
    ...     qp.RX(weights[0], 0)
    ...     qp.CNOT((0, 1))
    ...     qp.RY(2 * weights[1], 1)
    ...     return qp.expval(qp.Z(1))
    >>> (ansatz,) = extract(circuit, (np.array([0.1, 0.2]),))
    >>> ansatz.gates[-1].angle
    Angle(offset=0.0, elements=(1,), coefficients=(2.0,), affine=True)
    """
    kwargs = dict(kwargs or {})
    with compat.numerics():
        source = _source(circuit, tuple(args), kwargs, argnums, level)
        return _read(source)


@dataclass(frozen=True, eq=False)
class _Source:
    """A circuit as a function of its elements: ``build(args, kwargs)`` gives the tapes of the batch."""

    call: Call
    build: Callable
    device: object | None


def _source(circuit, args, kwargs, argnums, level) -> _Source:
    if isinstance(circuit, qp.QNode):
        call = read_call(circuit.func, args, kwargs, argnums)
        return _Source(call, lambda a, k: _construct(circuit, level, a, k), circuit.device)
    raise DLAError(f"{circuit!r} is neither a QNode nor a tape.")


def _construct(qnode: qp.QNode, level, args, kwargs) -> Sequence:
    """The tapes of one call, broadcast parameters expanded."""
    if len(qnode.compile_pipeline) == 0 and level in ("user", "top"):
        tape = qp.tape.make_qscript(qnode.func)(*args, **kwargs)
    else:
        batch, _ = qp.workflow.construct_batch(qnode, level)(*args, **kwargs)
        if len(batch) != 1:
            raise DLAError(
                f"the transforms of the QNode give {len(batch)} tapes at level={level!r}, so the loss is not one tape's "
                'measurement; use level="top" for the circuit before the transforms.'
            )
        tape = batch[0]
    if tape.batch_size is None:
        return [tape]
    tapes, _ = qp.transforms.broadcast_expand(tape)
    return tapes


@dataclass(frozen=True, eq=False)
class _Probe:
    """The circuit built at one point: for each tape of the batch its leaves."""

    tapes: Sequence
    leaves: list[list[Leaf]]

    def values(self) -> np.ndarray:
        return np.concatenate([numbers(leaves) for leaves in self.leaves])

    def structures(self) -> list:
        return [structure(leaves) for leaves in self.leaves]


def _read(source: _Source) -> tuple[Ansatz, ...]:
    call = source.call
    probe, points, evaluate = _first_probe(source)
    values = probe.values()
    angles = angle_map(evaluate, points, values)
    starts = np.concatenate([[0], np.cumsum([len(numbers(leaves)) for leaves in probe.leaves])])
    parts = [
        _ansatz(tape, leaves, angles, start, call, source.device)
        for tape, leaves, start in zip(probe.tapes, probe.leaves, starts[:-1], strict=True)
    ]
    arguments = Arguments(
        names=tuple(call.leaves[i].name for i in call.trainable),
        shapes=tuple(call.leaves[i].shape for i in call.trainable),
        periods=element_periods([part.gates for part in parts], call.num_elements),
        restore=call.restore,
    )
    return tuple(replace(part, arguments=arguments) for part in parts)


def _first_probe(source: _Source):
    """Build the circuit at the first point, with NumPy arrays, or the caller's types where the qfunc needs them."""
    size = source.call.num_probed
    failures = []
    for style in ("numpy", "native"):
        for positive in (False, True):
            points = ProbePoints.generic(size, positive)

            def build(elements, style=style):
                args, kwargs = source.call.stand_ins(elements, style)
                return _probe(source, args, kwargs)

            try:
                probe = build(points.first)
            except DLAError:
                raise
            except Exception as error:
                failures.append(error)
                continue
            reference = probe.structures()

            def evaluate(elements, build=build, reference=reference):
                other = build(elements)
                if other.structures() != reference:
                    raise DLAError(
                        "the gates of the circuit depend on the values of its arguments; the package needs one structure "
                        "for all values."
                    )
                return other.values()

            return probe, points, evaluate
    raise DLAError(
        f"the circuit could not be built at generic argument values: {type(failures[0]).__name__}: {failures[0]}"
    ) from failures[0]


def _probe(source: _Source, args, kwargs) -> _Probe:
    collecting = gc.isenabled()
    gc.disable()  # a tape is 10⁵ small objects, none of them garbage: collection doubles the time
    try:
        tapes = source.build(args, kwargs)
        return _Probe(tapes, [leaves_of(tape.operations) for tape in tapes])
    finally:
        if collecting:
            gc.enable()


def _ansatz(tape, leaves, angles: AngleMap, start: int, call: Call, device) -> Ansatz:
    """One tape of the batch."""
    wires = tuple(tape.wires)
    if not wires:
        raise DLAError("the circuit has no wires: apply a gate or measure a wire.")
    if not tape.measurements:
        raise DLAError("the circuit has no measurement: return an expectation value.")
    place = {wire: q for q, wire in enumerate(wires)}
    gates = GateList(place, angles, call)
    preparations, known = [], []
    for leaf in leaves:
        count = len(numbers([leaf]))
        if leaf.kind == "table":
            gates.add(leaf, factors_of(leaf.operation), start)
        elif leaf.kind == "generator":
            gates.add(leaf, generator_factors(leaf.operation), start)
        elif leaf.kind == "state":
            known.append(gates.constants(leaf, start, count))
            preparations.append(leaf.operation)
        elif leaf.kind == "channel":
            if not gates.constants(leaf, start, count):
                raise DLAError(f"{leaf.operation.name}: its strength is not known inside jit; use inspect with concrete data.")
            gates.append(
                Channel(
                    tuple(place[w] for w in leaf.operation.wires),
                    transfer_of(leaf.operation),
                    leaf.operation.name,
                    leaf.source,
                )
            )
        start += count
    state, folded = fold(prepare(preparations, known, wires), gates.finish())
    return Ansatz(wires, folded, state, read_measurements(tape.measurements, wires), None, tuple(gates.notes))
