"""One loop for every simulation: cells planned, drawn from the store or measured, shown as they finish."""

__all__ = ["INTERRUPTED", "LOST", "Arrays", "Cell", "checked_sizes", "progress_bar", "run_cells", "whole"]

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.curves.cells.engines import Job, LostEngineError, the_call
from rfgen.curves.cells.kept_runs import tell
from rfgen.curves.cells.precision import Precision
from rfgen.curves.cells.source import source_digest
from rfgen.curves.cells.store import Store, content_key
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.memory import plan, planned
from rfgen.problems import validation

Arrays = dict[str, np.ndarray]
# What became of the cells of a run that was interrupted, and of pieces that an engine lost.
INTERRUPTED, LOST = "interrupted", "lost"
# What is kept of a trial: some eight numbers at the least.
TRIAL_BYTES = 64


@dataclass(frozen=True)
class Cell:
    """One point of a simulation.

    `measure(start, stop, advance)` gives arrays whose first dimension is trials, of the trials from `start` to `stop`, and
    calls `advance(count)` as they finish; `key`: all that the numbers depend on but these trials; `at_once`: trials that
    are kept in one piece; `bytes`: memory of what must be held together, `where` the cell lies, in words; `precision`:
    mean and standard error, of these arrays, of the variable that decides, where they are not plain ones.
    """

    measure: Callable[[int, int, Callable[[int], Any]], Arrays]
    key: tuple[Any, ...]
    at_once: int
    bytes: int = 0
    where: str = ""
    precision: Callable[[Arrays], tuple[Any, Any]] | None = None


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


def run_cells(
    cells: Sequence[Cell], trials: int, available: int, knobs: str, store: Any = None, progress: Any = None
) -> tuple[list[Arrays], dict[str, Any]]:
    """The arrays of every cell over all trials, or those that the call's precision takes, at most so many; attributes.

    Memory is planned before anything is drawn: MemoryError names the cell and the `knobs` that help.  `store`: a folder in
    which finished pieces are kept, and found by a later run; runs at the same time share the work through it, since each
    takes the pieces in an order of its own.  Of an interrupted run the finished trials come back, cells of none as NaN,
    with a warning and a sentence in the attribute "interrupted"; before any are finished KeyboardInterrupt goes on.
    Pieces that an engine reports as lost are in the attribute "lost".
    """
    if progress not in (None, True, False):
        raise ValueError(f"progress must be True, False or None, got {progress!r}")
    for cell in cells:
        plan(cell.bytes, 1, available, f"a trial{cell.where and ' at '}{cell.where}", knobs)
    planned(TRIAL_BYTES * trials * len(cells), f"{trials} trials of {len(cells)} points", "lower trials", available)
    kept = None if store is None else _Kept(Store(store), cells)
    found: list[dict[int, Arrays]] = [{} for _ in cells]
    lost: list[tuple[Job, Exception]] = []
    begun, rounds = [0] * len(cells), _Rounds(cells, trials, the_call().precision)
    try:
        with progress_bar(len(cells) * trials, "simulate", progress) as bar:
            while pieces := rounds.next(found, begun, bar):
                if kept:
                    random.Random().shuffle(pieces)  # noqa: S311  of no numbers, and of its own: the caller's stays
                    kept.announce(pieces)
                for piece, block in _blocks(cells, pieces, kept, bar.update):
                    if isinstance(block, Exception):
                        lost.append((piece, block))
                    else:
                        found[piece.cell][piece.start] = block
    except (KeyboardInterrupt, LostEngineError) as stop:
        done = f"{sum(map(len, found))} of {rounds.pieces} pieces"
        if kept and isinstance(stop, LostEngineError):
            raise LostEngineError(f"{stop}: {done} are in store={str(store)!r}, the same call goes on from there") from stop
        if not any(found):
            raise
        said = f"stopped after {done}: the trials finished are returned, NaN where there is none"
        warn_caller(f"{said}; {'the same call goes on from there' if kept else 'give store= to go on from there'}")
        return _completed(found), {INTERRUPTED: said}
    if not lost:
        return [_joined(blocks) for blocks in found], rounds.attributes(begun)
    if not any(found):
        raise lost[0][1]
    where = "; ".join(f"{_told(cells[piece.cell], piece)}: {type(why).__name__}: {why}" for piece, why in lost)
    said = f"{len(lost)} of {rounds.pieces} pieces were lost, and the rest are returned, NaN where there is none ({where})"
    warn_caller(said)
    return _completed(found), {LOST: said}


class _Rounds:
    """The pieces of all trials at once, or of those that a precision lacks, again and again."""

    def __init__(self, cells: Sequence[Cell], trials: int, precision: Precision | None) -> None:
        self.cells, self.trials, self.precision, self.pieces = cells, trials, precision, 0

    def next(self, found: list[dict[int, Arrays]], begun: list[int], bar: Any) -> list[Job]:
        """What is to be measured, its trials counted as begun; none at the end."""
        pieces, expected = [], 0
        for which, cell in enumerate(self.cells):
            wanted = final = self.trials
            if self.precision is not None:
                arrays = _joined(found[which]) if found[which] else None
                wanted, final = self.precision.wanted(arrays, cell.precision, begun[which], self.trials)
            starts = range(begun[which], wanted, cell.at_once)
            pieces += [Job(which, start, min(start + cell.at_once, wanted)) for start in starts]
            begun[which], expected = wanted, expected + final
        self.pieces += len(pieces)
        bar.total = expected
        bar.refresh()
        return pieces

    def attributes(self, begun: list[int]) -> dict[str, Any]:
        """What a precision came to."""
        return {} if self.precision is None else {"trials": max(begun), "until": repr(self.precision.until)}


class _Kept:
    """What a store has of a run."""

    def __init__(self, store: Store, cells: Sequence[Cell]) -> None:
        self.own = [content_key(source_digest(), *cell.key) for cell in cells]
        self.store, self.cells, self.keys = store, cells, {}

    def announce(self, pieces: Sequence[Job]) -> None:
        """Say which pieces there will be."""
        self.keys |= {piece: content_key(self.own[piece.cell], piece.start, piece.stop) for piece in pieces}
        rows = [(self.cells[piece.cell].where, piece.start, piece.stop, key) for piece, key in self.keys.items()]
        tell(self.store, content_key(*self.own)[:8], the_call().about, rows)

    def __getitem__(self, piece: Job) -> Arrays | None:
        return self.store.get(self.keys[piece])

    def __setitem__(self, piece: Job, block: Arrays) -> None:
        self.store.put(self.keys[piece], block)


def _blocks(
    cells: Sequence[Cell], pieces: Sequence[Job], kept: _Kept | None, advance: Callable[[int], Any]
) -> Iterator[tuple[Job, Arrays | Exception]]:
    """Each piece with its arrays: kept, or measured by the engine of the call."""
    there: list[tuple[Job, Arrays]] = []

    def missing() -> Iterator[Job]:
        for piece in pieces:
            block = kept and kept[piece]
            if block is None:
                yield piece
            else:
                advance(piece.stop - piece.start)
                there.append((piece, block))

    with closing(the_call().engine.measured([cell.measure for cell in cells], missing(), advance)) as measured:
        for piece, block in measured:
            while there:
                yield there.pop()
            if kept and not isinstance(block, Exception):
                kept[piece] = block
            yield piece, block
    yield from there


def _told(cell: Cell, piece: Job) -> str:
    return f"trials {piece.start} to {piece.stop}" + (f" at {cell.where}" if cell.where else "")


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
