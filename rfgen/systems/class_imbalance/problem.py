"""Classes of Gaussian inputs with common eigenvectors, each class with a mean, a spectrum, a number of samples, a label;
and gradient descent that weighs classes.
"""

__all__ = ["ClassDescent", "GaussianMixture"]

from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.rules import flag, numbers, one_of, optional, whole
from rfgen.problems.settings import setting
from rfgen.problems.shown import short
from rfgen.problems.system_task import SystemTask
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.problems.validation import non_negative, positive


class GaussianMixture(SystemTask):
    """Class g: `counts[g]` inputs x ~ N(mean, covariance), all with the label `labels[g]`.

    The coordinates are eigenvectors of every class's covariance and come in levels.  Level l holds `multiplicities[l]` of
    them (by default 1), in which class g has the variance `variances[g, l]` each; along the first of them stands its mean,
    of length `means[g, l]` (sign included).  Class means that differ within equal variances need a level for each direction
    they span.  `bias`: a constant feature 1 beside the inputs.

    `counts`, `labels` (classes,), `variances`, `means` (classes, levels), `multiplicities` (levels,).

    >>> two = GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
    >>> two.features
    121
    """

    counts: Any = setting(whole(1))
    labels: Any = setting(numbers(ndim=1))
    variances: Any = setting(partial(non_negative, ndim=2))
    means: Any = setting(numbers(ndim=2))
    multiplicities: Any = setting(optional(whole(1)), default=None)
    bias: bool = setting(flag, default=False)

    def _relate(self) -> None:
        """One entry a class and a level."""
        if self.multiplicities is None:
            self._set(multiplicities=np.ones(self.variances.shape[1], np.int64))
        classes, levels = self.variances.shape
        if self.labels.shape != self.counts.shape:
            raise ValueError(f"labels must have one entry per class ({self.counts.size}), got shape {self.labels.shape}")
        if self.counts.shape != (classes,):
            raise ValueError(
                f"variances must have one row per class ({self.counts.size}), got shape {self.variances.shape}"
            )
        if self.means.shape != self.variances.shape:
            raise ValueError(f"means must have the shape of variances, {self.variances.shape}, got {self.means.shape}")
        if self.multiplicities.shape != (levels,):
            raise ValueError(
                f"multiplicities must have one entry per level ({levels}), got shape {self.multiplicities.shape}"
            )

    @property
    def features(self) -> int:
        """Number of weights."""
        return int(self.multiplicities.sum()) + self.bias

    def _shown(self) -> dict[str, str]:
        """The number of weights in place of variances and means."""
        return {name: short(getattr(self, name)) for name in ("counts", "labels", "features")}


WEIGHTINGS = ("plain", "balanced", "normalised")


class ClassDescent(AbstractTraining):
    """Full-batch descent from weights 0 on the square loss of each class: `w' = w + rate * sum_g weight_g g_g`.

    g_g is minus half the gradient of the mean loss of class g; its weight is, by `weighting`, "plain": the share of the
    class in the samples, "balanced": one over the number of classes, "normalised": 1/|g_g|, each class at the same speed.
    `rate` > 0, a number or an array; `steps` whole numbers >= 0, one or an array; 0 <= `momentum` < 1, of heavy ball.

    >>> ClassDescent(0.2, steps=[1, 10], weighting="balanced")
    ClassDescent(rate=0.2, steps=[1, 10], weighting='balanced')
    """

    rate: Any = setting(positive, axis=True)
    steps: Any = setting(whole(0), axis=True)
    weighting: str = setting(one_of(*WEIGHTINGS), default="plain")
    momentum: Any = setting(numbers("[0, 1)", 0), default=0.0)
