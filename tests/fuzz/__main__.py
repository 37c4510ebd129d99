"""``python -m tests.fuzz --count 10000 --jobs 2``: many random QNodes, a table, and one line for each failure."""

from __future__ import annotations

import argparse
import sys
import time

STRIDE = 1_000_000


def main() -> int:
    """Exit status 1 where some case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="cases")
    parser.add_argument("--seed", type=int, default=None, help="of the run; default: from the clock")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--only", type=int, nargs="*", help="seeds of single cases, run here and explained")
    parser.add_argument("--shrink", action="store_true", help="with --only: leave out lines while it still fails")
    parser.add_argument("--minutes", type=float, default=None, help="stop after this time")
    options = parser.parse_args()
    if options.only:
        return explain(options.only, options.shrink)
    from .run import run_seeds
    from .table import failed, render

    seed = int(time.time()) % 100_000 if options.seed is None else options.seed
    print(f"seed {seed}, {options.count} cases, {options.jobs} processes", flush=True)
    started, records = time.monotonic(), []
    for record in run_seeds([seed * STRIDE + i for i in range(options.count)], options.jobs):
        records.append(record)
        if failed([record]):
            print(f"{record.outcome.upper()}  python -m tests.fuzz --only {record.seed} --shrink", flush=True)
            for failure in record.failures[:3]:
                print(f"    {failure}", flush=True)
        if len(records) % 500 == 0:
            print(f"… {len(records)} after {time.monotonic() - started:.0f} s", flush=True)
        if options.minutes is not None and time.monotonic() - started > 60 * options.minutes:
            break
    print(render(records, time.monotonic() - started))
    bad = failed(records)
    if bad:
        print("reproduce: python -m tests.fuzz --shrink --only " + " ".join(str(r.seed) for r in bad[:20]))
    return int(bool(bad))


def explain(seeds: list[int], shrink: bool) -> int:
    """Run single cases in this process and print their source."""
    from .compare import run_case
    from .draw import draw
    from .relations import draw_pair, run_pair
    from .run import is_relation
    from .shrink import shrunk
    from .table import failed

    status = 0
    for seed in seeds:
        if is_relation(seed):
            record, (first, second, _) = run_pair(seed), draw_pair(seed)
            print(f"== {seed}: {record.family}: {record.outcome} ({record.seconds:.1f} s)")
            print(first.case().script(), second.case().script(), *record.failures, *record.reasons, sep="\n")
            status |= bool(failed([record]))
            continue
        case = draw(seed)
        record = run_case(case)
        if shrink and record.outcome in ("wrong", "exception", "harness"):
            case, record = shrunk(case, record)
        print(f"== {seed}: {record.outcome} ({record.seconds:.1f} s) {' '.join(sorted(set(record.methods)))}")
        print(case.script())
        for text in (*record.failures, *record.reasons):
            print("  " + text)
        status |= bool(failed([record]))
    return status


if __name__ == "__main__":
    sys.exit(main())
