"""Losses and derivatives of many circuits with different angles, in the space of the Pauli strings that the observables
can reach, at any number of qubits.

The observable is a vector ``v`` on these strings, the state another, ``r_Q = Tr[ρQ]``. In the Heisenberg picture a
rotation ``exp(-iαcP)`` turns every pair ``(Q, iPQ)`` with ``ω(P, Q) = 1`` by the angle ``2cα``, noise damps or mixes
strings, and at the start of the circuit the loss is ``r·v``. Derivatives are found on the way back (adjoint
differentiation): with ``u`` the state's vector at gate ``k`` and ``v`` the observable's, both just before it,

    ∂l/∂α_k = 2c Σ_pairs (u_iPQ v_Q − u_Q v_iPQ),

then ``v`` is undone and ``u`` goes through the transpose. Undoing noise amplifies rounding errors; where it would by
more than ``MAX_AMPLIFICATION`` a copy of ``v`` is kept from the way there instead.

Free fermions reach ``n²`` strings or so, of which a gate touches ``n``; a light cone of ``m`` qubits at most ``4^m``.

Sources: Goh et al., arXiv:2308.01432 (g-sim); Jones and Gacon, arXiv:2009.02823 (adjoint differentiation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pennylane_dla.allowance import checkpoint
from pennylane_dla.circuit.ansatz import Angle, Ansatz
from pennylane_dla.circuit.effective import effective_ansatz
from pennylane_dla.pauli import PauliSum
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.problem import Budget

from .reached_strings import Damping, Mixing, ReachedStrings, StringTurn, reached_strings

MAX_AMPLIFICATION = 1e4
MAX_BATCH = 512
BATCH_SECONDS = 2.0
BLOCK = 2**15  # numbers of a gate worked on together: they stay in the cache


@dataclass(frozen=True, eq=False)
class StringSimulation:
    """What is simulated: the strings that some observables reach. The interface is that of
    :class:`~pennylane_dla.variance.simulated.state_vectors.Simulation`.

    Args:
        reached: the strings and the steps between them
        angles: of the rotations; a value for each is given to :meth:`run`
        observables: as measured at the end
        state: ``Tr[ρQ]`` of each string
        kept: positions of the steps before which, on the way there, ``v`` is copied
        max_memory: bytes that a batch may hold
    """

    reached: ReachedStrings
    angles: tuple[Angle, ...]
    observables: tuple[PauliSum, ...]
    state: Float[np.ndarray, " m"]
    kept: frozenset[int]
    max_memory: int

    @property
    def statistics(self) -> dict[str, int]:
        """What the report may show."""
        return {"strings": len(self.state)}

    @property
    def description(self) -> str:
        """Completes the sentence "sampled circuits …"."""
        return f"on {len(self.state)} Pauli strings"

    @property
    def seconds(self) -> float:
        """Rough time for one circuit and its derivatives."""
        return self.reached.seconds

    @property
    def bytes(self) -> int:
        """Held for one circuit: ``v`` there, ``v`` and ``u`` on the way back, copies, derivatives."""
        number = len(self.observables)
        channels = (self.reached.steps[position] for position in self.kept)
        copies = sum(_size(step) for step in channels if not isinstance(step, StringTurn))
        return 8 * ((2 * number + 1) * len(self.state) + number * copies + (number + 3) * len(self.angles))

    @property
    def batch(self) -> int:
        """How many circuits are best run together."""
        in_time = BATCH_SECONDS / max(self.reached.seconds, 1e-9)
        return int(max(1, min(MAX_BATCH, self.max_memory // self.bytes, in_time)))

    def run(
        self, angles: Float[np.ndarray, "batch rotations"]
    ) -> tuple[Float[np.ndarray, "batch observables"], Float[np.ndarray, "batch observables rotations"]]:
        """Expectation values (without constants) and their derivatives with respect to the angles."""
        batch, number = len(angles), len(self.observables)
        vector, copies = self._there(angles)
        values = (self.state @ vector).reshape(number, batch).T
        both = np.concatenate([vector, np.broadcast_to(self.state[:, None], (len(vector), batch))], axis=1)
        del vector
        return values, self._back(angles, both, copies)

    def _there(self, angles):
        """The observables, side by side, from the end of the circuit to its start."""
        batch = len(angles)
        vector = np.repeat(self.reached.observables.T, batch, axis=1)
        copies = {}
        for position in range(len(self.reached.steps) - 1, -1, -1):
            checkpoint()
            step = self.reached.steps[position]
            if isinstance(step, StringTurn):
                _turn(vector, step, angles[:, step.rotation], 1.0)
                continue
            size = _size(step)
            if position in self.kept:
                copies[position] = vector[:size].copy()
            if isinstance(step, Damping):
                vector[:size] *= step.factors[:, None]
            else:
                vector[:size] = step.matrix @ vector[:size]
        return vector, copies

    def _back(self, angles, both, copies) -> Float[np.ndarray, "batch observables rotations"]:
        """Observables and state from the start of the circuit to its end, and the derivatives at each rotation."""
        batch, number = len(angles), len(self.observables)
        slopes = np.zeros((batch, number, len(self.angles)))
        split = number * batch
        for position, step in enumerate(self.reached.steps):
            checkpoint()
            if isinstance(step, StringTurn):
                wanted = not self.angles[step.rotation].fixed
                slope = _turn(both, step, angles[:, step.rotation], -1.0, number if wanted else 0)
                if wanted:
                    slopes[:, :, step.rotation] += step.scale * slope.T
                continue
            size = _size(step)
            vector, state = both[:size, :split], both[:size, split:]
            if position in self.kept:
                vector[:] = copies.pop(position)
            elif isinstance(step, Damping):  # what mixes is always copied
                vector /= step.factors[:, None]
            if isinstance(step, Damping):
                state *= step.factors[:, None]
            else:
                state[:] = step.matrix.T @ state
        return slopes


def string_simulation(
    ansatz: Ansatz, observables: Sequence[PauliSum], max_strings: int, max_seconds: float, budget: Budget
) -> StringSimulation | Declined:
    """The strings that some observables reach, ready to run; or why they cannot be.

    Args:
        ansatz: a circuit of rotations and noise from a known state
        observables: as measured at the end
        max_strings: that may be reached
        max_seconds: that one circuit and its derivatives may take
        budget: limits of memory, and of the time to find the strings

    Returns:
        the simulation, or the reason why there is none
    """
    effective = effective_ansatz(ansatz)
    pushed = [effective.clifford.push(observable) for observable in observables]
    reached = reached_strings(effective, pushed, max_strings, max_seconds, budget)
    if isinstance(reached, Declined):
        return reached
    state = ansatz.state.expectation(reached.strings)
    task = StringSimulation(
        reached, effective.angles, tuple(observables), state, _kept(reached), budget.max_memory // 2
    )
    if task.bytes > task.max_memory:
        return Declined(f"one circuit on {len(state)} Pauli strings exceeds half of max_memory={budget.max_memory}")
    return task


def _size(step: Damping | Mixing) -> int:
    """How many strings, from the first, a channel acts on."""
    return len(step.factors) if isinstance(step, Damping) else step.matrix.shape[0]


def _kept(reached: ReachedStrings) -> frozenset[int]:
    """Where ``v`` is copied rather than divided: errors grow by ``1/min|λ|`` at each division, up to the next copy."""
    kept, amplification = set(), 1.0
    for position in range(len(reached.steps) - 1, -1, -1):
        step = reached.steps[position]
        if isinstance(step, StringTurn):
            continue
        least = np.abs(step.factors).min() if isinstance(step, Damping) else 0.0
        if least * MAX_AMPLIFICATION > amplification:
            amplification /= min(least, 1.0)
        else:
            kept.add(position)
            amplification = 1.0
    return frozenset(kept)


def _turn(vectors, step: StringTurn, angles: Float[np.ndarray, " batch"], direction: float, slopes: int = 0):
    """Turn all pairs, in place; ``direction = -1`` undoes it.

    The columns are blocks of a batch. With ``slopes`` blocks of observables before that of the state, ``Σ (u_second
    v_first − u_first v_second)`` as it was before the turn.
    """
    batch = len(angles)
    repeats = vectors.shape[1] // batch
    cos = np.tile(np.cos(step.scale * angles), repeats)
    sin = np.tile(direction * np.sin(step.scale * angles), repeats)
    total = np.zeros((slopes, batch))
    block = max(16, BLOCK // vectors.shape[1])
    for start in range(0, len(step.first), block):
        first, second = step.first[start : start + block], step.second[start : start + block]
        one, other = vectors.take(first, axis=0), vectors.take(second, axis=0)
        for j in range(slopes):
            of = slice(j * batch, (j + 1) * batch)
            total[j] += np.einsum("pb,pb->b", other[:, -batch:], one[:, of])
            total[j] -= np.einsum("pb,pb->b", one[:, -batch:], other[:, of])
        turned = one * cos
        turned -= other * sin
        vectors[first] = turned
        one *= sin
        other *= cos
        other += one
        vectors[second] = other
    return total
