"""Processes of a command, each of which does many pieces of its work and imports and compiles once."""

__all__ = ["processes", "room"]

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from rfgen.numerics.compilation.program_cache import cache_programs

# Each process holds its imports and programs, half a gigabyte, and its simulations.
MOST = 4


def room() -> int:
    """How many there may be: one a core, and few.

    >>> 1 <= room() <= MOST
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """So many, that keep programs, and end when the command has ended, however it did; what has not begun is dropped."""
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # two at once that each take all cores wait for each other
        os.environ.setdefault(threads, "1")
    context = multiprocessing.get_context("spawn")  # JAX does not survive a fork
    pool = ProcessPoolExecutor(count, context, _begin, (os.getpid(),))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    cache_programs()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
