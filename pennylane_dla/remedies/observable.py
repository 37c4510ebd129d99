"""A local observable in place of a global one (Cerezo et al., arXiv:2001.00550)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pennylane_dla.circuit.ansatz import Measurement
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct

from .variant import Variant

MIN_WEIGHT = 3  # qubits from which on a term counts as global


def local_observables(base: Variant, judged) -> Iterator[Variant]:
    """Every global term replaced by the mean of its single-qubit factors: same extrema, same state that reaches them.

    ``∏_w (1 ± Z_w)/2`` becomes ``mean_w (1 ± Z_w)/2``; a string ``P_1 ⊗ … ⊗ P_k`` becomes ``mean_w P_w``.

    Args:
        base: the circuit as it is
        judged: not needed
    """
    measurement = base.ansatz.measurements[0]
    if measurement.observable is None or measurement.kind == "var":
        return
    local = localized(measurement.observable)
    if local is None:
        return
    observable, change = local
    measured = Measurement("expval", change, observable)
    yield base.changed("observable", f"measure {change}", "", replace(base.ansatz, measurements=(measured,)))


def localized(observable: PauliSum | ProjectorProduct) -> tuple[PauliSum, str] | None:
    """The local observable and its name; ``None`` where nothing is global."""
    n = observable.num_wires
    if isinstance(observable, ProjectorProduct):
        k = len(observable.wires)
        if k < MIN_WEIGHT:
            return None
        strings = PauliStrings.from_local([(w,) for w in observable.wires], ["Z"] * k, n)
        signs = np.array(observable.signs, float)
        change = f"the mean of the {k} single-qubit projectors instead of their product"
        return PauliSum(strings, signs / (2 * k), 0.5), change
    weights = observable.strings.weights()
    if not (weights >= MIN_WEIGHT).any():
        return None
    wires, letters, coefficients = [], [], []
    for word, weight, c in zip(observable.strings.labels(), weights, observable.coefficients, strict=True):
        support = [(q, letter) for q, letter in enumerate(word) if letter != "I"]
        if weight < MIN_WEIGHT:
            wires.append(tuple(q for q, _ in support))
            letters.append("".join(letter for _, letter in support))
            coefficients.append(c)
            continue
        for q, letter in support:
            wires.append((q,))
            letters.append(letter)
            coefficients.append(c / weight)
    total = PauliSum.collect(PauliStrings.from_local(wires, letters, n), np.array(coefficients, float))
    if not len(total):
        return None
    count = int((weights >= MIN_WEIGHT).sum())
    what = f"the string on {int(weights.max())} qubits" if count == 1 else f"each of {count} strings on many qubits"
    change = f"the mean of the single-qubit factors instead of {what}"
    return replace(total, constant=total.constant + observable.constant), change
