r"""What infinitely deep circuits of the same generators do: their loss variance and the gradient deep inside them.

Once the angles have made the circuit a 2-design over the Lie group ``G`` of its generators, nothing but the group
remains. Let the module of the observable split into inequivalent irreducible parts ``M_κ``, and let ``P_κ(A)`` be the
squared norm of the projection of ``A`` on ``M_κ``. Then

.. math:: \mathrm{Var}[l] = \sum_\kappa \frac{P_\kappa(O)\, P_\kappa(\rho)}{\dim M_\kappa}, \qquad
          E[(\partial_G l)^2] = \sum_\kappa \frac{\mathrm{Tr}[-\mathrm{ad}_G^2|_{M_\kappa}]}{\dim M_\kappa}
          \frac{P_\kappa(O)\, P_\kappa(\rho)}{\dim M_\kappa}.

For an observable in the Lie algebra the parts are its simple ideals; central parts are the mean, not variance. Each
factor is one of the causes that a diagnosis names: ``dim M_κ`` expressiveness, ``P_κ(ρ)`` the initial state,
``P_κ(O)`` the observable.

* ``strings``: generators that are single strings. The part of a string is its orbit
  (:mod:`~pennylane_dla.algebra.orbits`), and for a product of Pauli eigenstates with stabilizer group ``S`` the
  second moment is the exact fraction ``|orbit ∩ ±S| / |orbit|``; a parameter deep inside sees that times the share of
  the orbit that anticommutes with its string. Two terms ``Q``, ``Q'`` interfere where their product commutes with
  every generator: it is conserved, and ``E[l_Q l_Q'] = Re Tr[ρQQ'] · |orbit(Q) ∩ ±S| / |orbit(Q)|``. Other states:
  ``orbit_average``.
* ``projectors``: projectors on many wires, without writing out their terms.
* ``sums``: generators that are sums. Equivalent parts interfere, so the second moment ``o oᵀ`` is projected on the
  symmetric matrices that commute with every generator (:mod:`~pennylane_dla.algebra.sums.commutant`).
* ``sector``: sums, where the group on the few dimensions that the state moves in is all of su(d), so(d) or sp(d), in
  closed form; other groups there as in ``sums``.

Noise is left out. This is no engine: it predicts another circuit than the one at hand, and its numbers stand beside
those of the engines.

Sources: Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902; West et al., arXiv:2502.16404.
"""

from .engine import deep_limit, deep_limits

__all__ = ["deep_limit", "deep_limits"]
