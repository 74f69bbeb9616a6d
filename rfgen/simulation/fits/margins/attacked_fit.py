"""Linear classifiers of one training set under attack: by Newton's method along a path of barriers."""

__all__ = ["attacked_fit"]

from dataclasses import replace

import numpy as np

from rfgen.problems.trainings.classifier import rule_parts
from rfgen.simulation.arrays import (
    Array,
    cholesky,
    cholesky_solve,
    eigh,
    longest,
    namespace,
    shifted,
    weighted_gram,
    while_loop,
)
from rfgen.simulation.fits.margins.margin_fit import MarginFit

# Barriers start at this part of the rows' total weight, fall by this factor, and are left at the last part.
FIRST, FALL, LAST = 0.1, 0.15, 1e-11
# Newton's decrement, in units of the barrier, below which the barrier falls; and what it must be at the last one.
NEAR, ENOUGH = 0.3, 1e-4
MOST_STEPS = 400
SMALLEST_STEP = 50  # halvings
# The least force of a row of support, of the hinge's 1.
PULLED = 1e-3
# Without a row behind its margin the intercept is free: what holds it in a step.
LEAST_BEND = 1e-10


def attacked_fit(
    rows: Array, labels: Array, weights: Array, loss: str, ridge: Array, intercept: bool, radius: Array, norm: str,
    mixing: Array | None = None,
) -> MarginFit:
    """Minimise `sum_i a_i loss(y_i (x_i.w + b) - radius |w|) + (ridge/2) |w|^2`, |w| the dual of the attack's `norm`.

    `rows` (n, dim), `labels` y and loss `weights` a (n,); `loss` "logistic", "hinge" (or "hinge(width)", its corner
    rounded) or "squared_hinge"; `ridge` > 0, `radius` > 0.  `norm` "l2": |w|_2, "linf": |w|_1.  With a `mixing` F
    (dim, features) the weights a of features are trained, w = F a, and the ridge is on |a|^2.  The length is bounded by
    v >= |w|, or v_j >= |w_j|, kept apart by logarithmic barriers, as the hinge's slacks are.  `margins` are those of the
    rows where they are, `support` those whose margin under attack is below 1.

    >>> import numpy as np
    >>> x, one = np.array([[2.0, 0.1], [-2.0, 0.1]]), np.ones(2)
    >>> fit = attacked_fit(x, one * [1, -1], one, "squared_hinge", np.array(1.0), False, np.array(0.5), "linf")
    >>> fit.weights.round(4).tolist()  # (1 - (2 - 0.5) w)^2 + w^2 / 2
    [0.5455, 0.0]
    """
    xp = namespace(rows)
    if mixing is not None:  # w = U c, a = V (c / s)
        left, sizes, right = xp.linalg.svd(mixing, full_matrices=False)
        fit = attacked_fit(rows @ left, labels, weights, loss, ridge / sizes**2, intercept, radius, norm)
        return replace(fit, weights=right.T @ (fit.weights / sizes))
    n, p = rows.shape
    if norm == "l2" and n < p and ridge.ndim == 0:  # the weights lie in the span of the rows
        values, vectors = eigh(rows @ rows.T)
        kept = values > p * xp.finfo(rows.dtype).eps * values[-1]
        roots = xp.sqrt(xp.where(kept, values, 1.0))
        fit = attacked_fit(vectors * xp.where(kept, roots, 0.0), labels, weights, loss, ridge, intercept, radius, norm)
        return replace(fit, weights=rows.T @ (vectors @ xp.where(kept, fit.weights / roots, 0.0)))
    zero, one = xp.zeros(1, rows.dtype), xp.ones(1, rows.dtype)
    # margins under attack are a product with (w, b, sum of v)
    ends = [labels if intercept else xp.zeros_like(labels), -radius * xp.ones_like(labels)]
    design = xp.concatenate([labels[:, None] * rows, xp.stack(ends, axis=1)], axis=1)
    last = LAST * xp.sum(weights)

    def lengths(w: Array, v: Array) -> Array:
        """v^2 - |w|^2 of each barrier."""
        return v * v - (xp.sum(w * w, axis=-1, keepdims=True) if norm == "l2" else w * w)

    def objective(w: Array, _b: Array, v: Array, margins: Array, mu: Array) -> Array:
        gaps = lengths(w, v)
        inside = xp.all(gaps > 0.0, axis=-1) & xp.all(v > 0.0, axis=-1)
        barrier = -xp.sum(xp.log(xp.where(gaps > 0.0, gaps, 1.0)), axis=-1)
        value = _loss(loss, margins, mu)[0] @ weights + 0.5 * xp.sum(ridge * w * w, axis=-1) + mu * barrier
        return xp.where(inside, value, np.inf)

    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        number, w, b, v, mu, _ = state
        margins = design @ xp.concatenate([w, b, xp.sum(v)[None]])
        _, force, bend = _loss(loss, margins, mu)
        pulled, gaps = design.T @ (weights * force), lengths(w, v)
        of_w = ridge * w - pulled[:p] + 2.0 * mu * w / gaps
        of_v = -pulled[p + 1] - 2.0 * mu * v / gaps
        hessian = weighted_gram(design, weights * bend)

        def towards(diagonal: Array, outer: Array, along: Array, right: Array) -> Array:
            """Newton's step, with what the ridge and the barriers add to the Hessian of the losses."""
            free = zero if intercept else one
            added = xp.concatenate([diagonal[:p], free, diagonal[p:]])
            along = xp.concatenate([along[:p], zero, along[p:]])
            factor = cholesky(shifted(hessian + outer * along[:, None] * along, added))
            return cholesky_solve(factor, xp.concatenate([right[:p], pulled[p : p + 1], right[p:]]))

        if norm == "l2":
            diagonal = xp.concatenate([ridge + 2.0 * mu / gaps * xp.ones(p), -2.0 * mu / gaps])
            along, right = xp.concatenate([w, -v]), -xp.concatenate([of_w, of_v])
            move = towards(diagonal, 4.0 * mu / gaps**2, along, right)
            move_v = move[p + 1 :]
        else:  # the bounds of all coordinates but their sum are eliminated
            squares = v * v + w * w
            ratio, soft = -2.0 * v * w / squares, gaps**2 / (2.0 * mu * squares)
            outer, lag = 1.0 / xp.sum(soft), xp.sum(soft * of_v)
            right = xp.concatenate([-of_w + ratio * (of_v - lag * outer), (-lag * outer)[None]])
            diagonal = xp.concatenate([ridge + 2.0 * mu / squares, zero])
            move = towards(diagonal, outer, xp.concatenate([ratio, one]), right)
            shared = -outer * (move[p + 1] + lag + ratio @ move[:p])
            move_v = -soft * (of_v + shared) - ratio * move[:p]
        move_w, move_b = move[:p], move[p : p + 1]
        decrement = -(of_w @ move_w - pulled[p] * move_b[0] + of_v @ move_v)
        along = design @ xp.concatenate([move_w, move_b, xp.sum(move_v)[None]])
        here = objective(w, b, v, margins, mu)

        def allowed(reach: Array) -> Array:
            part = reach[:, None]
            there = objective(w + part * move_w, b + part * move_b, v + part * move_v, margins + part * along, mu)
            # rounding of the objective must not refuse the last steps
            return there <= here - 1e-4 * reach * decrement + 1e-14 * xp.abs(here)

        reach = longest(allowed, 0.5 ** xp.arange(SMALLEST_STEP, dtype=rows.dtype))
        w, b, v = (xp.where(reach > 0.0, old + reach * by, old) for old, by in ((w, move_w), (b, move_b), (v, move_v)))
        near, score = decrement < NEAR * mu, decrement / mu
        done = near & (mu <= last)
        stuck = (reach == 0.0) | ~xp.isfinite(decrement)
        number = xp.where(stuck | (done & (score < ENOUGH)), MOST_STEPS, number + 1)
        return number, w, b, v, xp.where(near & ~done, xp.maximum(mu * FALL, last), mu), score

    length = 1.0 / xp.sqrt(xp.max(xp.sum(rows * rows, axis=1)) + radius**2)
    bounds = length * (one if norm == "l2" else xp.ones(p) / p)
    start = (xp.zeros((), int), xp.zeros(p), xp.zeros(1), bounds, FIRST * xp.sum(weights), xp.full((), np.inf))
    _, w, b, _, mu, score = while_loop(lambda state: state[0] < MOST_STEPS, step, start)
    margins = labels * (rows @ w + b[0])
    attacked = margins - radius * (xp.sqrt(xp.sum(w * w)) if norm == "l2" else xp.sum(xp.abs(w)))
    converged = (mu <= last) & (score < ENOUGH)
    # at the corner of the hinge rows have a force, though no slack
    behind = _loss(loss, attacked, mu)[1] > PULLED if loss == "hinge" else attacked < 1.0
    return MarginFit(w, b[0], margins, behind, converged, xp.asarray(True))


def _loss(loss: str, margin: Array, mu: Array) -> tuple[Array, Array, Array]:
    """The loss, minus its derivative and its second one; the hinge's slack has barriers of strength `mu`."""
    xp = namespace(margin)
    if loss == "logistic":
        force = 1.0 / (1.0 + xp.exp(xp.minimum(margin, 700.0)))
        return xp.logaddexp(-margin, 0.0), force, force * (1.0 - force)
    behind = 1.0 - margin
    if loss == "squared_hinge":
        force = xp.maximum(behind, 0.0)
        return 0.5 * force * force, force, xp.where(behind > 0.0, 1.0, LEAST_BEND)
    _, width = rule_parts(loss)
    if width:
        force = xp.clip(behind / width[0], 0.0, 1.0)
        bend = xp.where((force > 0.0) & (force < 1.0), 1.0 / width[0], LEAST_BEND)
        return force * (behind - 0.5 * width[0] * force), force, bend
    size = xp.abs(behind)
    root = xp.sqrt(size * size + 4.0 * mu * mu)
    less = 2.0 * mu / (2.0 * mu + size + root)
    force, rest = xp.where(behind > 0.0, 1.0 - less, less), xp.where(behind > 0.0, less, 1.0 - less)
    value = mu / rest + mu * (xp.log(rest) + xp.log(force) - 2.0 * xp.log(mu))
    return value, force, less * less * (1.0 + size / root) / (2.0 * mu)
