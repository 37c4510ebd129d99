r"""What one Pauli string can become under the generators: its orbit, with exact size, never listed.

A commutator with the generator ``v`` takes a string ``x`` that anticommutes with it to ``x + v``: the transvection
``τ_v(x) = x + ω(x, v) v``. The strings that ``x`` can become are its orbit under the group of these, its connected
component in the commutator graph. Each component of the generators moves ``x`` by its own displacements
(``displacements``), one of three kinds:

* *Majorana products*: for free fermions a string that acts as a product of ``k`` of the ``N`` Majorana operators
  becomes every other such product, times ``2^z`` central labels; these are ``2^z · N!/(k!(N − k)!)`` strings, half as
  many where ``2k = N`` and complementary sets are the same string;
* *quadrics*: in the other cases, with ``U`` the span of the generators and ``q`` the quadratic form that is 1 on each
  (:mod:`~pennylane_dla.algebra.strings`), all ``x + u`` with ``u ∈ U`` and ``q(u) + ω(x, u) = 0`` that do not commute
  with all of ``U``; without the first condition where there is no such form;
* *flips* ``{0, v}``, for a generator that stands alone.

The uniform distribution on the orbit is the image of independent uniform displacements; where spans overlap, several
sums of displacements are the same string (``joint_span``).

``stabilizer_count`` answers the one question of the deep limit: which share of the orbit lies in the stabilizer group
of the state. On one quadric that is the count of a linear system; Majorana products are words of one weight in a
code.

Sources: Brown and Humphries, Orbits under symplectic transvections (1986); West et al., arXiv:2502.16404; Diaz et
al., arXiv:2310.11505.
"""

from .orbit import Action, Orbit, orbit

__all__ = ["Action", "Orbit", "orbit"]
