"""The strength of an augmentation that minimises the exact test risk.  Equations: theory (5.3) and (5.10)."""

__all__ = ["BestStrength", "optimal_augmentation"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.data_task import DataTask
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.theory.ridge.block_risk import AugmentedProblem, AugmentedRisk
from rfgen.theory.ridge.posed import Posed, augmented_points, pose, posed_point

# Range of each kind of strength that is not a share; those up to inf are searched over decades around the mean square of a
# coordinate.
RANGES = {
    "view_variance": (0.0, np.inf), "concentration": (0.0, np.inf), "rate": (0.0, 0.999), "amount": (0.0, 0.999),
    "degrees": (0.0, 180.0),
}
SHARE = (0.0, 1.0)
# Where rows are left out, views are told by what they keep of a row.
LEAST_KEPT = 1e-3
WHOLE = ("pixels",)
DECADES = (-6.0, 4.0)
# Strengths tried before the valley is refined; moments of real inputs are estimated anew for each.
GRID, DATA_GRID = 41, 13
# Of a strength's range, in the derivative of the law (a polynomial of low degree) by central differences.
STEP = 1e-5
# Relative accuracy to which sampled risks are refined.
SAMPLED_ACCURACY = 1e-2


@dataclass(frozen=True, eq=False)
class BestStrength:
    """`strength` () and the `risk` there; `edge`: whether it lies at an end of the range searched."""

    strength: float
    risk: AugmentedRisk
    edge: bool


def optimal_augmentation(
    task: Task | DataTask, augmentation: AbstractAugmentation, form: str | None, test_views: int | None,
    points: list[tuple[float, float, float]], noise: Any, resampling: AbstractResampling | None = None,
) -> list[BestStrength]:
    """At each of `points` (n, features, ridge): the first strength of `augmentation` minimising the test risk.

    `augmentation` at single views and strengths, the first of which plays no part.  A grid finds the valley.  On a `Task`
    the minimum is the root of the derivative through the engine (`jax.jvp` along the law's derivative in the strength);
    where patterns are sampled, or moments estimated, it is found by golden sections instead.  Several outputs: their sum.
    `resampling`: of one model that draws its own rows.
    """
    name = dimension(augmentation)
    low, high = RANGES.get(name, SHARE)
    scale = 1.0
    if np.isinf(high):
        if name == "view_variance":
            scale = _mean_square(task)
        grid = scale * np.append(0.0, np.logspace(*DECADES, GRID if isinstance(task, Task) else DATA_GRID))
        grid = grid if name == "view_variance" else grid[1:]
    else:
        grid = np.linspace(low, high, GRID if isinstance(task, Task) else DATA_GRID)
        if grid[0] == 0.0 and name == "keep" and isinstance(task, Task) and np.isfinite(task.held_out_of):
            grid[0] = LEAST_KEPT
    n, features, ridge = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    columns = n, features, ridge

    def posed(strength: float) -> Posed:
        return pose(task, augmentation.at(**{name: strength}), form, test_views, columns, resampling)

    tests = []
    for strength in grid:
        there = posed(float(strength))
        found = augmented_points(there.problem, *columns, noise, keep_outputs=False)
        tests.append(np.asarray(found.test))
    smooth = there.replicate is None and there.moments_error is None
    return [
        _refined(grid, np.array([test[i] for test in tests]), point, len(points), posed, noise, smooth)
        for i, point in enumerate(points)
    ]


def dimension(augmentation: AbstractAugmentation) -> str:
    """The name of the strength that is varied."""
    names = [name for name in augmentation.axes if name != "views"]
    if not names or names[0] in WHOLE:
        raise ValueError(
            "augmentation must have a continuous strength to optimise, such as the keep of rg.Mask, got "
            f"{type(augmentation).__name__}"
        )
    return names[0]


def _refined(
    grid: np.ndarray, tests: np.ndarray, point: tuple[float, float, float], count: int, posed: Callable[[float], Posed],
    noise: Any, smooth: bool,
) -> BestStrength:
    from scipy.optimize import brentq, minimize_scalar

    best = int(np.argmin(np.where(np.isnan(tests), np.inf, tests)))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    strength = float(grid[best])

    def risk(at: float) -> AugmentedRisk:
        # as many points as on the grid: no other program
        there = augmented_points(posed(at).problem, *(np.full(count, one) for one in point), noise, keep_outputs=False)
        return jax.tree.map(lambda leaf: leaf[0], there)

    def slope(at: float) -> float:
        step = STEP * (high - low)
        # clear of the ends, where patterns without probability are left out and the problem has another shape
        inside = min(max(at, low + 2.0 * step), high - 2.0 * step)
        ahead, behind = posed(inside + step).problem, posed(inside - step).problem
        tangent = jax.tree.map(lambda a, b: (a - b) / (2.0 * step), ahead, behind)
        return float(_slope(posed(inside).problem, tangent, *point, noise))

    if smooth and slope(low) < 0.0 < slope(high):
        root = _number(brentq(slope, low, high, xtol=1e-12 * high))
        strength = root if float(risk(root).test) <= tests[best] else strength
    elif not smooth:
        accuracy = SAMPLED_ACCURACY * (high - low)
        options = {"xatol": accuracy}
        found = minimize_scalar(lambda at: float(risk(at).test), bounds=(low, high), method="bounded", options=options)
        root = _number(getattr(found, "x"))  # noqa: B009 (its stub is an object)
        strength = root if float(risk(root).test) < tests[best] else strength
    return BestStrength(strength, risk(strength), strength in (float(grid[0]), float(grid[-1])))


def _number(value: Any) -> float:
    return float(value)


@program
def _slope(problem: AugmentedProblem, tangent: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any) -> Any:
    test = partial(_test, n=n, features=features, ridge=ridge, noise=noise)
    return jax.jvp(test, (problem,), (tangent,))[1]


def _test(problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any) -> Any:
    return posed_point(problem, n, features, ridge, noise).test


def _mean_square(task: Task | DataTask) -> float:
    """Mean second moment of a coordinate that an augmentation changes."""
    if isinstance(task, DataTask):
        return float(np.mean(task.inputs**2))
    return task.spectrum.trace / min(task.spectrum.rank, 1e6)
