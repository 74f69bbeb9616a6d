"""Logistic regression of one training set by Newton's method with backtracking, on the smaller side."""

__all__ = ["logistic_fit"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

MOST_STEPS = 100
# Newton's decrement, relative to the objective, after whose step Newton's method has converged: its error is the square.
AIM, ENOUGH = 1e-18, 1e-12
SMALLEST_STEP = 40  # halvings


def logistic_fit(
    rows: Array, labels: Array, weights: Array, ridge: Any, intercept: bool
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Minimise `sum_i a_i log(1 + exp(-y_i (x_i.w + b))) + (ridge/2) |w|^2` for `rows` (n, p), `labels` y and `weights` a
    (n,): w (p,), b () and whether it converged.  At ridge 0 the classes must overlap and the rows have full rank.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):  # three of four rows at 1 are positive: w = log 3
    ...     w, _, _ = logistic_fit(jnp.ones((4, 1)), jnp.array([1.0, 1, 1, -1]), jnp.ones(4), 0.0, False)
    >>> w.round(6).tolist()
    [1.098612]
    """
    n, p = rows.shape
    small = n <= p
    gram = rows @ rows.T if small else None
    penalised = jnp.full(p, ridge, rows.dtype)
    full = rows
    if not small and intercept:
        penalised = jnp.append(penalised, 0.0)
        full = jnp.concatenate([rows, jnp.ones((n, 1), rows.dtype)], axis=1)

    def newton(state: Any, force: Array, bend: Array) -> Any:
        """Where Newton's whole step leads."""
        if gram is None:
            hessian = full.T @ (bend[:, None] * full) + jnp.diag(penalised)
            factor = jax.scipy.linalg.cho_factor(hessian, lower=True)
            return state + jax.scipy.linalg.cho_solve(factor, full.T @ force - penalised * state)
        # (K + ridge / bend) c + b = f + force / bend, sum c = 0, each row times the root of its bend
        dual, bias = state
        root = jnp.sqrt(bend)
        inner = jnp.linalg.cholesky(root[:, None] * gram * root + ridge * jnp.eye(n, dtype=rows.dtype))
        target = root * (gram @ dual + bias) + force / root
        found, turned = root * jax.scipy.linalg.cho_solve((inner, True), target), jnp.zeros_like(bias)
        if intercept:
            ones = root * jax.scipy.linalg.cho_solve((inner, True), root)
            turned = jnp.sum(found) / jnp.sum(ones)
            found = found - turned * ones
        return found, turned

    def scores(state: Any) -> Array:
        return full @ state if gram is None else gram @ state[0] + state[1]

    def penalty(first: Any, second: Any) -> Array:
        if gram is None:
            return jnp.sum(penalised * first * second)
        return ridge * (first[0] @ (gram @ second[0]))

    def objective(fitted: Array) -> Array:
        return jnp.sum(weights * jax.nn.softplus(-labels * fitted), axis=-1)

    def advance(carry: Any) -> Any:
        number, state, _ = carry
        fitted = scores(state)
        wrong = jax.nn.sigmoid(-labels * fitted)
        # far on the right side a row has neither force nor bend; a bend of 0 would be divided by
        bend = weights * jnp.maximum(wrong * (1.0 - wrong), 1e-290)
        towards = newton(state, weights * labels * wrong, bend)
        move = jax.tree.map(lambda new, old: new - old, towards, state)
        along = scores(move)
        slope = penalty(state, move) - weights @ (labels * wrong * along)
        reach = 0.5 ** jnp.arange(SMALLEST_STEP, dtype=rows.dtype)
        here = objective(fitted)
        gained = objective(fitted + reach[:, None] * along) - here
        gained = gained + reach * penalty(state, move) + 0.5 * reach * reach * penalty(move, move)
        value = here + 0.5 * penalty(state, state)
        # rounding of the objective must not refuse the last steps
        allowed = gained <= 1e-4 * reach * slope + 1e-13 * value
        reach = jnp.where(jnp.any(allowed), reach[jnp.argmax(allowed)], 0.0)
        state = jax.tree.map(lambda old, by: old + reach * by, state, move)
        decrement = jnp.where(reach == 1.0, -slope / jnp.where(value > 0.0, value, 1.0), jnp.inf)
        return jnp.where(reach > 0.0, number + 1, MOST_STEPS), state, decrement

    def unfinished(carry: Any) -> Array:
        number, _, decrement = carry
        return (number < MOST_STEPS) & ~(decrement < AIM)

    zero = jnp.zeros((), rows.dtype)
    start = jnp.zeros(full.shape[1], rows.dtype) if gram is None else (jnp.zeros(n, rows.dtype), zero)
    _, state, decrement = jax.lax.while_loop(unfinished, advance, (jnp.asarray(0), start, jnp.full_like(zero, jnp.inf)))
    if gram is None:
        found, bias = state[:p], state[p] if intercept else zero
    else:
        found, bias = rows.T @ state[0], state[1]
    return found, bias, (decrement < ENOUGH) & jnp.all(jnp.isfinite(found)) & jnp.isfinite(bias)
