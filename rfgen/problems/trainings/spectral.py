"""How a learner is trained."""

__all__ = [
    "AbstractTraining", "Chebyshev", "GradientDescent", "GradientFlow", "HeavyBall", "IteratedRidge", "Nesterov", "Ridge",
    "momentum_below_one",
]

from typing import Any, ClassVar

import numpy as np

from rfgen.problems.rules import flag, numbers, optional, whole
from rfgen.problems.settings import Noun, setting
from rfgen.problems.validation import non_negative, positive

momentum_below_one = numbers("[0, 1)")


class AbstractTraining(Noun):
    """What all trainings share: settings, which are dimensions of a curve where they are arrays."""

    # Whether there is a training set of n samples, rather than a stream of fresh ones; whether steps see batches.
    needs_samples = True
    stochastic = False
    # The norm of the attack on training rows; what trains: the "loss" of rows, their "margin", or their "means" alone.
    attack: ClassVar[str | None] = None
    objective = "loss"

    @property
    def clock(self) -> Any:
        """The setting along which training is followed, the last of the axes; None of what is not stopped."""
        return next((name for name in ("time", "steps") if hasattr(self, name)), None)

    @property
    def initial_variance(self) -> np.ndarray:
        """Variance of each initial weight, () or (levels,)."""
        return np.zeros(())


class Ridge(AbstractTraining):
    """Ridge regression: minimise `sum_i (y_i - f(x_i))^2 + ridge ||w||^2`.

    `ridge` is unnormalised, the `alpha` of scikit-learn's `Ridge` and `KernelRidge`; a number or an array of shape
    (ridges,).  Ridge 0 is the limit from above: least squares, of minimum norm where it interpolates.  Negative ridges,
    down to minus the smallest eigenvalue of the Gram matrix, are served by `predict`, `simulate` and `check` on a `Task` or
    `DataTask`; see `optimal_ridge`.  `intercept`: f(x) = w.x + b, b not penalised; on two classes (`Mixture`) only.

    >>> Ridge([1e-3, 0.1]).ridge
    array([0.001, 0.1  ])
    """

    ridge: Any = setting(numbers(), default=0.0, axis=True)
    intercept: bool = setting(flag, default=False)


class GradientFlow(AbstractTraining):
    """Gradient flow, stopped at `time`, on `(sum_i (y_i - f(x_i))^2 + ridge ||w||^2) / (2 n)`.

    `time` >= 0, a number or an array (times,) in any order; `math.inf`, the default, is the end of training.  `ridge` >= 0
    is weight decay, unnormalised as in `Ridge`, a number or an array (ridges,).  Weights start as independent centred
    Gaussians of variance `initial_variance`: a number, the same for all weights (of the features where there are any), or
    an array (levels,), one variance for each level of the task's spectrum (kernel regression only).

    >>> GradientFlow([1.0, 10.0]).time
    array([ 1., 10.])
    """

    time: Any = setting(numbers("[0, inf]"), default=np.inf, axis=True)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    initial_variance: Any = setting(non_negative, default=0.0)


class GradientDescent(AbstractTraining):
    """Full-batch gradient descent: `w <- w - rate * gradient` of `(sum_i (y_i - f(x_i))^2 + ridge ||w||^2) / (2 n)`.

    `rate` > 0, a number or an array (rates,); `steps` whole numbers >= 0, one or an array (steps,) in any order.  `ridge`
    and `initial_variance` as in `GradientFlow`.  Stable while rate times the largest eigenvalue of the training second
    moment, plus ridge/n, is below 2.

    >>> GradientDescent(rate=0.5, steps=[1, 10, 100]).steps
    array([  1,  10, 100])
    """

    rate: Any = setting(positive, axis=True)
    steps: Any = setting(whole(0), axis=True)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    initial_variance: Any = setting(non_negative, default=0.0)


class HeavyBall(AbstractTraining):
    """Gradient descent with momentum (Polyak): `w' = w - rate * gradient + momentum * (w - w_before)`, starting at rest.

    0 <= `momentum` < 1, a number or an array (momenta,); the rest as in `GradientDescent`.  Stable while rate times the
    largest eigenvalue is below 2 (1 + momentum).

    >>> HeavyBall(rate=0.5, momentum=0.9, steps=[10, 100]).momentum
    array(0.9)
    """

    rate: Any = setting(positive, axis=True)
    momentum: Any = setting(momentum_below_one, axis=True)
    steps: Any = setting(whole(0), axis=True)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    initial_variance: Any = setting(non_negative, default=0.0)


class Nesterov(AbstractTraining):
    """Nesterov's accelerated gradient: `v = w + momentum_t (w - w_before)`, `w' = v - rate * gradient(v)`.

    `momentum` None is the schedule t / (t + 3), t = 0 first; or a number, or an array (momenta,), 0 <= momentum < 1.  The
    rest as in `GradientDescent`.  Stable while rate times the largest eigenvalue is below (2 + 2 momentum) /
    (1 + 2 momentum); 4/3 for the schedule.

    >>> Nesterov(rate=0.5, steps=100).momentum is None
    True
    """

    rate: Any = setting(positive, axis=True)
    steps: Any = setting(whole(0), axis=True)
    momentum: Any = setting(optional(momentum_below_one), default=None, axis=True)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    initial_variance: Any = setting(non_negative, default=0.0)


class IteratedRidge(AbstractTraining):
    """Self-distillation: ridge regression fitted `steps` times, each time to the training predictions of the one before.

    Weights `w = S^(steps-1) (S + ridge/n)^(-steps) X'y/n` with S = X'X/n; `steps` = 1 is `Ridge(ridge)`.  `ridge` >= 0, a
    number or an array (ridges,); `steps` whole numbers >= 1, one or an array (steps,) in any order.

    >>> IteratedRidge(0.1, steps=[1, 2, 3]).steps
    array([1, 2, 3])
    """

    ridge: Any = setting(non_negative, axis=True)
    steps: Any = setting(whole(1), axis=True)


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
        """Something lies between."""
        if self.lower_bound.max() >= self.upper_bound.min():
            low, high = self.lower_bound.max(), self.upper_bound.min()
            raise ValueError(f"lower_bound must be below upper_bound, got {low:g} and {high:g}")
