"""The law of a trained classifier's weights, and its error under attack.

Each weight is normal, with mean wbar_i and variance V_ii, or such a number moved towards zero by a threshold; sums over
many of them concentrate.  So the dual norm N* by which
an attack of radius eps lowers every margin is a number: |w|_2 against l2 attacks, |w|_1 against l-infinity ones.
Equations: theory (10.14) and (10.15).
"""

__all__ = ["WeightLaw", "adversarial_error", "weight_law"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.margin.weight_response import shrunk_normal
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.theory.classification.margin import MarginClassifier


@record
class WeightLaw:
    """Weights of the inputs: `mean` and `variance` of each, (dim,); E|w|_1 `l1` and sqrt(E|w|^2) `l2`, scalars."""

    mean: Float[Array, "*batch dim"]
    variance: Float[Array, "*batch dim"]
    l1: Float[Array, "*batch"]
    l2: Float[Array, "*batch"]


@needs_double_precision
def weight_law(found: MarginClassifier, means: Any, variances: Any) -> WeightLaw:
    """The law of the weights of the inputs, from `means` and `variances` (groups, dim) of the `ClassGroups` trained on.

    With random features these are the weights on the inputs, not those trained.  Off the diagonal the weights are
    independent.  Derived.

    >>> import jax, numpy as np, rfgen
    >>> from rfgen.theory.classification.margin import margin_classifier
    >>> groups = rfgen.Mixture(mean=[1.5] + [0.0] * 99, covariance=[1.0] * 100).groups(400)
    >>> with jax.enable_x64(True):
    ...     found = margin_classifier(groups.moments, "logistic", ridge=10.0)
    ...     law = weight_law(found, groups.means, groups.variances)
    ...     bool(abs(law.l2**2 / found.norm - 1) < 1e-10), float(law.mean[1])
    (True, 0.0)
    """
    means, variances = jnp.asarray(means, jnp.float64), jnp.asarray(variances, jnp.float64)
    resolvent = 1.0 / (found.slope @ variances + found.nu)
    power = found.power @ variances + found.feature_power
    law = shrunk_normal(found.pull @ means, power, found.threshold)
    # without a threshold the square of the mean would cancel digits
    variance = jnp.where(found.threshold > 0.0, jnp.maximum(law.square - law.mean**2, 0.0), power) * resolvent**2
    mean = resolvent * law.mean
    return WeightLaw(mean, variance, jnp.sum(resolvent * law.absolute), jnp.sqrt(jnp.sum(mean**2 + variance)))


def adversarial_error(
    found: MarginClassifier, means: Any, variances: Any, classes: Any, radius: Any, norm: str = "l2"
) -> Float[Array, "*batch groups"]:
    """Error of each group, (groups,), if every input is moved against its class by at most `radius` >= 0 in `norm`.

    `norm` "l2" or "linf"; `means`, `variances` (groups, dim), `classes` (groups,) of the `ClassGroups`.  Radius 0 gives
    `found.error`.  A negative radius is a help, not an attack, and refused by the verbs.  Derived.
    """
    law = weight_law(found, means, variances)
    if norm not in ("l2", "linf"):
        raise ValueError(f"norm must be 'l2' or 'linf', got {norm!r}")
    dual = law.l2 if norm == "l2" else law.l1
    margin = jnp.asarray(classes) * (found.overlap + found.intercept) - radius * dual
    return jax.scipy.stats.norm.cdf(-margin / jnp.sqrt(found.spread))
