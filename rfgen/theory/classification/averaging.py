"""The classifier whose weights are the mean of label times input: training by the linear loss.

Without intercept w = mean(y x).  With intercept w is half the difference of the two class means and the threshold lies
midway between them: b = -(|m_+|^2 - |m_-|^2)/4, whose mean holds the sampling noise of the class means, of different size
where classes differ in number or covariance.  Equations: theory (10.12).
"""

__all__ = ["averaging"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.problems.classes.class_groups import ClassMoments
from rfgen.theory.classification.margin import MarginClassifier, margin_classifier, margin_distribution


@needs_double_precision
@partial(jax.jit, static_argnames="intercept")
def averaging(moments: ClassMoments, features: Any = jnp.inf, intercept: bool = False) -> MarginClassifier:
    """Average; arguments and result as in `margin_classifier`.

    For one covariance S, flip rate eta and no intercept: overlap (1 - 2 eta) |mean|^2, spread (1 - 2 eta)^2 mean'S mean +
    tr S^2/n.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100, flip=0.1)
    >>> with jax.enable_x64(True):
    ...     found = averaging(mixture.groups(400).moments)
    ...     [round(float(x), 10) for x in (found.overlap[0] / 2.25, found.spread[0] - 0.64 * 2.25)]
    [0.8, 0.25]
    """
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    counts, labels = moments.counts, moments.labels
    positive = jnp.sum(jnp.where(labels > 0, counts, 0.0))
    sizes = jnp.where(labels > 0, positive, jnp.sum(counts) - positive)
    weights = 0.5 / sizes if intercept else jnp.full_like(counts, 1.0 / jnp.sum(counts))
    found = margin_classifier(replace(moments, weights=weights), "linear", 1.0, features)
    if not intercept:
        return found
    pull = labels * counts * weights
    lengths = (2.0 * labels * pull) @ jnp.sum(moments.overlaps, axis=-1)
    traces = moments.variances @ moments.multiplicity
    # b = -w.(m_+ + m_-)/2, w = (m_+ - m_-)/2
    means = 0.5 * (pull @ lengths)
    noise = jnp.sum(labels * counts * weights**2 * traces)
    found = replace(found, intercept=-(means + noise))
    margin = moments.classes * (found.overlap + found.intercept)
    missed, supporting = (margin_distribution(found, moments, level) for level in (0.0, 1.0))
    return replace(
        found, error=jax.scipy.stats.norm.cdf(-margin / jnp.sqrt(found.spread)), train_error=missed, support=supporting,
        train_loss=-(labels * (found.overlap + found.intercept) + found.gamma),
    )
