"""What the tests of sampled circuits share."""

import numpy as np

from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState, Rotation


def assert_within_errors(sampled, reference, factor=5.0):
    for one, other in ((sampled.loss, reference.loss), (sampled.gradient, reference.gradient)):
        away = np.abs(np.asarray(one.value) - np.asarray(other.value))
        assert np.all(away <= factor * np.asarray(one.stderr) + 1e-12)
    assert not sampled.loss.exact and sampled.loss.method == "simulated"


def correlated():
    """``RX(θ)₀ RY(φ)₁ CNOT RX(θ)₀ RY(2φ)₁`` and ``Z₀Z₁``: both arguments return."""
    gates = [
        Rotation((0,), ("X",), (0.5,), Angle(0.0, (0,), (1.0,))),
        Rotation((1,), ("Y",), (0.5,), Angle(0.0, (1,), (1.0,))),
        *(Rotation((0, 1), (w,), (0.5,), Angle(a * np.pi / 2)) for w, a in (("ZI", 1), ("IX", 1), ("ZX", -1))),
        Rotation((0,), ("X",), (0.5,), Angle(0.0, (0,), (1.0,))),
        Rotation((1,), ("Y",), (0.5,), Angle(0.0, (1,), (2.0,))),
    ]
    arguments = Arguments(("w",), ((2,),), np.full(2, 2 * np.pi), lambda rows: rows)
    return Ansatz((0, 1), tuple(gates), ProductState.zero(2), (), arguments)
