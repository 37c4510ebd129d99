"""From a QNode and its arguments to an :class:`~pennylane_dla.circuit.ansatz.Ansatz`: the story.

The tape is built at a few generic argument values, never at the user's; all of it runs on concrete
stand-ins, apart from any trace the caller is inside.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pennylane as qp

from pennylane_dla import compat
from pennylane_dla.allowance import OutOfTime, checkpoint
from pennylane_dla.errors import DLAError

from .ansatz import Ansatz, Arguments, Channel
from .arguments import Call, read_call, read_tape
from .channels import channel_key, transfer_of
from .decomposition import Primitive, leaves_of, matrix_leaves, numbers, structure, vector_of
from .factors import Factor
from .gates import UNKNOWN, GateList
from .measurements import read_measurements
from .operations import factors_of, generator_factors
from .periods import element_periods
from .probing import AngleMap, ProbePoints, angle_map, without_data
from .states import fold, prepare
from .unitaries import clifford_factors, require_unitary

_NONE_YET = Arguments((), (), np.zeros(0), lambda rows: rows)  # of a part of a batch that is still being read
MAX_COEFFICIENT = 1e8  # of an argument element in an angle, radians per unit
MAX_BATCH = 64  # elements of a broadcast batch that are diagnosed
FREE = 3  # evaluations of the circuit that are made however long they take: without them nothing is known


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
    with compat.numerics(), _without_capture(), _without_collection():
        try:
            return _read(_source(circuit, tuple(args), dict(kwargs or {}), argnums, level))
        except OutOfTime as stop:
            raise DLAError(
                f"which argument drives which gate was not found out ({stop}): raise max_seconds, or compute the "
                "angles outside the QNode and pass them as its argument."
            ) from stop


@contextlib.contextmanager
def _without_capture():
    """Tapes are built outside program capture (``pause`` would enable it on exit, so only where it is on)."""
    if qp.capture.enabled():
        with qp.capture.pause():
            yield
    else:
        yield


@contextlib.contextmanager
def _without_collection():
    """A tape is 10⁵ small objects, none of them garbage: cyclic collection would double the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@dataclass(frozen=True, eq=False)
class _Source:
    """A circuit as a function of its arguments.

    Args:
        call: the arguments and which are trainable
        build: ``(args, kwargs) -> tape``
        device: where wire order and readout errors come from
        notes: what was assumed
    """

    call: Call
    build: Callable
    device: object | None = None
    notes: tuple[str, ...] = ()


def _source(circuit, args, kwargs, argnums, level) -> _Source:
    if isinstance(circuit, qp.QNode):
        if "shots" not in inspect.signature(circuit.func).parameters:
            kwargs.pop("shots", None)
        call = read_call(circuit.func, args, kwargs, argnums)
        return _Source(call, lambda a, k: _construct(circuit, level, a, k), circuit.device)
    if isinstance(circuit, qp.tape.QuantumScript):
        call, notes = read_tape(circuit)
        indices = range(len(call.leaves))
        return _Source(call, lambda a, k: circuit.bind_new_parameters(a, indices), notes=notes)
    raise DLAError(f"{circuit!r} is neither a QNode nor a tape.")


def _construct(qnode: qp.QNode, level, args, kwargs):
    """The tape of one call."""
    if level in ("user", "top") and (level == "top" or len(qnode.compile_pipeline) == 0):
        return qp.tape.make_qscript(qnode.func)(*args, **kwargs)
    batch, _ = qp.workflow.construct_batch(qnode, level)(*args, **kwargs)
    if len(batch) != 1:
        raise DLAError(
            f"the transforms of the QNode give {len(batch)} tapes at level={level!r}, so the loss is not one "
            'tape\'s measurement; use level="top" for the circuit before the transforms.'
        )
    return batch[0]


@dataclass(frozen=True, eq=False)
class _Probe:
    """The circuit built at one point: for each tape of the broadcast batch its leaves.

    Args:
        tapes: of the batch
        leaves: of each tape
        size: of the whole batch, of which the tapes may be some
    """

    tapes: Sequence
    leaves: list[list[Primitive]]
    size: int = 1

    @classmethod
    def of(cls, tape) -> _Probe:
        tapes = [tape] if tape.batch_size is None else qp.transforms.broadcast_expand(_some(tape))[0]
        return cls(tapes, [leaves_of(tape.operations) for tape in tapes], tape.batch_size or 1)

    def values(self) -> list[np.ndarray]:
        """For each tape its slots: of the leaves, then of the observables."""
        return [
            np.concatenate([numbers(leaves), vector_of(_observed(tape))])
            for tape, leaves in zip(self.tapes, self.leaves, strict=True)
        ]

    def structures(self) -> list:
        return [
            (structure(leaves), [(type(m), m.wires.labels, _shape(m.obs)) for m in tape.measurements])
            for tape, leaves in zip(self.tapes, self.leaves, strict=True)
        ]


def _some(tape):
    """A broadcast tape of at most ``MAX_BATCH`` elements, evenly spaced over those of the batch."""
    size = tape.batch_size
    if size <= MAX_BATCH:
        return tape
    chosen = np.linspace(0, size - 1, MAX_BATCH).round().astype(int)
    operations = []
    with qp.QueuingManager.stop_recording():
        for op in tape.operations:
            if op.batch_size is not None:
                plain = op.ndim_params
                data = [v[chosen] if np.ndim(v) > n else v for v, n in zip(op.data, plain, strict=True)]
                op = qp.ops.functions.bind_new_parameters(op, data)
            operations.append(op)
    return qp.tape.QuantumScript(operations, tape.measurements, shots=tape.shots)


def _observed(tape) -> list:
    """Numbers in the observables."""
    return [value for m in tape.measurements for value in getattr(m.obs, "data", ())]


def _shape(obs):
    """What an observable is, its numbers apart."""
    sentence = getattr(obs, "pauli_rep", None)
    return type(obs) if sentence is None else frozenset(sentence)


def _read(source: _Source) -> tuple[Ansatz, ...]:
    """Probe the circuit, then write every tape of the batch in the intermediate representation."""
    call = source.call
    probe, angles = _probe(source)
    parts, start, seen = [], 0, {}
    for tape, leaves, values in zip(probe.tapes, probe.leaves, probe.values(), strict=True):
        part = angles.part(start, start + len(values))
        key = part.key()
        if key not in seen:  # equal elements of a batch share the object
            seen[key] = _Reader(tape, leaves, part, source).ansatz()
        parts.append(seen[key])
        start += len(values)
    for part in {id(part): part for part in parts}.values():
        _check_coefficients(part, call)
    arguments = call.arguments(element_periods([part.gates for part in parts], call.num_elements))
    notes = ()
    if len(parts) < probe.size:
        notes = (f"{len(parts)} of the {probe.size} elements of the batch are diagnosed, evenly spaced",)
    finished = {id(part): replace(part, arguments=arguments, notes=part.notes + notes) for part in parts}
    return tuple(finished[id(part)] for part in parts)


def _check_coefficients(ansatz: Ansatz, call: Call) -> None:
    """Refuse angles that turn so fast that a float of the argument does not say where on the circle they are."""
    for gate in ansatz.gates:
        if isinstance(gate, Channel):
            continue
        for element, coefficient in zip(gate.angle.elements, gate.angle.coefficients, strict=False):
            if not abs(coefficient) <= MAX_COEFFICIENT:
                raise DLAError(
                    f"the angle of {gate.name or 'a gate'} is {coefficient:.3g} times element {element} of the "
                    f"trainable arguments: factors beyond {MAX_COEFFICIENT:g} leave a float no digits for the "
                    "angle. Scale the argument."
                )


def _probe(source: _Source) -> tuple[_Probe, AngleMap]:
    """Build the circuit at generic points: with NumPy arrays or, where the qfunc needs them, the caller's
    types; with values of both signs or, where the qfunc needs it, in (0, 1)."""
    failures = []
    for style in ("numpy", "native", "original"):
        for positive in (False, True):
            try:
                return _probe_at(source, style, positive)
            except (DLAError, OutOfTime):
                raise
            except Exception as error:  # whatever the user's function raises
                failures.append(error)
    raise DLAError(
        f"the circuit could not be built at generic argument values: {type(failures[0]).__name__}: {failures[0]}"
    ) from failures[0]


def _probe_at(source: _Source, style: str, positive: bool) -> tuple[_Probe, AngleMap]:
    call = source.call
    points = ProbePoints.generic(call.num_elements, positive)
    data = ProbePoints.generic(call.num_unknown, positive, seed=1)

    def build(elements, numbers) -> _Probe:
        return _Probe.of(source.build(*call.stand_ins(elements, numbers, style)))

    def finite(probe: _Probe) -> np.ndarray:
        values = np.concatenate(probe.values())
        if not np.all(np.isfinite(values)):
            raise ArithmeticError("the circuit has angles or coefficients that are NaN or infinite")
        return values

    first = build(points.first, data.first)
    structures = first.structures()

    evaluations = 0

    def evaluate(elements, numbers=data.first) -> np.ndarray:
        nonlocal evaluations
        evaluations += 1
        if evaluations > FREE:
            checkpoint()
        probe = build(elements, numbers)
        if probe.structures() != structures:
            raise DLAError(
                "the gates or observables of the circuit depend on the values of its arguments (or are random); "
                "one structure for all values is needed: pass what a branch depends on as a Python number or "
                "bool that is not trainable."
            )
        return finite(probe)

    at_first = finite(first)
    angles = angle_map(evaluate, points, at_first)
    if call.num_unknown:
        angles = without_data(angles, evaluate, points, at_first, data.second)
    return first, angles


class _Reader:
    """One tape of the batch, written leaf by leaf into gates, an initial state and measurements."""

    def __init__(self, tape, leaves: Sequence[Primitive], angles: AngleMap, source: _Source):
        self.tape, self.leaves, self.angles, self.source = tape, leaves, angles, source
        self.wires = _wires(tape, source.device)
        self.place = {wire: q for q, wire in enumerate(self.wires)}
        self.gates = GateList(self.place, angles, tape.operations)
        self.preparations: list = []
        self.known: list[bool] = []
        self.transfers: dict = {}  # a noise model repeats a few channels many times

    def ansatz(self) -> Ansatz:
        """The circuit; its ``arguments`` are filled in by the caller, who knows the whole batch."""
        start = 0
        if not self.source.call.num_unknown:  # what is controlled is decomposed already
            for op in self.tape.operations:
                require_unitary(op)
        for leaf in self.leaves:
            self._add(leaf, start)
            start += len(leaf.slots)
        self._readout()
        observables_known = self._observables(range(start, len(self.angles.element)))
        state, gates = fold(prepare(self.preparations, self.known, self.wires), self.gates.finish())
        measurements = read_measurements(self.tape.measurements, self.wires, observables_known)
        notes = (*self.source.notes, *self.gates.notes())
        return Ansatz(self.wires, gates, state, measurements, _NONE_YET, notes)

    def _add(self, leaf: Primitive, start: int) -> None:
        gates, slots = self.gates, range(start, start + len(leaf.slots))
        if leaf.kind == "matrix" and gates.constant(leaf, slots):
            require_unitary(leaf.operation)
        if leaf.kind in ("table", "generator"):
            gates.add(leaf, _factors(leaf), start)
        elif leaf.kind == "state":
            self.known.append(gates.constant(leaf, slots))
            self.preparations.append(leaf.operation)
        elif not gates.constant(leaf, slots):
            raise DLAError(f"{leaf.operation.name}: {UNKNOWN}")
        elif leaf.kind == "channel":
            wires = tuple(self.place[w] for w in leaf.wires)
            key = channel_key(leaf.operation)
            if key not in self.transfers:
                self.transfers[key] = transfer_of(leaf.operation)
            gates.append(Channel(wires, self.transfers[key], leaf.operation.name, leaf.source))
        elif (factors := clifford_factors(leaf.operation)) is not None:
            gates.add(leaf, factors, 0, AngleMap.constant(numbers([])))
        else:
            for part in matrix_leaves(leaf):
                gates.add(part, _factors(part), 0, AngleMap.constant(numbers([part])))

    def _readout(self) -> None:
        """Readout errors of the device flip the outcome on every measured wire: ``P`` of weight ``w``
        shrinks by ``(1-2p)^w``."""
        probability = getattr(self.source.device, "readout_err", None)
        if probability:
            measured = sorted({self.place[w] for m in self.tape.measurements for w in m.wires or self.wires})
            damping = np.diag([1.0] + [1.0 - 2.0 * float(probability)] * 3)
            for wire in measured:
                self.gates.append(Channel((wire,), damping, "ReadoutError"))

    def _observables(self, slots) -> bool:
        """Whether the coefficients of the observables are known."""
        angles = [self.angles.angle(slot) for slot in slots]
        if any(angle.elements for angle in angles):
            raise DLAError(
                "a trainable argument drives a coefficient of the observable, not a gate; treat that "
                "argument as data (by argnums, or requires_grad=False)."
            )
        return all(np.isfinite(angle.offset) for angle in angles)


def _factors(leaf: Primitive) -> tuple[Factor, ...]:
    """Of an operation that is in a table or has a generator."""
    factors = (generator_factors if leaf.kind == "generator" else factors_of)(leaf.operation)
    assert factors is not None  # what has none is of another kind
    return factors


def _wires(tape, device) -> tuple:
    """Wire labels in the order of the device, those that the tape never touches left out."""
    if not tape.measurements:
        raise DLAError("the circuit has no measurement: return an expectation value.")
    used = tape.wires
    if not used:
        raise DLAError("the circuit has zero wires: apply a gate, or measure a wire.")
    order = getattr(device, "wires", None)
    if not order:
        return tuple(used)
    inside, ordered = set(used), set(order)
    return (*(w for w in order if w in inside), *(w for w in used if w not in ordered))
