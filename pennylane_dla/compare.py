"""Several circuits side by side: how expressive they are against how trainable."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pennylane as qp
from pennylane.tape import QuantumScript

from .algebra.naming import format_dimension
from .checked import index_of
from .diagnosis.inspection import Options, inspect_circuit
from .diagnosis.numbers import count
from .diagnosis.plain import plain
from .diagnosis.summary import Summary, shown_gradient, shown_shots, summarize
from .diagnostics import Diagnostics
from .errors import DLAError
from .progress import part, shown
from .shorten import shorten

ALGEBRA = 28  # characters of its name in the table


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found.

    Args:
        diagnostics: one for each name, in the order given
        measurement: index of the measurement that is compared
    """

    diagnostics: dict[str, Diagnostics]
    measurement: int = 0

    def __getitem__(self, name: str) -> Diagnostics:
        return self.diagnostics[name]

    def __iter__(self):
        return iter(self.diagnostics)

    def __len__(self) -> int:
        return len(self.diagnostics)

    @functools.cached_property
    def summaries(self) -> dict[str, Summary]:
        """The figures of each circuit."""
        return {name: summarize(diag, self.measurement) for name, diag in self.diagnostics.items()}

    def region(self, name: str) -> str:
        """Where the circuit stands, by what is known.

        ``"barren"`` where no budget resolves the gradient or there is none, ``"below shot noise"`` where more shots
        would, ``"underfitting"`` where there are more parameters than ``dim 𝔤``, ``"both"``, ``"balanced"`` where the
        shots resolve the gradient, or ``"unknown"``.
        """
        summary = self.summaries[name]
        label = summary.label
        if label == "unknown":
            return "unknown"
        barren = label in ("exponentially small", "no gradient")
        under = summary.dim_complete and summary.num_params > summary.dim
        if barren:
            return "both" if under else "barren"
        if label == "needs more shots":
            return "below shot noise"
        return "underfitting" if under else "balanced"

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Header and lines of the table."""
        header = [
            "circuit",
            "qubits",
            "parameters",
            "dim 𝔤",
            "algebra",
            "median E[grad²]",
            "dead",
            "shots needed",
            "region",
        ]
        lines = []
        for name, s in self.summaries.items():
            lines.append(
                [
                    name,
                    str(s.num_wires),
                    str(s.num_params),
                    ("" if s.dim_complete else "≥ ") + format_dimension(s.dim),
                    shorten(s.algebra or "–", ALGEBRA),
                    shown_gradient(s),
                    str(s.dead),
                    shown_shots(s.shots_needed, s.shots_is_bound),
                    self.region(name),
                ]
            )
        return header, lines

    def notes(self) -> list[tuple[str, str]]:
        """What could not be computed, and what the regions mean."""
        shots = sorted({diag.shots for diag in self.diagnostics.values()})
        assumed = ", ".join(count(s) for s in shots)
        result = [
            (s.name if name == s.name else name, f"not available: {s.reason}")
            for name, s in self.summaries.items()
            if s.reason
        ]
        regions = {self.region(name) for name in self.diagnostics}
        meaning = {
            "balanced": f"{assumed} shots per expectation value resolve the gradient",
            "below shot noise": f"{assumed} shots per expectation value do not resolve the gradient; more would",
            "barren": "no budget of shots resolves the gradient at this size, or there is none",
            "underfitting": "more parameters than dim 𝔤: extra parameters add no new directions",
            "both": "barren, and more parameters than dim 𝔤",
            "unknown": "the gradient is not known well enough",
        }
        result += [(name, text) for name, text in meaning.items() if name in regions]
        return result

    def __str__(self) -> str:
        from .report.text import columns

        return "\n".join([columns(*self.rows()), "", *(f"{label:<18}{text}" for label, text in self.notes())])

    def _repr_html_(self) -> str:
        from .report.html import grid_table, key_table, page

        header, lines = self.rows()
        return page([grid_table("Expressivity and trainability", header, lines), key_table(None, self.notes())])

    def to_dict(self) -> dict[str, Any]:
        """For each name its figures and region."""
        return {
            name: plain({**asdict(summary), "region": self.region(name)}) for name, summary in self.summaries.items()
        }

    def to_json(self, **kwargs: Any) -> str:
        """:meth:`to_dict` as JSON; keyword arguments go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)

    def plot(self, ax=None):
        """``dim 𝔤`` against the gradient variance, with the barren and the underfitting region.

        Args:
            ax: matplotlib axes to draw into; a new figure by default

        Returns:
            matplotlib.axes.Axes: the axes

        Raises:
            DLAError: without matplotlib
        """
        from .report.plot.trade_off import trade_off

        return trade_off(self, ax)


def compare(circuits: Mapping[str, Any], measurement: int = 0, **options: Any) -> Callable[..., Comparison]:
    r"""Lay several circuits side by side: :math:`\dim\mathfrak{g}` against the variance of the gradient.

    Args:
        circuits: QNodes or tapes by name
        measurement: index of the measurement that is compared

    Keyword Args:
        **options: those of :func:`~pennylane_dla.inspect`

    Returns:
        Callable: takes the arguments of the circuits and returns a :class:`Comparison`. Every circuit gets the same
        arguments, except that an argument which is a dictionary with exactly the names of the circuits as keys is dealt
        out: each circuit gets its own value. Where the circuits take different numbers of arguments, give one such
        dictionary of tuples: a tuple is unpacked

    Raises:
        DLAError: no circuits, something else than QNodes and tapes, or a circuit that cannot be read, by its name

    **Example**

    >>> import numpy as np
    >>> def make(rotation):
    ...     @qp.qnode(qp.device("default.qubit"))
    ...     def circuit(weights):
    ...         qp.BasicEntanglerLayers(weights, wires=range(4), rotation=rotation)
    ...         return qp.expval(qp.Z(0))
    ...     return circuit
    >>> result = compare({"RX": make(qp.RX), "RY": make(qp.RY)})(np.zeros((3, 4)))
    >>> list(result), result["RX"].algebra.dim < result["RY"].algebra.dim
    (['RX', 'RY'], True)
    """
    if not isinstance(circuits, Mapping) or not circuits:
        raise DLAError('compare takes a dictionary from names to QNodes: compare({"a": qnode_a, "b": qnode_b})(*args).')
    for name, circuit in circuits.items():
        if not isinstance(circuit, (qp.QNode, QuantumScript)):
            raise DLAError(f"compare: {name!r} is {circuit!r}, neither a QNode nor a tape.")
    chosen = Options.from_keywords(**options)
    names = list(circuits)

    def wrapper(*args, **kwargs) -> Comparison:
        found = {}
        with shown(chosen.budget.progress):
            for number, name in enumerate(names):
                own, keywords = _deal(args, kwargs, name, names)
                try:
                    with part(name, 1 / (len(names) - number)):
                        found[name] = Diagnostics.of(inspect_circuit(circuits[name], own, keywords, chosen))
                except DLAError as error:
                    raise DLAError(f"{name}: {error}") from error
                index_of("measurement", measurement, len(found[name].measurements), name)
        return Comparison(found, measurement)

    return wrapper


def _deal(args: tuple, kwargs: dict, name: str, names: list[str]) -> tuple[tuple, dict]:
    """The arguments of one circuit."""

    def own(value):
        return isinstance(value, Mapping) and set(value) == set(names)

    positional: list[Any] = []
    for value in args:
        if own(value):
            value = value[name]
            positional.extend(value if isinstance(value, tuple) else (value,))
        else:
            positional.append(value)
    return tuple(positional), {key: value[name] if own(value) else value for key, value in kwargs.items()}
