"""What would make a circuit trainable: variants of it, each diagnosed, ranked by the gradient they win.

Read ``search`` first. It diagnoses each candidate like any other circuit, keeps those whose gradient is larger beyond
the errors of both, and puts the most effective first. Gradients count in units of the squared range of the loss:
multiplying a loss by ten is no remedy. One file for each kind of candidate:

===============  ==========================================================================
``observable``   a local observable in place of a global one (arXiv:2001.00550)
``layers``       fewer layers
``state``        another product state to start from
``angles``       a normal distribution of the initial angles, of the best width (arXiv:2203.09376)
``generators``   without the generators that blow up the Lie algebra (Quantum 6, 824)
===============  ==========================================================================

``variant`` holds a changed circuit and the figures by which it is judged, ``remedy`` what a user gets.
"""

from .remedy import Remedies, Remedy
from .search import find_remedies

__all__ = ["Remedies", "Remedy", "find_remedies"]
