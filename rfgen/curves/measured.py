"""The measured curve of a system: trials at every point of some axes, their means and standard errors as a Dataset."""

__all__ = ["measured_curve", "sample_sizes"]

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.curves.cells.content import content
from rfgen.curves.cells.precision import trials_drawn
from rfgen.curves.cells.run import Cell, checked_seed, checked_sizes, planned_for, run_cells, whole
from rfgen.curves.dataset import dataset, means
from rfgen.curves.grid import Grid
from rfgen.problems import validation

# Trials of one stored cell.
CELL_TRIALS = 32


def sample_sizes(n: Any, least: int = 1) -> np.ndarray:
    """`n` as a float array, () or (n,), of numbers >= `least`; a ValueError where it is missing."""
    sizes = checked_sizes(n)
    if sizes.min() < least:
        raise ValueError(f"n must be at least {least}, got {sizes.min():g}")
    return sizes


def measured_curve(
    task: Any, training: Any, axes: Mapping[str, np.ndarray], run: Callable[..., Mapping[str, Any]],
    size: Callable[..., float], call: tuple[Any, Any, Any, bool | None, Any], outer: tuple[str, ...] = ("n",), *,
    knobs: tuple[str, ...] = ("dim",), at_once: int = CELL_TRIALS, lost: str | None = None, **attributes: Any,
) -> Any:
    """Means and standard errors over trials, NaN left out, of what `run` measures, over `axes`.

    `run(trials, seed, start, **at)` gives arrays (trials, ...) of the trials from number `start` on at one point of the
    `outer` axes, whole numbers, with the other axes behind; `size(**at)`: bytes that a trial holds, which `knobs` lower
    too.  `call`: trials, seed, memory, progress and store of the verb.  `lost`: the variable whose NaN are fits that did
    not converge.
    """
    trials, seed, memory, progress, store = call
    trials, seed = validation.integer("trials", trials, 1), checked_seed(seed)
    cells, grid = [], Grid(axes)
    for numbers in itertools.product(*(np.ravel(whole(name, axes[name])).astype(int).tolist() for name in outer)):
        at = dict(zip(outer, numbers, strict=True))

        def measure(start: int, stop: int, advance: Any, at: dict[str, int] = at) -> dict[str, np.ndarray]:
            found = run(stop - start, seed, start, **at)
            advance(stop - start)
            return {name: np.asarray(values, np.float64) for name, values in found.items()}

        where = ", ".join(f"{name}={value}" for name, value in at.items())
        key = (__version__, *content(task), *content(training), seed, *numbers)
        cells.append(Cell(measure, key, at_once, int(size(**at)), where))
    collected, interrupted = run_cells(cells, trials, planned_for(memory), " or ".join((*outer, *knobs)), store, progress)
    attributes = {"kind": "simulation", "trials": trials, "seed": seed, "dtype": "float64", **attributes, **interrupted}
    if lost and not interrupted:
        fits = np.concatenate([np.ravel(cell[lost]) for cell in collected])
        if np.isnan(fits).any():
            attributes["failures"] = f"{np.isnan(fits).sum()} fits of {fits.size} did not converge: left out"
    found = dataset(axes, means(collected, grid), task, attributes)
    return found.assign_coords(trials=trials_drawn(collected, axes, outer))
