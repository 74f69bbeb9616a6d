"""The dual of a support vector machine: a quadratic form minimised over a box, by an interior point method.

With one row `b_i = y_i x_i / sqrt(ridge)` of the design B a sample,

    minimise 1/2 |B'a|^2 + 1/2 sum_i d_i a_i^2 - sum_i a_i   over 0 <= a_i <= c_i,  and sum_i y_i a_i = 0 with an intercept

is the dual of the hinge (d = 0), of the squared hinge (no upper end, d_i = 1 / weight) and of the largest margin (no upper
end, d = 0).  Mehrotra's predictor and corrector; each step solves with H = B B' + diagonal, through whichever of B B' and
B'B is cheaper.  The gap between this problem and the one it is the dual of bounds the error of both, so it decides when to
stop, and is returned.
"""

__all__ = ["BoxSolution", "box_quadratic"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

MOST_STEPS = 80
# Relative duality gap, or residual of the optimality conditions, that is called converged; residual that is aimed at.
ENOUGH, AIM = 1e-10, 1e-13
# Steps that do not halve the residual, after which rounding has the last word.
PATIENCE = 3
# Least diagonal entry of the matrix solved with, its largest entry of B B' being 1.  Below it Woodbury's difference has no
# digits left; above, a step only turns from Newton's into a proximal point's, which contracts nearly as well.
PROXIMAL = 1e-10
# No margin above this part of the longest row is left: called not separable.
FLAT = 1e-7


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
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


def box_quadratic(
    design: Array, labels: Array, diagonal: Array | None, upper: Array | None, intercept: bool
) -> BoxSolution:  # fmt: skip
    """Solve for `design` (n, p), rows multiplied by their labels, `labels` (n,) +1 or -1, `diagonal` d (n,) > 0 or None
    for 0, `upper` c (n,) > 0 or None for no upper ends.

    Where the largest margin does not exist `separable` is False and the numbers mean nothing.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):  # two points at distance 2 and 4 from the origin on either side: the first decides
    ...     solution = box_quadratic(jnp.array([[2.0], [4.0]]), jnp.array([1.0, -1.0]), None, None, False)
    ...     print(solution.dual.round(6).tolist(), solution.margins.round(6).tolist(), bool(solution.separable))
    [0.25, 0.0] [1.0, 2.0] True
    """
    n, p = design.shape
    # in units in which the largest entry of H is 1
    lengths = jnp.sum(design * design, axis=1)
    size = jnp.max(lengths if diagonal is None else lengths + diagonal)
    size = jnp.where(size > 0.0, size, 1.0)
    rows = design / jnp.sqrt(size)
    extra = jnp.zeros(n, design.dtype) if diagonal is None else diagonal / size
    most = None if upper is None else upper * size
    # Woodbury costs 2 n p^2, the Gram matrix n^3 / 3 a step and fewer digits lost
    gram = rows @ rows.T if 5 * p >= 2 * n else None
    longest = jnp.sqrt(jnp.max(lengths) / size)

    def curved(dual: Array) -> Array:
        return (rows @ (rows.T @ dual) if gram is None else gram @ dual) + extra * dual

    def measured(dual: Array, room: Array, bias: Array) -> tuple[Array, Array, Array, Array]:
        """Margins, relative gap, residual of the optimality conditions, and whether the rows are surely not separable."""
        product = curved(dual) - extra * dual
        margins = product + labels * bias if intercept else product
        twice, total = dual @ product, jnp.sum(dual)
        short, over = jnp.maximum(1.0 - margins, 0.0), dual @ jnp.maximum(margins - 1.0, 0.0)
        never = jnp.asarray(False)
        # sums of terms >= 0: differences of the two objectives would lose all digits where upper ends are large
        if most is not None:
            primal, gap = 0.5 * twice + most @ short, over + room @ short
        elif diagonal is not None:
            primal = 0.5 * twice + 0.5 * jnp.sum(short * short / extra)
            gap = over + 0.5 * jnp.sum((short - extra * dual) ** 2 / extra)
        else:
            # weights scaled to margins >= 1, and any dual, scaled at will, bounds their length from below
            reached = jnp.maximum(jnp.min(margins), 0.0) * total / twice
            primal, gap = jnp.ones_like(twice), 1.0 - reached * reached
            never = (jnp.sqrt(twice) < FLAT * total * longest) & (reached == 0.0)
        if intercept:
            unbalanced = jnp.abs(labels @ dual) > 1e-9 * total
            gap, never = jnp.where(unbalanced, jnp.inf, gap), never & ~unbalanced
        slope = margins - 1.0 + extra * dual
        residual = jnp.max(jnp.abs(dual - jnp.clip(dual - slope, 0.0, most)))
        residual = residual + jnp.abs(labels @ dual) / jnp.maximum(total, 1.0) if intercept else residual
        return margins, jnp.abs(gap) / jnp.where(primal > 0.0, primal, 1.0), residual, never

    def reachable(dual: Array, room: Array, low: Array, high: Array, moved: Array, rise: Array, fall: Array) -> Array:
        """How far all may move until one of them is 0."""
        values, moves = [dual, low], [moved, rise]
        if most is not None:
            values, moves = [*values, room, high], [*moves, -moved, fall]
        values, moves = jnp.stack(values), jnp.stack(moves)
        return jnp.min(jnp.where(moves < 0.0, -values / jnp.where(moves < 0.0, moves, -1.0), jnp.inf))

    def step(state: Any) -> Any:
        dual, room, bias, low, high = state
        barrier = extra + low / dual + (0.0 if most is None else high / room)
        solve = _solver(rows, gram, jnp.maximum(barrier, PROXIMAL))
        force = curved(dual) - 1.0 + (labels * bias if intercept else 0.0)
        count = n if most is None else 2 * n
        here = (dual @ low + (0.0 if most is None else room @ high)) / count

        def towards(_: Any, last: Any) -> Any:
            """Newton's step towards products `push` of multipliers and distances, less second-order `twists`; then push and
            twists of the corrector: where the predictor leads shows how small the products may become.
            """
            push, twists = last[:2]
            wanted = (push - twists[0]) / dual
            other = jnp.zeros_like(dual) if most is None else (push - twists[1]) / room
            right = wanted - other - force
            if intercept:
                moved, along = solve(jnp.stack([right, labels], axis=1)).T
                turned = (labels @ moved + labels @ dual) / (labels @ along)
                moved = moved - along * turned
            else:
                moved, turned = solve(right[:, None])[:, 0], jnp.zeros_like(bias)
            rise = wanted - low - low / dual * moved
            fall = jnp.zeros_like(dual) if most is None else other - high + high / room * moved
            reach = reachable(dual, room, low, high, moved, rise, fall)
            whole = jnp.minimum(reach, 1.0)
            ahead = (dual + whole * moved) @ (low + whole * rise)
            if most is not None:
                ahead = ahead + (room - whole * moved) @ (high + whole * fall)
            push = here * jnp.clip(ahead / (count * here), 0.0, 1.0) ** 3
            return push, jnp.stack([moved * rise, -moved * fall]), moved, turned, rise, fall, reach

        zero = jnp.zeros_like(dual)
        start = (jnp.zeros_like(bias), jnp.zeros((2, n), rows.dtype), zero, bias, zero, zero, bias)
        # predictor, then corrector
        _, _, moved, turned, rise, fall, reach = jax.lax.fori_loop(0, 2, towards, start)
        reach = jnp.minimum((1.0 - jnp.minimum(0.01, 10.0 * here)) * reach, 1.0)
        return dual + reach * moved, room - reach * moved, bias + reach * turned, low + reach * rise, high + reach * fall

    def advance(carry: Any) -> Any:
        number, stale, state, best, seen, _ = carry
        state = step(state)
        margins, gap, residual, never = measured(*state[:3])
        finite = jnp.isfinite(residual) & jnp.all(jnp.isfinite(state[3]))
        better, halved = finite & (residual < seen[2]), residual < 0.5 * seen[2]
        new = (state[0], state[2], state[3]), (margins, gap, residual)
        best, seen = jax.tree.map(lambda now, old: jnp.where(better, now, old), new, (best, seen))
        stale = jnp.where(finite, jnp.where(halved | (seen[1] > ENOUGH), 0, stale + 1), PATIENCE)
        return number + 1, stale, state, best, seen, never & finite

    def unfinished(carry: Any) -> Array:
        number, stale, _, _, seen, never = carry
        return (number < MOST_STEPS) & (stale < PATIENCE) & (seen[2] > AIM) & ~never

    dual = jnp.ones(n, design.dtype) if most is None else jnp.minimum(1.0, 0.5 * most)
    force = curved(dual) - 1.0
    low = jnp.maximum(force, 0.0) + 1.0
    high = jnp.zeros_like(low) if most is None else low - force
    # kept of its own: most - dual would be rounded to 0 at the upper ends
    room = jnp.ones_like(dual) if most is None else most - dual
    bias, worst = jnp.zeros((), rows.dtype), jnp.asarray(jnp.inf, rows.dtype)
    start, count = (dual, room, bias, low, high), jnp.asarray(0)
    carry = (count, count, start, (dual, bias, low), (jnp.zeros_like(dual), worst, worst), jnp.asarray(False))
    *_, (dual, bias, low), (margins, gap, residual), never = jax.lax.while_loop(unfinished, advance, carry)
    if upper is None and diagonal is None:
        separable = (jnp.min(margins) > 0.0) & ~never
    else:
        separable = jnp.asarray(True)
    # upper ends beyond 1e8 multiply the rounding of margins by as much in the gap
    converged = (gap < ENOUGH) | (residual < ENOUGH) | never
    return BoxSolution(dual / size, dual > low, bias, margins, gap, converged, separable)


def _solver(rows: Array, gram: Array | None, diagonal: Array) -> Callable[[Array], Array]:
    """The map r -> (rows rows' + diagonal)^-1 r of columns r, for entries of `diagonal` over many decades."""
    n, p = rows.shape
    scale = (1.0 / jnp.sqrt(diagonal))[:, None]
    if gram is not None:
        inner = jnp.linalg.cholesky(scale * gram * scale.T + jnp.eye(n, dtype=rows.dtype))
        return lambda right: scale * jax.scipy.linalg.cho_solve((inner, True), scale * right)
    scaled = scale * rows
    outer = jnp.linalg.cholesky(scaled.T @ scaled + jnp.eye(p, dtype=rows.dtype))

    def refined(right: Array) -> Array:
        def correct(_: Any, found: Array) -> Array:
            # Woodbury's difference loses digits where `diagonal` is small; one correction restores them
            rest = scale * (right - rows @ (rows.T @ found) - diagonal[:, None] * found)
            return found + scale * (rest - scaled @ jax.scipy.linalg.cho_solve((outer, True), scaled.T @ rest))

        return jax.lax.fori_loop(0, 2, correct, jnp.zeros_like(right))

    return refined
