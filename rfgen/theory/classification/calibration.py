"""Whether sigmoid(score) is the probability of the label +1, as a logistic classifier says.

Scores s and labels have a known joint law: of Gaussian groups, or of a teacher.  With p(s) = P(+1 | s): the calibration
error E|sigmoid(s) - p(s)|, the log loss, the Brier score, and the temperature T at which sigmoid(s / T) has the least log
loss: above 1 the classifier is too sure.  Where probabilities are nearly right those of finite sets scatter about them, and
their mean calibration error is larger.  Equations: theory (16.6).
"""

__all__ = ["Calibration", "group_calibration", "teacher_calibration"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.margin.taught_rows import label_law
from rfgen.numerics.compilation.record import record
from rfgen.numerics.continuation import newton
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.theory.classification.teacher import TeacherMoments


@record
class Calibration:
    """`calibration_error`, `temperature`, `log_loss` and `brier` score (the mean square error of the probability), ()."""

    calibration_error: Float[Array, "*batch"]
    temperature: Float[Array, "*batch"]
    log_loss: Float[Array, "*batch"]
    brier: Float[Array, "*batch"]


def group_calibration(means: Any, variances: Any, classes: Any, shares: Any) -> Calibration:
    """Of groups of `classes` +1 and -1 and `shares`, whose scores, intercept included, have `means` and `variances`,
    (groups,).

    Two classes of opposite means M and one variance q, alike in number, without intercept: T = q / (2 M).

    >>> import jax, numpy as np
    >>> with jax.enable_x64(True):
    ...     found = group_calibration(np.array([2.0, -2.0]), np.array([5.0, 5.0]), np.array([1.0, -1.0]), np.ones(2) / 2)
    ...     round(float(found.temperature), 8)
    1.25
    """
    means, variances, shares = (jnp.asarray(each, jnp.float64) for each in (means, variances, shares))
    deviations, classes = jnp.sqrt(variances), jnp.asarray(classes)
    scores, measure = jax.vmap(lambda mean, deviation: normal_nodes(mean, deviation, jnp.zeros(1)))(means, deviations)
    scores, measure = scores.ravel(), (shares[:, None] * measure).ravel()
    depth = -0.5 * ((scores[:, None] - means) / deviations) ** 2 - jnp.log(deviations) + jnp.log(shares)
    odds = [jax.nn.logsumexp(depth, axis=1, b=jnp.where(classes == sign, 1.0, 0.0)) for sign in (1.0, -1.0)]
    return _calibration(scores, measure, jax.nn.sigmoid(odds[0] - odds[1]))


def teacher_calibration(moments: TeacherMoments, overlap: Any, spread: Any, intercept: Any) -> Calibration:
    """Of fresh labels of the teacher of `moments`; `overlap`, `spread` and `intercept` of a `TeacherClassifier`."""
    scores, measure = normal_nodes(0.0, jnp.sqrt(spread), jnp.stack([jnp.zeros(()), -intercept]))
    right, _ = label_law(moments, overlap, spread, scores)
    return _calibration(scores + intercept, measure, right)


def _calibration(scores: Array, measure: Array, right: Array) -> Calibration:
    said = jax.nn.sigmoid(scores)
    value = right * jax.nn.softplus(-scores) + (1.0 - right) * jax.nn.softplus(scores)
    size = jnp.sqrt(measure @ scores**2)

    def slope(x: Array) -> Array:
        """Of the log loss by the inverse temperature."""
        return jnp.stack([measure @ (scores * (jax.nn.sigmoid(jnp.exp(x[0]) * scores) - right)) / size])

    # probabilities that say nothing have an infinite temperature, and a negative one turns them round
    found, left = newton(slope, -jnp.log(size)[None], 1e-13)
    return Calibration(
        calibration_error=measure @ jnp.abs(said - right),
        temperature=jnp.where(left < 1e-9, jnp.exp(-found[0]), jnp.nan), log_loss=measure @ value,
        brier=measure @ (right * (1.0 - said) ** 2 + (1.0 - right) * said**2),
    )
