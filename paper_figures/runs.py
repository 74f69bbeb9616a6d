"""Simulations of the figures: finished cells are kept while a figure is made, so that one that was killed continues."""

__all__ = ["check", "group_risks", "keeping", "simulate"]

import contextlib
import shutil
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

import rfgen as rg

# Of the figure that is being made: its store, and the engine of its simulations.
WITH: ContextVar[dict[str, Any]] = ContextVar("with")
# Enough for a standard error; each is a call.
GROUPS = 50


@contextlib.contextmanager
def keeping(folder: Path, engine: Any = None) -> Iterator[None]:
    """Keep cells in `folder`, and remove it when all within has come to its end."""
    token = WITH.set({"store": folder, "engine": engine})
    try:
        yield
    finally:
        WITH.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


def simulate(*posed: Any, **options: Any) -> Any:
    """`rg.simulate`, with the store and the engine of the figure that is being made."""
    runs = rg.simulate(*posed, **WITH.get({}), **options)
    if "interrupted" in runs.attrs:  # what is finished is kept, and no picture of it is drawn
        raise KeyboardInterrupt(runs.attrs["interrupted"])
    return runs


def check(*posed: Any, **options: Any) -> Any:
    """`rg.check`, with the same."""
    return rg.check(*posed, **WITH.get({}), **options)


def group_risks(*posed: Any, n: Any, trials: int, seed: int) -> np.ndarray:
    """Mean test risks of groups of trials (groups, ...): of learners on the same draws only the difference is uncertain."""
    size = max(trials // GROUPS, 1)
    groups = trials // size
    runs = (simulate(*posed, n=n, trials=size, seed=seed * groups + number) for number in range(groups))
    return np.array([run.test.values for run in runs])
