"""Labelled rows in views: each row `views` times, at their share of its weight, or their law where they are endless."""

__all__ = ["ViewedRows", "seen_in_views"]

import math
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.simulation.arrays import namespace
from rfgen.simulation.random_numbers import fold_in
from rfgen.simulation.sampling.labelled_rows import LabelledRows
from rfgen.simulation.sampling.views import VIEWS, one_view_each


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LimitRows(LabelledRows):
    """Mean views as `rows`; `private` variances of a view's coordinates about them: (n, dim), and (dim,) for all."""

    private: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ViewedRows:
    """`views` of every row of `base`, None: all; `gain` (), `slope` () and `level` (dim,) of their law."""

    base: Any
    gain: Any
    slope: Any
    level: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int | None = field(metadata={"static": True})

    @property
    def classes(self) -> Any:
        """True class of each group."""
        return self.base.classes

    def draw(self, key: Any) -> LabelledRows:
        """The rows of `base`, and their views."""
        drawn = self.base.draw(key)
        xp = namespace(drawn.rows)
        if self.views is None:
            private = self.slope * drawn.rows * drawn.rows, self.level
            return LimitRows(self.gain * drawn.rows, drawn.labels, drawn.weights, drawn.member, private)
        own = np.repeat(np.arange(drawn.labels.shape[0]), self.views)
        rows = drawn.rows[own]
        view = one_view_each(self.augmentation, fold_in(key, VIEWS), rows, rows)
        weights = drawn.weights[own] / self.views
        return LabelledRows(xp.asarray(view.input), drawn.labels[own], weights, drawn.member[own])


def seen_in_views(base: Any, augmentation: AbstractAugmentation) -> tuple[ViewedRows, float]:
    """`base`, a source of labelled rows, in the views of an `augmentation` at single strengths; how many there are."""
    deviations = np.atleast_2d(base.deviations)
    law, views = augmentation.mode_law(deviations.shape[1]), float(augmentation.views)
    shape = np.ones(deviations.shape[1]) if law.shape is None else law.shape
    given = (np.asarray(part[0, 0], np.float64) for part in (law.gain, law.slope, law.level))
    gain, slope, level = given
    return ViewedRows(base, gain, slope, level * shape, augmentation, None if math.isinf(views) else int(views)), views
