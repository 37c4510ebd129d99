"""What one gradient entry costs: the variance of a parameter-shift estimate from a finite number of shots."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float

from pennylane_dla.circuit.ansatz import Ansatz, Rotation
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.variance.estimate import Prediction, as_float


def shift_weights(ansatz: Ansatz) -> Float[np.ndarray, " num_elements"]:
    """``Σ_k a_k² Σ_j (2c_j)²`` for each element: what the parameter-shift rule multiplies the shot variance with.

    ``∂l/∂θ = Σ_k a_k Σ_j 2c_j (l(α_j + π/2) − l(α_j − π/2))/2``, summed over the gates ``k`` that ``θ`` drives and
    their strings ``j``; each of the two losses is measured with the same number of shots.
    """
    if ansatz not in _known:
        _known[ansatz] = _weights(ansatz)
    return _known[ansatz]


_known: WeakKeyDictionary[Ansatz, np.ndarray] = WeakKeyDictionary()


def _weights(ansatz: Ansatz) -> Float[np.ndarray, " num_elements"]:
    weights = np.zeros(ansatz.arguments.num_elements)
    for gate in ansatz.gates:
        if isinstance(gate, Rotation) and not gate.angle.fixed:
            strength = sum((2 * c) ** 2 for c in gate.coefficients)
            coefficients = gate.angle.coefficients if gate.angle.affine else (1.0,) * len(gate.angle.elements)
            for element, coefficient in zip(gate.angle.elements, coefficients, strict=True):
                weights[element] += coefficient**2 * strength
    return weights


def shot_variance(observable: PauliSum | ProjectorProduct, prediction: Prediction) -> float:
    """Variance of a single shot, averaged over the law of the angles.

    One string: ``1 − E[l²]`` times its squared coefficient. A projector: ``E[l] − E[l²]``. A sum of strings, each
    measured with the same number of shots: at most ``Σ_j c_j²``, which is what is used.
    """
    if isinstance(observable, ProjectorProduct):
        mean = mean_probability(observable, prediction)
        variance = as_float(prediction.loss.value) if prediction.loss.available else 0.0
        return max(0.0, mean - float(np.mean(variance)) - mean**2)
    total = observable.purity()
    if len(observable) == 1 and prediction.loss.available and prediction.loss_mean is not None:
        traceless_mean = prediction.loss_mean - observable.constant
        total -= float(np.mean(as_float(prediction.loss.value))) + traceless_mean**2
    return max(0.0, total)


def mean_probability(observable: ProjectorProduct, prediction: Prediction) -> float:
    """``E[l]`` of a projector: how often its outcome comes, on average; ``2^-k`` where it was not computed."""
    if prediction.loss_mean is None:
        return 2.0 ** -len(observable.wires)
    return max(0.0, float(prediction.loss_mean))
