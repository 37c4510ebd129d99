r"""Generators that are single Pauli strings, component by component.

Split the generators into the connected components of their anticommutation graph (``anticommutation_graph``);
components commute, and ``𝔤`` is the sum of theirs. For one component with generators ``v_1 … v_m`` let ``U`` be their
span, ``dim U = 2g + r`` with radical ``R``, and ``q̃`` the quadratic form on F₂^m with ``q̃(e_i) = 1`` and
polarization ``ω(v_i, v_j)``. Merge generators that differ by an element of ``R``.

*Free fermions* (``free_fermion``): the anticommutation graph is the line graph of a simple graph on ``N`` vertices,
a generator a Majorana bilinear ``γ_aγ_b`` times a central label. With ``z`` the rank of the cycle space of the
multigraph, ``𝔤`` is ``2^z`` copies of ``so(N)``.

*Otherwise* the quadratic form decides:

=====================================================  =================================
not zero on the relations among the generators         ``2^r`` copies of ``su(2^g)``
zero there, not zero on the radical of the form        ``2^{r−1}`` copies of ``su(2^g)``
zero on the radical, Arf invariant 1                   ``2^r`` copies of ``sp(2^g)``
zero on the radical, Arf invariant 0                   ``2^r`` copies of ``so(2^g)``
=====================================================  =================================

A generator that commutes with all others is a ``u(1)``. All of this is polynomial in qubits and generators.

Sources: Aguilar et al., arXiv:2408.00081; Cuypers, arXiv:2603.08373; Brown and Humphries, Orbits under symplectic
transvections (1986).
"""

from .component import Component, QuadraticForm

__all__ = ["Component", "QuadraticForm"]
