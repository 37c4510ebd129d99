"""Leaving out the generators that blow up the Lie algebra."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from pennylane_dla.algebra.dynamical import dynamical_lie_algebra
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.circuit.ansatz import Ansatz, Rotation
from pennylane_dla.circuit.effective import effective_ansatz

from .variant import Variant

MAX_CLASSES = 48  # of one operation on one set of wires
MAX_DIM = 256  # of a Lie closure of sums, of which there is one for each class
SHRINK = 2  # how many times smaller the algebra must become
TRIED = 4
CLOSE = 2.0  # gains within this factor: the class with fewer gates is taken


def without_generators(base: Variant, judged) -> Iterator[Variant]:
    """Leave out one class of trainable gates, such that the algebra shrinks and the gradient grows.

    Classes are all gates of one operation, and gates of one operation on one set of wires. What is left must not fall
    apart into more commuting parts than there were: a circuit of commuting rotations has a small algebra too, and is no
    ansatz any more.

    Args:
        base: the circuit as it is
        judged: ``variant -> Figures | None``
    """
    ansatz = base.ansatz
    whole = _algebra(ansatz)
    candidates = []
    for label, left_out in classes(ansatz).items():
        rest = replace(ansatz, gates=tuple(g for k, g in enumerate(ansatz.gates) if k not in left_out))
        smaller = _algebra(rest)
        if SHRINK * smaller.dim <= whole.dim and _parts(smaller) <= _parts(whole):
            candidates.append((smaller.dim, len(left_out), label, rest))
    candidates.sort(key=lambda c: c[:2])
    by_gates = sorted(candidates, key=lambda c: (c[1], c[0]))
    tried = {c[2]: c for c in [*by_gates[: TRIED // 2], *candidates][:TRIED]}
    known = {}
    for _, size, label, rest in tried.values():
        plural = f" ({size} gates)" if size > 1 else ""
        variant = base.changed("generators", f"leave out {label}{plural}", "", rest)
        figures = judged(variant)
        if figures is not None:
            known[variant] = figures, size
    if known:
        most = max(figures.relative for figures, _ in known.values())
        near = [v for v, (figures, _) in known.items() if CLOSE * figures.relative >= most]
        yield min(near, key=lambda v: known[v][1])


def classes(ansatz: Ansatz) -> dict[str, set[int]]:
    """Positions of the trainable gates by operation, and by operation and wires; no class is the whole circuit."""
    coarse: dict[str, set[int]] = defaultdict(set)
    fine: dict[str, set[int]] = defaultdict(set)
    for k, gate in enumerate(ansatz.gates):
        if not isinstance(gate, Rotation) or gate.angle.fixed:
            continue
        words = "+".join(gate.strings)
        name = gate.name if gate.name and gate.name not in ("Rot", "U3", "U2") else f"R{words}"
        if len(gate.strings) == 1 and gate.name not in ("Rot", "U3", "U2") and not set(words) <= set(name):
            name = f"{name} ({words})"
        wires = ", ".join(str(ansatz.wires[w]) for w in gate.wires)
        coarse[name].add(k)
        fine[f"{name} on wire{'s' if len(gate.wires) > 1 else ''} {wires}"].add(k)
    everything = set().union(*coarse.values()) if coarse else set()
    result = dict(fine) if len(fine) <= MAX_CLASSES else {}
    named = [frozenset(members) for members in result.values()]
    result.update({label: members for label, members in coarse.items() if frozenset(members) not in named})
    return {label: members for label, members in result.items() if members != everything}


def _algebra(ansatz: Ansatz) -> LieAlgebra:
    return dynamical_lie_algebra(effective_ansatz(ansatz), MAX_DIM)


def _parts(algebra: LieAlgebra) -> int:
    """How many parts commute with each other."""
    if algebra.components is not None and algebra.center is not None:
        return len(algebra.components) + len(algebra.center)
    return sum(ideal.multiplicity for ideal in algebra.ideals) if algebra.ideals else 1
