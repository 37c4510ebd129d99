r"""The limit of a deep circuit on its state, on its sector ``K`` (:mod:`~pennylane_dla.variance.sector`).

Where the group is all of su(d), so(d) or sp(d) on ``K``, the operators on ``K`` are one irreducible module, or two,
told apart by the transposition that the invariant form ``J`` defines, ``X \mapsto J^{-1} X^T J``. With ``A_κ`` and
``ρ_κ`` the parts of observable and state in module ``κ``, without multiples of 1,

.. math::

    Var[l] = \sum_\kappa \frac{Tr[A_\kappa^2]\, Tr[\rho_\kappa^2]}{\dim M_\kappa}, \qquad
    E[(\partial l)^2] = \sum_\kappa \frac{Tr[A_\kappa^2]\, Tr[\rho_\kappa^2]}{\dim M_\kappa}
    \cdot \frac{Tr_\kappa[-ad_G^2]}{\dim M_\kappa}.

For a pure state that is ``(Tr A² − (Tr A)²/d)/(d(d+1))`` (su, sp), and for so and a real state
``2 (Tr A² − (Tr A)²/d)/(d(d+2))`` with the symmetric part of ``A``. Other groups are averaged by projecting on what
commutes with them, on the ``d²`` operators, where that is affordable.

Sources: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Inexact

from pennylane_dla.algebra.sums.commutant import Commutant, NotConverged
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.estimate import Declined, VarianceEstimate
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.sector.engine import observables_on, obstacle
from pennylane_dla.variance.sector.first import MAX_DIM, MAX_STATES
from pennylane_dla.variance.sector.group import Group, irreducible_parts, recognize
from pennylane_dla.variance.sector.pushed import Pushed, push_known
from pennylane_dla.variance.sector.sector import Sector, find_sector
from pennylane_dla.variance.sector.walk import SectorWalk

from .result import DeepLimit, Limit, ModuleShare

METHOD = "limit"
MAX_PROJECTED = 27  # d, beyond: the projection works with matrices of d² rows
_ROUNDING = 1e-11


_known: WeakKeyDictionary[Sector, _OnSector] = WeakKeyDictionary()  # the same for all observables


def sector_limit(
    problem: Problem, sector: Sector, observable: Inexact[np.ndarray, "d d"], projected: bool = True
) -> DeepLimit:
    """Variance of the loss, and of a derivative deep inside, for infinitely deep circuits of these generators.

    Args:
        problem: the circuit
        sector: of the circuit
        observable: on the sector
        projected: whether groups without a closed form are averaged too

    Returns:
        DeepLimit: the limit, or the reason why there is none
    """
    if sector not in _known:
        _known[sector] = _OnSector(push_known(SectorWalk(sector, problem.effective.angles)), sector.density)
    shared = _known[sector]
    pushed = shared.pushed
    if not pushed.which:
        return DeepLimit.unavailable("no gate is trainable")
    seen = pushed.observable(observable)
    if shared.group is not None:
        variance, slopes, mean, shares = _closed(shared.group, pushed.generators, seen, shared.density)
    elif not projected or sector.dim > MAX_PROJECTED:
        return DeepLimit.unavailable(
            f"the group on the {sector.dim} dimensions of the state is none with a closed form"
        )
    else:
        try:
            variance, slopes, mean, shares = _projected(shared, seen)
        except NotConverged as failure:
            return DeepLimit.unavailable(str(failure))
    per_rotation = np.array([slopes[g] * scale**2 for g, scale in zip(pushed.which, pushed.scales, strict=True)])
    return _prediction(problem, pushed, variance, per_rotation, mean, shares)


def limit_on_sector(problem: Problem, projected: bool = True) -> DeepLimit:
    """:func:`sector_limit`, where the sector is small and found at once.

    Args:
        problem: the circuit and one observable
        projected: whether groups without a closed form are averaged too
    """
    sector = obstacle(problem) or find_sector(problem.ansatz, min(MAX_DIM, problem.budget.max_dim), MAX_STATES)
    if isinstance(sector, Declined):
        return DeepLimit.unavailable(sector.reason)
    return sector_limit(problem, sector, observables_on(sector, problem)[0], projected)


def _whole_group(pushed: Pushed) -> Group | None:
    d = pushed.generators[0].shape[0]
    if d == 1:
        return None
    parts = irreducible_parts(pushed.generators)
    if parts is None or len(parts) > 1:
        return None
    group = recognize(pushed.generators, np.eye(d))
    if group.family is None or (group.family == "so" and d in (2, 4)):  # so(2) is abelian, so(4) has two ideals
        return None
    return group


@dataclass(frozen=True, eq=False)
class _Part:
    """A module: a projection of operators, its dimension, and ``Tr_κ[-ad_G²] = index · Tr[G²]`` for traceless ``G``."""

    project: Callable[[np.ndarray], np.ndarray]
    dim: int
    index: float


def _modules(group: Group) -> list[_Part]:
    d = group.dim
    if group.form is None:
        return [_Part(lambda x: x, d * d - 1, 2.0 * d)]
    form, sign = group.form, 1 if group.family == "so" else -1

    def turned(x):
        return form.conj().T @ x.T @ form  # the form is unitary

    even, odd = d * (d + sign) // 2 - 1, d * (d - sign) // 2
    parts = [
        _Part(lambda x: (x + turned(x)) / 2, even, d + 2.0 * sign),
        _Part(lambda x: (x - turned(x)) / 2, odd, d - 2.0 * sign),
    ]
    return [part for part in parts if part.dim]  # sp(2) has one module only


def _closed(group: Group, generators: Sequence[np.ndarray], observable: np.ndarray, rho: np.ndarray):
    d = group.dim
    mean = float(np.trace(observable).real) / d
    one = np.eye(d)
    moving, state = observable - mean * one, rho - one / d
    squares = np.array([np.linalg.norm(g - np.trace(g) / d * one) ** 2 for g in generators])
    variance, slopes, shares = 0.0, np.zeros(len(generators)), []
    for part in _modules(group):
        ours, its = (float(np.linalg.norm(part.project(x)) ** 2) for x in (moving, state))
        share = ours * its / part.dim
        variance += share
        slopes += share * part.index * squares / part.dim
        if ours > _ROUNDING**2 * np.linalg.norm(observable) ** 2:
            shares.append(ModuleShare(part.dim, ours / d, d * its, share, (0,)))
    return variance, slopes, mean, tuple(sorted(shares, key=lambda share: -share.variance))


def _projected(shared: _OnSector, observable: np.ndarray):
    """By the commutant on the Hermitian matrices."""
    commutant, r = shared.commutant, shared.coordinates
    o = _coordinates(observable, shared.basis)
    spread = commutant.project(np.outer(o, o))
    still = commutant.invariants()
    mean = float((r @ still) @ (still.T @ o))
    size = float((o @ o) * (r @ r))
    variance = _clean(float(r @ spread @ r) - mean**2, size)
    slopes = [
        _clean(float(np.vdot(shared.state_spread, a @ spread @ a.T)), float(size * np.linalg.norm(a, 2) ** 2))
        for a in commutant.actions
    ]
    return variance, np.array(slopes), mean, ()


@dataclass(eq=False)
class _OnSector:
    """What the limits of all observables on a sector have in common, computed when it is needed.

    Args:
        pushed: the generators, known gates pushed through
        density: of the initial state
    """

    pushed: Pushed
    density: np.ndarray

    @cached_property
    def group(self) -> Group | None:
        """Where the limit has a closed form."""
        return _whole_group(self.pushed)

    @cached_property
    def basis(self) -> np.ndarray:
        """Of the Hermitian matrices."""
        return _hermitian_basis(self.pushed.generators[0].shape[0])

    @cached_property
    def commutant(self) -> Commutant:
        """Of the generators on these."""
        return Commutant([_action(g, self.basis) for g in self.pushed.generators])

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Of the state."""
        return _coordinates(self.density, self.basis)

    @cached_property
    def state_spread(self) -> np.ndarray:
        """Its second moment, averaged."""
        return self.commutant.project(np.outer(self.coordinates, self.coordinates))


def _hermitian_basis(d: int) -> Inexact[np.ndarray, "operators d d"]:
    """Orthonormal under ``Tr[XY]``."""
    basis = np.zeros((d * d, d, d), complex)
    basis[np.arange(d), np.arange(d), np.arange(d)] = 1
    a, b = np.triu_indices(d, 1)
    first, second = d + np.arange(len(a)), d + len(a) + np.arange(len(a))
    basis[first, a, b] = basis[first, b, a] = np.sqrt(0.5)
    basis[second, a, b], basis[second, b, a] = -1j * np.sqrt(0.5), 1j * np.sqrt(0.5)
    return basis


def _coordinates(matrix: np.ndarray, basis: np.ndarray) -> Float[np.ndarray, " m"]:
    return np.real(basis.reshape(len(basis), -1).conj() @ matrix.ravel())


def _action(generator: np.ndarray, basis: np.ndarray) -> Float[np.ndarray, "m m"]:
    """``i[G, ·]``, skew."""
    images = 1j * (generator @ basis - basis @ generator)
    flat = basis.reshape(len(basis), -1)
    matrix = (flat.conj() @ images.reshape(len(basis), -1).T).real
    return (matrix - matrix.T) / 2


def _clean(value: float, size: float) -> float:
    return 0.0 if abs(value) <= _ROUNDING * size else max(float(value), 0.0)


def _prediction(problem: Problem, pushed: Pushed, variance, per_rotation, mean, shares) -> DeepLimit:
    angles = [problem.effective.angles[k] for k in pushed.rotations]
    elements = np.zeros(problem.ansatz.arguments.num_elements)
    for angle, value in zip(angles, per_rotation, strict=True):  # one that drives several: the largest
        alone = to_elements([angle], np.array([value]), len(elements))
        elements = np.maximum(elements, alone)
    every = VarianceEstimate(per_rotation, np.zeros_like(per_rotation), METHOD)
    limit = Limit(VarianceEstimate(float(variance), method=METHOD), every, mean, shares, None)
    gradient = VarianceEstimate(elements, np.zeros_like(elements), METHOD)
    return DeepLimit(limit.loss, gradient, limit.loss_mean, limit=limit)
