r"""
A pre-training check in five minutes
====================================

Training a quantum circuit that cannot be trained looks, for hours, like training one that can. The loss moves a little, because
shots are noisy, and the optimizer walks, because it walks along anything. The question whether a gradient is
there at all has an answer before the first step, and it takes less time than the first step.

We take a small classification model, ask for its diagnosis, find out that it is in trouble and why, repair it, and leave a guard
in the training script.
"""

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qp

import pennylane_dla as dla

##############################################################################
# The model
# ---------
# Sixteen features enter by rotations, layers with weights follow, and the model says yes if all qubits are found in
# :math:`|0\rangle`. A training step will spend 1000 shots on each expectation value.

NUM_QUBITS = 16
SHOTS = 1000


def ring(weights, wires):
    qp.BasicEntanglerLayers(weights, wires=wires, rotation=qp.RY)


def build(num_qubits, layers=ring, observable=None):
    wires = range(num_qubits)
    observable = qp.Projector([0] * num_qubits, wires=wires) if observable is None else observable

    @qp.qnode(qp.device("default.qubit", wires=num_qubits))
    def model(weights, features):
        qp.AngleEmbedding(features, wires=wires, rotation="Y")
        layers(weights, wires)
        return qp.expval(observable)

    return model


model = build(NUM_QUBITS)
rng = np.random.default_rng(7)
features = rng.uniform(0, np.pi, NUM_QUBITS)
weights = rng.uniform(0, 2 * np.pi, (3, NUM_QUBITS))

##############################################################################
# Minute one: ask
# ---------------
# :func:`~pennylane_dla.inspect` is used like ``qp.specs`` or ``qp.draw``: it takes the QNode, then its arguments, and executes
# nothing. The first argument is what will be trained, the features are data.

diagnosis = dla.inspect(model, shots=SHOTS, progress=False)(weights, features)
print(diagnosis)

##############################################################################
# The verdict compares the gradient at a typical random initialization with the noise of its own measurement. The variance of every
# component is there too, in the shape of the weights, so it can lie beside ``jax.grad(model)``. As a picture, with the circuit it
# belongs to:

diagnosis.plot()
plt.show()

##############################################################################
# Minute two: is it true?
# -----------------------
# A prediction that cannot be checked is worth little. At six qubits we can afford a few hundred random weights, differentiate the
# real circuit at each, and lay the sample variances over what is predicted for these six qubits.

NUM_SAMPLES, SMALL = 300, 6
small = build(SMALL)
gradient = qp.grad(small, argnums=0)
observed = np.array(
    [
        gradient(qp.numpy.array(rng.uniform(0, 2 * np.pi, (3, SMALL)), requires_grad=True), features[:SMALL]).reshape(
            -1
        )
        for _ in range(NUM_SAMPLES)
    ]
)
predicted = dla.inspect(small, progress=False)(np.zeros((3, SMALL)), features[:SMALL]).gradient.variance.reshape(-1)
error = np.sqrt(((observed**4).mean(axis=0) - (observed**2).mean(axis=0) ** 2) / NUM_SAMPLES)

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
index = np.arange(predicted.size)
ax.errorbar(
    index,
    (observed**2).mean(axis=0),
    error,
    fmt="o",
    color="#0072b2",
    markersize=4,
    label=f"{NUM_SAMPLES} simulated gradients",
)
ax.plot(index, predicted, "_", color="#d55e00", markersize=13, markeredgewidth=2.5, label="predicted")
ax.set(yscale="log", xlabel="weight, in order", ylabel="Var[∂loss/∂weight] in 1/rad²")
ax.legend()
ax.grid(alpha=0.3)
plt.show()

##############################################################################
# Minute three: why?
# ------------------
# Four things can make a gradient small: a circuit that reaches too much, an initial state that spreads over the algebra, an
# observable that does, and noise. The diagnosis names those that are at work here.

for cause in diagnosis.causes:
    print(f"{cause.name}: {cause.evidence}")

##############################################################################
# Minute four: what would help?
# -----------------------------
# :meth:`~pennylane_dla.Diagnostics.remedies` diagnoses variants of the circuit, from fewer layers to other start states, and lists
# those whose gradient varies more, the most effective first.

print(diagnosis.remedies(progress=False))

##############################################################################
# The projector asks about all qubits at once, and asking about one at a time comes first in the list. It helps and is not enough:
# 1000 shots still do not see the gradient. Seen from the readout, a ring of CNOTs turns the :math:`Z` of one qubit into a product
# of almost all of them in a single layer. An :math:`X` is carried to one neighbor a layer only, so the first two candidates below
# read out :math:`X`. What no list can do is to invent another circuit; the third candidate is one, which entangles neighbors only, in
# pairs that alternate like bricks in a wall.


def bricks(weights, wires):
    for k, layer in enumerate(weights):
        for wire in wires:
            qp.RY(layer[wire], wires=wire)
        for wire in wires[k % 2 : -1 : 2]:
            qp.CZ(wires=[wire, wire + 1])


average = qp.dot([1 / NUM_QUBITS] * NUM_QUBITS, [qp.X(wire) for wire in range(NUM_QUBITS)])
candidates = {
    "as it is": model,
    "one qubit": build(NUM_QUBITS, observable=qp.X(NUM_QUBITS // 2)),
    "average of qubits": build(NUM_QUBITS, observable=average),
    "average, bricks": build(NUM_QUBITS, layers=bricks, observable=average),
}
comparison = dla.compare(candidates, shots=SHOTS, progress=False)(weights, features)
print(comparison)
comparison.plot()
plt.show()

##############################################################################
# Minute five: keep the guard
# ---------------------------
# :func:`~pennylane_dla.check` belongs in front of the training loop. It lets a circuit through whose gradient the shots resolve, and
# stops the other one with the reason, before it has cost anything. Where no budget of shots would do it is a ``BarrenPlateauError``.

try:
    dla.check(model, shots=SHOTS, progress=False)(weights, features)
except dla.TrainabilityError as reason:
    print(f"{type(reason).__name__}:", reason)

passed = dla.check(candidates["average, bricks"], shots=SHOTS, progress=False)(weights, features)
print("\naverage, bricks:", passed.verdict.headline)

##############################################################################
# Without a guard the same information travels with the circuit: decorated with ``@dla.diagnose``, a QNode
# carries its diagnosis as ``circuit.dla`` and returns what it always returned.
#
# References
# ----------
# Cerezo et al., *Cost function dependent barren plateaus in shallow parametrized quantum circuits*,
# `arXiv:2001.00550 <https://arxiv.org/abs/2001.00550>`__. Ragone et al., *A Lie algebraic theory of barren plateaus for deep
# parameterized quantum circuits*, `arXiv:2309.09342 <https://arxiv.org/abs/2309.09342>`__.
