"""One bar for one diagnosis, in plain words, where somebody can see it; and nothing else is written."""

import io
import re
import subprocess
import sys
import textwrap
import types

import jax
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla import progress


class Screen(io.StringIO):
    """A standard error stream, a terminal or not."""

    def __init__(self, terminal: bool = True):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    @property
    def lines(self):
        """What stood there, one after the other, without the trailing blanks that wipe the line."""
        return [line.rstrip() for line in re.split(r"[\r\n]", self.getvalue()) if line.strip()]

    @property
    def words(self):
        return list(dict.fromkeys(line.split(" |")[0] for line in self.lines))

    @property
    def percentages(self):
        return [int(found) for line in self.lines for found in re.findall(r"(\d+) %", line)]


@pytest.fixture
def screen(monkeypatch):
    """A terminal, and no patience."""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    screen = Screen()
    stream = types.SimpleNamespace(stderr=screen, modules=sys.modules)  # pytest itself exchanges sys.stderr
    monkeypatch.setattr(progress, "sys", stream)
    return screen


@qp.qnode(qp.device("default.qubit"))
def circuit(weights):
    qp.StronglyEntanglingLayers(weights, wires=range(6))
    return [qp.expval(qp.Z(i)) for i in range(3)]


WEIGHTS = np.zeros((2, 6, 3))
OPTIONS = {"method": "paths", "samples": 4000}


def test_one_bar_says_what_is_being_done(screen):
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)
    expected = ["reading the circuit", "Lie algebra"]
    expected += [f"variance of expval(Z({i})), {i + 1} of 3" for i in range(3)]
    expected += ["deep limit", "simulated initializations"]
    assert [words for words in screen.words if words in expected] == expected
    assert set(screen.words) - set(expected) <= {"variances", "variances of 3 measurements"}
    assert screen.percentages == sorted(screen.percentages) and screen.percentages[-1] <= 100
    assert screen.getvalue().endswith("\r") and screen.getvalue().split("\r")[-2].strip() == ""  # it is taken away
    assert "\n" not in screen.getvalue()


def test_a_sampling_engine_moves_the_bar(screen):
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)
    first = [line for line in screen.lines if line.startswith("variance of expval(Z(0)), 1 of 3")]
    assert len(set(first)) > 1


def test_a_single_measurement_has_no_number(screen):
    @qp.qnode(qp.device("default.qubit"))
    def single(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0))

    dla.inspect(single)(np.zeros((2, 3)))
    assert "variance of expval(Z(0))" in screen.words


def test_several_circuits_are_one_bar_that_names_them(screen):
    dla.compare({"first": circuit, "second": circuit}, **OPTIONS)(WEIGHTS)
    assert {"first: Lie algebra", "second: variance of expval(Z(2)), 3 of 3"} <= set(screen.words)
    assert screen.percentages == sorted(screen.percentages)


def test_sizes_are_one_bar_that_names_them(screen):
    def build(n):
        @qp.qnode(qp.device("default.qubit"))
        def grown(weights):
            qp.BasicEntanglerLayers(weights, wires=range(n))
            return qp.expval(qp.Z(0))

        return grown, np.zeros((1, n))

    dla.scaling(build, [2, 3])
    assert {"size 2: Lie algebra", "size 3: deep limit"} <= set(screen.words)


def test_remedies_say_what_is_tried_and_not_how_it_is_judged(screen):
    diag = dla.inspect(circuit, progress=False)(WEIGHTS)
    assert not screen.getvalue()
    diag.remedies()
    assert {"a local observable", "fewer layers", "smaller angles"} <= set(screen.words)
    assert not any("variance" in words for words in screen.words)


def test_a_closure_is_a_bar_too(screen):
    dla.lie_closure([qp.X(0) + qp.X(1) + qp.X(2), qp.Z(0) @ qp.Z(1) + qp.Z(1) @ qp.Z(2)])
    assert screen.words == ["Lie algebra"]


@pytest.mark.parametrize("ask", ["inspect", "compare", "closure"])
def test_nothing_is_written_where_it_is_not_wanted(ask, screen):
    if ask == "inspect":
        dla.inspect(circuit, progress=False, **OPTIONS)(WEIGHTS)
    elif ask == "compare":
        dla.compare({"one": circuit}, progress=False, **OPTIONS)(WEIGHTS)
    else:
        dla.lie_closure([qp.X(0) + qp.X(1), qp.Z(0) @ qp.Z(1)], progress=False)
    assert screen.getvalue() == ""


def test_nothing_is_written_to_a_pipe_or_without_a_stream(screen, monkeypatch):
    screen.terminal = False
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)
    assert screen.getvalue() == ""
    progress.sys.stderr = None
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)


def test_a_short_diagnosis_shows_nothing_and_imports_nothing():
    program = """
        import sys, numpy as np, pennylane as qp, pennylane_dla as dla
        known = "tqdm" in sys.modules  # other packages may want it
        sys.stderr.isatty = lambda: True

        @qp.qnode(qp.device("default.qubit"))
        def circuit(weights):
            qp.RX(weights, 0)
            return qp.expval(qp.Z(0))

        from pennylane_dla import progress
        progress.PATIENCE = 60.0
        dla.inspect(circuit)(0.1)
        assert known or "tqdm" not in sys.modules
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_notebook_has_a_bar_without_a_terminal(screen, monkeypatch):
    screen.terminal = False
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)
    assert "Lie algebra" in screen.words
    shell.config = {}  # IPython in a pipe is no notebook
    before = screen.getvalue()
    dla.inspect(circuit, **OPTIONS)(WEIGHTS)
    assert screen.getvalue() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, dla.DLAError])
def test_an_interrupted_diagnosis_takes_its_bar_away(error, screen, monkeypatch):
    from pennylane_dla.diagnosis import inspection

    def interrupted(*args):
        raise error("stop")

    with monkeypatch.context() as patched:
        patched.setattr(inspection, "forecasts", interrupted)
        with pytest.raises(error):
            dla.inspect(circuit)(WEIGHTS)
    assert screen.getvalue().endswith("\r") and screen.getvalue().split("\r")[-2].strip() == ""
    assert progress._open.get() is None
    before = screen.getvalue()
    progress.tick()
    assert screen.getvalue() == before


def test_under_jit_and_vmap_there_is_one_bar_for_one_diagnosis(screen):
    @dla.diagnose
    @qp.qnode(qp.device("default.qubit"), interface="jax")
    def traced(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0))

    batch = jax.numpy.zeros((2, 2, 3))
    jax.jit(traced)(batch[0])
    jax.vmap(traced)(batch)
    assert progress._open.get() is None
    before = screen.getvalue()
    assert before.count("reading the circuit") <= 4  # and its blanks: one for each structure of arguments
    jax.jit(traced)(batch[0])
    jax.vmap(traced)(batch)
    assert screen.getvalue() == before  # nothing is diagnosed again


def test_shares_are_of_what_is_left(screen):
    with progress.shown():
        with progress.part("first", 1 / 2):
            count = progress.Count(4)
            count.advance(2)
            with progress.part(None, 1 / 2):
                pass
            progress.tick()
        with progress.part("second", 1 / 2):
            progress.Count(2).advance(5)  # no further than the step reaches
    assert screen.words == ["first", "second"]
    assert list(dict.fromkeys(screen.percentages)) == [0, 25, 38, 50, 75]


def test_what_is_said_fits_a_line():
    step = progress._Step("variance of a very long measurement that somebody wrote", 1.0, "a circuit of some name")
    assert len(step.text) == progress.WIDTH and step.text.endswith("…")
