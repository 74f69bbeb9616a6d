"""Labelled rows in views: each row `views` times, at their share of its weight, or their law where they are endless."""

__all__ = ["AllPairs", "LimitRows", "PatternedViews", "SharedRows", "ViewedRows", "copies", "seen_in_views"]

import math
from dataclasses import field
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.simulation.arrays import namespace
from rfgen.simulation.random_numbers import fold_in, integers
from rfgen.simulation.sampling.labelled_rows import LabelledRows
from rfgen.simulation.sampling.views import VIEWS, one_view_each

# Partners are drawn with a key of their own.
PARTNERS = VIEWS + 1


@record
class LimitRows(LabelledRows):
    """Mean views as `rows`; `private` variances of a view's coordinates about them: (n, dim), and (dim,) for all."""

    private: Any


@record
class SharedRows(LabelledRows):
    """Views as `rows`; `shares` (n,) of each in its row."""

    shares: Any


@record
class AllPairs:
    """Rows of `base`, which are mixed in all pairs with weights from Beta(`concentration`, `concentration`)."""

    base: Any
    concentration: float = field(metadata={"static": True})

    def draw(self, key: Any) -> LabelledRows:
        """The rows of `base`."""
        return self.base.draw(key)


@record
class ViewedRows:
    """`views` of every row of `base`, None: all; `gain` (), `slope` () and `level` (dim,) of their law; with `soft` labels
    a view counts with either label, as much as its own is worth.
    """

    base: Any
    gain: Any
    slope: Any
    level: Any
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int | None = field(metadata={"static": True})
    soft: bool = field(default=False, metadata={"static": True})

    @property
    def owners(self) -> np.ndarray:
        """The row that each view is of."""
        return np.tile(np.repeat(np.arange(self.base.n), self.views or 1), 2 if self.soft else 1)

    def draw(self, key: Any) -> LabelledRows:
        """The rows of `base`, and their views."""
        drawn = self.base.draw(key)
        xp = namespace(drawn.rows)
        if self.views is None:
            private = self.slope * drawn.rows * drawn.rows, self.level
            return LimitRows(self.gain * drawn.rows, drawn.labels, drawn.weights, drawn.member, private)
        count = drawn.labels.shape[0]
        own = np.repeat(np.arange(count), self.views)
        rows, labels, weights, member = (part[own] for part in (drawn.rows, drawn.labels, drawn.weights, drawn.member))
        mate = own
        if self.augmentation.mixes:
            mate = integers(fold_in(key, PARTNERS), own.size, count)
        view = one_view_each(self.augmentation, fold_in(key, VIEWS), rows, drawn.rows[mate])
        seen, weights = xp.asarray(view.input), weights / self.views
        if not self.soft:
            return LabelledRows(seen, labels, weights, member)
        right = 0.5 * (1.0 + labels * (view.own * labels + view.partner * drawn.labels[mate] + view.offset))
        return _either_way(seen, labels, weights, member, right)


@record
class PatternedViews:
    """All views of every row of `base`, few: times `gains` (patterns, dim), `chance` (patterns,) each, with the row's label
    of probability `right` (patterns,).
    """

    base: Any
    gains: Any
    chance: Any
    right: Any
    soft: bool = field(metadata={"static": True})

    @property
    def owners(self) -> np.ndarray:
        """The row that each view is of."""
        return np.tile(np.arange(self.base.n), (2 if self.soft else 1) * len(self.gains))

    def draw(self, key: Any) -> LabelledRows:
        """The rows of `base`, in every pattern."""
        drawn = self.base.draw(key)
        count = drawn.labels.shape[0]
        pattern, own = np.repeat(np.arange(len(self.gains)), count), np.tile(np.arange(count), len(self.gains))
        xp = namespace(drawn.rows)
        gains, chance, right = (xp.asarray(part)[pattern] for part in (self.gains, self.chance, self.right))
        parts = drawn.rows[own] * gains, drawn.labels[own], drawn.weights[own] * chance, drawn.member[own]
        if not self.soft:
            return SharedRows(*parts, chance)
        rows = _either_way(*parts, right)
        return SharedRows(rows.rows, rows.labels, rows.weights, rows.member, rows.shares * xp.concatenate([chance, chance]))


def _either_way(rows: Any, labels: Any, weights: Any, member: Any, right: Any) -> SharedRows:
    """Rows with their labels, which are `right` (n,) with that probability, and with the other ones."""
    xp = namespace(rows)
    shares = xp.concatenate([right, 1.0 - right])
    weights, member = (xp.concatenate([part, part]) for part in (weights, member))
    return SharedRows(xp.concatenate([rows, rows]), xp.concatenate([labels, -labels]), weights * shares, member, shares)


def copies(augmentation: AbstractAugmentation, dim: int) -> int:
    """How many rows stand for one."""
    views = float(augmentation.views)
    if isinstance(augmentation, Augmentation):
        return int(views)
    if augmentation.mixes:
        return 1 if math.isinf(views) else 2 * int(views)
    law = augmentation.mode_law(dim)
    if math.isinf(views):
        return 2 * law.probability.size if _patterned(law) else 1
    return int(views) * (2 if (law.label != 1.0).any() else 1)


def _patterned(law: ModeLaw) -> bool:
    return law.classes > 1 or law.probability.size > 1 or bool((law.label != 1.0).any()) or not law.gain[0, 0]


def seen_in_views(base: Any, augmentation: AbstractAugmentation) -> "ViewedRows | PatternedViews | AllPairs":
    """`base`, a source of labelled rows, in the views of an `augmentation` at single strengths."""
    dim, views = np.atleast_2d(base.deviations).shape[1], float(augmentation.views)
    none = np.zeros(())
    if isinstance(augmentation, Augmentation):  # a function of one's own has no law
        return ViewedRows(base, none, none, np.zeros(dim), augmentation, int(views))
    if augmentation.mixes:
        if math.isinf(views):
            return AllPairs(base, float(augmentation.concentration))  # type: ignore[attr-defined]
        return ViewedRows(base, none, none, np.zeros(dim), augmentation, int(views), True)
    law = augmentation.mode_law(dim)
    if math.isinf(views) and _patterned(law):
        block = np.arange(dim) % law.classes
        if law.breaks is not None:
            block = np.searchsorted(law.breaks, np.arange(dim), side="right") - 1
        soft = bool((law.label != 1.0).any())
        return PatternedViews(base, law.gain[:, block], law.probability, 0.5 * (1.0 + law.label), soft)
    shape = np.ones(dim) if law.shape is None else law.shape
    gain, slope, level = (np.asarray(part[0, 0], np.float64) for part in (law.gain, law.slope, law.level))
    count, soft = None if math.isinf(views) else int(views), bool((law.label != 1.0).any())
    return ViewedRows(base, gain, slope, level * shape, augmentation, count, soft)
