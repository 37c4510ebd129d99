"""The block next to the state against the enumeration of its span; paths that end in it against the exact engine."""

import itertools

import numpy as np
import pennylane as qp
import pytest

from pennylane_dla.circuit.ansatz import ProductState
from pennylane_dla.circuit.extract import extract
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.exact import engine as exact
from pennylane_dla.variance.paths import engine as paths
from pennylane_dla.variance.paths.state_block import state_block
from tests.variance.commuting_circuits import commuting_words, ring, state, times
from tests.variance.paths.circuits import circuit, problem, rotation, within


def block_of(ansatz):
    task = problem(ansatz, PauliSum.from_dict({"Z" * ansatz.num_wires: 1.0}))
    return state_block(task.effective, range(len(ansatz.gates)), tuple(range(ansatz.num_wires)))


def rows_of(words):
    """Bit rows of strings, one path each, padded to full words."""
    bits = np.zeros((2, len(words[0]), 64 * (-(-len(words) // 64))), np.uint8)
    for path, word in enumerate(words):
        for w, letter in enumerate(word):
            bits[:, w, path] = letter in "XY", letter in "ZY"
    return np.packbits(bits, axis=2, bitorder="little").view("<u4")


@pytest.mark.parametrize("kind", ["eigenstates", "mixed"])
@pytest.mark.parametrize("seed", range(6))
def test_end_weights_against_the_span(seed, kind):
    """All strings on three wires, each through every subset of the generators that it meets."""
    rng = np.random.default_rng(seed)
    n, count = 3, 5
    words = commuting_words(rng, n, count)
    ansatz = circuit(
        [rotation(tuple(range(n)), word, k) for k, word in enumerate(words)], n, count, state(rng, n, kind)
    )
    block = block_of(ansatz)
    strings = ["".join(letters) for letters in itertools.product("IXYZ", repeat=n)]
    if block is None:  # nothing in it moves the state
        pytest.skip("all rotations leave the state alone")
    weights, active = block.end(rows_of(strings))
    inside = [words[k] for k in block.gates]
    bloch = ansatz.state.bloch
    for path, string in enumerate(strings):
        met = [sum(p != q and "I" not in (p, q) for p, q in zip(string, word, strict=True)) % 2 for word in inside]
        total = 0.0
        generators = [word for word, meets in zip(inside, met, strict=True) if meets]
        for chosen in itertools.product((0, 1), repeat=len(generators)):
            end = string
            for word, move in zip(generators, chosen, strict=True):
                end = times(end, word) if move else end
            total += np.prod([1.0 if p == "I" else bloch[w]["XYZ".index(p)] ** 2 for w, p in enumerate(end)])
        assert weights.reshape(-1)[path] == total / 2 ** len(generators)
        assert [(int(row[path // 32]) >> (path % 32)) & 1 for row in active[: len(inside)]] == met


def angles_of_their_own(n, layers, seed):
    """``ZZ`` on random edges, then ``X``, from ``|+⟩``, every gate with its own angle."""
    rng = np.random.default_rng(seed)
    edges = [(w, w + 1) for w in range(n - 1)]
    edges += [tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(n // 2)]
    gates, element = [], 0
    for _ in range(layers):
        for wires, word in [(edge, "ZZ") for edge in edges] + [((w,), "X") for w in range(n)]:
            gates.append(rotation(wires, word, element))
            element += 1
    plus = ProductState(np.tile([1.0, 0.0, 0.0], (n, 1)))
    return circuit(gates, n, element, plus), PauliSum.from_dict({"ZZ" + "I" * (n - 2): 1.0, "IZ" + "Z" * (n - 2): 0.5})


def nearly_commuting(n, layers):
    """``RX`` behind rings of CNOTs, then one layer of ``RY``, CZ and ``RX``: the block is all but the end."""

    @qp.qnode(qp.device("default.qubit"))
    def qnode(weights):
        for layer in range(layers):
            for w in range(n):
                qp.RX(weights[layer, w], w)
            for pair in ring(n, 1)[0]:
                qp.CNOT(pair)
        for w in range(n):
            qp.RY(weights[layers, w], w)
        for w in range(n - 1):
            qp.CZ((w, w + 1))
        for w in range(n):
            qp.RX(weights[layers + 1, w], w)
        return qp.expval(qp.Z(0) @ qp.Z(1))

    (ansatz,) = extract(qnode, (np.ones((layers + 2, n)),))
    return ansatz, ansatz.measurements[0].observable


@pytest.mark.parametrize(
    "case",
    [angles_of_their_own(5, 2, 0), angles_of_their_own(6, 2, 1), nearly_commuting(4, 2), nearly_commuting(6, 3)],
)
@pytest.mark.parametrize("split", [False, True])
def test_paths_against_the_exact_engine(case, split, monkeypatch):
    """With the block taken wherever it is offered, with and without splitting behind it."""
    monkeypatch.setattr(paths, "UNEVEN", 1.0)
    monkeypatch.setattr(paths, "GAIN", 0.0)
    if not split:
        monkeypatch.setattr(paths.StagedWalk, "prepare", classmethod(lambda *_: None))
    task = problem(*case, samples=80_000, rtol=1e-6)
    reference = exact.predict(task)
    prediction = paths.predict(task)
    assert prediction.statistics["averaged"] > 0
    assert within(prediction.loss, reference.loss.value)
    assert within(prediction.gradient, reference.gradient.value)
    seen = prediction.gradient.value > 0
    assert seen.sum() > 5 and not seen[reference.gradient.value == 0].any()


def test_a_tail_that_plain_paths_do_not_hit(monkeypatch):
    """30 wires: one percent with the block, nothing or a few hits without."""
    task = problem(*nearly_commuting(30, 5), rtol=0.05)
    prediction = paths.predict(task)
    assert prediction.statistics["averaged"] > 100
    assert prediction.loss.stderr < 0.05 * prediction.loss.value
    monkeypatch.setattr(paths, "state_block", lambda *_: None)
    plain = paths.predict(task)
    assert plain.loss.stderr > 0.2 * plain.loss.value
    assert plain.loss.interval[0] < prediction.loss.value < plain.loss.interval[1]


def test_other_states_have_no_block():
    bloch = np.array([[0.6, 0.0, 0.8], [0.0, 0.0, 1.0]])
    assert block_of(circuit([rotation((0, 1), "XX", 0)], 2, 1, ProductState(bloch))) is None


def test_rotations_that_leave_the_state_alone_are_no_part_of_it():
    gates = [rotation((0,), "Z", 0), rotation((0, 1), "XX", 1), rotation((1,), "Z", 2), rotation((0, 1), "YX", 3)]
    block = block_of(circuit(gates, 2, 4))
    assert block.idle == (0,) and block.gates == (1,)  # Z_1 comes behind XX, YX does not commute with it


def test_what_splitting_does_not_see_has_a_bound(monkeypatch):
    """No block, few hits: unseen components lie below the bound of the plain paths and below the loss."""
    monkeypatch.setattr(paths, "state_block", lambda *_: None)
    case = nearly_commuting(20, 6)
    prediction = paths.predict(problem(*case, samples=100_000))
    assert "batches" in prediction.statistics
    monkeypatch.undo()
    reference = paths.predict(problem(*case, samples=100_000, rtol=0.01))
    low, high = prediction.gradient.interval
    unseen = (prediction.gradient.value == 0) & (high > 0)
    assert unseen.any() and np.all(low[unseen] == 0)
    assert np.all(high[unseen] <= prediction.loss.interval[1]) and np.all(high[unseen] < 1e-3)
    assert np.all(reference.gradient.value[unseen] <= high[unseen])
    assert not prediction.gradient.exact
    assert prediction.loss.stderr <= prediction.loss.interval[1]


def test_a_bound_does_not_underflow():
    """A projector on 1 100 wires weighs ``2^-1100``: its components are bounded, not dead."""
    n = 1100
    gates = [rotation((w,), word, n * (word == "Y") + w) for word in "XY" for w in range(n)]
    prediction = paths.predict(problem(circuit(gates, n, 2 * n), ProjectorProduct(tuple(range(n)), (1,) * n, n)))
    assert prediction.loss.interval[1] > 0 and np.all(prediction.gradient.interval[1] > 0)
