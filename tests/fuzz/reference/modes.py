"""Frequencies of a circuit in each element: the periodic modes whose product grid determines the loss.

A parameter ``a·x`` of a gate moves the loss at ``a`` times the gaps of the gate's generator. All frequencies of one
element that are commensurate share a mode with their greatest common divisor as unit; others have modes of their own,
and a long window averages over them independently.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np
import pennylane as qp

from .leaves import Circuit, Leaf, NoReference

EPSILON = 0.01


@dataclass(frozen=True)
class Mode:
    """One periodic direction of one element.

    Args:
        element: index
        unit: smallest frequency, in ``1/x``
        degree: largest frequency over the unit
    """

    element: int
    unit: float
    degree: int


@dataclass(frozen=True, eq=False)
class Modes:
    """All modes, and how each leaf hangs on them.

    Args:
        modes: in order, those of one element together
        slopes: for each leaf the derivatives of its parameters by the phases of the modes, shape ``(p, modes)``
    """

    modes: tuple[Mode, ...]
    slopes: tuple[np.ndarray, ...]

    @property
    def points(self) -> int:
        """Points of the product grid."""
        return int(np.prod([2 * m.degree + 1 for m in self.modes], dtype=object))


def find_modes(circuit: Circuit, factor: int = 1) -> Modes:
    """Modes of a circuit.

    Args:
        circuit: with its leaves
        factor: 2 where the measurement squares an expectation value

    Raises:
        NoReference: a single gate with incommensurate gaps
    """
    found: dict[int, list[tuple[int, float, float]]] = {}  # element -> leaf, unit, highest
    for index, leaf in enumerate(circuit.leaves):
        for element in leaf.elements:
            gaps = _gaps(leaf, element)
            if len(gaps):
                unit = _divisor(gaps)
                if unit is None:
                    raise NoReference(f"{leaf.operation.name} has gaps without common divisor")
                found.setdefault(element, []).append((index, unit, max(gaps)))
    modes: list[Mode] = []
    slopes = [np.zeros((len(leaf.offset), 0)) for leaf in circuit.leaves]
    for element in sorted(found):
        for group in _commensurate(found[element]):
            unit = _divisor([u for _, u, _ in group])
            degree = round(sum(high for *_, high in group) / unit) * factor
            modes.append(Mode(element, unit, degree))
            members = {index for index, *_ in group}
            for index, leaf in enumerate(circuit.leaves):
                column = leaf.slopes[:, element] / unit if index in members else np.zeros(len(leaf.offset))
                slopes[index] = np.concatenate([slopes[index], column[:, None]], axis=1)
    return Modes(tuple(modes), tuple(slopes))


def _gaps(leaf: Leaf, element: int) -> list[float]:
    """Differences of the eigenvalues of the generator of a leaf in one element."""
    if np.count_nonzero(leaf.slopes[:, element]) > 1:
        raise NoReference(f"{leaf.operation.name} has two parameters with the same element")
    base = leaf.offset + leaf.slopes @ np.full(leaf.slopes.shape[1], 0.7)
    scale = np.abs(leaf.slopes[:, element]).max()
    step = EPSILON / scale
    first, second = leaf.matrices(np.stack([base, base + step * leaf.slopes[:, element]]))
    turn = second @ first.conj().T
    phases = np.sort(np.angle(np.linalg.eigvals(turn)))
    gaps = (phases[:, None] - phases[None, :]).reshape(-1) / step
    gaps = np.unique(np.round(gaps[gaps > 1e-6 * scale], 6))
    return [_snap(g, scale) for g in gaps if g > 1e-5 * scale]


def _snap(gap: float, scale: float) -> float:
    """A gap over its scale is often a simple number: then the six digits it was read to become all of them.

    The nearest fraction to a number of three digits is 1.5e-5 away or more, so that none is bent.
    """
    ratio = Fraction(gap / scale).limit_denominator(64)
    return float(ratio) * scale if abs(float(ratio) * scale - gap) < 1e-6 * max(1, scale) else gap


def _divisor(values) -> float | None:
    """Greatest common divisor of reals, ``None`` where there is none."""
    values = sorted(set(values))
    ratios = [Fraction(v / values[0]).limit_denominator(400) for v in values]
    if any(abs(float(r) - v / values[0]) > 1e-7 * v / values[0] for r, v in zip(ratios, values, strict=True)):
        return None
    common = np.lcm.reduce([r.denominator for r in ratios])
    return values[0] * gcd(*(int(r * int(common)) for r in ratios)) / int(common)


def _commensurate(entries):
    groups: list[list] = []
    for entry in entries:
        for group in groups:
            if _divisor([*(unit for _, unit, _ in group), entry[1]]) is not None:
                group.append(entry)
                break
        else:
            if any(_divisor([unit, entry[1]]) is not None for group in groups for _, unit, _ in group):
                raise NoReference("frequencies with a common divisor that is tiny")
            groups.append([entry])
    return groups


def is_variance(measurement) -> bool:
    """Whether a measurement squares an expectation value."""
    return isinstance(measurement, qp.measurements.VarianceMP)
