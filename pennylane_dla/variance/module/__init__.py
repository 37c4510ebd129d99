r"""Exact variances for generators that are sums of strings: covariances on the module of the observable.

Let ``M`` be the span of the observable ``O`` under repeated commutators with the generators, ``d`` its dimension. In
an orthonormal basis of ``M`` the observable is a vector ``o``, the state another, ``r_a = Tr[ρB_a]``, and generator
``k`` a skew matrix ``A_k``: the number of qubits no longer occurs. A random circuit makes the Heisenberg vector of
the observable random; its second moment ``E`` starts as ``o oᵀ`` and passes one gate after the other. In the
eigenvectors of ``A_k``, with frequencies ``w``, a gate multiplies entry ``(a, b)`` by the characteristic function of
its angle,

.. math:: E_{ab} \mapsto \varphi(w_a + w_b)\, E_{ab}, \qquad E[l^2] = r^T E\, r,

and a uniform angle keeps the entries with ``w_a + w_b = 0`` alone. The derivative of gate ``k`` replaces ``E`` by
``A_k E A_kᵀ`` there. The result is exact at any depth, and costs ``gates · d²`` to ``d³``. Single strings are the
case of a diagonal ``E``. The span of the *state* serves as well, and is taken where it is the smaller one.

``observable_module`` finds ``M``, ``frames`` diagonalises the generators, ``engine`` walks. With noise the
strings themselves are the basis, since a Pauli channel is diagonal there (``noisy``).

*Chosen* where a generator is a sum of strings (QAOA layers, excitations, permutation-equivariant gates, controlled
rotations), where angles are independent and the module fits the time and memory of the budget.

Sources: Diaz et al., arXiv:2310.11505 (modules beyond the Lie algebra); Larocca et al., Quantum 6, 824 (2022).
"""

from .engine import predict, predict_together

__all__ = ["predict", "predict_together"]
