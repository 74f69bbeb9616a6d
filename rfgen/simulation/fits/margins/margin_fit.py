"""Linear classifiers of one training set, by convex losses of the margin: the estimators themselves, to rounding."""

__all__ = ["FITS", "MarginFit", "Prepared", "loss_values", "margin_fit", "prepared"]

from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.trainings.classifier import rule_parts
from rfgen.simulation.arrays import Array, cholesky, cholesky_solve, cond, eigh, namespace, shifted
from rfgen.simulation.fits.margins.box_quadratic import box_quadratic, by_gram
from rfgen.simulation.fits.margins.logistic_fit import logistic_fit

# Values of the losses at margins t.
LOSSES = {
    "square": lambda t: 0.5 * (1.0 - t) ** 2, "logistic": lambda t: namespace(t).logaddexp(-t, 0.0),
    "hinge": lambda t, width=0.0: _rounded(namespace(t).maximum(1.0 - t, 0.0), width),
    "squared_hinge": lambda t: 0.5 * namespace(t).maximum(1.0 - t, 0.0) ** 2,
}
FITS = (*LOSSES, "hard_margin")
# Least ridge, as part of the longest row's square.  The hinge's minimiser is that of ridge 0 exactly below some ridge, this
# one for margins down to 1e-3 of the longest row; the squared hinge's is off by about this part over the margin's square.
LEAST_RIDGE = {"hinge": 1e-6, "squared_hinge": 1e-9}
# Below this part of the trace the square loss is solved by eigenvalues, with those below rounding left out.
SMALL_RIDGE = 1e-8
# Hard margins are 1 to 1e-12 at the support vectors.
MARGIN_ROUNDING = 1e-6


@record
class MarginFit:
    """`weights` w (dim,), `intercept` b (), `margins` y (x.w + b) of training rows (n,), `support` (n,): rows with margin
    below 1 (hinge: with a positive dual, hard margin: at the margin), `converged` () and `separable` ().

    A hard margin that does not exist has NaN weights and is not separable; other losses always say separable.
    """

    weights: Any
    intercept: Any
    margins: Any
    support: Any
    converged: Any
    separable: Any


@record
class Prepared:
    """Training `rows` (n, dim) less their weighted mean `centre` (dim,), 0 without an intercept, and the Gram matrix `gram`
    that all ridges of a loss share, of rows or of columns; None where none is.
    """

    rows: Any
    centre: Any
    gram: Any


def prepared(rows: Array, weights: Array, loss: str, intercept: bool) -> Prepared:
    """What is the same for all ridges."""
    (n, dim), xp, name = rows.shape, namespace(rows), rule_parts(loss)[0]
    # far from the origin an intercept would cancel all digits
    centre = weights @ rows / xp.sum(weights) if intercept else xp.zeros(dim, rows.dtype)
    moved, gram = rows - centre if intercept else rows, None
    if name == "square":
        scaled = xp.sqrt(weights)[:, None] * moved
        gram = scaled @ scaled.T if n <= dim else scaled.T @ scaled
    elif n <= dim if name == "logistic" else by_gram(n, dim):
        gram = moved @ moved.T
    return Prepared(moved, centre, gram)


def margin_fit(
    rows: Array | Prepared, labels: Array, weights: Array, loss: str, ridge: Any = 1.0, intercept: bool = False
) -> MarginFit:
    """Minimise `sum_i a_i loss(y_i (x_i.w + b)) + (ridge/2) |w|^2` for `rows` (n, dim), or these `prepared` for the loss,
    `labels` y, +1 or -1, and loss `weights` a > 0, both (n,).

    `loss` "square" (1-t)^2/2, "logistic" log(1+e^-t), "hinge" (1-t)_+, "hinge(width)" with its corner made a parabola,
    "squared_hinge" (1-t)_+^2/2, or "hard_margin", which minimises |w|^2 with all margins >= 1 and takes neither ridge nor
    weights.  b is not penalised; 0 without `intercept`.
    `ridge` () >= 0: 0 is the limit from above for the square loss (least squares, of minimum norm); hinge losses take it as
    1e-6, squared 1e-9, of the longest row's square; the logistic loss then needs overlapping classes.  Works in
    min(n, dim) dimensions.  For JAX's arrays, traceable, or NumPy's; needs 64-bit floats.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):  # the margin lies half way between 1 and 3
    ...     x, y = jnp.array([[0.0], [1.0], [3.0], [7.0]]), jnp.array([-1.0, -1, 1, 1])
    ...     fit = margin_fit(x, y, jnp.ones(4), "hard_margin", intercept=True)
    >>> fit.weights.round(6).tolist(), round(float(fit.intercept), 6), fit.support.tolist()
    ([1.0], -2.0, [False, True, True, False])
    """
    loss, parameters = rule_parts(loss)
    if loss not in FITS:
        raise ValueError(f"loss must be one of {', '.join(FITS)}, got {loss!r}")
    if not isinstance(rows, Prepared):
        rows = prepared(rows, weights, loss, intercept)
    moved, centre, gram = rows.rows, rows.centre, rows.gram
    xp = namespace(moved)
    ridge = xp.asarray(ridge, moved.dtype)
    separable = xp.asarray(True)
    if loss == "square":
        found, bias = _least_squares(moved, gram, labels, weights, ridge, intercept)
        converged, support = xp.all(xp.isfinite(found)), None
    elif loss == "logistic":
        found, bias, converged = logistic_fit(moved, labels, weights, ridge, intercept, gram)
        support = None
    else:
        if loss == "hard_margin":
            ridge = xp.ones((), moved.dtype)
        else:
            longest = xp.max(xp.sum(moved * moved, axis=1))
            ridge = xp.maximum(ridge, LEAST_RIDGE[loss] * xp.where(longest > 0.0, longest, 1.0))
        diagonal = 1.0 / weights if loss == "squared_hinge" else parameters[0] / weights if parameters else None
        upper = weights if loss == "hinge" else None
        design = (labels / xp.sqrt(ridge))[:, None] * moved
        gram = None if gram is None else (labels / ridge)[:, None] * gram * labels
        dual = box_quadratic(design, labels, diagonal, upper, intercept, gram)
        found, bias = moved.T @ (labels * dual.dual) / ridge, dual.intercept
        converged, separable, support = dual.converged, dual.separable, dual.active
        if loss == "hard_margin":
            found = xp.where(separable, found, np.nan)
            support = None
    bias = bias if intercept else xp.zeros((), moved.dtype)
    margins = labels * (moved @ found + bias)
    if support is None:
        support = margins < (1.0 + MARGIN_ROUNDING if loss == "hard_margin" else 1.0)
    return MarginFit(found, bias - centre @ found, margins, support, converged, separable)


def loss_values(loss: str, margins: Array) -> Array | None:
    """The loss at `margins`; None where `loss` is a rule without one."""
    name, parameters = rule_parts(loss)
    return LOSSES[name](margins, *parameters) if name in LOSSES else None


def _rounded(short: Array, width: float) -> Array:
    """The hinge, a parabola where it falls `short` of the margin by less than `width`."""
    return namespace(short).where(short < width, 0.5 * short * short / (width or 1.0), short - 0.5 * width)


def _least_squares(
    rows: Array, gram: Array, labels: Array, weights: Array, ridge: Array, intercept: bool
) -> tuple[Array, Array]:
    """Weights and intercept; `rows` are centred where there is an intercept, `gram` is theirs times root weights."""
    xp = namespace(rows)
    bias = weights @ labels / xp.sum(weights) if intercept else xp.zeros((), rows.dtype)
    root = xp.sqrt(weights)
    target, few = root * (labels - bias), rows.shape[0] <= rows.shape[1]
    right = target if few else rows.T @ (root * target)

    def direct() -> Array:
        return cholesky_solve(cholesky(shifted(gram, ridge)), right)

    def least_norm() -> Array:
        values, vectors = eigh(gram)
        kept = values > max(rows.shape) * xp.finfo(rows.dtype).eps * values[-1]
        return vectors @ (xp.where(kept, 1.0 / xp.where(kept, values + ridge, 1.0), 0.0) * (vectors.T @ right))

    inner = cond(ridge > SMALL_RIDGE * xp.trace(gram), direct, least_norm)
    return (rows.T @ (root * inner) if few else inner), bias
