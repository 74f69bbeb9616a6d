"""Who learns: a training, on how many random features."""

__all__ = ["Learner"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.precision import is_traced
from rfgen.problems import validation
from rfgen.problems.training import Ridge


@dataclass(frozen=True, eq=False)
class Learner:
    """Who learns: `Learner(training=Ridge(1e-3), features=None)`.

    `features=None` (or `math.inf`) is kernel regression; a number or an array of shape (features,) is regression on that
    many random features `z_j(x) = g_j(x) / sqrt(features)`, `g_j` Gaussian processes with the task's kernel.

    >>> Learner(Ridge(1e-3), features=256).features
    array(256.)
    """

    training: Ridge
    features: Any = None

    def __post_init__(self) -> None:
        """Validate and freeze; `features` becomes a float array, inf standing for the full kernel."""
        if not isinstance(self.training, Ridge):
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
        features = features.copy()
        features.setflags(write=False)
        object.__setattr__(self, "features", features)

    @property
    def kernel(self) -> bool:
        """Whether this is plain kernel regression."""
        return bool(np.isinf(self.features).all())
