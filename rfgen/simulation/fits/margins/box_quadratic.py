"""The dual of a support vector machine: a quadratic form minimised over a box, by an interior point method.

With one row `b_i = y_i x_i / sqrt(ridge)` of the design B a sample,

    minimise 1/2 |B'a|^2 + 1/2 sum_i d_i a_i^2 - sum_i a_i   over 0 <= a_i <= c_i,  and sum_i y_i a_i = 0 with an intercept

is the dual of the hinge (d = 0), of the squared hinge (no upper end, d_i = 1 / weight) and of the largest margin (no upper
end, d = 0).  Mehrotra's predictor and corrector; each step solves with H = B B' + diagonal, through whichever of B B' and
B'B is cheaper.  The gap between this problem and the one it is the dual of bounds the error of both, so it decides when to
stop, and is returned.
"""

__all__ = ["BoxSolution", "box_quadratic", "by_gram"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, namespace, shifted
from rfgen.simulation.fits.interior_point import interior_point, reachable

# Relative duality gap, or residual of the optimality conditions, that is called converged; residual that is aimed at.
ENOUGH, AIM = 1e-10, 1e-13
# Steps that do not halve the residual.
PATIENCE = 3
# Least diagonal entry of the matrix solved with, its largest entry of B B' being 1.  Below it Woodbury's difference has no
# digits left; above, a step only turns from Newton's into a proximal point's, which contracts nearly as well.
PROXIMAL = 1e-10
# No margin above this part of the longest row is left: called not separable.
FLAT = 1e-7


@record
class BoxSolution:
    """`dual` a (n,), `active` (n,): where it is above its lower end, `intercept` (), the multiplier of the equality,
    `margins` B B'a + y intercept (n,), relative duality `gap` (), `converged` () and, without upper ends and diagonal,
    `separable` (), else True.
    """

    dual: Any
    active: Any
    intercept: Any
    margins: Any
    gap: Any
    converged: Any
    separable: Any


def by_gram(n: int, p: int) -> bool:
    """Whether n rows of p are solved for by their Gram matrix: n^3 / 3 a step and fewer digits lost, Woodbury 2 n p^2."""
    return 5 * p >= 2 * n


def box_quadratic(
    design: Array, labels: Array, diagonal: Array | None, upper: Array | None, intercept: bool, gram: Array | None = None
) -> BoxSolution:
    """Solve for `design` (n, p), rows multiplied by their labels, `labels` (n,) +1 or -1, `diagonal` d (n,) > 0 or None
    for 0, `upper` c (n,) > 0 or None for no upper ends.  `gram` (n, n): products of the rows of `design`,
    if they are there.

    Where the largest margin does not exist `separable` is False and the numbers mean nothing.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):  # two points at distance 2 and 4 from the origin on either side: the first decides
    ...     solution = box_quadratic(jnp.array([[2.0], [4.0]]), jnp.array([1.0, -1.0]), None, None, False)
    ...     print(solution.dual.round(6).tolist(), solution.margins.round(6).tolist(), bool(solution.separable))
    [0.25, 0.0] [1.0, 2.0] True
    """
    (n, p), xp = design.shape, namespace(design)
    # in units in which the largest entry of H is 1
    lengths = xp.sum(design * design, axis=1)
    size = xp.max(lengths if diagonal is None else lengths + diagonal)
    size = xp.where(size > 0.0, size, 1.0)
    rows = design / xp.sqrt(size)
    extra = xp.zeros(n, design.dtype) if diagonal is None else diagonal / size
    most = None if upper is None else upper * size
    if by_gram(n, p):
        gram = rows @ rows.T if gram is None else gram / size
    longest = xp.sqrt(xp.max(lengths) / size)

    def curved(dual: Array) -> Array:
        return (rows @ (rows.T @ dual) if gram is None else gram @ dual) + extra * dual

    def measured(state: Any) -> tuple[Array, Array, Array]:
        """Residual of the optimality conditions (0 where rows are surely not separable), relative gap, and margins."""
        dual, room, bias, low, _ = state
        product = curved(dual) - extra * dual
        margins = product + labels * bias if intercept else product
        twice, total = dual @ product, xp.sum(dual)
        short, over = xp.maximum(1.0 - margins, 0.0), dual @ xp.maximum(margins - 1.0, 0.0)
        never = xp.asarray(False)
        if most is not None or diagonal is not None:
            # sums of terms >= 0: differences of the two objectives would lose all digits where upper ends are large
            top = np.inf if most is None else most
            inside = short < extra * top
            best = xp.where(short > 0.0, xp.where(inside, short / xp.where(inside, extra, 1.0), top), 0.0)
            away = xp.where((short > 0.0) & ~inside, room, xp.abs(dual - best))
            primal = 0.5 * twice + best @ (short - 0.5 * extra * best)
            gap = over + away @ (xp.where(inside, 0.0, short - extra * best) + 0.5 * extra * away)
        else:
            # weights scaled to margins >= 1, and any dual, scaled at will, bounds their length from below
            reached = xp.maximum(xp.min(margins), 0.0) * total / twice
            primal, gap = xp.ones_like(twice), 1.0 - reached * reached
            never = (xp.sqrt(twice) < FLAT * total * longest) & (reached == 0.0)
        if intercept:
            unbalanced = xp.abs(labels @ dual) > 1e-9 * total
            gap, never = xp.where(unbalanced, np.inf, gap), never & ~unbalanced
        slope = margins - 1.0 + extra * dual
        residual = xp.max(xp.abs(dual - xp.clip(dual - slope, 0.0, most)))
        residual = residual + xp.abs(labels @ dual) / xp.maximum(total, 1.0) if intercept else residual
        residual = xp.where(xp.all(xp.isfinite(low)), xp.where(never, 0.0, residual), np.nan)
        return residual, xp.abs(gap) / xp.where(primal > 0.0, primal, 1.0), margins

    def step(state: Any) -> Any:
        dual, room, bias, low, high = state
        barrier = extra + low / dual + (0.0 if most is None else high / room)
        solve = _solver(rows, gram, xp.maximum(barrier, PROXIMAL))
        force = curved(dual) - 1.0 + (labels * bias if intercept else 0.0)
        count = n if most is None else 2 * n
        here = (dual @ low + (0.0 if most is None else room @ high)) / count

        def reach(moved: Array, rise: Array, fall: Array) -> Array:
            if most is None:
                return reachable((dual, low), (moved, rise))
            return reachable((dual, low, room, high), (moved, rise, -moved, fall))

        across = solve(labels[:, None])[:, 0] if intercept else None

        def towards(push: Any, twists: Any) -> tuple[Array, ...]:
            """Newton's step towards products `push` of multipliers and distances, less second-order `twists`."""
            wanted = (push - twists[0]) / dual
            other = xp.zeros_like(dual) if most is None else (push - twists[1]) / room
            right = wanted - other - force
            moved, turned = solve(right[:, None])[:, 0], xp.zeros_like(bias)
            if across is not None:
                turned = (labels @ moved + labels @ dual) / (labels @ across)
                moved = moved - across * turned
            rise = wanted - low - low / dual * moved
            fall = xp.zeros_like(dual) if most is None else other - high + high / room * moved
            return moved, turned, rise, fall

        moved, _, rise, fall = towards(0.0, (0.0, 0.0))
        whole = xp.minimum(reach(moved, rise, fall), 1.0)
        # where the predictor leads shows how small the products may become
        ahead = (dual + whole * moved) @ (low + whole * rise)
        if most is not None:
            ahead = ahead + (room - whole * moved) @ (high + whole * fall)
        push = here * xp.clip(ahead / (count * here), 0.0, 1.0) ** 3
        moved, turned, rise, fall = towards(push, (moved * rise, -moved * fall))
        far = xp.minimum((1.0 - xp.minimum(0.01, 10.0 * here)) * reach(moved, rise, fall), 1.0)
        return dual + far * moved, room - far * moved, bias + far * turned, low + far * rise, high + far * fall

    dual = xp.ones(n, design.dtype) if most is None else xp.minimum(1.0, 0.5 * most)
    force = curved(dual) - 1.0
    low = xp.maximum(force, 0.0) + 1.0
    high = xp.zeros_like(low) if most is None else low - force
    # kept of its own: most - dual would be rounded to 0 at the upper ends
    room = xp.ones_like(dual) if most is None else most - dual
    start = (dual, room, xp.zeros((), rows.dtype), low, high)
    best, residual = interior_point(step, lambda state: measured(state)[:2], start, AIM, ENOUGH, PATIENCE)
    (dual, _, bias, low, _), (_, gap, margins) = best, measured(best)
    separable = xp.min(margins) > 0.0 if upper is None and diagonal is None else xp.asarray(True)
    # upper ends beyond 1e8 multiply the rounding of margins by as much in the gap
    converged = (gap < ENOUGH) | (residual < ENOUGH)
    return BoxSolution(dual / size, dual > low, bias, margins, gap, converged, separable)


def _solver(rows: Array, gram: Array | None, diagonal: Array) -> Callable[[Array], Array]:
    """The map r -> (rows rows' + diagonal)^-1 r of columns r, for entries of `diagonal` over many decades."""
    scale = (1.0 / namespace(rows).sqrt(diagonal))[:, None]
    if gram is not None:
        inner = cholesky(shifted(scale * gram * scale.T, 1.0))
        return lambda right: scale * cholesky_solve(inner, scale * right)
    scaled = scale * rows
    outer = cholesky(shifted(scaled.T @ scaled, 1.0))

    def refined(right: Array) -> Array:
        def woodbury(rest: Array) -> Array:
            rest = scale * rest
            return scale * (rest - scaled @ cholesky_solve(outer, scaled.T @ rest))

        # the difference loses digits where `diagonal` is small; one correction restores them
        found = woodbury(right)
        return found + woodbury(right - rows @ (rows.T @ found) - diagonal[:, None] * found)

    return refined
