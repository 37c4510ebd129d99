"""Thirty circuits known to be barren, none of which may pass, and thirty known to be trainable, none called barren."""

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

DEVICE = qp.device("default.qubit")
PASSES = ("resolved", "balanced", "trainable")


def template(name, n, layers, measure, **options):
    shapes = {"basic": (layers, n), "strong": (layers, n, 3), "random": (layers, n), "two": (layers, n - 1, 2)}

    def circuit(w):
        if name == "basic":
            qp.BasicEntanglerLayers(w, wires=range(n), **options)
        elif name == "strong":
            qp.StronglyEntanglingLayers(w, wires=range(n))
        elif name == "random":
            qp.RandomLayers(w, wires=range(n), seed=3, ratio_imprim=0.3)
        else:
            qp.SimplifiedTwoDesign(np.zeros(n), w, wires=range(n))
        return measure()

    return qp.QNode(circuit, DEVICE), np.zeros(shapes[name])


def entanglers(n, layers, seed, measure):
    """Random rotations and random pairs of CZ."""
    rng = np.random.default_rng(seed)
    axes = rng.integers(3, size=(layers, n))
    pairs = [rng.permutation(n)[: 2 * (n // 2)].reshape(-1, 2).tolist() for _ in range(layers)]

    def circuit(w):
        for layer in range(layers):
            for i in range(n):
                (qp.RX, qp.RY, qp.RZ)[axes[layer, i]](w[layer, i], i)
            for a, b in pairs[layer]:
                qp.CZ((a, b))
        return measure()

    return qp.QNode(circuit, DEVICE), np.zeros((layers, n))


def z(i):
    return lambda: qp.expval(qp.Z(i))


def projector(n):
    return lambda: qp.expval(qp.Projector([0] * n, wires=range(n)))


def word(n, letter=qp.X):
    return lambda: qp.expval(qp.prod(*(letter(i) for i in range(n))))


def tower(n, measure):
    """One rotation on every wire: a product of cosines."""

    def circuit(w):
        for i in range(n):
            qp.RX(w[i], i)
        return measure()

    return qp.QNode(circuit, DEVICE), np.zeros(n)


BARREN = {
    **{f"basic RX, n={n}": template("basic", n, 10, z(0)) for n in (30, 40, 50, 60, 80, 100)},
    **{f"basic RY, n={n}": template("basic", n, 20, z(0), rotation=qp.RY) for n in (30, 50, 100)},
    **{f"basic RX, 40 layers, n={n}": template("basic", n, 40, z(n // 2)) for n in (40, 150)},
    **{f"strong, n={n}": template("strong", n, 20, z(0)) for n in (30, 40)},
    **{f"strong, projector, n={n}": template("strong", n, 2, projector(n)) for n in (30, 60)},
    "random layers": template("random", 32, 60, z(0)),
    **{f"two-design, n={n}": template("two", n, 40, z(n // 2)) for n in (40, 50)},
    **{f"entanglers, n={n}": entanglers(n, 20, n, z(0)) for n in (30, 36, 44, 60)},
    **{f"product of cosines, n={n}": tower(n, word(n, qp.Z)) for n in (30, 100, 200)},
    **{f"projector of a product, n={n}": tower(n, projector(n)) for n in (30, 100, 200)},
    **{f"global word, n={n}": entanglers(n, 3, n, word(n)) for n in (40, 80)},
}


def bricks(n, layers, measure, rotation=qp.RY):
    def circuit(w):
        for layer in range(layers):
            for i in range(n):
                rotation(w[layer, i], i)
            for i in range(layer % 2, n - 1, 2):
                qp.CZ((i, i + 1))
        return measure()

    return qp.QNode(circuit, DEVICE), np.zeros((layers, n)), {}


def matchgates(n, layers, measure):
    def circuit(w):
        for layer in range(layers):
            for i in range(n - 1):
                qp.IsingXX(w[layer, i], (i, i + 1))
            for i in range(n):
                qp.RZ(w[layer, n - 1 + i], i)
        return measure()

    return qp.QNode(circuit, DEVICE), np.zeros((layers, 2 * n - 1)), {}


def qaoa(n, layers):
    """A ring from the symmetric state: its algebra is small."""

    def circuit(w):
        for i in range(n):
            qp.Hadamard(i)
        for layer in range(layers):
            for i in range(n):
                qp.IsingZZ(w[0, layer], (i, (i + 1) % n))
            for i in range(n):
                qp.RX(w[1, layer], i)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    return qp.QNode(circuit, DEVICE), np.zeros((2, layers)), {}


def particles(n):
    """Excitations that keep the number of particles."""

    def circuit(w):
        qp.BasisState([1] + [0] * (n - 1), wires=range(n))
        for i in range(n - 1):
            qp.SingleExcitation(w[i], (i, i + 1))
        return qp.expval(qp.Z(0))

    return qp.QNode(circuit, DEVICE), np.zeros(n - 1), {}


def small(case, width):
    return *case[:2], {"angles": dla.Normal(width)}


def warm(n):
    """A product state close to where ``Y`` has its steepest slope."""

    def circuit(w):
        for i in range(n):
            qp.RX(w[i], i)
        return qp.expval(qp.Y(0))

    return qp.QNode(circuit, DEVICE), np.zeros(n), {"angles": dla.Normal(0.01)}


TRAINABLE = {
    **{f"bricks, n={n}": bricks(n, 3, z(n // 2)) for n in (4, 8, 12, 30, 100, 200)},
    **{f"bricks RX, n={n}": bricks(n, 4, z(n // 2), qp.RX) for n in (8, 50)},
    **{f"bricks, pair, n={n}": bricks(n, 2, lambda: qp.expval(qp.Z(1) @ qp.Z(2))) for n in (6, 60)},
    **{f"matchgates, n={n}": matchgates(n, 3, z(n // 2)) for n in (6, 12, 30, 60)},
    **{f"deep matchgates, n={n}": matchgates(n, 2 * n, z(n // 2)) for n in (4, 6, 10)},
    **{f"QAOA ring, n={n}": qaoa(n, 2) for n in (4, 8, 12)},
    **{f"particles, n={n}": particles(n) for n in (4, 6, 8)},
    **{f"small angles, n={n}": small(bricks(n, 3, z(n // 2), qp.RX), 0.3) for n in (8, 30)},
    **{f"small angles, deep, n={n}": small(template("strong", n, 8, z(0)), 0.05) for n in (6, 8)},
    **{f"warm start, n={n}": warm(n) for n in (1, 10, 100)},
}


def test_there_are_thirty_of_each():
    assert len(BARREN) == 30 and len(TRAINABLE) == 30


def check_barren(name):
    circuit, weights = BARREN[name]
    diag = dla.inspect(circuit, progress=False, samples=20_000)(weights)
    assert diag.verdict.label in ("exponentially small", "unknown", "needs more shots", "no gradient"), diag.verdict
    assert not diag.verdict.resolved and not any(word in diag.verdict.headline for word in PASSES)
    return diag


@pytest.mark.slow
@pytest.mark.parametrize("name", BARREN)
def test_barren_circuits_do_not_pass(name):
    check_barren(name)


@pytest.mark.parametrize("name", ["basic RX, n=50", "product of cosines, n=100", "projector of a product, n=30"])
def test_some_barren_circuits_do_not_pass_anywhere(name):
    """Nor in ``check``, ``compare``, ``scaling`` or the title of a plot."""
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    diag = check_barren(name)
    circuit, weights = BARREN[name]
    options = {"progress": False, "samples": 20_000}
    with pytest.raises(dla.TrainabilityError):
        dla.check(circuit, **options)(weights)
    assert dla.compare({name: circuit}, **options)(weights).region(name) not in (*PASSES, "underfitting")
    figure = diag.plot()
    assert not any(word in figure.get_suptitle() for word in PASSES)
    plt.close("all")


@pytest.mark.slow
def test_scaling_of_barren_circuits_never_shows_few_shots():
    found = dla.scaling(lambda n: template("basic", n, 10, z(0)), [30, 50, 70, 100], progress=False, samples=20_000)
    assert found.plateau != "no plateau"
    for case in found.cases:
        assert case.summary.label in ("exponentially small", "unknown") or case.summary.shots_needed > 1e6
        assert case.summary.shots_is_bound or case.summary.shots_needed > 1e6


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINABLE)
def test_trainable_circuits_are_not_called_barren(name):
    circuit, weights, options = TRAINABLE[name]
    verdict = dla.inspect(circuit, progress=False, **options)(weights).verdict
    assert verdict.label in ("resolved", "needs more shots", "unknown")
    assert dla.check(circuit, progress=False, **options)(weights) if verdict.resolved else True


@pytest.mark.parametrize("name", ["bricks, n=30", "warm start, n=100", "small angles, n=8"])
def test_some_trainable_circuits_are_resolved(name):
    circuit, weights, options = TRAINABLE[name]
    assert dla.check(circuit, progress=False, **options)(weights).verdict.resolved
