"""Where the cells of a simulation are measured: in this process, unless a call names another engine.

An engine has `measured(measures, jobs, advance)`, which takes jobs as it gets to them and gives each with its arrays, or
with the exception that it ended in, in any order, and `bytes()`, what a job may plan for.  The numbers of a job depend on
its trials alone, so engines agree.
"""

__all__ = ["SERIAL", "Call", "Job", "LostEngineError", "Serial", "bytes_here", "call_in", "checked_engine", "the_call"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from rfgen.curves.cells.precision import Precision
from rfgen.numerics.memory import budget

Arrays = dict[str, np.ndarray]
Measure = Callable[[int, int, Callable[[int], Any]], Arrays]


class LostEngineError(ConnectionError):
    """The engine is gone, and with it what it had not given."""


class Job(NamedTuple):
    """Trials `start` to `stop` of a cell, by number."""

    cell: int
    start: int
    stop: int


class Serial:
    """One job after another, in this process; an exception in one is one of the call."""

    def measured(
        self, measures: Sequence[Measure], jobs: Iterator[Job], advance: Callable[[int], Any]
    ) -> Iterator[tuple[Job, Arrays | Exception]]:
        """Each job with its arrays."""
        for job in jobs:
            yield job, measures[job.cell](job.start, job.stop, advance)

    def bytes(self) -> int:
        """Memory that a job may plan for."""
        return bytes_here()


SERIAL = Serial()


def bytes_here() -> int:
    """Half of the memory of this process's device, or of its machine."""
    statistics = jax.devices()[0].memory_stats()
    return budget(statistics.get("bytes_limit") if statistics else None)


@dataclass(frozen=True)
class Call:
    """What a simulation is part of: its engine, what is said of it beside its cells, and how precise it is to be."""

    engine: Any = SERIAL
    about: Mapping[str, Any] = field(default_factory=dict)
    precision: Precision | None = None


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


def the_call() -> Call:
    """The call that is being worked on."""
    return _CALL.get() or Call()


def checked_engine(engine: Any) -> Any:
    """The engine, of None this process."""
    if not (engine is None or callable(getattr(engine, "measured", None))):
        raise ValueError(f"engine must be rg.Dask(client), or None for this process, got {engine!r}")
    return SERIAL if engine is None else engine


@contextmanager
def call_in(engine: Any, about: Mapping[str, Any], precision: Precision | None = None) -> Iterator[None]:
    """Simulations within are measured by `engine`, None: in this process, until they have the `precision`."""
    token = _CALL.set(Call(checked_engine(engine), about, precision))
    try:
        yield
    finally:
        _CALL.reset(token)
