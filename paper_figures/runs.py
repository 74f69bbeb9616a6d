"""Simulations of the figures: finished cells are kept while a figure is made, so that one that was killed continues."""

__all__ = ["keeping", "simulate", "test_by_trial"]

import contextlib
import shutil
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

import rfgen as rg

STORE: ContextVar[Path | None] = ContextVar("store", default=None)


@contextlib.contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Keep cells in `folder`, and remove it when all within has come to its end."""
    token = STORE.set(folder)
    try:
        yield
    finally:
        STORE.reset(token)
    shutil.rmtree(folder, ignore_errors=True)


def simulate(*posed: Any, **options: Any) -> Any:
    """`rg.simulate`, with the store of the figure that is being made."""
    return rg.simulate(*posed, store=STORE.get(), **options)


def test_by_trial(*posed: Any, n: Any, trials: int, seed: int) -> np.ndarray:
    """The test risk of each trial (trials, ...): of two learners on the same draws only their difference is uncertain."""
    runs = (simulate(*posed, n=n, trials=1, seed=seed * trials + number) for number in range(trials))
    return np.array([run.test.values for run in runs])
