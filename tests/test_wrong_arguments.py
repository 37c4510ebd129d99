"""Every public function with arguments of every wrong kind: an error of ours that names the argument, or an answer."""

import warnings

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla

HUGE = 10**400
WRONG = {
    "None": None,
    "text": "a",
    "empty text": "",
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "zero": 0,
    "large": 1e300,
    "huge": HUGE,
    "fraction": 1.5,
    "object": object(),
    "list": [],
    "dict": {},
    "bool": True,
    "bytes": b"x",
    "complex": 1j,
    "function": lambda: 1,
    "constant": lambda *t: 1,
    "array": np.array([1, 2]),
    "strings": np.array(["a"]),
    "type": int,
}


@qp.qnode(qp.device("default.qubit", wires=2))
def circuit(w):
    qp.RX(w[0], 0)
    qp.RY(w[1], 1)
    qp.CNOT([0, 1])
    return qp.expval(qp.Z(1))


WEIGHTS = np.array([0.1, 0.2])
GENERATORS = [qp.X(0), qp.Y(0) @ qp.Z(1)]


def with_gate(gate):
    @qp.qnode(qp.device("default.qubit", wires=1))
    def made(w):
        gate(w)
        return qp.expval(qp.Z(0))

    return dla.inspect(made, progress=False)(0.1)


def option(name):
    return lambda value: dla.inspect(circuit, **{"progress": False, name: value})(WEIGHTS)


def build(size):
    return circuit, (WEIGHTS,)


_diagnosis = []


def diagnosis():
    if not _diagnosis:
        _diagnosis.append(dla.inspect(circuit, progress=False)(WEIGHTS))
    return _diagnosis[0]


CALLS = {
    **{f"inspect {name}": option(name) for name in ("argnums", "level", "angles", "shots", "method", "max_dim")},
    **{f"inspect {name}": option(name) for name in ("max_memory", "samples", "rtol", "seed", "max_seconds")},
    "inspect circuit": lambda value: dla.inspect(value, progress=False)(WEIGHTS),
    "inspect weights": lambda value: dla.inspect(circuit, progress=False)(value),
    "angles of an argument": lambda value: dla.inspect(circuit, angles={"w": value}, progress=False)(WEIGHTS),
    "diagnose": lambda value: dla.diagnose(circuit, shots=value),
    "compare measurement": lambda value: dla.compare({"one": circuit}, measurement=value, progress=False)(WEIGHTS),
    "remedies time": lambda value: diagnosis().remedies(max_seconds=value, progress=False),
    "check circuit": lambda value: dla.check(value)(WEIGHTS),
    "check shots": lambda value: dla.check(circuit, shots=value, progress=False)(WEIGHTS),
    "check on_fail": lambda value: dla.check(circuit, on_fail=value, progress=False)(WEIGHTS),
    "lie_closure generators": lambda value: dla.lie_closure(value),
    "lie_closure generator": lambda value: dla.lie_closure([value]),
    "lie_closure max_dim": lambda value: dla.lie_closure(GENERATORS, max_dim=value),
    "classify generators": lambda value: dla.classify(value),
    "classify generator": lambda value: dla.classify([value]),
    "scaling sizes": lambda value: dla.scaling(build, value, progress=False),
    "scaling size": lambda value: dla.scaling(build, [2, value], progress=False),
    "scaling measurement": lambda value: dla.scaling(build, [2, 3], measurement=value, progress=False),
    "compare": lambda value: dla.compare(value)(WEIGHTS),
    "compare circuit": lambda value: dla.compare({"one": value})(WEIGHTS),
    "compare weights": lambda value: dla.compare({"one": circuit}, progress=False)(value),
    "remedies": lambda value: diagnosis().remedies(value, max_seconds=0.1, progress=False),
    "Uniform low": lambda value: dla.Uniform(value, 1),
    "Uniform high": lambda value: dla.Uniform(0, value),
    "Normal std": lambda value: dla.Normal(value),
    "Normal mean": lambda value: dla.Normal(0.1, value),
    "coefficient": lambda value: with_gate(lambda w: qp.RX(value * w, 0)),
    "known angle": lambda value: with_gate(lambda w: (qp.RX(w, 0), qp.RY(value, 0))),
}


@pytest.mark.parametrize("call", CALLS)
def test_errors_are_ours(call):
    """No exception but ``DLAError`` leaves the package, and every message says something."""
    answered = 0
    for kind, value in WRONG.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                CALLS[call](value)
                answered += 1
            except dla.DLAError as error:
                assert len(str(error)) > 15, kind
            except Exception as error:
                raise AssertionError(f"{call}, {kind}: {type(error).__name__}: {error}") from error
    assert answered < len(WRONG)  # some of them are wrong


REFUSED = {
    "std": (lambda: dla.Normal(1e300), "std=1e\\+300"),
    "coefficient": (lambda: with_gate(lambda w: qp.RX(1e200 * w, 0)), "RX.*1e\\+200"),
    "shots": (lambda: option("shots")(HUGE), "shots="),
    "max_dim none": (lambda: dla.lie_closure(GENERATORS, max_dim=None), "max_dim=None"),
    "max_dim text": (lambda: dla.lie_closure(GENERATORS, max_dim="a"), "max_dim='a'"),
    "max_dim float": (lambda: dla.lie_closure(GENERATORS, max_dim=1.5), "max_dim=1.5"),
    "classify": (lambda: dla.classify(None), "generators=None"),
    "scaling": (lambda: dla.scaling(None, [2, 3]), "build=None"),
    "remedies": (lambda: diagnosis().remedies("a"), "measurement='a'"),
    "angles": (lambda: option("angles")(lambda: 1), "characteristic function"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_argument_is_named(name):
    call, words = REFUSED[name]
    with pytest.raises(dla.DLAError, match=words):
        call()


def test_strings_select_gates():
    """A tensor of strings is data."""

    @qp.qnode(qp.device("default.qubit", wires=2))
    def rotated(weights, axes):
        for wire, axis in enumerate(axes):
            (qp.RX if str(axis) == "X" else qp.RY)(weights[wire], wire)
        return qp.expval(qp.Y(0) + qp.X(1))

    for axes in (qp.numpy.array(["X", "Y"], requires_grad=False), qp.numpy.array(["X", "Y"]), np.array(["X", "Y"])):
        diag = dla.inspect(rotated, progress=False)(qp.numpy.array([0.1, 0.2], requires_grad=True), axes)
        np.testing.assert_allclose(np.ravel(diag.gradient.variance), [0.5, 0.5])
        assert "axes" in " ".join(diag.assumptions)


def test_numbers_of_numpy_beyond_the_bounds():
    with pytest.raises(dla.DLAError, match="shots"):
        dla.inspect(circuit, shots=np.int64(2 * 10**18))
