r"""How much the loss and every gradient component vary over the distribution of the parameters, before training.

The loss of a circuit is ``l(θ) = Tr[O U(θ) ρ U(θ)†]``. An engine is asked one
:class:`~pennylane_dla.variance.problem.Problem` (a circuit, an observable, a distribution of the angles, a budget)
and answers with a :class:`~pennylane_dla.variance.estimate.Prediction`: numbers with their method and their error, or
the reason why it does not apply. One engine a room, the rooms in the order of the theory:

=============  =====================================================================================
``exact``      propagates the weights of all Pauli strings in reach; generators are strings
``paths``      samples Pauli paths, at any number of qubits; generators are strings
``module``     propagates the covariance on the module of the observable; generators are sums, exact
``sector``     works on the few dimensions in which the state moves: exact, or sampled where they are many
``simulated``  runs the circuit at random angles, for what the others leave
``limit``      no engine: what infinitely many layers of the same generators would do
=============  =====================================================================================

``choose`` asks the exact engines first. In front of the rooms stands what they share: the problem and the estimate,
the law of the angles, the chain rule from gates to arguments, parameters that are known to be dead.

**Conventions.** A rotation is ``exp(-iαG)``; ``RX(α)`` is ``exp(-iαX/2)``. An angle is an affine function of the
elements of the QNode's trainable arguments. By default an element is uniform over the common period of the gates that
it drives; any other law enters through its characteristic function ``φ(t) = E[e^{itθ}]`` alone. ``E[l²]`` is called
the second moment, and the variance is ``E[l²] − E[l]²``; under uniform angles gradients have mean zero.
"""
