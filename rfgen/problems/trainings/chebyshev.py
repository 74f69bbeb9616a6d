"""Gradient steps with the weights of Chebyshev polynomials."""

__all__ = ["Chebyshev"]

from typing import Any

from rfgen.problems.rules import whole
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.problems.validation import non_negative, positive


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

    lower_bound: Any = setting(positive, axis=True)
    upper_bound: Any = setting(positive, axis=True)
    steps: Any = setting(whole(0), axis=True)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    initial_variance: Any = setting(non_negative, default=0.0)

    def _relate(self) -> None:
        low, high = self.lower_bound.max(), self.upper_bound.min()
        if low >= high:
            raise ValueError(f"lower_bound must be below upper_bound, got {low:g} and {high:g}")
