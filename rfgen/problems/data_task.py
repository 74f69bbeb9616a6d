"""What is learned, from real inputs: a frozen feature map on real examples."""

__all__ = ["DataTask"]

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.task import Task


@dataclass(frozen=True, eq=False)
class DataTask:
    """Ridge regression on frozen features of real inputs: `DataTask(X, y, feature_map=RandomFeatureMap(200, "tanh"))`.

    `inputs` (N, ...), `labels` (N,) or (N, outputs), `feature_map` any callable (N, ...) -> (N, p); `None` uses the inputs
    as features.  The population is the empirical distribution of the N examples: simulation draws rows with
    replacement, and n should stay well below N.  `noise` and `keep_outputs` as in `Task`.  Under augmentation, second
    moments are estimated from `moment_views` views of each example (None: enough for the views asked for, and for 20,000
    views in all).

    >>> import numpy as np
    >>> task = DataTask(np.eye(4), np.array([1.0, -1.0, 1.0, -1.0]))
    >>> task.eigen.eigenvalues
    array([0.25, 0.25, 0.25, 0.25])
    """

    inputs: Any
    labels: Any
    feature_map: Callable[[Any], Any] | None = None
    noise: Any = 0.0
    keep_outputs: bool = False
    moment_views: int | None = None
    kept_moments: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Validate inputs and labels."""
        inputs = validation.array("inputs", self.inputs, tuple(range(2, 7))).copy()
        labels = validation.array("labels", self.labels, (1, 2)).copy()
        if inputs.shape[0] != labels.shape[0]:
            raise ValueError(
                f"labels must have one row per input, got inputs of shape {inputs.shape} and labels of shape {labels.shape}"
            )
        if self.feature_map is not None and not callable(self.feature_map):
            raise ValueError(f"feature_map must be a callable or None, got {self.feature_map!r}")
        noise = validation.non_negative("noise", self.noise)
        outputs = 1 if labels.ndim == 1 else labels.shape[1]
        if noise.ndim and noise.size != outputs:
            raise ValueError(f"noise must be one number or one per output ({outputs}), got {noise.size}")
        if self.moment_views is not None:
            validation.integer("moment_views", self.moment_views, 2)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "labels", labels)

    def __repr__(self) -> str:
        """Say shapes instead of values."""
        return f"DataTask(inputs {self.inputs.shape}, labels {self.labels.shape}, {self.feature_map}, noise={self.noise})"

    @cached_property
    def features(self) -> np.ndarray:
        """Feature rows of every example, (N, p)."""
        given = self.inputs.reshape(self.inputs.shape[0], -1) if self.feature_map is None else self.feature_map(self.inputs)
        rows = validation.array("feature_map(inputs)", given, 2)
        if rows.shape[0] != self.inputs.shape[0]:
            raise ValueError(f"feature_map must return one row per input ({self.inputs.shape[0]}), got shape {rows.shape}")
        return rows

    @cached_property
    def eigen(self) -> Task:
        """The same task in the eigen-coordinates of its features."""
        return Task.from_features(self.features, self.labels, self.noise, self.keep_outputs)
