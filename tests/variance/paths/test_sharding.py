"""The same paths on one device, on four, and in two processes give the same answer."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
import jax
if len(sys.argv) > 2:
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", num_processes=2, process_id=int(sys.argv[1]))
from tests.variance.paths.circuits import layered, problem
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.paths import engine as paths, sharding
task = problem(layered(4, 3), PauliSum.from_dict({"ZIII": 1.0, "IIXY": 0.5}), samples=50_000)
result = paths.predict(task)
print(json.dumps({
    "devices": sharding.local_devices(128), "processes": jax.process_count(), "loss": result.loss.value,
    "paths": result.statistics["paths"], "gradient": result.gradient.value.tolist(),
}))
"""


def start(*arguments, devices=1):
    environment = os.environ | {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def alone():
    result = finish(start())
    assert result["devices"] == 1 and result["processes"] == 1
    return result


def same(a, b):
    """Up to rounding: the same paths, added in another order."""
    assert a["paths"] == b["paths"] == 50_000
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-6)
    np.testing.assert_allclose(a["gradient"], b["gradient"], rtol=1e-5)


def test_four_devices(alone):
    result = finish(start(devices=4))
    assert result["devices"] == 4
    same(result, alone)


def test_two_processes(alone):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start(number, port) for number in range(2)]
    results = [finish(process) for process in both]
    for result in results:
        assert result["processes"] == 2
        same(result, alone)
