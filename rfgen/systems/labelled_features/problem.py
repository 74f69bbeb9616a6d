"""Real features with labels +1 and -1."""

__all__ = ["LabelledFeatures"]

from typing import Any

import numpy as np

from rfgen.problems.rules import numbers
from rfgen.problems.settings import setting
from rfgen.problems.shown import short
from rfgen.problems.system_task import SystemTask
from rfgen.problems.validation import array


def _labels(name: str, value: Any) -> np.ndarray:
    labels = array(name, value)
    if not np.isin(labels, (1.0, -1.0)).all() or np.ptp(labels) == 0.0:
        raise ValueError(f"{name} must be +1 and -1, both there, got {np.unique(labels)[:4].tolist()}")
    return labels


class LabelledFeatures(SystemTask):
    """Real rows of `features` (N, dim) with `labels` (N,), +1 or -1: classifiers train on n of them and meet the others.

    Features are centred: without an intercept the plane goes through their mean.

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(500, 20))
    >>> LabelledFeatures(rows, np.where(rows[:, 0] > 0.0, 1, -1))
    LabelledFeatures(rows=500, dim=20)
    """

    features: Any = setting(numbers(ndim=2))
    labels: Any = setting(_labels)

    def _relate(self) -> None:
        """One label a row, more rows than features, and features that tell something of the labels."""
        rows, dim = self.features.shape
        if self.labels.size != rows:
            raise ValueError(f"labels must have one entry per row of features ({rows}), got {self.labels.size}")
        if rows < 2 * dim:
            raise ValueError(
                f"features must have at least twice as many rows as columns, to know their covariance, got {rows} x {dim}"
            )
        centred = self.features - self.features.mean(axis=0)
        if not (centred.T @ self.labels).any():
            raise ValueError("features must be correlated with the labels, got columns that are not")
        self._set(features=centred)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.features.shape[0]

    @property
    def dim(self) -> int:
        """Number of features."""
        return self.features.shape[1]

    def _shown(self) -> dict[str, str]:
        """Sizes in place of values."""
        return {name: short(getattr(self, name)) for name in ("rows", "dim")}
