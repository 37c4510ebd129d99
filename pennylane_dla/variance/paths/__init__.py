r"""Variances at any number of qubits from sampled Pauli paths, for circuits whose generators are single strings.

The averaged step of :mod:`~pennylane_dla.variance.exact` is a random walk on Pauli strings. Instead of the weights of
all strings, paths of the walk are drawn: a path starts at a term of the observable, goes through the gates from the
last to the first, and at a rotation by a string that it anticommutes with stays or moves with probability ½ each.
Then

.. math:: E[l^2] = \|O\|^2\, E[w], \qquad
          E[(\partial_k l)^2] = \|O\|^2\, E[w\, 1\{\text{the path anticommutes with } P_k \text{ at gate } k\}],

with ``w = Tr[ρQ]²`` at the start of the circuit, so that one set of paths serves the loss and every component.
32 paths share a machine word, and ``lax.scan`` walks a table of the gates.

What need not be sampled is not:

* *which terms interfere* is decided by their syndromes (``term_classes``);
* *the first single-wire gates* of each wire are integrated into the end weight: behind one layer of RX and RY the hit
  or miss of a scrambled string becomes a product over qubits, whose relative second moment is ``(4/3)ⁿ`` instead of
  ``2ⁿ`` (``gate_table``); where too few paths hit all the same, *the block of commuting rotations* next to the state
  is averaged as in :mod:`~pennylane_dla.variance.exact` (``state_block``);
* paths run *from the state to the observable* where the state is fewer strings (``state_side``);
* *splitting* copies the paths that have a future (``splitting``).

Under other laws of the angles, known angles that are no quarter turns, and general noise, two strings no longer move
together: then signed pairs are sampled (``pair_paths``), unbiased, with the cost of the signs in the error bar.

*Chosen* where generators are single strings with independent angles, and too many strings are in reach to list them
all. An estimate in which no path was seen to hit is an upper bound, never a value.

Source: Heyraud et al., arXiv:2302.04649.
"""

from .engine import predict, predict_together

__all__ = ["predict", "predict_together"]
