"""Measured curves: trials at every point of some axes, their means and standard errors as a Dataset."""

__all__ = ["CELL_TRIALS", "MonteCarlo", "measured_curve", "sample_sizes"]

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.curves.cells.content import content
from rfgen.curves.cells.engines import the_call
from rfgen.curves.cells.precision import trials_drawn
from rfgen.curves.cells.run import INTERRUPTED, LOST, Arrays, Cell, checked_sizes, run_cells, whole
from rfgen.curves.dataset import dataset, means
from rfgen.curves.grid import Grid
from rfgen.problems import validation

# Trials of one stored cell.
CELL_TRIALS = 32


@dataclass(frozen=True)
class MonteCarlo:
    """What every simulation is asked: `trials` >= 1, a `seed` that keys can be made of, the `memory` to plan for,
    whether to show `progress`, and a `store` of finished cells.
    """

    trials: int
    seed: int
    memory: Any = None
    progress: bool | None = None
    store: Any = None

    def __post_init__(self) -> None:
        """ValueError for what is not."""
        object.__setattr__(self, "trials", validation.integer("trials", self.trials, 1))
        object.__setattr__(self, "seed", validation.integer("seed", self.seed, 0))
        if self.seed >= 2**63:
            raise ValueError(f"seed must be below 2^63, got {self.seed}")

    @property
    def available(self) -> int:
        """Bytes to plan for: `memory`, or half of that of the device that measures."""
        return the_call().engine.bytes() if self.memory is None else int(validation.positive("memory", self.memory, 0))

    def cell(
        self, run: Callable[[int, int, int], Mapping[str, Any]], key: tuple[Any, ...], size: float, where: str = "",
        at_once: int = CELL_TRIALS,
    ) -> Cell:
        """A point: `run(trials, seed, start)` gives arrays (trials, ...) of the trials from number `start` on; `key`: all
        that they depend on but these; `size`: bytes that a trial holds.
        """

        def measure(start: int, stop: int, advance: Callable[[int], Any]) -> Arrays:
            found = run(stop - start, self.seed, start)
            advance(stop - start)
            return {name: np.asarray(values, np.float64) for name, values in found.items()}

        return Cell(measure, (__version__, *key), at_once, int(size), where)

    def measured(self, cells: Sequence[Cell], knobs: str, **attributes: Any) -> tuple[list[Arrays], dict[str, Any]]:
        """The arrays of all cells, and the attributes of their curve; `knobs` lower what a trial holds."""
        found, ended = run_cells(cells, self.trials, self.available, knobs, self.store, self.progress)
        drawn = {"kind": "simulation", "trials": self.trials, "seed": self.seed, "dtype": "float64"}
        return found, {**drawn, **attributes, **ended}


def sample_sizes(n: Any, least: int = 1) -> np.ndarray:
    """`n` as a float array, () or (n,), of numbers >= `least`; a ValueError where it is missing."""
    sizes = checked_sizes(n)
    if sizes.min() < least:
        raise ValueError(f"n must be at least {least}, got {sizes.min():g}")
    return sizes


def measured_curve(
    task: Any, training: Any, axes: Mapping[str, np.ndarray], run: Callable[..., Mapping[str, Any]],
    size: Callable[..., float], runs: MonteCarlo, outer: tuple[str, ...] = ("n",), *, knobs: tuple[str, ...] = ("dim",),
    at_once: int = CELL_TRIALS, lost: str | None = None, last: tuple[str, ...] = (),
    settings: Sequence[tuple[dict[str, Any], tuple[Any, ...]]] = (({}, ()),),
    inner: Mapping[str, np.ndarray] | None = None, **attributes: Any,
) -> Any:
    """Means and standard errors over trials, NaN left out, of what `run` measures, over `axes`.

    `run(trials, seed, start, **at)` gives arrays (trials, ...) of the trials from number `start` on at one point of the
    `outer` axes, whole numbers or None of inf, with the other axes behind; `size(**at)`: bytes that a trial holds, which
    `knobs` lower too.  `settings`, of the `last` axes, have cells of their own: further arguments of both, and what these
    add to the key.  `inner`: the dimension of what is known by class or group.  `lost`: the variable whose NaN are fits
    that did not converge.
    """
    cells, grid, inner = [], Grid(axes), inner or {}
    places = [[None if np.isinf(size) else int(size) for size in np.ravel(whole(name, axes[name]))] for name in outer]
    for numbers in itertools.product(*places):
        at = dict(zip(outer, numbers, strict=True))
        where = ", ".join(f"{name}={value}" for name, value in at.items() if value is not None)
        key = (*content(task), *content(training), runs.seed, *numbers)
        for further, own in settings:
            measure = functools.partial(run, **at, **further)
            cells.append(runs.cell(measure, (*key, *own), size(**at, **further), where, at_once))
    collected, attributes = runs.measured(cells, " or ".join((*outer, *knobs)), **attributes)
    if lost and not {INTERRUPTED, LOST} & attributes.keys():
        fits = np.concatenate([np.ravel(cell[lost]) for cell in collected])
        if np.isnan(fits).any():
            attributes["failures"] = f"{np.isnan(fits).sum()} fits of {fits.size} did not converge: left out"
    variables = means(collected, grid, len(settings), *(axis.size for axis in inner.values()))
    found = dataset(axes, variables, task, attributes, inner or None)
    return found.assign_coords(trials=trials_drawn(collected, axes, (*outer, *last)))
