"""One case through the package, compared with its reference."""

from __future__ import annotations

import importlib.util
import re
import time
import traceback
import warnings
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qp
from pennylane import numpy as pnp

import pennylane_dla as dla

from .case import Case
from .reference.integrate import Moments, integrate
from .reference.leaves import Circuit, NoReference, read
from .reference.limit import limits

SIGMAS = 6.0
RELATIVE = 1e-6
ABSOLUTE = 1e-9
SINGLE = 3e-4  # angles that come as single precision (JAX) are known to 1e-7 of a radian


@dataclass
class Record:
    """What became of one case.

    Args:
        seed: of the case
        outcome: ``"compared"``, ``"wrong"``, ``"refused"``, ``"exception"``, ``"hung"`` or ``"no reference"``
        reasons: why quantities were refused, digits taken out
        failures: what was wrong, readable
        intervals: intervals that were looked at, and those that covered
        numbers: quantities compared
        seconds: wall clock of the inspection
        limit: its ``max_seconds``
        methods: engines that answered
        exact_reference: whether the reference was exact
    """

    seed: int
    outcome: str = "compared"
    reasons: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    intervals: tuple[int, int] = (0, 0)
    numbers: int = 0
    seconds: float = 0.0
    limit: float = 10.0
    methods: list[str] = field(default_factory=list)
    exact_reference: bool = True
    family: str = "reference"

    @property
    def slow(self) -> bool:
        """Whether the inspection took more than twice its time."""
        return self.seconds > 2 * self.limit


def inspect(case: Case):
    """The diagnosis of a case, with its arguments in the form of its interface."""
    options = dict(case.options)
    law = case.law_text()
    if law is not None:
        options["angles"] = eval(law, {"dla": dla})  # noqa: S307 - written by the case itself
    if case.interface in ("numpy", "jax"):
        options["argnums"] = case.argnums() if len(case.trainable) > 1 else case.argnums()[0]
    function = case.function()
    noisy = re.search(r"qp\.(\w*Flip|\w*Channel|\w*Damping|\w*Error)\b", case.source)
    qnode = qp.QNode(function, qp.device("default.mixed" if noisy else "default.qubit", wires=list(case.wires)))
    return dla.inspect(qnode, **options)(*arguments(case))


def arguments(case: Case) -> list:
    """In the types of the interface."""
    values = case.values()
    if case.interface == "numpy":
        return values
    if case.interface == "jax":
        return [jnp.asarray(v) for v in values]
    if case.interface == "autograd":
        return [pnp.array(v, requires_grad=a.trainable) for v, a in zip(values, case.arguments, strict=True)]
    import torch

    return [
        torch.tensor(v, requires_grad=a.trainable, dtype=torch.float64)
        for v, a in zip(values, case.arguments, strict=True)
    ]


def references(case: Case, samples: int = 3000) -> tuple[list[Circuit], list[list[Moments]]]:
    """The circuits of a batch, and for each one :class:`Moments` for each number measured.

    Raises:
        NoReference: where there is none
    """
    function = case.function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        circuits = read(lambda e: qp.tape.make_qscript(function)(*case.values(e)), case.num_elements)
        return circuits, [integrate(circuit, case.laws(), samples, case.seed) for circuit in circuits]


def run_case(case: Case) -> Record:
    """Inspect, compare and say what happened; never raises."""
    record = Record(case.seed, limit=case.options.get("max_seconds", 10.0))
    if case.interface == "torch" and importlib.util.find_spec("torch") is None:
        case = replace(case, interface="numpy")
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            diagnosis = inspect(case)
            str(diagnosis)
    except dla.DLAError as error:
        record.outcome, record.reasons = "refused", [normal(f"DLAError: {error}")]
        return record
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        record.outcome = "exception"
        where = traceback.extract_tb(error.__traceback__)[-1]
        record.failures = [f"{type(error).__name__}: {error} ({where.filename.rsplit('/', 2)[-1]}:{where.lineno})"]
        return record
    finally:
        record.seconds = time.perf_counter() - started
    try:
        circuits, expected = references(case)
        small = circuits[0].num_wires <= (2 if case.seed % 4 else 3)  # limits on three qubits take longer
        limit = circuits[0] if small else None
        _compare(case, record, diagnosis, expected, limit)
        if record.failures and not all(m.exact for row in expected for m in row):  # once more, with more samples
            record.failures, record.intervals, record.numbers, record.reasons = [], (0, 0), 0, []
            _compare(case, record, diagnosis, references(case, 40_000)[1], limit)
    except NoReference as reason:
        record.outcome, record.reasons = "no reference", [normal(str(reason))]
        return record
    except Exception as error:  # noqa: BLE001
        record.outcome = "harness"
        record.failures = ["".join(traceback.format_exception(error)[-3:])]
        return record
    if record.failures:
        record.outcome = "wrong"
    elif not record.numbers:
        record.outcome = "refused"
    return record


def normal(reason: str) -> str:
    """A reason without its numbers and names, so that equal ones count together."""
    reason = re.sub(r"'[^']*'", "'…'", reason)
    reason = re.sub(r"[wvx]\[\d+\](, [wvx]\[\d+\])*", "w[…]", reason)
    return re.sub(r"\d[\d.,e+ -]*", "# ", reason)[:160]


def _compare(case: Case, record: Record, diagnosis, expected: list[list[Moments]], limit: Circuit | None) -> None:
    measured = diagnosis.measurements
    batch = len(expected)
    record.exact_reference = all(m.exact for row in expected for m in row)
    count = len(expected[0])
    if len(measured) < count:
        record.failures.append(f"{len(measured)} measurements instead of {count}")
        return
    for index in range(count):
        column = [row[index] for row in expected]
        one = measured[index]
        name = f"measurement {index}"
        checker = _Checker(record, case, column)
        loss = one.loss.variance
        checker.estimate(
            f"{name}: loss variance", loss, np.array([m.variance for m in column]), [m.errors[1] for m in column]
        )
        gradient = one.gradient.estimate
        checker.estimate(
            f"{name}: gradient variances",
            gradient,
            np.stack([m.gradient_variance for m in column], axis=-1),
            np.stack([m.errors[3] for m in column], axis=-1),
        )
        mean = one.loss.mean
        if mean is not None:
            value = np.mean([m.mean for m in column])
            error = np.mean([m.errors[0] for m in column])
            if hasattr(mean, "value"):
                expected_mean = np.array([m.mean for m in column])
                checker.estimate(f"{name}: loss mean", mean, expected_mean, [m.errors[0] for m in column])
            elif loss.available:
                checker.number(f"{name}: loss mean", float(mean), value, error, float(one.loss.mean_stderr))
        means = np.stack([m.gradient_mean for m in column], axis=-1)
        slope, signal = one.gradient.mean_estimate, one.gradient.moment_estimate
        if slope is not None and slope.available:
            errors = np.stack([m.errors[2] for m in column], axis=-1)
            checker.estimate(f"{name}: gradient means", slope, means, errors)
        if signal is not None and signal.available:
            moments = means**2 + np.stack([m.gradient_variance for m in column], axis=-1)
            errors = [2 * np.abs(m.gradient_mean) * m.errors[2] + m.errors[3] for m in column]
            checker.estimate(f"{name}: gradient second moments", signal, moments, np.stack(errors, axis=-1))
        if record.exact_reference:
            for element in one.gradient.dead:
                if max(m.gradient_variance[element] for m in column) > 1e-10:
                    record.failures.append(f"{name}: element {element} is called dead")
    if batch == 1 and len(measured) == count and limit is not None:
        try:
            deep = limits(limit, case.num_elements)
        except NoReference:
            deep = []
        for index, right in enumerate(deep):
            found = measured[index].limit
            checker = _Checker(record, case, [expected[0][index]])
            checker.estimate(f"measurement {index}: limit of the variance", found.loss.variance, right.variance, 0.0)
            checker.estimate(
                f"measurement {index}: limit of the gradient", found.gradient.estimate, right.gradient, 0.0
            )
            if found.loss.mean is not None and found.loss.variance.available and found.loss.variance.exact:
                checker.number(f"measurement {index}: limit of the mean", float(found.loss.mean), right.mean, 0.0, 0.0)
    if batch > 1 and not record.failures and count == 1 and measured[0].gradient.estimate.available:
        shape = np.shape(measured[0].gradient.estimate.value)
        if shape[-1:] != (batch,):
            record.failures.append(f"gradient of a batch of {batch} has shape {shape}")


class _Checker:
    """Compares numbers of one measurement."""

    def __init__(self, record: Record, case: Case, column):
        self.record, self.case = record, case
        self.scale = max(1e-12, max(m.scale for m in column))
        self.relative = SINGLE if case.interface == "jax" and not jax.config.jax_enable_x64 else RELATIVE

    def estimate(self, name, estimate, value, error) -> None:
        """A whole estimate, with its interval."""
        if not estimate.available:
            self.record.reasons.append(normal(str(estimate.reason)))
            return
        self.record.methods.append(estimate.method)
        value = np.asarray(value, float)
        error = np.broadcast_to(np.asarray(error, float), value.shape)
        found = np.asarray(estimate.value, float)
        value, error = _squeeze(value, found), _squeeze(error, found)
        if found.shape != value.shape:
            self.record.failures.append(f"{name}: shape {found.shape} instead of {value.shape}")
            return
        stderr = np.broadcast_to(
            np.asarray(estimate.stderr if estimate.stderr is not None else 0.0, float), found.shape
        )
        for place in np.ndindex(found.shape):
            where = f"{name}{list(place) if place else ''}"
            interval = None
            if estimate.interval is not None and not estimate.exact:
                ends = [float(np.broadcast_to(np.asarray(end, float), found.shape)[place]) for end in estimate.interval]
                interval = tuple(ends)
            self.number(
                where, float(found[place]), float(value[place]), float(error[place]), float(stderr[place]), interval
            )

    def number(self, where, found, value, error, stderr, interval=None) -> None:
        """One number against its reference."""
        self.record.numbers += 1
        if not np.isfinite(found) or not np.isfinite(stderr):
            self.record.failures.append(f"{where}: {found} ± {stderr}, right is {value:.8g}")
            return
        allowed = ABSOLUTE * max(1.0, self.scale) + self.relative * max(abs(value), 0.01 * self.scale)
        allowed += SIGMAS * np.hypot(stderr, error)
        if interval is not None:
            low, high = interval
            margin = SIGMAS * error + 1e-12
            if not error and abs(value) > 1e-12:  # an exact reference tells whether the interval covers
                seen, covered = self.record.intervals
                inside = low - 1e-9 * self.scale <= value <= high + 1e-9 * self.scale
                self.record.intervals = seen + 1, covered + inside
            if low - margin - allowed <= value <= high + margin + allowed:
                width = high - low
                if low - margin - 2 * width <= value <= high + margin + 2 * width:
                    return
        if abs(found - value) > allowed:
            about = f" ± {error:.2g}" if error else ""
            plus = f" ± {stderr:.2g}" if stderr else ""
            between = f", interval {interval}" if interval is not None else ""
            self.record.failures.append(f"{where}: {found:.8g}{plus}{between}, right is {value:.8g}{about}")


def _squeeze(value: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Without the axis of the batch where there is none."""
    return value[..., 0] if value.shape[-1:] == (1,) and found.ndim == value.ndim - 1 else value
