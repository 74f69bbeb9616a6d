"""How a learner is trained."""

__all__ = [
    "AbstractTraining",
    "GradientDescent",
    "GradientFlow",
    "HeavyBall",
    "IteratedRidge",
    "Nesterov",
    "Ridge",
    "momenta",
    "require_flag",
    "whole_numbers",
]

from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np

from rfgen.problems import validation


class AbstractTraining:
    """What all trainings share: their settings, frozen, and which of them are dimensions of a curve."""

    # Whether there is a training set of n samples, rather than a stream of fresh ones.
    needs_samples = True

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Settings that are dimensions of a curve where they are arrays; the clock, `time` or `steps`, comes last."""
        raise NotImplementedError

    @property
    def initial_variance(self) -> np.ndarray:
        """Variance of each initial weight, () or (levels,)."""
        return np.zeros(())

    def _freeze(self, name: str, value: np.ndarray) -> None:
        value = value.copy()
        value.setflags(write=False)
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """The settings that are not their defaults; long arrays by their ends."""
        parts = []
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if each.default is not MISSING and np.array_equal(value, each.default):
                continue
            parts.append(f"{each.name}={_short(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _short(value: Any) -> str:
    if isinstance(value, (bool, str, AbstractTraining)):
        return repr(value)
    if callable(value):
        return getattr(value, "__name__", "schedule")
    values = np.ravel(value).tolist()
    if np.ndim(value) == 0:
        return f"{values[0]:g}" if values[0] is not None else "None"
    shown = [f"{each:g}" for each in (values if len(values) <= 4 else [*values[:2], values[-1]])]
    return f"[{', '.join(shown if len(values) <= 4 else [*shown[:2], '...', shown[2]])}]"


@dataclass(frozen=True, eq=False, repr=False)
class Ridge(AbstractTraining):
    """Ridge regression: minimise `sum_i (y_i - f(x_i))^2 + ridge ||w||^2`.

    `ridge` is unnormalised, the `alpha` of scikit-learn's `Ridge` and `KernelRidge`; a number or an array of shape
    (ridges,).  Ridge 0 is the limit from above: least squares, of minimum norm where it interpolates.  `intercept`:
    f(x) = w.x + b, b not penalised; on two classes (`Mixture`) only.

    >>> Ridge([1e-3, 0.1]).ridge
    array([0.001, 0.1  ])
    """

    ridge: Any = 0.0
    intercept: bool = False

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("ridge", validation.non_negative("ridge", self.ridge))
        require_flag("intercept", self.intercept)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The ridge."""
        return {"ridge": self.ridge}


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlow(AbstractTraining):
    """Gradient flow, stopped at `time`, on `(sum_i (y_i - f(x_i))^2 + ridge ||w||^2) / (2 n)`.

    `time` >= 0, a number or an array (times,) in any order; `math.inf` is the end of training. `ridge` >= 0 is weight
    decay, unnormalised as in `Ridge`, a number or an array (ridges,).  Weights start as independent centred Gaussians of
    variance `initial_variance`: a number, the same for all weights (of the features where there are any), or an array
    (levels,), one variance for each level of the task's spectrum (kernel regression only).

    >>> GradientFlow([1.0, 10.0]).time
    array([ 1., 10.])
    """

    time: Any
    ridge: Any = 0.0
    initial_variance: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        try:
            time = np.asarray(self.time, np.float64)
        except (TypeError, ValueError):
            time = validation.array("time", self.time)  # refuses by name
        validation.non_negative("time", np.where(np.isposinf(time), 0.0, time))
        self._freeze("time", time)
        _common(self)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay and time."""
        return {"ridge": self.ridge, "time": self.time}


@dataclass(frozen=True, eq=False, repr=False)
class GradientDescent(AbstractTraining):
    """Full-batch gradient descent: `w <- w - rate * gradient` of `(sum_i (y_i - f(x_i))^2 + ridge ||w||^2) / (2 n)`.

    `rate` > 0, a number or an array (rates,); `steps` whole numbers >= 0, one or an array (steps,) in any order.  `ridge`
    and `initial_variance` as in `GradientFlow`.  Stable while rate times the largest eigenvalue of the training second
    moment, plus ridge/n, is below 2.

    >>> GradientDescent(rate=0.5, steps=[1, 10, 100]).steps
    array([  1,  10, 100])
    """

    rate: Any
    steps: Any
    ridge: Any = 0.0
    initial_variance: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("rate", validation.positive("rate", self.rate))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        _common(self)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay, rate and steps."""
        return {"ridge": self.ridge, "rate": self.rate, "steps": self.steps}


@dataclass(frozen=True, eq=False, repr=False)
class HeavyBall(AbstractTraining):
    """Gradient descent with momentum (Polyak): `w' = w - rate * gradient + momentum * (w - w_before)`, starting at rest.

    0 <= `momentum` < 1, a number or an array (momenta,); the rest as in `GradientDescent`.  Stable while rate times the
    largest eigenvalue is below 2 (1 + momentum).

    >>> HeavyBall(rate=0.5, momentum=0.9, steps=[10, 100]).momentum
    array(0.9)
    """

    rate: Any
    momentum: Any
    steps: Any
    ridge: Any = 0.0
    initial_variance: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("rate", validation.positive("rate", self.rate))
        self._freeze("momentum", momenta(self.momentum))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        _common(self)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay, rate, momentum and steps."""
        return {"ridge": self.ridge, "rate": self.rate, "momentum": self.momentum, "steps": self.steps}


@dataclass(frozen=True, eq=False, repr=False)
class Nesterov(AbstractTraining):
    """Nesterov's accelerated gradient: `v = w + momentum_t (w - w_before)`, `w' = v - rate * gradient(v)`.

    `momentum` None is the schedule t / (t + 3), t = 0 first; or a number, or an array (momenta,), 0 <= momentum < 1.  The
    rest as in `GradientDescent`.  Stable while rate times the largest eigenvalue is below (2 + 2 momentum) /
    (1 + 2 momentum); 4/3 for the schedule.

    >>> Nesterov(rate=0.5, steps=100).momentum is None
    True
    """

    rate: Any
    steps: Any
    momentum: Any = None
    ridge: Any = 0.0
    initial_variance: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("rate", validation.positive("rate", self.rate))
        if self.momentum is not None:
            self._freeze("momentum", momenta(self.momentum))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        _common(self)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay, rate, momentum (unless scheduled) and steps."""
        momentum = {} if self.momentum is None else {"momentum": self.momentum}
        return {"ridge": self.ridge, "rate": self.rate, **momentum, "steps": self.steps}


@dataclass(frozen=True, eq=False, repr=False)
class IteratedRidge(AbstractTraining):
    """Self-distillation: ridge regression fitted `steps` times, each time to the training predictions of the one before.

    Weights `w = S^(steps-1) (S + ridge/n)^(-steps) X'y/n` with S = X'X/n; `steps` = 1 is `Ridge(ridge)`.  `ridge` >= 0, a
    number or an array (ridges,); `steps` whole numbers >= 1, one or an array (steps,) in any order.

    >>> IteratedRidge(0.1, steps=[1, 2, 3]).steps
    array([1, 2, 3])
    """

    ridge: Any
    steps: Any

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("ridge", validation.non_negative("ridge", self.ridge))
        self._freeze("steps", whole_numbers("steps", self.steps, 1))

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Ridge and steps."""
        return {"ridge": self.ridge, "steps": self.steps}


def _common(training: Any) -> None:
    training._freeze("ridge", validation.non_negative("ridge", training.ridge))
    training._freeze("initial_variance", validation.non_negative("initial_variance", training.initial_variance))


def whole_numbers(name: str, value: Any, least: int) -> np.ndarray:
    """`value`, () or 1-d, as integers >= `least`."""
    whole = validation.array(name, value, (0, 1))
    if (whole < least).any() or (whole != np.round(whole)).any():
        raise ValueError(f"{name} must be whole numbers >= {least}, got {value!r}")
    if (whole > 2**53).any():
        raise ValueError(f"{name} must be at most 2^53, got {value!r}")
    return whole.astype(np.int64)


def momenta(value: Any) -> np.ndarray:
    """`value`, () or 1-d, as momenta in [0, 1)."""
    found = validation.non_negative("momentum", value)
    if (found >= 1).any():
        raise ValueError(f"momentum must be in [0, 1), got {found.max()}")
    return found


def require_flag(name: str, value: Any) -> None:
    """Refuse what is not True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
