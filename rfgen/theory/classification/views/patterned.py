"""Linear classifiers trained on views that are moved as a whole: gains, flips, windows removed, labels smoothed.

Equations: theory (16.16) and (16.17).
"""

__all__ = ["PatternedMoments", "patterned_classifier", "patterned_moments", "seen_blocks"]

import math
from dataclasses import field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.margin.margin_equilibrium import margin_equilibrium
from rfgen.equivalents.margin.paired_rows import mean_spread
from rfgen.equivalents.margin.patterned_groups import PatternedGroups
from rfgen.equivalents.margin.patterned_rows import PatternRows, pattern_rows
from rfgen.equivalents.margin.resampled_rows import drawn_rows
from rfgen.equivalents.margin.ridge_path import loss_of
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

# The corner of the hinge is rounded over this width: margins and risks change by less.
CORNER = 1e-5


@record
class PatternedMoments(SeenMoments):
    """`patterns` of the views; `variances` (covariances * blocks, levels) and
    `overlaps` (directions * blocks, directions * blocks, levels) are those of blocks of coordinates.
    """

    patterns: tuple[PatternRows, ...]
    blocks: int = field(metadata={"static": True})


def seen_blocks(
    law: ModeLaw, dim: int, views: float, free: bool, attack: str | None = None
) -> tuple[tuple[PatternRows, ...], np.ndarray]:
    """Kinds of rows of `dim` coordinates in `views` views of a `law` without noise, and the block of each coordinate, as
    rows of ones (blocks, dim).

    Weights that are `free` vanish on a block which infinitely many views turn either way alike, or remove: it is left out.
    """
    if attack and (law.label != 1.0).any():
        raise ValueError("views must keep their labels under attack: against two at once no margin is lowered by a number")
    if law.breaks is None:
        block = np.arange(dim) % law.classes
    else:
        block = np.searchsorted(law.breaks, np.arange(dim), side="right") - 1
    kept = np.unique(block)
    law = ModeLaw(law.probability, law.gain[:, kept], law.slope[:, kept], law.level[:, kept], law.label)
    if free:
        dead = [_dead(law, place, math.isinf(views)) for place in range(kept.size)]
        kept, live = kept[~np.array(dead)], np.flatnonzero(~np.array(dead))
        law = ModeLaw(law.probability, law.gain[:, live], law.slope[:, live], law.level[:, live], law.label)
    if not kept.size:
        raise ValueError("augmentation must leave something to learn from; these views turn coordinates either way alike")
    return pattern_rows(law, views), (block == kept[:, None]).astype(np.float64)


def _dead(law: ModeLaw, place: int, endless: bool) -> bool:
    """Whether views of this block are all zero, or all views of a row are as likely with it turned about."""
    turned = law.gain.copy()
    turned[:, place] *= -1.0

    def listed(gain: np.ndarray) -> dict[tuple[float, ...], float]:
        found: dict[tuple[float, ...], float] = {}
        for chance, label, row in zip(law.probability, law.label, gain + 0.0, strict=True):
            found[(label, *row)] = found.get((label, *row), 0.0) + chance
        return found

    own, other = listed(law.gain), listed(turned)
    alike = own.keys() == other.keys() and all(abs(own[key] - other[key]) < 1e-12 for key in own)
    return not law.gain[:, place].any() or (endless and alike)


def patterned_moments(
    groups: ClassGroups, law: ModeLaw, views: float, intercept: bool = False, free: bool = True, attack: str | None = None
) -> PatternedMoments:
    """What the theory needs of `groups` in `views` views of a `law` of patterns without noise; `free`: no features;
    `attack` as in `viewed_moments`, of views that keep their labels.
    """
    patterns, ones = seen_blocks(law, groups.dim, views, free, attack)
    means, lead, direction = directed(groups)
    clean, covariance = np.unique(groups.variances, axis=0, return_inverse=True)
    parts, pushes = (np.reshape(each[:, None] * ones, (-1, groups.dim)) for each in (clean, means))
    return PatternedMoments(
        *by_levels(parts, clean, pushes, attack),
        *kinds_of_rows(groups, lead, direction, np.ravel(covariance), intercept), patterns, len(ones), attack=attack,
    )


@sparing_maps
@partial(jax.jit, static_argnames=("loss", "intercept"))
def patterned_classifier(
    moments: PatternedMoments, n: Any, loss: str, ridge: Any, features: Any = jnp.inf, intercept: bool = False,
    draws: Any = None, members: Any = None, radius: Any = 0.0,
) -> ViewedClassifier:
    """Train on `n` rows of `patterned_moments(groups, law, views)`; arguments and fields as in `viewed_classifier`.

    Exact as n, dimension and features grow together; means over rows whose views span two and more blocks by 20 nodes a
    dimension and fewer (forces with corners to 1e-3), the hinge with its corner rounded over 1e-5.  Derived.

    >>> import jax, rfgen
    >>> mixture = rfgen.Mixture(mean=[0.15] * 100, covariance=[1.0] * 100, flip=0.1)
    >>> moments = patterned_moments(mixture.groups(200), rfgen.Gain([0.4, 1.6]).mode_law(100), 2.0)
    >>> with jax.enable_x64(True):
    ...     found = patterned_classifier(moments, 200, "logistic", 5.0)
    ...     bool(found.converged)
    True
    """
    require_double_precision("rfgen.theory.patterned_classifier")
    loss = f"hinge({CORNER})" if loss == "hinge" else loss
    moments, n, ridge, features = as_floats((moments, n, ridge, features))
    blocks = moments.blocks
    directions, covariances = moments.overlaps.shape[0] // blocks, moments.clean.shape[0]
    lengths = moments.lengths.reshape(directions, blocks)
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(rows.span)) for rows in moments.patterns])) ** 2
    rows = PatternedGroups(
        n * moments.shares, moments.labels, moments.weights, moments.sign, moments.direction, moments.covariance,
        largest * (jnp.max(moments.variances) + jnp.max(jnp.sum(lengths, axis=1))), moments.patterns, blocks, directions,
        covariances,
    )
    weights = moments.trainable(features, radius)
    solved = margin_equilibrium(drawn_rows(rows, draws), weights, loss, ridge, intercept)
    of_views = rows.measured(solved.state, solved.shift, loss_of(loss), solved.scale)
    overlap = jnp.sum(solved.state.overlap.reshape(directions, blocks), axis=1)
    if members is None:
        spread = weights.scattered(moments.clean, solved.forces, solved.answer)
    else:
        spread = mean_spread(rows, weights, solved, loss_of(loss), draws, members, moments.clean)
    return shown(moments, solved, overlap, spread, of_views, loss)
