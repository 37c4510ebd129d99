r"""Variances on the few dimensions in which a circuit moves its own state.

Let ``K`` be the smallest subspace that holds the initial state (the range of a mixed one) and that every generator maps
into itself, those of known gates among them. All that the circuit does to this state happens in ``K``: with ``d = dim
K``, state, generators and observable are ``d × d`` matrices, and loss, gradient and deep limit are theirs. Where there
is a symmetry, ``d`` is small: all single and double excitations of two electrons in ten spin orbitals move the
Hartree-Fock state in 25 of 1024 dimensions.

**Finding it.** No one has to name the symmetry (``sector``):

* ``frame`` takes the basis in which the generators reach fewest basis states: that of the circuit with all Cliffords
  pushed to its end, the one in which known gates at the start belong to the state (``start``), or the one in which a
  product state points along Z;
* ``basis_states`` collects the basis states that are reached; only they become rows, not ``2ⁿ``;
* ``invariant_space`` closes the state under the generators *modulo a prime* (``prime_field``), which gives ``d``. In
  floating point every application amplifies the rounding errors of the one before, and they end up as dimensions: 1597
  instead of 232 on a Heisenberg chain of 14 spins. Residues do not round. They exist where real and imaginary parts
  of all coefficients and amplitudes are, up to a factor for each generator and the state, rational numbers or square
  roots of these; otherwise the rank is one in double precision, and the result says with which tolerance;
* an orthonormal basis comes from the states that a random circuit passes through: rotations are unitary and amplify
  nothing. It is taken once it is seen that no generator leads out of it. A rank that stays unclear is a stated reason,
  never a number.

**On it** a rotation is diagonal in the eigenbasis of its generator (``walk``).

* *Exact* (``covariance``): in the eigenbasis, with levels ``λ``, the second moment of the state obeys

  .. math:: M = E[\rho \otimes \rho], \qquad
            M_{ab,ce} \mapsto \varphi(\lambda_c + \lambda_e - \lambda_a - \lambda_b)\, M_{ab,ce}

  with ``φ`` the characteristic function of the angle: any depth, any law of independent angles. A rotation costs
  ``d⁵``, so this is for some dozens of dimensions.
* *Sampled* (``sampled``): gradients of random circuits, ``d²`` per rotation, with the standard error
  ``√((m₄ − m₂²)/N)`` of a sampled variance. Arguments are drawn as a user would draw them, so one argument may return
  in several places, and ``qp.var`` is no obstacle.

``group`` tells whether the generators make all of su(d), so(d) or sp(d), ``algebra`` names what they make: so(25) in
the example. The deep limit on ``K`` is in :mod:`~pennylane_dla.variance.limit`.

*Chosen* where generators are sums of strings, before the module if exact values are at hand on few basis states or no
module can be small; after it, and for shared arguments and ``qp.var``, if a rotation costs less on ``K`` than on the
state vector. A circuit with noise has no such subspace.

Sources: Larocca et al., Quantum 6, 824 (2022) (invariant subspaces and what is controllable on them); Altafini, J.
Math. Phys. 43, 2051 (2002), and Zeier and Zimborás, arXiv:1504.07732 (recognising the group); Jones and Gacon,
arXiv:2009.02823 (gradients of sampled circuits).
"""

from .engine import predict, predict_together

__all__ = ["predict", "predict_together"]
