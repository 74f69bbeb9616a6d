"""Least squares of one training set under attack: Newton's method, residuals rounded at 0 less and less."""

__all__ = ["attacked_squares"]

from typing import Any

import numpy as np

from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, cond, namespace, shifted, while_loop
from rfgen.systems.robust.fit import RobustFit

# Residuals are rounded over this part of the targets' deviation at first and last; it falls by this factor.
FIRST, LAST, FALL = 1.0, 1e-8, 0.2
# Newton's decrement, as part of the objective, below which the rounding falls; and what it must be at the last one.
NEAR, ENOUGH = 1e-6, 1e-13
MOST_STEPS, SMALLEST_STEP = 300, 40


def attacked_squares(rows: Array, targets: Array, ridge: Array, radius: Array, intercept: bool = False) -> RobustFit:
    """Minimise sum_i (|y_i - x_i.w - b| + radius |w|)^2 / 2 + (ridge/2) |w|^2; `rows` (n, width), `targets` (n,), `radius`
    > 0.  `forces` are the residuals, those of rows that are fitted exactly 0 to 1e-8.

    >>> import numpy as np
    >>> one = np.ones(2)  # from radius 1 on no weight helps, below it costs nothing to fit both rows
    >>> fits = [attacked_squares(one[:, None], 2 * one, np.array(0.0), radius) for radius in np.array([0.5, 2.0])]
    >>> [round(float(fit.weights[0]), 6) for fit in fits]
    [2.0, 0.0]
    """
    xp = namespace(rows)
    n, width = rows.shape
    if n <= width:  # weights lie in the span of the rows
        basis, factor = xp.linalg.qr(rows.T)
        found = _solved(factor.T, targets, ridge, radius, intercept)
        return RobustFit(basis @ found.weights, found.intercept, found.forces, found.gap, found.converged)
    return _solved(rows, targets, ridge, radius, intercept)


def _solved(rows: Array, targets: Array, ridge: Array, radius: Array, intercept: bool) -> RobustFit:
    xp, (n, width) = namespace(rows), rows.shape
    mean = xp.mean(targets) if intercept else xp.zeros((), rows.dtype)
    ends = xp.ones_like(targets) if intercept else xp.zeros_like(targets)
    design = xp.concatenate([rows, ends[:, None]], axis=1)
    penalty = xp.concatenate([xp.ones(width, rows.dtype) * ridge, xp.zeros(1, rows.dtype)])
    held = xp.concatenate([xp.zeros(width, rows.dtype), xp.full(1, 0.0 if intercept else 1.0, rows.dtype)])
    moved = targets - mean
    pull = rows.T @ moved
    size = xp.sqrt(xp.mean(moved * moved))

    def length_of(x: Array) -> Array:
        return xp.sqrt(xp.sum(x[..., :width] ** 2, axis=-1))

    def objective(x: Array, residuals: Array, rounding: Array) -> Array:
        # no larger than |r|: weights are at 0 for no rounding where they are not without
        sizes = xp.sum(xp.sqrt(residuals**2 + rounding**2) - rounding, axis=-1)
        squares = xp.sum(residuals * residuals, axis=-1)
        return 0.5 * squares + radius * length_of(x) * sizes + 0.5 * (ridge + n * radius**2) * length_of(x) ** 2

    def step(state: Any) -> Any:
        number, x, rounding, _ = state
        residuals, length = targets - design @ x, length_of(x)
        unit = xp.concatenate([x[:width] / length, xp.zeros(1, rows.dtype)])
        rounded = xp.sqrt(residuals**2 + rounding**2)
        slope, bend = residuals / rounded, rounding**2 / rounded**3
        pressed = radius * xp.sum(rounded - rounding) + n * radius**2 * length
        gradient = penalty * x - design.T @ (residuals + radius * length * slope) + pressed * unit
        along = design.T @ (radius * slope)
        hessian = (design.T * (1.0 + radius * length * bend)) @ design - along[:, None] * unit - unit[:, None] * along
        hessian = hessian + (n * radius**2 - pressed / length) * unit[:, None] * unit
        diagonal = penalty + held + pressed / length * (1.0 - xp.concatenate([xp.zeros(width), xp.ones(1)]))
        least = 1e-15 * xp.trace(hessian) / width
        move = -cholesky_solve(cholesky(shifted(hessian, diagonal + least)), gradient)
        decrement, here = -gradient @ move, objective(x, residuals, rounding)
        reach = 0.5 ** xp.arange(SMALLEST_STEP, dtype=rows.dtype)[:, None]
        there = objective(x + reach * move, residuals - reach * (design @ move), rounding)
        # rounding of the objective must not refuse the last steps
        allowed = there <= here - 1e-4 * reach[:, 0] * decrement + 1e-14 * here
        x = xp.where(xp.any(allowed), x + reach[xp.argmax(allowed)] * move, x)
        score = decrement / here
        last = rounding <= LAST * size
        stuck = ~xp.any(allowed) | ~xp.isfinite(decrement) | (last & (score < ENOUGH))
        rounding = xp.where((score < NEAR) & ~last, xp.maximum(rounding * FALL, LAST * size), rounding)
        return xp.where(stuck, MOST_STEPS, number + 1), x, rounding, score

    start = xp.concatenate([pull * (pull @ pull) / xp.maximum(xp.sum((rows @ pull) ** 2), 1e-300), mean[None]])
    first = xp.zeros((), int), start, FIRST * size, xp.full((), np.inf)
    still = xp.sqrt(pull @ pull) <= radius * xp.sum(xp.abs(moved))
    rest = xp.full((), MOST_STEPS, int), xp.concatenate([0.0 * pull, mean[None]]), LAST * size, xp.zeros(())
    first = cond(still, lambda: rest, lambda: first)
    _, x, rounding, score = while_loop(lambda state: state[0] < MOST_STEPS, step, first)
    residuals = targets - design @ x
    residuals = xp.where(xp.abs(residuals) < 100.0 * LAST * size, 0.0, residuals)
    return RobustFit(x[:width], x[width], residuals, score, (rounding <= LAST * size) & (score < 1e-10))
