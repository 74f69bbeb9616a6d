"""How precise a simulation is to be, and how many trials each of its points takes for that."""

__all__ = ["Precision", "StandardError", "fewest_trials", "trials_drawn"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.curves.dataset import mean_and_error
from rfgen.problems.rules import number
from rfgen.problems.settings import Noun, setting

# First trials of every point, and the share of those lacking that are drawn before it is asked again: spreads of few trials
# are known to some 20 %, and what is drawn too much is not taken back.
FIRST, SHARE = 16, 0.7


class StandardError(Noun):
    """A standard error, relative to the mean, that a simulation is to reach.

    >>> StandardError(relative=0.01)
    StandardError(relative=0.01)
    """

    relative: float = setting(number("(0, inf)"))


@dataclass(frozen=True)
class Precision:
    """Trials are drawn until the standard error of `variable` is as asked at all settings of a point."""

    until: StandardError
    variable: str

    def lacking(self, mean: Any, error: Any, trials: int) -> int:
        """The trials that all settings need, by these of so many; settings without a finite mean ask for none.

        >>> Precision(StandardError(0.1), "test").lacking([1.0, np.inf], [0.2, np.nan], 16)
        64
        """
        mean, error = np.asarray(mean, float), np.asarray(error, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = error / (self.until.relative * np.abs(mean))
        known = np.isfinite(mean) & np.isfinite(error) & (error > 0.0) & np.isfinite(ratio)
        return math.ceil(trials * float(np.max(ratio, where=known, initial=0.0)) ** 2 - 1e-9)

    def wanted(self, arrays: Mapping[str, np.ndarray] | None, precision: Any, begun: int, most: int) -> tuple[int, int]:
        """Trials to go on to, an even number, and those expected in the end."""
        if begun == 0 or arrays is None:
            return min(FIRST, most), min(FIRST, most)
        mean, error = mean_and_error(arrays[self.variable]) if precision is None else precision(arrays)
        need = min(self.lacking(mean, error, begun), most)
        step = 2 * math.ceil(SHARE * (need - begun) / 2) if need > begun else 0
        return min(begun + step, most), max(need, begun)


def _counts(cells: Sequence[Mapping[str, np.ndarray]]) -> list[int]:
    """Trials of each cell, 0 of those that an interrupted run has not begun."""
    begun = [any(np.isfinite(values).any() for values in cell.values()) for cell in cells]
    return [there * max(values.shape[0] for values in cell.values()) for there, cell in zip(begun, cells, strict=True)]


def fewest_trials(cells: Sequence[Mapping[str, np.ndarray]]) -> int:
    """The coordinate `trials`, where cells are mixtures or stages: what every point has."""
    return min(_counts(cells))


def trials_drawn(cells: Sequence[Mapping[str, np.ndarray]], axes: Mapping[str, np.ndarray], outer: Sequence[str]) -> Any:
    """The coordinate `trials`: how many each point of the `outer` axes has, one number where they agree."""
    counts = _counts(cells)
    if len(set(counts)) == 1:
        return counts[0]
    dims = [name for name in outer if name in axes and axes[name].ndim]
    return dims, np.reshape(counts, (*(axes[name].size for name in dims), -1)).min(axis=-1)
