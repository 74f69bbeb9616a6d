"""Gradient descent that weighs classes."""

__all__ = ["ClassDescent"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.trainings.spectral import AbstractTraining, momenta, whole_numbers

WEIGHTINGS = ("plain", "balanced", "normalised")


@dataclass(frozen=True, eq=False, repr=False)
class ClassDescent(AbstractTraining):
    """Full-batch descent from weights 0 on the square loss of each class: `w' = w + rate * sum_g weight_g g_g`.

    g_g is minus half the gradient of the mean loss of class g; its weight is, by `weighting`, "plain": the share of the
    class in the samples, "balanced": one over the number of classes, "normalised": 1/|g_g|, each class at the same speed.
    `rate` > 0, a number or an array; `steps` whole numbers >= 0, one or an array; 0 <= `momentum` < 1, of heavy ball.

    >>> ClassDescent(0.2, steps=[1, 10], weighting="balanced")
    ClassDescent(rate=0.2, steps=[1, 10], weighting='balanced')
    """

    rate: Any
    steps: Any
    weighting: str = "plain"
    momentum: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("rate", validation.positive("rate", self.rate))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        self._freeze("momentum", momenta(validation.array("momentum", self.momentum, 0)))
        if self.weighting not in WEIGHTINGS:
            raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {self.weighting!r}")

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Rate and steps."""
        return {"rate": self.rate, "steps": self.steps}
