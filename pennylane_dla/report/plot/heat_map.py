"""The circuit of many qubits: gradient variance over qubit and moment instead of gate symbols."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pennylane_dla.circuit.ansatz import Ansatz, Rotation
from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.shorten import shorten

from .canvas import DEAD_GREY, SEQUENTIAL, UNSEEN_GREY, ElementValues, ink, log_norm, measurement_of

MAX_COLUMNS = 400  # more moments than this are drawn in bins
LIVE, DEAD, UNSEEN = 0, 1, 2


def moments(ansatz: Ansatz) -> tuple[Int[np.ndarray, " gates"], int]:
    """As early as possible: the moment of every trainable rotation (-1 for the others), and how many there are.

    A fixed gate takes no time of its own, it only makes its wires wait for each other.
    """
    free = np.zeros(ansatz.num_wires, int)
    result = np.full(len(ansatz.gates), -1)
    for k, gate in enumerate(ansatz.gates):
        wires = list(gate.wires)
        start = free[wires].max()
        if isinstance(gate, Rotation) and not gate.angle.fixed:
            result[k] = start
            start += 1
        free[wires] = start
    return result, int(free.max(initial=0))


def grid(
    ansatz: Ansatz, values: ElementValues
) -> tuple[Float[np.ndarray, "qubits moments"], Int[np.ndarray, "qubits moments"]]:
    """Largest gradient variance in each cell (``nan`` where nothing is trainable), and its kind: live, dead, not seen.

    Args:
        ansatz: the circuit
        values: of every element
    """
    when, depth = moments(ansatz)
    columns = min(max(depth, 1), MAX_COLUMNS)
    field = np.full((ansatz.num_wires, columns), np.nan)
    kind = np.full((ansatz.num_wires, columns), -1)
    for gate, moment in zip(ansatz.gates, when, strict=True):
        if moment < 0 or not isinstance(gate, Rotation):
            continue
        elements = list(gate.angle.elements)
        variance = np.max(values.value[elements])
        state = LIVE if variance > 0 else (UNSEEN if values.unseen[elements].any() else DEAD)
        column = moment * columns // max(depth, 1)
        for wire in gate.wires:
            if kind[wire, column] < 0 or kind[wire, column] > state or variance > field[wire, column]:
                kind[wire, column] = min(state, kind[wire, column] if kind[wire, column] >= 0 else state)
                field[wire, column] = np.nanmax([field[wire, column], variance])
    return field, kind


def heat_map(diagnostics: Diagnosis, ax, measurement: int = 0):
    """Draw into ``ax``; a cell is one qubit in one moment, dead ones dark grey, unseen ones light grey.

    Args:
        diagnostics: of the circuit
        ax: matplotlib axes
        measurement: which one
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    chosen = measurement_of(diagnostics, measurement)
    values = ElementValues.of(chosen.gradient.estimate, diagnostics.num_params)
    field, kind = grid(diagnostics.ansatz, values)
    foreground, _ = ink()
    depth = moments(diagnostics.ansatz)[1]
    rows, columns = field.shape
    extent = (-0.5, max(depth, 1) - 0.5, rows - 0.5, -0.5)
    shown = np.ma.masked_where(~(field > 0), field)
    image = ax.imshow(
        shown, norm=log_norm(field), cmap=SEQUENTIAL, aspect="auto", extent=extent, interpolation="nearest"
    )
    image.set_label("gradient variance")
    handles = []
    width = max(depth, 1) / columns
    for state, name, grey in (
        (DEAD, "dead: gradient exactly 0", DEAD_GREY),
        (UNSEEN, "gradient not seen in sampling", UNSEEN_GREY),
    ):
        cells = int((kind == state).sum())
        if cells:
            mask = np.ma.masked_where(kind != state, np.ones_like(field))
            ax.imshow(
                mask, cmap=ListedColormap([grey]), aspect="auto", extent=extent, interpolation="nearest"
            ).set_label(name)
            handles.append(Patch(facecolor=grey, edgecolor=foreground, label=f"{name} ({cells} cells)"))
    ax.set_xlabel("moment (depth counted in trainable gates)" + ("" if width == 1 else f", {width:.0f} in one column"))
    ax.set_ylabel("qubit")
    ax.set_ylim(rows - 0.5, -0.5)
    if handles:
        ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2,
            frameon=False,
            fontsize="small",
            borderaxespad=0.2,
        )
    colour_bar(image, ax, chosen.label)
    return ax


def colour_bar(mappable, ax, label: str):
    """Beside the circuit, with the definition of what it shows."""
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.04, pad=0.02, aspect=18)
    bar.set_label(f"gradient variance Var[∂ℓ/∂θ] in 1/rad²\nℓ = {shorten(label, 29)}", fontsize="small")
    return bar
