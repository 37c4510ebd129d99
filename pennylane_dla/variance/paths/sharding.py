"""Where batches of paths run: over the threads of one device, over all local devices, and over processes.

Paths are independent, so nothing is communicated inside a batch. With several local devices the words of a
batch are laid out over them (``jax.sharding``) and the compiled sweep is partitioned; with several processes
(``jax.distributed``) each takes every so-many-th batch and the sums are added. A batch is determined by the
seed and its number, so the result does not depend on where it ran.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pennylane_dla.compat import numerics

Item = TypeVar("Item")
Result = TypeVar("Result")


def local_devices(words: int) -> int:
    """How many local devices share a batch of ``words`` words: the most that divide it."""
    count = len(jax.local_devices())
    while words % count:
        count -= 1
    return count


def place(array: np.ndarray, axis: int) -> jax.Array:
    """An array on the local devices, ``axis`` (the paths) laid out over them."""
    count = local_devices(array.shape[axis])
    if count == 1:
        return jax.numpy.asarray(array)
    mesh = Mesh(np.array(jax.local_devices()[:count]), ("paths",))
    spec = PartitionSpec(*(["paths" if i == axis % array.ndim else None for i in range(array.ndim)]))
    return jax.device_put(array, NamedSharding(mesh, spec))


def workers() -> int:
    """Threads that keep one device busy: a scan over small arrays uses one core of a CPU."""
    if len(jax.local_devices()) > 1 or jax.local_devices()[0].platform != "cpu":
        return 1
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def map_batches(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``work`` on this process' share of ``items``, in order."""
    mine = list(items)[jax.process_index() :: jax.process_count()]
    threads = min(workers(), len(mine))
    if threads <= 1:
        return [work(item) for item in mine]
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pennylane_dla")
    try:
        futures = [pool.submit(copy_context().run, work, item) for item in mine]  # the allowance of time goes along
        return [future.result() for future in futures]
    finally:  # also when interrupted: nothing new begins, and no thread outlives the call
        pool.shutdown(wait=True, cancel_futures=True)


def add_over_processes(sums: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of ``sums`` and maxima of ``largest`` over all processes; every process gets both."""
    if jax.process_count() == 1:
        return sums, largest
    with numerics():
        gathered = multihost_utils.process_allgather((sums, largest))
    return np.asarray(gathered[0]).sum(axis=0), np.asarray(gathered[1]).max(axis=0)
