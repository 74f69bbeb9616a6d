"""Logistic regression of one training set by Newton's method with backtracking, on the smaller side."""

__all__ = ["logistic_fit"]

from typing import Any

import numpy as np

from rfgen.simulation.arrays import (
    Array,
    cholesky,
    cholesky_solve,
    longest,
    namespace,
    shifted,
    weighted_gram,
    while_loop,
)

MOST_STEPS = 100
# Newton's decrement, relative to the objective, after whose step Newton's method has converged: its error is the square.
AIM, ENOUGH = 1e-18, 1e-12
SMALLEST_STEP = 40  # halvings


def logistic_fit(
    rows: Array, labels: Array, weights: Array, ridge: Any, intercept: bool, gram: Array | None = None
) -> tuple[Array, Array, Array]:
    """Minimise `sum_i a_i log(1 + exp(-y_i (x_i.w + b))) + (ridge/2) |w|^2` for `rows` (n, p), `labels` y and `weights` a
    (n,): w (p,), b () and whether it converged; `gram` (n, n): products of the rows, if they are there.
    At ridge 0 the classes must overlap and the rows have full rank.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):  # three of four rows at 1 are positive: w = log 3
    ...     w, _, _ = logistic_fit(jnp.ones((4, 1)), jnp.array([1.0, 1, 1, -1]), jnp.ones(4), 0.0, False)
    >>> w.round(6).tolist()
    [1.098612]
    """
    (n, p), xp = rows.shape, namespace(rows)
    small = n <= p
    gram = None if not small else rows @ rows.T if gram is None else gram
    penalised = xp.full(p, ridge, rows.dtype)
    full = rows
    if not small and intercept:
        penalised = xp.append(penalised, 0.0)
        full = xp.concatenate([rows, xp.ones((n, 1), rows.dtype)], axis=1)

    def newton(state: Any, force: Array, bend: Array) -> Any:
        """Where Newton's whole step leads."""
        if gram is None:
            factor = cholesky(shifted(weighted_gram(full, bend), penalised))
            return (state[0] + cholesky_solve(factor, full.T @ force - penalised * state[0]),)
        # (K + ridge / bend) c + b = f + force / bend, sum c = 0, each row times the root of its bend
        dual, bias = state
        root = xp.sqrt(bend)
        inner = cholesky(shifted(root[:, None] * gram * root, ridge))
        target = root * (gram @ dual + bias) + force / root
        if not intercept:
            return root * cholesky_solve(inner, target), xp.zeros_like(bias)
        found, ones = root * cholesky_solve(inner, xp.stack([target, root], axis=1)).T
        turned = xp.sum(found) / xp.sum(ones)
        return found - turned * ones, turned

    def scores(state: Any) -> Array:
        return full @ state[0] if gram is None else gram @ state[0] + state[1]

    def penalty(first: Any, second: Any) -> Array:
        if gram is None:
            return (penalised * first[0]) @ second[0]
        return ridge * (first[0] @ (gram @ second[0]))

    def objective(fitted: Array) -> Array:
        return xp.logaddexp(-labels * fitted, 0.0) @ weights

    def advance(carry: Any) -> Any:
        number, state, _ = carry
        fitted = scores(state)
        wrong = 1.0 / (1.0 + xp.exp(labels * fitted))
        # far on the right side a row has neither force nor bend; a bend of 0 would be divided by
        bend = weights * xp.maximum(wrong * (1.0 - wrong), 1e-290)
        towards = newton(state, weights * labels * wrong, bend)
        move = tuple(new - old for new, old in zip(towards, state, strict=True))
        along = scores(move)
        slope = penalty(state, move) - weights @ (labels * wrong * along)
        here, squares = objective(fitted), (penalty(state, state), penalty(state, move), penalty(move, move))
        value = here + 0.5 * squares[0]

        def allowed(reach: Array) -> Array:
            gained = objective(fitted + reach[:, None] * along) - here
            gained = gained + reach * squares[1] + 0.5 * reach * reach * squares[2]
            # rounding of the objective must not refuse the last steps
            return gained <= 1e-4 * reach * slope + 1e-13 * value

        reach = longest(allowed, 0.5 ** xp.arange(SMALLEST_STEP, dtype=rows.dtype))
        state = tuple(old + reach * by for old, by in zip(state, move, strict=True))
        decrement = xp.where(reach == 1.0, -slope / xp.where(value > 0.0, value, 1.0), np.inf)
        return xp.where(reach > 0.0, number + 1, MOST_STEPS), state, decrement

    def unfinished(carry: Any) -> Array:
        number, _, decrement = carry
        return (number < MOST_STEPS) & ~(decrement < AIM)

    zero = xp.zeros((), rows.dtype)
    start = (xp.zeros(full.shape[1], rows.dtype),) if gram is None else (xp.zeros(n, rows.dtype), zero)
    _, state, decrement = while_loop(unfinished, advance, (xp.asarray(0), start, xp.full_like(zero, np.inf)))
    if gram is None:
        found, bias = state[0][:p], state[0][p] if intercept else zero
    else:
        found, bias = rows.T @ state[0], state[1]
    return found, bias, (decrement < ENOUGH) & xp.all(xp.isfinite(found)) & xp.isfinite(bias)
