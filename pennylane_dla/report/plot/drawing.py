"""The circuit as PennyLane draws it, every trainable gate coloured by the variance of its gradient."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pennylane as qp
from pennylane.drawer.drawable_layers import drawable_layers
from pennylane.tape import QuantumScript

from pennylane_dla.circuit.ansatz import Rotation
from pennylane_dla.circuit.decomposition import leaves_of
from pennylane_dla.circuit.extract import extract
from pennylane_dla.diagnosis.records import Diagnosis

from .canvas import SEQUENTIAL, ElementValues, contrasting, ink, log_norm, measurement_of, new_axes, pyplot
from .heat_map import colour_bar, heat_map
from .rewriting import rewritten

MAX_WIRES, MAX_LAYERS = 16, 40  # what still is a drawing; above, a heat map


def circuit(diagnostics: Diagnosis, ax=None, measurement: int = 0):
    r"""Draw the circuit, every trainable gate coloured by :math:`\mathrm{Var}[\partial\ell/\partial\theta]`.

    Dead gates (variance exactly 0) are hatched and carry no colour, gates whose gradient sampling never saw are dotted.
    Templates are drawn gate by gate. A circuit that is too large for a drawing becomes a heat map over qubit and
    moment.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`
        ax: matplotlib axes to draw into; a new figure by default
        measurement: index of the measurement whose gradient is shown

    Returns:
        matplotlib.axes.Axes: the axes

    Raises:
        DLAError: without matplotlib, or for a measurement that does not exist

    **Example**

    >>> import numpy as np, pennylane_dla as dla
    >>> @qp.qnode(qp.device("default.qubit"))
    ... def layers(weights):
    ...     qp.BasicEntanglerLayers(weights, wires=range(4))
    ...     return qp.expval(qp.Z(0))
    >>> ax = circuit(dla.inspect(layers)(np.zeros((2, 4))))  # doctest: +SKIP
    """
    pyplot()
    return drawn(diagnostics, drawing_plan(diagnostics), ax, measurement)


def drawn(diagnostics: Diagnosis, plan, ax, measurement: int):
    """:func:`circuit` with its :func:`drawing_plan` at hand."""
    plt = pyplot()
    chosen = measurement_of(diagnostics, measurement)
    if plan is None:
        return heat_map(diagnostics, new_axes(ax, (10, 5)), measurement)
    tape, layers, elements = plan
    num_layers = 1 + max(layers, default=0)
    if ax is None:
        _, ax = plt.subplots(figsize=(min(14, 3.5 + 0.55 * num_layers), 1 + 0.55 * len(tape.wires)))
    values = ElementValues.of(chosen.gradient.estimate, diagnostics.num_params)
    norm = log_norm(values.value)
    colour_bar(plt.cm.ScalarMappable(norm, SEQUENTIAL), ax, chosen.label)
    draw(tape, ax)
    paint(ax, tape, layers, elements, values, norm)
    return ax


def drawing_plan(diagnostics: Diagnosis):
    """The tape gate by gate with integer wires, the column of each operation, the elements that drive it.

    ``None`` where the circuit is too large for a drawing, or the call was not kept.
    """
    source = diagnostics.source
    if source is None or source.args is None or diagnostics.num_wires > MAX_WIRES:
        return None
    if len(diagnostics.ansatz.gates) > 12 * MAX_WIRES * MAX_LAYERS:
        return None
    drawn: list[QuantumScript] = []

    def edit(tape):
        drawn.append(gate_by_gate(tape))
        return drawn[-1]

    qnode, args, kwargs = rewritten(source, edit)
    ansatz = extract(qnode, args, kwargs, source.options.argnums, "top")[0]
    place = {wire: q for q, wire in enumerate(ansatz.wires)}
    tape = qp.map_wires(drawn[-1], place)[0][0]
    columns = drawable_layers(tape.operations, wire_map={q: q for q in place.values()})
    where = {id(op): column for column, ops in enumerate(columns) for op in ops}
    if len(columns) > MAX_LAYERS:
        return None
    elements: list[tuple[int, ...]] = [()] * len(tape.operations)
    for gate in ansatz.gates:
        if isinstance(gate, Rotation) and gate.source >= 0:
            elements[gate.source] = tuple(sorted({*elements[gate.source], *gate.angle.elements}))
    return tape, [where[id(op)] for op in tape.operations], elements


def gate_by_gate(tape: QuantumScript) -> QuantumScript:
    """Templates taken apart into gates, Rot into its three rotations; the first circuit of a broadcast batch."""
    if tape.batch_size is not None:
        tape = qp.transforms.broadcast_expand(tape)[0][0]
    operations = []
    with qp.QueuingManager.stop_recording():
        for leaf in leaves_of(tape.operations):
            op = leaf.operation
            operations += op.decomposition() if isinstance(op, qp.Rot) else [op]
    return QuantumScript(operations, tape.measurements)


def draw(tape: QuantumScript, ax) -> None:
    """``qp.drawer.tape_mpl`` into axes that exist already.

    The drawer asks its figure for new axes and for a renderer: it gets a stand-in that hands out ``ax``.
    """
    plt = pyplot()
    foreground, background = ink()

    def add_axes(_rectangle, xlim, ylim, xticks, yticks):
        ax.set(xlim=xlim, ylim=ylim, xticks=xticks, yticks=yticks)
        ax.set_aspect("equal", anchor="W")
        ax.apply_aspect()  # the drawer fits the text to the boxes in the size they have now
        return ax

    def renderer():
        canvas = ax.figure.canvas
        return canvas.get_renderer() if hasattr(canvas, "get_renderer") else ax.figure._get_renderer()

    figure = SimpleNamespace(
        clear=lambda: None,
        set_figwidth=lambda width: None,
        set_figheight=lambda height: None,
        add_axes=add_axes,
        canvas=SimpleNamespace(get_renderer=renderer),
    )
    style = {
        "patch.facecolor": background,
        "patch.edgecolor": foreground,
        "patch.force_edgecolor": True,
        "lines.color": foreground,
        "figure.facecolor": background,
        "patch.linewidth": 1.0,
        "lines.linewidth": 1.0,
    }
    with plt.rc_context(style):
        qp.drawer.tape_mpl(tape, wire_order=range(len(tape.wires)), style="rcParams", fig=figure, fontsize=11)


def paint(ax, tape: QuantumScript, layers, elements, values: ElementValues, norm) -> None:
    """Colour the boxes of the trainable gates; hatch the dead ones."""
    from matplotlib.patches import FancyBboxPatch, Patch

    colour_map = pyplot().get_cmap(SEQUENTIAL)
    foreground, background = ink()
    boxes = {}
    for patch in ax.patches:
        if isinstance(patch, FancyBboxPatch) and patch.get_width() > 0.2:
            centre = patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2
            boxes[round(2 * centre[0]), round(2 * centre[1])] = patch
    texts = {}
    for text in ax.texts:
        x, y = text.get_position()
        texts[round(2 * x), round(2 * y)] = text
    found = set()
    for op, layer, driven in zip(tape.operations, layers, elements, strict=True):
        if not driven:
            continue
        wires = [w for w in op.wires if w not in op.control_wires]
        centre = 2 * layer, min(wires) + max(wires)
        if centre not in boxes:
            continue
        box, text = boxes[centre], texts.get(centre)
        which = list(driven)
        variance = np.max(values.value[which])
        if variance > 0:
            colour, kind = colour_map(norm(variance)), "live"
            box.set_facecolor(colour)
            if text is not None:
                text.set_color(contrasting(colour))
        elif values.dead[which].all() or values.unseen[which].any():
            kind = "dead" if values.dead[which].all() else "unseen"
            box.set(facecolor=background, hatch="////" if kind == "dead" else "...", linestyle="--")
            if text is not None:
                text.set_bbox({"facecolor": background, "edgecolor": "none", "pad": 0.6})
        else:
            continue
        box.set_gid(f"{kind}:{','.join(map(str, which))}")  # what a reader of an SVG, and a test, can find
        found.add(kind)
    handles = [
        Patch(facecolor=background, edgecolor=foreground, hatch=hatch, linestyle="--", label=name)
        for kind, hatch, name in (
            ("dead", "////", "dead: gradient exactly 0"),
            ("unseen", "...", "gradient not seen in sampling"),
        )
        if kind in found
    ]
    if handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0.02), ncols=2, frameon=False, fontsize="small")
