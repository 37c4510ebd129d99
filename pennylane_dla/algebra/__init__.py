r"""Dynamical Lie algebras: what generators reach by commutators, and what an observable can become.

The dynamical Lie algebra ``𝔤`` of a circuit is the real span of ``{iG_k}`` and all their nested commutators, with
``G_k`` the effective generators (:mod:`~pennylane_dla.circuit.effective`). Its Lie group is every unitary that deeper
circuits of the same generators reach.

*Single strings.* Commutators of strings are strings, so ``𝔤`` is spanned by the orbit of the generators, and
questions about it are linear algebra over F₂ on vectors ``v = (x|z)`` with the symplectic form ``ω(u, v)``, which is
1 where two strings anticommute. :func:`pennylane_dla.classify` names the algebra at any number of qubits without
listing it; :func:`pennylane_dla.lie_closure` lists it.

*Sums of strings.* The closure is numerical, on the coordinates of the strings that are reached.

The rooms, each on those above it:

===========  ==========================================================================
``f2``       linear algebra over F₂, symplectic and quadratic forms, words of a code
``strings``  components of the generators, free fermions: what classification looks for
``orbits``   what one string can become, counted without listing it
``sums``     closure, structure and commutant of generators that are sums
===========  ==========================================================================

Sources: Larocca et al., Quantum 6, 824 (2022); Aguilar et al., arXiv:2408.00081; Cuypers, arXiv:2603.08373; Wiersema
et al., arXiv:2309.05690.
"""
