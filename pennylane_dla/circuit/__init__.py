r"""From a PennyLane tape to an :class:`~pennylane_dla.circuit.ansatz.Ansatz`, and on to its effective generators.

Read ``ansatz`` first: the one form in which all else sees a circuit, local rotations ``exp(-iαG)`` and noise
channels in order, each angle affine in the trainable arguments. Then ``extract``, the story that leads there: the
arguments are read (``arguments``), operations become products of rotations (``decomposition``, ``operations``), and a
few evaluations at generic values tell which argument drives which angle (``probing``).

``effective`` pushes the Cliffords to the end. With ``F_k`` the product of those before rotation ``k``, ``F`` of all,

.. math:: U = F \prod_k e^{-i\alpha_k \tilde G_k}, \qquad \tilde G_k = F_k^\dagger G_k F_k,

and the observable becomes ``F†OF``. A Clifford takes a Pauli string to a signed one, so strings stay strings. Gates
that one argument drives inside one block of commuting gates have one generator, the sum of theirs (``blocks``): the
tape does not show that, the map from arguments to angles does. The Lie algebra and all variances are those of the
``G̃_k``.

Source: Larocca et al., Quantum 6, 824 (2022), generators of a circuit and their Lie algebra.
"""
