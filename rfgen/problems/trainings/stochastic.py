"""Stochastic gradient descent: on fresh samples (one pass), or on batches drawn from a training set (many passes)."""

__all__ = ["SGD", "AcceleratedSGD", "OnePassSGD"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.trainings.spectral import AbstractTraining, momenta, whole_numbers


class _OnePass(AbstractTraining):
    """What trainings on fresh samples share: `batch`, `average_from`, `steps`, and no training set."""

    needs_samples = False
    batch: Any
    steps: Any
    average_from: Any

    def _common(self) -> None:
        self._freeze("batch", whole_numbers("batch", self.batch, 1))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))
        if self.average_from is not None:
            start = whole_numbers("average_from", self.average_from, 0)
            if start.max() > self.steps.max():
                raise ValueError(
                    f"average_from must be within the run of {self.steps.max()} steps, got {start.max()}: the window would "
                    "hold no iterate"
                )
            self._freeze("average_from", start)

    def _with_window(self, axes: dict[str, Any]) -> dict[str, np.ndarray]:
        window = {} if self.average_from is None else {"average_from": self.average_from}
        return {**axes, "batch": self.batch, **window, "steps": self.steps}


@dataclass(frozen=True, eq=False, repr=False)
class OnePassSGD(_OnePass):
    """One pass of stochastic gradient descent: every step draws `batch` fresh samples and never sees them again.

    `w <- w + rate * mean over the batch of x (y - x.w)`, from w = 0, on the half squared error.  With `momentum` the step
    adds `momentum * (w - w_before)` (heavy ball), and with `nesterov` the gradient is taken there.  `rate` > 0 and
    0 <= `momentum` < 1 are numbers, arrays (rates,), (momenta,), or functions of the step number t = 0, 1, ... that take
    and return arrays: a schedule.  `batch` and `steps` are whole numbers or arrays of them.  With `average_from` (steps,
    a number or an array) the predictor from that step on is the mean of all iterates since, the one at that step included.

    >>> OnePassSGD(rate=lambda t: 0.5 / (1 + t / 20), steps=[10, 100], batch=2).axes
    {'batch': array(2), 'steps': array([ 10, 100])}
    """

    rate: Any
    steps: Any
    batch: Any = 1
    momentum: Any = 0.0
    nesterov: bool = False
    average_from: Any = None

    def __post_init__(self) -> None:
        """Validate and freeze; schedules are asked for their values when a curve needs them."""
        _flags(self, "nesterov")
        if not callable(self.rate):
            self._freeze("rate", validation.positive("rate", self.rate))
        if not callable(self.momentum):
            self._freeze("momentum", momenta(self.momentum))
        self._common()

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Rate and momentum unless scheduled, batch, window and steps."""
        given = {"rate": self.rate, "momentum": self.momentum}
        if not callable(self.momentum) and self.momentum.ndim == 0 and self.momentum == 0:
            given.pop("momentum")
        return self._with_window({name: value for name, value in given.items() if not callable(value)})

    def schedules(self, steps: int) -> dict[str, np.ndarray]:
        """Values (steps,) of those settings that are functions of the step number."""
        found = {}
        for name, most in (("rate", np.inf), ("momentum", 1.0)):
            value = getattr(self, name)
            if callable(value):
                found[name] = _scheduled(name, value, steps, most)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class AcceleratedSGD(_OnePass):
    """Accelerated stochastic gradient descent on fresh samples: two sequences of weights, w and v, both from 0.

    `u = alpha w + (1 - alpha) v`, `w' = u - delta g(u)`, `v' = beta u + (1 - beta) v - gamma g(u)`, where g(u) is the mean
    over the batch of `x (x.u - y)`; the predictor is w.  `alpha` and `beta` lie in [0, 1], `gamma` and `delta` are >= 0;
    each is a number or an array.  The rest as in `OnePassSGD`.  The iteration of arXiv 2311.14222.

    >>> AcceleratedSGD(alpha=0.9, beta=0.1, gamma=0.5, delta=0.1, steps=100).gamma
    array(0.5)
    """

    alpha: Any
    beta: Any
    gamma: Any
    delta: Any
    steps: Any
    batch: Any = 1
    average_from: Any = None

    def __post_init__(self) -> None:
        """Validate and freeze."""
        _no_schedules(self, "alpha", "beta", "gamma", "delta")
        for name in ("alpha", "beta", "gamma", "delta"):
            value = validation.non_negative(name, getattr(self, name))
            if name in ("alpha", "beta") and (value > 1).any():
                raise ValueError(f"{name} must be in [0, 1], got {value.max()}")
            self._freeze(name, value)
        if self.gamma.min() == 0 and self.delta.min() == 0:
            raise ValueError("gamma or delta must be > 0, got 0 for both: nothing would be learned")
        self._common()

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """All four settings, batch, window and steps."""
        return self._with_window({name: getattr(self, name) for name in ("alpha", "beta", "gamma", "delta")})

    def schedules(self, steps: int) -> dict[str, np.ndarray]:
        """No setting is a function of the step number."""
        del steps
        return {}


@dataclass(frozen=True, eq=False, repr=False)
class SGD(AbstractTraining):
    """Stochastic gradient descent on a training set of n samples: every step draws `batch` of them, with replacement.

    `w <- w + rate * (mean over the batch of x (y - x.w) - ridge/n w)`, from w = 0; momentum as in `OnePassSGD`.  `rate` >
    0, `batch` (whole, at most n), 0 <= `momentum` < 1, weight decay `ridge` >= 0 (unnormalised as in `Ridge`) and `steps`
    (whole) are numbers or arrays.

    `finite_size` adds the first correction to `predict` for spectra of few effective dimensions, (trace)^2 / (trace of
    squares) of 10 or so.  Use it when n exceeds the number of weights, or before the first epoch ends (steps < n/batch);
    elsewhere the plain limit is the better one.  `reshuffle` draws without replacement within each epoch: another
    algorithm, which `simulate` runs and `predict` refuses to claim.

    >>> SGD(rate=0.5, steps=[10, 100], batch=8).batch
    array(8)
    """

    rate: Any
    steps: Any
    batch: Any = 1
    momentum: Any = 0.0
    nesterov: bool = False
    ridge: Any = 0.0
    finite_size: bool = False
    reshuffle: bool = False

    def __post_init__(self) -> None:
        """Validate and freeze."""
        _flags(self, "nesterov", "finite_size", "reshuffle")
        _no_schedules(self, "rate", "momentum")
        self._freeze("rate", validation.positive("rate", self.rate))
        self._freeze("momentum", momenta(self.momentum))
        self._freeze("batch", whole_numbers("batch", self.batch, 1))
        self._freeze("ridge", validation.non_negative("ridge", self.ridge))
        self._freeze("steps", whole_numbers("steps", self.steps, 0))

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Weight decay, rate, momentum unless 0, batch and steps."""
        momentum = {} if self.momentum.ndim == 0 and self.momentum == 0 else {"momentum": self.momentum}
        return {"ridge": self.ridge, "rate": self.rate, **momentum, "batch": self.batch, "steps": self.steps}


def _flags(training: Any, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(training, name), (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False, got {getattr(training, name)!r}")


def _no_schedules(training: Any, *names: str) -> None:
    for name in names:
        if callable(getattr(training, name)):
            raise ValueError(f"{name} must be numbers for {type(training).__name__}; only OnePassSGD takes schedules")


def _scheduled(name: str, function: Callable[[np.ndarray], Any], steps: int, most: float) -> np.ndarray:
    """Values of a schedule, checked."""
    if steps == 0:
        return np.zeros(0)
    try:
        values = np.asarray(function(np.arange(steps)))
        if np.iscomplexobj(values):
            raise TypeError("it returned complex numbers")
        values = np.broadcast_to(values.astype(np.float64), (steps,))
    except Exception as error:  # noqa: BLE001  whatever a user's function raises
        raise ValueError(
            f"{name} as a function must take the array of step numbers 0, 1, ... and return one number each (np.where "
            f"instead of if); it failed: {error}"
        ) from None
    bad = ~(np.isfinite(values) & (values >= 0) & (values < most))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        limits = "finite and >= 0" if np.isinf(most) else f"in [0, {most:g})"
        raise ValueError(f"{name} must be {limits} at every step, got {values[first]:g} at step {first}")
    return values.copy()
