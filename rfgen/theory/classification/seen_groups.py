"""Labelled groups as gradient training on squares sees them: rows that bags draw several times, and rows in views.

A row drawn k times has the weight k.  The m views v_k of a row are, for squares, their mean with the label and weight 1,
and m - 1 independent differences of variance S_private with the label 0:

    (1/m) sum_k (y - w.v_k)^2 = (y - w.v_mean)^2 + (1/m) sum_j (w.d_j)^2,    d_j = sum_k o_jk v_k, o orthonormal, across 1.

Equations: theory (8.10) and (13.13).
"""

__all__ = ["groups_in_bags", "groups_in_views"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.classes.class_groups import ClassGroups, ClassMoments

# Differences that stand for those of infinitely many views: what is left of their noise is this much less.
ENDLESS = 1e12


def groups_in_bags(moments: ClassMoments, draws: tuple[np.ndarray, np.ndarray]) -> ClassMoments:
    """Every group once for each number of times that its rows may be drawn, behind one another; `draws` = (times, chances),
    (draws,).
    """
    times, chances = draws
    each = {name: np.repeat(getattr(moments, name), times.size, axis=0) for name in ("labels", "classes", "variances")}
    overlaps = np.repeat(np.repeat(moments.overlaps, times.size, axis=0), times.size, axis=1)
    counts, weights = np.outer(moments.counts, chances).ravel(), np.outer(moments.weights, times).ravel()
    return replace(moments, counts=counts, weights=weights, overlaps=overlaps, **each)


def groups_in_views(groups: ClassGroups, law: ModeLaw, views: float) -> ClassMoments:
    """`groups` without rows, as they are tested on; behind them their rows' mean views, and differences, in `views` views
    of a `law` of one pattern that treats all modes alike.
    """
    gain, slope, level = (float(part[0, 0]) for part in (law.gain, law.slope, law.level))
    shape = np.ones(groups.dim) if law.shape is None else law.shape
    private = slope * (groups.variances + groups.means**2) + level * shape
    common, none = gain**2 * groups.variances, np.zeros(groups.groups)
    parts: list[tuple[Any, ...]] = [
        (none, groups.labels, groups.means, groups.variances, groups.weights),
        (groups.counts, groups.labels, gain * groups.means, common + private / views, groups.weights),
    ]
    if views > 1.0 and private.any():
        many = min(views, ENDLESS)
        parts.append((groups.counts * (many - 1.0), none, 0.0 * groups.means, private, groups.weights / many))
    counts, labels, means, variances, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    made = ClassGroups(counts, np.where(labels < 0.0, -1.0, 1.0), means, variances, weights=weights)
    return replace(made.moments, labels=labels, classes=np.tile(groups.classes, len(parts)))
