"""One loop for every simulation: cells planned, drawn from the store or measured, shown as they finish."""

__all__ = ["Cell", "checked_seed", "checked_sizes", "planned_for", "progress_bar", "run_cells", "whole"]

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.memory import budget, plan
from rfgen.curves.cells.store import Store, content_key
from rfgen.numerics.caller import warn_caller
from rfgen.problems import validation

Arrays = dict[str, np.ndarray]
# Of an interrupted run without a store: what becomes of the cells.
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Cell:
    """One point of a simulation.

    `measure(start, stop, advance)` gives arrays whose first dimension is trials, of the trials from `start` to `stop`, and
    calls `advance(count)` as they finish; `key`: all that the numbers depend on but these trials; `at_once`: trials that
    are kept in one piece; `bytes`: memory of what must be held together, `where` the cell lies, in words.
    """

    measure: Callable[[int, int, Callable[[int], Any]], Arrays]
    key: tuple[Any, ...]
    at_once: int
    bytes: int = 0
    where: str = ""


def checked_sizes(n: Any) -> np.ndarray:
    """Numbers of training samples > 0, which must be there."""
    if n is None:
        raise ValueError("n, the number of training samples, is missing")
    return validation.positive("n", n)


def whole(name: str, values: np.ndarray) -> np.ndarray:
    """Numbers of things that are drawn: whole, or inf."""
    finite = values[np.isfinite(values)]
    if (finite != np.round(finite)).any():
        raise ValueError(f"{name} must be whole numbers for a simulation, got {values.tolist()}")
    return values


def checked_seed(seed: Any) -> int:
    """A seed that keys can be made of."""
    seed = validation.integer("seed", seed, 0)
    if seed >= 2**63:
        raise ValueError(f"seed must be below 2^63, got {seed}")
    return seed


def planned_for(memory: Any) -> int:
    """Bytes that a simulation may plan for: `memory`, or half of the device's."""
    if memory is not None:
        return int(validation.positive("memory", memory, 0))
    statistics = jax.devices()[0].memory_stats()
    return budget(statistics.get("bytes_limit") if statistics else None)


def run_cells(
    cells: Sequence[Cell], trials: int, available: int, knobs: str, store: Any = None, progress: Any = None
) -> tuple[list[Arrays], dict[str, str]]:
    """The arrays of every cell over all trials, and attributes.

    Memory is planned before anything is drawn: MemoryError names the cell and the `knobs` that help.  `store`: a folder in
    which finished pieces are kept, and found by a later run; runs at the same time share the work through it, since each
    takes the pieces in an order of its own.  Interrupted with a store, a run leaves there what is finished and
    KeyboardInterrupt goes on; without, the finished trials come back, cells of none as NaN, with a warning and
    a sentence in the attribute "interrupted".
    """
    if progress not in (None, True, False):
        raise ValueError(f"progress must be True, False or None, got {progress!r}")
    for cell in cells:
        plan(cell.bytes, 1, available, f"a trial{cell.where and ' at '}{cell.where}", knobs)
    folder = None if store is None else Store(store)
    pieces = [(which, start) for which, cell in enumerate(cells) for start in range(0, trials, cell.at_once)]
    if folder:
        random.Random().shuffle(pieces)  # noqa: S311  of no numbers, and of its own: the caller's stays as it was
    found: list[dict[int, Arrays]] = [{} for _ in cells]
    try:
        with progress_bar(len(cells) * trials, "simulate", progress) as bar:
            for which, start in pieces:
                stop = min(start + cells[which].at_once, trials)
                found[which][start] = _block(cells[which], start, stop, folder, bar.update)
    except KeyboardInterrupt:
        if folder or not any(found):
            raise
        done = sum(map(len, found)), len(pieces)
        said = f"stopped after {done[0]} of {done[1]} pieces: the trials finished are returned, NaN where there is none"
        warn_caller(f"{said}; give store= to go on from there")
        return _completed(found), {INTERRUPTED: said}
    return [_joined(blocks) for blocks in found], {}


def _block(cell: Cell, start: int, stop: int, folder: Store | None, advance: Callable[[int], Any]) -> Arrays:
    """The arrays of these trials, from the store or measured."""
    if folder is None:
        return cell.measure(start, stop, advance)
    key = content_key(*cell.key, start, stop)
    block = folder.get(key)
    if block is None:
        block = cell.measure(start, stop, advance)
        folder.put(key, block)
    else:
        advance(stop - start)
    return block


def _joined(blocks: dict[int, Arrays]) -> Arrays:
    """Pieces in the order of their trials."""
    ordered = [blocks[start] for start in sorted(blocks)]
    return {name: np.concatenate([block[name] for block in ordered]) for name in ordered[0]}


def _completed(found: list[dict[int, Arrays]]) -> list[Arrays]:
    """Cells of an interrupted run, those of no trial as trials that are NaN."""
    known = next(iter(next(filter(None, found)).values()))
    nothing = {name: np.full(values.shape, np.nan) for name, values in known.items()}
    return [_joined(blocks) if blocks else nothing for blocks in found]


def progress_bar(total: int, label: str, show: bool | None = None, delay: float = 0.0) -> Any:
    """A tqdm bar over `total` steps, after `delay` seconds; `show=None` shows it in a terminal or notebook only."""
    from tqdm.auto import tqdm

    if show is None:
        show = sys.stderr.isatty() or "ipykernel" in sys.modules
    return tqdm(total=total, desc=label, disable=not show, leave=False, delay=delay)
