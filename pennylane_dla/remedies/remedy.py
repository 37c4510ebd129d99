"""What the search for remedies returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pennylane_dla.algebra.naming import format_dimension
from pennylane_dla.diagnosis.numbers import count
from pennylane_dla.diagnosis.plain import plain
from pennylane_dla.diagnosis.records import Diagnosis


@dataclass(frozen=True)
class Figures:
    """What a variant is judged by.

    Args:
        gradient: median second moment (variance plus squared mean) of the entries that can move; 0 where none can
        relative: the same in units of the squared range of the loss, so that losses of any scale compare
        relative_error: relative standard error of both
        shots_needed: shots per expectation value to resolve the gradient; ``inf`` where every entry vanishes
        parameters: elements that drive a gate
        bound: nothing was seen in sampling: ``gradient`` is an upper bound
        shots_bound: ``shots_needed`` is a lower bound
        resolved: whether the shots given resolve the gradient; ``None`` where unknown
    """

    gradient: float
    relative: float
    relative_error: float
    shots_needed: float | None
    parameters: int
    bound: bool = False
    shots_bound: bool = False
    resolved: bool | None = None


@dataclass(frozen=True, eq=False)
class Remedy:
    """One change that helps.

    Args:
        kind: ``"angles"``, ``"layers"``, ``"observable"``, ``"generators"`` or ``"state"``
        change: what to do
        figures: of the changed circuit
        factor: by how much the median second moment of the gradient grows, in units of the squared range of the loss;
            ``inf`` where there was no gradient before
        dim: dimension of the Lie algebra afterwards
        price: what is lost in expressivity
        diagnostics: the whole diagnosis of the changed circuit
    """

    kind: str
    change: str
    figures: Figures
    factor: float
    dim: int
    price: str
    diagnostics: Diagnosis

    @property
    def gradient(self) -> float:
        """Predicted median second moment of the gradient entries that can move."""
        return self.figures.gradient

    @property
    def shots_needed(self) -> float | None:
        """Shots per expectation value that the changed circuit needs."""
        return self.figures.shots_needed


@dataclass(frozen=True, eq=False)
class Remedies:
    """All that helps, the most effective first; a sequence of :class:`Remedy`.

    Args:
        name: of the circuit
        before: figures of the circuit as it is
        dim: dimension of its Lie algebra
        found: the remedies
        notes: what was not tried, or did not help
    """

    name: str
    before: Figures
    dim: int
    found: tuple[Remedy, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index) -> Remedy:
        return self.found[index]

    def __iter__(self) -> Iterator[Remedy]:
        return iter(self.found)

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Header and lines of the table, the circuit as it is first."""
        header = ["change", "median E[grad²]", "factor", "shots needed", "parameters", "dim 𝔤", "price"]
        lines = [["as it is", *_cells(self.before, None), format_dimension(self.dim), ""]]
        lines += [[r.change, *_cells(r.figures, r.factor), format_dimension(r.dim), r.price] for r in self.found]
        return header, lines

    def __str__(self) -> str:
        from pennylane_dla.report.text import columns

        lines = [columns(*self.rows())]
        if not self.found:
            lines += ["", "Nothing that was tried helps."]
        return "\n".join([*lines, *([""] if self.notes else []), *self.notes])

    def _repr_html_(self) -> str:
        from pennylane_dla.report.html import grid_table, key_table, page

        parts = [grid_table(f"What would help {self.name}", *self.rows())]
        if self.notes or not self.found:
            notes = self.notes if self.found else ("nothing that was tried helps", *self.notes)
            parts.append(key_table(None, [("note", note) for note in notes]))
        return page(parts)

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and strings."""
        return plain(
            {
                "name": self.name,
                "before": asdict(self.before),
                "dim": self.dim,
                "remedies": [
                    {
                        "kind": r.kind,
                        "change": r.change,
                        "factor": r.factor,
                        "dim": r.dim,
                        "price": r.price,
                        **asdict(r.figures),
                    }
                    for r in self.found
                ],
                "notes": list(self.notes),
            }
        )

    def to_json(self, **kwargs: Any) -> str:
        """:meth:`to_dict` as JSON; keyword arguments go to :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **kwargs)


def _cells(figures: Figures, factor: float | None) -> list[str]:
    shots = "–"
    if figures.shots_needed is not None:
        shots = "∞" if np.isinf(figures.shots_needed) else count(figures.shots_needed)
    bound = "≤ " if figures.bound else "", "≥ " if figures.shots_bound else ""
    shown = "" if factor is None else ("∞" if np.isinf(factor) else f"{factor:.2g}")
    return [f"{bound[0]}{figures.gradient:.2e}", shown, f"{bound[1]}{shots}", str(figures.parameters)]
