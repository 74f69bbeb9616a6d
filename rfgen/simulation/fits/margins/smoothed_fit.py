"""Linear classifiers of one training set in infinitely many views: losses averaged over normal private parts of scores.

Given the weights, a view's score is normal, of mean `c_i = x_i.w + b` and variance `q_i = sum_j D_ij v_j^2`, v the weights
of the inputs.  The derivatives of E loss(c + sqrt(q) Z) by q are those by c (the heat equation), so Newton's method has its
whole Hessian.  The length by which an attack lowers margins is rounded at zero, sqrt(v^2 + mu^2), by a mu that falls.
"""

__all__ = ["SmoothedFit", "smoothed_clip", "smoothed_fit"]

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.classifier import rule_parts
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, longest, namespace, normal_cdf, shifted, while_loop

MOST_STEPS, ENOUGH = 100, 1e-13
# Under attack mu starts at the largest weight, falls by this factor where so little is left, and is left at the last part.
FALL, NEAR, LAST, MOST_ATTACKED = 0.2, 1e-6, 1e-7, 400
SMALLEST_STEP = 40  # halvings
_NODES, _MEASURE = np.polynomial.hermite_e.hermegauss(64)
_MEASURE = _MEASURE / _MEASURE.sum()


@record
class SmoothedFit:
    """`weights` (width,), `intercept` () and, of each row's views, the mean `margins`, their `deviations` and mean `losses`
    (n,), under attack; whether it `converged` ().
    """

    weights: Any
    intercept: Any
    margins: Any
    deviations: Any
    losses: Any
    converged: Any


def smoothed_fit(
    rows: Array, labels: Array, weights: Array, private: tuple[Array, Array], mixing: Array | None, loss: Any, ridge: Any,
    intercept: bool, radius: Any = 0.0, norm: str | None = None, shift: Array | None = None,
) -> SmoothedFit:
    """Minimise `sum_i a_i E loss(y_i (x_i.w + b + sqrt(q_i) Z) - shift_i - radius |v|) + (ridge/2) |w|^2`, |v| the dual of
    the attack's `norm`: "l2", "linf", or None for no attack.

    `rows` (n, width), `labels` y, loss `weights` a (n,); `private` = (square (n, dim), level (dim,)): q_i = (square_i +
    level).v^2, v = `mixing` w (dim, width), or w where there is none.  `loss` "logistic", "square", "hinge",
    "hinge(width)", "squared_hinge" or `smoothed_clip(...)`; `shift` (n,), None: 0.

    >>> import numpy as np
    >>> one = np.ones((2, 1))  # least squares: noise is a ridge
    >>> fit = smoothed_fit(one, one[:, 0], one[:, 0], (0.0 * one, np.array([0.5])), None, "square", np.array(1.0), False)
    >>> fit.weights.round(6).tolist()  # 2 w + (2 * 0.5 + 1) w = 2
    [0.5]
    """
    xp, (square, level) = namespace(rows), private
    bend_of = square.shape[0]
    ends = labels[:, None] if intercept else xp.zeros_like(labels)[:, None]
    design = xp.concatenate([labels[:, None] * rows, ends], axis=1)
    width = rows.shape[1]
    penalty = xp.concatenate([xp.full(width, 1.0, rows.dtype) * ridge, xp.zeros(1, rows.dtype)])
    most, last = MOST_ATTACKED if norm else MOST_STEPS, 0.0
    steepest = weights @ xp.sqrt(xp.sum(design * design, axis=1))
    held = xp.concatenate([xp.zeros(width, rows.dtype), xp.full(1, 0.0 if intercept else 1.0, rows.dtype)])

    def inputs(w: Array) -> Array:
        return w if mixing is None else mixing @ w

    def spread(w: Array) -> Array:
        v = inputs(w)
        return xp.sqrt(xp.maximum(square @ (v * v) + level @ (v * v), 1e-200))

    moved = 0.0 if shift is None else shift

    def rounded(v: Array, mu: Any) -> Array:
        """The length, its own or of each weight."""
        return xp.sqrt((xp.sum(v * v, axis=0, keepdims=True) if norm == "l2" else v * v) + mu * mu)

    def margins_at(x: Array, mu: Any) -> Array:
        return design @ x - moved - (radius * xp.sum(rounded(inputs(x[:width]), mu)) if norm else 0.0)

    def objective(x: Array, mu: Any) -> Array:
        return weights @ _smoothed(loss, margins_at(x, mu), spread(x[:width]))[0] + 0.5 * xp.sum(penalty * x * x)

    def advance(state: Any) -> Any:
        number, x, mu, _ = state
        v = inputs(x[:width])
        _, force, bend, third, fourth = (weights * part for part in _smoothed(loss, margins_at(x, mu), spread(x[:width])))
        own = (square + level) * v  # half the gradient of q
        shared = bend @ square + xp.sum(bend) * level
        own = own if mixing is None else own @ mixing
        moved, bent_back = design, 0.0
        if norm:
            size = rounded(v, mu)
            along, pressed = v / size, radius * xp.sum(force)
            shared = shared + pressed * (1.0 if norm == "l2" else mu * mu / size**2) / size
            along = along if mixing is None else along @ mixing
            bent_back = pressed / size * along[:, None] * along if norm == "l2" else 0.0
            moved = design - radius * xp.concatenate([along, xp.zeros(1, rows.dtype)])
        flat = (xp.diag(shared) if mixing is None else (mixing.T * shared) @ mixing) - bent_back
        own = xp.concatenate([own, xp.zeros((bend_of, 1), rows.dtype)], axis=1)
        gradient = penalty * x - moved.T @ force + own.T @ bend
        cross = moved.T @ (third[:, None] * own)
        hessian = moved.T @ (bend[:, None] * moved) + cross + cross.T + own.T @ (fourth[:, None] * own)
        hessian = hessian + xp.pad(flat, ((0, 1), (0, 1)))
        # far from its corner a hinge has no bend at all: one that vanishes with the gradient
        bent = xp.sqrt(xp.sum(gradient * gradient)) / steepest
        hessian = hessian + bent * (design.T @ (weights[:, None] * design))
        least = 1e-12 * xp.trace(hessian) / width
        move = -cholesky_solve(cholesky(shifted(hessian, penalty + held + least)), gradient)
        slope, here = gradient @ move, objective(x, mu)

        def allowed(reach: Array) -> Array:
            there = xp.stack([objective(x + one * move, mu) for one in reach]) if xp is np else jax.lax.map(
                lambda one: objective(x + one * move, mu), reach
            )
            return there <= here + 1e-4 * reach * slope + 1e-13 * xp.abs(here)

        taken = longest(allowed, 0.5 ** xp.arange(SMALLEST_STEP, dtype=rows.dtype))
        left = xp.where(taken == 1.0, -slope / xp.maximum(xp.abs(here), 1e-300), np.inf)
        falls = (left < NEAR) & (mu > last)
        after = xp.where(falls, xp.maximum(FALL * mu, last), mu), xp.where(falls, np.inf, left)
        return xp.where(taken > 0.0, number + 1, most), x + taken * move, *after

    mean = design.T @ (weights * (1.0 if shift is None else shift)) * xp.concatenate([xp.ones(width), xp.zeros(1)])
    start = mean * (0.5 / xp.maximum(xp.max(xp.abs(design @ mean)), 1e-300))
    largest = xp.max(xp.abs(inputs(start[:width]))) * (1.0 if norm else 0.0)
    last = LAST * largest
    first = (xp.asarray(0), start, largest, xp.asarray(np.inf))
    _, x, mu, left = while_loop(lambda state: (state[0] < most) & ~(state[3] < ENOUGH), advance, first)
    margins, deviations = design @ x - moved, spread(x[:width])
    converged = (left < 1e-8) & xp.all(xp.isfinite(x))
    losses = _smoothed(loss, margins_at(x, mu), deviations)[0]
    return SmoothedFit(x[:width], x[width] * (1.0 if intercept else 0.0), margins, deviations, losses, converged)


def smoothed_clip(softness: float, low: Any, high: Any) -> Callable[[Array, Array], tuple[Array, ...]]:
    """The loss of slope -clip(-t / softness, low, high), softness 0 or 1, smoothed."""

    def parts(t: Array, deviation: Array) -> tuple[Array, ...]:
        linear = (-low * t, low + 0.0 * t, 0.0, 0.0, 0.0)
        if softness:
            ends = zip(_powers((-t - low) / deviation, deviation), _powers((-t - high) / deviation, deviation), strict=True)
            rest = [near - far for near, far in ends]
        else:
            rest = [(high - low) * part for part in _corner(-t / deviation, deviation)]
        return tuple(one + other for one, other in zip(linear, rest, strict=True))

    return parts


def _smoothed(loss: Any, t: Array, deviation: Array) -> tuple[Array, ...]:
    """E loss(t + deviation Z), minus its slope, and its second, third and fourth derivative."""
    if not isinstance(loss, str):
        return loss(t, deviation)
    (name, parameters), xp, zero = rule_parts(loss), namespace(t), 0.0 * t
    if name == "logistic":
        at = t[:, None] + deviation[:, None] * _NODES
        value = xp.logaddexp(-at, 0.0)
        wrong = xp.exp(-xp.logaddexp(at, 0.0))
        bend = wrong * (1.0 - wrong)
        parts = value, wrong, bend, bend * (2.0 * wrong - 1.0), bend * (1.0 - 6.0 * bend)
        return tuple(part @ _MEASURE for part in parts)
    if name == "square":
        return 0.5 * ((1.0 - t) ** 2 + deviation**2), 1.0 - t, zero + 1.0, zero, zero
    short = (1.0 - t) / deviation
    if name == "squared_hinge":
        return _powers(short, deviation)
    if not parameters:
        return _corner(short, deviation)
    ends = zip(_powers(short, deviation), _powers(short - parameters[0] / deviation, deviation), strict=True)
    return tuple((near - far) / parameters[0] for near, far in ends)


def _corner(short: Array, deviation: Array) -> tuple[Array, ...]:
    """Of (1 - t)_+."""
    density, below = _density(short), normal_cdf(short)
    bend = density / deviation
    return (
        deviation * (short * below + density), below, bend, short * bend / deviation,
        (short * short - 1.0) * bend / deviation**2,
    )


def _powers(short: Array, deviation: Array) -> tuple[Array, ...]:
    """Of (1 - t)_+^2 / 2."""
    density, below = _density(short), normal_cdf(short)
    excess = short * below + density
    return (
        0.5 * deviation**2 * (short * excess + below), deviation * excess, below, -density / deviation,
        -short * density / deviation**2,
    )


def _density(short: Array) -> Array:
    return namespace(short).exp(-0.5 * short * short) / (2.0 * np.pi) ** 0.5
