"""The limit of a deep circuit whose generators are single Pauli strings (:mod:`~pennylane_dla.variance.limit`).

When the angles make the circuit a 2-design over its Lie group, the second moment of a string is the average of
``Tr[ρP]²`` over its orbit, and a parameter deep inside sees that times the fraction of the orbit that anticommutes
with its generator. For products of Pauli eigenstates both are exact fractions at any number of qubits.

Sources: West et al., arXiv:2502.16404; Ragone et al., arXiv:2309.09342.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from pennylane_dla.algebra.classification import classify_strings
from pennylane_dla.algebra.f2.symplectic import strings
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.algebra.orbits.orbit import Action, Orbit
from pennylane_dla.algebra.orbits.stabilizer_count import Share, outside_stabilizer
from pennylane_dla.allowance import checkpoint
from pennylane_dla.circuit.ansatz import State, UnknownState
from pennylane_dla.pauli import PauliStrings, PauliSum
from pennylane_dla.pauli.strings import product
from pennylane_dla.variance.estimate import VarianceEstimate
from pennylane_dla.variance.observables import Family, distinct_rows, families, up_to_signs
from pennylane_dla.variance.problem import Budget

from .orbit_average import Together, mean_square
from .result import Limit, ModuleShare


def limit(
    generators: PauliStrings,
    observable: PauliSum,
    state: State,
    rotations: PauliStrings | None = None,
    algebra: LieAlgebra | None = None,
    budget: Budget | None = None,
) -> Limit:
    r"""Variance of the loss and of derivatives deep inside, for infinitely deep circuits of these generators.

    .. math:: \mathrm{Var}[l] = \sum_\kappa \frac{P_\kappa(O) P_\kappa(\rho)}{\dim M_\kappa}

    over the orbits of the terms, terms that differ by conserved strings taken together; conserved terms are the mean.

    Args:
        generators: effective generators of the trainable rotations
        observable: in the same frame (the circuit's Cliffords pushed through)
        state: initial state
        rotations: the strings of the parameters to differentiate; by default ``generators``
        algebra: of ``generators``, if classified already
        budget: limits of enumeration and sampling

    Returns:
        Limit: exact fractions for products of Pauli eigenstates, but for weight enumerators that are out of reach,
            and for other states where the orbit is small or the sum factorizes; otherwise sampled, with its standard
            error

    **Example**

    >>> from pennylane_dla.circuit.ansatz import ProductState
    >>> strings = PauliStrings.from_labels(["XII", "IXI", "IIX", "ZZI", "IZZ"])
    >>> result = limit(strings, PauliSum.from_dict({"ZII": 1.0}), ProductState.zero(3))
    >>> result.loss.value, result.gradient.value[0]
    (Fraction(1, 6), Fraction(1, 18))

    Source: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902; West et al., arXiv:2502.16404.
    """
    (whole,) = families([observable])
    return limits(generators, [whole], state, rotations, algebra, budget)[0][0]


def limits(
    generators: PauliStrings,
    observables: Sequence[Family],
    state: State,
    rotations: PauliStrings | None = None,
    algebra: LieAlgebra | None = None,
    budget: Budget | None = None,
) -> list[list[Limit]]:
    """The same for several observables, which share the orbits and what is averaged over them.

    Args:
        generators: effective generators of the trainable rotations
        observables: in families, in the same frame
        state: initial state
        rotations: the strings of the parameters to differentiate; by default ``generators``
        algebra: of ``generators``, if classified already
        budget: limits of enumeration and sampling

    Returns:
        for each family a limit for each of its members
    """
    budget = budget or Budget()
    algebra = algebra if algebra is not None else classify_strings(generators)
    if isinstance(state, UnknownState):
        missing = VarianceEstimate.unavailable(f"the initial state is not known: {state.reason}")
        return [[Limit(missing, missing, None, (), algebra) for _ in family.members] for family in observables]
    orbits = _Orbits(Action(algebra), state, budget)
    rotations = generators if rotations is None else rotations
    return [_of_family(family, orbits, generators, rotations) for family in observables]


def _of_family(family: Family, orbits: _Orbits, generators: PauliStrings, rotations: PauliStrings) -> list[Limit]:
    """Observables with the same strings: the same orbits, and the same limit but for the mean where they differ by a
    sign of all terms that interfere with each other."""
    state = orbits.state
    patterns = orbits.action.pattern(family.strings)
    moving = patterns.any(axis=1)
    still = np.flatnonzero(~moving)
    means = family.constants + family.coefficients[:, still] @ state.expectation(family.strings[still])
    groups = _groups(family.strings, patterns, np.flatnonzero(moving), orbits.axes)
    leaders = [group[0] for group in groups]
    sorted_groups = orbits.sort(family.strings[np.array(leaders, int)])
    sizes = up_to_signs(family.coefficients, [*groups, *([i] for i in still.tolist())])
    distinct, which = distinct_rows(sizes)
    found = []
    for row in sizes[distinct]:
        sums = _by_orbit(orbits, family.strings, row, groups, sorted_groups)
        conserved = sum((Fraction(c) ** 2 for c in row[still].tolist()), Fraction(0))
        found.append(assemble(generators, orbits.action.algebra, rotations, sums, 0.0, conserved, orbits.fractions))
    return [replace(found[number], loss_mean=float(mean)) for number, mean in zip(which, means, strict=True)]


class _Orbits:
    """The orbits that were met, each with the mean square of one string.

    Args:
        action: of the algebra
        state: the initial state
        budget: limits of enumeration and sampling
    """

    def __init__(self, action: Action, state: State, budget: Budget):
        self.action, self.state, self.budget = action, state, budget
        self.axes = state.stabilizer_axes()
        self.fractions: dict[tuple[Orbit, bytes], Fraction] = {}
        self._known: dict[tuple[int, ...], list[tuple[Orbit, Share]]] = defaultdict(list)

    def sort(self, leaders: PauliStrings) -> list[tuple[Orbit, Share, np.ndarray]]:
        """The orbits of some strings, their mean squares, and the positions of the strings that start in each."""
        left = defaultdict(list)
        for i, acting in enumerate(self.action.acting(leaders)):
            left[acting].append(i)
        result = []
        for acting, positions in left.items():
            index, tried = np.array(positions), 0
            while len(index):
                if tried == len(self._known[acting]):
                    orbit = self.action.orbit(leaders[int(index[0])])
                    self._known[acting].append((orbit, average(orbit, self.state, self.budget)))
                orbit, one = self._known[acting][tried]
                tried += 1
                inside = orbit.contains(leaders[index])
                if inside.any():
                    result.append((orbit, one, index[inside]))
                index = index[~inside]
        return result


class Contribution(NamedTuple):
    """What the terms in one orbit contribute.

    Args:
        orbit: the orbit
        share: their part of the variance
        purity: sum of their squared coefficients
        base: mean square of one string of the orbit
    """

    orbit: Orbit
    share: Share
    purity: Fraction
    base: Share


def average(orbit: Orbit, state: State, budget: Budget) -> Share:
    """The mean of ``Tr[ρP]²`` over an orbit."""
    axes = state.stabilizer_axes()
    if axes is not None:
        return orbit.fraction_in_stabilizer(axes, budget=budget.max_dim, seed=budget.seed)
    start = strings(orbit.start, orbit.num_wires)
    return mean_square(Together.of(orbit, start, np.ones(1)), state, budget)


def assemble(
    generators: PauliStrings,
    algebra: LieAlgebra,
    rotations: PauliStrings,
    contributions: Sequence[Contribution],
    mean: float,
    conserved: Fraction = Fraction(0),
    fractions: dict[tuple[Orbit, bytes], Fraction] | None = None,
) -> Limit:
    """The sum of all contributions, as a result; ``fractions`` of orbits that anticommute with a string are kept for
    other observables."""
    modules = [
        ModuleShare(
            c.orbit.size,
            c.purity,
            None if c.base.upper is not None else c.base.value * c.orbit.size,
            c.share.value,
            c.orbit.acting,
        )
        for c in contributions
    ]
    modules.sort(key=lambda module: -module.variance)
    loss = _estimate([(c.share, Fraction(1)) for c in contributions])
    gradient = _gradient(generators, algebra, rotations, contributions, {} if fractions is None else fractions)
    return Limit(loss, gradient, mean, tuple(modules), algebra, conserved)


def _groups(terms, patterns, index, axes):
    """Terms that interfere: equal patterns, and on Pauli eigenstates also equal modulo the stabilizer group."""
    keys = patterns[index]
    if axes is not None:
        keys = np.concatenate([keys, outside_stabilizer(terms[index], axes)], axis=1)
    groups: dict[bytes, list[int]] = defaultdict(list)
    for i, key in zip(index.tolist(), keys, strict=True):
        groups[key.tobytes()].append(i)
    return list(groups.values())


def _by_orbit(orbits: _Orbits, terms: PauliStrings, coefficients, groups, sorted_groups) -> list[Contribution]:
    """For each orbit: its contribution, the observable's purity in it, and the mean square of one string.

    Groups that start in the same orbit share everything but a prefactor (the squared sum of their coefficients, with
    signs) on Pauli eigenstates, and in general if they have one term.
    """
    result: list[Contribution] = []
    for orbit, one, index in sorted_groups:
        checkpoint()
        factor, shares, purity = Fraction(0), [], Fraction(0)
        for i in index:
            checkpoint()
            group = groups[i]
            own = coefficients[group]
            purity += sum((Fraction(c) ** 2 for c in own.tolist()), Fraction(0))
            if len(group) == 1:
                factor += Fraction(float(own[0])) ** 2
            elif orbits.axes is not None:
                factor += _amplitude(terms[group], own, orbits.state) ** 2
            else:
                start = orbits.action.orbit(terms[group[0]])
                shares.append(mean_square(Together.of(start, terms[group], own), orbits.state, orbits.budget))
        shares.append(scaled(one, factor))
        result.append(Contribution(orbit, _sum(shares), purity, one))
    return result


def _amplitude(members, coefficients, state) -> Fraction:
    """``Σ_i c_i Tr[ρ Q_1 Q_i]`` for terms equal modulo the stabilizer group: signs are ±1."""
    differences, exponent = product(members[np.zeros(len(members), int)], members)
    signs = np.where(exponent == 0, 1, np.where(exponent == 2, -1, 0)) * np.rint(state.expectation(differences))
    return sum((Fraction(c) * int(s) for c, s in zip(coefficients.tolist(), signs, strict=True)), Fraction(0))


def _gradient(generators, algebra, rotations, sums, fractions):
    """One number for each component: all its generators anticommute with the same fraction of an orbit, because
    the transvections that permute them preserve it."""
    owner = _owners(generators, algebra)
    distinct: dict[bytes, list[int]] = defaultdict(list)
    for k, key in enumerate(rotations.keys()):
        distinct[key].append(k)
    acting = defaultdict(list)
    for entry in sums:
        for part in entry.orbit.acting:
            acting[part].append(entry)
    known: dict[int, VarianceEstimate] = {}
    of_rotation: dict[int, VarianceEstimate] = {}
    for key, positions in distinct.items():
        checkpoint()
        part = owner.get(key)
        if part is None or part not in known:
            string = rotations[positions[0]]
            moved = sums if part is None else acting[part]
            for c in moved:
                if (c.orbit, key) not in fractions:
                    fractions[c.orbit, key] = c.orbit.fraction_anticommuting(string)
            terms = [(c.share, fractions[c.orbit, key]) for c in moved]
            estimate = _estimate(terms)
            if part is not None:
                known[part] = estimate
        else:
            estimate = known[part]
        for k in positions:
            of_rotation[k] = estimate
    estimates = [of_rotation[k] for k in range(len(rotations))]
    value = np.empty(len(rotations), object)
    value[:] = [e.value for e in estimates]
    exact = all(e.exact for e in estimates)
    stderr = 0.0 if exact else np.array([float(e.stderr) for e in estimates])
    reasons = dict.fromkeys(e.reason for e in estimates if e.reason)
    bounds = [e.interval for e in estimates if e.interval is not None]
    interval = None
    if bounds:
        high = [e.interval[1] if e.interval is not None else e.value for e in estimates]
        interval = (np.zeros(len(rotations)), np.array([float(h) for h in high]))
    return VarianceEstimate(value, stderr, "limit", exact, interval, "; ".join(reasons) or None)


def _owners(generators, algebra):
    """For each generator string its component, or ``-1 - i`` for center element ``i``."""
    keys = generators.keys()
    owner = {key: -1 - i for i, key in enumerate(algebra.center.keys())}
    for part, component in enumerate(algebra.components):
        owner.update((keys[i], part) for i in component.generators)
    return owner


def scaled(share: Share, factor: Fraction) -> Share:
    """A multiple of an estimate."""
    upper = None if share.upper is None else share.upper * factor
    return Share(share.value * factor, share.stderr * float(factor), upper, share.reason)


def _sum(shares) -> Share:
    """Sum of independent estimates."""
    value = sum((share.value for share in shares), Fraction(0))
    stderr = sum(share.stderr**2 for share in shares) ** 0.5
    upper = None
    if any(share.upper is not None for share in shares):
        upper = sum((share.value if share.upper is None else share.upper for share in shares), Fraction(0))
    reasons = dict.fromkeys(share.reason for share in shares if share.reason and (share.value or share.upper))
    return Share(value, stderr, upper, "; ".join(reasons) or None)


def _estimate(terms) -> VarianceEstimate:
    """``Σ share · factor`` as a result."""
    total = _sum([scaled(share, factor) for share, factor in terms])
    interval = None if total.upper is None else (0, total.upper)
    return VarianceEstimate(total.value, total.stderr, "limit", total.exact, interval, total.reason)
