"""The limit of a deep circuit whose generators are sums of strings, from the commutant.

When the angles make the circuit a 2-design over its Lie group, ``E[c cᵀ]`` is the projection of ``o oᵀ`` on the
matrices that commute with every generator. No assumption is made on the module: equivalent irreducible parts
interfere, and the projection has their cross terms. Where all parts are inequivalent it is the formula of
:mod:`~pennylane_dla.variance.limit` (Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from pennylane_dla.algebra.sums.commutant import Commutant, NotConverged
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.estimate import Declined, VarianceEstimate
from pennylane_dla.variance.module.observable_module import ObservableModule, Search, find_module, searched
from pennylane_dla.variance.problem import Problem

from .result import DeepLimit, Limit, ModuleShare

METHOD = "limit"
MAX_DIM = 768  # the time grows with the third power: some seconds here
_ROUNDING = 1e-11
ABELIAN = (
    "the generators commute: averaged over the torus that their independent angles fill in time, which has more "
    "dimensions than generators where frequencies have no common period"
)


def module_limit(problem: Problem, generators: Sequence[PauliSum], observable: PauliSum) -> DeepLimit:
    r"""Variance of the loss, and of a derivative deep inside, for infinitely deep circuits of these generators.

    .. math::

        E[l^2] = r^T \mathcal{P}(o o^T)\, r, \qquad
        E[(\partial l)^2] = \mathrm{Tr}\,[\mathcal{P}(r r^T)\, A\, \mathcal{P}(o o^T) A^T]

    with :math:`\mathcal{P}` the projection on the commutant. If the module splits into pairwise inequivalent real
    irreducibles, the first is :math:`\sum_\kappa P_\kappa(O) P_\kappa(\rho) / \dim M_\kappa`.

    Args:
        problem: the circuit
        generators: effective generators of its trainable rotations, in order, known gates pushed through
        observable: pushed to the same place

    Returns:
        DeepLimit: one share for each class of equivalent irreducible parts, or why there is none

    Sources: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902; Diaz et al., arXiv:2310.11505.
    """
    module = _module(problem, generators, observable)
    if isinstance(module, Declined):
        return DeepLimit.unavailable(module.reason)
    try:
        commutant = Commutant([_dense(action) for action in module.actions])
        spread = commutant.project(np.outer(module.observable, module.observable))
        seen = commutant.project(np.outer(module.state, module.state))
        whole = float(observable.coefficients @ observable.coefficients)
        mean, shares, conserved = _shares(commutant, module, spread, whole)
    except NotConverged as failure:
        return DeepLimit.unavailable(str(failure))
    size = float(module.observable @ module.observable) * float(module.state @ module.state)
    variance = _clean(float(module.state @ spread @ module.state) - mean**2, size)
    slopes = np.array(
        [
            _clean(float(np.vdot(seen, action @ spread @ action.T)), float(size * np.linalg.norm(action, 2) ** 2))
            for action in commutant.actions
        ]
    )
    per_rotation = slopes[module.which] * module.scales**2
    angles = [angle for angle in problem.effective.angles if not angle.fixed]
    elements = to_elements(angles, per_rotation, problem.ansatz.arguments.num_elements)
    reason = ABELIAN if commutant.abelian else None
    limit = Limit(
        VarianceEstimate(variance, method=METHOD, reason=reason),
        VarianceEstimate(per_rotation, np.zeros_like(per_rotation), METHOD),
        mean + module.constant,
        shares,
        None,
        conserved,
    )
    gradient = VarianceEstimate(elements, np.zeros_like(elements), METHOD)
    return DeepLimit(limit.loss, gradient, limit.loss_mean, limit=limit)


def _module(problem: Problem, generators: Sequence[PauliSum], observable: PauliSum) -> ObservableModule | Declined:
    """The module, with what the engine for finite depth learned of it where no gate is known: they have the same."""
    if any(angle.fixed for angle in problem.effective.angles):
        return find_module(problem, generators, observable, (MAX_DIM,), minimal=True)
    search = searched(problem)
    if search.found is not None and search.found.minimal and search.found.dim <= MAX_DIM:
        return search.found
    return find_module(problem, generators, observable, (MAX_DIM,), True, Search(dict(search.failures)))


def _shares(
    commutant: Commutant, module: ObservableModule, spread: np.ndarray, whole: float
) -> tuple[float, tuple[ModuleShare, ...], float]:
    """The mean, what each class of irreducible parts contributes, and the purity of what no generator moves.

    The module of the state has parts of which the observable (``whole`` is its squared norm) has nothing: they are no
    modules of the observable.
    """
    o, r = module.observable, module.state
    still = commutant.invariants()
    mean = float((r @ still) @ (still.T @ o))
    parts = [part for part in commutant.irreducibles() if _moves(part, still)]
    numbers = commutant.equivalent(parts)
    shares = []
    for number in dict.fromkeys(numbers):
        own = [part for part, j in zip(parts, numbers, strict=True) if j == number]
        basis = np.concatenate(own, axis=1)
        seen = basis.T @ r
        purity = float(np.sum((basis.T @ o) ** 2))
        if purity <= _ROUNDING**2 * whole:
            continue
        shares.append(
            ModuleShare(
                dim=own[0].shape[1],
                observable_purity=purity,
                state_purity=float(seen @ seen),
                variance=float(seen @ (basis.T @ spread @ basis) @ seen),
                components=(len(own),),
            )
        )
    shares.sort(key=lambda share: -share.variance)
    return mean, tuple(shares), float(np.sum((still.T @ o) ** 2))


def _moves(part: np.ndarray, still: np.ndarray) -> bool:
    return not still.shape[1] or bool(np.linalg.norm(still.T @ part) ** 2 < 0.5 * part.shape[1])


def _clean(value: float, size: float) -> float:
    """Zero where it is zero up to rounding."""
    return 0.0 if abs(value) <= _ROUNDING * size else max(float(value), 0.0)


def _dense(action) -> np.ndarray:
    return action.toarray() if scipy.sparse.issparse(action) else action
