"""Why a gradient is small: the four causes of Ragone et al. (arXiv:2309.09342), each with its figures."""

from __future__ import annotations

import numpy as np

from pennylane_dla.algebra.naming import format_dimension
from pennylane_dla.variance.estimate import Prediction, as_float
from pennylane_dla.variance.limit.result import DeepLimit

from .records import Cause

WORTH_NAMING = 0.1  # a factor below it is a cause


def find_causes(limit: DeepLimit, prediction: Prediction, noiseless: Prediction | None) -> tuple[Cause, ...]:
    """The factors below one of ``Var[l] = P(O) · ⟨1/dim⟩ · ⟨P(ρ)⟩`` in the deep limit, and the damping by noise.

    Args:
        limit: of the deep circuit
        prediction: at the given depth
        noiseless: the same without channels, where there are some

    Returns:
        the causes that cost at least a factor ten, the largest first
    """
    causes = []
    found = limit.limit
    share, factor = (None, None) if found is None else (found.expressiveness, found.state_factor)
    if found is not None and share is not None and factor is not None:
        moves = f"the observable moves in modules of dimension {format_dimension(round(1 / share))}"
        causes.append(Cause("expressiveness", moves, float(share)))
        state = float(min(factor, 1))  # beyond 1 it is no cause, and may be too large for a float
        causes.append(Cause("initial state", f"its purity in those modules is {state:.3g}", state))
        purity = float(found.observable_purity)
        causes.append(Cause("observable", f"its moving terms have squared norm {purity:.3g}", purity))
    if noiseless is not None and noiseless.loss.available and prediction.loss.available:
        before = float(np.mean(as_float(noiseless.loss.value)))
        if before > 0:
            factor = float(np.mean(as_float(prediction.loss.value))) / before
            causes.append(Cause("noise", f"it damps the loss variance by a factor {factor:.3g}", factor))
    small = [cause for cause in causes if cause.factor < WORTH_NAMING]
    return tuple(sorted(small, key=lambda cause: cause.factor))
