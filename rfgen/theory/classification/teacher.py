"""Linear classifiers trained by a convex loss of the margin on labels from a linear teacher.

The score om = w.x of a row left out and the teacher's u = direction.x are jointly normal, with Cov = m and Var om = q.
Given om the label is +1 with a probability that depends on m, q and om alone, and the rows pull along S direction:

    pull = n E[y psi u] + slope m        (no derivative in u: right for the sign teacher too)
    m = direction' S wbar,   the rest as for groups (`rfgen.equivalents.margin.margin_equilibrium`).
"""

__all__ = ["TeacherClassifier", "TeacherMoments", "teacher_classifier", "teacher_moments"]

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.margin_equilibrium import weight_response
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.ridge_path import RESIDUAL_TOLERANCE, loss_of, ridge_path
from rfgen.numerics.compression import compress
from rfgen.numerics.normal_quadrature import normal_nodes
from rfgen.numerics.precision import require_double_precision
from rfgen.numerics.program_maps import sparing_maps
from rfgen.problems.classes.teacher import Teacher

# Gauss-Hermite nodes over u given om, for the logistic link.
_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / np.sqrt(2.0 * np.pi)
SIGNS = (1.0, -1.0)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TeacherMoments:
    """Compressed spectrum: `variances`, `multiplicity` and `power` = (variance * direction)^2 of each level, (levels,);
    `scale` and `flip` of the labels, their `link`.
    """

    variances: Any
    multiplicity: Any
    power: Any
    scale: Any
    flip: Any
    link: str = field(metadata={"static": True})


def teacher_moments(teacher: Teacher) -> TeacherMoments:
    """What the theory needs of a teacher."""
    order = np.argsort(-teacher.variances, kind="stable")
    order = order[teacher.variances[order] >= np.finfo(np.float64).tiny]
    values = teacher.variances[order]
    nodes, rows, _ = compress(values, np.stack([np.ones(values.size), (values * teacher.direction[order]) ** 2]))
    return TeacherMoments(nodes, rows[0], rows[1], teacher.scale, teacher.flip, teacher.link)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TeacherClassifier:
    """A trained classifier, in the limit; scalars (), or batched by vmap.

    `error`: probability that a fresh label of the teacher, link and flip included, is missed; `sign_error`: the same
    against the sign of u; `train_error`; `support`: share of training rows with margin at most 1; `norm`: E|trainable
    weights|^2; `intercept`; `overlap` m = E[u w.x], `spread` q = E[(w.x)^2]; `gamma`; `residual`, `converged`.
    """

    error: Float[Array, "*batch"]
    sign_error: Float[Array, "*batch"]
    train_error: Float[Array, "*batch"]
    support: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch"]
    spread: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Setting:
    moments: Any
    n: Any
    features: Any


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def teacher_classifier(
    moments: TeacherMoments, n: Any, loss: str, ridge: Any = 0.0, features: Any = jnp.inf, intercept: bool = False
) -> TeacherClassifier:
    """Train on `n` rows of `teacher_moments(teacher)`; the other arguments as in `margin_classifier`.

    Exact as n, dimension and features grow together.  Derived.

    >>> import jax, numpy as np
    >>> from rfgen.problems.classes.teacher import Teacher
    >>> teacher = Teacher(np.ones(100), np.ones(100))
    >>> with jax.enable_x64(True):
    ...     found = teacher_classifier(teacher_moments(teacher), 150, "hard_margin")
    ...     round(float(found.sign_error), 3), bool(found.converged)
    (0.222, True)
    """
    require_double_precision("rfgen.theory.teacher_classifier")
    rows = loss_of(loss)
    moments = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), moments)
    n, ridge, features = (jnp.asarray(value, jnp.float64) for value in (n, ridge, features))
    setting = _Setting(moments, n, features)
    trace = jnp.sum(moments.multiplicity * moments.variances)
    x, scale, left = ridge_path(
        partial(_residual, rows, intercept), partial(_start, rows), setting, n * jnp.max(moments.variances), trace,
        ridge, loss,
    )
    return _measured(rows, setting, x, scale, left)


def _law(setting: _Setting, overlap: Any, spread: Any, score: Array) -> tuple[Array, Array]:
    """P(label +1) and E[u; label +1] given scores, each (nodes,)."""
    moments = setting.moments
    # rounding must not make the part of u that is not in the score negative
    rest = jnp.maximum(1.0 - overlap**2 / spread, 1e-12)
    mean = overlap * score / spread
    if moments.link == "logistic":
        u = mean[:, None] + jnp.sqrt(rest) * jnp.asarray(_HERMITE, mean.dtype)
        weighted = jax.nn.sigmoid(u / moments.scale) * jnp.asarray(_HERMITE_WEIGHTS, mean.dtype)
        right, moment = jnp.sum(weighted, axis=1), jnp.sum(weighted * u, axis=1)
    else:
        blur = jnp.sqrt(rest + (moments.scale**2 if moments.link == "probit" else 0.0))
        right = jax.scipy.stats.norm.cdf(mean / blur)
        moment = mean * right + rest / blur * jax.scipy.stats.norm.pdf(mean / blur)
    turned = (1.0 - moments.flip) * right + moments.flip * (1.0 - right)
    return turned, (1.0 - moments.flip) * moment + moments.flip * (mean - moment)


def _rows_of(rows: MarginLoss, setting: _Setting, x: Array, scale: Any, extra: Any = ()) -> list[tuple[Any, ...]]:
    """For either label: scores, weights of the quadrature with its probability, margins, E[u; label]."""
    gamma, overlap, spread, intercept = jnp.exp(x[0]), x[1], jnp.exp(x[2]), x[3]
    found = []
    for label in SIGNS:
        # a steep link bends where the score changes sign
        kinks = jnp.concatenate([jnp.concatenate([label * rows.kinks(gamma, scale), *extra]) - intercept, jnp.zeros(1)])
        score, measure = normal_nodes(0.0, jnp.sqrt(spread), kinks)
        right, moment = _law(setting, overlap, spread, score)
        mean = overlap * score / spread
        share, u = (right, moment) if label > 0 else (1.0 - right, mean - moment)
        found.append((label, measure, share, u, label * (score + intercept)))
    return found


def _response(rows: MarginLoss, setting: _Setting, x: Array, scale: Any) -> tuple[Any, ...]:
    """Sum of forces with the label's sign, their size, and the weights' answer."""
    gamma, overlap = jnp.exp(x[0]), x[1]
    moments, n = setting.moments, setting.n
    balance = along = power = slope = jnp.zeros(())
    for label, measure, share, u, margins in _rows_of(rows, setting, x, scale):
        force, bend = rows.force(margins, gamma, scale)
        balance = balance + label * (measure @ (share * force))
        along = along + label * (measure @ (u * force))
        power, slope = power + measure @ (share * force**2), slope + measure @ (share * bend)
    pull = n * (along + slope * overlap)
    answer = weight_response(
        moments.variances[None], moments.multiplicity, moments.power[None, None], (n * slope)[None], (n * power)[None],
        pull[None], jnp.ones(()), setting.features,
    )  # fmt: skip
    return n * balance, n * jnp.sqrt(power), answer


def _residual(rows: MarginLoss, intercept: bool, setting: _Setting, x: Array, hold: Any, scale: Any) -> Array:
    balance, strength, answer = _response(rows, setting, x, scale)
    return jnp.stack(
        [
            jnp.log(answer.gamma[0]) - x[0],
            (answer.along[0] - x[1]) * jnp.exp(-0.5 * x[2]),
            jnp.log(answer.spread[0]) - x[2],
            balance / strength - hold * x[3] if intercept else x[3],
        ]
    )


def _start(rows: MarginLoss, setting: _Setting, scale: Any) -> Array:
    """Nearly no weights: the answer to the forces on rows of margin 0."""
    moments = setting.moments
    force = rows.force_at(jnp.zeros(())) / scale
    _, moment = _law(setting, jnp.zeros(()), jnp.ones(()), jnp.zeros(1))
    power = (setting.n * force**2)[None]
    answer = weight_response(
        moments.variances[None], moments.multiplicity, moments.power[None, None], jnp.zeros(1), power,
        2.0 * setting.n * force * moment, jnp.ones(()), setting.features,
    )  # fmt: skip
    return jnp.stack([jnp.log(answer.gamma[0]), answer.along[0], jnp.log(answer.spread[0]), jnp.zeros(())])


def _measured(rows: MarginLoss, setting: _Setting, x: Array, scale: Any, left: Any) -> TeacherClassifier:
    gamma, overlap, spread, intercept = jnp.exp(x[0]) / scale, x[1], jnp.exp(x[2]), x[3]
    answer = _response(rows, setting, x, scale)[-1]

    def below(margin: Any, moved: Any) -> Array:
        """Share of rows whose left-out margin is below `margin` - `moved`."""
        total = jnp.zeros(())
        edge = jnp.clip(margin - moved, -1e300, 1e300)
        for _, measure, share, _, margins in _rows_of(rows, setting, x, scale, (jnp.stack([edge, -edge]),)):
            total = total + measure @ jnp.where(margins < edge, share, 0.0)
        return total

    def trained_below(margin: float) -> Array:
        force = rows.force_at(jnp.asarray(margin, jnp.float64))
        return below(margin, jnp.where(force > 0.0, gamma * jnp.where(force > 0.0, force, 1.0), 0.0))

    clean = _Setting(_without_noise(setting.moments), setting.n, setting.features)
    score, measure = normal_nodes(0.0, jnp.sqrt(spread), jnp.stack([-intercept, jnp.zeros(())]))
    positive, _ = _law(clean, overlap, spread, score)
    wrong = jnp.where(score + intercept > 0.0, 1.0 - positive, positive)
    return TeacherClassifier(
        error=below(0.0, 0.0), sign_error=measure @ wrong, train_error=trained_below(0.0), support=trained_below(1.0),
        norm=answer.norm, intercept=intercept, overlap=overlap, spread=spread, gamma=gamma, residual=left,
        converged=left < RESIDUAL_TOLERANCE,
    )  # fmt: skip


def _without_noise(moments: TeacherMoments) -> TeacherMoments:
    return TeacherMoments(
        moments.variances, moments.multiplicity, moments.power, moments.scale, jnp.zeros_like(moments.flip), "sign"
    )
