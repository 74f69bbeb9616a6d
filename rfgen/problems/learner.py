"""Who learns: a training, on how many random features, from augmented data or not."""

__all__ = ["Learner"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.tracing import is_traced
from rfgen.problems import validation
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.problems.trainings.spectral import AbstractTraining


@dataclass(frozen=True, eq=False)
class Learner:
    """Who learns: `Learner(training=Ridge(1e-3), features=None, augmentation=None, test_views=None, resampling=None)`.

    `features=None` (or `math.inf`) is kernel regression; a number or an array of shape (features,) is regression on that
    many random features `z_j(x) = g_j(x) / sqrt(features)`, `g_j` Gaussian processes with the task's kernel.

    `augmentation`, such as `GaussianNoise(0.3, views=4)`: each sample is seen in so many views; the objective is
    `sum_i (mean over views of (y_i - f(view))^2) + ridge ||w||^2`.  On a `Task` it acts on the eigen-coordinates
    `x_i = sqrt(eigenvalue_i) phi_i`, on a `DataTask` or `Task.gaussian_inputs` on the inputs.  `test_views`: predict by
    the mean over this many augmented views of each test input (test-time augmentation); None: on the clean input.

    `resampling`, `Bootstrap()` or `Subsample(share)`: each model is trained on samples drawn from the training set; with
    `members` in `predict`, bagging.

    >>> from rfgen import Ridge
    >>> Learner(Ridge(1e-3), features=256).features
    array(256.)
    """

    training: AbstractTraining
    features: Any = None
    augmentation: AbstractAugmentation | None = None
    test_views: int | None = None
    resampling: AbstractResampling | None = None

    def __post_init__(self) -> None:
        """Validate and freeze; `features` becomes a float array, inf standing for the full kernel."""
        if not isinstance(self.training, AbstractTraining):
            raise ValueError(f"training must be a training such as rg.Ridge(1e-3), got {self.training!r}")
        if is_traced(self.features):
            validation.array("features", self.features)  # refuses with the remedy
        try:
            features = np.asarray(np.inf if self.features is None else self.features, dtype=np.float64)
        except (TypeError, ValueError):
            features = np.full((), np.nan)
        if features.ndim > 1 or np.isnan(features).any():
            raise ValueError(f"features must be None, a number > 0 or an array of them, got {self.features!r}")
        validation.positive("features", np.where(np.isinf(features), np.sign(features), features))
        if self.augmentation is not None and not isinstance(self.augmentation, AbstractAugmentation):
            raise ValueError(
                "augmentation must be an augmentation such as rg.GaussianNoise(0.3, views=4), or rg.Augmentation(function) "
                f"for a function of your own, got {self.augmentation!r}"
            )
        if self.test_views is not None:
            if self.augmentation is None or self.augmentation.mixes:
                raise ValueError("test_views needs an augmentation that changes one input at a time")
            validation.integer("test_views", self.test_views, 1)
        if self.resampling is not None and not isinstance(self.resampling, AbstractResampling):
            raise ValueError(f"resampling must be rg.Bootstrap() or rg.Subsample(share), got {self.resampling!r}")
        features = features.copy()
        features.setflags(write=False)
        object.__setattr__(self, "features", features)

    @property
    def kernel(self) -> bool:
        """Whether this is plain kernel regression."""
        return bool(np.isinf(self.features).all())
