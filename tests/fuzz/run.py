"""Many cases, in processes of their own, so that one that hangs or crashes ends alone."""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator, Sequence

from .compare import Record

HUNG = 90.0  # seconds after which a case is ended
RENEW = 1500  # cases after which a process is renewed


RELATION = 25  # one case in so many is a relation between two large circuits


def run_seed(seed: int) -> Record:
    """One case: a QNode against its reference, or a large one against itself."""
    from .compare import run_case
    from .draw import draw
    from .relations import run_pair

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run_pair(seed) if is_relation(seed) else run_case(draw(seed))


def is_relation(seed: int) -> bool:
    """Which kind a seed stands for."""
    return seed % RELATION == RELATION - 1


def _work(pipe, run: Callable[[int], Record]) -> None:
    while (seed := pipe.recv()) is not None:
        pipe.send(run(seed))


class _Worker:
    def __init__(self, run):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, run), daemon=True)
        self.process.start()
        self.seed, self.since, self.done = None, 0.0, 0

    def give(self, seed: int) -> None:
        self.seed, self.since = seed, time.monotonic()
        self.pipe.send(seed)

    def end(self) -> None:
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()


def run_seeds(seeds: Sequence[int], jobs: int = 1, run: Callable[[int], Record] = run_seed) -> Iterator[Record]:
    """Records in the order in which the cases end.

    Args:
        seeds: of the cases
        jobs: processes
        run: takes a seed; importable
    """
    waiting = list(reversed(seeds))
    workers = [_Worker(run) for _ in range(max(1, min(jobs, len(seeds))))]
    try:
        while waiting or any(w.seed is not None for w in workers):
            for i, worker in enumerate(workers):
                if worker.seed is not None:
                    record = _poll(worker)
                    if record is None:
                        continue
                    worker.seed = None
                    worker.done += 1
                    yield record
                    if record.outcome == "hung" or worker.done >= RENEW:
                        worker.end()
                        worker = workers[i] = _Worker(run)
                if waiting:
                    worker.give(waiting.pop())
            multiprocessing.connection.wait([w.pipe for w in workers if w.seed is not None] or [workers[0].pipe], 0.5)
    finally:
        for worker in workers:
            worker.end()


def _poll(worker: _Worker) -> Record | None:
    """The record of a worker, if it is there or will not come."""
    try:
        if worker.pipe.poll():
            return worker.pipe.recv()
    except EOFError:
        return Record(worker.seed, "hung", failures=[f"the process ended with code {worker.process.exitcode}"])
    if not worker.process.is_alive():
        return Record(worker.seed, "hung", failures=[f"the process ended with code {worker.process.exitcode}"])
    seconds = time.monotonic() - worker.since
    if seconds > HUNG:
        return Record(worker.seed, "hung", failures=[f"no answer after {seconds:.0f} s"], seconds=seconds)
    return None
