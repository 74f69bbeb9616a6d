"""Linear classifiers trained on augmented rows: a loss of the margin, averaged over the views of each row.

Equations: theory (16.1), (16.2) and (16.3).
"""

__all__ = ["ViewedMoments", "viewed_classifier", "viewed_moments"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.margin.margin_equilibrium import margin_equilibrium
from rfgen.equivalents.margin.paired_rows import mean_spread
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
from rfgen.equivalents.margin.viewed_groups import ViewedGroups
from rfgen.equivalents.margin.viewed_rows import ViewRule, view_rule
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.theory.classification.views.seen import (
    SeenMoments,
    ViewedClassifier,
    as_floats,
    by_levels,
    directed,
    kinds_of_rows,
    shown,
)


@record
class ViewedMoments(SeenMoments):
    """Parts of `variances`: covariances of common parts, then of private ones; `gain`: means of views are this times the
    clean ones; `rule` of the views, None for one, and `coarse`, for the way.
    """

    gain: Any
    rule: ViewRule | None
    coarse: ViewRule | None


def viewed_moments(
    groups: ClassGroups, law: ModeLaw, views: Any, intercept: bool = False, attack: str | None = None
) -> ViewedMoments:
    """What the theory needs of `groups` seen in `views` views of a `law` of one pattern that treats all modes alike, where
    training is under `attack`: "l2", or "linf".

    Without `intercept` a row and its mirror image, of the other label, say the same.
    """
    gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
    shape = np.ones(groups.dim) if law.shape is None else law.shape
    seconds = groups.variances + groups.means**2
    common, private = gain**2 * groups.variances, slope * seconds + level * shape
    means, lead, direction = directed(groups)
    parts = np.stack([groups.variances, common, private], axis=1).reshape(groups.groups, -1)
    kinds, covariance = np.unique(parts, axis=0, return_inverse=True)
    clean, common, private = np.moveaxis(kinds.reshape(-1, 3, groups.dim), 1, 0)
    alone = views == 1.0 or not private.any()
    trained = common + private if alone else np.concatenate([common, private])
    rule = None if alone else view_rule(float(views))
    coarse = None if alone else view_rule(float(views), True)
    return ViewedMoments(
        *by_levels(trained, clean, gain * means, attack),
        *kinds_of_rows(groups, lead, direction, np.ravel(covariance), intercept), gain, rule, coarse, attack=attack,
    )


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def viewed_classifier(
    moments: ViewedMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None, radius: Any = 0.0,
) -> ViewedClassifier:
    """Train on `n` rows of `viewed_moments(groups, law, views)`: minimise `sum_i a_i mean_k loss(t_ik) + (ridge/2) |w|^2`
    over all views k of each row; `draws`, and of single views `members`, as in `margin_classifier`.  Every view is moved by
    up to `radius`, against its label, by the attack that the moments are made for: t_ik - radius |w| stands for t_ik.

    `loss` as in `margin_classifier`, hard margins aside; `n`, `ridge` >= 0, `features` > 0 scalars, traceable.  Exact as n,
    dimension and features grow together, and many coordinates change independently in a view.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100, flip=0.1)
    >>> moments = viewed_moments(mixture.groups(200), rfgen.GaussianNoise(0.25).mode_law(100), float("inf"))
    >>> with jax.enable_x64(True):
    ...     found = viewed_classifier(moments, 200, "logistic", 5.0)
    ...     round(float(found.error[0]), 3), bool(found.converged)
    (0.174, True)
    """
    require_double_precision("rfgen.theory.viewed_classifier")
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    directions, covariances = moments.overlaps.shape[0], moments.clean.shape[0]
    rows = ViewedGroups(
        n * moments.shares, moments.labels, moments.weights, moments.sign, moments.direction, moments.covariance,
        jnp.max(moments.variances) + jnp.max(moments.lengths), moments.rule, moments.coarse, directions, covariances,
    )
    weights = moments.trainable(features, radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    of_views = rows.measured(solved.state, solved.shift, loss_of(loss), solved.scale)
    if members is None:
        spread = weights.scattered(moments.clean, solved.forces, solved.answer)
    else:
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.clean)
    return shown(moments, solved, solved.state.overlap / moments.gain, spread, of_views, loss)
