"""Parameters whose gradient vanishes identically, found from the algebra of the circuit: sampling cannot tell them
from small ones.

A rotation does nothing to the state if its generator stabilizes it, ``Pρ = ±ρ``, and commutes with all earlier
rotations that do something; it does nothing to the observable if it commutes with its terms and with all later
rotations that do something.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from pennylane_dla.circuit.ansatz import ProductState, State
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import anticommutation_matrix, anticommute, pack

from .estimate import Prediction, VarianceEstimate

MAX_WORK = 10**8  # words compared


def dead_rotations(effective: EffectiveAnsatz, observable: PauliSum | None) -> Bool[np.ndarray, " rotations"]:
    """Which rotations by single strings never change the loss.

    Args:
        effective: a circuit of single-string generators
        observable: pushed through the Cliffords; ``None`` to look from the side of the state only

    Returns:
        true where the derivative is identically zero; a rotation may be dead for other reasons too
    """
    strings = effective.strings
    from_state = _without_effect(strings, _stabilizes(effective.state, strings))
    if effective.channels:  # noise between them may change the state that they would leave alone
        from_state = np.zeros(len(strings), bool)
    if observable is None or len(strings) * len(observable) * strings.x.shape[1] > MAX_WORK:
        return from_state
    commuting = ~np.any(anticommutation_matrix(strings, observable.strings), axis=1)
    if effective.channels:
        commuting[:] = False
    return from_state | _without_effect(strings[::-1], commuting[::-1])[::-1]


def _stabilizes(state: State, strings: PauliStrings) -> Bool[np.ndarray, " m"]:
    if not isinstance(state, ProductState):
        return np.zeros(len(strings), bool)
    x, y, z = (pack((np.abs(np.abs(state.bloch[:, axis]) - 1) < 1e-12).astype(np.uint8)) for axis in range(3))
    mixed = ~(x | y | z)  # no letter but the identity stabilizes these
    wrong = (strings.x & z) | (strings.z & x) | ((strings.x ^ strings.z) & y) | ((strings.x | strings.z) & mixed)
    return ~np.any(wrong, axis=1)


def _without_effect(strings: PauliStrings, candidates: Bool[np.ndarray, " m"]) -> Bool[np.ndarray, " m"]:
    """Candidates that commute with everything before them that has an effect."""
    dead = np.zeros(len(strings), bool)
    work = 0
    for k in np.flatnonzero(candidates):
        work += k * strings.x.shape[1]
        if work > MAX_WORK:
            break
        before = strings[np.flatnonzero(~dead[:k])]
        dead[k] = not anticommute(strings[int(k)], before).any()
    return dead


def mark_dead(prediction: Prediction, effective: EffectiveAnsatz, observable: PauliSum | None) -> Prediction:
    """Write exact zeros into a sampled gradient where the derivative is identically zero.

    Args:
        prediction: of an engine with errors
        effective: a circuit of single-string generators with independent angles
        observable: pushed through the Cliffords, or ``None``

    Returns:
        the prediction, with value, error and interval 0 there
    """
    dead = dead_rotations(effective, observable)
    elements = {e for k in np.flatnonzero(dead) for e in effective.angles[k].elements}
    alive = {e for k in np.flatnonzero(~dead) for e in effective.angles[k].elements}
    index = np.array(sorted(elements - alive), int)
    if not len(index):
        return prediction

    mean = prediction.gradient_mean
    return replace(
        prediction,
        gradient=_zeroed(prediction.gradient, index),
        gradient_mean=None if mean is None or not mean.available else _zeroed(mean, index),
    )


def _zeroed(estimate: VarianceEstimate, index: np.ndarray) -> VarianceEstimate:
    def zeroed(values):
        values = np.array(np.broadcast_to(np.asarray(values, float), np.shape(estimate.value)))
        values[index] = 0.0
        return values

    interval = estimate.interval and tuple(zeroed(end) for end in estimate.interval)
    return replace(estimate, value=zeroed(estimate.value), stderr=zeroed(estimate.stderr), interval=interval)
