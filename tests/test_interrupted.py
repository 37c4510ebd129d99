"""An exception that a signal throws into a diagnosis leaves nothing of it behind, and the process ends well."""

import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import faulthandler, gc, signal, sys, threading
    faulthandler.enable()
    import jax, numpy as np, pennylane as qp, pennylane_dla as dla
    from pennylane_dla.allowance import current

    class Alarm(Exception):
        pass

    def ring(number, frame):
        raise KeyboardInterrupt if KEYBOARD else Alarm

    signal.signal(signal.SIGALRM, ring)

    @qp.qnode(qp.device("default.qubit"))
    def single(weights):
        qp.StronglyEntanglingLayers(weights, range(14))
        return qp.expval(qp.Z(0))

    @qp.qnode(qp.device("default.qubit"))
    def shared(weights):
        for wire in range(8):
            qp.RX(weights[0, 0, 0], wire)
            qp.RY(weights[0, 0, 1], wire)
            qp.CNOT((wire, (wire + 1) % 8))
        return qp.expval(qp.Z(0))

    def decorated():
        with qp.queuing.AnnotatedQueue():
            dla.inspect(single, progress=False)(np.zeros((1, 14, 3)))

    works = [
        lambda: dla.inspect(single, samples=10**8, rtol=1e-9, max_seconds=60, progress=False)(np.zeros((3, 14, 3))),
        lambda: dla.inspect(shared, samples=10**8, rtol=1e-9, max_seconds=60, progress=False)(np.zeros((1, 1, 3))),
        decorated,
    ]
    interrupted = 0
    for work in works:
        for seconds in (0.02, 0.3, 3.0):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                work()
            except (Alarm, KeyboardInterrupt, dla.DLAError):  # where PennyLane was asked something it becomes an answer
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert not [t for t in threading.enumerate() if t.name.startswith("pennylane_dla")]
            assert not jax.config.jax_enable_x64 and gc.isenabled()
            assert current().seconds == float("inf") and qp.QueuingManager.active_context() is None
    assert interrupted >= 6
    assert dla.inspect(shared, samples=300, progress=False)(np.zeros((1, 1, 3))).loss.variance.available
    print("ended")
"""


@pytest.mark.slow
@pytest.mark.parametrize("keyboard", [False, True])
def test_an_interrupted_diagnosis_leaves_nothing_behind(keyboard):
    program = textwrap.dedent(PROGRAM).replace("KEYBOARD", str(keyboard))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and done.stdout.split()[-1] == "ended", done.stderr[-2000:]
