"""The strings that an observable can become: its orbit under the generators, never enumerated.

The orbit of a Pauli string under nested commutators with the generators (its connected component in the commutator
graph) is ``x`` plus the sum of the displacements of all components of the generators that act on it. The uniform law on
the orbit is the image of independent uniform displacements (:mod:`~pennylane_dla.algebra.orbits`).

Source: West et al., arXiv:2502.16404.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod

import numpy as np
from jaxtyping import Bool, Int, UInt64

from pennylane_dla.algebra import f2
from pennylane_dla.algebra.f2.symplectic import Pairing, form, strings, vectors
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.algebra.strings.component import Component
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings

from .displacements import Displacements, Flip, displacements
from .joint_span import JointSpan
from .stabilizer_count import Share, share_in_stabilizer


@dataclass(frozen=True, eq=False)
class Orbit:
    """The orbit of one Pauli string.

    Args:
        start: the string, as a vector
        num_wires: qubits
        parts: displacements by each component that acts on the string
        acting: positions of those components in ``algebra.components``; ``-1 - i`` for center element ``i``
        joint: their spans, shared by all orbits of these components
    """

    start: UInt64[np.ndarray, "1 words"]
    num_wires: int
    parts: tuple[Displacements, ...]
    acting: tuple[int, ...]
    joint: JointSpan

    @cached_property
    def size(self) -> int:
        """Exact number of strings."""
        total = sum(len(part.free) for part in self.parts)
        overlap = 0
        if len(self.parts) > 1 and total:
            overlap = total - f2.rank(np.concatenate([part.free for part in self.parts]))
        return prod(part.size for part in self.parts) >> overlap

    @cached_property
    def _checks(self) -> Bool[np.ndarray, "checks parts"]:
        """Which sums of offsets do not depend on how a displacement is split between overlapping spans."""
        zero = np.zeros_like(self.start)
        shifts = [
            part.offset(piece) ^ part.offset(zero) for part, piece in zip(self.parts, self.joint.overlaps, strict=True)
        ]
        return f2.unpack(f2.left_kernel(f2.pack(np.stack(shifts))), len(self.parts))

    def contains(self, candidates: PauliStrings) -> Bool[np.ndarray, " m"]:
        """Which strings belong to the orbit."""
        rows = vectors(candidates) ^ self.start
        if not self.parts:
            return ~np.any(rows, axis=1)
        result, pieces = self.joint.split(rows)
        for part, piece in zip(self.parts, pieces, strict=True):
            result &= part.admits(piece)
        offsets = np.stack([part.offset(piece) for part, piece in zip(self.parts, pieces, strict=True)])
        failed = (self._checks.astype(np.int64) @ offsets.astype(np.int64)) % 2
        return result & ~failed.any(axis=0)

    def sample(self, rng: np.random.Generator, count: int) -> PauliStrings:
        """Independent uniform members."""
        rows = np.repeat(self.start, count, axis=0)
        for part in self.parts:
            rows ^= part.sample(rng, count)
        return strings(rows, self.num_wires)

    def members(self) -> PauliStrings:
        """All members, for orbits that are small enough to list."""
        rows = self.start
        for part in self.parts:
            rows = (rows[:, None] ^ part.members()).reshape(-1, rows.shape[1])
            rows = np.unique(rows, axis=0) if len(self.parts) > 1 else rows
        return strings(rows, self.num_wires)

    def fraction_anticommuting(self, p: PauliStrings) -> Fraction:
        """The fraction of the orbit that anticommutes with one string."""
        row = vectors(p)
        mean = Fraction(-1 if form(self.start, row)[0] else 1)
        for part in self.parts:
            mean *= part.mean_sign(row)
        return (1 - mean) / 2

    def fraction_in_stabilizer(self, axes: tuple[str, ...], *, budget: int = 2**20, seed: int = 0) -> Share:
        """The fraction of the orbit that is, up to sign, in the stabilizer group of a product state.

        Args:
            axes: for each qubit ``"+Z"``, ``"-X"``, … or ``"I"`` for the maximally mixed state
                (:meth:`~pennylane_dla.circuit.ansatz.ProductState.stabilizer_axes`)
            budget: work that an exact count may take where no closed form is known
            seed: of the sampling that takes its place beyond
        """
        return share_in_stabilizer(self.start, self.parts, self.joint, axes, budget=budget, seed=seed)


@dataclass(frozen=True, eq=False)
class Action:
    """How a classified algebra moves Pauli strings.

    Args:
        algebra: as :func:`~pennylane_dla.algebra.classification.classify_strings` returns it
    """

    algebra: LieAlgebra

    def __post_init__(self):
        if self.algebra.components is None:
            raise DLAError("The orbit needs a classified algebra: use dla.classify, not dla.lie_closure.")

    @property
    def _parts(self) -> tuple[tuple[Component, ...], PauliStrings]:
        """Components and center, which a classified algebra has."""
        components, center = self.algebra.components, self.algebra.center
        assert components is not None and center is not None
        return components, center

    @cached_property
    def _stack(self) -> tuple[UInt64[np.ndarray, "k words"], Int[np.ndarray, " k"]]:
        """A spanning set of the generators of each component, and its number, center elements apart."""
        components, isolated = self._parts
        center = vectors(isolated)
        parts = [component.span.rows for component in components]
        owner = np.repeat(np.arange(len(parts) + 1), [len(rows) for rows in parts] + [len(center)])
        owner[owner == len(parts)] = -1 - np.arange(len(center))
        return np.concatenate([*parts, center]), owner

    @cached_property
    def _joints(self) -> dict[tuple, JointSpan]:
        return {}

    @cached_property
    def _pairing(self) -> Pairing:
        return Pairing(self._stack[0])

    def pattern(self, x: PauliStrings) -> UInt64[np.ndarray, "m kwords"]:
        """Which of a spanning set of generators each string anticommutes with, packed: equal for two strings exactly
        if their product commutes with every generator."""
        return self._pairing(vectors(x))

    def acting(self, x: PauliStrings) -> list[tuple[int, ...]]:
        """Which components move each string (negative: center elements), see :attr:`Orbit.acting`."""
        stack, owner = self._stack
        if not len(stack):
            return [()] * len(x)
        result: list[tuple[int, ...]] = []
        for start in range(0, len(x), 1024):
            bits = f2.unpack(self.pattern(x[start : start + 1024]), len(stack))
            result += [tuple(dict.fromkeys(owner[row.nonzero()[0]].tolist())) for row in bits]
        return result

    def orbit(self, x: PauliStrings) -> Orbit:
        """The orbit of one string."""
        if len(x) != 1 or x.num_wires != self.algebra.num_wires:
            raise DLAError(f"orbit takes one string on {self.algebra.num_wires} wires; got {len(x)} on {x.num_wires}.")
        row = vectors(x)
        (acting,) = self.acting(x)
        components, isolated = self._parts
        center = vectors(isolated)
        parts = [displacements(components[i], row) if i >= 0 else Flip(center[-1 - i : -i]) for i in acting]
        key = tuple((i, type(part).__name__) for i, part in zip(acting, parts, strict=True))
        if key not in self._joints:
            self._joints[key] = JointSpan(tuple(part.rows for part in parts))
        return Orbit(row, x.num_wires, tuple(parts), acting, self._joints[key])


def orbit(algebra: LieAlgebra, x: PauliStrings) -> Orbit:
    r"""The strings that nested commutators with the generators reach from ``x``.

    .. math:: \mathcal{O}(x) = \{ x + \textstyle\sum_K \delta_K \},\quad \delta_K \text{ in the span of component } K

    Args:
        algebra: a classified algebra
        x: one string

    Returns:
        Orbit: exact size, membership, uniform samples, fractions

    Raises:
        DLAError: if the algebra was enumerated, or the wires differ

    **Example**

    >>> from pennylane_dla.algebra.classification import classify_strings
    >>> tfim = classify_strings(PauliStrings.from_labels(["ZZII", "IZZI", "IIZZ", "XIII", "IXII", "IIXI", "IIIX"]))
    >>> members = orbit(tfim, PauliStrings.from_labels(["ZIII"]))
    >>> members.size                     # Z on the first qubit is a single Majorana operator, and so are the others
    8
    >>> members.fraction_in_stabilizer(("+Z",) * 4).value
    Fraction(1, 8)

    Source: Diaz et al., arXiv:2310.11505; West et al., arXiv:2502.16404; orbits under transvections: Brown and
    Humphries (1986).
    """
    return Action(algebra).orbit(x)
