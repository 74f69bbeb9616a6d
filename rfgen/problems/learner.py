"""Who learns: a training, on how many random features, from augmented data or not.  Equations: theory (1.2) and (1.3)."""

__all__ = ["Learner", "checked_members"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.rules import instance, integer, numbers, optional
from rfgen.problems.settings import Noun, setting
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.problems.trainings.spectral import AbstractTraining


def _features(name: str, value: Any) -> np.ndarray:
    try:
        return numbers("(0, inf]")(name, np.inf if value is None else value)
    except ValueError as error:
        raise ValueError(f"{error}; give None for the full kernel, a number > 0 or an array of them") from None


def _augmentation(name: str, value: Any) -> Any:
    own = instance(AbstractAugmentation, "an augmentation such as rg.GaussianNoise(0.3, views=4), or "
                   "rg.Augmentation(function) for a function of your own")
    if isinstance(value, Mapping):
        return {str(domain): own(f"{name} of {domain}", one) for domain, one in value.items()} or None
    return own(name, value)


class Learner(Noun):
    """Who learns: `Learner(training=Ridge(1e-3), features=None, augmentation=None, test_views=None, resampling=None)`.

    `features=None` (or `math.inf`) is kernel regression; a number or an array of shape (features,) is regression on that
    many random features `z_j(x) = g_j(x) / sqrt(features)`, `g_j` Gaussian processes with the task's kernel.

    `augmentation`, such as `GaussianNoise(0.3, views=4)`: each sample is seen in so many views; the objective is
    `sum_i (mean over views of (y_i - f(view))^2) + ridge ||w||^2`.  On a `Task` it acts on the eigen-coordinates
    `x_i = sqrt(eigenvalue_i) phi_i`, on a `DataTask` or `Task.gaussian_inputs` on the inputs.  `test_views`: predict by
    the mean over this many augmented views of each test input (test-time augmentation); None: on the clean input.  On
    `Domains` a mapping, `{"cheap": Mask(0.5)}`, augments the rows of these alone.

    `resampling`, `Bootstrap()` or `Subsample(share)`: each model is trained on samples drawn from the training set; with
    `members` in `predict`, bagging.

    >>> from rfgen import Ridge
    >>> Learner(Ridge(1e-3), features=256)
    Learner(training=Ridge(ridge=0.001), features=256)
    """

    training: AbstractTraining = setting(instance(AbstractTraining, "a training such as rg.Ridge(1e-3)"))
    features: Any = setting(_features, default=None)
    augmentation: Any = setting(optional(_augmentation), default=None)
    test_views: int | None = setting(optional(integer(1)), default=None)
    resampling: AbstractResampling | None = setting(
        optional(instance(AbstractResampling, "rg.Bootstrap() or rg.Subsample(share)")), default=None
    )

    def _relate(self) -> None:
        """Test inputs can be seen in views of their own."""
        apart = isinstance(self.augmentation, Mapping)
        if self.test_views is not None and (self.augmentation is None or apart or self.augmentation.mixes):
            raise ValueError("test_views needs an augmentation that changes one input at a time")

    @property
    def kernel(self) -> bool:
        """Whether this is plain kernel regression."""
        return bool(np.isinf(self.features).all())


def checked_members(learner: Learner, members: Any) -> np.ndarray:
    """`members` (), (sizes,) as floats, for a learner whose models can differ."""
    sizes = validation.array("members", members, (0, 1), infinite=True)
    if (sizes < 1).any() or (sizes != np.round(sizes)).any():
        raise ValueError(f"members must be a whole number >= 1, math.inf or an array of them, got {members!r}")
    start = getattr(learner.training, "initial_variance", 0.0)
    alike = learner.kernel and learner.resampling is None and not np.any(start)
    batches = learner.training.stochastic and learner.training.needs_samples
    if (sizes > 1).any() and alike and not batches:
        raise ValueError(
            "members of an ensemble differ by random features, initial weights, batches or resampled data, and this "
            "learner has none: give rg.Learner(..., features=...) or resampling=..., or leave members out"
        )
    return sizes
