"""The algebra of a circuit on its state: the Lie algebra that its generators span on ``K``.

It is recognised, not enumerated, where it is as large as its symmetries allow. Let ``A`` be a generic element with
levels ``λ`` and ``B`` another one. The algebra contains the part of ``B`` at each frequency ``λ_a − λ_b`` of ``ad_A``
(powers of ``ad_A²`` separate different frequencies). Where all of these are different and no entry of ``B`` vanishes,
these parts are root vectors that generate all of su(d). If the generators leave a bilinear form alone, frequencies come
in pairs, and the same argument with the roots ``±λ_i ± λ_j`` (and ``λ_i``, ``2λ_i``) gives all of so(d) or sp(d).

Global phases are left out: generators lose their trace on every irreducible part of ``K``.

Sources: C. Altafini, J. Math. Phys. 43, 2051 (2002), regular elements; R. Zeier and Z. Zimborás, arXiv:1504.07732, what
distinguishes a subalgebra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse.csgraph
from jaxtyping import Float, Inexact

from pennylane_dla.algebra.sums.commutant import generic_elements

from .sector import Sector

_APART = 3e-13  # of the spread: frequencies closer than that may be equal
_PRESENT = 1e-8  # of the largest entry
_SAME = 1e-9
_ROUNDING = 1e-12  # of a matrix of norm 1
_TRIES = 3


@dataclass(frozen=True, eq=False)
class Group:
    """All of su(d), so(d) or sp(d) on an irreducible part of ``K``, or something smaller.

    Args:
        family: ``"su"``, ``"so"``, ``"sp"``; ``None`` where it is smaller, or not recognised
        columns: orthonormal basis of the part
        form: ``J`` with ``Gᵀ J + J G = 0`` for every generator, in this basis; ``None`` where there is none
    """

    family: str | None
    columns: Inexact[np.ndarray, "d m"]
    form: Inexact[np.ndarray, "m m"] | None = None

    @property
    def dim(self) -> int:
        """Of the part."""
        return self.columns.shape[1]

    @property
    def algebra_dim(self) -> int | None:
        """Of the algebra on this part, without phases."""
        m = self.dim
        sizes: dict[str | None, int] = {"su": m * m - 1, "so": m * (m - 1) // 2, "sp": m * (m + 1) // 2}
        return sizes.get(self.family)

    @property
    def modules(self) -> tuple[int, ...]:
        """Dimensions of the modules that the operators on this part split into, the multiples of 1 apart."""
        m, small = self.dim, self.dim * (self.dim - 1) // 2
        sizes: dict[str | None, tuple[int, ...]] = {
            "su": (m * m - 1,),
            "so": (small, small + m - 1),
            "sp": (small - 1, small + m),
        }
        return sizes.get(self.family, (1,))


def recognized(sector: Sector) -> Group | None:
    """The group on the sector, where that is irreducible and the group all of su(d), so(d) or sp(d)."""
    if not sector.generators or sector.dim < 2:
        return None
    parts = irreducible_parts(sector.generators)
    if parts is None or len(parts) > 1:
        return None
    group = recognize(sector.generators, np.eye(sector.dim))
    return None if group.family is None else group


def irreducible_parts(generators: Sequence[np.ndarray], seed: int = 0) -> list[np.ndarray] | None:
    """``K`` as a sum of irreducible parts; ``None`` where equivalent ones are among them.

    A generic element of the associative algebra has simple levels then, and generators couple its eigenvectors inside
    the parts only.
    """
    d = generators[0].shape[0]
    rng = np.random.default_rng(seed)
    scaled = [g / (np.linalg.norm(g) or 1.0) for g in generators]
    zero = np.zeros((d, d))
    element = sum((rng.normal() * g for g in scaled), zero)
    for _ in range(3):
        other = sum((rng.normal() * g for g in scaled), zero)
        element = element + rng.normal() * (element @ other + other @ element) + rng.normal() * other @ other
        element = element + 1j * rng.normal() * (element @ other - other @ element)
        element = element / (np.linalg.norm(element) or 1.0)
    levels, vectors = np.linalg.eigh(element)
    if d > 1 and np.diff(levels).min() < max(_SAME * np.ptp(levels), _ROUNDING):
        return None
    coupled = np.zeros((d, d), bool)
    for g in scaled:
        coupled |= np.abs(vectors.conj().T @ g @ vectors) > _PRESENT / d
    label = _components(coupled)
    return [vectors[:, label == number] for number in range(label.max() + 1)]


def _components(coupled: np.ndarray) -> np.ndarray:
    return scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(coupled), directed=False)[1]


def generic_levels(generators: Sequence[np.ndarray], columns: Inexact[np.ndarray, "d m"]) -> Float[np.ndarray, " m"]:
    """Levels, on one part, of an element of the algebra that is the same for all parts."""
    element, _ = generic_elements([-1j * g for g in generators], 2, np.random.default_rng(17))
    small = columns.conj().T @ (1j * element) @ columns
    return np.linalg.eigvalsh(small - np.trace(small) / len(small) * np.eye(len(small)))


def recognize(generators: Sequence[np.ndarray], columns: Inexact[np.ndarray, "d m"]) -> Group:
    """The group on one irreducible part."""
    m = columns.shape[1]
    skew = []
    for g in generators:
        small = columns.conj().T @ g @ columns
        small = small - np.trace(small) / m * np.eye(m)
        if np.linalg.norm(small) > 1e-12 * max(np.linalg.norm(g), 1e-300):
            skew.append(-1j * small)
    if not skew:
        return Group(None, columns)
    for seed in range(_TRIES):
        first, second = generic_elements(skew, 2, np.random.default_rng(seed))
        levels, vectors = np.linalg.eigh(1j * first)
        spread = np.ptp(levels)
        if np.diff(levels).min(initial=np.inf) < 1e-9 * spread:
            continue
        other = vectors.conj().T @ (1j * second) @ vectors
        form = _form(levels, other, [1j * vectors.conj().T @ g @ vectors for g in skew])
        if form is None:
            if _all_of_su(levels, other):
                return Group("su", columns)
        else:
            sign, matrix = form
            back = vectors.conj() @ matrix @ vectors.conj().T
            if _all_of_form(levels, other, sign):
                return Group("so" if sign > 0 else "sp", columns, back)
    return Group(None, columns)


def _form(levels, other, generators) -> tuple[int, np.ndarray] | None:
    """An invariant bilinear form in the eigenbasis of the generic element: it pairs levels ``λ`` and ``−λ``."""
    m = len(levels)
    if np.abs(levels + levels[::-1]).max() > _SAME * np.ptp(levels):
        return None
    partner = np.arange(m)[::-1]
    # Cᵀ J + J C = 0 with J_{a ā} = j_a: j_a C_{ā b} + C_{b̄ a} j_{b̄} = 0
    j = np.zeros(m, complex)
    j[0], known = 1.0, {0}
    waiting = [0]
    while waiting:
        a = waiting.pop()
        row, column = other[partner[a], :], other[partner, a]
        for b in np.flatnonzero(np.abs(column) > _PRESENT * np.abs(other).max()):
            c = int(partner[b])
            if c not in known:
                j[c] = -j[a] * row[b] / column[b]
                known.add(c)
                waiting.append(c)
    if len(known) < m or np.abs(np.abs(j) - 1).max() > 1e-5:
        return None
    j = j / np.abs(j)
    matrix = np.zeros((m, m), complex)
    matrix[np.arange(m), partner] = j
    for g in generators:
        if np.linalg.norm(g.T @ matrix + matrix @ g) > 1e-7 * np.linalg.norm(g):
            return None
    sign = j[partner] / j
    if np.abs(sign - sign[0].real).max() > 1e-5:
        return None
    return int(round(sign[0].real)), matrix


def _all_of_su(levels, other) -> bool:
    a, b = np.triu_indices(len(levels), 1)
    return _separate(levels[b] - levels[a], np.abs(other[a, b]))


def _all_of_form(levels: Float[np.ndarray, " m"], other, sign: int) -> bool:
    m = len(levels)
    half = m // 2
    positive = np.arange(m - half, m)  # levels of positive sign; the partner of p is m - 1 - p
    i, j = (positive[k] for k in np.triu_indices(half, 1))
    roots = [levels[j] - levels[i], levels[j] + levels[i]]
    entries = [other[i, j], other[i, m - 1 - j]]
    if m % 2:
        roots.append(levels[positive])
        entries.append(other[positive, half])
    if sign < 0:
        roots.append(2 * levels[positive])
        entries.append(other[positive, m - 1 - positive])
    return _separate(np.abs(np.concatenate(roots)), np.abs(np.concatenate(entries)))


def _separate(frequencies: np.ndarray, entries: np.ndarray) -> bool:
    """Whether all roots are different and none is missing."""
    if not len(frequencies):
        return False
    ordered = np.sort(frequencies)
    gaps = np.diff(ordered, prepend=0.0)
    return bool(gaps.min() > _APART * ordered[-1] and entries.min() > _PRESENT * entries.max())
