"""Changes that must not matter, on circuits of 10 to 59 qubits: too large for a reference, they are their own.

Relabelled wires, another order of gates that commute, conjugation by a Clifford, inserted identities, split rotations,
idle wires, negated and doubled parameters, a scaled observable.
"""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import pennylane_dla as dla

from .case import Argument, Case
from .compare import ABSOLUTE, RELATIVE, SINGLE, Record, inspect, normal

SIGMAS = 6.0


@dataclass(frozen=True)
class Gate:
    """A rotation by a word, a fixed Clifford, or a line on some wires.

    Args:
        wires: positions
        word: of a rotation, or ``""``
        angle: of a rotation, as text
        name: of a fixed gate
    """

    wires: tuple[int, ...]
    word: str = ""
    angle: str = ""
    name: str = ""

    def line(self, labels) -> str:
        """As text."""
        wires = repr([labels[w] for w in self.wires])
        if self.word:
            if len(self.word) == 1:
                return f"qp.R{self.word}({self.angle}, wires={wires})"
            return f"qp.PauliRot({self.angle}, {self.word!r}, wires={wires})"
        if self.name.startswith("adjoint"):
            return f"qp.adjoint(qp.{self.name.split()[1]}(wires={wires}))"
        return f"qp.{self.name}({self.angle}{', ' * bool(self.angle)}wires={wires})"


@dataclass(frozen=True)
class Large:
    """A large circuit, and what a change did to its numbers.

    Args:
        gates: in order
        terms: the observable: ``(coefficient, {position: letter})`` each
        labels: of the wires
        laws: of the elements of ``w``
        scale: loss of the changed circuit over that of the original one
        shift: added to it
        slopes: derivatives over those of the original one, for each element
    """

    gates: tuple[Gate, ...]
    terms: tuple[tuple[float, tuple[tuple[int, str], ...]], ...]
    labels: tuple
    law: tuple
    elements: int
    seed: int
    interface: str = "numpy"
    scale: float = 1.0
    shift: float = 0.0
    slopes: tuple[float, ...] = ()
    constant: float = 0.0

    def case(self) -> Case:
        """As a fuzzed case."""
        words = [
            f"{c!r} * " + " @ ".join(f"qp.{letter}({self.labels[w]!r})" for w, letter in word) for c, word in self.terms
        ]
        if self.constant:
            words.append(f"{self.constant!r} * qp.Identity({self.labels[0]!r})")
        argument = Argument("w", (self.elements,), True, self.seed % 1000, self.law)
        options = {"max_seconds": 6.0, "samples": 4000, "seed": self.seed % 997, "progress": False}
        lines = tuple(gate.line(self.labels) for gate in self.gates)
        measured = (f"qp.expval({' + '.join(words)})",)
        return Case(self.seed, (argument,), lines, measured, self.interface, options, self.labels, True)


CLIFFORDS = {1: ("Hadamard", "S", "SX"), 2: ("CNOT", "CZ", "SWAP")}


def original(rng: np.random.Generator, seed: int) -> Large:
    """A circuit of layers or of scattered gates, with a local observable or a short sum."""
    n = int(rng.integers(10, 60))
    depth, kind = int(rng.choice([1, 1, 2, 2, 3])), rng.choice(["brick", "ladder", "scattered"])
    gates, count, repeat = [], 0, rng.choice([0.0, 0.0, 0.1])

    def angle() -> str:
        nonlocal count
        if count and rng.random() < repeat:
            return f"w[{int(rng.integers(count))}]"
        count += 1
        return f"w[{count - 1}]"

    letters = [rng.choice(list("XYZ")) for _ in range(1 + int(rng.integers(2)))]
    for layer in range(depth):
        places = range(n) if kind != "scattered" else rng.integers(0, n, n)
        for w in places:
            gates += [Gate((int(w),), str(letter), angle()) for letter in letters]
        start, step = (layer % 2, 2) if kind == "brick" else (0, 1)
        pairs = [(i, i + 1) for i in range(start, n - 1, step)]
        two = rng.choice(["CNOT", "CZ", "XX", "ZZ", "XY"])
        for a, b in pairs:
            if kind == "scattered" and rng.random() < 0.5:
                continue
            gates.append(Gate((a, b), "", "", str(two)) if two in ("CNOT", "CZ") else Gate((a, b), str(two), angle()))
        if rng.random() < 0.3:
            gates += [Gate((int(w),), "", "", str(rng.choice(CLIFFORDS[1]))) for w in rng.integers(0, n, 4)]
    terms = []
    for _ in range(1 if rng.random() < 0.6 else 3):
        start, size = int(rng.integers(n - 3)), 1 + int(rng.integers(3))
        word = tuple((start + i, str(rng.choice(list("XYZ")))) for i in range(size))
        terms.append((round(float(rng.uniform(0.3, 1.5)), 3), word))
    terms = tuple({word: (c, word) for c, word in terms}.values())
    if rng.random() < 0.75 or depth > 2:
        law = ("uniform",)
    else:
        law = ("normal", float(rng.choice([0.05, 0.3])), float(rng.choice([0.0, 0.4])))
    return Large(tuple(gates), terms, tuple(range(n)), law, count, seed, slopes=(1.0,) * count)


def relabelled(large: Large, rng) -> Large:
    """Other labels, in another order."""
    labels = [f"q{i}" if rng.random() < 0.5 else i + 100 for i in range(len(large.labels))]
    return replace(large, labels=tuple(labels))


def permuted(large: Large, rng) -> Large:
    """The same circuit on permuted wires."""
    return replace(large, labels=tuple(int(i) for i in rng.permutation(len(large.labels))))


def reordered(large: Large, rng) -> Large:
    """Neighbours on different wires change places."""
    gates = list(large.gates)
    for i in rng.integers(0, max(1, len(gates) - 1), 3 * len(gates)):
        if not set(gates[i].wires) & set(gates[i + 1].wires):
            gates[i], gates[i + 1] = gates[i + 1], gates[i]
    return replace(large, gates=tuple(gates))


TURNS = {  # C, C†, and what C P C† is
    "Hadamard": (("Hadamard",), ("Hadamard",), {"X": (1, "Z"), "Y": (-1, "Y"), "Z": (1, "X")}),
    "S": (("S",), ("adjoint S",), {"X": (1, "Y"), "Y": (-1, "X"), "Z": (1, "Z")}),
    "SX": (("SX",), ("adjoint SX",), {"X": (1, "X"), "Y": (1, "Z"), "Z": (-1, "Y")}),
    "Identity": ((), (), {"X": (1, "X"), "Y": (1, "Y"), "Z": (1, "Z")}),
}


def conjugated(large: Large, rng) -> Large:
    """Every gate, the state and the observable conjugated by Cliffords on single wires."""
    turns = [str(rng.choice(list(TURNS))) for _ in large.labels]

    def around(wires, which):
        return [Gate((w,), "", "", name) for w in wires for name in TURNS[turns[w]][which]]

    gates = around(range(len(turns)), 0)
    for gate in large.gates:
        if gate.word:
            sign, word = 1, ""
            for w, letter in zip(gate.wires, gate.word, strict=True):
                s, new = TURNS[turns[w]][2][letter]
                sign, word = sign * s, word + new
            gates.append(replace(gate, word=word, angle=gate.angle if sign > 0 else f"-({gate.angle})"))
        else:
            gates += [*around(gate.wires, 1), gate, *around(gate.wires, 0)]
    terms = []
    for c, word in large.terms:
        images = [(w, TURNS[turns[w]][2][letter]) for w, letter in word]
        sign = int(np.prod([s for _, (s, _) in images]))
        terms.append((sign * c, tuple((w, letter) for w, (_, letter) in images)))
    return replace(large, gates=tuple(gates), terms=tuple(terms))


def with_identities(large: Large, rng) -> Large:
    """Gates and their inverses at random places."""
    gates, n = list(large.gates), len(large.labels)
    for _ in range(8):
        place = int(rng.integers(len(gates) + 1))
        a, b = (int(w) for w in rng.permutation(n)[:2])
        kind = rng.integers(4)
        if kind == 0:
            pair = [Gate((a, b), "", "", "CNOT")] * 2
        elif kind == 1:
            pair = [Gate((a,), "", "", "S"), Gate((a,), "", "", "adjoint S")]
        elif kind == 2:
            pair = [Gate((a,), "", "", "T"), Gate((a,), "", "", "adjoint T")]
        else:
            pair = [Gate((a, b), "XZ", "0.3"), Gate((a, b), "XZ", "-0.3")]
        gates[place:place] = pair
    return replace(large, gates=tuple(gates))


def split(large: Large, rng) -> Large:
    """``RX(a) = RX(a/2) RX(a/2)``, or thirds, with one argument."""
    gates = []
    for gate in large.gates:
        if gate.word and rng.random() < 0.5:
            parts = (0.5, 0.5) if rng.random() < 0.5 else (0.25, 0.75)
            gates += [replace(gate, angle=f"{part} * ({gate.angle})") for part in parts]
        else:
            gates.append(gate)
    return replace(large, gates=tuple(gates))


def with_idle_wires(large: Large, rng) -> Large:
    """More wires, with fixed gates of their own."""
    n = len(large.labels)
    labels = (*large.labels, *(n + i for i in range(3)))
    idle = [Gate((n + i,), "", "", str(rng.choice(CLIFFORDS[1]))) for i in range(3)]
    idle += [Gate((n, n + 1), "", "", "CNOT"), Gate((n + 2,), "X", "0.7")]
    return replace(large, labels=labels, gates=(*idle, *large.gates))


def negated(large: Large, rng) -> Large:
    """``-w`` for ``w``, the law mirrored."""
    gates = tuple(replace(g, angle=f"-({g.angle})") if g.word else g for g in large.gates)
    law = large.law if large.law[0] == "uniform" else ("normal", large.law[1], -large.law[2])
    return replace(large, gates=gates, law=law, slopes=(-1.0,) * large.elements)


def doubled(large: Large, rng) -> Large:
    """``2 w`` for ``w``, the law halved."""
    gates = tuple(replace(g, angle=f"2 * ({g.angle})") if g.word else g for g in large.gates)
    law = large.law if large.law[0] == "uniform" else ("normal", large.law[1] / 2, large.law[2] / 2)
    return replace(large, gates=gates, law=law, slopes=(2.0,) * large.elements)


def scaled(large: Large, rng) -> Large:
    """``-3 O + 0.7`` for ``O``."""
    terms = tuple((-3.0 * c, word) for c, word in large.terms)
    return replace(
        large, terms=terms, constant=0.7, scale=-3.0, shift=0.7, slopes=tuple(-3.0 * s for s in large.slopes)
    )


def other_interface(large: Large, rng) -> Large:
    """The same through another interface."""
    return replace(large, interface=str(rng.choice(["autograd", "torch", "jax"])))


RELATIONS: tuple[Callable, ...] = (
    relabelled, permuted, reordered, conjugated, with_identities, split, with_idle_wires, negated, doubled, scaled,
    other_interface,
)  # fmt: skip


def draw_pair(seed: int) -> tuple[Large, Large, str]:
    """A circuit, the changed one, and the name of the change."""
    rng = np.random.default_rng(seed)
    large = original(rng, seed)
    relation = RELATIONS[int(rng.integers(len(RELATIONS)))]
    return large, relation(large, rng), relation.__name__


def run_pair(seed: int) -> Record:
    """Compare a circuit with its changed form; never raises."""
    first, second, name = draw_pair(seed)
    record = Record(seed, limit=6.0, family=name)
    found = []
    for large in (first, second):
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                diagnosis = inspect(large.case())
                str(diagnosis)
        except dla.DLAError as error:
            record.outcome, record.reasons = "refused", [normal(f"DLAError: {error}")]
            return record
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            record.outcome = "exception"
            where = traceback.extract_tb(error.__traceback__)[-1]
            record.failures = [f"{name}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"]
            return record
        finally:
            record.seconds = max(record.seconds, time.perf_counter() - started)
        found.append(diagnosis.measurements[0])
    _compare(record, first, second, found, name)
    record.outcome = "wrong" if record.failures else "compared" if record.numbers else "refused"
    return record


def _compare(record: Record, first: Large, second: Large, found, name: str) -> None:
    slopes = np.array(second.slopes) / np.array(first.slopes)
    before, after = ((m.loss.variance, m.gradient.estimate) for m in found)
    relative = SINGLE if "jax" in (first.interface, second.interface) else RELATIVE
    for what, old, new, factor in (
        ("loss variance", before[0], after[0], np.float64(second.scale**2)),
        ("gradient variances", before[1], after[1], slopes**2),
    ):
        if not (old.available and new.available):
            record.reasons += [normal(str(e.reason)) for e in (old, new) if not e.available]
            continue
        record.methods += [old.method, new.method]
        if np.shape(old.value) != np.shape(new.value):
            record.failures.append(f"{name}: {what} of shape {np.shape(new.value)} after {np.shape(old.value)}")
            continue
        a, b = np.asarray(old.value, float) * factor, np.asarray(new.value, float)
        ea, eb = np.asarray(old.stderr, float) * factor, np.asarray(new.stderr, float)
        allowed = ABSOLUTE + relative * np.maximum(np.abs(a), np.abs(b)) + SIGMAS * np.hypot(ea, eb)
        for estimate, f in ((old, factor), (new, 1.0)):  # nothing seen: the interval says how much there may be
            if not estimate.exact and estimate.interval is not None:
                width = np.asarray(estimate.interval[1], float) - np.asarray(estimate.interval[0], float)
                allowed = allowed + 2 * width * f
        record.numbers += int(np.size(a))
        bad = np.flatnonzero(np.atleast_1d(np.abs(a - b) > allowed) | ~np.atleast_1d(np.isfinite(b)))
        for k in bad[:3]:
            values = f"{np.atleast_1d(a)[k]:.8g} ({old.method}), then {np.atleast_1d(b)[k]:.8g} ({new.method})"
            record.failures.append(f"{name}: {what} [{k}] {values}")
    means = [m.loss.mean for m in found]
    if None not in means and not record.failures:
        a, b = (float(getattr(m, "value", m)) for m in means)
        exact = before[0].exact and after[0].exact
        errors = [getattr(m.loss, "mean_stderr", 0.0) for m in found]
        allowed = 1e-6 + relative + SIGMAS * np.hypot(abs(second.scale) * errors[0], errors[1])
        record.numbers += 1
        if abs(a * second.scale + second.shift - b) > allowed and (exact or any(errors)):
            record.failures.append(f"{name}: loss mean {a * second.scale + second.shift:.8g}, then {b:.8g}")
