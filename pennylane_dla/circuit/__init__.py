"""From a PennyLane tape to an :class:`~pennylane_dla.circuit.ansatz.Ansatz`."""
