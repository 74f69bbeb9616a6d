"""Gradient steps with the weights of Chebyshev polynomials."""

__all__ = ["Chebyshev"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.trainings.spectral import AbstractTraining, whole_numbers


@dataclass(frozen=True, eq=False, repr=False)
class Chebyshev(AbstractTraining):
    """Chebyshev's semi-iteration (second-order Richardson), for a spectrum between a = `lower_bound` and b = `upper_bound`.

    `w' = w + (omega_t - 1) (w - w_before) - 2 omega_t / (a + b) * gradient`, starting at rest; the weights are omega_1 = 1,
    omega_2 = 1 / (1 - rho^2 / 2), omega_t+1 = 1 / (1 - rho^2 omega_t / 4), rho = (b - a) / (b + a).  Of a direction of
    eigenvalue h, t steps leave T_t(1/rho - 2 h / (b - a)) / T_t(1/rho): of all polynomials of degree t that are 1 at 0 the
    least on [a, b].  0 < a < b, numbers or arrays; the rest as in `GradientDescent`.  Stable while the largest eigenvalue
    is below a + b; what lies below a is learned more slowly.

    >>> Chebyshev(0.1, 3.0, steps=[1, 10])
    Chebyshev(lower_bound=0.1, upper_bound=3, steps=[1, 10])
    """

    lower_bound: Any
    upper_bound: Any
    steps: Any
    ridge: Any = 0.0
    initial_variance: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        for name in ("lower_bound", "upper_bound"):
            self._freeze(name, validation.positive(name, getattr(self, name)))
        if self.lower_bound.max() >= self.upper_bound.min():
            low, high = self.lower_bound.max(), self.upper_bound.min()
            raise ValueError(f"lower_bound must be below upper_bound, got {low:g} and {high:g}")
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        for name in ("ridge", "initial_variance"):
            self._freeze(name, validation.non_negative(name, getattr(self, name)))

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay, bounds and steps."""
        return {name: getattr(self, name) for name in ("ridge", "lower_bound", "upper_bound", "steps")}
