"""The search: every candidate is diagnosed, only what helps is kept, the most effective comes first."""

from __future__ import annotations

import functools
import time
from dataclasses import replace

import numpy as np

from pennylane_dla.checked import index_of, positive_number
from pennylane_dla.diagnosis.inspection import Options, inspect_ansatz
from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.errors import DLAError
from pennylane_dla.progress import part, shown
from pennylane_dla.variance import engines as table

from .angles import angle_laws
from .generators import without_generators
from .layers import fewer_layers
from .observable import local_observables
from .remedy import Figures, Remedies, Remedy
from .state import start_states
from .variant import Variant, judge

GAIN = 1.2  # times the variance, at least, beyond the errors of both
SAMPLES = 20_000  # for one candidate
MEMORY = 2**28
MAX_SECONDS = 120.0


class _NoTimeLeft(Exception):
    """The budget is spent."""


def find_remedies(
    diagnostics: Diagnosis, measurement: int | None = None, max_seconds: float = MAX_SECONDS, progress: bool = True
) -> Remedies:
    """Diagnose variants of the circuit, and list those whose gradient varies more.

    Candidates: small initial angles, fewer layers, a local observable, leaving out generators, another start state.
    They are ranked by the median gradient variance in units of the squared range of the loss: multiplying a loss by ten
    is no remedy.

    Args:
        diagnostics: of the circuit
        measurement: index of the measurement; by default the one that needs most shots
        max_seconds: after which no further candidate is started
        progress: whether a progress bar shows

    Returns:
        Remedies: a sequence, the most effective first

    Raises:
        DLAError: where the gradient variance of the circuit itself is not known
    """
    base = _base(diagnostics, measurement)
    index = _worst(diagnostics) if measurement is None else measurement % len(diagnostics.measurements)
    allowed = positive_number("max_seconds", max_seconds, f"{MAX_SECONDS:g} is the default.", zero=True)
    deadline = time.monotonic() + allowed
    # A minute of simulation for one candidate is too long; but where nothing else judges the circuit, it has to do.
    engines: tuple[str, ...] = tuple(name for name in table.names() if name != "simulated")
    before = judge(base, engines)
    if before is None:
        engines = table.names()
        before = judge(base, engines)
    if before is None:
        reason = diagnostics.measurements[index].gradient.estimate.reason
        raise DLAError(f"remedies need the gradient variance of the circuit itself: {reason}.")
    cache: dict[int, tuple[Variant, Figures | None]] = {id(base): (base, before)}

    def judged(variant: Variant) -> Figures | None:
        if id(variant) not in cache:
            if time.monotonic() > deadline:
                raise _NoTimeLeft
            cache[id(variant)] = variant, judge(variant, engines)
        return cache[id(variant)][1]

    layers = functools.partial(fewer_layers, source=diagnostics.source, measurement=index, shots=diagnostics.shots)
    searches = {
        "a local observable": local_observables,
        "fewer layers": layers,
        "other start states": start_states,
        "smaller angles": angle_laws,
        "fewer generators": without_generators,
    }
    found, notes, late = [], [], []
    with shown(progress):
        for number, (name, search) in enumerate(searches.items()):
            with part(name, 1 / (len(searches) - number), alone=True):
                try:
                    for variant in search(base, judged):
                        figures = judged(variant)
                        if figures is not None and _helps(before, figures):
                            found.append(_remedy(diagnostics, variant, before, figures))
                except _NoTimeLeft:
                    late.append(name)
    if late:
        notes.append(f"not tried, or not to the end, after {max_seconds:g} s: {', '.join(late)}.")
    if diagnostics.source is not None and diagnostics.source.args is None:
        notes.append("arguments were traced: layers could not be cut along them; call dla.inspect(circuit)(*args).")
    found.sort(key=lambda remedy: -remedy.figures.relative)
    return Remedies(diagnostics.name, before, diagnostics.algebra.dim, tuple(found), tuple(notes))


def _worst(diagnostics: Diagnosis) -> int:
    needed = [m.shots_needed if m.shots_needed is not None else -1.0 for m in diagnostics.measurements]
    return int(np.argmax(needed))


def _base(diagnostics: Diagnosis, measurement: int | None) -> Variant:
    """The circuit as it is, with the one measurement."""
    index = _worst(diagnostics) if measurement is None else measurement
    index = index_of("measurement", index, len(diagnostics.measurements), diagnostics.name)
    if not diagnostics.data_known:
        raise DLAError("remedies need the data of the circuit, unknown under jit: call dla.inspect(circuit)(*args).")
    chosen = diagnostics.ansatz.measurements[index]
    if chosen.observable is None:
        raise DLAError(f"remedies need an observable, and {chosen.label} has none: {chosen.reason}.")
    options = diagnostics.source.options if diagnostics.source is not None else Options()
    budget = replace(
        options.budget,
        samples=min(options.budget.samples, SAMPLES),
        max_memory=min(options.budget.max_memory, MEMORY),
        rtol=max(options.budget.rtol, 0.1),
        progress=False,
    )
    shots = None if diagnostics.analytic else diagnostics.shots
    options = replace(options, shots=shots, budget=budget)
    return Variant(replace(diagnostics.ansatz, measurements=(chosen,)), options)


def _helps(before: Figures, after: Figures) -> bool:
    """A larger gradient variance, beyond the standard errors of both (two of them)."""
    if after.bound:
        return False
    doubt = 1 + 2 * np.hypot(before.relative_error, after.relative_error)
    return after.relative > 0 and bool(after.relative >= GAIN * doubt * before.relative)


def _remedy(diagnostics: Diagnosis, variant: Variant, before: Figures, after: Figures) -> Remedy:
    changed = type(diagnostics).of(inspect_ansatz((variant.ansatz,), variant.options, diagnostics.name))
    price = [variant.price] if variant.price else []
    if changed.algebra.dim < diagnostics.algebra.dim:
        price.insert(0, "smaller algebra")
    return Remedy(
        kind=variant.kind,
        change=variant.change,
        figures=after,
        factor=after.relative / before.relative if before.relative else float("inf"),
        dim=changed.algebra.dim,
        price=", ".join(price) or "none",
        diagnostics=changed,
    )
