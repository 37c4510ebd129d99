r"""
Can this circuit be trained?
============================

Three circuits of eight qubits and more, diagnosed before a single training step. Run it with
``python demos/quickstart/demo.py``.
"""

import numpy as np
import pennylane as qp

import pennylane_dla as dla

##############################################################################
# A trainable one
# ---------------
# A transverse-field Ising ansatz on ten qubits. Its Lie algebra is that of free fermions, so it is small,
# and the gradient stays visible at any depth.


@dla.diagnose(shots=1000)
@qp.qnode(qp.device("default.qubit"))
def ising(coupling, field):
    for layer in range(coupling.shape[0]):
        for i in range(9):
            qp.IsingZZ(coupling[layer, i], (i, i + 1))
        for i in range(10):
            qp.RX(field[layer, i], i)
    return qp.expval(qp.Z(4) @ qp.Z(5))


rng = np.random.default_rng(0)
couplings = qp.numpy.array(rng.uniform(0, 2 * np.pi, (6, 9)))
fields = qp.numpy.array(rng.uniform(0, 2 * np.pi, (6, 10)))
print(f"ising(couplings, fields) = {ising(couplings, fields):.4f}\n")
print(ising.dla, "\n")

##############################################################################
# One that its shots do not resolve
# ---------------------------------
# Twenty random layers reach every unitary of twelve qubits, and the loss concentrates around its mean.
# :func:`~pennylane_dla.check` stops the training before it starts, and says how many shots it would take.


@qp.qnode(qp.device("default.qubit"))
def strongly_entangling(weights):
    qp.StronglyEntanglingLayers(weights, wires=range(12))
    return qp.expval(qp.Z(0))


weights = rng.uniform(0, 2 * np.pi, (20, 12, 3))
try:
    dla.check(strongly_entangling, shots=1000)(weights)
except dla.TrainabilityError as reason:
    print(f"{type(reason).__name__}:", reason, "\n")
print(dla.inspect(strongly_entangling)(weights), "\n")

##############################################################################
# Local or global
# ---------------
# The same shallow circuit, read out on one qubit and on all of them. The predicted variances lie beside what
# ``jax.grad`` would return.


@qp.qnode(qp.device("default.qubit"))
def shallow(weights):
    qp.BasicEntanglerLayers(weights, wires=range(8), rotation=qp.RY)
    return qp.expval(qp.Z(0)), qp.expval(qp.Projector([0] * 8, wires=range(8)))


diagnostics = dla.inspect(shallow)(rng.uniform(0, 2 * np.pi, (2, 8)))
print(diagnostics)
local, all_qubits = (np.median(m.gradient.variance) for m in diagnostics.measurements)
print(f"\nThe local gradient varies {local / all_qubits:.0f} times as much as the global one.")
