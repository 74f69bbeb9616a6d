"""Classes of Gaussian inputs with common eigenvectors, each class with a mean, a spectrum, a number of samples, a label."""

__all__ = ["GaussianMixture"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.system_task import SystemTask


@dataclass(frozen=True, eq=False, repr=False)
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

    counts: Any
    labels: Any
    variances: Any
    means: Any
    multiplicities: Any = None
    bias: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        counts = _whole("counts", self.counts)
        labels = validation.array("labels", self.labels)
        variances = validation.non_negative("variances", self.variances, 2)
        means = validation.array("means", self.means, 2)
        given = np.ones(variances.shape[1]) if self.multiplicities is None else self.multiplicities
        multiplicities = _whole("multiplicities", given)
        if labels.shape != counts.shape:
            raise ValueError(f"labels must have one entry per class ({counts.size}), got shape {labels.shape}")
        if variances.shape[0] != counts.size:
            raise ValueError(f"variances must have one row per class ({counts.size}), got shape {variances.shape}")
        if means.shape != variances.shape:
            raise ValueError(f"means must have the shape of variances, {variances.shape}, got {means.shape}")
        if multiplicities.shape != variances.shape[1:]:
            levels = variances.shape[1]
            raise ValueError(f"multiplicities must have one entry per level ({levels}), got shape {multiplicities.shape}")
        if not isinstance(self.bias, bool):
            raise ValueError(f"bias must be True or False, got {self.bias!r}")
        checked = {"counts": counts, "labels": labels, "variances": variances, "means": means}
        for name, value in {**checked, "multiplicities": multiplicities}.items():
            object.__setattr__(self, name, value.copy())

    @property
    def features(self) -> int:
        """Number of weights."""
        return int(self.multiplicities.sum()) + self.bias

    def __repr__(self) -> str:
        """Say in one line what is learned."""
        return f"GaussianMixture(counts={self.counts.tolist()}, labels={self.labels.tolist()}, features={self.features})"


def _whole(name: str, value: Any) -> np.ndarray:
    numbers = validation.array(name, value)
    if (numbers < 1).any() or (numbers != np.round(numbers)).any():
        raise ValueError(f"{name} must be integers >= 1, got {numbers.tolist()}")
    return numbers.astype(np.int64)
