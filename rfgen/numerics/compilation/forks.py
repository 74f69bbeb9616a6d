"""Processes forked after JAX has started: they lack its threads, and would wait for them for ever."""

__all__ = ["refuse_fork"]

import os

from jax._src.xla_bridge import backends_are_initialized


class _Process:
    """Whether this one was forked after JAX had started."""

    forked = False


def _in_the_child() -> None:
    _Process.forked = _Process.forked or backends_are_initialized()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_the_child)


def refuse_fork() -> None:
    """RuntimeError, with the remedy, in a process forked after JAX had started."""
    if _Process.forked:
        raise RuntimeError(
            "this process was forked after JAX had started, whose threads it lacks, and would wait for ever: start "
            'processes by multiprocessing.get_context("spawn"), or fork before the first call of rfgen'
        )
