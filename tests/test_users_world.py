"""The user's program is as if we were not there: results, configuration, random states, warnings, signals, queues."""

import contextlib
import gc
import random
import signal
import sys
import threading
import warnings

import jax
import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.clear_caches()  # JAX itself confuses programs of PennyLane's that it compiled in single precision with these
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def layers(weights):
    for row in weights:
        for wire in range(3):
            qp.RY(row[wire], wire)
        qp.CNOT([0, 1])
        qp.CRX(row[0], [1, 2])
    return qp.expval(qp.Z(0) @ qp.Z(1) + qp.X(2))


def bare(**options):
    return qp.QNode(layers, qp.device("default.qubit", wires=3, seed=11), **options)


def generator_state(state):
    return [np.asarray(part).tolist() if isinstance(part, np.ndarray) else part for part in state]


def world():
    """All that a program could notice of another one in its process."""
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1)]
    return {
        "random": random.getstate(),
        "numpy random": generator_state(np.random.get_state()),
        "numpy errors": np.geterr(),
        "numpy printing": np.get_printoptions(),
        "warnings": list(warnings.filters),
        "show warning": warnings.showwarning,
        "signals": handlers,
        "alarm": signal.getitimer(signal.ITIMER_REAL),
        "wake up": signal.set_wakeup_fd(-1),
        "jax 64 bit": jax.config.jax_enable_x64,
        "jax leaks": jax.config.jax_check_tracer_leaks,
        "jax nans": jax.config.jax_debug_nans,
        "jax platform": jax.config.jax_platforms,
        "queue": qp.QueuingManager.recording(),
        "active": qp.QueuingManager.active_context(),
        "capture": qp.capture.enabled(),
        "graph": qp.decomposition.enabled_graph(),
        "recursion": sys.getrecursionlimit(),
        "trace": sys.gettrace(),
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "threads": {t.name for t in threading.enumerate() if not t.daemon},
        "collector": gc.isenabled(),
        "collector thresholds": gc.get_threshold(),
        "switch interval": sys.getswitchinterval(),
    }


def unchanged(before):
    after = world()
    return [key for key in before if before[key] != after[key]]


WEIGHTS = np.array([[0.1, 0.5, 0.9], [0.4, -0.2, 0.7]])
OPTIONS = {
    "exact": {},
    "simulated": {"method": "simulated", "samples": 300},
    "paths": {"method": "paths", "samples": 300},
    "module": {"method": "module"},
    "normal": {"angles": dla.Normal(0.3)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_inspect_leaves_everything(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="something of the user's")
        np.random.seed(5)
        random.seed(5)
        before = world()
        diag = dla.inspect(bare(), progress=False, **OPTIONS[name])(WEIGHTS)
        str(diag)
        assert unchanged(before) == []


def test_diagnose_leaves_everything_and_the_result():
    circuit = bare()
    diagnosed = dla.diagnose(circuit, progress=False)
    expected = circuit(WEIGHTS)
    before = world()
    assert diagnosed(WEIGHTS) == expected
    assert diagnosed.dla.num_params == 6
    assert unchanged(before) == []
    assert circuit(WEIGHTS) == expected and not hasattr(circuit, "dla")


def test_an_error_leaves_everything():
    def broken(weights):
        qp.RX(weights[0], 0)
        raise RuntimeError("the user's own")

    def unread(weights):
        qp.RX(1e200 * weights[0, 0], 0)
        return qp.expval(qp.Z(0))

    for function in (broken, unread):
        circuit = qp.QNode(function, qp.device("default.qubit"))  # which draws its seed from NumPy
        before = world()
        with pytest.raises(dla.DLAError):
            dla.inspect(circuit, progress=False)(WEIGHTS)
        assert unchanged(before) == []


def test_the_arguments_and_the_tape_stay():
    weights = WEIGHTS.copy()
    weights.flags.writeable = False
    kept = qp.numpy.array(WEIGHTS, requires_grad=True)
    circuit = bare()
    before = (circuit.interface, circuit.diff_method, len(circuit.compile_pipeline), circuit.device, circuit.shots)
    dla.inspect(circuit, progress=False)(weights)
    dla.inspect(circuit, progress=False)(kept)
    after = (circuit.interface, circuit.diff_method, len(circuit.compile_pipeline), circuit.device, circuit.shots)
    assert before == after
    assert np.array_equal(weights, WEIGHTS) and np.array_equal(kept, WEIGHTS) and kept.requires_grad
    tape = qp.workflow.construct_tape(circuit)(kept)
    text, parameters = str(tape.operations), list(tape.trainable_params)
    dla.inspect(tape, progress=False)()
    assert str(tape.operations) == text and list(tape.trainable_params) == parameters


def test_an_open_queue_gets_nothing():
    with qp.queuing.AnnotatedQueue() as queue:
        qp.Hadamard(0)
        dla.inspect(bare(), progress=False)(WEIGHTS)
        recording = qp.QueuingManager.recording()
        qp.S(0)
    assert recording
    assert [operation.name for operation, _ in queue.items()] == ["Hadamard", "S"]


def test_shots_draw_the_same_numbers():
    """The device's random state is the user's."""

    def samples(diagnose):
        circuit = qp.set_shots(qp.QNode(layers, qp.device("default.qubit", wires=3, seed=3)), 50)
        if diagnose:
            circuit = dla.diagnose(circuit, progress=False)
        return [float(circuit(WEIGHTS)) for _ in range(3)]

    assert samples(True) == samples(False)


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit, jax.grad, lambda f: jax.jit(jax.grad(f))])
def test_jax_programs_return_the_same(transform):
    circuit = qp.QNode(layers, qp.device("default.qubit", wires=3), interface="jax")
    weights = jax.numpy.asarray(WEIGHTS)
    expected = np.asarray(transform(circuit)(weights))
    before = world()
    found = np.asarray(transform(dla.diagnose(circuit, progress=False))(weights))
    assert unchanged(before) == []
    np.testing.assert_array_equal(found, expected)


def test_a_vmap_returns_the_same():
    circuit = qp.QNode(layers, qp.device("default.qubit", wires=3), interface="jax")
    batch = jax.numpy.stack([jax.numpy.asarray(WEIGHTS), 2 * jax.numpy.asarray(WEIGHTS)])
    expected = np.asarray(jax.vmap(circuit)(batch))
    np.testing.assert_array_equal(np.asarray(jax.vmap(dla.diagnose(circuit, progress=False))(batch)), expected)


def test_a_single_precision_program_stays_one():
    jax.config.update("jax_enable_x64", False)
    dla.inspect(bare(), progress=False)(jax.numpy.asarray(WEIGHTS))
    assert not jax.config.jax_enable_x64
    assert jax.numpy.asarray(np.array([1.0])).dtype == np.float32


class _Alarm(Exception):
    """Of the user's own handler."""


@pytest.mark.parametrize("delay", [0.001, 0.01, 0.05, 0.2])
def test_an_alarm_of_the_user_passes_through(delay):
    """An exception that a signal handler raises in the middle of it leaves the world as it was, and the next diagnosis
    is right."""

    def ring(*_):
        raise _Alarm

    expected = dla.inspect(bare(), method="simulated", samples=500, progress=False)(WEIGHTS).loss.variance.value
    old = signal.signal(signal.SIGALRM, ring)
    try:
        before = world()
        signal.setitimer(signal.ITIMER_REAL, delay)
        with contextlib.suppress(_Alarm):
            dla.inspect(bare(), method="simulated", samples=500, progress=False)(WEIGHTS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert unchanged(before) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    again = dla.inspect(bare(), method="simulated", samples=500, progress=False)(WEIGHTS).loss.variance.value
    assert again == expected


def test_warnings_are_shown_as_before():
    """What the qfunc warns of is not swallowed when the circuit runs."""

    def noisy(weights):
        warnings.warn("of the circuit", UserWarning, stacklevel=1)
        return layers(weights)

    circuit = qp.QNode(noisy, qp.device("default.qubit", wires=3))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dla.diagnose(circuit, progress=False)(WEIGHTS)
    assert any("of the circuit" in str(warning.message) for warning in caught)
