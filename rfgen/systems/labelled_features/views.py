"""Linear classifiers of real features that are trained on views: two classes, each normal with its own mean and covariance.

The rows of a class c have the mean m_c and the covariance C_c; views that change coordinates independently have the
common part `gain` times the row and private parts of diagonal covariance.  Rows answer as in theory (16.1) to (16.3), the
weights by matrices, as covariances of the classes and of private parts share no eigenvectors:

    Q = (sum_c chat_c S_c + ridge)^-1,   wbar = Q sum_c pull_c mean_c,   V = Q (sum_c chi_c S_c) Q,

over common and private parts; weights of this law are then tried on the rows themselves.  Equations: theory (16.14).
"""

__all__ = ["DenseWeights", "SeenFeatures", "seen_features", "viewed_feature_classifier"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.equivalents.margin.margin_equilibrium import Forces, margin_equilibrium
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.viewed_groups import ViewedGroups
from rfgen.equivalents.margin.viewed_rows import ViewRule, view_rule
from rfgen.equivalents.margin.weight_response import WeightResponse
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.theory import FeatureClassifier

CLASSES = np.array([1.0, -1.0])


@record
class DenseWeights:
    """Weights that rows pull along `means` (directions, dim), of `covariances` (parts, dim, dim)."""

    covariances: Any
    means: Any
    radius: Any

    @property
    def directions(self) -> int:
        """How many directions the weights are pulled along."""
        return self.means.shape[0]

    @property
    def trace(self) -> Any:
        """The largest gamma, at ridge 1."""
        return jnp.max(jnp.trace(self.covariances, axis1=1, axis2=2))

    def law(self, forces: Forces) -> tuple[Array, Array, Array]:
        """Resolvent, mean and covariance of the weights at ridge 1."""
        eye = jnp.eye(self.means.shape[1])
        resolvent = jnp.linalg.inv(eye + jnp.tensordot(forces.slope, self.covariances, 1))
        power = jnp.tensordot(forces.power, self.covariances, 1)
        return resolvent, resolvent @ (forces.pull @ self.means), resolvent @ power @ resolvent

    def answer(self, forces: Forces, length: Any) -> WeightResponse:
        """The response at ridge 1."""
        del length
        resolvent, mean, variance = self.law(forces)
        second = jnp.outer(mean, mean) + variance
        norm, none = jnp.trace(second), jnp.full((), jnp.nan)
        gamma, spread = (jnp.einsum("gij,ij->g", self.covariances, part) for part in (resolvent, second))
        return WeightResponse(
            gamma=gamma, spread=spread, along=self.means @ mean, norm=norm, of_inputs=norm, nu=jnp.ones(()),
            feature_power=jnp.zeros(()), l1=none, active=none,
        )

    def length(self, answer: WeightResponse) -> Any:
        """The length of the weights."""
        return jnp.sqrt(answer.norm)


@record
class SeenFeatures:
    """Of the classes +1 and -1 `shares` (2,), clean `means` (2, dim) and `covariances` (2, dim, dim); `seen` (parts, dim,
    dim) of common and private parts; `gain`, `rule` and `coarse` of the views; `rows` (N, dim) and their `labels` (N,).
    """

    shares: Any
    means: Any
    covariances: Any
    seen: Any
    gain: Any
    rule: ViewRule | None
    coarse: ViewRule | None
    rows: Any
    labels: Any


def seen_features(task: LabelledFeatures, law: ModeLaw, views: float) -> SeenFeatures:
    """What the theory needs of real rows in `views` views of a `law` of one pattern that treats all features alike."""
    gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
    shape = np.ones(task.dim) if law.shape is None else law.shape
    own = [task.features[task.labels == label] for label in CLASSES]
    means = np.stack([rows.mean(axis=0) for rows in own])
    covariances = np.stack([np.cov(rows.T, bias=True).reshape(task.dim, task.dim) for rows in own])
    seconds = np.stack([np.mean(rows**2, axis=0) for rows in own])
    private = np.stack([np.diag(slope * second + level * shape) for second in seconds])
    alone = views == 1.0 or not private.any()
    seen = gain**2 * covariances + private if alone else np.concatenate([gain**2 * covariances, private])
    rule = None if alone else view_rule(views)
    coarse = None if alone else view_rule(views, True)
    shares = np.array([len(rows) for rows in own]) / task.rows
    return SeenFeatures(shares, means, covariances, seen, gain, rule, coarse, task.features, task.labels)


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def viewed_feature_classifier(
    law: SeenFeatures, n: Any, loss: str, ridge: Any, intercept: bool = False, draws: Any = None
) -> FeatureClassifier:
    """Train on `n` rows of `seen_features(task, law, views)`; as `feature_classifier`, `channel_error` on normal classes,
    `train_error` and `train_loss` of the views, `overlap` and `spread` of class +1.  Derived.

    >>> import rfgen
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(2000, 20))
    >>> task = LabelledFeatures(rows, np.where(rows[:, 0] > 0.0, 1, -1))
    >>> with jax.enable_x64(True):
    ...     law = seen_features(task, rfgen.GaussianNoise(0.3).mode_law(20), np.inf)
    ...     bool(viewed_feature_classifier(law, 80, "logistic", 1.0).converged)
    True
    """
    require_double_precision("rfgen.systems.labelled_features.viewed_feature_classifier")
    law = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), law)
    n, ridge = jnp.asarray(n, jnp.float64), jnp.asarray(ridge, jnp.float64)
    one, place = jnp.ones(2), jnp.arange(2)
    means = law.gain * law.means
    reach = jnp.max(jnp.linalg.norm(law.seen, axis=(1, 2))) + jnp.max(jnp.sum(means**2, axis=1))
    rows = ViewedGroups(n * law.shares, jnp.asarray(CLASSES), one, one, place, place, reach, law.rule, law.coarse, 2, 2)
    weights = DenseWeights(law.seen, means, jnp.zeros_like(ridge))
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    state = solved.state
    _, mean, variance = weights.law(solved.forces)
    wrong, value, _ = rows.measured(state, jnp.zeros_like(ridge), loss_of(loss), solved.scale)
    cdf = jax.scipy.stats.norm.cdf
    scores, deviation = law.rows @ mean + state.intercept, jnp.sqrt(jnp.sum((law.rows @ variance) * law.rows, axis=1))
    spread = jnp.einsum("gij,ij->g", law.covariances, jnp.outer(mean, mean) + variance)
    normal = cdf(-jnp.asarray(CLASSES) * (law.means @ mean + state.intercept) / jnp.sqrt(spread))
    return FeatureClassifier(
        error=jnp.mean(cdf(-law.labels * scores / deviation)), channel_error=law.shares @ normal, train_error=wrong,
        train_loss=value, norm=solved.answer.norm, intercept=state.intercept, overlap=law.means[0] @ mean,
        spread=spread[0], residual=solved.residual, converged=solved.converged,
    )
