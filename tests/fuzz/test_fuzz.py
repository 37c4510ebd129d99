"""The fuzz in the test suite: a short run, a longer one marked slow, and checks of the fuzz itself."""

from dataclasses import replace

import numpy as np
import pennylane as qp
import pytest

from tests.fuzz import compare, relations
from tests.fuzz.case import Argument, Case
from tests.fuzz.compare import references, run_case
from tests.fuzz.draw import draw
from tests.fuzz.reference.integrate import evaluate
from tests.fuzz.reference.leaves import NoReference, read
from tests.fuzz.reference.limit import limits
from tests.fuzz.relations import RELATIONS, draw_pair, run_pair
from tests.fuzz.run import run_seeds
from tests.fuzz.table import failed, render

SHORT, LONG = range(50), range(7_000_000, 7_000_400)


def without_failures(records):
    bad = failed(records)
    lines = [f"python -m tests.fuzz --only {r.seed}: {r.outcome}: {r.failures[:2]}" for r in bad]
    assert not bad, "\n".join([*lines, render(records, 0.0)])


def test_short_run():
    records = [run_case(draw(seed)) for seed in SHORT]
    without_failures(records)
    assert sum(r.outcome == "compared" for r in records) > 0.8 * len(records)
    assert sum(r.numbers for r in records) > 200


def test_changes_that_must_not_matter():
    records = [run_pair(seed) for seed in range(8)]
    without_failures(records)
    assert sum(r.outcome == "compared" for r in records) > 3
    assert {draw_pair(seed)[2] for seed in range(60)} == {relation.__name__ for relation in RELATIONS}


def test_a_change_that_matters_is_found(monkeypatch):
    def forgetful(large, rng):
        return replace(relations.doubled(large, rng), slopes=large.slopes)

    monkeypatch.setattr(relations, "RELATIONS", (forgetful,))
    assert "wrong" in {run_pair(seed).outcome for seed in (2, 5)}


@pytest.mark.slow
def test_longer_run():
    records = list(run_seeds(LONG, jobs=2))
    without_failures(records)
    seen, covered = (sum(r.intervals[i] for r in records) for i in (0, 1))
    assert 0.91 < covered / seen < 0.995


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_the_reference_simulates_what_the_device_does(start):
    """Losses of our own simulator at a random point against an execution of the QNode."""
    compared = 0
    for seed in range(100 + start, 110 + start):
        case = draw(seed)
        function, point = case.function(), np.random.default_rng(seed).uniform(0, 6, case.num_elements)
        try:
            circuits = read(lambda e, f=function, c=case: qp.tape.make_qscript(f)(*c.values(e)), case.num_elements)
        except NoReference:
            continue
        noisy = any(leaf.kraus() is not None for leaf in circuits[0].leaves)
        device = qp.device("default.mixed" if noisy else "default.qubit", wires=list(case.wires))
        results = qp.QNode(function, device)(*case.values(point))
        results = results if len(case.measurements) > 1 else (results,)
        mine = np.stack([np.concatenate(evaluate(circuit, point[None])) for circuit in circuits])
        theirs = np.concatenate([np.asarray(r).reshape(len(circuits), -1) for r in results], axis=1)
        np.testing.assert_allclose(mine, theirs, atol=1e-7)
        compared += 1
    assert compared > 5


def one_rotation(law=("uniform",), line="qp.RX(w[0], wires=0)", measured="qp.expval(qp.Z(0))"):
    options = {"progress": False}
    return Case(0, (Argument("w", (1,), True, 0, law),), (line,), (measured,), "numpy", options, (0,))


@pytest.mark.parametrize(
    "law, mean, variance, slope_mean, slope_variance",
    [
        (("uniform",), 0.0, 0.5, 0.0, 0.5),
        (("window", 0.0, np.pi), 0.0, 0.5, -2 / np.pi, 0.5 - 4 / np.pi**2),
        (("normal", 0.7, 0.0), np.exp(-0.245), 0.5 * (1 - np.exp(-0.49)) ** 2, 0.0, 0.5 * (1 - np.exp(-0.98))),
    ],
    ids=["uniform", "window", "normal"],
)
def test_reference_of_a_cosine(law, mean, variance, slope_mean, slope_variance):
    _, ((found,),) = references(one_rotation(law))
    assert found.exact
    assert found.mean == pytest.approx(mean, abs=1e-12)
    assert found.variance == pytest.approx(variance, abs=1e-12)
    assert found.gradient_mean[0] == pytest.approx(slope_mean, abs=1e-12)
    assert found.gradient_variance[0] == pytest.approx(slope_variance, abs=1e-12)


def test_incommensurate_frequencies_are_independent():
    """``cos(x) cos(√2 x)`` over a long window: second moment 1/4; its derivative 1/4·(1 + 2)."""
    case = one_rotation(
        line="qp.RX(w[0], wires=0); qp.RX(np.sqrt(2) * w[0], wires=1)", measured="qp.expval(qp.Z(0) @ qp.Z(1))"
    )
    _, ((found,),) = references(case)
    assert found.exact
    assert found.variance == pytest.approx(0.25)
    assert found.gradient_variance[0] == pytest.approx(0.75)


def test_limit_with_equivalent_parts():
    """``X, Y`` on one wire: second moment 1/12; twice the vector module, and ``O`` has a part on each copy."""
    lines = ("qp.RX(w[0], wires=0)", "qp.RY(w[1], wires=0)")
    measured = "qp.expval(qp.Z(0) + 0.5 * qp.X(0) @ qp.Z(1) - qp.Z(0) @ qp.Z(1))"
    (found,) = limits(circuit_of(lines, measured, 2), 2)
    assert found.mean == pytest.approx(0, abs=1e-12)
    assert found.variance == pytest.approx(1 / 12)


def test_limit_of_one_generator_is_its_long_window():
    """Samples of the single rotation over a long window: 0.00771 ± 0.00009."""
    generator = "2.0 * qp.X(0) @ qp.Y(1) + qp.Z(0) @ qp.Y(1) + qp.X(0) @ qp.Z(1)"
    circuit = circuit_of((f"qp.evolve({generator}, coeff=w[0])",), "qp.expval(-0.5 * qp.X(0) @ qp.Y(1))", 1)
    (found,) = limits(circuit, 1)
    points = np.random.default_rng(0).uniform(0, 1e5, (20_000, 1))
    (values,) = evaluate(circuit, points)
    assert abs(found.variance - values.var()) < 5 * np.std(values**2) / np.sqrt(len(values))


def circuit_of(lines, measured, elements):
    case = Case(0, (Argument("w", (elements,), True),), lines, (measured,), wires=(0, 1))
    return references(case)[0][0]


def test_a_wrong_number_is_found(monkeypatch):
    """Measured through another observable, everything is wrong."""
    case = replace(draw(3), interface="numpy")
    assert run_case(case).outcome == "compared"
    look = compare.inspect
    other = one_rotation(line="qp.RX(0.4 * w[0], wires=0)", law=("normal", 0.3, 0.2))
    assert run_case(other).outcome == "compared"
    shifted = replace(other, lines=("qp.RX(0.4001 * w[0], wires=0)",))
    monkeypatch.setattr(compare, "inspect", lambda _: look(shifted))
    record = run_case(other)
    assert record.outcome == "wrong"
    assert any("loss variance" in text for text in record.failures)
    assert any("gradient variances" in text for text in record.failures)


def test_every_case_is_the_same_for_its_seed():
    assert all(draw(seed).script() == draw(seed).script() for seed in range(20))
