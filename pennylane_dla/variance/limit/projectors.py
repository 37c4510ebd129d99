"""The deep-circuit limit of a projector on many wires, without writing out its ``2^k`` terms.

A projector on a stabilizer state of ``k`` wires is ``2^{-k} Σ_{h ∈ G} ±h`` over a group ``G`` of commuting strings.
Where the generators form one component that spans all strings, no two terms interfere and all of them lie in one
orbit, or in two that the quadratic form tells apart; the form is linear on ``G``, so it is 1 on half of it or
nowhere.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from pennylane_dla.algebra.classification import classify_strings
from pennylane_dla.algebra.f2.symplectic import strings, vectors
from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.algebra.orbits.orbit import Action
from pennylane_dla.circuit.ansatz import State, UnknownState
from pennylane_dla.pauli import PauliStrings
from pennylane_dla.variance.problem import Budget

from .result import Limit
from .strings import Contribution, assemble, average, scaled


def projector_limit(
    generators: PauliStrings,
    stabilizers: PauliStrings,
    state: State,
    rotations: PauliStrings | None = None,
    algebra: LieAlgebra | None = None,
    budget: Budget | None = None,
) -> Limit | None:
    r"""Limit for ``∏_j (1 ± S_j)/2`` with independent commuting strings ``S_j``, whatever their signs.

    .. math:: \mathrm{Var}[l] = 4^{-k} \sum_{1 \ne h \in G} \overline{\mathrm{Tr}[\rho h']^2}

    Args:
        generators: effective generators of the trainable rotations
        stabilizers: ``S_j`` in the same frame (the ``Z`` of each measured wire, pushed through the Cliffords)
        state: initial state
        rotations: the strings of the parameters to differentiate; by default ``generators``
        algebra: of ``generators``, if classified already
        budget: limits of sampling

    Returns:
        Limit: or ``None`` where the generators do not span all strings in one component, or the state is unknown

    **Example**

    >>> from pennylane_dla.circuit.ansatz import ProductState
    >>> universal = PauliStrings.from_local([(q,) for q in range(50)] * 2 + [(q, q + 1) for q in range(49)],
    ...                                     ["X"] * 50 + ["Y"] * 50 + ["ZZ"] * 49, 50)
    >>> everywhere = PauliStrings.from_local([(q,) for q in range(50)], ["Z"] * 50, 50)
    >>> result = projector_limit(universal, everywhere, ProductState.zero(50))
    >>> result.loss.value == Fraction(2**50 - 1, 4**50 * (2**50 + 1))
    True
    """
    budget = budget or Budget()
    algebra = algebra if algebra is not None else classify_strings(generators)
    if algebra.components is None or len(algebra.components) != 1 or isinstance(state, UnknownState):
        return None
    (part,) = algebra.components
    if part.span.g != algebra.num_wires or part.frame is not None:
        return None
    rows, form = vectors(stabilizers), part.form
    k = len(rows)
    odd = np.zeros(k, bool) if form is None else form(rows)
    classes = []  # a string and the number of strings of its orbit in the group
    if odd.any():
        classes.append((rows[odd][:1], 2 ** (k - 1)))
    even = [row for row in rows[~odd]] + ([rows[odd][0] ^ rows[odd][1]] if odd.sum() > 1 else [])
    if even:
        classes.append((even[0][None], 2**k - 1 - sum(count for _, count in classes)))
    action = Action(algebra)
    sums = []
    for row, count in classes:
        orbit = action.orbit(strings(row, algebra.num_wires))
        one = average(orbit, state, budget)
        purity = Fraction(count, 4**k)
        sums.append(Contribution(orbit, scaled(one, purity), purity, one))
    mean = float(Fraction(1, 2**k))
    return assemble(generators, algebra, generators if rotations is None else rotations, sums, mean)
