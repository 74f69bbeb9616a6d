"""Linear regression of one training set by a loss of the residual whose slope is clipped: an interior point method.

With forces F in [low, high] the minimiser has X'F = ridge w, sum F = 0 where there is an intercept, and y - X w - b -
softness F = u - v, u and v >= 0 zero but where F is at its upper or lower bound.  A step costs one Cholesky factorisation
on the smaller side of the design.
"""

__all__ = ["RobustFit", "robust_fit"]

from typing import Any

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, cond, namespace, shifted, weighted_gram
from rfgen.simulation.fits.interior_point import interior_point, reachable

# Relative gap and violation aimed at, and that count as converged; steps that do not halve them.
AIM, ENOUGH, PATIENCE = 1e-12, 1e-8, 4
ROUNDING = 1e-15


@record
class RobustFit:
    """`weights` (width,), `intercept`, `forces` (n,) of the rows, the `gap`, and whether it `converged`."""

    weights: Any
    intercept: Any
    forces: Any
    gap: Any
    converged: Any


def robust_fit(rows: Array, targets: Array, force: tuple[Any, Any, Any], ridge: Any, intercept: bool = False) -> RobustFit:
    """Minimise sum_i rho(y_i - x_i.w - b) + (ridge/2)|w|^2, rho' = clip(r / softness, low, high), `force` the three.

    `rows` (n, width), `targets` (n,); numbers of the force () or, of rows of different losses, (n,); ridge 0 of at most as
    many rows as columns: what interpolates with least |w|, the limit from above, for rows of full rank.

    >>> import numpy as np
    >>> fit = robust_fit(np.ones((3, 1)), np.array([1.0, 2.0, 9.0]), (0.0, -1.0, 1.0), 0.0)
    >>> fit.weights.round(9).tolist()  # the median
    [2.0]
    """
    xp = namespace(rows)
    ridge = xp.asarray(ridge, rows.dtype)
    n, width = rows.shape
    if n <= width:
        # weights lie in the span of the rows
        basis, factor = xp.linalg.qr(rows.T)
        inner = factor.T
        found = cond(
            ridge > 0.0, lambda: _interior(inner, targets, force, ridge, intercept),
            lambda: _interpolant(inner, targets, intercept),
        )
        return RobustFit(basis @ found[0], *found[1:])
    return RobustFit(*_interior(rows, targets, force, ridge, intercept))


def _interpolant(rows: Array, targets: Array, intercept: bool) -> tuple[Array, ...]:
    """Least |w| with X w + b = y, for square rows."""
    xp = namespace(rows)
    ones = xp.ones_like(targets)
    both = xp.linalg.solve(rows, xp.stack([targets, ones], axis=1))
    bias = (both[:, 1] @ both[:, 0]) / (both[:, 1] @ both[:, 1]) if intercept else xp.zeros((), rows.dtype)
    weights = both[:, 0] - bias * both[:, 1]
    return weights, bias, xp.zeros_like(targets), xp.zeros((), rows.dtype), xp.all(xp.isfinite(weights))


def _interior(rows: Array, targets: Array, force: tuple[Any, Any, Any], ridge: Array, intercept: bool) -> tuple[Array, ...]:
    xp, (softness, low, high) = namespace(rows), force
    n, width = rows.shape
    # columns and targets of order 1
    unit = xp.sqrt(xp.sum(rows * rows) / (n * width))
    size = xp.mean(xp.abs(targets))
    size = xp.where(size > 0.0, size, 1.0)
    reach = xp.max(high - low)
    ends = xp.ones_like(targets) if intercept else xp.zeros_like(targets)
    design = xp.concatenate([rows / unit, ends[:, None]], axis=1)
    wanted, soft = targets / size, softness * reach / size  # forces in units of their reach
    penalty = xp.concatenate([xp.ones(width, rows.dtype) * ridge * size / (unit**2 * reach), xp.zeros(1, rows.dtype)])
    least, most = low / reach, high / reach
    held = xp.concatenate([xp.zeros(width, rows.dtype), xp.full(1, 0.0 if intercept else 1.0, rows.dtype)])

    def step(state: Any) -> Any:
        w, f, over, under, above, below = state  # above = most - f, below = f - least, kept of their own
        weight = 1.0 / (soft + over / above + under / below)
        pull = design.T @ f - penalty * w
        missing = wanted - design @ w - soft * f - over + under
        gram = weighted_gram(design, weight)
        factor = cholesky(shifted(gram, penalty + held + ROUNDING * xp.trace(gram) / width))
        here = (over @ above + under @ below) / (2 * n)

        def towards(push: Any, twist_over: Any, twist_under: Any) -> Any:
            go_over, go_under = (push - twist_over) / above - over, (push - twist_under) / below - under
            height = missing - go_over + go_under
            move = cholesky_solve(factor, pull + design.T @ (weight * height))
            turn = weight * (height - design @ move)
            return move, turn, go_over + over / above * turn, go_under - under / below * turn, -turn, turn

        def reach_of(move: Any) -> Array:
            return reachable((over, under, above, below), (move[2], move[3], move[4], move[5]))

        zero = xp.zeros_like(f)
        first = towards(xp.zeros_like(here), zero, zero)
        ahead = xp.minimum(1.0, reach_of(first))
        then = (over + ahead * first[2]) @ (above + ahead * first[4])
        then = (then + (under + ahead * first[3]) @ (below + ahead * first[5])) / (2 * n)
        push = here * xp.clip(then / here, 0.0, 1.0) ** 3
        move = towards(push, first[2] * first[4], first[3] * first[5])
        most_of = xp.minimum(1.0, 0.995 * reach_of(move))
        return tuple(old + most_of * by for old, by in zip(state, move, strict=True))

    def measured(state: Any) -> tuple[Array, Array]:
        """Gap over the size of the targets, plus violations, twice."""
        w, f, over, under, above, below = state
        missing = wanted - design @ w - soft * f - over + under
        pull = design.T @ f - penalty * w
        gap = (over @ above + under @ below) / n
        # of a quadratic part alone the objective is smaller
        total = gap + xp.mean(xp.abs(missing)) + xp.max(xp.abs(pull)) / n
        return total, total

    middle = 0.5 * (least + most)
    f = xp.ones_like(targets) * middle
    left = wanted - soft * f
    over, under = xp.maximum(left, 0.0) + 1.0, xp.maximum(-left, 0.0) + 1.0
    start = (xp.zeros(width + 1, rows.dtype), f, over, under, most - f, f - least)
    (w, f, *_), gap = interior_point(step, measured, start, AIM, ENOUGH, PATIENCE)
    bias = w[width] * size if intercept else xp.zeros((), rows.dtype)
    return w[:width] * size / unit, bias, f * reach, gap, gap < ENOUGH
