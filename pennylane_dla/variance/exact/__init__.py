r"""Exact variances at the given depth, for circuits whose generators are single Pauli strings.

Read the circuit backwards from the observable (Heisenberg picture). A rotation ``exp(-iαP/2)`` leaves a string ``Q``
alone that commutes with ``P``, and turns one that anticommutes:

.. math:: Q \mapsto \cos\alpha\, Q + \sin\alpha\, (iPQ).

The second moment of the loss is linear in the pairs ``Q ⊗ Q'``, so the average over ``α`` is a linear map on their
weights. For a uniform angle it is ``Q ⊗ Q → ½ Q ⊗ Q + ½ PQ ⊗ PQ``: a random walk on strings. Cliffords permute
strings, Pauli noise multiplies them by its eigenvalues, and at the start of the circuit a pair counts ``Tr[ρQ]
Tr[ρQ']``:

.. math:: E[l^2] = \sum_{Q, Q'} E_{QQ'}\, \mathrm{Tr}[\rho Q]\, \mathrm{Tr}[\rho Q'].

The derivative with respect to one angle replaces the map of that gate, so one sweep from each end gives the loss and
the whole gradient. Pairs are stored by their difference ``R = QQ'``: a uniform rotation that anticommutes with ``R``
multiplies the pair by ``E[cos α] = 0``, so few differences survive, for one term and uniform angles only ``R = 1``.

*Rotations that commute* change no anticommutation. Where all that ``Q`` meets commute with each other, uniform
angles spread it evenly over its products with the span of those ``P_k`` that anticommute with it. On a product of
Pauli eigenstates its mean end weight is ``2^-rank`` or 0, by a linear system over F₂: exact at any number of qubits
and any depth (``commuting``).

*The mean* of the loss follows the same steps with single strings: ``Q ↦ E[cos α] Q + E[sin α] (iPQ)``.

*Chosen* first, where all generators are single strings with independent angles and the strings within reach fit the
budget: ``n(2n − 1)`` of them for free fermions, ``4ⁿ`` at worst, inside the light cone in any case. Where they do not
fit, :mod:`~pennylane_dla.variance.paths.engine` samples the same walk.

Sources: West et al., arXiv:2502.16404 (second moments on the commutator graph); Heyraud et al., arXiv:2302.04649 (the
Clifford walk).
"""

from .engine import predict, predict_together

__all__ = ["predict", "predict_together"]
