"""A changed circuit, and the figures by which it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_dla.circuit.ansatz import Ansatz, Measurement, Rotation
from pennylane_dla.diagnosis.inspection import Options
from pennylane_dla.diagnosis.signal import measured_signal, second_moment
from pennylane_dla.diagnosis.summary import median_live
from pennylane_dla.diagnosis.verdict import DEFAULT_SHOTS, decide
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.choose import predict
from pennylane_dla.variance.law import AngleLaw
from pennylane_dla.variance.problem import Problem

from .remedy import Figures

DRAWING = 0.2  # seconds that simulated initializations of one candidate may take


@dataclass(frozen=True, eq=False)
class Variant:
    """A circuit with one measurement, and how to diagnose it.

    Args:
        ansatz: the changed circuit
        options: law of the angles, engine, budget
        kind: of the remedy
        change: what was done
        price: what it costs in expressivity, beyond the dimension
    """

    ansatz: Ansatz
    options: Options
    kind: str = ""
    change: str = ""
    price: str = ""

    def changed(self, kind: str, change: str, price: str = "", ansatz: Ansatz | None = None, **options) -> Variant:
        """A variant of this one."""
        return Variant(ansatz or self.ansatz, replace(self.options, **options), kind, change, price)


def judge(variant: Variant, engines: Sequence[str]) -> Figures | None:
    """Predict the gradient of a variant, without algebra and deep limit; ``None`` where none of the engines applies."""
    ansatz, options = variant.ansatz, variant.options
    measurement = ansatz.measurements[0]
    if measurement.observable is None:
        return None
    law = AngleLaw.resolve(options.angles, ansatz.arguments)
    problem = Problem(ansatz, measurement.observable, law, options.budget, measurement.kind)
    for method in engines if options.method is None else (options.method,):
        prediction = predict(problem, method)
        if prediction.gradient.available:
            break
    else:
        return None
    shots = options.shots or DEFAULT_SHOTS
    signal = measured_signal([problem], prediction, shots, DRAWING)
    needed, bound, resolved = None, False, None
    if signal is not None and signal.entry is not None:
        label, needed, bound, _ = decide(signal, shots)
        resolved = label == "resolved"
    middle = median_live(second_moment(prediction), ansatz.arguments.num_elements)
    driven = {j for gate in ansatz.gates if isinstance(gate, Rotation) for j in gate.angle.elements}
    value, error = middle.value, middle.stderr or 0.0
    if value is None:
        if middle.at_most is None:
            return None  # nothing was seen and there is no bound: nothing is known
        value, error = middle.at_most, 0.0
    relative = value / loss_range(measurement) ** 2
    unseen = middle.value is None
    return Figures(value, relative, error / value if value else 0.0, needed, len(driven), unseen, bound, resolved)


def loss_range(measurement: Measurement) -> float:
    """How far apart two values of the loss can be, at most: the unit in which losses of any scale compare."""
    if not isinstance(measurement.observable, PauliSum):
        return 1.0
    return float(2 * np.abs(measurement.observable.coefficients).sum()) or 1.0
