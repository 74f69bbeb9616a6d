"""Lasso and basis pursuit of one training set, by an interior point method on the dual.

In units in which the penalty is 1: minimise |b|_1 + |y - X b|^2 / (2 penalty), b = p - q with p, q >= 0.  The dual is an
n-vector u with |X'u| <= 1 and residual y - X b = penalty u; a step costs one Cholesky factorisation of X D X' + penalty,
D diagonal.  Basis pursuit is penalty 0; the lasso is finished by the normal equations on its support.
"""

__all__ = ["L1Fit", "l1_fit"]

from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, cond, namespace, shifted, weighted_gram, while_loop
from rfgen.simulation.fits.interior_point import interior_point, reachable

ROUNDING = 1e-15
# Relative duality gap and violation of the constraints that are aimed at, and that count as converged.
AIM, ENOUGH = 1e-11, 1e-7
# Steps that do not halve it.
PATIENCE = 4
# Changes of the support after the last step, which misses about one coefficient below 1e-4.
CORRECTIONS = 10
# A largest coefficient below this, targets and columns being of length 1, is none.
NOTHING = 1e-8


@record
class L1Fit:
    """`coefficients` (dim,), exact zeros where not `active` (dim,); relative duality `gap` and whether it `converged`."""

    coefficients: Any
    active: Any
    gap: Any
    converged: Any


def l1_fit(rows: Array, targets: Array, penalty: Any) -> L1Fit:
    """Minimise |y - X b|^2/2 + penalty |b|_1 for `rows` X (n, dim), `targets` y (n,); penalty 0: least |b|_1 with X b = y,
    for rows of rank n.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     fit = l1_fit(jnp.array([[1.0, 2.0]]), jnp.array([4.0]), 0.0)
    >>> fit.coefficients.round(9).tolist(), fit.active.tolist()
    ([0.0, 2.0], [False, True])
    """
    xp = namespace(rows)
    if rows.shape[0] > rows.shape[1]:
        # the part of y off the span of the columns changes no minimiser
        basis, rows = xp.linalg.qr(rows)
        targets = basis.T @ targets
    n, dim = rows.shape
    length = xp.sqrt(targets @ targets)
    nothing, length = length == 0.0, xp.where(length > 0.0, length, 1.0)
    # columns and targets of length about 1
    unit = xp.sqrt(xp.sum(rows * rows) / dim)
    design, wanted = rows / unit, targets / length
    penalty = xp.asarray(penalty, rows.dtype) / (unit * length)

    def step(state: Any) -> Any:
        plus, minus, dual, above, below = state  # above = 1 - X'u, below = 1 + X'u, kept of their own
        weights = plus / above + minus / below
        # of an exact sparse solution fewer than n weights stay above rounding
        floor = xp.maximum(penalty, ROUNDING * xp.max(weights))
        factor = cholesky(shifted(weighted_gram(design.T, weights), floor))
        missing = wanted - design @ (plus - minus) - penalty * dual
        here = (plus @ above + minus @ below) / (2 * dim)

        def towards(push: Any, twist_plus: Any, twist_minus: Any) -> Any:
            pull_plus, pull_minus = (push - twist_plus) / above - plus, (push - twist_minus) / below - minus
            turn = cholesky_solve(factor, missing - design @ (pull_plus - pull_minus))
            along = design.T @ turn
            return pull_plus + plus / above * along, pull_minus - minus / below * along, turn, -along, along

        def reach(move: Any) -> Array:
            return reachable((plus, minus, above, below), (move[0], move[1], move[3], move[4]))

        zero = xp.zeros_like(plus)
        first = towards(xp.zeros_like(here), zero, zero)
        ahead = xp.minimum(1.0, reach(first))
        then = (plus + ahead * first[0]) @ (above + ahead * first[3])
        then = (then + (minus + ahead * first[1]) @ (below + ahead * first[4])) / (2 * dim)
        push = here * xp.clip(then / here, 0.0, 1.0) ** 3
        move = towards(push, first[0] * first[3], first[1] * first[4])
        # with a penalty the residual couples both sides: one length for all
        most = xp.minimum(1.0, 0.995 * reach(move))
        return tuple(old + most * by for old, by in zip(state, move, strict=True))

    def measured(state: Any) -> tuple[Array, Array]:
        """Relative gap plus relative violation, twice."""
        plus, minus, dual, above, below = state
        missing = wanted - design @ (plus - minus) - penalty * dual
        primal = xp.sum(plus + minus) + 0.5 * penalty * (dual @ dual)
        gap = (plus @ above + minus @ below) / xp.where(primal > 0.0, primal, 1.0)
        total = gap + xp.sqrt(missing @ missing)
        return total, total

    ones = xp.ones(dim, rows.dtype)
    start = (ones / dim, ones / dim, xp.zeros(n, rows.dtype), ones, ones)
    (plus, minus, _, above, below), gap = interior_point(step, measured, start, AIM, ENOUGH, PATIENCE)
    # of each product p (1 - X'u) the factor that does not vanish decides, in units of the largest p
    largest = xp.maximum(xp.max(xp.maximum(plus, minus)), NOTHING)
    active = xp.maximum(plus, minus) > largest * xp.minimum(above, below)
    scale = length / unit
    found = xp.where(active, plus - minus, 0.0)
    found = cond(penalty > 0.0, lambda: _polished(design, wanted, penalty, found), lambda: found)
    return L1Fit(found * scale, found != 0.0, gap, nothing | (gap < ENOUGH))


def _polished(design: Array, targets: Array, penalty: Array, start: Array) -> Array:
    """The lasso by its normal equations on the support of `start`, corrected where signs or pulls contradict it; `start`
    where that comes to no rest.
    """
    xp = namespace(design)
    pull, gram = design.T @ targets, None if xp is np else design.T @ design

    def solve(signs: Array) -> Array:
        kept = signs != 0.0
        right = xp.where(kept, pull - penalty * signs, 0.0)
        if gram is not None:  # of one shape
            inner = xp.where(kept[:, None] & kept, gram, xp.eye(start.size, dtype=start.dtype))
            return cholesky_solve(cholesky(inner), right)
        if kept.any():
            own = design[:, kept]
            right[kept] = cholesky_solve(cholesky(own.T @ own), right[kept])
        return right

    def advance(carry: Any) -> Any:
        number, signs, _, _ = carry
        found = solve(signs)
        rest = pull - design.T @ (design @ found)
        joins = xp.where(xp.abs(rest) > penalty * (1.0 + 1e-9), xp.sign(rest), 0.0)
        wanted = xp.where(signs != 0.0, xp.where(found * signs > 0.0, signs, 0.0), joins)
        return number + 1, wanted, found, xp.all(wanted == signs) & xp.all(xp.isfinite(found))

    def unfinished(carry: Any) -> Array:
        return (carry[0] < CORRECTIONS) & ~carry[3]

    carry = (xp.zeros((), xp.int32), xp.sign(start), start, xp.asarray(False))
    _, _, found, settled = while_loop(unfinished, advance, carry)
    return xp.where(settled, found, start)
