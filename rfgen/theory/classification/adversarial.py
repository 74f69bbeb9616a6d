"""Adversarial training against attacks of bounded coordinates: an l1 penalty that sets itself.

Every input is moved against its class by at most `radius` in each coordinate, which lowers its margin by radius |w|_1.  The
sum of the forces then pulls every weight towards zero by `threshold = radius sum psi`
(`rfgen.equivalents.margin.weight_response`).  Equations: theory (10.16) and (10.17).
"""

__all__ = ["LinfClassifier", "linf_training"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.margin.labelled_groups import LabelledGroups
from rfgen.equivalents.margin.margin_equilibrium import SparseWeights, margin_equilibrium
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import HARD
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.theory.classification.margin import MarginClassifier, measured_margins


@record
class LinfClassifier(MarginClassifier):
    """A classifier trained under attack: also `robust_error`, on inputs attacked within the radius trained for, against the
    true class, (groups,); `l1` E|w|_1, and `active`, the share of weights that are not zero.
    """

    robust_error: Float[Array, "*batch groups"]
    l1: Float[Array, "*batch"]
    active: Float[Array, "*batch"]


@needs_double_precision
def linf_training(
    groups: Any, loss: str, ridge: Any = 0.0, radius: Any = 0.0, intercept: bool = False, draws: Any = None
) -> LinfClassifier:
    """Minimise `sum_i a_i loss(t_i - radius |w|_1) + (ridge/2) |w|^2` over `groups`, a `ClassGroups` (`Mixture.groups(n)`).

    `loss` and `draws` as in `margin_classifier`, hard margins aside; `ridge` > 0, `radius` >= 0 scalars, traceable; radius
    0 is `margin_classifier`.  Exact as counts and dimension grow together, no direction standing out but the means.

    Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100)
    >>> with jax.enable_x64(True):
    ...     found = linf_training(mixture.groups(400), "logistic", ridge=1.0, radius=0.05)
    ...     round(float(found.robust_error[0] - found.error[0]), 3), bool(found.converged)
    (0.098, True)
    """
    if loss in (HARD, "linear"):
        raise ValueError(f"loss must be square, logistic, hinge or squared_hinge under attack, got {loss!r}")
    given = groups.counts, groups.labels, groups.weights, groups.means, groups.variances, groups.classes, ridge, radius
    return _trained(*(jnp.asarray(value, jnp.float64) for value in given), draws, loss, intercept)


@partial(jax.jit, static_argnames=("loss", "intercept"))
def _trained(
    counts: Array, labels: Array, weights: Array, means: Array, variances: Array, classes: Array, ridge: Array,
    radius: Array, draws: Any, loss: str, intercept: bool,
) -> LinfClassifier:
    rows = LabelledGroups(counts, labels, weights, jnp.max(variances) + jnp.max(jnp.sum(means**2, axis=1)))
    solved = margin_equilibrium(drawn_rows(rows, draws), SparseWeights(variances, means, radius), loss, ridge, intercept)
    threshold = radius * solved.forces.total
    found = measured_margins(solved, rows, classes, loss, threshold)
    margin = classes * (found.overlap + found.intercept)
    robust = jax.scipy.stats.norm.cdf((solved.shift - margin) / jnp.sqrt(found.spread))
    return LinfClassifier(**vars(found), robust_error=robust, l1=solved.answer.l1, active=solved.answer.active)
