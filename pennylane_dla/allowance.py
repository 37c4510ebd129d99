"""Time: one wall-clock allowance for a whole diagnosis, and how work keeps within it.

An :class:`Allowance` is a point in time. Whoever starts a piece of work opens a part of it, ``with
allowance.part(1 / 3):``, and long loops below call :func:`checkpoint`, or go through :func:`paced`, which also gives up
early what will not be finished. Both raise :class:`OutOfTime` for whoever opened the part: a reason, not an error. Work
that has a partial result looks at ``current().over`` instead and returns it.

The open allowance travels with the call (a context variable, as in trio's cancel scopes), so that what computes need
not know of it, and costs 0.2 µs to look at.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sized
from contextvars import ContextVar
from typing import TypeVar

from pennylane_dla import progress

Item = TypeVar("Item")

PATIENCE = 0.1  # of a part: before so much of it has passed nothing is predicted


class OutOfTime(Exception):
    """The open allowance is used up, or would not suffice; ``str`` completes "not available: …"."""


class Allowance:
    """Seconds from now on, for everything that is done under it.

    Args:
        seconds: altogether
        whole: the allowance that it is a part of

    >>> allowance = Allowance(10.0)
    >>> with allowance.part(1 / 2) as part:
    ...     current() is part, part.seconds <= 5.0, part.over
    (True, True, False)
    """

    def __init__(self, seconds: float = float("inf"), whole: Allowance | None = None):
        self.seconds = float(seconds)
        self.start = time.monotonic()
        self.end = self.start + self.seconds
        self._whole = whole

    @property
    def left(self) -> float:
        """Seconds, not negative."""
        return max(0.0, self.end - time.monotonic())

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.start

    @property
    def over(self) -> bool:
        """Whether it is used up."""
        return time.monotonic() > self.end

    @property
    def total(self) -> Allowance:
        """That of the whole diagnosis."""
        return self if self._whole is None else self._whole.total

    @property
    def statement(self) -> str:
        """Why something stopped."""
        whole = self.total
        if self.end >= whole.end or self.seconds > 0.95 * whole.seconds:
            return f"stopped after max_seconds={whole.seconds:g}"
        return f"stopped after {self.seconds:.2g} s, its part of max_seconds={whole.seconds:g}"

    def last(self, share: float) -> None:
        """Move the end so that at least ``share`` of the seconds are left: for what follows work that cannot stop."""
        self.end = max(self.end, time.monotonic() + share * self.seconds)

    @contextlib.contextmanager
    def part(self, share: float = 1.0, least: float = 0.0) -> Iterator[Allowance]:
        """Open a part for a block of work.

        Args:
            share: of what is left
            least: share of the whole that it gets even then, as far as it is there
        """
        left = min(self.left, current().left)  # also of what is open already
        part = Allowance(min(left, max(share * left, least * self.total.seconds)), self)
        token = _open.set(part)
        try:
            yield part
        finally:
            _open.reset(token)


_UNLIMITED = Allowance()
_open: ContextVar[Allowance] = ContextVar("pennylane_dla_allowance", default=_UNLIMITED)


def current() -> Allowance:
    """The allowance that is open."""
    return _open.get()


def checkpoint() -> None:
    """Called once in a while by whatever may take long.

    Raises:
        OutOfTime: where the open allowance is used up
    """
    progress.tick()
    allowance = _open.get()
    if time.monotonic() > allowance.end:
        raise OutOfTime(allowance.statement)


def afford(seconds: float, what: str) -> None:
    """Called before one long step that nothing can interrupt.

    Args:
        seconds: that it will take, roughly
        what: names it

    Raises:
        OutOfTime: where that is more than is left
    """
    allowance = _open.get()
    if allowance.over:
        raise OutOfTime(allowance.statement)
    if seconds > allowance.left:
        raise OutOfTime(f"{what} would take about {seconds:.2g} s, more than is left {_of(allowance)}")


def paced(items: Iterable[Item], what: str, total: int | None = None, done: int = 0) -> Iterator[Item]:
    """The items, one after the other, as long as they seem to get finished in time: each takes about as long as those
    before it.

    Args:
        items: steps of equal work
        what: names the work
        total: number of steps with what follows, where that is more than ``items``
        done: steps that were made before, in the same time

    Raises:
        OutOfTime: where the open allowance is used up, or will be
    """
    allowance, start = _open.get(), time.monotonic()
    total = total or (len(items) if isinstance(items, Sized) else 0)
    for number, item in enumerate(items):
        progress.tick()
        now = time.monotonic()
        if now > allowance.end:
            raise OutOfTime(allowance.statement)
        took = now - start
        if number and took > PATIENCE * min(allowance.seconds, 10.0):
            needed = took / number * (total - number - done)
            if now + needed > allowance.end + 0.2 * (allowance.end - start):  # predictions are rough
                raise OutOfTime(f"{what} would take about {took + needed:.2g} s, more than is left {_of(allowance)}")
        yield item


def _of(allowance: Allowance) -> str:
    return f"of max_seconds={allowance.total.seconds:g}"
