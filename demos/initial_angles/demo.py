r"""
How small must the initial angles be? Choosing an initializer at 100 qubits
===========================================================================

Angles drawn from the whole circle are the worst start for a deep circuit: its output is then as good as random, and the
gradient drowns in shot noise. Angles of exactly zero are the other extreme: the circuit is a fixed Clifford, and many
components of the gradient vanish. Somewhere between, training sees most. Where that is depends on the circuit,
its depth and its observable, and people usually find out by trying.

The variance of the gradient under *any* law of the angles can be predicted, at a hundred qubits as well as at ten, because the
prediction follows Pauli strings and not amplitudes. In this demo we scan the width :math:`\sigma` of normally
distributed angles for a hardware-efficient ansatz on 100 qubits and choose an initializer before the first run.
"""

import matplotlib.pyplot as plt
import numpy as np
import pennylane as qp

import pennylane_dla as dla

##############################################################################
# A hundred qubits
# ----------------
# Every layer rotates each qubit about :math:`X` and :math:`Y` and entangles neighbours by controlled-:math:`Z` gates. The loss
# is the correlation of two qubits in the middle of the chain.

NUM_QUBITS = 100


def ansatz(num_layers):
    @qp.qnode(qp.device("default.qubit"))
    def circuit(angles):
        for layer in range(num_layers):
            for wire in range(NUM_QUBITS):
                qp.RX(angles[layer, wire, 0], wires=wire)
                qp.RY(angles[layer, wire, 1], wires=wire)
            for wire in range(layer % 2, NUM_QUBITS - 1, 2):
                qp.CZ(wires=[wire, wire + 1])
        return qp.expval(qp.Z(49) @ qp.Z(50))

    return circuit, np.zeros((num_layers, NUM_QUBITS, 2))


##############################################################################
# With angles from the whole circle, the diagnosis of sixteen layers is sobering. The simulator in the QNode is never called:
# a state of a hundred qubits does not fit into any memory. ``method="paths"`` follows 20 000 random Pauli strings through the circuit,
# and every variance has a standard error.

SAMPLING = {"method": "paths", "samples": 20_000, "progress": False}
circuit, angles = ansatz(16)
wide = dla.inspect(circuit, **SAMPLING)(angles)
print(wide)

##############################################################################
# Narrower angles
# ---------------
# The law of the angles is an option of :func:`~pennylane_dla.inspect`: ``angles=dla.Normal(0.1)`` draws every angle from a normal
# distribution of mean zero and standard deviation 0.1 rad. Only the law's Fourier transform
# :math:`\varphi(t) = e^{-\sigma^2t^2/2}` enters. A rotation that meets a Pauli string leaves it as it is with weight
# :math:`E[\cos^2\theta] = (1 + \varphi(2))/2` and turns it into another with :math:`E[\sin^2\theta] = (1 - \varphi(2))/2`, so a small
# :math:`\sigma` keeps the strings short and near where they began.
#
# Most of the 3200 angles are outside the light cone of two neighbouring qubits or have a tiny effect, whatever their law. What
# training follows is the size of the whole gradient, so we look at its expected square,
# :math:`E\,\lVert\nabla\ell\rVert^2`, estimated as the sum of the variances.


def gradient_norm(diagnosis):
    variance = diagnosis.gradient.variance
    return np.nan if variance is None else np.nansum(variance)


WIDTHS = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
DEPTHS = [4, 8, 16]
norms = {}
for depth in DEPTHS:
    circuit, angles = ansatz(depth)
    scan = [dla.inspect(circuit, angles=dla.Normal(float(width)), **SAMPLING)(angles) for width in WIDTHS]
    norms[depth] = np.array([gradient_norm(found) for found in scan])
    print(
        f"{depth:>3} layers:",
        "  ".join(f"σ = {width}: {norm:.2f}" for width, norm in zip(WIDTHS, norms[depth], strict=True)),
    )

##############################################################################
# The curves have one maximum each. To the left of it the circuit is too close to a fixed point: the loss starts at
# :math:`\langle Z\otimes Z\rangle = 1`, where it is stationary. To the right, the angles scramble. The dashed lines
# are uniform angles, on the whole circle.

uniform = {16: gradient_norm(wide)}
for depth in DEPTHS[:-1]:
    circuit, angles = ansatz(depth)
    uniform[depth] = gradient_norm(dla.inspect(circuit, **SAMPLING)(angles))

COLOURS, MARKERS = ["#0072b2", "#d55e00", "#009e73"], "osD"
fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
for depth, colour, marker in zip(DEPTHS, COLOURS, MARKERS, strict=True):
    ax.plot(WIDTHS, norms[depth], marker=marker, color=colour, label=f"{depth} layers")
    if uniform[depth] > 0:
        ax.axhline(uniform[depth], color=colour, linestyle="--", linewidth=1)
ax.set(
    xscale="log",
    yscale="log",
    xlabel="standard deviation of the angles, σ in rad",
    ylabel="Σ Var[∂loss/∂angle] over all angles, 1/rad²",
)
ax.set_xticks(WIDTHS, [str(width) for width in WIDTHS])
ax.set_xticks([], minor=True)
ax.legend(title="dashed: uniform angles", fontsize="small")
ax.grid(alpha=0.3)
plt.show()

##############################################################################
# The initializer
# ---------------
# For each depth the best of the widths is what we were looking for. A parabola through the three points around
# the maximum, in the logarithms, places it between the grid points.


def peak(widths, values):
    best = int(np.nanargmax(values))
    around = slice(max(best - 1, 0), best + 2)
    if len(values[around]) < 3 or not np.all(values[around] > 0):
        return widths[best]
    a, b, _ = np.polyfit(np.log(widths[around]), np.log(values[around]), 2)
    return np.exp(-b / (2 * a)) if a < 0 else widths[best]


best = {depth: peak(WIDTHS, norms[depth]) for depth in DEPTHS}
for depth in DEPTHS:
    print(f"{depth:>3} layers: σ = {best[depth]:.3f} rad, σ·√layers = {best[depth] * np.sqrt(depth):.2f}")

##############################################################################
# The product :math:`\sigma\sqrt{\text{layers}}` moves little: what must not exceed some tenths of a radian is the angle that a
# string collects on its way through the circuit. The number of qubits does not enter. We check that on the same
# circuit with the width we chose, component by component: where in the circuit does the gradient live?

circuit, angles = ansatz(16)
chosen = dla.inspect(circuit, angles=dla.Normal(float(best[16])), **SAMPLING)(angles)
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
pictures = [np.nansum(found.gradient.variance, axis=-1) for found in (wide, chosen)]
top = max(picture.max() for picture in pictures)
for ax, picture, title in zip(axes, pictures, ("uniform angles", f"σ = {best[16]:.2f} rad"), strict=True):
    image = ax.pcolormesh(
        np.log10(np.maximum(picture, top * 1e-6)),
        cmap="cividis",
        vmin=np.log10(top * 1e-6),
        vmax=np.log10(top),
        rasterized=True,
    )
    ax.set(xlabel="qubit", title=title, xlim=(25, 75))
axes[0].set_ylabel("layer")
fig.colorbar(image, ax=axes, label="log₁₀ Var[∂loss/∂angle], X and Y summed")
plt.show()

##############################################################################
# With uniform angles the little that is left is spread over the whole light cone. With the chosen width the strings stay short: the
# gradient lives on the two measured qubits and their neighbours, and there every layer can be seen, the first as well as the last.
#
# Does it pay? The shots that one expectation value needs, until the median component stands out of
# the noise of its own measurement, are in the diagnosis. The median includes all angles that can matter at all, among them those
# at the rim of the light cone; the largest component tells what the first step of training will see.

for name, found in {"uniform": wide, f"σ = {best[16]:.2f}": chosen}.items():
    largest = np.nanmax(found.gradient.variance)
    print(f"{name}: largest component {largest:.2e}, whole gradient {gradient_norm(found):.2e}")

##############################################################################
# Now the initializer is one line of the training script, and its width is not a guess:

rng = np.random.default_rng(0)
start = rng.normal(0, best[16], size=(16, NUM_QUBITS, 2))
print(f"{start.size} angles with standard deviation {start.std():.3f} rad")

##############################################################################
# A warning belongs to it. A start near the identity begins with a visible gradient, and the prediction is about that
# start. Where training leads from there, into a plateau or past it, no statement about random initial angles can tell.
#
# References
# ----------
# Zhang et al., *Escaping from the barren plateau via Gaussian initializations in deep variational quantum circuits*,
# `arXiv:2203.09376 <https://arxiv.org/abs/2203.09376>`__. Grant et al., *An initialization strategy for addressing barren plateaus in
# parametrized quantum circuits*, `arXiv:1903.05076 <https://arxiv.org/abs/1903.05076>`__.
