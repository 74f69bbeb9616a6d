"""What an estimator's error is, at one point: cores, then levels of linear unknowns, then second moments: theory (14.6) and
(14.7).
"""

__all__ = [
    "Solved", "finite_below", "graded_solution", "linear_solution", "mean_squares", "nothing", "solve", "solve_cores",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.algebra.structure import Structure
from rfgen.theory.compiled.core import VANISHING, UnsolvedError, solve_core
from rfgen.theory.compiled.lines import line_values
from rfgen.theory.compiled.moments import Linear, Metrics, means, moment_equations
from rfgen.theory.compiled.system import Numbers, System

# This near to 1 the spectral radius of second moments is that of a peak; above, there is no finite variance.
PEAK = 1e-9
# Mean squares below 0 by less than this share of the largest are 0.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Solved:
    """Mean products of the outputs in the metrics asked for; `parts` (3, metrics): of their means, from what is drawn, and
    from the noise of tasks; `line`: outputs that are numbers, by name; `radius`: the spectral radius of second moments,
    below 1 where they exist; `residual` of the cores, relative; `reason`: why a point is NaN, empty if it is not; `cores`:
    the traces of each core, a start for points nearby.
    """

    values: np.ndarray
    parts: np.ndarray
    line: Mapping[str, float]
    radius: float
    residual: float
    reason: str = ""
    cores: tuple[np.ndarray, ...] = ()


def solve(
    structure: Structure, numbers: Numbers, metrics: Metrics, least: float, near: Sequence[np.ndarray] = ()
) -> Solved:
    """Sums over modes of `metric * E[output output']` for each of the `metrics`, in NumPy.

    `least`: the smallest number that stands for a ridge; `near`: `cores` of a point nearby.

    Exact as all sizes grow together.  Derived: theory (14.4) to (14.7); existence and uniqueness for correlated
    linearisations: arXiv 2312.09194.
    """
    try:
        cores, residual, shift = solve_cores(structure, numbers, least, near)
    except UnsolvedError as error:
        return nothing(len(metrics), np.nan, np.inf, str(error))
    unknowns = means(structure, numbers, cores, shift, linear_solution)
    line = line_values(structure, numbers, unknowns, shift, linear_solution)
    equations = moment_equations(structure, numbers, unknowns, metrics, shift, line)
    outputs = {name: float(line[row]) for name, row in structure.pencil.outputs.items() if row in line}
    bound = np.inf if shift is None else finite_below(numbers)
    return mean_squares(*_dense(equations, len(structure.seconds)), residual, cores, outputs, bound)


def finite_below(numbers: Numbers) -> float:
    """What no mean square exceeds in the limit of a ridge of 0, if that is finite: others grow as 1/shift or 1/shift^2."""
    return VANISHING**-0.5 * sum(float(np.abs(own.sum())) for own in numbers.moments.values())


def nothing(count: int, radius: float, residual: float, reason: str) -> Solved:
    """A point without values, with its reason."""
    return Solved(np.full(count, np.nan), np.full((3, count), np.nan), {}, radius, residual, reason)


def solve_cores(
    structure: Structure, numbers: Numbers, least: float, near: Sequence[np.ndarray] = ()
) -> tuple[tuple[np.ndarray, ...], float, float | None]:
    """The traces of each core, the largest residual, and the shift that stands for a ridge of 0, if there is one."""
    scale = max((float(np.max(np.asarray(own))) for own in numbers.diagonals.values()), default=1.0)
    shift = None if least > 0.0 else VANISHING * scale
    found = [
        solve_core(System(core.pencil, core.traces, core.places, numbers), least, shift or 0.0, start)
        for core, start in zip(structure.cores, near or [None] * len(structure.cores), strict=True)
    ]
    return tuple(traces for traces, _ in found), max((own for _, own in found), default=0.0), shift


def mean_squares(
    given: np.ndarray, slopes: np.ndarray, residual: float, cores: tuple[np.ndarray, ...] = (),
    line: Mapping[str, float] | None = None, bound: float = np.inf,
) -> Solved:
    """From the equations of second moments, with those of the outputs behind them; `given` has the columns of
    `moment_equations`; above `bound` they are infinite.
    """
    count = slopes.shape[1]
    asked, outputs = len(given) - count, {} if line is None else line
    if not (np.isfinite(slopes).all() and np.isfinite(given).all()):
        return nothing(asked, np.nan, residual, "lost to overflow")
    balanced = _balanced(slopes[:count])
    radius = float(np.max(np.abs(np.linalg.eigvals(balanced[0])), initial=0.0))
    if radius > 1.0 + PEAK:
        return nothing(asked, radius, residual, f"spectral radius {radius:.6g} of the second moments: no finite variance")
    spread = (slopes[count:] @ _graded_solve(given[:count], *balanced)).T
    direct, mean, noise = given[count:].T
    values, noisy = direct + spread[0], noise + spread[2]
    if radius > 1.0 - PEAK:
        infinite = np.where(values == 0.0, 0.0, np.inf)
        return Solved(infinite, np.array([mean, infinite, infinite]), outputs, 1.0, residual, "", cores)
    if (values < -ROUNDING * np.max(np.abs(given), initial=0.0)).any():
        return nothing(asked, radius, residual, "a mean square below 0: outside the domain")
    parts = np.array([mean, spread[0] - spread[2] + (direct - mean - noise), noisy])
    values, parts = (np.where(own > bound, np.inf, np.maximum(own, 0.0)) for own in (values, parts))
    return Solved(values, parts, outputs, radius, residual, "", cores)


def _dense(equations: Linear, columns: int) -> tuple[np.ndarray, np.ndarray]:
    given, slopes = equations
    matrix = np.zeros((len(given), columns))
    for place, slope in slopes.items():
        matrix[place] = slope
    return np.array(given, float).reshape(len(given), -1), matrix


def linear_solution(equations: Linear) -> np.ndarray:
    """x = given + slopes x."""
    return np.ravel(graded_solution(*_dense(equations, len(equations[0]))))


def graded_solution(given: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """The same from arrays (rows, columns) and (rows, rows)."""
    return _graded_solve(given, *_balanced(slopes))


def _balanced(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matrix whose rows and columns are of one size, and the scales of the unknowns in it."""
    from scipy.linalg import get_lapack_funcs

    if not slopes.size or not np.isfinite(slopes).all():
        return slopes, np.ones(len(slopes))
    gebal: Any = get_lapack_funcs("gebal", (slopes,))
    matrix, _, _, scales, _ = gebal(slopes, scale=1, permute=0)
    return matrix, scales


def _graded_solve(given: np.ndarray, matrix: np.ndarray, scales: np.ndarray) -> Any:
    """x = given + slopes x, whose unknowns may differ by many orders of magnitude, for balanced slopes."""
    if not len(given):
        return given
    try:
        return scales[:, None] * np.linalg.solve(np.eye(len(given)) - matrix, given / scales[:, None])
    except np.linalg.LinAlgError:
        return np.full(given.shape, np.inf)
