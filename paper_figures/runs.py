"""Simulations of the figures: finished cells are kept while a figure is made, so that one that was killed continues."""

__all__ = ["keeping", "simulate"]

import contextlib
import shutil
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

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
