"""When to stop training: the clock at which the exact test risk is least.  Equations: theory (6.6) and (6.12)."""

__all__ = ["Stopping", "optimal_stopping"]

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rfgen.theory.dynamics.trajectory import Trajectory

# Points of each decade of the search; decades at most; distance from the end of training, relative, that ends it.
DECADE_POINTS, MOST_DECADES, ENDED = 12, 16, 1e-10
# The bracket of the best point is divided this finely, so many times: the clock to 1e-6, the risk to rounding.
REFINED_POINTS, REFINEMENTS = 24, 5
# So many steps are tried one by one: they share one contour.
MOST_STEPS = 1000


@dataclass(frozen=True)
class Stopping:
    """`clock`: the best, inf where training to the end is best; `at`: the curve there, fields (1,); `end`: the curve at the
    end of training, fields (1,).  `found` False, and everything at `clock` NaN: there are clocks without an exact risk, and
    the least may lie among them.
    """

    clock: float
    at: Trajectory
    end: Trajectory
    found: bool = True


def optimal_stopping(curve: Callable[[np.ndarray], Trajectory], start: float, whole: bool) -> Stopping:
    """The least test risk of `curve`, a function of clocks (times,), from `start` on, at 0 and at the end.

    The whole range is searched on a logarithmic grid, so that of several minima the least is found; `whole`: steps.

    Source: derived; for isotropic inputs the question is that of arXiv 1710.03667.

    >>> import jax
    >>> from rfgen import Task
    >>> from rfgen.theory.ridge.block_risk import augmented_modes
    >>> from rfgen.theory.dynamics.spectral_filters import Filter
    >>> from rfgen.theory.dynamics.trajectory import trajectory
    >>> with jax.enable_x64(True):
    ...     problem, *_ = augmented_modes(Task.isotropic(400), None)
    ...     flow = lambda clock: trajectory(problem, 400, float("inf"), Filter("flow", 0.0), clock, noise=0.5)
    ...     best = optimal_stopping(flow, start=1e-5, whole=False)
    >>> round(best.clock, 3), round(float(best.at.test[0]), 4), float(best.end.test[0])
    (1.269, 1.0094, inf)
    """
    ends = curve(np.array([0.0, np.inf]))
    if not ends.stable.all():  # nothing converges: the best there is can be seen only in `curve`
        return Stopping(np.nan, _nowhere(ends), _only(ends, 1), found=False)
    tried, risks = [np.zeros(1)], [ends.test[:1]]
    last = float(ends.test[1])
    for decade in range(MOST_DECADES):
        clock = start * 10.0 ** (decade + np.arange(1, DECADE_POINTS + 1) / DECADE_POINTS)
        clock = np.unique(np.round(clock)) if whole else clock
        if whole and decade == 0:
            clock = np.unique(np.append(clock, 1.0))
        found = _risk(curve(clock))
        tried.append(clock)
        risks.append(found)
        least = min(float(np.nanmin(each)) for each in risks if not np.isnan(each).all())
        lost = np.isnan(found[-1]) and last <= ENDED * risks[0][0]  # what is left is rounding
        if lost or found[-1] > 1e3 * least or (np.isfinite(last) and abs(found[-1] - last) <= ENDED * abs(last)):
            break
    clocks, values = np.concatenate(tried), np.concatenate(risks)
    best = int(np.nanargmin(values))
    if last <= ENDED * values[0]:  # nothing is less by more than that
        return Stopping(np.inf, _only(ends, 1), _only(ends, 1))
    if _hidden(values, best, last):
        return Stopping(np.nan, _nowhere(ends), _only(ends, 1), found=False)
    if values[0] * (1.0 - ENDED) <= min(values[best], last):
        return Stopping(0.0, _only(ends, 0), _only(ends, 1))
    if last <= values[best] + ENDED * values[0]:
        return Stopping(np.inf, _only(ends, 1), _only(ends, 1))
    low, high = clocks[max(best - 1, 1)], clocks[min(best + 1, clocks.size - 1)]
    clock, found, number = clocks[best : best + 1], ends, 0
    for _ in range(REFINEMENTS):
        every = whole and high - low <= MOST_STEPS
        clock = np.arange(low, high + 1.0) if every else np.linspace(low, high, REFINED_POINTS + 1)
        clock = np.unique(np.round(clock)) if whole else clock
        found = curve(clock)
        number = int(np.nanargmin(_risk(found)))
        low, high = clock[max(number - 1, 0)], clock[min(number + 1, clock.size - 1)]
        if every:
            break
    return Stopping(float(clock[number]), _only(found, number), _only(ends, 1))


def _risk(curve: Trajectory) -> np.ndarray:
    return np.where(curve.converged, curve.test, np.nan)


def _hidden(values: np.ndarray, best: int, last: float) -> bool:
    """Whether the least may lie among the unsolved: next to the best, or where the risk at a gap's side is as small."""
    known = np.append(values, last)
    for gap in np.flatnonzero(np.isnan(values)):
        before = known[:gap][~np.isnan(known[:gap])][-1]
        after = known[gap:][~np.isnan(known[gap:])][:1]
        if min(before, *after) <= values[best] * (1.0 + 1e-3):
            return True
    return False


def _nowhere(curve: Trajectory) -> Trajectory:
    """Fields (1,), all unknown."""
    unknown = {name: np.full(1, np.nan if values.dtype == float else False) for name, values in vars(curve).items()}
    return Trajectory(**unknown)


def _only(curve: Trajectory, number: int) -> Trajectory:
    return Trajectory(**{name: values[number : number + 1] for name, values in vars(curve).items()})
