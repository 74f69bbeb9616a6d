"""Compiled programs hold memory maps, of which Linux grants a process 65,530; beyond, XLA aborts the process."""

__all__ = ["Programs", "spare_maps", "sparing_maps"]

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import jax
import jax.monitoring

from rfgen.numerics.compilation.forks import refuse_fork
from rfgen.numerics.compilation.tracing import under_trace

F = TypeVar("F", bound=Callable[..., Any])
MAPS, GRANTED = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
COMPILED = "/jax/core/compile/backend_compile_duration"
# Programs between two looks: the largest hold 800 maps.  A look takes some 15 ms when maps are many.
EVERY = 16


class Programs:
    """How many the process compiled, or loaded, since the last look, the caller's own too; and those loaded whole."""

    unseen = 0
    whole: ClassVar[dict[Any, Any]] = {}


def _count(event: str, duration_secs: float, **_: str | int) -> None:  # noqa: ARG001  as jax names them
    if event == COMPILED:
        Programs.unseen += 1


jax.monitoring.register_event_duration_secs_listener(_count)


def spare_maps() -> None:
    """Drop all compiled programs of the process, the caller's too, when half of its maps are taken: they compile again.

    Looks after each 16th program, outside any trace, and does nothing where there is no /proc.  Refuses forked processes.
    """
    refuse_fork()
    if Programs.unseen < EVERY or under_trace():
        return
    Programs.unseen = 0
    if MAPS.exists() and GRANTED.exists() and 2 * MAPS.read_bytes().count(b"\n") > int(GRANTED.read_text()):
        jax.clear_caches()
        Programs.whole.clear()


def sparing_maps(function: F) -> F:
    """`spare_maps` before each call of `function`, one that compiles and that callers call in loops.

    >>> sparing_maps(lambda x: 2 * x)(3)
    6
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        spare_maps()
        return function(*args, **kwargs)

    return cast("F", call)
