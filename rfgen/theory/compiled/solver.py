"""What an estimator's error is: cores, then levels of linear unknowns, then second moments: theory (14.4), (14.6) and (14.7)."""

__all__ = ["Solved", "solve"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.algebra.structure import Structure, Trace
from rfgen.theory.compiled.core import VANISHING, Unsolved, solve_core
from rfgen.theory.compiled.system import Numbers, System

# Beyond this spectral radius of second moments a point is a peak, or outside the domain.
PEAK = 1e-9


@dataclass(frozen=True)
class Solved:
    """Mean squares of the outputs in the metrics asked for; `radius`: the spectral radius of second moments, below 1 where
    they exist; `residual` of the cores, relative; `reason`: why a point is NaN, empty if it is not.
    """

    values: np.ndarray
    radius: float
    residual: float
    reason: str = ""


def solve(structure: Structure, numbers: Numbers, metrics: Sequence[tuple[str, tuple[str, ...]]], least: float) -> Solved:
    """Sums over modes of `metric * E[output^2]` for (output, names of the metric's diagonal matrices).

    `least`: the smallest number that stands for a ridge.

    Exact as all sizes grow together.  Derived: theory (14.4) to (14.7); existence and uniqueness for correlated
    linearisations: arXiv 2312.09194.
    """
    nothing = np.full(len(metrics), np.nan)
    scale = max((float(np.max(own)) for own in numbers.diagonals.values()), default=1.0)
    shift = None if least > 0.0 else VANISHING * scale
    try:
        unknowns, residual = _means(structure, numbers, least, shift)
    except Unsolved as error:
        return Solved(nothing, np.nan, np.inf, str(error))
    values, radius = _second_moments(structure, numbers, unknowns, metrics, shift)
    if radius > 1.0 + PEAK:
        return Solved(nothing, radius, residual, f"spectral radius {radius:.6g} of the second moments: outside the domain")
    if radius > 1.0 - PEAK:
        return Solved(np.where(np.isnan(values) | (np.abs(values) > 0.0), np.inf, values), 1.0, residual)
    return Solved(values, radius, residual, "" if np.isfinite(values).all() else "lost to overflow")


def _means(structure: Structure, numbers: Numbers, least: float, shift: float | None) -> tuple[dict[int, Any], float]:
    """All traces of the mean inverse by their numbers, and the residual of the cores."""
    unknowns: dict[int, Any] = {}
    residual = 0.0
    for core in structure.cores:
        found, here = solve_core(System(core.pencil, core.traces, core.places, numbers), least, shift or 0.0)
        residual = max(residual, here)
        for copy in core.copies:
            unknowns |= dict(zip(copy, found, strict=True))
    system = System(structure.pencil, structure.traces, structure.places, numbers)
    for level in structure.levels:
        inverse = system.inverse(unknowns, system.needed(level), shift)
        slopes, here = np.zeros((len(level), len(level))), np.array(system.traced(level, inverse))
        for place, slope in system.slopes(level, inverse).items():
            slopes[place] = slope
        unknowns |= dict(zip(level, _graded_solve(slopes, here), strict=True))
    return unknowns, residual


def _second_moments(
    structure: Structure, numbers: Numbers, unknowns: Mapping[int, Any], metrics: Sequence[tuple[str, tuple[str, ...]]],
    shift: float | None,
) -> tuple[np.ndarray, float]:
    """Outputs and the spectral radius: with the mean inverse G, K = G (moments of the sources + what X makes of K) G'."""
    pencil, places = structure.pencil, structure.second_places
    system = System(pencil, structure.seconds, places, numbers)
    outputs = [Trace(pencil.outputs[name], pencil.outputs[name], diagonals) for name, diagonals in metrics]
    wanted = [*structure.seconds, *outputs]
    columns = dict.fromkeys([*pencil.sources, *(row for own in places for row in (own.row, own.column))])
    rows = dict.fromkeys(row for trace in wanted for row in (trace.row, trace.column))
    means = System(pencil, structure.traces, structure.places, numbers)
    spaces = means.spaces
    needed = [(row, column) for row in rows for column in columns if spaces[row] == spaces[column]]
    inverse = means.inverse(unknowns, needed, shift)
    sources = [
        (one, two, numbers.moments[key])
        for one, a in pencil.sources.items() for two, b in pencil.sources.items()
        if (key := ((a.kind, a.of), (b.kind, b.of))) in numbers.moments
    ]
    slopes, given = np.zeros((len(wanted), len(structure.seconds))), np.zeros(len(wanted))
    for number, trace in enumerate(wanted):
        space = spaces[trace.row]
        diagonal, weighted = numbers.diagonal(space, trace.diagonals), system.weighted_diagonal(trace)
        for one, two, moments in sources:
            if (trace.row, one) in inverse and (trace.column, two) in inverse:
                given[number] += np.sum(diagonal * moments * inverse[trace.row, one] * inverse[trace.column, two])
        for own, value in system.places:
            if (trace.row, own.row) in inverse and (trace.column, own.column) in inverse:
                made = weighted * value * inverse[trace.row, own.row] * inverse[trace.column, own.column]
                slopes[number, own.unknown] += np.sum(made)
    count = len(structure.seconds)
    if not (np.isfinite(slopes).all() and np.isfinite(given).all()):
        return np.full(len(outputs), np.nan), 0.0
    seconds, radius = _graded_solve(slopes[:count], given[:count]), _radius(slopes[:count])
    with np.errstate(all="ignore"):
        return given[count:] + slopes[count:] @ seconds, radius


def _balanced(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg import matrix_balance

    with np.errstate(invalid="ignore"):  # inside scipy
        matrix, scales = matrix_balance(slopes, permute=False)
    return matrix, np.diagonal(scales)


def _radius(slopes: np.ndarray) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(_balanced(slopes)[0])), initial=0.0))


def _graded_solve(slopes: np.ndarray, given: np.ndarray) -> np.ndarray:
    """x = given + slopes x, whose unknowns may differ by many orders of magnitude."""
    if not len(given):
        return given
    matrix, scales = _balanced(slopes)
    try:
        return scales * np.linalg.solve(np.eye(len(given)) - matrix, given / scales)
    except np.linalg.LinAlgError:
        return np.full(len(given), np.inf)
