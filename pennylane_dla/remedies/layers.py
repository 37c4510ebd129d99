"""Fewer layers: the arguments sliced along their leading axis, or the repeated gates cut off."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import numpy as np
import pennylane as qp

from pennylane_dla.circuit.ansatz import Ansatz, Channel, Rotation
from pennylane_dla.circuit.arguments import read_call
from pennylane_dla.circuit.extract import extract
from pennylane_dla.diagnosis.records import Source

from .remedy import Figures
from .variant import Variant

MAX_GATES = 20_000  # in which a repetition is looked for


def fewer_layers(base: Variant, judged, source: Source | None, measurement: int, shots: int) -> Iterator[Variant]:
    """The most layers that are trainable; where none are, or all are, the number with the largest gradient.

    Args:
        base: the circuit as it is
        judged: ``variant -> Figures | None``
        source: the call, whose arguments are sliced
        measurement: index of the measurement in the circuit of ``source``
        shots: that a user has for one expectation value
    """
    cut = by_slicing(base.ansatz, source, measurement) or by_repetition(base.ansatz)
    if cut is None:
        return
    layers, shorter = cut
    known: dict[int, tuple[Variant, Figures]] = {}

    def look(k: int) -> bool:
        """Whether ``k`` layers are trainable."""
        ansatz = shorter(k)
        if ansatz is None:
            return False
        change = f"{k} layer{'s' if k > 1 else ''} instead of {layers}"
        variant = base.changed("layers", change, "fewer parameters", ansatz)
        figures = judged(variant)
        if figures is None:
            return False
        known[k] = variant, figures
        return trainable(figures)

    def trainable(figures: Figures | None) -> bool:
        return figures is not None and figures.shots_needed is not None and figures.shots_needed <= shots

    if trainable(judged(base)):
        for k in sorted({1, 2, layers // 4, layers // 2} - {0, layers}):
            look(k)
    else:
        high, low = layers, layers // 2
        while low >= 1 and not look(low):
            high, low = low, low // 2
        while low >= 1 and high - low > max(1, low // 8):  # trainable at low, not at high
            middle = (low + high) // 2
            low, high = (middle, high) if look(middle) else (low, middle)
        if low >= 1:
            yield known[low][0]
            return
    if known:
        yield max(known.values(), key=lambda found: found[1].relative)[0]


def by_slicing(
    ansatz: Ansatz, source: Source | None, measurement: int
) -> tuple[int, Callable[[int], Ansatz | None]] | None:
    """Layers along the leading axis of the trainable arguments, if the QNode takes fewer of them.

    Returns:
        their number, and ``k -> ansatz``; ``None`` where the leading axis is not one of layers
    """
    if source is None or source.args is None or not isinstance(source.circuit, qp.QNode):
        return None
    call = read_call(source.circuit.func, source.args, source.kwargs, source.options.argnums)
    shapes = [call.leaves[i].shape for i in call.trainable if call.leaves[i].shape]
    if not shapes:
        return None
    layers = Counter(shape[0] for shape in shapes).most_common(1)[0][0]
    if layers < 2:
        return None
    leaves, tree = jax.tree_util.tree_flatten((source.args, source.kwargs))
    chosen = {i for i in call.trainable if call.leaves[i].shape and call.leaves[i].shape[0] == layers}
    touched = _trainable_wires(ansatz)

    def shorter(k: int) -> Ansatz | None:
        args, kwargs = jax.tree_util.tree_unflatten(
            tree, [leaf[:k] if i in chosen else leaf for i, leaf in enumerate(leaves)]
        )
        try:
            found = extract(source.circuit, args, kwargs, source.options.argnums, source.options.level)[0]
        except Exception:  # whatever the user's function does with fewer layers than it expects
            return None
        if found.num_wires != ansatz.num_wires or _trainable_wires(found) != touched:
            return None
        return replace(found, measurements=(found.measurements[measurement],))

    return None if shorter(layers - 1) is None else (layers, shorter)


def by_repetition(ansatz: Ansatz) -> tuple[int, Callable[[int], Ansatz | None]] | None:
    """Layers as the shortest sequence of gates that repeats up to the end of the circuit."""
    kinds: dict = {}
    ids = np.array([kinds.setdefault(_kind(gate), len(kinds)) for gate in ansatz.gates])
    size = len(ids)
    if not 4 <= size <= MAX_GATES:
        return None
    for period in range(1, size // 2 + 1):
        equal = ids[period:] == ids[:-period]
        breaks = np.flatnonzero(~equal)
        start = int(breaks[-1]) + 1 if len(breaks) else 0
        layers = (size - start) // period
        start = size - layers * period
        block = ansatz.gates[start : start + period]
        if layers >= 2 and start <= period and any(isinstance(g, Rotation) and not g.angle.fixed for g in block):
            return layers, functools.partial(_first, ansatz, start, period)
    return None


def _first(ansatz: Ansatz, start: int, period: int, k: int) -> Ansatz:
    """What comes before the layers, and ``k`` of them."""
    return replace(ansatz, gates=ansatz.gates[: start + k * period])


def _kind(gate):
    if isinstance(gate, Channel):
        return gate.name, gate.wires, gate.transfer.tobytes()
    angle = gate.angle
    return (
        gate.name,
        gate.wires,
        gate.strings,
        gate.coefficients,
        angle.fixed,
        round(angle.offset, 9) if angle.fixed else 0,
    )


def _trainable_wires(ansatz: Ansatz) -> set[int]:
    return {w for g in ansatz.gates if isinstance(g, Rotation) and not g.angle.fixed for w in g.wires}
