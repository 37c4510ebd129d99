"""A failing case with as few lines as possible."""

from __future__ import annotations

from dataclasses import replace

from .case import Case
from .compare import Record, run_case


def shrunk(case: Case, record: Record, run=run_case) -> tuple[Case, Record]:
    """Leave out lines, measurements, options and laws while the same kind of failure stays.

    Args:
        case: failing
        record: of the failing run
        run: from a case to a record

    Returns:
        the smallest case found, and its record
    """
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(case):
            found = run(smaller)
            if found.outcome == record.outcome:
                case, record, changed = smaller, found, True
                break
    return case, record


def _smaller(case: Case):
    for i in range(len(case.measurements) * (len(case.measurements) > 1)):
        yield replace(case, measurements=case.measurements[:i] + case.measurements[i + 1 :])
    for i in range(len(case.lines)):
        yield replace(case, lines=case.lines[:i] + case.lines[i + 1 :])
    if case.interface != "numpy":
        yield replace(case, interface="numpy")
    if "method" in case.options:
        yield replace(case, options={k: v for k, v in case.options.items() if k != "method"})
    if any(a.law != ("uniform",) for a in case.arguments):
        yield replace(case, arguments=tuple(replace(a, law=("uniform",)) for a in case.arguments))
