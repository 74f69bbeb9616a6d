"""Linear discriminant analysis, for any class sizes and covariances.

Least squares on labels +1 and -1 with an intercept gives the discriminant's direction, whatever the class sizes: with D
the difference of the mean scores of the two classes of training rows,

    w_LDA = n^2 / (n_+ n_- (2 - D)) w,    W^-1 (m_+ - m_-) n,    W the scatter within classes,

so its error follows from the equilibrium of the square loss at ridge 0, and the midpoint of the two class means from the
mean scores.  For balanced classes of one covariance, dim = p < n, Delta = 2 |S^-1/2 mean|, the error is
Phi(-(Delta/2) sqrt(1 - p/n) Delta / sqrt(Delta^2 + 4 p/n)).  Equations: theory (10.13).
"""

__all__ = ["discriminant"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.problems.classes.class_groups import ClassMoments
from rfgen.theory.classification.margin import MarginClassifier, margin_classifier


@needs_double_precision
@partial(jax.jit, static_argnames="intercept")
def discriminant(moments: ClassMoments, features: Any = jnp.inf, intercept: bool = False) -> MarginClassifier:
    """Fisher's discriminant; arguments and result as in `margin_classifier`, weights of the rows left out.

    `intercept`: the threshold midway between the class means, moved by the logarithm of the ratio of class sizes; without
    it the threshold is 0.  `converged` is False where the pooled covariance is singular: as many dimensions (or features)
    as rows.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100)
    >>> with jax.enable_x64(True):
    ...     found = discriminant(mixture.groups(250).moments, intercept=True)
    ...     closed = jax.scipy.stats.norm.cdf(-1.5 * (1 - 0.4) ** 0.5 * 3 / (9 + 4 * 0.4) ** 0.5)
    >>> round(float(found.error[0]), 12) == round(float(closed), 12)
    True
    """
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    moments = replace(moments, weights=jnp.ones_like(moments.counts))
    counts, labels = moments.counts, moments.labels
    fitted = margin_classifier(moments, "square", 0.0, features, intercept=True)
    total = jnp.sum(counts)
    positive = jnp.sum(jnp.where(labels > 0, counts, 0.0))
    negative = total - positive
    # mean trained score of each group, label * t, t = (w + gamma)/(1 + gamma)
    score = labels * (labels * (fitted.overlap + fitted.intercept) + fitted.gamma) / (1.0 + fitted.gamma)
    high = jnp.sum(jnp.where(labels > 0, counts * score, 0.0)) / positive
    low = jnp.sum(jnp.where(labels < 0, counts * score, 0.0)) / negative
    scale = total**2 / (positive * negative * (2.0 - (high - low)))
    moved = -0.5 * (high + low) + jnp.log(positive / negative) / scale if intercept else -fitted.intercept
    threshold = fitted.intercept + moved
    deviation = jnp.sqrt(fitted.spread)
    dim = jnp.sum(jnp.where(jnp.max(moments.variances, axis=0) > 0.0, moments.multiplicity, 0.0))
    regular = total > jnp.minimum(dim, jnp.asarray(features, jnp.float64)) + 1.0
    trained, width = labels * (score + moved), deviation / (1.0 + fitted.gamma)
    return replace(
        fitted, intercept=threshold * scale, overlap=fitted.overlap * scale, spread=fitted.spread * scale**2,
        norm=fitted.norm * scale**2, pull=fitted.pull * scale, power=fitted.power * scale**2,
        feature_power=fitted.feature_power * scale**2, train_loss=jnp.full_like(trained, jnp.nan),
        error=jax.scipy.stats.norm.cdf(-moments.classes * (fitted.overlap + threshold) / deviation),
        train_error=jax.scipy.stats.norm.cdf(-trained / width),
        support=jax.scipy.stats.norm.cdf((1.0 / scale - trained) / width),
        residual=jnp.where(regular, fitted.residual, jnp.inf), converged=fitted.converged & regular, loss="discriminant",
    )
