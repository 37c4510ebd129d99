"""Time that several computations share."""

from __future__ import annotations

import time

FLOOR = 1.0  # seconds that each computation may take whatever the others used


class Allowance:
    """Seconds for a diagnosis as a whole: what one closure or module uses is gone for the others.

    Each may still take a second (or all of a smaller allowance), so that what is cheap is not lost because something
    hopeless came before it.

    Args:
        seconds: altogether

    >>> allowance = Allowance(10.0)
    >>> allowance.charge(9.5)
    >>> allowance.grant()
    1.0
    """

    def __init__(self, seconds: float = float("inf")):
        self.seconds = seconds
        self._used = 0.0

    def grant(self, share: float = 1.0) -> float:
        """Seconds that the next computation may take: at most ``share`` of what there was at first."""
        return max(min(self.seconds * share, self.seconds - self._used), min(FLOOR, self.seconds))

    @property
    def spent(self) -> str:
        """Why something is not begun."""
        return f"too little is left of max_seconds={self.seconds:g}"

    def charge(self, seconds: float) -> None:
        """A computation took so long."""
        self._used += seconds


class Stopwatch:
    """One computation under an allowance.

    Args:
        allowance: that it takes part of
        share: of the whole allowance, at most
    """

    def __init__(self, allowance: Allowance, share: float = 1.0):
        self._allowance, self._limit = allowance, allowance.grant(share)
        self._start, self._charged = time.monotonic(), 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    @property
    def over(self) -> bool:
        """Whether it must stop."""
        return self.elapsed > self._limit

    @property
    def statement(self) -> str:
        """Why it stopped."""
        if self._limit == self._allowance.seconds:
            return f"stopped after max_seconds={self._limit:g}"
        return f"stopped after {self._limit:.2g} s, its part of max_seconds={self._allowance.seconds:g}"

    def stop(self) -> None:
        """Charge what was used, once."""
        elapsed = self.elapsed
        self._allowance.charge(elapsed - self._charged)
        self._charged = elapsed
