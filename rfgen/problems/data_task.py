"""What is learned, from real inputs: a frozen feature map on real examples."""

__all__ = ["DataTask"]

import math
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cached_property
from typing import Any

import numpy as np

from rfgen.numerics.memory import planned
from rfgen.problems import validation
from rfgen.problems.own_functions import refusing
from rfgen.problems.populations.examples import SAMPLINGS
from rfgen.problems.rules import flag, instance, integer, numbers, one_of, optional
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.task import Task

# A feature map of the user's is asked twice for the features of so many inputs.
FEW = 2
# Numbers of a block of examples, 16 MiB.
BLOCK = 1 << 21


class DataTask(Noun):
    """Ridge regression on frozen features of real inputs: `DataTask(X, y, feature_map=RandomFeatureMap(200, "tanh"))`.

    `inputs` (N, ...), `labels` (N,) or (N, outputs), `feature_map` any callable (N, ...) -> (N, p); `None` uses the inputs
    as features.  `sampling` as in `Task.from_kernel`, `noise` and `keep_outputs` as in `Task`.  Under augmentation, second
    moments are estimated from `moment_views` views of each example (None: enough for the views asked for, and for 20,000
    views in all).

    >>> import numpy as np
    >>> task = DataTask(np.eye(4), np.array([1.0, -1.0, 1.0, -1.0]))
    >>> task.eigen.eigenvalues
    array([0.25, 0.25, 0.25, 0.25])
    """

    inputs: Any = setting(numbers(ndim=(2, 3, 4, 5, 6), single=True))
    labels: Any = setting(numbers(ndim=(1, 2)))
    feature_map: Callable[[Any], Any] | None = setting(optional(instance(Callable, "a callable or None")), default=None)
    noise: Any = setting(validation.non_negative, default=0.0)
    keep_outputs: bool = setting(flag, default=False)
    moment_views: int | None = setting(optional(integer(2)), default=None)
    sampling: str = setting(one_of(*SAMPLINGS), default=SAMPLINGS[0])
    kept_moments: dict[Any, Any] = field(default_factory=dict, init=False)

    def _relate(self) -> None:
        """A row of labels an input, a noise an output."""
        if self.inputs.shape[0] != self.labels.shape[0]:
            raise ValueError(
                f"labels must have one row per input, got inputs of shape {self.inputs.shape} and labels of shape "
                f"{self.labels.shape}"
            )
        outputs = 1 if self.labels.ndim == 1 else self.labels.shape[1]
        if self.noise.ndim and self.noise.size != outputs:
            raise ValueError(f"noise must be one number or one per output ({outputs}), got {self.noise.size}")
        if not isinstance(self.feature_map, Noun | None):
            self._mapped(self.inputs[:FEW])

    def _shown(self) -> dict[str, str]:
        """Labels by their range too."""
        return {**super()._shown(), "labels": short(self.labels.reshape(self.labels.shape[0], -1))}

    def map(self, inputs: np.ndarray) -> Any:
        """What the feature map makes of `inputs`, refused where it fails."""
        if self.feature_map is None:
            return inputs.reshape(inputs.shape[0], -1)
        with refusing("feature_map must map inputs (N, ...) to rows (N, p)"):
            return self.feature_map(inputs)

    @cached_property
    def features(self) -> np.ndarray:
        """Feature rows of every example, (N, p), which views are measured with: all at once."""
        shape = (self.inputs.shape[0], self._mapped(self.inputs[:FEW]).shape[1])
        planned(2 * 8 * math.prod(shape), f"features of shape {shape}", "take fewer rows or features")
        return np.concatenate(list(self.blocks()))

    def blocks(self, which: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Feature rows of all examples, or of some, (rows, p) of float64, a block of them at a time."""
        if not isinstance(self.feature_map, Noun | None):
            once, again = (np.asarray(self.map(self.inputs[:FEW]), np.float64) for _ in range(2))
            if not np.allclose(once, again, rtol=1e-3, equal_nan=True):
                raise ValueError("feature_map must give the same for the same inputs: draw its weights once, outside of it")
        width = max(self.inputs[0].size, self._mapped(self.inputs[:FEW]).shape[1])
        step = max(1, BLOCK // width)
        for start in range(0, self.inputs.shape[0] if which is None else which.size, step):
            here = slice(start, start + step)
            yield self._mapped(self.inputs[here if which is None else which[here]].astype(np.float64, copy=False))

    def _mapped(self, inputs: np.ndarray) -> np.ndarray:
        """Feature rows of `inputs`, (N, p)."""
        rows = validation.array("feature_map(inputs)", self.map(inputs), 2)
        if rows.shape[0] != inputs.shape[0]:
            raise ValueError(f"feature_map must return one row per input ({inputs.shape[0]}), got shape {rows.shape}")
        return rows

    @cached_property
    def eigen(self) -> Task:
        """The same task in the eigen-coordinates of its features."""
        # itself as features: they are read in blocks
        return Task.from_features(self, self.labels, self.noise, self.keep_outputs, self.sampling)
