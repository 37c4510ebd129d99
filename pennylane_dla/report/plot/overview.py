"""One figure that tells the story of a diagnosis."""

from __future__ import annotations

from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.shorten import shorten

from .canvas import measurement_of, pyplot
from .drawing import drawing_plan, drawn
from .gradient_panel import gradients
from .parts import parts


def overview(diagnostics: Diagnosis, measurement: int = 0):
    """The circuit with its gradient variances, these against shot noise and the deep limit, the parts of the algebra.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`
        measurement: index of the measurement that is shown

    Returns:
        matplotlib.figure.Figure: the figure

    Raises:
        DLAError: without matplotlib, or for a measurement that does not exist
    """
    plt = pyplot()
    chosen = measurement_of(diagnostics, measurement)
    plan = drawing_plan(diagnostics)
    width = 13.0
    span = width - 2.3  # of the circuit, with its colour bar
    if plan is None:
        top = 3.6
    else:
        tape, layers, _ = plan
        columns, rows = max(layers, default=0) + 4, len(tape.wires) + 1
        top = min(max(0.94 * span / columns * rows, 1.2), 5.5)
        span = max(min(span, top * columns / rows / 0.94), 4.0)
    # the title; below the circuit its legend or axis, and the legends of the lower panels; axis labels
    bottom, gaps = 3.3, (0.85, 1.3 if plan else 1.6, 0.8)
    height = top + bottom + sum(gaps)
    figure = plt.figure(figsize=(width, height))

    def rectangle(left, right, low, size):
        return [left / width, low / height, (right - left) / width, size / height]

    above = figure.add_axes(rectangle(0.8, 0.8 + span, gaps[2] + bottom + gaps[1], top))
    left = figure.add_axes(rectangle(1.15, 6.9, gaps[2], bottom))
    right = figure.add_axes(rectangle(8.3, width - 0.4, gaps[2], bottom))
    drawn(diagnostics, plan, above, measurement)
    gradients(diagnostics, left, measurement)
    parts(diagnostics, right, measurement)
    shown = f", measurement {measurement}" if len(diagnostics.measurements) > 1 else ""
    figure.suptitle(
        f"{diagnostics.name}: {diagnostics.verdict.headline}{shown}",
        x=0.02,
        y=1 - 0.12 / height,
        ha="left",
        va="top",
        weight="bold",
    )
    figure.text(
        0.02,
        1 - 0.4 / height,
        f"{diagnostics.num_wires} qubits, {diagnostics.num_params} parameters, ℓ = {shorten(chosen.label, 49)}, "
        f"$\\mathfrak{{g}}$ = {diagnostics.algebra.name or f'dim {diagnostics.algebra.dim}'}",
        va="top",
        fontsize="medium",
    )
    return figure
