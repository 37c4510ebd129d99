r"""Sampled losses and gradients: the engine that assumes nothing about the angles, and comes last.

Arguments are drawn from their distribution as a user would draw them, the circuit is run, and the variances of loss
and gradient are those of the sample, with the standard error ``√((m₄ − m₂²)/N)`` from its fourth central moment. Two
ways to run a circuit:

* ``state_vectors``: the state of the qubits in the light cone, by PennyLane's simulators, with adjoint
  differentiation (Jones and Gacon, arXiv:2009.02823);
* ``pauli_vectors``: the observable as a vector on the Pauli strings that it can reach. A rotation ``exp(-iαcP)``
  turns each pair ``(Q, iPQ)`` by the angle ``2cα``, noise damps or mixes strings, and the loss is ``Σ_Q v_Q Tr[ρQ]``
  (g-sim, Goh et al., arXiv:2308.01432). The number of qubits is not limited, the number of strings is;
  ``reached_strings`` finds them.

*Chosen* where nothing else applies: one argument in several separate places, modules that are too large, ``qp.var``
(which is not linear in the state).
"""

from .engine import predict, predict_together

__all__ = ["predict", "predict_together"]
