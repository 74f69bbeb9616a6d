"""Linear classifiers of real features: the joint law of the labels and of what features tell of them is kept as it is.

Omega the covariance of the features v, r = E v y, R2 = r'Omega^-1 r; u = v.Omega^-1 r / sqrt(R2) has variance 1.  The rows
enter through the pairs (u, y) that they have, the rest of v as normal and independent of these: a row left out has the
score m u + sqrt(q - m^2) Z, and the weights are pulled along Omega^-1 r by n E[y psi u] + slope m.  Weights of this law,
wbar and V, are then tried on the rows themselves, whose scores need not be normal:

    error = mean of Phi(-y (v.wbar + b) / sqrt(v'V v)).

Random features, rows drawn again and means of models are those of a teacher's.  Equations: theory (8.10), (8.11), (16.14).
"""

__all__ = ["FeatureClassifier", "FeatureLaw", "feature_classifier", "feature_law"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.margin.labelled_groups import scored_forces
from rfgen.equivalents.margin.margin_equilibrium import Forces, MarginState, Weights, margin_equilibrium
from rfgen.equivalents.margin.margin_losses import MarginLoss
from rfgen.equivalents.margin.paired_rows import PairedForces, line_forces, mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes
from rfgen.systems.labelled_features.problem import LabelledFeatures

# Bins of u for each label, alike in number of rows; fewer along the way to a solution of rows drawn again.
BINS, COARSE = 48, 8
# Variances below this part of the largest are none.
NOTHING = 1e-12


@record
class FeatureLaw:
    """Rows by bins: `shares`, `u` and `labels` (bins,); `variances` (dim,) of the features' eigenvectors and `direction`
    (dim,) of u; `rows` (N, dim) in that basis and their `row_labels` (N,); `told`, R2.  `coarse`: shares, u and labels of
    fewer bins.
    """

    shares: Any
    u: Any
    labels: Any
    coarse: Any
    variances: Any
    direction: Any
    rows: Any
    row_labels: Any
    told: Any


def feature_law(task: LabelledFeatures) -> FeatureLaw:
    """What the theory needs of real rows."""
    rows = task.features
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    kept = values > NOTHING * values[-1]
    values, rows = values[kept], rows @ vectors[:, kept]
    told = rows.T @ task.labels / len(rows)
    strength = float(told**2 @ (1.0 / values))
    direction = told / values / np.sqrt(strength)
    bins, coarse = (_binned(rows @ direction, task.labels, count) for count in (BINS, COARSE))
    shares, means, labels = bins
    return FeatureLaw(shares, means, labels, coarse, values, direction, rows, task.labels, strength)


def _binned(u: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Shares, means of u and labels of as many bins for each label."""
    bins = []
    for label in (1.0, -1.0):
        own = np.sort(u[labels == label])
        bins += [(part.size / u.size, part.mean(), label) for part in np.array_split(own, min(count, own.size))]
    # repeated rows weigh nothing, and keep one shape
    bins += [(0.0, bins[-1][1], -1.0)] * (2 * count - len(bins))
    return tuple(np.array(bins).T)


@record
class _Rows:
    """`n` rows of the law; `way` of fewer bins, or None."""

    law: Any
    n: Any
    way: Any = None

    @property
    def weight(self) -> Any:
        return self.n * jnp.max(self.law.variances)

    @property
    def lean(self) -> Any:
        return 0.5 * (self.law.shares @ self.law.labels)

    def margins(self, state: MarginState, shift: Any) -> tuple[Array, Array]:
        """Means (bins,) and the deviation of left-out margins."""
        mean = self.law.labels * (state.overlap[0] * self.law.u + state.intercept) - shift
        return mean, jnp.sqrt(jnp.maximum(state.spread[0] - state.overlap[0] ** 2, 1e-12 * state.spread[0]))

    def forces(self, state: MarginState, shift: Any, loss: MarginLoss, scale: Any) -> Forces:
        mean, deviation = self.margins(state, shift)

        def of_bin(center: Array) -> Array:
            nodes, measure = normal_nodes(center, deviation, loss.kinks(state.gamma[0], scale))
            force, slope = loss.force(nodes, state.gamma[0], scale)
            return jnp.stack([measure @ force, measure @ force**2, measure @ slope])

        force, power, slope = jax.vmap(of_bin, out_axes=1)(mean)
        shares, labels = self.law.shares, self.law.labels
        bend = shares @ slope
        pull = (shares * labels * self.law.u) @ force + bend * state.overlap[0]
        square = shares @ power
        sums = pull[None], square[None], bend[None], shares @ force, (shares * labels) @ force, jnp.sqrt(square)
        return Forces(*(self.n * each for each in sums))

    def pairs(self, state: MarginState, loss: MarginLoss, scale: Any, draws: tuple[Array, Array]) -> PairedForces:
        """By u and the label."""
        mean, deviation = self.margins(state, 0.0)
        one = jnp.ones_like(mean)
        series = line_forces(partial(scored_forces, loss, scale), (mean, deviation * one, state.gamma * one), draws)
        return PairedForces(self.n * self.law.shares, state.overlap[0] ** 2 * one, one[:, None], series)

    def first_forces(self, force: Any) -> Forces:
        shares, labels = self.law.shares, self.law.labels
        square = (force**2)[None]
        sums = (
            (force * (shares @ (labels * self.law.u)))[None], square, jnp.zeros_like(square), force,
            force * (shares @ labels), force,
        )
        return Forces(*(self.n * each for each in sums))


@record
class FeatureClassifier:
    """A trained classifier, in the limit; scalars (), or batched by vmap.

    `error` on the rows themselves, `channel_error` on fresh normal ones with the same (u, y); `train_error`, `train_loss`;
    `norm`, `intercept`, `overlap` m and `spread` q; `residual`, `converged`.  Of rows drawn again, and of means of models,
    the `train_` ones are not to be used.
    """

    error: Float[Array, "*batch"]
    channel_error: Float[Array, "*batch"]
    train_error: Float[Array, "*batch"]
    train_loss: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    intercept: Float[Array, "*batch"]
    overlap: Float[Array, "*batch"]
    spread: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def feature_classifier(
    law: FeatureLaw, n: Any, loss: str, ridge: Any, intercept: bool = False, features: Any = jnp.inf, draws: Any = None,
    members: Any = None,
) -> FeatureClassifier:
    """Train on `n` rows of `feature_law(task)` by `loss` with `ridge` >= 0; all as in `rfgen.theory.margin_classifier`,
    `features` random ones of those that the rows have.

    A few per cent off on real rows, which are not normal; exact as n and dim grow together where they are.  Derived.

    >>> import rfgen
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(2000, 40))
    >>> law = feature_law(LabelledFeatures(rows, np.where(rows[:, 0] > 0.0, 1, -1)))
    >>> with jax.enable_x64(True):
    ...     found = feature_classifier(law, 80, "logistic", 1.0)
    >>> round(float(found.error), 2), bool(found.converged)
    (0.17, True)
    """
    require_double_precision("rfgen.systems.labelled_features.feature_classifier")
    law = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), law)
    n, ridge, features = (jnp.asarray(one, jnp.float64) for one in (n, ridge, features))
    named, way = loss_of(loss), None
    if draws is not None:
        way = _Rows(replace(law, **dict(zip(("shares", "u", "labels"), law.coarse, strict=True))), n)
    population = _Rows(law, n, way)
    push = law.variances * law.direction
    weights = Weights(
        law.variances[None], jnp.ones_like(law.variances), (push**2)[None, None], features,
        jnp.zeros_like(ridge),
    )
    solved = margin_equilibrium(drawn_rows(population, draws), weights, loss, ridge, intercept)
    state, forces, scale = solved.state, solved.forces, solved.scale
    resolvent = 1.0 / (forces.slope[0] * law.variances + solved.answer.nu)
    mean = forces.pull[0] * resolvent * push
    square, spread = law.variances * resolvent**2, state.spread[0]
    variance = (forces.power[0] * law.variances + solved.answer.feature_power) * resolvent**2
    if members is not None:
        shared = mean_spread(population, weights, solved, named, draws, jnp.inf, law.variances[None])[0]
        common = (shared - law.variances @ mean**2) / (law.variances @ square) * square
        variance, spread = common + (variance - common) / members, shared + (spread - shared) / members
    scores = law.rows @ mean + state.intercept
    cdf = jax.scipy.stats.norm.cdf
    centers, deviation = population.margins(state, 0.0)
    _, apart = population.margins(replace(state, spread=spread[None]), 0.0)

    def below(margin: float) -> Array:
        force = named.force_at(jnp.asarray(margin, jnp.float64))
        return law.shares @ cdf((margin - state.gamma[0] / scale * force - centers) / deviation)

    def mean_loss(center: Array) -> Array:
        nodes, measure = normal_nodes(center, deviation, named.kinks(state.gamma[0], scale))
        return measure @ named.value(nodes + state.gamma[0] * named.force(nodes, state.gamma[0], scale)[0])

    return FeatureClassifier(
        error=jnp.mean(cdf(-law.row_labels * scores / jnp.sqrt(law.rows**2 @ variance))),
        channel_error=law.shares @ cdf(-centers / apart), train_error=below(0.0),
        train_loss=law.shares @ jax.vmap(mean_loss)(centers), norm=solved.answer.norm, intercept=state.intercept,
        overlap=state.overlap[0], spread=spread, residual=solved.residual, converged=solved.converged,
    )
