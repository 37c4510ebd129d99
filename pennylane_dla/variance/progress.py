"""A progress bar on the standard error stream, for work that takes more than a moment."""

from __future__ import annotations

import sys
import time

PATIENCE = 2.0  # seconds before anything is shown


class Progress:
    """Shows how much of ``total`` is done, if ``shown`` and if it takes longer than ``PATIENCE``.

    Args:
        label: what is being done
        total: when it is finished at the latest
        shown: ``Budget.progress``
    """

    def __init__(self, label: str, total: int, shown: bool = True):
        self._label, self._total, self._shown = label, max(1, total), shown
        self._start, self._done, self._written = time.monotonic(), 0, False

    def advance(self, count: int, note: str = "") -> None:
        """``count`` more are done."""
        self._done += count
        elapsed = time.monotonic() - self._start
        if not self._shown or elapsed < PATIENCE:
            return
        share = min(1.0, self._done / self._total)
        bar = "█" * round(20 * share)
        sys.stderr.write(f"\r{self._label} [{bar:<20}] {share:4.0%}  {elapsed:.0f} s  {note}\x1b[K")
        sys.stderr.flush()
        self._written = True

    def close(self) -> None:
        """End the line."""
        if self._written:
            sys.stderr.write("\n")
            sys.stderr.flush()
