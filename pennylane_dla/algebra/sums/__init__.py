r"""Generators that are sums of strings: closure, structure, commutant, by linear algebra that proves its ranks.

The Lie closure is the smallest space that contains the generators and that commutators with them map into itself
(``invariant_span``); with an observable as the seed it is the module of the observable. Only the strings that are
reached become coordinates (``coordinates``). *Random combinations* of the candidates ``[G_k, B_b]`` leave the span
with probability one as long as any candidate does, so about ``dim`` vectors are tested instead of ``generators ·
dim``, and a last one that stays inside certifies the closure.

Ranks are decided modulo a prime where coefficients are rational or roots of rationals (``residues``,
``span``, ``modular_products``), and proved over the rationals (``rational_basis``); otherwise in floating
point, and the result says with which tolerance.

A closed algebra acts on itself. What commutes with that action (``commutant``) splits it into simple ideals and
center, and the eigenvalues of one generic element, the roots, name each ideal (``structure``).

Sources: Iiyama, arXiv:2506.01120 (fast closure); Ragone et al., arXiv:2309.09342 (ideals and variances).
"""

from .closure import lie_closure_sums

__all__ = ["lie_closure_sums"]
