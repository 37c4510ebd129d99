"""Monte Carlo over Pauli paths: the variance of the loss and of every gradient component, at any number of
qubits.

For independent uniform angles ``E[l²]`` is the expected end weight of a random walk on Pauli strings that
goes through the circuit from its last gate to its first, and ``E[(∂l/∂α_k)²]`` is the same expectation over
the paths that anticommute with ``P_k`` on arriving at rotation ``k`` (:mod:`~pennylane_dla.variance.paths`). Paths
are sampled 32 to a word; one sweep serves all gradient components.

Two things are not sampled: which terms interfere (``term_classes.py``), and the first single-wire gates of each wire,
which are integrated into the end weight (``gate_table.py``). Where that leaves too few hits, the commuting block next
to the state is integrated instead (``state_block.py``). Where the state is fewer strings than the observable, paths run
the other way (``state_side.py``).

References: Heyraud et al., arXiv:2302.04649.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pennylane_dla.allowance import current
from pennylane_dla.circuit.ansatz import Ansatz, Channel, Rotation
from pennylane_dla.pauli import ProjectorProduct
from pennylane_dla.progress import Count
from pennylane_dla.variance.chain_rule import to_elements
from pennylane_dla.variance.estimate import Declined, Prediction, VarianceEstimate
from pennylane_dla.variance.gradient_mean import zero_mean
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.shares import in_turn, one_by_one, variance_of

from . import pair_paths, sharding
from .batches import LEAST_BATCHES, StagedWalk, Walk, batch, num_gates, staged_batch
from .gate_table import light_cone, quarter, sources
from .intervals import replicate_interval, standard_error, weighted_interval
from .state_block import state_block
from .state_side import StateStrings
from .term_classes import EXPANDED_PROJECTOR, TermClasses, classify_terms, letters_of, projector_terms
from .totals import Totals

METHOD = "paths"
UNEVEN = 100.0  # split where so many paths are worth one
GAIN = 4.0  # what a path must be worth more with a block in its end weight,
BLOCK_WORK = 10_000  # which costs a few times the walk at so many steps of an elimination
PILOT = 2**40  # number of the batch that decides


def predict_together(problems: Sequence[Problem]) -> list[Prediction]:
    """:func:`predict` for several observables of one circuit.

    Projectors on the same wires have the same strings with other signs, which do not matter to paths whose terms do
    not interfere: one of them is sampled.
    """
    groups: dict[object, list[int]] = {}
    for i, problem in enumerate(problems):
        wires = problem.observable.wires if isinstance(problem.observable, ProjectorProduct) else i
        groups.setdefault((wires, problem.kind), []).append(i)
    results: dict[int, Prediction] = {}
    found = in_turn(
        lambda group: _outcomes([problems[i] for i in group]),
        list(groups.values()),
        len,
        lambda group: variance_of(problems[group[0]]),
    )
    for group, predictions in zip(groups.values(), found, strict=True):
        for i, prediction in zip(group, predictions, strict=True):
            results[i] = prediction
    return [results[i] for i in range(len(problems))]


def _outcomes(problems: Sequence[Problem]) -> list[Prediction]:
    """Projectors on the same wires, or one problem."""
    first, signs_matter = _sampled(problems[0])
    if not signs_matter:
        return [first] * len(problems)
    return [first, *one_by_one(predict, problems[1:], variance_of)]


def predict(problem: Problem) -> Prediction:
    """Estimate the variance of the loss and of every gradient component from sampled Pauli paths.

    Args:
        problem: a circuit of rotations by single strings with independent angles

    Returns:
        estimates with standard errors and 95 % confidence intervals, or the reason why this engine does not
        apply

    **Example**

    >>> from pennylane_dla.circuit.ansatz import Angle, Ansatz, Arguments, ProductState
    >>> from pennylane_dla.pauli import PauliSum
    >>> from pennylane_dla.variance.law import AngleLaw
    >>> gates = tuple(Rotation((w,), ("X",), (0.5,), Angle(0.0, (w,), (1.0,))) for w in range(2))
    >>> arguments = Arguments(("weights",), ((2,),), np.full(2, 2 * np.pi), lambda rows: rows)
    >>> ansatz = Ansatz((0, 1), gates, ProductState.zero(2), (), arguments)
    >>> prediction = predict(Problem(ansatz, PauliSum.from_dict({"ZZ": 1.0}), AngleLaw.resolve(None, arguments)))
    >>> prediction.loss.value, prediction.gradient.value.tolist()  # E[cos² cos²], both integrated exactly here
    (0.25, [0.25, 0.25])
    """
    return _sampled(problem)[0]


def _sampled(problem: Problem) -> tuple[Prediction, bool]:
    """The prediction, and whether it would be another one with other signs of the observable's terms."""
    declined = _obstacle(problem.ansatz)
    if declined:
        return Prediction.unavailable(declined.reason), False
    observable = problem.observable
    if isinstance(observable, ProjectorProduct) and len(observable.wires) <= EXPANDED_PROJECTOR:
        observable = observable.expand()
    gates, num_wires = problem.ansatz.gates, problem.ansatz.num_wires
    kept = light_cone(gates, letters_of(observable, num_wires))
    quarters = [quarter(gate) for gate in gates]
    for position in kept:
        if quarters[position] is None and not _walks(problem, gates[position]):
            return pair_paths.predict(problem, observable, kept, rounds), True
    if isinstance(observable, ProjectorProduct):
        terms = projector_terms(observable, gates, kept, quarters)
        if isinstance(terms, Declined):
            return Prediction.unavailable(terms.reason), False
    else:
        terms = classify_terms(observable, gates, kept, quarters, problem.ansatz.state)
        if any(isinstance(gates[k], Channel) for k in kept) and (terms.interfering or terms.still):
            return pair_paths.predict(problem, observable, kept, rounds), True
        if not len(terms.leaders):
            return _constant(problem, terms.mean), True
    walk = Walk.prepare(problem, observable, terms, kept, quarters)

    def with_block() -> Walk | None:
        if isinstance(terms, TermClasses) and terms.interfering:
            return None
        block = state_block(problem.effective, kept, walk.table.active)
        if block is None or {*block.gates} <= {position for position, _, _ in walk.table.absorbed}:
            return None
        return Walk.prepare(problem, observable, terms, kept, quarters, block)

    signs_matter = isinstance(terms, TermClasses) and (terms.interfering or terms.still > 0)
    return _prediction(problem, *run(walk, problem.budget, with_block)), signs_matter


def _obstacle(ansatz: Ansatz) -> Declined | None:
    """A gate that paths cannot walk through as it stands, before neighbours are merged."""
    for position, gate in enumerate(ansatz.gates):
        if isinstance(gate, Rotation) and not gate.single:
            return Declined(
                f"the generator of {gate.name or 'gate'} {position} is a sum of {len(gate.strings)} strings"
            )
    for element, positions in sources(ansatz.gates).items():
        if len(positions) > 1:
            return Declined(
                f"{ansatz.arguments.label(element)} drives {len(positions)} gates: their angles are correlated"
            )
    return None


def _walks(problem: Problem, gate) -> bool:
    """Whether a gate that is no quarter turn is a uniform rotation or a Pauli channel."""
    if isinstance(gate, Channel):
        return gate.diagonal and len(gate.wires) <= 2
    if gate.angle.fixed:
        return False
    return problem.law.uniform or np.allclose(problem.law.moments(gate.angle), (0, 0, 0.5, 0.5, 0), atol=1e-12)


def _constant(problem: Problem, mean: float) -> Prediction:
    """No term moves: the loss does not depend on the parameters."""
    zeros = zero_mean(problem.ansatz.arguments.num_elements, METHOD)
    return Prediction(VarianceEstimate(0.0, method=METHOD), zeros, mean, {"paths": 0}, gradient_mean=zeros)


def rounds(samples: int, batch: int) -> Iterator[list[tuple[int, int]]]:
    """Batches ``(number, paths that count)`` in rounds of doubling size; after each one sampling may stop."""
    number, size, left = 0, 1, samples
    while left > 0:
        batches = []
        while left > 0 and len(batches) < size:
            batches.append((number, min(batch, left)))
            number, left = number + 1, left - batches[-1][1]
        size = number
        yield batches


def run(
    walk: Walk, budget: Budget, with_block: Callable[[], Walk | None] = lambda: None
) -> tuple[Walk, Totals, Totals | None]:
    """Sample until the budget's relative error is reached, or its samples are used up.

    Args:
        walk: of the circuit
        budget: limits
        with_block: the same circuit with more of it averaged into the end weight, where that is possible; asked for
            if few of the first paths say something

    Returns:
        the walk that was taken, what it left, and with splitting the plain paths before it, which bound what it has
        not seen
    """
    progress = Count(budget.samples)
    totals, first = Totals.zero(num_gates(walk)), None
    for batches in rounds(budget.samples, walk.paths):
        part = _round(walk, budget.seed, batches, batch, progress)
        totals.add(part)
        if _accurate(totals, budget.rtol) or part.samples < sum(counted for _, counted in batches):
            break
        if totals.samples == walk.paths and totals.unevenness() > UNEVEN:  # after the first batch
            blocked = with_block()
            if blocked is not None and _better(blocked, totals, budget, progress):
                return run(blocked, _affordable(blocked, budget))
            staged = StagedWalk.prepare(walk, budget)
            if staged is not None:
                first, totals = totals, _run_staged(staged, budget, budget.samples - walk.paths, progress)
                break
    return walk, totals, first


def _better(walk: Walk, totals: Totals, budget, progress: Count) -> bool:
    """Whether a path of this walk is worth clearly more than one of those in ``totals``, by a batch that is not used
    again: the choice must not lean on what is then reported."""
    pilot = _round(walk, budget.seed, [(PILOT, walk.paths)], batch, progress)
    gain = GAIN * (1 + walk.block_work / BLOCK_WORK)
    return pilot.hits > 0 and bool(gain * pilot.unevenness() < totals.unevenness())


def _affordable(walk: Walk, budget: Budget) -> Budget:
    """Fewer paths where a block is large: the elimination takes longer than the walk."""
    samples = int(budget.samples * min(1.0, BLOCK_WORK / max(1, walk.block_work)))
    return replace(budget, samples=max(samples, min(budget.samples, 2 * walk.paths)))


def _run_staged(staged: StagedWalk, budget, samples: int, progress: Count) -> Totals:
    """The same with splitting: whole batches are the samples."""
    totals = Totals.zero(num_gates(staged.walk))
    for batches in rounds(samples, staged.walk.paths):
        part = _round(staged, budget.seed, batches, staged_batch, progress)
        totals.add(part)
        if part.samples < len(batches) or totals.samples >= LEAST_BATCHES and _accurate(totals, budget.rtol):
            break
    return totals


def _round(walk: Walk | StagedWalk, seed: int, batches, sample, progress: Count) -> Totals:
    """One round; batches for which there is no time are left out, so that fewer samples come back."""
    first = batches[0][0] < LEAST_BATCHES if isinstance(walk, StagedWalk) else batches[0][0] == 0

    def one(item):
        if current().over and not first:
            return None
        result = sample(walk, seed, *item)
        progress.advance(result.paths)
        return result

    totals = Totals.zero(num_gates(walk.walk if isinstance(walk, StagedWalk) else walk))
    for part in sharding.map_batches(one, batches):
        if part is not None:
            totals.add(part)
    return totals.over_processes()


def _accurate(totals: Totals, rtol: float) -> bool:
    """Whether the loss and the mean over all gradient components are known well enough."""
    sums = [totals.loss, totals.gates.sum(axis=1)]
    errors = [standard_error(total, squares, totals.samples) * totals.samples for total, squares in sums]
    return all(total > 0 and error <= rtol * total for (total, _), error in zip(sums, errors, strict=True))


def _prediction(problem: Problem, walk: Walk, totals: Totals, first: Totals | None) -> Prediction:
    samples = totals.samples
    gates = problem.ansatz.gates
    angles = {k: g.angle for k, g in enumerate(gates) if isinstance(g, Rotation) and not g.angle.fixed}
    sums = np.zeros((2, len(gates)))
    sums[:, : totals.gates.shape[1]] = totals.gates
    (total, squares), (loss_total, loss_squares) = sums, totals.loss
    reached = np.zeros(len(gates), bool)
    reached[walk.table.gates[walk.table.gates >= 0]] = True
    reached[[position for position, _, _ in walk.table.absorbed]] = True
    if walk.block is not None:
        reached[list(walk.block.gates)] = True
    bound = np.where(reached, walk.bound, 0.0)
    largest = np.zeros(len(gates))
    largest[: len(totals.largest) - 1] = totals.largest[:-1]
    if totals.paths == samples:
        low, high = weighted_interval(total, squares, largest, samples, bound)
        loss_low, loss_high = weighted_interval(loss_total, loss_squares, totals.largest[-1], samples, walk.bound)
    else:
        low, high = replicate_interval(total, squares, largest, samples, bound)
        loss_low, loss_high = replicate_interval(loss_total, loss_squares, totals.largest[-1], samples, walk.bound)
    error = standard_error(total, squares, samples, bound)
    loss_error = standard_error(loss_total, loss_squares, samples, walk.bound)
    # What was not seen is at most what other paths leave room for.
    unseen = total == 0
    if first is not None:
        missed = np.append(first.gates[0], np.zeros(len(gates) - first.gates.shape[1])) == 0
        most = weighted_interval(0.0, 0.0, 0.0, first.samples, 1.0)[1]
        high = np.where(unseen & missed, np.minimum(high, most * bound), high)
        if not totals.loss[0] and not first.loss[0]:
            loss_high = np.minimum(loss_high, most * walk.bound)
    # For a uniform angle l = a + b cos α + c sin α, and E[(∂l/∂α)²] = E[b² + c²]/2 is at most Var[l].
    high = np.where(unseen, np.minimum(high, loss_high), high)
    error, loss_error = np.where(unseen, np.minimum(error, high), error), np.minimum(loss_error, loss_high)

    def elements(values):
        return to_elements(list(angles.values()), values[list(angles)], problem.ansatz.arguments.num_elements)

    gradient = VarianceEstimate(
        elements(total / samples),
        elements(error),
        METHOD,
        False,
        (elements(low), elements(high)),
    )
    loss = VarianceEstimate(
        float(loss_total / samples),
        float(loss_error),
        METHOD,
        False,
        (float(loss_low), float(loss_high)),
    )
    statistics: dict[str, Any] = {
        "paths": totals.paths,
        "hits": totals.hits,
        "steps": len(walk.table.codes),
        "wires": len(walk.table.active),
    }
    if isinstance(walk.terms, StateStrings):
        statistics["start"] = "the state"
    if walk.block is not None:
        statistics["averaged"] = len(walk.block.gates)  # rotations of the commuting block next to the state
    if totals.paths != samples:
        statistics["batches"] = samples  # with splitting: the unit of the error bar
    still = zero_mean(problem.ansatz.arguments.num_elements, METHOD)  # every angle here is uniform over its period
    return Prediction(loss, gradient, walk.terms.mean, statistics, gradient_mean=still)
