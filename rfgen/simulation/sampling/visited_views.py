"""Training sets whose samples are seen in new views at every visit."""

__all__ = ["VisitedSample", "VisitedSampler", "visited"]

from dataclasses import field, replace
from typing import Any

import numpy as np

from rfgen.numerics.compilation.record import record
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.simulation.arrays import Array
from rfgen.simulation.sampling.limit_views import LimitSampler
from rfgen.simulation.sampling.samplers import FiniteSampler, GaussianSampler, Sample, SphereSampler
from rfgen.simulation.sampling.views import AugmentedSampler, augmented


@record
class VisitedSample(Sample):
    """Clean rows and labels, how they are seen at a visit, and rows of the mean squared residual over all views, as of
    `LimitSampler`: `every_row` (rows, modes), `every_target`, `every_error` (rows, outputs).  0 `views` are
    all of them, by `limit`.
    """

    every_row: Array
    every_target: Array
    every_error: Array
    limit: LimitSampler
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})


@record
class VisitedSampler:
    """Training sets of `base`; `limit`: the same sets in all views."""

    base: Any
    limit: LimitSampler
    augmentation: AbstractAugmentation = field(metadata={"static": True})
    views: int = field(metadata={"static": True})

    def draw(self, key: Any, shared: Any, n: int) -> VisitedSample:
        """One training set of `n` samples."""
        sample = self.base.draw(key, shared, n)
        every = self.limit.of(sample)
        return VisitedSample(
            **vars(sample), every_row=every.rows, every_target=every.targets, every_error=every.errors, limit=self.limit,
            augmentation=self.augmentation, views=self.views,
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """What tells it apart beside its arrays and its augmentation."""
        return (*self.base.identity, self.views)

    def rows(self, n: int) -> int:
        """Rows of a training set of `n` samples, in all views."""
        return self.limit.rows(n)

    @property
    def modes(self) -> int:
        """Number of coordinates of a row."""
        return self.base.modes


def visited(
    base: GaussianSampler | FiniteSampler | SphereSampler, task: Task, augmentation: AbstractAugmentation
) -> VisitedSampler:
    """The samples of `base`, a sampler of `task`, in fresh views of an augmentation at single strengths."""
    drawn, limit = augmented(base, task, augmentation), augmented(base, task, replace(augmentation, views=np.inf))
    if not isinstance(limit, LimitSampler):
        raise TypeError("views must be of eigen-coordinates")
    if not isinstance(drawn, AugmentedSampler):
        return VisitedSampler(base, limit, augmentation, 0)
    return VisitedSampler(base, limit, drawn.augmentation, drawn.views)
