"""The test risk estimated from the training set alone: generalised cross-validation and leave-one-out, of kernel ridge.

With A = (K + ridge)^-1 and labels y,

    gcv = n |Ay|^2 / (tr A)^2,      loo = mean_i ((Ay)_i / A_ii)^2,

and gcv is identically the kernel alignment risk estimator (KARE).  Both are ratios, so that A may be scaled: here by
ridge where K is singular, by smallest eigenvalue + ridge else.  Then nothing over- or underflows, and ridge 0 is the limit
from above, with A the projection off the rows' span, or K^-1.  A row unlike all others (leverage 1) has no share in that
projection: its ratio is taken in the span.

Both are quadratic forms in y.  For labels that are mostly noise y'A^2 y has the relative variance 2 S_4 / S_2^2,
S_j = tr A^j, which is how far gcv and loo scatter; `estimator_error` predicts it before any data.
Equations: theory (2.7) and (11.9).
"""

__all__ = ["RiskEstimators", "reach", "risk_estimators"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.gram import Gram

# A row with less than this, times n, outside the span of the others has none: rounding of the eigenvectors.
OUTSIDE = 64 * np.finfo(np.float64).eps


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
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
    return outside, xp.where(outside[:, None] > 0.0, left, 0.0)


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
    above = xp.where(apart, left + scale * residual, residual)
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
