r"""The story from a circuit to a diagnosis, and the plain data that it leaves.

``inspection`` reads the circuit, finds its Lie algebra, predicts the variances of every measurement and its deep
limit, and collects them in ``records``: frozen data, exact numbers where they are exact. ``verdict`` holds the
signal against the noise of the shots, ``causes`` names what makes a gradient small, ``summary`` keeps the few
figures that comparisons and sweeps are made of.

*Signal.* The shots that a component needs for signal-to-noise 1 are ``N = w σ² / (2 E[(∂l)²])``: ``σ²`` is the
variance of one shot, ``w`` what the parameter-shift rule multiplies it with.

*Causes.* The deep limit is a product, ``Var[l] = P(O) · ⟨1/dim⟩ · ⟨P(ρ)⟩``: observable, expressiveness, initial
state; at finite depth noise is the fourth factor (Ragone et al., arXiv:2309.09342; Wang et al., arXiv:2007.14384).

One circuit has a number; whether a family has a barren plateau is a statement about growth with its size, which
:func:`pennylane_dla.scaling` makes. Nothing here is presented: the class that a user holds,
:class:`pennylane_dla.Diagnostics`, adds text, pictures and remedies to these records.
"""

from .inspection import inspect_ansatz, inspect_circuit

__all__ = ["inspect_ansatz", "inspect_circuit"]
