"""Linear classifiers of one training set by the mean loss of all mixtures of two of its rows."""

__all__ = ["MixedFit", "mixed_fit"]

from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.classifier import rule_parts
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, namespace, shifted, while_loop

MOST_STEPS, ENOUGH = 100, 1e-13
SMALLEST_STEP = 30  # halvings
# Of the weights of mixtures.
NODES = 10


@record
class MixedFit:
    """`weights` (width,), `intercept` () and the rows' `margins` (n,); of the mixtures of each row `wrong`, the share of
    negative margins, `support`, of those at most 1, and `losses` (n,); whether it `converged` ().
    """

    weights: Any
    intercept: Any
    margins: Any
    wrong: Any
    support: Any
    losses: Any
    converged: Any


def mixed_fit(
    rows: Array, labels: Array, weights: Array, concentration: float, loss: str, ridge: Any, intercept: bool
) -> MixedFit:
    """Minimise `sum_i a_i E_w mean_j loss(w x_i + (1 - w) x_j) + (ridge/2) |w|^2`, w from Beta(`concentration`,
    `concentration`), the loss of a mixture that of its score with label +1 and -1, at the probabilities whose mean is
    w y_i + (1 - w) y_j.

    `rows` (n, width), `labels` y, loss `weights` a (n,); `loss` "logistic", "square", "hinge(width)" or "squared_hinge".

    >>> import numpy as np
    >>> fit = mixed_fit(np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]), np.ones(2), 1.0, "square", np.array(1.0), False)
    >>> float(fit.weights[0]).__round__(6)  # labels and inputs are mixed alike: E of the square, 2/3, of 2 rows
    0.571429
    """
    from scipy.special import roots_jacobi

    xp = namespace(rows)
    nodes, chances = roots_jacobi(NODES, concentration - 1.0, concentration - 1.0)
    nodes, chances = 0.5 * (1.0 + nodes), chances / chances.sum()
    n, width = rows.shape
    design = xp.concatenate([rows, (xp.ones_like if intercept else xp.zeros_like)(labels)[:, None]], axis=1)
    penalty = xp.concatenate([xp.full(width, 1.0, rows.dtype) * ridge, xp.zeros(1, rows.dtype)])
    held = xp.concatenate([xp.zeros(width, rows.dtype), xp.full(1, 0.0 if intercept else 1.0, rows.dtype)])
    pair = (weights[:, None] + weights) / n

    def mixtures(t: Array) -> Any:
        """Of each weight: it and its chance, scores of mixtures, the probability of label +1."""
        for node, chance in zip(nodes.tolist(), chances.tolist(), strict=True):
            told = node * labels[:, None] + (1.0 - node) * labels
            yield node, chance, node * t[:, None] + (1.0 - node) * t, 0.5 * (1.0 + told)

    def objective(x: Array) -> Array:
        total = 0.5 * xp.sum(penalty * x * x)
        for _, chance, score, right in mixtures(design @ x):
            total = total + 0.5 * chance * xp.sum(pair * _value(loss, score, right))
        return total

    def advance(state: Any) -> Any:
        number, x, here, _ = state
        slope, own, other = xp.zeros_like(labels), xp.zeros_like(labels), xp.zeros_like(pair)
        for node, chance, score, right in mixtures(design @ x):
            force, bend = _force(loss, score, right)
            slope = slope - chance * node * xp.sum(pair * force, axis=1)
            bent = chance * node * pair * bend
            own, other = own + node * xp.sum(bent, axis=1), other + (1.0 - node) * bent
        gradient = penalty * x + design.T @ slope
        hessian = design.T @ (own[:, None] * design + other @ design)
        least = 1e-12 * xp.trace(hessian) / width
        move = -cholesky_solve(cholesky(shifted(hessian, penalty + held + least)), gradient)
        along = gradient @ move

        def shorter(trial: Any) -> Any:
            return 0.5 * trial[0], objective(x + 0.5 * trial[0] * move)

        def too_long(trial: Any) -> Any:
            above = trial[1] > here + 1e-4 * trial[0] * along + 1e-13 * xp.abs(here)
            return above & (trial[0] > 0.5**SMALLEST_STEP)

        length, there = while_loop(too_long, shorter, (xp.asarray(1.0), objective(x + move)))
        left = xp.where(length == 1.0, -along / xp.maximum(xp.abs(here), 1e-300), np.inf)
        return xp.where(length > 0.5**SMALLEST_STEP, number + 1, MOST_STEPS), x + length * move, there, left

    first = (xp.asarray(0), xp.zeros_like(penalty), objective(xp.zeros_like(penalty)), xp.asarray(np.inf))
    _, x, _, left = while_loop(lambda state: (state[0] < MOST_STEPS) & ~(state[3] < ENOUGH), advance, first)
    t, shares = design @ x, [xp.zeros_like(labels)] * 3
    for _, chance, score, right in mixtures(t):
        other = 1.0 - right
        wrong = xp.where(score < 0.0, right, 0.0) + xp.where(score > 0.0, other, 0.0)
        support = xp.where(score <= 1.0, right, 0.0) + xp.where(score >= -1.0, other, 0.0)
        each = wrong, support, _value(loss, score, right)
        shares = [old + chance * xp.mean(new, axis=1) for old, new in zip(shares, each, strict=True)]
    converged = (left < 1e-8) & xp.all(xp.isfinite(x))
    wrong, support, losses = shares
    bias = x[width] * (1.0 if intercept else 0.0)
    return MixedFit(x[:width], bias, labels * t, wrong, support, losses, converged)


def _value(loss: str, t: Array, right: Array) -> Array:
    """The mean loss of scores t with label +1, of probability `right`, or -1."""
    (name, parameters), xp = rule_parts(loss), namespace(t)
    if name == "logistic":
        return xp.logaddexp(-t, 0.0) + (1.0 - right) * t
    if name == "square":
        return 0.5 * ((1.0 - t) ** 2 * right + (1.0 + t) ** 2 * (1.0 - right))

    def of_margin(margin: Array) -> Array:
        short = xp.maximum(1.0 - margin, 0.0)
        if name == "squared_hinge":
            return 0.5 * short**2
        return xp.where(short < parameters[0], 0.5 * short**2 / parameters[0], short - 0.5 * parameters[0])

    return right * of_margin(t) + (1.0 - right) * of_margin(-t)


def _force(loss: str, t: Array, right: Array) -> tuple[Array, Array]:
    """Minus its slope, and its second derivative."""
    (name, parameters), xp = rule_parts(loss), namespace(t)
    if name == "logistic":
        wrong = 1.0 / (1.0 + xp.exp(xp.minimum(t, 700.0)))
        return wrong - 1.0 + right, wrong * (1.0 - wrong)
    if name == "square":
        return 2.0 * right - 1.0 - t, xp.ones_like(t)

    def of_margin(margin: Array) -> tuple[Array, Array]:
        short = xp.maximum(1.0 - margin, 0.0)
        if name == "squared_hinge":
            return short, xp.where(short > 0.0, 1.0, 0.0)
        (corner,) = parameters
        return xp.minimum(short / corner, 1.0), xp.where((short > 0.0) & (short < corner), 1.0 / corner, 0.0)

    (force, bend), (back, bend_back) = of_margin(t), of_margin(-t)
    return right * force - (1.0 - right) * back, right * bend + (1.0 - right) * bend_back
