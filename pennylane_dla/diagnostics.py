"""What a diagnosis holds: plain data, frozen, exact numbers where they are exact."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from math import isnan
from typing import Any

import numpy as np

from pennylane_dla.algebra.lie_algebra import LieAlgebra
from pennylane_dla.circuit.ansatz import Ansatz, Arguments, Rotation
from pennylane_dla.errors import DLAError
from pennylane_dla.variance.estimate import VarianceEstimate


@dataclass(frozen=True, eq=False)
class LossDiagnostics:
    """The loss over the law of the parameters.

    Args:
        variance: its variance
        mean: its mean, the observable's constant included; ``None`` where it was not computed
    """

    variance: VarianceEstimate
    mean: float | None = None


@dataclass(frozen=True, eq=False)
class GradientDiagnostics:
    """Variance of ``∂loss/∂element`` for every element of the trainable arguments.

    Args:
        estimate: one entry an element, flattened in order (one more axis for a broadcast batch)
        arguments: the trainable arguments
    """

    estimate: VarianceEstimate
    arguments: Arguments

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
        if estimate.value is None or not (estimate.exact or estimate.interval is not None):
            return ()
        at_most = estimate.value if estimate.exact else estimate.interval[1]
        rows = np.asarray(at_most, float).reshape(self.arguments.num_elements, -1)
        return tuple(int(k) for k in np.flatnonzero(np.all(rows == 0, axis=1)))


@dataclass(frozen=True, eq=False)
class LimitDiagnostics:
    """The same two in the limit of a deep circuit with the same generators.

    Args:
        loss: its variance, a :class:`~fractions.Fraction` where it is exact
        gradient: variances for a parameter deep inside the circuit
        without_noise: whether the circuit has noise, which the limit leaves out
    """

    loss: LossDiagnostics
    gradient: GradientDiagnostics
    without_noise: bool = False


@dataclass(frozen=True, eq=False)
class MeasurementDiagnostics:
    """What was found for one measurement of the QNode.

    Args:
        label: the measurement as PennyLane prints it
        observable: the same, for a line of a table
        loss: its variance at the given depth
        gradient: of every element
        limit: of a deep circuit
        shots_needed: shots an expectation value to resolve the median non-zero gradient component with
            signal-to-noise 1; ``None`` where unknown, ``inf`` where all of them vanish
        causes: what makes the gradient small
        facts: further numbers of the engines (size of the orbit, paths, purities …)
    """

    label: str
    observable: str
    loss: LossDiagnostics
    gradient: GradientDiagnostics
    limit: LimitDiagnostics
    shots_needed: float | None = None
    causes: tuple[Cause, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


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
    """What one circuit of one size can say about trainability.

    Args:
        label: ``"trainable"``, ``"not trainable"``, ``"no gradient"`` or ``"unknown"``
        criterion: what was compared with what
        outlook: what the limit says about deeper circuits; never more than the figures do
    """

    label: str
    criterion: str
    outlook: str = ""

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
        options: :class:`~pennylane_dla.inspection.Options`
    """

    circuit: Any
    args: tuple | None
    kwargs: dict[str, Any]
    options: Any


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """Whether a circuit can be trained, and why.

    Args:
        name: of the QNode
        num_wires: qubits
        num_params: elements of the trainable arguments
        arguments: which they are
        algebra: the dynamical Lie algebra of the effective generators
        measurements: one for each measurement
        shots: shots an expectation value that the verdict assumes
        verdict: with its criterion
        assumptions: what the numbers rest on: the law of the angles, the data used, no classical post-processing
        notes: what was snapped, dropped or not found
        ansatz: the circuit as it was understood
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
    notes: tuple[str, ...] = ()
    ansatz: Ansatz | None = None
    source: Source | None = None

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
        gates = self.ansatz.gates if self.ansatz is not None else ()
        return not any(isinstance(gate, Rotation) and isnan(gate.angle.offset) for gate in gates)

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
                "dim": _plain(self.algebra.dim),
                "name": self.algebra.name,
                "complete": self.algebra.complete,
                "method": self.algebra.method,
                "reason": self.algebra.reason,
            },
            "measurements": [
                {
                    "observable": m.observable,
                    "loss": {"mean": _plain(m.loss.mean), "variance": _estimate(m.loss.variance)},
                    "gradient": _estimate(m.gradient.estimate),
                    "limit": {
                        "loss": _estimate(m.limit.loss.variance),
                        "gradient": _estimate(m.limit.gradient.estimate),
                        "without_noise": m.limit.without_noise,
                    },
                    "shots_needed": _plain(m.shots_needed),
                    "causes": [{"name": c.name, "evidence": c.evidence, "factor": c.factor} for c in m.causes],
                    "facts": {k: _plain(v) for k, v in m.facts.items() if isinstance(v, (str, int, float, list, dict))},
                }
                for m in self.measurements
            ],
            "shots": self.shots,
            "shots_needed": _plain(self.shots_needed),
            "verdict": {
                "label": self.verdict.label,
                "criterion": self.verdict.criterion,
                "outlook": self.verdict.outlook,
            },
            "assumptions": list(self.assumptions),
            "notes": list(self.notes),
        }

    def to_json(self, **kwargs: Any) -> str:
        """:meth:`to_dict` as JSON; keyword arguments go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)

    def __str__(self) -> str:
        from pennylane_dla.report.text import render  # the report reads the data, not the other way round

        return render(self)

    def remedies(self, measurement: int | None = None, max_seconds: float = 120.0, progress: bool = True):
        """What would help: variants of the circuit, each diagnosed, those with the largest gradient first.

        Tried are small initial angles (the best width of a normal law), fewer layers, a local observable in place of a
        global one, leaving out generators that blow up the algebra, and other start states.

        Args:
            measurement: index of the measurement; by default the one that needs most shots
            max_seconds: after which no further candidate is started
            progress: whether a progress bar shows

        Returns:
            Remedies: a sequence of :class:`~pennylane_dla.remedies.Remedy`; prints as a table

        Raises:
            DLAError: where the gradient variance of the circuit itself is not known

        **Example**

        >>> import pennylane as qp, pennylane_dla as dla
        >>> @qp.qnode(qp.device("default.qubit"))
        ... def circuit(weights):
        ...     qp.BasicEntanglerLayers(weights, wires=range(5), rotation=qp.RY)
        ...     return qp.expval(qp.Projector([0] * 5, wires=range(5)))
        >>> remedies = dla.inspect(circuit)(np.zeros((2, 5))).remedies()
        >>> all(remedy.factor > 1 for remedy in remedies)
        True
        """
        from pennylane_dla.remedies import find_remedies

        return find_remedies(self, measurement, max_seconds, progress)

    def plot(self, measurement: int = 0):
        """One figure: the circuit with its gradient variances, the noise of the shots, the parts of the algebra.

        Args:
            measurement: index of the measurement that is shown

        Returns:
            matplotlib.figure.Figure: the figure; each panel alone: ``dla.plot.circuit``, ``dla.plot.gradients``,
            ``dla.plot.parts``, ``dla.plot.algebra``

        Raises:
            DLAError: without matplotlib (``pip install "pennylane-dla[plot]"``)
        """
        from pennylane_dla.report.plot import overview

        return overview(self, measurement)

    def _repr_html_(self) -> str:
        from pennylane_dla.report.html import render_html

        return render_html(self)


def _estimate(estimate: VarianceEstimate) -> dict[str, Any]:
    return {
        "value": _plain(estimate.value),
        "stderr": _plain(estimate.stderr),
        "interval": None if estimate.interval is None else [_plain(end) for end in estimate.interval],
        "method": estimate.method,
        "exact": estimate.exact,
        "reason": estimate.reason,
    }


def _plain(value: Any) -> Any:
    """JSON's types: fractions as ``"1/257"``, integers beyond 2⁵³ as strings, infinities as ``"inf"``."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value] if value.ndim else _plain(value.item())
    if isinstance(value, (np.generic,)):
        return _plain(value.item())
    if isinstance(value, Fraction):
        return _digits(value.numerator) + (f"/{_digits(value.denominator)}" if value.denominator != 1 else "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return _digits(value)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _digits(value: int) -> str:
    """All digits; Python refuses more than a few thousand, which are given in hexadecimal."""
    return str(value) if abs(value).bit_length() < 12_000 else hex(value)
