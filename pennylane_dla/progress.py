"""One progress bar for one diagnosis: it says in plain words what is being done, and roughly how much of it is left.

Whoever starts the work opens the bar, ``with shown(budget.progress):``. Below, ``with part("Lie algebra", 1 / 4):``
names a step and its share of the bar, and a :class:`Count` moves within it. As the allowance of time does, the open bar
travels with the call, so that what computes need not know of it. Work under a bar that is open already (one circuit of
several) becomes part of it.

The bar is ``tqdm``'s, in a terminal or in a notebook. It is made when the work has taken a moment, so that a short
diagnosis shows nothing and imports nothing, and it disappears when the work is done. Where standard error is neither a
terminal nor a notebook there is none.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

from .shorten import shorten

PATIENCE = 1.0  # seconds before anything is shown
INTERVAL = 0.1  # seconds between two changes of the bar
WIDTH = 44  # of what it says
_FORMAT = "{desc} |{bar}| {percentage:3.0f} % [{elapsed}]"


class _Step(NamedTuple):
    """A step and the part of the bar that it fills.

    Args:
        what: is being done
        end: of its part
        around: what is said before it
        alone: whether the steps of which it consists say nothing
    """

    what: str
    end: float
    around: str = ""
    alone: bool = False

    @property
    def text(self) -> str:
        """What the bar says."""
        return shorten(": ".join(filter(None, [self.around, self.what])), WIDTH)


class _Bar:
    """What is done, from 0 to 1, and the bar that shows it once there is one."""

    def __init__(self) -> None:
        self._steps = [_Step("", 1.0)]
        self._done = 0.0
        self._start = self._drawn = time.monotonic()
        self._drawing: Any = None
        self._lock = threading.RLock()  # batches run on threads

    @contextlib.contextmanager
    def part(self, what: str | None, share: float, alone: bool) -> Iterator[None]:
        """One step."""
        depth, outer = len(self._steps), self._steps[-1]
        end = self._done + share * (outer.end - self._done)
        said = what is not None and not outer.alone
        self._steps.append(outer._replace(what=what, end=end, alone=alone) if said else outer._replace(end=end))
        self.tick(said)
        try:
            yield
        finally:
            del self._steps[depth:]
            self._done = max(self._done, end)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Whole diagnoses as parts of something larger: what that says stands before what they say."""
        depth, outer = len(self._steps), self._steps[-1]
        self._steps.append(_Step("", outer.end, outer.text))
        try:
            yield
        finally:
            del self._steps[depth:]

    @property
    def room(self) -> tuple[float, float]:
        """What is done, and the end of the step."""
        return self._done, self._steps[-1].end

    def reach(self, done: float) -> None:
        """So much is done."""
        self._done = max(self._done, done)
        self.tick()

    def tick(self, changed: bool = False) -> None:
        """Draw again, once in a while."""
        now = time.monotonic()
        if now - self._start < PATIENCE or (now - self._drawn < INTERVAL and not changed):
            return
        with self._lock:
            self._drawn = now
            if self._drawing is None:
                self._drawing = _tqdm(self._done, now - self._start)
            self._drawing.n = self._done
            text = self._steps[-1].text
            if text:  # between two steps the last words stay
                self._drawing.set_description_str(text, refresh=False)
            self._drawing.refresh()

    def close(self) -> None:
        """Take it away."""
        with self._lock:
            if self._drawing is not None:
                self._drawing.close()


_open: ContextVar[_Bar | None] = ContextVar("pennylane_dla_progress", default=None)


@contextlib.contextmanager
def shown(wanted: bool = True) -> Iterator[None]:
    """Open a bar for a block of work, or go on under the one that is open.

    Args:
        wanted: whether there is one
    """
    outer = _open.get()
    bar = None if not wanted or not _visible() else outer or _Bar()
    token = _open.set(bar)
    try:
        with contextlib.nullcontext() if bar is None or bar is not outer else bar.inside():
            yield
    finally:
        _open.reset(token)
        if bar is not None and bar is not outer:
            bar.close()


@contextlib.contextmanager
def part(what: str | Callable[[], str] | None, share: float = 1.0, alone: bool = False) -> Iterator[None]:
    """One step of the work under the open bar.

    Args:
        what: is being done, in plain words, or what says it where there is a bar; ``None`` to leave what is said
        share: of what is left of the step around it
        alone: whether the steps of which it consists say nothing
    """
    bar = _open.get()
    with contextlib.nullcontext() if bar is None else bar.part(what() if callable(what) else what, share, alone):
        yield


class Count:
    """Moves the open bar within the open step.

    Args:
        total: when the step is done, at the latest
    """

    def __init__(self, total: int):
        self._bar, self._total, self._counted = _open.get(), max(1, total), 0
        self._room = (0.0, 0.0) if self._bar is None else self._bar.room

    def advance(self, count: int = 1) -> None:
        """``count`` more are done."""
        if self._bar is not None:
            self._counted += count
            start, end = self._room
            self._bar.reach(start + (end - start) * min(1.0, self._counted / self._total))


def tick() -> None:
    """Keep the open bar alive; called by whatever may take long."""
    bar = _open.get()
    if bar is not None:
        bar.tick()


def _notebook() -> bool:
    """Whether a Jupyter kernel runs this, as ``tqdm`` itself finds out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


def _visible() -> bool:
    try:
        terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        terminal = False
    return terminal or _notebook()


def _tqdm(done: float, elapsed: float) -> Any:
    """A bar of work that began ``elapsed`` seconds ago, not drawn yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets gets the bar of a terminal
        from tqdm.auto import tqdm
    bar = tqdm(
        initial=done, total=1.0, leave=False, bar_format=_FORMAT, dynamic_ncols=True, delay=1e-9, file=sys.stderr
    )
    if not bar.disable:  # TQDM_DISABLE is respected
        bar.start_t -= elapsed
    return bar
