"""Exact finite-depth second moments by propagating Pauli strings (:mod:`~pennylane_dla.variance.exact`).

In the Heisenberg picture a rotation ``exp(-iαP/2)`` takes a string ``Q`` that anticommutes with ``P`` to
``cos α Q + sin α (iPQ)``. The second moment of the loss needs the pairs ``Q ⊗ Q'``; averaged over ``α`` each gate is a
linear map on their weights, so is its derivative, and two sweeps (one from each end) give the loss and every gradient
component. The pairs are kept by their difference ``R = Q + Q'`` (``sectors.py``): for independent uniform angles and
one term only ``R = 0``. Where all rotations that the observable meets commute, nothing is
enumerated (``commuting.py``).

References: West et al., arXiv:2502.16404; Heyraud et al., arXiv:2302.04649.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pennylane_dla.allowance import checkpoint
from pennylane_dla.circuit.effective import EffectiveAnsatz
from pennylane_dla.pauli import PauliStrings, ProjectorProduct, StringTable
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.first_moment import mean_losses
from pennylane_dla.variance.gradient_mean import mean_by_rotation, zero_mean
from pennylane_dla.variance.observables import Family, distinct_rows, families, pushed
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.reach import light_cone, reachable, restrict, shifted
from pennylane_dla.variance.shares import in_turn, variance_of
from pennylane_dla.variance.steps import Steps, circuit_steps

from . import commuting
from .pair_sweep import Space, Weights, direct_index, sweep
from .sectors import pair_weights, surviving_sectors, term_partners

METHOD = "exact"
ROUNDING = 1e-13  # of a difference of second moments, relative
MAX_DENSE_QUBITS = 11  # 4^11 weights: 32 MiB
SMALL_TABLE = 2**14  # beyond, direct addressing (where it fits) is faster than a table of partners
MAX_PROJECTOR_WIRES = 12


def predict(problem: Problem) -> Prediction:
    """Exact variance of the loss and of every gradient component at the given depth.

    ``Var[l] = Σ_{Q,Q'} E_{QQ'} Tr[ρQ] Tr[ρQ'] − E[l]²``.

    Args:
        problem: a circuit whose generators are single strings with independent angles

    Returns:
        exact values, or the reason why this engine does not apply
    """
    return predict_together([problem])[0]


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """The same for several observables of one circuit.

    Observables with the same strings share these and the pairs of them; both ends of the walk do not know signs but
    where terms interfere, so that most outcomes of ``probs`` have the same second moments.

    Args:
        problems: of one circuit and law

    Returns:
        one prediction each
    """
    first = problems[0]
    effective = first.effective
    results: dict[int, Prediction] = {}
    open_problems = []
    for i, problem in enumerate(problems):
        observable = problem.observable
        if isinstance(observable, ProjectorProduct) and len(observable.wires) > MAX_PROJECTOR_WIRES:
            reason = f"a projector on {len(observable.wires)} wires has too many terms to enumerate"
            results[i] = Prediction.unavailable(reason)
        else:
            open_problems.append(i)
    if not open_problems:
        return list(results.values())
    steps = circuit_steps(effective, first.law)
    if isinstance(steps, Declined):
        return [results.get(i) or Prediction.unavailable(steps.reason) for i in range(len(problems))]
    groups = families([problems[i].observable for i in open_problems])
    found = in_turn(
        lambda family: _predict_family(first, pushed(family, effective.clifford), steps),
        groups,
        lambda family: len(family.members),
        lambda family: variance_of(problems[open_problems[family.members[0]]]),
    )
    for family, predictions in zip(groups, found, strict=True):
        for member, prediction in zip(family.members, predictions, strict=True):
            results[open_problems[member]] = prediction
    return [results[i] for i in range(len(problems))]


def _predict_family(problem: Problem, family: Family, steps: Steps) -> list[Prediction]:
    """Observables with the same strings, pushed through the Cliffords."""
    effective, count = problem.effective, len(family.members)
    if not len(family.strings):  # a multiple of the identity
        zero = VarianceEstimate(0.0, method=METHOD)
        gradient = zero_mean(problem.ansatz.arguments.num_elements, METHOD)
        return [
            Prediction(zero, gradient, float(constant), {"strings": 0}, gradient_mean=gradient)
            for constant in family.constants
        ]
    closed = commuting.predict_family(problem, family, steps)
    if not isinstance(closed, Declined):
        return closed

    task = _prepare(effective, family, steps, problem.budget)
    if isinstance(task, Declined):
        return [Prediction.unavailable(task.reason)] * count
    mode = "pairs" if len(task.space.sectors) > 1 else "diagonal"
    memory = problem.budget.max_memory
    seconds, derivative_seconds = sweep(task.space, task.weights, task.ends, mode, memory)
    live = task.space.steps
    trainable = np.array([k >= 0 and not effective.angles[k].fixed for k in live.rotation], bool)
    if np.any(live.moments[trainable, :2]):
        traceless, derivative_means = sweep(task.space, task.first_weights, task.overlap, "first", memory)
    else:
        traceless = mean_losses(steps, family.strings, family.coefficients, effective.state)
        derivative_means = np.zeros((count, len(live)))
    rotations, result = live.rotation >= 0, []
    statistics = {"strings": task.space.num_strings, "sectors": len(task.space.sectors)}
    known: dict[tuple, tuple[VarianceEstimate, VarianceEstimate, VarianceEstimate]] = {}
    for row, number in enumerate(task.which):
        mean = traceless[row]
        key = number, float(mean), derivative_means[row].tobytes()
        if key not in known:
            per_rotation, means = np.zeros((2, effective.num_rotations))
            derivative = _difference(derivative_seconds[number], derivative_means[row] ** 2)
            per_rotation[live.rotation[rotations]] = derivative[rotations]
            means[live.rotation[rotations]] = derivative_means[row][rotations]
            means *= np.sign(effective.coefficients)  # the moments are those of the signed angle
            elements = to_elements(effective.angles, per_rotation, problem.ansatz.arguments.num_elements)
            variance = float(_difference(seconds[number], mean**2))
            loss = _loss(variance, float(seconds[number]) if trainable.any() else 0.0)
            gradient = VarianceEstimate(elements, np.zeros_like(elements), METHOD)
            known[key] = loss, gradient, mean_by_rotation(problem, means, METHOD)
        loss, gradient, gradient_mean = known[key]
        constant = float(family.constants[row])
        result.append(Prediction(loss, gradient, float(mean) + constant, statistics, gradient_mean=gradient_mean))
    return result


def _loss(variance: float, second: float) -> VarianceEstimate:
    """A variance that is rounding error of ``E[l²] − E[l]²`` is known to be small, not to be 0."""
    if variance > 0 or second == 0:
        return VarianceEstimate(variance, method=METHOD)
    rounding = ROUNDING * second
    reason = "smaller than the rounding error of E[l²] − E[l]²"
    return VarianceEstimate(0.0, rounding, METHOD, False, (0.0, rounding), reason)


@dataclass(frozen=True, eq=False)
class _Task:
    """The two ends of one computation, and the space between them."""

    space: Space
    weights: Weights  # c_Q c_{Q+R}, those that differ
    which: list[int]  # for each observable the number of its weights
    ends: np.ndarray  # (sectors, strings): Tr[ρQ] Tr[ρ(Q+R)]
    first_weights: Weights  # c_Q
    overlap: np.ndarray  # (1, strings): Tr[ρQ]


def _prepare(effective: EffectiveAnsatz, family: Family, steps: Steps, budget: Budget) -> _Task | Declined:
    """Find the strings and the pairs that matter, or say which budget they exceed."""
    terms, num_wires = family.strings, effective.num_wires
    qubits = light_cone(terms, steps)
    cap = SMALL_TABLE if len(qubits) <= MAX_DENSE_QUBITS else budget.max_dim
    table, moves = reachable(terms, steps, cap)
    if isinstance(table, Declined):
        if len(qubits) > MAX_DENSE_QUBITS:
            return table
        table = None
    if table is not None:
        damping = ~steps.moving | (steps.rotation < 0)
        steps = steps[np.flatnonzero(moves | damping)]
        qubits = np.flatnonzero(np.any(np.bitwise_or(*table.strings.bits()), axis=0))
    num_strings = len(table) if table else 4 ** len(qubits)
    max_sectors = max(1, budget.max_memory // (8 * 64 * num_strings))
    sectors = surviving_sectors(terms, steps, max_sectors)
    if sectors is None:
        return Declined(f"more than {max_sectors} pairs of terms survive (max_memory)")

    if table is None:
        members = all_strings(qubits, num_wires)
        index = direct_index(restrict(terms, qubits))
    else:  # sorted by what they are on the qubits that matter
        table = StringTable.of(restrict(table.strings, qubits))
        members, index = extend(table.strings, qubits, num_wires), table.find(restrict(terms, qubits))
    overlap = effective.state.expectation(members)
    ends = np.zeros((len(sectors), num_strings))
    for r in range(len(sectors)):
        checkpoint()
        ends[r] = overlap * effective.state.expectation(shifted(members, sectors[r]))
    partners = term_partners(terms, sectors)
    leaders, which = distinct_rows(pair_weights(row, partners) for row in family.coefficients)
    weights = Weights(index, tuple(pair_weights(family.coefficients[i], partners) for i in leaders))
    first_weights = Weights(index, tuple(family.coefficients[:, None]))

    def on_qubits(strings):
        return restrict(strings, qubits)

    steps = _without_outer_decay(steps, qubits)
    space = Space(steps.map_strings(on_qubits), table, num_strings, len(qubits), on_qubits(sectors))
    return _Task(space, weights, which, ends, first_weights, overlap[None])


def _without_outer_decay(steps: Steps, qubits: np.ndarray) -> Steps:
    """Steps that move strings of ``qubits`` alone: what leads out of them moves none.

    Seen on ``qubits`` only, such a channel would look like one that leaves every string where it is and adds to it.
    """
    bits = np.bitwise_or(*steps.shift.bits()).astype(bool)
    bits[:, qubits] = False
    return replace(steps, decay=np.where(bits.any(axis=1), 0.0, steps.decay))


def all_strings(qubits: np.ndarray, num_wires: int) -> PauliStrings:
    """All ``4^k`` strings on ``qubits``, in the order of :func:`direct_index`."""
    k = len(qubits)
    index = np.arange(4**k, dtype=np.uint32)[:, None]
    return extend(PauliStrings(index & np.uint32(2**k - 1), index >> np.uint32(k), k), qubits, num_wires)


def extend(strings: PauliStrings, qubits: np.ndarray, num_wires: int) -> PauliStrings:
    """Strings on some ``qubits`` as strings on all."""
    bits = np.zeros((2, len(strings), num_wires), np.uint8)
    bits[:, :, qubits] = strings.bits()
    return PauliStrings.from_bits(*bits)


def _difference(second, squared_mean):
    """``E[l²] − E[l]²``, with what is rounding error set to zero."""
    variance = np.asarray(second - squared_mean)
    return np.where(variance <= ROUNDING * np.abs(second), 0.0, variance)
