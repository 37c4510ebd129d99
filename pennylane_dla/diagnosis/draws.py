"""Random initializations of a circuit, simulated: the gradient of each, and what its shots would make of it.

A variance is a mean over initializations, and rare ones can dominate it: a global projector has a mean probability of
``2^-n`` and a typical one far below. So the typical entry and the share of initializations that shots resolve are read
off a hundred simulated ones, on the state vector of the light cone where that is small enough, else on the Pauli
strings in reach where these are few. State vectors with the batch last, in NumPy: a hundred gradients of eight qubits
and a hundred parameters take a tenth of a second, less than compiling them would.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Complex, Float

from pennylane_dla.circuit.ansatz import Ansatz, UnknownState
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliStrings, PauliSum, ProjectorProduct
from pennylane_dla.variance.chain_rule import angle_map
from pennylane_dla.variance.estimate import Declined
from pennylane_dla.variance.problem import Problem
from pennylane_dla.variance.simulated.pauli_vectors import StringSimulation, string_simulation
from pennylane_dla.variance.simulated.state_vectors import Simulation, Turn, diagonals, simulation

DRAWS = 96
LEAST_DRAWS = 24  # fewer say nothing about a share
MAX_QUBITS = 14
MAX_GATES = 20_000
MAX_TERMS = 512
MAX_STRINGS = 2**12
PRECISE_QUBITS = 10  # up to which amplitudes are kept in double precision
AMPLITUDES = 2**15  # of a batch
PASSES = 5  # through the state: forward, backward for two vectors, overlaps
SECONDS = 2e-8  # per amplitude and turn of one pass, a rough and safe figure


@dataclass(frozen=True, eq=False)
class Draws:
    """Gradients at random initializations.

    Args:
        gradient: one row for each initialization
        noise: ``N`` times the variance of the same entry when estimated from ``N`` shots per expectation value
        least: shots for which an outcome that both shifted circuits need is seen once, on average; 0 for Pauli strings
    """

    gradient: Float[np.ndarray, "draws elements"]
    noise: Float[np.ndarray, "draws elements"]
    least: Float[np.ndarray, "draws elements"]


def sample_draws(
    problem: Problem, weights: Float[np.ndarray, " elements"], single_shot: float, seconds: float
) -> Draws | None:
    """Simulate random initializations, as many as fit into the time.

    Args:
        problem: one expectation value of one circuit
        weights: of :func:`~pennylane_dla.diagnosis.shots.shift_weights`
        single_shot: variance of a single shot of a Pauli observable
        seconds: that all of it may take

    Returns:
        at least ``LEAST_DRAWS`` gradients, or ``None`` where the circuit is too large, noisy, or its law cannot be
        drawn from
    """
    ansatz, observable = problem.ansatz, problem.observable
    if problem.kind == "var" or isinstance(ansatz.state, UnknownState) or len(ansatz.gates) > MAX_GATES:
        return None
    if isinstance(observable, PauliSum) and not 0 < len(observable) <= MAX_TERMS:
        return None
    task = _task(problem, seconds / LEAST_DRAWS)
    if task is None or not np.isfinite([angle.offset for angle in task.angles]).all():
        return None
    offsets, matrix, chain, own = angle_map(task.angles, ansatz.arguments.num_elements)
    if own:
        return None
    vectors = isinstance(task, Simulation)
    cost = SECONDS * PASSES * len(task.turns) * 2**task.num_wires if vectors else task.reached.seconds
    count = min(DRAWS, max(LEAST_DRAWS, int(seconds / max(cost, 1e-9))))
    rng = np.random.default_rng([problem.budget.seed, 7])
    try:
        elements = problem.law.draw(rng, count)
    except DLAError:
        return None
    batch = int(np.clip(AMPLITUDES >> task.num_wires, 4, count)) if vectors else min(task.batch, count)
    register = _Register(task, observable) if vectors else None
    start, rows = time.monotonic(), []
    for first in range(0, count, batch):
        if time.monotonic() - start > seconds and first >= LEAST_DRAWS:
            break
        angles = offsets + (matrix @ elements[first : first + batch].T).T
        rows.append(register.run(angles) if register is not None else (task.run(angles)[1][:, 0],))
    slopes, *noises = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    gradient = slopes @ chain
    if not isinstance(observable, ProjectorProduct):
        flat = np.broadcast_to(weights * single_shot / 2, gradient.shape)
        return Draws(gradient, flat, np.zeros_like(gradient))
    noise, outcome = noises
    driving = abs(chain) > 0
    probability = outcome @ driving / np.maximum(np.asarray(driving.sum(axis=0)).ravel(), 1)
    with np.errstate(divide="ignore"):
        least = np.where(probability > 0, 1 / probability, np.inf)
    return Draws(gradient, noise @ chain.power(2), least)


def _task(problem: Problem, seconds: float) -> Simulation | StringSimulation | None:
    """State vectors of the light cone, or the Pauli strings in reach, if one circuit takes no longer than that."""
    vectors = _vectors(problem.ansatz, problem.observable)
    if not isinstance(vectors, Declined):
        return vectors if SECONDS * PASSES * len(vectors.turns) * 2**vectors.num_wires < seconds else None
    if isinstance(problem.observable, ProjectorProduct):
        return None
    strings = string_simulation(problem.ansatz, (problem.observable,), MAX_STRINGS, seconds, problem.budget)
    return None if isinstance(strings, Declined) else strings


_known: WeakKeyDictionary[Ansatz, dict[tuple[int, ...], Simulation | Declined]] = WeakKeyDictionary()


def _vectors(ansatz: Ansatz, observable: PauliSum | ProjectorProduct) -> Simulation | Declined:
    """State vectors of the light cone; prepared once for all projectors on the same wires."""
    if isinstance(observable, PauliSum):
        return simulation(ansatz, (observable,), MAX_QUBITS)
    known = _known.setdefault(ansatz, {})
    if observable.wires not in known:
        known[observable.wires] = simulation(ansatz, (_letters(observable),), MAX_QUBITS)
    return known[observable.wires]


def _letters(observable: PauliSum | ProjectorProduct) -> PauliSum:
    """A Pauli sum on the wires of the observable; of a projector, one Z for each wire in its order."""
    if isinstance(observable, PauliSum):
        return observable
    wires = observable.wires
    strings = PauliStrings.from_local([(w,) for w in wires], ["Z"] * len(wires), observable.num_wires)
    return PauliSum(strings, np.ones(len(wires)))


class _Register:
    """State vectors of shape ``(2^n, batch)`` and what acts on them."""

    def __init__(self, task: Simulation, observable: PauliSum | ProjectorProduct):
        self.task, self.n = task, task.num_wires
        self.index = np.arange(2**self.n)
        self.type = np.complex128 if self.n <= PRECISE_QUBITS else np.complex64
        self._words: dict[tuple, tuple] = {}
        self.projector = isinstance(observable, ProjectorProduct)
        if isinstance(observable, ProjectorProduct):
            place = 1 << np.arange(self.n - 1, -1, -1)
            masks = task.observables[0].strings.bits()[1] @ place
            kept = np.ones(2**self.n, bool)
            for mask, sign in zip(masks, observable.signs, strict=True):
                kept &= ((self.index & int(mask)) == 0) == (sign > 0)
            self.kept = kept
            self.pure = int(kept.sum()) == 1  # on all wires: then shifted probabilities are known exactly

    def run(self, angles: Float[np.ndarray, "batch gates"]):
        """Derivatives with respect to the gates' angles; of a projector also ``N`` times the variance of each from
        ``N`` shots, and the mean probability of both shifted circuits together."""
        batch, gates = len(angles), len(self.task.gates)
        state = np.repeat(np.asarray(self.task.state, self.type)[:, None], batch, axis=1)
        for turn in self.task.turns:
            state = self._apply(turn, angles, state)
        amplitude = None
        if self.projector and self.pure:
            image = np.zeros_like(state)
            image[self.kept] = 1
            amplitude = state[self.kept][0]
            loss = np.abs(amplitude) ** 2
        elif self.projector:
            image = np.where(self.kept[:, None], state, 0)
            loss = np.sum(np.abs(image) ** 2, axis=0)
        else:
            image = self._observed(state)
        slopes, noise, outcome = np.zeros((3, batch, gates))
        for turn in reversed(self.task.turns):
            if turn.gate >= 0 and self.task.trainable[turn.gate]:
                moved = self._string(turn, state)
                overlap = np.einsum("ib,ib->b", image.conj(), moved)
                strength = 2 * turn.coefficient
                if amplitude is not None:
                    slope = (amplitude.conj() * overlap).imag
                    plus, minus = (np.abs(amplitude - sign * 1j * overlap) ** 2 / 2 for sign in (1, -1))
                else:
                    slope = overlap.imag
                    plus = minus = np.clip(np.maximum(loss, np.abs(slope)), 0, 1) if self.projector else None
                slopes[:, turn.gate] += strength * slope
                if plus is not None and minus is not None:
                    single = plus * (1 - np.minimum(plus, 1)) + minus * (1 - np.minimum(minus, 1))
                    noise[:, turn.gate] += strength**2 / 4 * single
                    outcome[:, turn.gate] = plus + minus
            back = turn if turn.unitary is None else turn._replace(unitary=np.asarray(turn.unitary).conj().T)
            sign = -1 if turn.unitary is None else 1
            state = self._apply(back, sign * angles, state)
            image = self._apply(back, sign * angles, image)
        return slopes, noise, outcome

    def _apply(self, turn: Turn, angles, state: Complex[np.ndarray, "dim batch"]):
        if turn.unitary is not None:
            return self._matrix(turn, state)
        half = turn.coefficient * angles[:, turn.gate]
        flip, phase, signs = self._word(turn)
        if not flip:
            factors = np.stack([np.exp(-1j * half), np.exp(1j * half)]).astype(self.type)
            return state * factors[signs]
        moved = state[self.index ^ flip]
        moved *= phase
        moved *= (-1j * np.sin(half)).astype(self.type)
        moved += state * np.cos(half).astype(self.type)
        return moved

    def _string(self, turn: Turn, state):
        flip, phase, _ = self._word(turn)
        return (state[self.index ^ flip] if flip else state) * phase

    def _word(self, turn: Turn):
        """Which bits the word flips, the phase of each row, and the row's sign as 0 or 1."""
        key = turn.wires, turn.word
        if key not in self._words:
            flip = mask = 0
            for wire, letter in zip(turn.wires, turn.word, strict=True):
                bit = 1 << (self.n - 1 - wire)
                flip |= bit if letter in "XY" else 0
                mask |= bit if letter in "ZY" else 0
            odd = np.bitwise_count((self.index ^ flip) & mask) & 1
            phase = (1j ** int(np.bitwise_count(flip & mask)) * (1.0 - 2.0 * odd)).astype(self.type)
            self._words[key] = flip, phase[:, None], odd
        return self._words[key]

    def _matrix(self, turn: Turn, state):
        """A fixed unitary on a few wires."""
        k, batch = len(turn.wires), state.shape[1]
        tensor = state.reshape((2,) * self.n + (batch,))
        tensor = np.moveaxis(tensor, turn.wires, range(k)).reshape(2**k, -1)
        tensor = (np.asarray(turn.unitary, self.type) @ tensor).reshape((2,) * self.n + (batch,))
        return np.moveaxis(tensor, range(k), turn.wires).reshape(-1, batch)

    def _observed(self, state):
        result = np.zeros_like(state)
        for flip, diagonal in diagonals(self.task.observables[0]).items():
            result += diagonal.astype(self.type)[:, None] * state[self.index ^ flip]
        return result
