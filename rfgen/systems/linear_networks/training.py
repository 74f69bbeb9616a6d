"""Gradient flow of a deep linear network."""

__all__ = ["DeepLinearFlow"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.trainings.spectral import AbstractTraining, whole_numbers


@dataclass(frozen=True, eq=False, repr=False)
class DeepLinearFlow(AbstractTraining):
    """Gradient flow of a linear network of `depth` layers and one output, stopped at `time`.

    On |y - W_D ... W_1 X|^2 / (2 n), from balanced weights whose product has `length` > 0 and a random direction.  `time`
    >= 0 and finite and `depth`, a whole number >= 1, may be arrays; depth 1 is `GradientFlow` from weights of that length.

    >>> DeepLinearFlow([1.0, 10.0], depth=2, length=0.3)
    DeepLinearFlow(time=[1, 10], depth=2, length=0.3)
    """

    time: Any
    depth: Any
    length: Any

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("time", validation.non_negative("time", self.time))
        self._freeze("depth", whole_numbers("depth", self.depth, 1))
        self._freeze("length", validation.positive("length", self.length, 0))

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Depth and time."""
        return {"depth": self.depth, "time": self.time}
