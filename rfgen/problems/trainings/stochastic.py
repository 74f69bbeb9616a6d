"""Stochastic gradient descent: on fresh samples (one pass), or on batches drawn from a training set (many passes)."""

__all__ = ["DANA", "SGD", "AcceleratedSGD", "OnePassSGD"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.problems.own_functions import refusing
from rfgen.problems.rules import Rule, flag, number, numbers, optional, whole
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining, momentum_below_one
from rfgen.problems.validation import non_negative, positive


def _or_schedule(rule: Rule) -> Rule:
    """A function of the step number, asked for its values when a curve needs them, or what `rule` asks for."""
    return lambda name, value: value if callable(value) else rule(name, value)


def _fixed(rule: Rule) -> Rule:
    """What `rule` asks for; schedules are refused by name."""

    def fixed(name: str, value: Any) -> Any:
        if callable(value):
            raise ValueError(f"{name} must be numbers here, got a function; only OnePassSGD takes schedules")
        return rule(name, value)

    return fixed


class _Stochastic(AbstractTraining):
    stochastic = True

    @property
    def kind(self: Any) -> str:
        """How a step moves."""
        return "nesterov" if self.nesterov else "heavy ball"

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """All settings but schedules, what is left out, and a momentum of 0."""
        axes = super().axes
        if "momentum" in axes and axes["momentum"].ndim == 0 and axes["momentum"] == 0:
            axes.pop("momentum")
        return axes


class _OnePass(_Stochastic):
    """What trainings on fresh samples share: no training set, a window of iterates that are averaged."""

    needs_samples = False

    def _relate(self: Any) -> None:
        """The window holds an iterate."""
        if self.average_from is not None and self.average_from.max() > self.steps.max():
            raise ValueError(
                f"average_from must be within the run of {self.steps.max()} steps, got {self.average_from.max()}: the "
                "window would hold no iterate"
            )


class OnePassSGD(_OnePass):
    """One pass of stochastic gradient descent: every step draws `batch` fresh samples and never sees them again.

    `w <- w + rate * mean over the batch of x (y - x.w)`, from w = 0, on the half squared error.  With `momentum` the step
    adds `momentum * (w - w_before)` (heavy ball), and with `nesterov` the gradient is taken there.  `rate` > 0 and
    0 <= `momentum` < 1 are numbers, arrays (rates,), (momenta,), or functions of the step number t = 0, 1, ... that take
    and return arrays: a schedule.  `batch` and `steps` are whole numbers or arrays of them.  With `average_from` (steps,
    a number or an array) the predictor from that step on is the mean of all iterates since, the one at that step included.
    Weights start as independent centred Gaussians of variance `initial_variance`, a number.

    >>> OnePassSGD(rate=lambda t: 0.5 / (1 + t / 20), steps=[10, 100], batch=2).axes
    {'batch': array(2), 'steps': array([ 10, 100])}
    """

    rate: Any = setting(_or_schedule(positive), axis=True)
    steps: Any = setting(whole(0), axis=True)
    batch: Any = setting(whole(1), default=1, axis=True)
    momentum: Any = setting(_or_schedule(momentum_below_one), default=0.0, axis=True)
    nesterov: bool = setting(flag, default=False)
    average_from: Any = setting(optional(whole(0)), default=None, axis=True)
    initial_variance: Any = setting(numbers("[0, inf)", 0), default=0.0)

    def schedules(self, steps: int) -> dict[str, np.ndarray]:
        """Values (steps,) of those settings that are functions of the step number."""
        found = {}
        for name, most in (("rate", np.inf), ("momentum", 1.0)):
            value = getattr(self, name)
            if callable(value):
                found[name] = _scheduled(name, value, steps, most)
        return found


class AcceleratedSGD(_OnePass):
    """Accelerated stochastic gradient descent on fresh samples: two sequences of weights, w and v, both from 0.

    `u = alpha w + (1 - alpha) v`, `w' = u - delta g(u)`, `v' = beta u + (1 - beta) v - gamma g(u)`, where g(u) is the mean
    over the batch of `x (x.u - y)`; the predictor is w.  `alpha` and `beta` lie in [0, 1], `gamma` and `delta` are >= 0;
    each is a number or an array.  The rest as in `OnePassSGD`.  The iteration of arXiv 2311.14222.

    >>> AcceleratedSGD(alpha=0.9, beta=0.1, gamma=0.5, delta=0.1, steps=100).gamma
    array(0.5)
    """

    kind = "accelerated"  # type: ignore[assignment]
    alpha: Any = setting(_fixed(numbers("[0, 1]")), axis=True)
    beta: Any = setting(_fixed(numbers("[0, 1]")), axis=True)
    gamma: Any = setting(_fixed(non_negative), axis=True)
    delta: Any = setting(_fixed(non_negative), axis=True)
    steps: Any = setting(whole(0), axis=True)
    batch: Any = setting(whole(1), default=1, axis=True)
    average_from: Any = setting(optional(whole(0)), default=None, axis=True)

    def _relate(self) -> None:
        """Something is learned, and the window holds an iterate."""
        if self.gamma.min() == 0 and self.delta.min() == 0:
            raise ValueError("gamma or delta must be > 0, got 0 for both: nothing would be learned")
        super()._relate()

    def schedules(self, steps: int) -> dict[str, np.ndarray]:
        """No setting is a function of the step number."""
        del steps
        return {}


class DANA(_OnePass):
    """Momentum adapted to the dimension, on fresh samples: a memory of gradients that grows with time, and its own rate.

    `y <- (1 - damping/(1 + t)) y + g`, `w <- w - rate g - momentum_rate y`, from w = y = 0, where g is the mean over the
    batch of `x (x.w - label)`; damping/(1 + t) counts as 1 at most: y holds the last gradient alone until then.  `rate` > 0
    and `momentum_rate` >= 0 are numbers, arrays, or functions of the step number t = 0, 1, ...; `damping` >= 0 is a number.
    The rest as in `OnePassSGD`.  The method of arXiv 2505.16098, which takes the momentum rate as (1 + t)^(-1/alpha) for
    eigenvalues i^-alpha ("decaying"), or constant and inversely as the dimension.

    >>> DANA(rate=0.1, momentum_rate=lambda t: 0.05 * (1 + t) ** (-1 / 1.5), steps=[10, 100]).axes
    {'rate': array(0.1), 'batch': array(1), 'steps': array([ 10, 100])}
    """

    kind = "dana"  # type: ignore[assignment]
    rate: Any = setting(_or_schedule(positive), axis=True)
    momentum_rate: Any = setting(_or_schedule(non_negative), axis=True)
    steps: Any = setting(whole(0), axis=True)
    batch: Any = setting(whole(1), default=1, axis=True)
    damping: Any = setting(number("[0, inf)"), default=8.0)
    average_from: Any = setting(optional(whole(0)), default=None, axis=True)

    def schedules(self, steps: int) -> dict[str, np.ndarray]:
        """Values (steps,) of settings that are functions of the step number, and `memory`, the share of y that is kept."""
        found = {"memory": 1.0 - np.minimum(self.damping / np.arange(1.0, steps + 1.0), 1.0)}
        for name in ("rate", "momentum_rate"):
            if callable(value := getattr(self, name)):
                found[name] = _scheduled(name, value, steps, np.inf)
        return found


class SGD(_Stochastic):
    """Stochastic gradient descent on a training set of n samples: every step draws `batch` of them, with replacement.

    `w <- w + rate * (mean over the batch of x (y - x.w) - ridge/n w)`, from w = 0; momentum as in `OnePassSGD`.  `rate` >
    0, `batch` (whole, at most n), 0 <= `momentum` < 1, weight decay `ridge` >= 0 (unnormalised as in `Ridge`) and `steps`
    (whole) are numbers or arrays.

    `finite_size` adds the first correction to `predict` for spectra of few effective dimensions, (trace)^2 / (trace of
    squares) of 10 or so.  Use it when n exceeds the number of weights, or before the first epoch ends (steps < n/batch);
    elsewhere the plain limit is the better one.  `reshuffle` draws without replacement within each epoch: another
    algorithm, which `simulate` runs and `predict` refuses to claim.

    With an augmentation each visit of a sample draws `views` new views and averages their gradients (`fresh`), or, with
    `fresh=False`, each sample keeps its `views`, and steps draw `batch` of the n * views rows.  Weights, of the features
    where there are any, start as independent centred Gaussians of variance `initial_variance`, a number.

    >>> SGD(rate=0.5, steps=[10, 100], batch=8).batch
    array(8)
    """

    rate: Any = setting(_fixed(positive), axis=True)
    steps: Any = setting(whole(0), axis=True)
    batch: Any = setting(whole(1), default=1, axis=True)
    momentum: Any = setting(_fixed(momentum_below_one), default=0.0, axis=True)
    nesterov: bool = setting(flag, default=False)
    ridge: Any = setting(non_negative, default=0.0, axis=True)
    finite_size: bool = setting(flag, default=False)
    reshuffle: bool = setting(flag, default=False)
    fresh: bool = setting(flag, default=True)
    initial_variance: Any = setting(numbers("[0, inf)", 0), default=0.0)


def _scheduled(name: str, function: Callable[[np.ndarray], Any], steps: int, most: float) -> np.ndarray:
    """Values of a schedule, checked."""
    if steps == 0:
        return np.zeros(0)
    with refusing(
        f"{name} as a function must take the array of step numbers 0, 1, ... and return one number each (np.where for if)"
    ):
        values = np.asarray(function(np.arange(steps)))
        if np.iscomplexobj(values):
            raise TypeError("it returned complex numbers")
        values = np.broadcast_to(values.astype(np.float64), (steps,))
    bad = ~(np.isfinite(values) & (values >= 0) & (values < most))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        limits = "finite and >= 0" if np.isinf(most) else f"in [0, {most:g})"
        raise ValueError(f"{name} must be {limits} at every step, got {values[first]:g} at step {first}")
    return values.copy()
