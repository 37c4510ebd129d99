"""What a run of the fuzz says at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .compare import Record

FAILING = ("wrong", "exception", "hung", "harness")


def failed(records: Sequence[Record]) -> list[Record]:
    """Cases that a run must not have."""
    return [r for r in records if r.outcome in FAILING]


def render(records: Sequence[Record], seconds: float, reasons: int = 25) -> str:
    """The table.

    Args:
        records: of all cases
        seconds: wall clock of the run
        reasons: most frequent reasons of refusals that are shown
    """
    outcomes = Counter(r.outcome for r in records)
    seen, covered = (sum(r.intervals[i] for r in records) for i in (0, 1))
    methods = Counter(m for r in records for m in r.methods)
    refused = Counter(reason for r in records for reason in r.reasons if r.outcome != "no reference")
    without = Counter(reason for r in records for reason in r.reasons if r.outcome == "no reference")
    compared = [r for r in records if r.outcome in ("compared", "wrong")]
    slow = [r for r in records if r.slow]
    lines = [
        f"tried                 {len(records)}  ({sum(r.family != 'reference' for r in records)} relations)",
        f"compared              {len(compared)}  ({sum(r.numbers for r in compared)} numbers; "
        f"{sum(not r.exact_reference for r in compared)} cases against a sampled reference)",
        f"wrong                 {outcomes['wrong']}",
        f"refused               {outcomes['refused']}  (partly: {sum(bool(r.reasons) for r in compared)})",
        f"exceptions            {outcomes['exception']}",
        f"hung                  {outcomes['hung']}",
        f"no reference          {outcomes['no reference']}",
        f"errors of the fuzz    {outcomes['harness']}",
        f"slow (> 2 × limit)    {len(slow)}  (slowest {max((r.seconds for r in records), default=0):.1f} s)",
        f"interval coverage     {covered}/{seen}" + (f" = {100 * covered / seen:.1f} %" if seen else ""),
        f"estimates by engine   {', '.join(f'{name} {n}' for name, n in methods.most_common())}",
        f"seconds               {seconds:.0f}  ({sum(r.seconds for r in records):.0f} in inspections)",
    ]
    for title, counter in (("refused, by reason", refused), ("no reference, by reason", without)):
        if counter:
            lines.append(f"{title}:")
            lines += [f"  {n:6d}  {reason}" for reason, n in counter.most_common(reasons)]
    if slow:
        lines.append("slow: " + ", ".join(f"{r.seed} ({r.seconds:.1f} s)" for r in slow[:40]))
    return "\n".join(lines)
