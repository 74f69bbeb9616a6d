"""The same at several points, side by side in arrays of NumPy: one walk down the shift for all, each at its own pace.

A step of the loop is one step of Newton's method at every point.  What does not arrive is left to `solve`.
"""

__all__ = ["solve_together"]

from collections.abc import Sequence

import jax
import numpy as np

from rfgen.algebra.structure import Core, Structure
from rfgen.theory.compiled.batch import Batch, equations_of, flat
from rfgen.theory.compiled.core import BRANCH, CLOSE, LARGEST_STEP, VANISHING, UnsolvedError, start_core
from rfgen.theory.compiled.lines import line_values
from rfgen.theory.compiled.moments import Linear, Metrics, means, moment_equations
from rfgen.theory.compiled.solver import Solved, finite_below, graded_solution, mean_squares, solve
from rfgen.theory.compiled.system import Numbers, System

# Steps of Newton's method in all, and at one shift; a step this small is good enough to go on to the next shift.
LONGEST, PATIENCE, NEARLY = 150, 8, 1e-2
FACTOR, SMALLEST_FACTOR = 0.1, 1e-4
# Points side by side: longer arrays leave the processor's cache.
BLOCK = 128


def solve_together(structure: Structure, numbers: Sequence[Numbers], metrics: Metrics, least: np.ndarray) -> list[Solved]:
    """`solve` at each of several points of numbers that commute; `least` (points,): the smallest ridges."""
    found: list[Solved] = []
    for first in range(0, len(numbers), BLOCK):
        part = slice(first, first + BLOCK)
        found += _block(structure, numbers[part], metrics, least[part])
    return found


def _block(structure: Structure, numbers: Sequence[Numbers], metrics: Metrics, least: np.ndarray) -> list[Solved]:
    points, here = len(numbers), _stacked(numbers)
    scale = [max((float(np.max(own)) for own in one.diagonals.values()), default=1.0) for one in numbers]
    ends = np.where(least > 0.0, 0.0, VANISHING * np.array(scale))
    traces: list[list[Batch]] = []
    residual, arrived = np.zeros(points), np.ones(points, bool)
    with np.errstate(all="ignore"):
        for core in structure.cores:
            own, left = _walked(core, numbers[0], here, least, ends)
            traces.append([Batch(column[:, None]) for column in own.T])
            residual, arrived = np.maximum(residual, left), arrived & np.isfinite(left)
        if not arrived.any():
            return [solve(structure, one, metrics, float(low)) for one, low in zip(numbers, least, strict=True)]
        shift = Batch(ends[:, None]) if ends.any() else None

        def solved(equations: Linear) -> list[Batch]:
            given, slopes = equations_of(points, [[own] for own in equations[0]], equations[1])
            rows = [graded_solution(*own) if ok else own[0] for *own, ok in zip(given, slopes, arrived, strict=True)]
            return [Batch(column) for column in np.array(rows).transpose(1, 0, 2)]

        unknowns = means(structure, here, traces, shift, solved)
        line = line_values(structure, here, unknowns, shift, solved)
        equations = moment_equations(structure, here, unknowns, metrics, shift, line)
        given, slopes = equations_of(points, *equations, len(structure.seconds))
    rows = {name: row for name, row in structure.pencil.outputs.items() if row in line}
    outputs = {name: np.broadcast_to(flat(line[row]), points) for name, row in rows.items()}
    found = []
    for point in range(points):
        if arrived[point]:
            own = {name: float(values[point]) for name, values in outputs.items()}
            bound = finite_below(numbers[point]) if ends[point] else np.inf
            found.append(mean_squares(given[point], slopes[point], float(residual[point]), (), own, bound))
        else:
            found.append(solve(structure, numbers[point], metrics, float(least[point])))
    return found


def _stacked(numbers: Sequence[Numbers]) -> Numbers:
    """Numbers that are one at all points, and those that are not side by side."""
    leaves = [jax.tree.leaves(own) for own in numbers]
    made = []
    for column in zip(*leaves, strict=True):
        same = all(own is column[0] for own in column)
        made.append(column[0] if same else Batch(np.array(column, float).reshape(len(column), -1)))
    return jax.tree.unflatten(jax.tree.structure(numbers[0]), made)


def _walked(
    core: Core, first: Numbers, here: Numbers, least: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Traces (points, traces) of a core at the shifts `ends`, and residuals, NaN where the walk does not arrive."""
    points, system = len(ends), System(core.pencil, core.traces, core.places, here)
    try:
        start, signs, logs = start_core(System(core.pencil, core.traces, core.places, first))
    except UnsolvedError:
        return np.full((points, len(core.traces)), np.nan), np.full(points, np.nan)
    every, identity = range(len(signs)), np.eye(len(signs))
    needed = system.needed(every)
    shift, before_shift, factor = np.full(points, start), np.full(points, np.nan), np.full(points, FACTOR)
    logs, before = np.tile(logs, (points, 1)), np.full((points, len(signs)), np.nan)
    tries, done, lost = np.zeros(points, int), np.zeros(points, bool), np.zeros(points, bool)
    residual = np.full(points, np.nan)
    for _ in range(LONGEST):
        unknowns = signs * np.exp(logs)
        inverse = system.inverse(
            {number: Batch(column[:, None]) for number, column in enumerate(unknowns.T)}, needed, Batch(shift[:, None])
        )
        rows, slopes = equations_of(points, [[own] for own in system.traced(every, inverse)], system.slopes(every, inverse))
        ratio = rows[..., 0] / unknowns
        left, matrix = np.log(ratio), slopes * unknowns[:, None] / rows
        good: np.ndarray = np.all(np.isfinite(matrix), axis=(1, 2)) & np.all(ratio > 0.0, axis=1)
        matrix = np.where(good[:, None, None], matrix, 0.0)
        try:
            step = np.linalg.solve(identity - matrix, np.where(good[:, None], left, 0.0)[..., None])[..., 0]
        except np.linalg.LinAlgError:
            break
        size = np.max(np.abs(step), axis=1)
        good &= np.isfinite(size)
        lost |= ~good
        active = good & ~done & ~lost
        moved = step * np.minimum(1.0, LARGEST_STEP / np.maximum(size, 1e-300))[:, None]
        logs = np.where(active[:, None], logs + moved, logs)
        tries += active
        finished = active & (shift == ends) & (size < CLOSE)
        if finished.any():
            radius = np.max(np.abs(np.linalg.eigvals(matrix[finished])), axis=1)
            residual[finished] = np.where(radius < BRANCH, np.max(np.abs(left[finished]), axis=1), np.nan)
            done |= finished
        onward = active & (shift != ends) & (size < NEARLY)
        lost |= active & ~onward & ~finished & (tries > PATIENCE)
        if (done | lost).all():
            break
        factor = np.where(onward & (tries <= 2), np.maximum(factor**2, SMALLEST_FACTOR), factor)
        target = shift * factor
        target = np.where(target <= np.maximum(0.1 * least, ends), ends, target)
        share = np.log(target / shift) / np.log(shift / before_shift)
        guess = logs + (logs - before) * np.where(np.isfinite(share), share, 0.0)[:, None]
        guess = np.where(np.isfinite(before) & np.isfinite(guess), guess, logs)
        before = np.where(onward[:, None], logs, before)
        logs = np.where(onward[:, None], guess, logs)
        before_shift, shift = np.where(onward, shift, before_shift), np.where(onward, target, shift)
        tries = np.where(onward, 0, tries)
    return signs * np.exp(logs), residual
