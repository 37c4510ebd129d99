"""What a diagnosis holds: plain data, frozen, exact numbers where they are exact."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from math import isnan
from typing import Any, TypeVar

import numpy as np

from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.circuit.ansatz import Ansatz, Arguments, Rotation
from pennylane_dla.errors import DLAError
from pennylane_dla.variance.estimate import VarianceEstimate
from pennylane_dla.variance.limit.result import ModuleShare

from .plain import plain


@dataclass(frozen=True, eq=False)
class LossDiagnostics:
    """The loss over random initializations.

    Args:
        variance: its variance
        mean: its mean, the observable's constant included; ``None`` where it was not computed
        mean_stderr: standard error of the mean; ``0.0`` where it is exact
    """

    variance: VarianceEstimate
    mean: float | None = None
    mean_stderr: float = 0.0


@dataclass(frozen=True, eq=False)
class GradientDiagnostics:
    """Mean and variance of ``∂loss/∂element`` for every element of the trainable arguments.

    Args:
        estimate: variances, one entry per element, flattened in order (one more axis for a broadcast batch)
        arguments: the trainable arguments
        mean_estimate: ``E[∂loss/∂element]`` in the same form: zero for angles uniform over the period. ``None`` where
            it was not computed
        moment_estimate: ``E[(∂loss/∂element)²]``, the signal: variance plus squared mean
    """

    estimate: VarianceEstimate
    arguments: Arguments
    mean_estimate: VarianceEstimate | None = None
    moment_estimate: VarianceEstimate | None = None

    @property
    def mean(self) -> Any:
        """The means in the form of a gradient, ``None`` where they were not computed."""
        if self.mean_estimate is None or self.mean_estimate.value is None:
            return None
        return self.arguments.restore(np.asarray(self.mean_estimate.value))

    @property
    def second_moment(self) -> Any:
        """``Var[g] + E[g]²`` in the form of a gradient: what the shots have to see."""
        moment = self.moment_estimate if self.moment_estimate is not None else self.estimate
        return None if moment.value is None else self.arguments.restore(np.asarray(moment.value))

    @property
    def variance(self) -> Any:
        """The variances in the form of a gradient: lay it beside ``jax.grad(circuit)(weights)``.

        ``None`` where no engine applies; ``estimate.reason`` says why.
        """
        return None if self.estimate.value is None else self.arguments.restore(np.asarray(self.estimate.value))

    @property
    def stderr(self) -> Any:
        """Standard errors in the same form; zeros where exact."""
        if self.estimate.value is None:
            return None
        return self.arguments.restore(np.broadcast_to(self.estimate.stderr, np.shape(self.estimate.value)))

    @property
    def dead(self) -> tuple[int, ...]:
        """Elements (flattened) whose gradient vanishes identically: an exact 0, not a small number."""
        estimate = self.estimate
        at_most = estimate.value
        if at_most is not None and not estimate.exact:
            at_most = None if estimate.interval is None else estimate.interval[1]
        if at_most is None:
            return ()
        rows = np.asarray(at_most, float).reshape(self.arguments.num_elements, -1)
        return tuple(int(k) for k in np.flatnonzero(np.all(rows == 0, axis=1)))


@dataclass(frozen=True, eq=False)
class LimitDiagnostics:
    """The same two in the limit of a deep circuit with the same generators.

    Args:
        loss: its variance, a :class:`~fractions.Fraction` where it is exact
        gradient: variances for a parameter deep inside the circuit
        without_noise: whether the circuit has noise, which the limit leaves out
        modules: the invariant modules that the observable moves in, largest contribution first, where they are known
    """

    loss: LossDiagnostics
    gradient: GradientDiagnostics
    without_noise: bool = False
    modules: tuple[ModuleShare, ...] = ()


@dataclass(frozen=True, eq=False)
class MeasurementDiagnostics:
    """What was found for one measurement of the QNode.

    Args:
        label: the measurement as PennyLane prints it
        observable: the same, for a line of a table
        loss: its variance at the given depth
        gradient: of every element
        limit: of a deep circuit
        signal: the gradient against the noise of the shots; ``None`` where unknown
        causes: what makes the gradient small
        facts: further numbers of the engines (size of the orbit, paths, purities …)
    """

    label: str
    observable: str
    loss: LossDiagnostics
    gradient: GradientDiagnostics
    limit: LimitDiagnostics
    signal: Signal | None = None
    causes: tuple[Cause, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def shots_needed(self) -> float | None:
        """Shots per expectation value at which a typical gradient entry equals its noise: a lower bound where
        ``signal.entry_is_bound``, ``inf`` where every entry is zero, ``None`` where unknown."""
        return None if self.signal is None else self.signal.entry


@dataclass(frozen=True)
class Signal:
    """The gradient against the noise of the shots, at a typical random initialization.

    Args:
        shots: per expectation value, that the shares are for
        entry: shots at which a typical entry equals its noise: the median over initializations and over the entries
            that can move; ``inf`` where all are zero, ``None`` where unknown
        norm: the same for the length of the whole gradient
        share: how many entries at random initializations are resolved with ``shots``
        share_stderr: its standard error, where it was sampled
        norm_share: how many random initializations have a gradient longer than its noise; ``None`` where not sampled
        entry_is_bound: only known: at least so many shots
        norm_is_bound: likewise
        share_is_bound: only known: at most this share
        method: how it was found
    """

    shots: int
    entry: float | None = None
    norm: float | None = None
    share: float | None = None
    share_stderr: float = 0.0
    norm_share: float | None = None
    entry_is_bound: bool = False
    norm_is_bound: bool = False
    share_is_bound: bool = False
    method: str = ""


@dataclass(frozen=True)
class Cause:
    """One of the four reasons of a small gradient (Ragone et al., arXiv:2309.09342).

    Args:
        name: ``"expressiveness"``, ``"initial state"``, ``"observable"`` or ``"noise"``
        evidence: the figures, in one line
        factor: how much smaller than 1 it makes the variance, where that is known
    """

    name: str
    evidence: str
    factor: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What one circuit of one size can say about training.

    ========================  ==========================================================================================
    label                     means
    ========================  ==========================================================================================
    ``resolved``              the shots resolve a typical gradient
    ``needs more shots``      a person could pay for the shots that would, up to ten million per expectation value
    ``exponentially small``   no budget would, at this size
    ``no gradient``           every entry is exactly zero
    ``unknown``               too little is known, and the criterion says what
    ========================  ==========================================================================================

    Whether a family of circuits has a barren plateau is a statement about growth: see :func:`pennylane_dla.scaling`.

    Args:
        label: one of the five
        headline: the answer in a few words
        criterion: what was compared with what
        outlook: what the limit says about deeper circuits; never more than the figures do
        shots_needed: the number that decided: shots per expectation value; ``None`` where unknown
        is_bound: whether that number is only a lower bound
    """

    label: str
    criterion: str
    outlook: str = ""
    headline: str = ""
    shots_needed: float | None = None
    is_bound: bool = False

    @property
    def resolved(self) -> bool:
        """Whether the shots resolve a typical gradient."""
        return self.label == "resolved"

    def __str__(self) -> str:
        return self.label

    def __eq__(self, other) -> bool:
        if isinstance(other, str):
            return self.label == other
        return isinstance(other, Verdict) and (self.label, self.criterion) == (other.label, other.criterion)

    def __hash__(self) -> int:
        return hash(self.label)


@dataclass(frozen=True, eq=False)
class Source:
    """The call that was diagnosed: what drawing it again, or diagnosing a variant of it, starts from.

    Args:
        circuit: the QNode or tape
        args: positional arguments; ``None`` where some were tracers (``jit``, ``grad``, ``vmap``), which are not kept
        kwargs: keyword arguments
        options: :class:`~pennylane_dla.diagnosis.inspection.Options`
    """

    circuit: Any
    args: tuple | None
    kwargs: dict[str, Any]
    options: Any


_Diagnosed = TypeVar("_Diagnosed", bound="Diagnosis")


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Whether a circuit can be trained, and why.

    Args:
        name: of the QNode
        num_wires: qubits
        num_params: elements of the trainable arguments
        arguments: which they are
        algebra: the dynamical Lie algebra of the effective generators
        measurements: one for each measurement
        shots: per expectation value, that the verdict assumes
        analytic: whether nobody gave a number of shots: the circuit runs on a simulator without shot noise
        verdict: with its criterion
        assumptions: what the numbers rest on: distribution of the angles, data used, no classical post-processing
        ansatz: the circuit as it was understood
        notes: what was snapped, dropped or not found
        source: the call; ``None`` for a circuit that was read already
    """

    name: str
    num_wires: int
    num_params: int
    arguments: Arguments
    algebra: LieAlgebra
    measurements: tuple[MeasurementDiagnostics, ...]
    shots: int
    verdict: Verdict
    assumptions: tuple[str, ...]
    ansatz: Ansatz
    notes: tuple[str, ...] = ()
    source: Source | None = None
    analytic: bool = False

    @classmethod
    def of(cls: type[_Diagnosed], diagnosis: Diagnosis) -> _Diagnosed:
        """The same findings as an instance of this class."""
        return cls(**{entry.name: getattr(diagnosis, entry.name) for entry in fields(diagnosis)})

    @property
    def _only(self) -> MeasurementDiagnostics:
        if len(self.measurements) != 1:
            raise DLAError(
                f"{self.name} has {len(self.measurements)} measurements: use diag.measurements[i].loss, .gradient or "
                ".limit."
            )
        return self.measurements[0]

    @property
    def loss(self) -> LossDiagnostics:
        """Of the one measurement."""
        return self._only.loss

    @property
    def gradient(self) -> GradientDiagnostics:
        """Of the one measurement."""
        return self._only.gradient

    @property
    def limit(self) -> LimitDiagnostics:
        """Of the one measurement."""
        return self._only.limit

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Of all measurements, each once."""
        return tuple(dict.fromkeys(cause for m in self.measurements for cause in m.causes))

    @property
    def shots_needed(self) -> float | None:
        """The largest of all measurements."""
        known = [m.shots_needed for m in self.measurements if m.shots_needed is not None]
        return max(known) if known else None

    @property
    def expressivity(self) -> Fraction:
        """``dim 𝔤 / (4ⁿ − 1)``: the share of all directions that the circuit can move in."""
        return Fraction(self.algebra.dim, 4**self.num_wires - 1)

    @property
    def data_known(self) -> bool:
        """False where the circuit was read under ``jit``, with data whose values are not known there."""
        return not any(isinstance(gate, Rotation) and isnan(gate.angle.offset) for gate in self.ansatz.gates)

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and strings; fractions and huge integers as strings."""
        return {
            "name": self.name,
            "num_wires": self.num_wires,
            "num_params": self.num_params,
            "arguments": {
                name: list(shape) for name, shape in zip(self.arguments.names, self.arguments.shapes, strict=True)
            },
            "algebra": {
                "dim": plain(self.algebra.dim),
                "name": self.algebra.name,
                "complete": self.algebra.complete,
                "method": self.algebra.method,
                "reason": self.algebra.reason,
            },
            "measurements": [
                {
                    "observable": m.observable,
                    "loss": {
                        "mean": plain(m.loss.mean),
                        "mean_stderr": plain(m.loss.mean_stderr),
                        "variance": _estimate(m.loss.variance),
                    },
                    "gradient": _estimate(m.gradient.estimate),
                    "gradient_mean": None if m.gradient.mean_estimate is None else _estimate(m.gradient.mean_estimate),
                    "limit": {
                        "loss": _estimate(m.limit.loss.variance),
                        "gradient": _estimate(m.limit.gradient.estimate),
                        "without_noise": m.limit.without_noise,
                    },
                    "shots_needed": plain(m.shots_needed),
                    "signal": None if m.signal is None else plain(asdict(m.signal)),
                    "causes": [{"name": c.name, "evidence": c.evidence, "factor": c.factor} for c in m.causes],
                    "facts": {k: plain(v) for k, v in m.facts.items() if isinstance(v, (str, int, float, list, dict))},
                }
                for m in self.measurements
            ],
            "shots": self.shots,
            "shots_needed": plain(self.shots_needed),
            "analytic": self.analytic,
            "verdict": plain(asdict(self.verdict)),
            "assumptions": list(self.assumptions),
            "notes": list(self.notes),
        }

    def to_json(self, **kwargs: Any) -> str:
        """:meth:`to_dict` as JSON; keyword arguments go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)


def _estimate(estimate: VarianceEstimate) -> dict[str, Any]:
    return {
        "value": plain(estimate.value),
        "stderr": plain(estimate.stderr),
        "interval": None if estimate.interval is None else [plain(end) for end in estimate.interval],
        "method": estimate.method,
        "exact": estimate.exact,
        "reason": estimate.reason,
    }
