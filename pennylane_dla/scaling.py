"""The verdict that one size cannot give: how the variance of a family of circuits falls with its size."""

from __future__ import annotations

import json
import pickle
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pennylane as qp
from pennylane.concurrency.executors import (
    ExecBackends,
    MPPoolExec,
    ProcPoolExec,
    RemoteExec,
    create_executor,
    get_supported_backends,
)
from pennylane.tape import QuantumScript

from .algebra.naming import format_dimension
from .checked import index_of
from .diagnosis.growth import MIN_POINTS, Growth, growth
from .diagnosis.inspection import Options, inspect_circuit
from .diagnosis.plain import plain
from .diagnosis.records import Diagnosis
from .diagnosis.summary import Summary, shown_gradient, shown_shots, summarize
from .errors import DLAError, DLAWarning
from .progress import part, shown

PLATEAU = {
    "plateau": "barren plateau: the gradient falls exponentially with the size",
    "no plateau": "no barren plateau over these sizes: the gradient does not fall exponentially",
}


@dataclass(frozen=True)
class Case:
    """One size of the family.

    Args:
        size: what ``build`` was called with
        summary: the figures of its diagnosis
        seconds: what the diagnosis took
    """

    size: Any
    summary: Summary
    seconds: float


@dataclass(frozen=True, eq=False)
class Scaling:
    """What :func:`scaling` found.

    Args:
        over: what the sizes count
        cases: one for each size, in increasing order
        loss: growth of the variance of the loss
        gradient: growth of the median of the gradient components that do not vanish
        notes: what happened to the computation
    """

    over: str
    cases: tuple[Case, ...]
    loss: Growth
    gradient: Growth
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``"exponential"``, ``"polynomial"``, ``"constant"`` or ``"undecided"``, of the gradient."""
        return self.gradient.label

    @property
    def plateau(self) -> str:
        """``"plateau"`` where the gradient falls exponentially, ``"no plateau"`` where it does not, or
        ``"undecided"``."""
        if self.verdict in ("exponential", "undecided"):
            return {"exponential": "plateau"}.get(self.verdict, self.verdict)
        return "no plateau"

    @property
    def sizes(self) -> tuple:
        """The sizes, in increasing order."""
        return tuple(case.size for case in self.cases)

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Header and lines of the table."""
        header = [self.over, "parameters", "dim 𝔤", "Var[loss]", "median E[grad²]", "shots needed", "method"]
        lines = []
        for case in self.cases:
            s = case.summary
            dimension = ("" if s.dim_complete else "≥ ") + format_dimension(s.dim)
            lines.append(
                [
                    str(case.size),
                    str(s.num_params),
                    dimension,
                    _number(s.loss, s.loss_stderr),
                    shown_gradient(s),
                    shown_shots(s.shots_needed, s.shots_is_bound),
                    s.method if s.reason is None else f"not available: {s.reason}",
                ]
            )
        return header, lines

    def closing(self) -> list[tuple[str, str]]:
        """Verdict on gradient and loss, and notes."""
        return [
            ("gradient", f"{self.gradient}; {self.gradient.reason}"),
            *([] if self.plateau == "undecided" else [("verdict", PLATEAU[self.plateau])]),
            ("loss", f"{self.loss}; {self.loss.reason}"),
            *(("note", note) for note in self.notes),
        ]

    def __str__(self) -> str:
        from .report.text import columns

        header, lines = self.rows()
        return "\n".join([columns(header, lines), "", *(f"{label:<10}{text}" for label, text in self.closing())])

    def _repr_html_(self) -> str:
        from .report.html import grid_table, key_table, page

        header, lines = self.rows()
        return page(
            [grid_table(f"Growth with the number of {self.over}", header, lines), key_table(None, self.closing())]
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and strings."""
        return {
            "over": self.over,
            "verdict": self.verdict,
            "plateau": self.plateau,
            "gradient": plain({**asdict(self.gradient), "rate": self.gradient.rate}),
            "loss": plain({**asdict(self.loss), "rate": self.loss.rate}),
            "cases": [plain({"size": c.size, "seconds": c.seconds, **asdict(c.summary)}) for c in self.cases],
            "notes": list(self.notes),
        }

    def to_json(self, **kwargs: Any) -> str:
        """:meth:`to_dict` as JSON; keyword arguments go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)

    def plot(self, ax=None):
        """Variances against the size, with the fits.

        Args:
            ax: matplotlib axes to draw into; a new figure by default

        Returns:
            matplotlib.axes.Axes: the axes

        Raises:
            DLAError: without matplotlib
        """
        from .report.plot.growth_panel import growth_panel

        return growth_panel(self, ax)


def scaling(
    build: Callable[[Any], tuple],
    sizes: Sequence[Any],
    *,
    over: str = "qubits",
    executor: str | ExecBackends | RemoteExec | type[RemoteExec] | None = None,
    max_workers: int | None = None,
    measurement: int = 0,
    **options: Any,
) -> Scaling:
    r"""Diagnose a circuit at several sizes, and tell exponential from polynomial growth.

    .. math:: \mathrm{Var}[\partial\ell] \propto 2^{-rn} \quad\text{or}\quad n^{-d} \quad\text{or constant}

    are fitted to the logarithm of the variances, with their errors, and compared by Akaike's criterion
    (:func:`~pennylane_dla.diagnosis.growth.growth`). Three sizes or fewer give no verdict.

    Args:
        build: ``build(n)`` returns ``(qnode, args)`` or ``(qnode, args, kwargs)``; ``args`` is the tuple of positional
            arguments, or the only argument if it is no tuple
        sizes: at least four numbers, of qubits or of whatever ``build`` takes
        over: what ``sizes`` count, for labels: ``"qubits"``, ``"layers"``
        executor: where the cases run: a backend of ``qp.concurrency.executors`` by its name (``"cf_procpool"``,
            ``"mp_pool"``, ``"dask"``, ``"mpi4py_pool"``, …), its class, or an instance; serially by default. A
            ``build`` that another process cannot import runs serially, with a warning
        max_workers: of the executor
        measurement: index of the measurement that is followed

    Keyword Args:
        **options: those of :func:`~pennylane_dla.inspect`

    Returns:
        Scaling: ``verdict``, ``gradient.rate`` with ``gradient.rate_stderr``, the cases; ``plot()``, ``to_json()``

    Raises:
        DLAError: sizes that are not distinct positive numbers, a ``build`` that does not return a QNode and its
            arguments, an unknown executor, a circuit that cannot be read

    **Example**

    >>> def build(n):
    ...     @qp.qnode(qp.device("default.qubit"))
    ...     def circuit(weights):
    ...         for layer in range(2):
    ...             for i in range(n):
    ...                 qp.RY(weights[layer, i], i)
    ...             for i in range(layer % 2, n - 1, 2):
    ...                 qp.CZ((i, i + 1))
    ...         return qp.expval(qp.Z(n // 2))
    ...     return circuit, np.zeros((2, n))
    >>> scaling(build, [4, 6, 8, 10]).verdict
    'constant'
    """
    if not callable(build):
        raise DLAError(f"build={build!r}: pass a function of the size that returns (qnode, args).")
    sizes = _checked(sizes)
    progress = Options.from_keywords(**options).budget.progress
    notes: list[str] = []
    payload = build, measurement, options
    if executor is not None:
        executor, note = _executor(executor, max_workers, payload)
        if note:
            notes.append(note)
            warnings.warn(note, DLAWarning, stacklevel=2)
    if executor is None:
        cases = _serially(payload, sizes, progress)
    else:
        options = {**options, "progress": False}
        payload = build, measurement, options
        cases = list(executor.map(_case, [payload] * len(sizes), sizes))
    summaries = [case.summary for case in cases]

    def grown(value: str) -> Growth:
        known = [getattr(s, value) for s in summaries]
        errors = [getattr(s, value + "_stderr") for s in summaries]
        return growth(
            sizes, [np.nan if v is None else v for v in known], [0.0 if e is None else e for e in errors], over
        )

    skipped = [str(c.size) for c in cases if not c.summary.gradient]
    if skipped:
        notes.append(f"the gradient for {over} = {', '.join(skipped)} is zero or only bounded: left out of the fit")
    if len(sizes) < MIN_POINTS:
        notes.append(f"{len(sizes)} sizes: at least {MIN_POINTS} are needed for a verdict")
    return Scaling(over, tuple(cases), grown("loss"), grown("gradient"), tuple(notes))


def _checked(sizes: Sequence[Any]) -> list[Any]:
    try:
        sizes = list(sizes)
    except TypeError:
        raise DLAError(f"sizes={sizes!r}: give distinct positive numbers, such as [4, 6, 8, 10].") from None
    numeric = all(isinstance(s, (int, float, np.integer, np.floating)) and not isinstance(s, bool) for s in sizes)
    if not sizes or not numeric or not all(0 < s < 2**53 for s in sizes) or len(set(sizes)) < len(sizes):
        raise DLAError(f"sizes={sizes!r}: give distinct positive numbers, such as [4, 6, 8, 10].")
    return sorted(s.item() if isinstance(s, np.generic) else s for s in sizes)


def _serially(payload, sizes, progress: bool) -> list[Case]:
    cases = []
    with shown(progress):
        for number, size in enumerate(sizes):
            with part(f"size {size}", 1 / (len(sizes) - number)):
                cases.append(_case(payload, size))
    return cases


def _case(payload, size) -> Case:
    """One size; runs wherever the executor puts it, so what it takes and returns is plain data."""
    build, measurement, options = payload
    start = time.perf_counter()
    diagnostics = diagnose_built(build(size), size, options)
    measurement = index_of("measurement", measurement, len(diagnostics.measurements), "the circuit")
    return Case(size, summarize(diagnostics, measurement), time.perf_counter() - start)


def diagnose_built(built, size, options) -> Diagnosis:
    """The circuit that ``build`` made, diagnosed."""
    if not isinstance(built, tuple) or len(built) not in (2, 3) or not isinstance(built[0], (qp.QNode, QuantumScript)):
        raise DLAError(
            f"build({size!r}) must return (qnode, args) or (qnode, args, kwargs), not {type(built).__name__}"
            + (f" of {', '.join(type(part).__name__ for part in built)}." if isinstance(built, tuple) else ".")
        )
    circuit, args, kwargs = (*built, {})[:3]
    args = args if isinstance(args, tuple) else (args,)
    return inspect_circuit(circuit, args, kwargs, Options.from_keywords(**options))


def _executor(executor, max_workers, payload) -> tuple[RemoteExec | None, str | None]:
    """An instance of the executor, or ``None`` and the reason why the work is done serially."""
    kind = executor
    if isinstance(executor, str):
        known = get_supported_backends()
        if executor not in known:
            raise DLAError(f"executor={executor!r} is not a backend; there are {', '.join(known)}.")
        kind = known[executor]
    elif isinstance(executor, ExecBackends):
        kind = executor.value
    elif isinstance(executor, RemoteExec):
        kind = type(executor)
    elif not (isinstance(executor, type) and issubclass(executor, RemoteExec)):
        raise DLAError(
            f"executor={executor!r}: give a backend of qp.concurrency.executors, by name, class or instance."
        )
    if issubclass(kind, (MPPoolExec, ProcPoolExec)) or kind.__module__.endswith(".mpi"):
        reason = _not_importable(payload)
        if reason:
            return None, f"{reason}: the sizes run serially. Put build at the top level of a module."
    if isinstance(executor, RemoteExec):
        return executor, None
    try:
        limits = {} if max_workers is None else {"max_workers": max_workers}
        if isinstance(executor, type):
            return executor(**limits), None
        return create_executor(executor, **limits), None
    except (ImportError, RuntimeError) as error:
        raise DLAError(f"executor={executor!r} cannot be started: {error}") from error


def _not_importable(payload) -> str | None:
    """Why another process cannot have ``build`` or the options; ``None`` if it can."""
    build = payload[0]
    main = sys.modules.get("__main__")
    if getattr(build, "__module__", None) == "__main__" and not hasattr(main, "__file__"):
        return "build was defined in an interactive session, which other processes cannot import"
    try:
        pickle.dumps(payload)
    except Exception as error:  # pickling runs the reduction methods of anything
        return f"build or the options cannot be pickled ({type(error).__name__}: {error})"
    return None


def _number(value: float | None, stderr: float | None) -> str:
    if value is None:
        return "–"
    if not stderr:
        return f"{value:.3g}"
    return f"{value:.2g} ± {stderr:.0e}"
