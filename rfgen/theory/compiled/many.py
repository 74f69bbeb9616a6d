"""The same at many points, compiled: the homotopy of each core in one loop, and first derivatives.

A step of the loop is one step of Newton's method; it goes on to the next shift where that was small.  What does not arrive
is NaN, and left to `solve`.  Derivatives are those of one more step at the solution: theory (14.5).
"""

__all__ = ["risks", "solve_many"]

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.algebra.structure import Core, Structure
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program import program
from rfgen.theory.compiled.core import BRANCH, LARGEST_STEP, start_core
from rfgen.theory.compiled.lines import line_values
from rfgen.theory.compiled.moments import Linear, Metrics, means, moment_equations
from rfgen.theory.compiled.solver import Solved, mean_squares, solve
from rfgen.theory.compiled.system import Numbers, System

# Points of one program, padded.
BLOCK = 256
LONGEST, CLOSE, NEARLY, FACTOR = 400, 1e-10, 1e-2, 0.1
# A solution leaves no larger residual.
SOLVED = 1e-10


def _bound(core: Core, numbers: Numbers) -> System:
    return System(core.pencil, core.traces, core.places, numbers)


def _step(system: System, shift: Any, signs: Any, logs: Any) -> tuple[Any, Any, Any]:
    """A step of Newton's method in the logarithms, the residual, and derivatives of the logarithms."""
    every = range(len(system.traces))
    unknowns = signs * jnp.exp(logs)
    inverse = system.inverse(dict(enumerate(unknowns)), system.needed(every), shift)
    traces = jnp.stack(system.traced(every, inverse))
    slopes = _matrix(system.slopes(every, inverse), len(traces), len(traces))
    residual = jnp.log(traces / unknowns)
    slopes = slopes * unknowns / traces[:, None]
    return jnp.linalg.solve(jax.lax.stop_gradient(jnp.eye(len(traces)) - slopes), residual), residual, slopes


def _matrix(entries: dict[tuple[int, int], Any], rows: int, columns: int) -> Any:
    return jnp.stack([jnp.stack([jnp.asarray(entries.get((i, j), 0.0)) for j in range(columns)]) for i in range(rows)])


def _solved_core(core: Core, numbers: Numbers, least: Any, start: tuple[Any, Any, Any]) -> tuple[Any, Any]:
    """Logarithms at shift 0, NaN where the loop does not arrive, and the residual."""
    system, (first, signs, logs) = _bound(core, numbers), start

    def body(state: tuple[Any, ...]) -> tuple[Any, ...]:
        shift, here, before, count, _ = state
        step, *_ = _step(system, shift, signs, here)
        size = jnp.max(jnp.abs(step))
        there = here + step * jnp.minimum(1.0, LARGEST_STEP / size)
        go_on = (size < NEARLY) & (shift > 0.0)
        lower = jnp.where(shift * FACTOR <= FACTOR * least, 0.0, shift * FACTOR)
        guess = jnp.where((lower > 0.0) & jnp.isfinite(before), 2.0 * there - before, there)
        done = (size < CLOSE) & (shift == 0.0)
        lost = ~jnp.isfinite(size)
        return (
            jnp.where(go_on, lower, shift), jnp.where(go_on, guess, there), jnp.where(go_on, there, before),
            jnp.where(lost, LONGEST, count + 1), done,
        )

    state = (first, logs, jnp.full_like(logs, jnp.inf), 0, jnp.asarray(False))
    shift, found, *_, done = jax.lax.while_loop(lambda state: ~state[4] & (state[3] < LONGEST), body, state)
    del shift
    return jnp.where(done, found, jnp.nan), signs


def risks(
    structure: Structure, metrics: Metrics, numbers: Numbers, cores: Sequence[Any], order: int = 1
) -> tuple[Any, Any, Any]:
    """The equations of second moments at a solution whose traces are known, and their residual: differentiable.

    `cores`: traces of each core, as `Solved` has them; the mean squares are `given[c:] + slopes[c:] x` for
    x = given[:c] + slopes[:c] x.  Derivatives by `numbers` up to this `order` are those of the solution: each step of a
    chord adds one.  Returns (mean squares, (given, slopes), residual).
    """
    require_double_precision("rfgen.theory.compiled.many.risks")
    return _risks(structure, metrics, numbers, cores, order)[:3]


def _risks(
    structure: Structure, metrics: Metrics, numbers: Numbers, cores: Sequence[Any], order: int = 1
) -> tuple[Any, Any, Any, Any]:
    """The same, and the derivatives of the logarithms of each core's traces."""
    traces, residual, branches = [], jnp.zeros(()), []
    for core, known in zip(structure.cores, cores, strict=True):
        known = jax.lax.stop_gradient(jnp.asarray(known))
        signs, logs = jnp.sign(known), jnp.log(jnp.abs(known))
        for _ in range(order):
            step, left, branch = _step(_bound(core, numbers), 0.0, signs, logs)
            logs = logs + step
        branches.append(branch)
        traces.append(signs * jnp.exp(logs))
        residual = jnp.maximum(residual, jnp.max(jnp.abs(left)))
    unknowns = means(structure, numbers, traces, None, _linear)
    line = line_values(structure, numbers, unknowns, None, _linear)
    given, slopes = moment_equations(structure, numbers, unknowns, metrics, None, line)
    count = len(structure.seconds)
    first = jnp.stack([jnp.stack([jnp.asarray(column) for column in own]) for own in given])
    matrix = _matrix(slopes, len(given), count)
    inner = jnp.linalg.solve(jnp.eye(count) - matrix[:count], first[:count, 0])
    return first[count:, 0] + matrix[count:] @ inner, (first, matrix), residual, branches


def _linear(equations: Linear) -> Any:
    given, slopes = equations
    matrix = _matrix(slopes, len(given), len(given))
    return jnp.linalg.solve(jnp.eye(len(given)) - matrix, jnp.stack([jnp.asarray(own) for own in given]))


@program(static_argnames=("structure", "metrics", "shared"))
def _at_points(
    numbers: Any, varying: Any, least: Any, starts: Any, structure: Structure, metrics: Metrics, shared: Any
) -> Any:
    def point(own: Any, low: Any) -> Any:
        here = _merged(shared, numbers, own)
        traces = []
        for core, start in zip(structure.cores, starts, strict=True):
            logs, signs = _solved_core(core, here, low, start)
            traces.append(signs * jnp.exp(logs))
        _, equations, residual, branches = _risks(structure, metrics, here, traces)
        return *equations, residual, branches

    return jax.vmap(point)(varying, least)


def _merged(shared: Any, fixed: list[Any], varying: list[Any]) -> Numbers:
    treedef, places = shared
    one, two = iter(fixed), iter(varying)
    return jax.tree.unflatten(treedef, [next(one) if same else next(two) for same in places])


def solve_many(structure: Structure, numbers: Sequence[Numbers], metrics: Metrics, least: np.ndarray) -> list[Solved]:
    """`solve` at each of many points of ridges > 0; what the loop does not reach is solved one by one."""
    flat = [jax.tree.flatten(own) for own in numbers]
    treedef = flat[0][1]
    columns = list(zip(*(leaves for leaves, _ in flat), strict=True))
    places = tuple(all(leaf is column[0] for leaf in column) for column in columns)
    fixed = [np.asarray(column[0], float) for column, same in zip(columns, places, strict=True) if same]
    varying = [np.array(own, float) for own, same in zip(columns, places, strict=True) if not same]
    starts = [start_core(_bound(core, numbers[0])) for core in structure.cores]
    found: list[Solved] = []
    for first in range(0, len(numbers), BLOCK):
        which = np.minimum(np.arange(first, first + BLOCK), len(numbers) - 1)
        *solved, branches = _at_points.thorough(
            fixed, [own[which] for own in varying], least[which], starts, structure=structure, metrics=metrics,
            shared=(treedef, places),
        )
        given, slopes, residual = map(np.asarray, solved)
        for own in map(np.asarray, branches):
            radius = np.max(np.abs(np.linalg.eigvals(np.where(np.isfinite(own), own, 2.0 * BRANCH))), axis=1)
            residual = np.where(radius < BRANCH, residual, np.nan)
        for place in range(min(BLOCK, len(numbers) - first)):
            if np.isfinite(residual[place]) and residual[place] < SOLVED:
                found.append(mean_squares(given[place], slopes[place], float(residual[place])))
            else:
                number = first + place
                found.append(solve(structure, numbers[number], metrics, float(least[number])))
    return found
