"""From a circuit and its arguments to :class:`~pennylane_dla.diagnosis.records.Diagnosis`: the story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.core
import numpy as np
import pennylane as qp

from pennylane_dla.algebra.dynamical import dynamical_lie_algebra
from pennylane_dla.allowance import Allowance
from pennylane_dla.checked import whole_number
from pennylane_dla.circuit.ansatz import Ansatz, Arguments, Measurement
from pennylane_dla.circuit.effective import effective_ansatz, without_noise
from pennylane_dla.circuit.extract import extract
from pennylane_dla.errors import DLAError
from pennylane_dla.pauli import PauliSum, ProjectorProduct
from pennylane_dla.progress import part, shown
from pennylane_dla.variance.estimate import Prediction, VarianceEstimate
from pennylane_dla.variance.law import AngleLaw, Uniform
from pennylane_dla.variance.limit.result import DeepLimit
from pennylane_dla.variance.problem import Budget, Problem
from pennylane_dla.variance.together import Forecast, forecasts

from .causes import find_causes
from .records import Diagnosis, GradientDiagnostics, LimitDiagnostics, LossDiagnostics, MeasurementDiagnostics, Source
from .signal import measured_signal, second_moment
from .verdict import DEFAULT_SHOTS, verdict

MAX_SHOTS = 10**18  # more than the age of the universe in seconds, and a float holds it
READING = 0.1  # of the progress bar
FORECASTS = 0.9  # of the progress bar, once algebra and circuit are known
AFTER_READING = 0.7  # of the time is left for the rest, however long reading the circuit took


@dataclass(frozen=True)
class Options:
    """What a user may ask for; every field is a keyword argument of ``diagnose``, ``inspect`` and ``check``.

    Args:
        argnums: trainable positional arguments for JAX, NumPy and Python numbers; default 0, as in ``jax.grad``
        level: after which transforms the circuit is read, as in ``qp.draw``
        angles: the distribution of the angles: ``dla.Uniform()``, ``dla.Normal(std)``, a characteristic function, or a
            dictionary from argument names to these
        shots: shots per expectation value that the verdict assumes; default those of the QNode, else 1000
        method: one engine instead of the best: ``"exact"``, ``"module"``, ``"paths"``, ``"sector"`` or ``"simulated"``
        budget: limits of the computation
    """

    argnums: int | Sequence[int] | None = None
    level: str | int = "user"
    angles: Any = None
    shots: int | None = None
    method: str | None = None
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def from_keywords(cls, **keywords: Any) -> Options:
        """Budget fields may be given beside the others."""
        limits = {key: keywords.pop(key) for key in tuple(keywords) if key in Budget.__dataclass_fields__}
        unknown = set(keywords) - set(cls.__dataclass_fields__) | ({"budget"} & set(keywords))
        if unknown:
            known = sorted(set(cls.__dataclass_fields__) - {"budget"} | set(Budget.__dataclass_fields__))
            raise DLAError(f"unknown option {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
        shots = keywords.get("shots")
        if shots is not None:
            whole_number("shots", shots, 1, MAX_SHOTS)
        return cls(**keywords, budget=Budget(**limits))


DRAWING = 1.0  # seconds that simulated initializations may take, at the default max_seconds


def inspect_circuit(circuit, args: tuple, kwargs: dict, options: Options) -> Diagnosis:
    """Diagnose one call of a circuit; nothing is executed.

    Args:
        circuit: a QNode or a tape
        args: positional arguments
        kwargs: keyword arguments
        options: what to compute, and how far

    Returns:
        the diagnosis

    Raises:
        DLAError: where the circuit cannot be read; the message names the operation or argument
    """
    allowance = Allowance(options.budget.max_seconds)
    with shown(options.budget.progress):
        with allowance.part(), part("reading the circuit", READING):
            batch = extract(circuit, args, kwargs, options.argnums, options.level)
        allowance.last(AFTER_READING)
        with_shots = replace(options, shots=options.shots or _shots_of(circuit))
        diagnostics = inspect_ansatz(batch, with_shots, getattr(circuit, "__name__", "circuit"), allowance)
    leaves = jax.tree_util.tree_leaves((args, kwargs))
    if any(isinstance(leaf, jax.core.Tracer) or type(leaf).__name__ == "ArrayBox" for leaf in leaves):
        source = Source(circuit, None, {}, options)  # a tracer must not outlive its trace
    else:
        source = Source(circuit, tuple(args), dict(kwargs), options)
    return replace(diagnostics, source=source)


def inspect_ansatz(
    batch: Sequence[Ansatz], options: Options, name: str = "circuit", allowance: Allowance | None = None
) -> Diagnosis:
    """Diagnose a circuit that was read already, or a variant of one.

    Args:
        batch: as :func:`~pennylane_dla.circuit.extract.extract` returns it
        options: what to compute, and how far; ``argnums`` and ``level`` have no effect any more
        name: of the circuit
        allowance: of time, from which reading the circuit has taken its part; by default a new one
    """
    first = batch[0]
    arguments = first.arguments
    law = AngleLaw.resolve(options.angles, arguments)
    shots = options.shots or DEFAULT_SHOTS
    budget = options.budget
    allowance = allowance or Allowance(budget.max_seconds)
    effective = effective_ansatz(without_noise(first))
    algebra = dynamical_lie_algebra(effective, budget.max_dim, allowance)
    with part("variances", FORECASTS):
        found = forecasts(batch, law, budget, options.method, algebra, allowance)
    with part("simulated initializations"):
        measurements = tuple(_diagnose_measurement(batch, i, one, law, options) for i, one in enumerate(found))
    return Diagnosis(
        name=name,
        num_wires=first.num_wires,
        num_params=arguments.num_elements,
        arguments=arguments,
        algebra=algebra,
        measurements=measurements,
        shots=shots,
        verdict=verdict(measurements, shots, options.shots is None),
        assumptions=_assumptions(law, arguments),
        notes=_notes(batch),
        ansatz=first,
        analytic=options.shots is None,
    )


def _diagnose_measurement(
    batch: Sequence[Ansatz], index: int, found: Sequence[Forecast], law: AngleLaw, options: Options
) -> MeasurementDiagnostics:
    """One measurement of all circuits of a broadcast batch (usually one), from what is predicted for each of them."""
    measurement = batch[0].measurements[index]
    prediction = _stack([one.finite for one in found])
    stacked: dict[str, Any] = {**vars(_stack([one.limit for one in found])), "limit": found[0].limit.limit}
    limit = DeepLimit(**stacked)
    undamped = found[0].undamped
    if measurement.observable is None:
        return _collect(measurement, batch[0].arguments, prediction, limit)
    result = _collect(measurement, batch[0].arguments, prediction, limit, undamped is not None)
    causes = find_causes(limit, prediction, undamped)
    result = replace(result, causes=causes)
    kind, budget = measurement.kind, options.budget
    problems = [
        Problem(ansatz, observable, law, budget, kind)
        for ansatz in batch
        if (observable := ansatz.measurements[index].observable) is not None
    ]
    seconds = DRAWING * min(1.0, options.budget.max_seconds / 10) / len(batch[0].measurements)
    signal = measured_signal(problems, prediction, options.shots or DEFAULT_SHOTS, seconds, limit.limit)
    return replace(result, signal=signal)


def _notes(batch: Sequence[Ansatz]) -> tuple[str, ...]:
    notes = dict.fromkeys(note for ansatz in batch for note in ansatz.notes)
    if any(ansatz is not batch[0] for ansatz in batch):
        notes["the algebra and the causes are those of the first element of the batch"] = None
    return tuple(notes)


def _collect(
    measurement: Measurement, arguments: Arguments, prediction: Prediction, limit: DeepLimit, noisy: bool = False
) -> MeasurementDiagnostics:
    return MeasurementDiagnostics(
        label=measurement.label,
        observable=_shortened(measurement),
        loss=LossDiagnostics(prediction.loss, prediction.loss_mean, prediction.loss_mean_stderr),
        gradient=GradientDiagnostics(
            prediction.gradient, arguments, prediction.gradient_mean, second_moment(prediction)
        ),
        limit=LimitDiagnostics(
            LossDiagnostics(limit.loss, limit.loss_mean),
            GradientDiagnostics(limit.gradient, arguments),
            noisy,
            limit.limit.modules if limit.limit else (),
        ),
        facts={**prediction.statistics, **limit.statistics},
    )


def _shortened(measurement: Measurement, width: int = 60) -> str:
    """The measurement in one short line."""
    if isinstance(measurement.observable, ProjectorProduct) and measurement.kind == "expval":
        bits = "".join("0" if sign > 0 else "1" for sign in measurement.observable.signs)
        if len(bits) > 20:
            bits = f"{bits[:8]}…{bits[-8:]}"
        return f"expval(Projector |{bits}⟩)"
    if len(measurement.label) <= width:
        return measurement.label
    terms = f" … {len(measurement.observable)} terms)" if isinstance(measurement.observable, PauliSum) else " …"
    return measurement.label[: width - len(terms)] + terms


def _stack(predictions: Sequence[Prediction]) -> Prediction:
    """One more axis for a broadcast batch."""
    if len(predictions) == 1:
        return predictions[0]
    first = predictions[0]
    means = [p.loss_mean for p in predictions if p.loss_mean is not None]
    slopes = [p.gradient_mean for p in predictions if p.gradient_mean is not None]
    return Prediction(
        _stack_estimates([p.loss for p in predictions]),
        _stack_estimates([p.gradient for p in predictions]),
        float(np.mean(means)) if len(means) == len(predictions) else None,
        first.statistics,
        # batch elements share the seed: their errors need not be independent
        loss_mean_stderr=float(np.mean([p.loss_mean_stderr for p in predictions])),
        gradient_mean=_stack_estimates(slopes) if len(slopes) == len(predictions) else None,
    )


def _stack_estimates(estimates: Sequence[VarianceEstimate]) -> VarianceEstimate:
    missing = [e for e in estimates if not e.available]
    if missing:
        return missing[0]
    first = estimates[0]

    def stacked(values):
        return np.stack([np.asarray(value, float) for value in values], axis=-1)

    intervals = [e.interval for e in estimates if e.interval is not None]
    interval = None
    if len(intervals) == len(estimates):
        interval = stacked([low for low, _ in intervals]), stacked([high for _, high in intervals])
    return VarianceEstimate(
        stacked([e.value for e in estimates]),
        stacked([np.broadcast_to(e.stderr, np.shape(e.value)) for e in estimates]),
        first.method,
        all(e.exact for e in estimates),
        interval,
        first.reason,
    )


def _shots_of(circuit) -> int | None:
    shots = getattr(circuit, "shots", None)
    total = getattr(shots, "total_shots", None) if isinstance(shots, qp.measurements.Shots) else None
    return None if total is None else min(total, MAX_SHOTS)


def _assumptions(law: AngleLaw, arguments: Arguments) -> tuple[str, ...]:
    names: dict[str, list[str]] = {}
    for name, one in zip(arguments.names, law.laws, strict=True):
        words = "uniform over the period of the gates" if one == Uniform() else str(one)
        names.setdefault(words, []).append(name)
    laws = "; ".join(f"{', '.join(group)} {words}" for words, group in names.items())
    data = ("data: " + "; ".join(arguments.data),) if arguments.data else ()
    return (f"independent angles: {laws}", *data, "the loss is the measurement itself, without post-processing")
