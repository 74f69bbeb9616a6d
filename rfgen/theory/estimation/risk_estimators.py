"""The test risk estimated from the training set alone: generalised cross-validation and leave-one-out, of kernel ridge.

With A = (K + ridge)^-1 and labels y,

    gcv = n |Ay|^2 / (tr A)^2,      loo = mean_i ((Ay)_i / A_ii)^2,

and gcv is identically the kernel alignment risk estimator (KARE).  Both are ratios, so that A may be scaled: here by
ridge where K is singular, by smallest eigenvalue + ridge else.  Then nothing over- or underflows, and ridge 0 is the limit
from above, with A the projection off the rows' span, or K^-1.  A row unlike all others (leverage 1) has no share in that
projection: its ratio is taken in the span.

Both are quadratic forms in y.  For labels that are mostly noise y'A^2 y has the relative variance 2 S_4 / S_2^2,
S_j = tr A^j, which is how far gcv and loo scatter; `estimator_error` predicts it before any data.  Since
S_1 = 1/kappa(ridge) and S_{j+1} = -S_j'/j, it needs three derivatives of 1/kappa, taken along u = log kappa: with
a = n - df1, so that ridge = kappa a, and w = dridge/dkappa = a + da/du,

    2 S_4 / S_2^2 = (2/w) (1 + 7/6 v + v^2/2 - v2/6),    v = w_u/w,  v2 = w_uu/w.

For the full kernel w = n - df2.  For random features, with x = log gamma, b = 1 - df1/features and
p = df1 - df2 = -d df1/dx,   u = x + log b,  so that d/du = rho d/dx with rho = b/(b + p/features), and w = a + rho p.
Equations: theory (2.7), (11.9) and (11.11).
"""

__all__ = ["NEAR", "OUTSIDE", "RiskEstimators", "estimator_error", "reach", "risk_estimators"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import equilibrium, training_group
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.numerics.gram import Gram
from rfgen.problems.spectra.modes import Modes

# A row with less than this, times n, outside the span of the others has none: rounding of the eigenvectors.
OUTSIDE = 64 * np.finfo(np.float64).eps
# Of the weights of the span and of what is off it: below, what such a row's label has off the span is rounding.
NEAR = 1e-6


@record
class RiskEstimators:
    """Estimates at one ridge: `gcv`, `loo` and the `train` error () or (outputs,), in units of the label squared.

    Scalars (): degrees of freedom `df1` = tr K A; effective ridge `kappa` = 1/tr A; `relative_error`, the predicted
    standard error of gcv and of loo as a share of themselves.
    """

    gcv: Any
    loo: Any
    train: Any
    df1: Any
    kappa: Any
    relative_error: Any


def reach(gram: Gram, labels: Any) -> tuple[Any, Any]:
    """What lies off the span of K, of each row, diag(I - UU'), (n,), and of `labels` (n, outputs), (I - UU') labels.

    Of a centred K the constant is no such direction, and labels are to be centred.
    """
    xp = _namespace(labels, gram.vectors)
    n, rank = gram.vectors.shape
    if rank + gram.centred == n:
        return xp.zeros(n), xp.zeros_like(labels)
    outside = 1.0 - gram.centred / n - xp.sum(gram.vectors * gram.vectors, axis=1)
    outside = xp.where(outside > n * OUTSIDE, outside, 0.0)
    left = labels - gram.vectors @ (gram.vectors.T @ labels)
    # the square root of what the row has there: 4e-7 of a label for a share that is none
    told = (outside[:, None] > 0.0) | (xp.abs(left) > n * OUTSIDE * xp.max(xp.abs(labels), axis=0))
    return outside, xp.where(told, left, 0.0)


def risk_estimators(gram: Gram, labels: Any, ridge: Any) -> RiskEstimators:
    """gcv and leave-one-out of kernel ridge regression on the `labels` (n,) or (n, outputs), at one `ridge` >= 0 ().

    `ridge` is unnormalised.  In numpy, or in JAX for JAX labels (float64; traceable, differentiable in ridge and labels).

    Unbiased for the test risk, label noise included, of independent rows (loo: of n - 1 of them) as n grows; wrong for rows
    that share anything but their law, such as views of one sample: see `leave_out`.  The rank of K is that of `gram`.

    Source: derived; gcv is KARE of arXiv 2006.09796.

    >>> rows, labels = np.array([[1.0], [2.0], [2.0]]), np.array([1.0, 2.0, 3.0])
    >>> from rfgen.numerics.gram import gram_of_features
    >>> found = risk_estimators(gram_of_features(rows), labels, 0.0)  # slopes without each row: 5/4, 7/5, 1
    >>> round(float(found.loo), 6), round((0.25**2 + 0.8**2 + 1.0**2) / 3, 6)
    (0.5675, 0.5675)
    """
    xp = _namespace(labels, ridge)
    columns = labels[:, None] if labels.ndim == 1 else labels
    n, rank = gram.vectors.shape
    values, free = gram.values, n - rank - gram.centred
    columns = columns - xp.mean(columns, axis=0) if gram.centred else columns
    outside, left = reach(gram, columns)
    along = gram.vectors.T @ columns

    bottom = values[-1] + ridge if rank else ridge + 1.0
    share = bottom / (values + ridge)
    # the scale of the span's part of A beside that of the rest
    scale = ridge / bottom if free else 1.0
    residual = gram.vectors @ (share[:, None] * along)
    diagonal = (gram.vectors * gram.vectors) @ share
    trace = free + scale * xp.sum(share)
    squares = xp.sum((left + scale * residual) ** 2, axis=0)
    apart = outside[:, None] > 0.0
    beside = xp.where(scale > NEAR, 1.0 / xp.maximum(scale, NEAR), 0.0)
    above = xp.where(apart, left + scale * residual, residual + beside * left)
    below = xp.where(apart, outside[:, None] + scale * diagonal[:, None], diagonal[:, None])
    shrunk = ridge / (values + ridge)
    fitted_off = left + gram.vectors @ (shrunk[:, None] * along)
    second, fourth = free + scale**2 * xp.sum(share**2), free + scale**4 * xp.sum(share**4)
    each = {
        "gcv": n * squares / trace**2, "loo": xp.mean((above / below) ** 2, axis=0),
        "train": xp.mean(fitted_off**2, axis=0),
    }
    if labels.ndim == 1:
        each = {name: value[0] for name, value in each.items()}
    return RiskEstimators(
        **each, df1=int(gram.centred) + xp.sum(values / (values + ridge)), kappa=(ridge if free else bottom) / trace,
        relative_error=xp.sqrt(2.0 * fourth) / second,
    )


def _namespace(*values: Any) -> Any:
    return jnp if any(isinstance(value, jax.Array) for value in values) else np


@needs_double_precision
@jax.jit
def estimator_error(modes: Modes, n: Any, features: Any = jnp.inf, ridge: Any = 0.0) -> Float[Array, ""]:
    """The standard error of gcv, and of leave-one-out, over training sets, as a share of the test risk: a scalar ().

    Arguments as in `risk` (scalars, traceable; ridge unnormalised); the target and the size of the noise play no part.

    Exact for gcv with Gaussian labels that are independent of the inputs, as n grows.  With a target the labels of a
    training set also vary through the inputs: at n = 50 ... 400, noise half of the null risk or more, what was seen lay
    between 0.85 and 1.0 of this, and loo within a few per cent of gcv; with less noise it is less.  The realised test risk
    of one fit scatters too, and hardly with the estimates.  Never above sqrt 2, its value where one eigenvalue of K rules,
    as at n = rank with ridge 0.

    Source: derived.

    >>> import jax, rfgen
    >>> task = rfgen.Task.isotropic(100)
    >>> with jax.enable_x64(True):  # without a kernel to speak of, n independent labels: sqrt(2/n)
    ...     [round(float(estimator_error(task.modes, 200, ridge=ridge)), 4) for ridge in (0.0, 1e9)]
    [0.1414, 0.1]
    """
    features, ridge = (jnp.asarray(value, dtype=jnp.float64) for value in (features, ridge))
    group = training_group(modes, n, 0.0)
    at = equilibrium(group, features, ridge)
    modes = group.modes
    inverse = 1.0 / (modes.eigenvalues + at.gamma)
    learned, missed = modes.eigenvalues * inverse, at.gamma * inverse
    both = modes.multiplicity * learned * missed
    apart = learned - missed
    # p and its derivatives in x
    p, p1 = at.spread, jnp.sum(both * apart)
    p2 = jnp.sum(both * (apart * apart - 2.0 * learned * missed))
    b, q, q1, q2 = at.feature_gap, p / features, p1 / features, p2 / features
    # features = rank at ridge 0: b and q vanish together, and alike
    gone = b + q == 0.0
    total = jnp.where(gone, 1.0, b + q)
    rho = jnp.where(gone, 0.5, b / total)
    rho1 = (q * q - b * q1) / total**2
    rho2 = (q * q1 - b * q2) / total**2 - 2.0 * rho1 * (q + q1) / total
    w = at.row_gap + rho * p
    w_x = p + rho1 * p + rho * p1
    w_xx = p1 + rho2 * p + 2.0 * rho1 * p1 + rho * p2
    safe = jnp.where(w > 0.0, w, 1.0)
    v, v2 = rho * w_x / safe, rho * (rho1 * w_x + rho * w_xx) / safe
    squared = 2.0 / safe * (1.0 + 7.0 / 6.0 * v + 0.5 * v * v - v2 / 6.0)
    return jnp.sqrt(jnp.where(w > 0.0, jnp.minimum(squared, 2.0), 2.0))
