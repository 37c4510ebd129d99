"""What every engine is asked: one observable of one circuit, under a law of the angles."""

from __future__ import annotations

from dataclasses import dataclass, field

from pennylane_dla.allowance import Allowance
from pennylane_dla.checked import positive_number, whole_number
from pennylane_dla.circuit.ansatz import Ansatz
from pennylane_dla.circuit.effective import EffectiveAnsatz, effective_ansatz
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.shorten import shorten

from .estimate import Declined
from .law import AngleLaw

LABEL = 22  # characters of a measurement beside a progress bar


@dataclass(frozen=True)
class Budget:
    """Limits and the wish for accuracy; every field is a keyword argument of ``diagnose``, ``inspect`` and ``check``.

    Args:
        max_dim: elements that an enumeration (Lie closure, orbit) may reach
        max_memory: bytes that one engine may hold
        samples: Monte Carlo samples at most
        rtol: relative standard error at which sampling stops
        seed: of all sampling
        progress: whether long work shows a progress bar
        max_seconds: for the whole diagnosis, wall clock, from reading the circuit to the last limit. What is not found
            by then is not available, and says so; what was sampled by then has a larger error. The Lie algebra gets a
            third at most, the measurements share the rest, and an engine that would not finish leaves its time to the
            next. Reading the circuit is not cut short; after it 0.7 of the time are left at least. A result near
            the limit can differ between machines
    """

    max_dim: int = 2**20
    max_memory: int = 2**31
    samples: int = 100_000
    rtol: float = 0.05
    seed: int = 0
    progress: bool = True
    max_seconds: float = 10.0

    def __post_init__(self):
        for name, least in (("max_dim", 1), ("max_memory", 1), ("samples", 2), ("seed", 0)):
            whole_number(name, getattr(self, name), least)
        positive_number("max_seconds", self.max_seconds, "10 is the default.")
        positive_number("rtol", self.rtol, "0.05 is the default.", finite=True)


@dataclass(frozen=True, eq=False)
class Problem:
    """One observable of one circuit.

    Args:
        ansatz: the circuit, gates in local form
        observable: as measured at the end of the circuit (not pushed through the Cliffords)
        law: of the trainable elements
        budget: limits
        kind: ``"expval"``, ``"probs"`` (a projector's expectation) or ``"var"`` (not linear in the state)
        allowance: of time, shared with the other problems of the diagnosis; ``None`` for one of its own
        method: the one engine that the user asks for, by name; ``None`` to let the engines decide among themselves
    """

    ansatz: Ansatz
    observable: PauliSum | ProjectorProduct
    law: AngleLaw
    budget: Budget = field(default_factory=Budget)
    kind: str = "expval"
    allowance: Allowance | None = None
    method: str | None = None

    @property
    def time(self) -> Allowance:
        """The allowance, or a new one of ``budget.max_seconds``."""
        return self.allowance or Allowance(self.budget.max_seconds)

    @property
    def obstacle(self) -> Declined | None:
        """Why its second moment is no average over one rotation after the other, or ``None``."""
        if self.kind == "var":
            return Declined("a variance is not linear in the state")
        correlated = self.effective.correlated
        return Declined(correlated) if correlated else None

    @property
    def label(self) -> str:
        """Of its measurement in few words, and which of several it is."""
        measurements = self.ansatz.measurements
        for number, measurement in enumerate(measurements, 1):
            if measurement.observable is self.observable:
                short = shorten(measurement.label, LABEL)
                return short if len(measurements) == 1 else f"{short}, {number} of {len(measurements)}"
        return "the observable"

    @property
    def effective(self) -> EffectiveAnsatz:
        """The circuit with its Cliffords pushed to the end (computed once for a circuit)."""
        return effective_ansatz(self.ansatz)
