"""Several figures: one after the other, or at once in processes that each make many and import and compile once."""

__all__ = ["each"]

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, as_completed
from pathlib import Path
from typing import Any

from paper_figures.listing import MEASURED, duration
from paper_figures.measured import MissingDataError
from paper_figures.settings import SettingError
from paper_figures.storage import NotComputedError
from paper_figures.style import StyleError
from rfgen.cli_processes import processes, room

Work = Callable[[str, argparse.Namespace], list[Path]]
UNKNOWN = 10.0  # seconds of a figure that was never measured
MISUSED = (SettingError, StyleError)
FAILED = (*MISUSED, MissingDataError, NotComputedError, OSError, BrokenExecutor)


def each(work: Work, names: list[str], given: argparse.Namespace) -> int:
    """Do `work` for the names, and say how long the rest will take; the exit status."""
    scale = getattr(given, "scale", "smoke")
    expected = {name: MEASURED.get(name, {}).get(scale, UNKNOWN) + 1.0 for name in names}
    failed, misused, start, left = [], False, time.perf_counter(), dict(expected)
    for name, result in _results(work, sorted(names, key=lambda name: -expected[name]), given):
        del left[name]
        try:
            paths = result()
        except FAILED as error:
            told = "its process was killed: make it again, and it continues" if isinstance(error, BrokenExecutor) else error
            print(f"{name}: {told}", file=sys.stderr)
            failed.append(name)
            misused |= isinstance(error, MISUSED)
            continue
        took = time.perf_counter() - start
        done = sum(expected.values()) - sum(left.values())
        rest = f"; about {duration(sum(left.values()) * took / done)} left" if left else ""
        print(f"{name}: after {took:.1f} s{f' ({len(names) - len(left)} of {len(names)}{rest})' if len(names) > 1 else ''}")
        print("\n".join(f"  {path}" for path in paths), flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 2 if misused else int(bool(failed))


def _results(work: Work, names: list[str], given: argparse.Namespace) -> Iterator[tuple[str, Callable[[], list[Path]]]]:
    """Each name with what gives its paths or raises, as they come to their end; the longest begin first."""
    count = min(room(), len(names))
    if count < 2 or given.cluster is not None:
        for name in names:
            yield name, lambda name=name: work(name, given)
        return
    with processes(count) as pool:
        found: dict[Future[Any], str] = {pool.submit(work, name, given): name for name in names}
        for future in as_completed(found):
            yield found[future], future.result
