"""What a limit is: numbers for the loss and for every rotation, and the modules that they come from.

Fractions where the numbers are exact at any size, floats where linear algebra found them: the ``exact`` and ``method``
of each estimate say how, its type says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.variance.estimate import Prediction, VarianceEstimate


@dataclass(frozen=True, eq=False)
class ModuleShare:
    """One invariant module: the span of an orbit, and what it contributes.

    ``variance = observable_purity · state_purity / dim``, summed over modules (Ragone et al., arXiv:2309.09342),
    where the observable's terms do not interfere; ``variance`` itself includes the interference.

    Args:
        dim: number of strings in the orbit, any size
        observable_purity: ``P_κ(O)``: the sum of squared coefficients
        state_purity: ``P_κ(ρ) = Σ_{P in the orbit} Tr[ρP]²``; ``None`` where only the variance was found
        variance: contribution to the variance of the loss
        components: which components of the algebra move it (negative: center elements)
    """

    dim: int
    observable_purity: Fraction | float
    state_purity: Fraction | float | None
    variance: Fraction | float
    components: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Limit:
    """What a deep circuit of these generators does with one observable.

    Args:
        loss: variance of the loss
        gradient: second moment of the derivative for each of ``rotations`` (``exp(-iαP/2)``), an array of fractions
        loss_mean: ``E[loss]``: the constant and the conserved terms
        modules: where the variance comes from, largest contribution first
        algebra: the classified Lie algebra; ``None`` where the generators are sums
        conserved_purity: squared coefficients of the terms that no generator moves
    """

    loss: VarianceEstimate
    gradient: VarianceEstimate
    loss_mean: float | None
    modules: tuple[ModuleShare, ...]
    algebra: LieAlgebra | None
    conserved_purity: Fraction | float = Fraction(0)

    @cached_property
    def observable_purity(self) -> Fraction | float:
        """``P(O)`` of the terms that move."""
        return sum((module.observable_purity for module in self.modules), Fraction(0))

    @cached_property
    def expressiveness(self) -> Fraction | float | None:
        """``1/dim`` averaged over the modules with the weight of the observable in each: the part of a small variance
        that the size of the modules explains."""
        if not self.modules:
            return None
        return sum((m.observable_purity / m.dim for m in self.modules), Fraction(0)) / self.observable_purity

    @cached_property
    def state_factor(self) -> Fraction | float | None:
        """What the state adds to that: the mean ``P_κ(ρ)``, so that
        ``variance = observable_purity · expressiveness · state_factor`` where terms do not interfere."""
        if self.expressiveness is None:
            return None
        return sum((m.variance for m in self.modules), Fraction(0)) / (self.observable_purity * self.expressiveness)


@dataclass(frozen=True, eq=False)
class DeepLimit(Prediction):
    """A prediction for infinitely many layers, and the limit that it was read from.

    Args:
        limit: with one entry a rotation in place of one a parameter; ``None`` where there is no limit
    """

    limit: Limit | None = None
