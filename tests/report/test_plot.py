"""The pictures: their artists, labels and data; never their pixels."""

import builtins

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.circuit.ansatz import Rotation
from pennylane_dla.circuit.effective import effective_ansatz
from pennylane_dla.report.plot.canvas import ElementValues, contrasting, log_norm
from pennylane_dla.report.plot.drawing import drawing_plan
from pennylane_dla.report.plot.graph import generator_graph
from pennylane_dla.report.plot.heat_map import grid, moments
from pennylane_dla.report.plot.parts import amount, logarithm

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

DEVICE = qp.device("default.qubit")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def strongly_entangling(n, layers):
    @qp.qnode(DEVICE)
    def circuit(weights):
        qp.StronglyEntanglingLayers(weights, wires=range(n))
        return qp.expval(qp.Z(0))

    return dla.inspect(circuit, progress=False)(np.zeros((layers, n, 3)))


def ising(n, layers):
    @qp.qnode(DEVICE)
    def circuit(coupling, field):
        qp.Hadamard(0)
        for layer in range(layers):
            for i in range(n - 1):
                qp.IsingZZ(coupling[layer, i], (i, i + 1))
            for i in range(n):
                qp.RX(field[layer, i], i)
        return qp.expval(qp.Z(n // 2 - 1) @ qp.Z(n // 2))

    shapes = (layers, n - 1), (layers, n)
    return dla.inspect(circuit, argnums=(0, 1), progress=False)(*(np.zeros(shape) for shape in shapes))


@pytest.fixture(scope="module")
def small():
    return strongly_entangling(4, 2)


@pytest.fixture(scope="module")
def large():
    return ising(100, 2)


def gates_drawn(ax):
    """Kind and elements of every coloured or hatched box."""
    found = [patch.get_gid().split(":") for patch in ax.patches if patch.get_gid()]
    return {tuple(int(k) for k in elements.split(",")): kind for kind, elements in found}


def test_every_trainable_gate_is_marked_with_its_elements(small):
    ax = dla.plot.circuit(small)
    drawn = gates_drawn(ax)
    assert set(drawn) == {(k,) for k in range(24)}
    variance = np.ravel(small.gradient.variance)
    for (k,), kind in drawn.items():
        assert kind == ("live" if variance[k] > 0 else "dead")


def test_colour_is_the_gradient_variance(small):
    ax = dla.plot.circuit(small)
    variance = np.ravel(small.gradient.variance)
    norm, colours = log_norm(variance), plt.get_cmap("viridis")
    checked = 0
    for patch in ax.patches:
        if (patch.get_gid() or "").startswith("live"):
            k = int(patch.get_gid().split(":")[1])
            np.testing.assert_allclose(patch.get_facecolor(), colours(norm(variance[k])))
            checked += 1
        elif (patch.get_gid() or "").startswith("dead"):
            assert patch.get_hatch()
    assert checked == (variance > 0).sum()


def test_gates_are_drawn_where_pennylane_draws_them(small):
    """The boxes of ``qp.draw_mpl`` for the same gates, in the same places."""
    ax = dla.plot.circuit(small)
    tape, layers, elements = drawing_plan(small)
    _, expected = qp.drawer.tape_mpl(tape)
    ours, theirs = ([(t.get_text(), t.get_position()) for t in a.texts] for a in (ax, expected))
    assert ours == theirs
    assert sum(len(driven) for driven in elements) == 24


def test_arguments_keep_their_gates_through_templates_and_pipelines():
    @qp.transforms.merge_rotations
    @qp.qnode(DEVICE)
    def circuit(x, weights):
        qp.AngleEmbedding(x, wires=range(3))
        qp.BasicEntanglerLayers(weights, wires=range(3), rotation=qp.RY)
        qp.RX(0.2, 0)
        qp.RX(weights[0, 1], 0)
        return qp.expval(qp.Z(0))

    diag = dla.inspect(circuit, argnums=1)(np.array([0.1, 0.2, 0.3]), np.ones((2, 3)))
    tape, _, elements = drawing_plan(diag)
    driven = [(op.name, op.wires[0], k) for op, k in zip(tape.operations, elements, strict=True) if k]
    assert driven == [
        ("RY", 0, (0,)), ("RY", 1, (1,)), ("RY", 2, (2,)),
        ("RY", 0, (3,)), ("RY", 1, (4,)), ("RY", 2, (5,)), ("RX", 0, (1,)),
    ]  # fmt: skip


def test_tape_is_drawn():
    tape = qp.tape.QuantumScript([qp.RX(0.3, "a"), qp.CNOT(["a", "b"]), qp.RY(0.1, "b")], [qp.expval(qp.Z("b"))])
    assert set(gates_drawn(dla.plot.circuit(dla.inspect(tape)()))) == {(0,), (1,)}


def test_large_circuits_become_a_heat_map(large):
    ax = dla.plot.circuit(large)
    labelled = {image.get_label(): image for image in ax.images}
    values = ElementValues.of(large.gradient.estimate, large.num_params)
    field, kind = grid(large.ansatz, values)
    shown = labelled["gradient variance"].get_array()
    np.testing.assert_array_equal(shown.mask, ~(field > 0))
    assert "dead: gradient exactly 0" in labelled
    assert "qubit" in ax.get_ylabel() and "moment" in ax.get_xlabel()


def test_cells_of_the_heat_map_are_the_gates(large):
    values = ElementValues.of(large.gradient.estimate, large.num_params)
    field, _ = grid(large.ansatz, values)
    when, depth = moments(large.ansatz)
    assert field.shape == (100, depth)
    for gate, moment in zip(large.ansatz.gates, when, strict=True):
        if isinstance(gate, Rotation) and not gate.angle.fixed:
            for wire in gate.wires:
                assert field[wire, moment] == values.value[gate.angle.elements[0]]


def test_gradient_panel_shows_the_numbers(small):
    ax = dla.plot.gradients(small)
    lines = {line.get_label(): line for line in ax.lines}
    variance = np.ravel(small.gradient.variance)
    points = lines["gradient component"]
    np.testing.assert_array_equal(points.get_xdata(), np.flatnonzero(variance > 0))
    np.testing.assert_allclose(points.get_ydata(), variance[variance > 0])
    dead = next(line for label, line in lines.items() if label.startswith("dead"))
    np.testing.assert_array_equal(dead.get_xdata(), np.flatnonzero(variance == 0))
    loss = next(line for label, line in lines.items() if label.startswith("loss variance"))
    assert loss.get_ydata()[0] == pytest.approx(float(small.loss.variance.value))
    assert ax.get_yscale() == "log" and "1/rad²" in ax.get_ylabel() and "weights (2, 4, 3)" in ax.get_xlabel()


def test_floor_is_the_variance_of_a_parameter_shift_estimate(small):
    """``Var = (σ²/N + σ²/N)/4`` for the difference of two losses, ``σ² = 1 − E[ℓ²]`` for one string."""
    floor = next(line for line in dla.plot.gradients(small).lines if line.get_label().startswith("shot-noise"))
    single_shot = 1 - float(small.loss.variance.value) - small.loss.mean**2
    assert floor.get_ydata()[0] == pytest.approx(2 * single_shot / small.shots / 4)


def test_graph_of_the_generators():
    diag = ising(4, 1)
    graph = generator_graph(effective_ansatz(diag.ansatz))
    words = [g.strings.labels()[0] for g in graph.generators]
    for i, a in enumerate(words):
        for j, b in enumerate(words):
            odd = sum(p != q and "I" not in (p, q) for p, q in zip(a, b, strict=True)) % 2
            assert graph.edges[i, j] == bool(odd)
    ax = dla.plot.algebra(diag)
    assert sum(len(c.get_offsets()) for c in ax.collections if c.get_label().startswith(("7", "1 "))) == len(words)
    assert "so(8)" in ax.get_title()


def test_sums_are_joined_where_their_commutator_does_not_vanish():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.IsingXY(w[0], (0, 1))  # XX + YY
        qp.PauliRot(w[1], "ZZ", (0, 1))  # anticommutes with neither
        qp.RZ(w[2], 0)  # anticommutes with both
        return qp.expval(qp.Z(0))

    graph = generator_graph(effective_ansatz(dla.inspect(circuit)(np.zeros(3)).ansatz))
    assert graph.edges.astype(int).tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert graph.num_components == 2


def test_overview_has_all_panels_and_fits(small, large):
    for diag in (small, large):
        figure = diag.plot()
        assert len(figure.axes) == 4  # circuit, colour bar, gradients, parts
        renderer = figure.canvas.get_renderer()
        figure.draw(renderer)
        width, height = figure.bbox.width, figure.bbox.height
        for ax in figure.axes:
            box = ax.get_tightbbox(renderer)
            assert box.x0 > -2 and box.y0 > -2 and box.x1 < width + 2 and box.y1 < height + 2


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_contrasts_with_its_box(small, style):
    from matplotlib.colors import to_rgb

    with plt.style.context(style):
        ax = dla.plot.circuit(small)
        ground = plt.rcParams["axes.facecolor"]
    boxes = {round(p.get_x() + p.get_width() / 2): p for p in ax.patches if (p.get_gid() or "").startswith("live")}
    assert boxes
    for text in ax.texts:
        for patch in ax.patches:
            gid = patch.get_gid() or ""
            centre = (
                (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2) if gid else (None, None)
            )
            if gid and np.allclose(centre, text.get_position()):
                behind = patch.get_facecolor() if gid.startswith("live") else ground
                assert contrast(to_rgb(text.get_color()), to_rgb(behind)) >= 4.5  # WCAG AA


def contrast(a, b):
    """WCAG 2.1 contrast ratio."""

    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_black_or_white_always_reads():
    for grey in np.linspace(0, 1, 21):
        assert contrast((grey,) * 3, (0.0,) * 3 if contrasting((grey,) * 3) == "black" else (1.0,) * 3) >= 4.5


def test_numbers_beyond_floats():
    from fractions import Fraction

    assert logarithm(Fraction(1, 4**1000)) == pytest.approx(-602.06, abs=0.01)
    assert logarithm(0) is None
    assert amount(Fraction(1, 4**1000)) == "$10^{-602}$"


def test_without_gradient_the_panel_says_why():
    @qp.qnode(DEVICE)
    def circuit(w):
        qp.RX(w, 0)
        return qp.purity(0)

    ax = dla.plot.gradients(dla.inspect(circuit)(0.1))
    assert any("not available" in text.get_text() for text in ax.texts)


def test_wrong_measurement_is_an_error(small):
    with pytest.raises(dla.DLAError, match="measurement=3"):
        dla.plot.gradients(small, measurement=3)


def test_traced_calls_are_drawn_as_a_heat_map():
    import jax

    @dla.diagnose
    @qp.qnode(DEVICE, interface="jax")
    def circuit(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0))

    jax.jit(circuit)(jax.numpy.zeros((2, 3)))
    assert circuit.dla.source.args is None
    assert dla.plot.circuit(circuit.dla).get_ylabel() == "qubit"


def test_without_matplotlib_one_error_names_the_extra(small, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for draw in (small.plot, *(lambda f=f: f(small) for f in (dla.plot.circuit, dla.plot.gradients, dla.plot.algebra))):
        with pytest.raises(dla.DLAError, match=r'pip install "pennylane-dla\[plot\]"'):
            draw()
    assert "gradient" in str(small) and small._repr_html_() and small.to_json()
