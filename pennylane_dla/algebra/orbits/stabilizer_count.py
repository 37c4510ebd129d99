"""Which fraction of an orbit lies in the stabilizer group of a product state.

A displacement ``Σ_K δ_K`` qualifies if ``x + Σ_K δ_K`` has no forbidden letter: an affine condition. Parts of the orbit
that this condition does not couple are counted apart and multiplied. On one quadric the condition leaves an isotropic
space, on which the quadratic form is linear; coupled quadrics are Gauss sums; Majorana products are the words of one
weight in a code. What the fraction is for: :mod:`~pennylane_dla.variance.limit`.

Source: West et al., arXiv:2502.16404.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Shaped, UInt64

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.symplectic import form, forms, vectors
from pennylane_dla.pauli import PauliStrings

from .displacements import Displacements, Flip, MajoranaProducts, Quadric
from .joint_span import Cluster, JointSpan, Outside


class Share(NamedTuple):
    """A fraction of an orbit.

    Args:
        value: exact, or the estimate
        stderr: standard error of an estimate, 0 where exact
        upper: where an estimate found no member, an upper bound at 95 % confidence
        reason: why it is an estimate, else ``None``
    """

    value: Fraction
    stderr: float = 0.0
    upper: Fraction | None = None
    reason: str | None = None

    @property
    def exact(self) -> bool:
        return self.reason is None


def share_in_stabilizer(
    start: UInt64[np.ndarray, "1 words"],
    parts: tuple[Displacements, ...],
    joint: JointSpan,
    axes: tuple[str, ...],
    *,
    budget: int,
    seed: int,
) -> Share:
    """The fraction of ``start + Σ_K δ_K`` inside ``±S``; see :meth:`Orbit.fraction_in_stabilizer`."""
    if not parts:
        return Share(Fraction(0 if Outside.of(axes, start.shape[1])(start).any() else 1))
    condition = joint.condition(axes)
    origin = condition.solve(start)
    if origin is None:
        return Share(Fraction(0))
    shares = []
    for number, cluster in enumerate(condition.clusters):
        family = _Family(
            [parts[k] for k in cluster.members], [origin[k] for k in cluster.members], list(cluster.directions), cluster
        )
        shares.append(_share(family, budget, np.random.default_rng([seed, number])))
    return _multiply(shares)


def outside_stabilizer(strings: PauliStrings, axes: tuple[str, ...]) -> UInt64[np.ndarray, "m words"]:
    """The part of each string outside ``S``: equal for two strings exactly if their product is in ``±S``."""
    rows = vectors(strings)
    return Outside.of(axes, rows.shape[1])(rows)


@dataclass(frozen=True, eq=False)
class _Family:
    """Tuples of displacements ``origin_K + Σ_j t_j directions_K[j]``, for ``t ∈ F₂^d``: what the condition leaves."""

    parts: list
    origin: list  # one row for each part
    directions: list  # d rows for each part
    cluster: Cluster

    @property
    def dim(self):
        return len(self.directions[0])

    def members(self, t: Shaped[np.ndarray, "m d"]) -> Bool[np.ndarray, " m"]:
        """Whether all entries of the tuples are displacements."""
        packed = f2.pack(t)
        result = np.ones(len(t), bool)
        for part, origin, directions in zip(self.parts, self.origin, self.directions, strict=True):
            u = f2.multiply(packed, directions) ^ origin
            result &= part.admits(u) & ~part.offset(u)
        return result

    def stopped(self, k):
        """The subfamily on which part ``k``, a quadric, commutes with its whole component; ``None`` if empty."""
        part = self.parts[k]
        rows = part.span.pairing(self.directions[k])
        target = part.span.pairing(self.origin[k] ^ part.x)
        d = self.dim
        solved = f2.echelon(np.concatenate([rows, f2.identity(d)], axis=1), tail=f2.num_words(d))
        target = solved.reduce(np.concatenate([target, np.zeros((1, solved.tail), np.uint64)], axis=1))
        if target[:, : rows.shape[1]].any():
            return None
        shift, kernel = target[:, rows.shape[1] :], solved.residues
        return _Family(
            self.parts,
            [o ^ f2.multiply(shift, v) for o, v in zip(self.origin, self.directions, strict=True)],
            [f2.multiply(kernel, v) for v in self.directions],
            self.cluster,
        )

    def signed_sum(self, which) -> int:
        """``Σ_t (-1)^{Σ_{k ∈ which} Q_k}``: a Gauss sum."""
        d = self.dim
        polar, linear, constant = np.zeros((d, d), bool), np.zeros(d, bool), False
        for k in which:
            part, origin, rows = self.parts[k], self.origin[k], self.directions[k]
            if part.quadratic is None:
                continue
            if len(self.parts) > 1:  # alone, the directions are isotropic
                polar ^= f2.unpack(forms(rows, rows), d)
            linear ^= part.value(rows) ^ form(rows, origin)
            constant ^= bool(part.value(origin)[0])
        return quadratic_sum(polar, linear, constant)


def quadratic_sum(polar: Bool[np.ndarray, "d d"], linear: Bool[np.ndarray, " d"], constant: bool) -> int:
    """``Σ_{t ∈ F₂^d} (-1)^{c + l·t + Σ_{i<j} M_ij t_i t_j}`` by eliminating two variables at a time.

    >>> quadratic_sum(np.array([[0, 1], [1, 0]], bool), np.zeros(2, bool), False)   # + + + -
    2
    """
    polar, linear = polar.copy(), linear.copy()
    alive = np.ones(len(linear), bool)
    pairs = 0
    for i in range(len(linear)):
        partners = polar[i].nonzero()[0] if alive[i] else np.zeros(0, int)
        if not len(partners):
            continue
        j = partners[0]
        a, b = polar[i].copy(), polar[j].copy()
        a[j] = b[i] = False
        li, lj = linear[i], linear[j]
        alive[i] = alive[j] = False
        polar[i] = polar[j] = False
        polar[:, i] = polar[:, j] = False
        rows = (a | b).nonzero()[0]
        polar[rows] ^= (a[rows, None] & b) ^ (b[rows, None] & a)
        polar[rows, rows] = False
        linear ^= (a & b) ^ (b if li else False) ^ (a if lj else False)
        constant ^= bool(li & lj)
        pairs += 1
    if linear[alive].any():
        return 0
    return (-1) ** bool(constant) * 2 ** (pairs + int(alive.sum()))


def _share(family: _Family, budget: int, rng: np.random.Generator) -> Share:
    """One cluster of coupled parts."""
    flips = [k for k, part in enumerate(family.parts) if isinstance(part, Flip)]
    quadrics = [k for k, part in enumerate(family.parts) if isinstance(part, Quadric)]
    majoranas = [k for k, part in enumerate(family.parts) if isinstance(part, MajoranaProducts)]
    total = 2 ** len(flips)
    for k in quadrics + majoranas:
        total *= family.parts[k].size
    if not quadrics and not majoranas:
        return Share(Fraction(2**family.dim, total))
    if not majoranas and 3 ** len(quadrics) * max(1, family.dim) ** 2 <= 64 * budget:
        return Share(Fraction(_count_quadrics(family, quadrics), total))
    if len(majoranas) == 1 and not quadrics:
        return _count_majoranas(family, majoranas[0], 2 ** len(flips), budget, rng)
    if 2**family.dim <= budget:
        index = np.arange(2**family.dim)
        t = (index[:, None] >> np.arange(family.dim)) & 1
        return Share(Fraction(int(family.members(t).sum()), total))
    samples = max(1024, budget // 16)
    hits = int(family.members(rng.integers(0, 2, (samples, family.dim), np.uint8)).sum())
    return _estimate(hits, samples, Fraction(2**family.dim, total), "several coupled components")


def _count_quadrics(family, quadrics):
    """Inclusion and exclusion: each quadric is (zeros of its form) minus (those that commute with its component), and
    zeros are the mean of 1 and the sign of the form."""
    count = Fraction(0)

    def descend(family, remaining, sign):
        nonlocal count
        if remaining:
            descend(family, remaining[1:], sign)
            rest = family.stopped(remaining[0])
            if rest is not None:
                descend(rest, remaining[1:], -sign)
            return
        forms_here = [k for k in quadrics if family.parts[k].quadratic is not None]
        for chosen in product((False, True), repeat=len(forms_here)):
            which = [k for k, c in zip(forms_here, chosen, strict=True) if c]
            count += Fraction(sign * family.signed_sum(which), 2 ** len(forms_here))

    descend(family, quadrics, 1)
    return int(count)


def _count_majoranas(family, k, flips, budget, rng):
    """Words of one weight in a coset of a code: the vertex sets that the condition leaves."""
    part = family.parts[k]
    n, degree = part.frame.num_vertices, part.degree
    code = family.cluster.code(k, part.frame)
    origin = part.frame.even_sets(family.origin[k])[0] ^ part.start
    # where the product of all Majoranas is a label each displacement is two sets, complements of each other
    dim = family.dim + (part.frame.everything is not None and not part.frame.splits)
    words = code.count(origin, degree, budget, rng)
    # pairs of a set and a label: 2^(dim - words.dim) of them over each word
    scale = Fraction(2**dim, 2**words.dim * comb(n, degree) * 2**part.frame.z * flips)
    upper = None if words.upper is None else scale * words.upper
    return Share(scale * words.value, float(scale * Fraction(words.stderr)), upper, words.reason)


def _estimate(hits, samples, scale, reason):
    rate = Fraction(hits, samples)
    error = float(scale) * (hits * (samples - hits) / samples) ** 0.5 / samples
    upper = None if hits else scale * Fraction(3, samples)  # rule of three
    return Share(scale * rate, error, upper, f"sampled: {reason}")


def _multiply(shares):
    """The product of independent shares, errors propagated."""
    value, relative, upper, reasons = Fraction(1), 0.0, Fraction(1), []
    for share in shares:
        value *= share.value
        upper *= share.value if share.upper is None else share.upper
        if share.reason is not None:
            reasons.append(share.reason)
            relative += float(Fraction(share.stderr) / share.value) ** 2 if share.value else 0.0
    if value:
        return Share(value, float(value) * relative**0.5, None, "; ".join(reasons) or None)
    if any(share.exact and not share.value for share in shares):
        return Share(Fraction(0))
    return Share(value, 0.0, upper, "; ".join(reasons))
