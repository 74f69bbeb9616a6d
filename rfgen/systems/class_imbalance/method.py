"""Losses of unequal classes along gradient descent."""

__all__ = ["predict_class_imbalance", "simulate_class_imbalance"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.problems.learner import Learner
from rfgen.systems.class_imbalance.problem import GaussianMixture
from rfgen.systems.class_imbalance.simulation import DRAWN, HELD, class_imbalance_trials
from rfgen.systems.class_imbalance.theory import class_imbalance

NAMES = ("test", "train", "squared_gradient")


def _axes(task: GaussianMixture, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    if n is not None:
        raise ValueError(f"n must be left out: {task!r} states the samples of each class, got {n!r}")
    return {"n": np.array(float(task.counts.sum())), **learner.training.axes, "class": np.arange(task.counts.size)}


def _by_step(training: Any, curves: Callable[[float], np.ndarray]) -> np.ndarray:
    """(..., rates, steps, classes) of `curves(rate)`, (..., classes, most steps + 1)."""
    found = np.stack([curves(float(rate)) for rate in np.ravel(training.rate)], axis=-3)
    return np.swapaxes(found[..., np.ravel(training.steps)], -1, -2)


def predict_class_imbalance(task: GaussianMixture, learner: Learner, n: Any) -> Any:
    """Exact losses of classes of unequal size along gradient descent.

    Returns
    -------
    xarray.Dataset
        Over the rate, the steps and `class`: `test` and `train` loss, and `squared_gradient` of each class.  NaN, with a
        reason, where normalised descent has left its regime, or where descent diverges.

    References
    ----------
    Derived, with the regime: `rfgen.systems.class_imbalance.class_imbalance`.

    Examples
    --------
    >>> import rfgen as rg
    >>> pair = rg.GaussianMixture([160, 40], [1.0, -1.0], [[4 / 120], [6.76 / 120]], [[1.5], [-1.5]], [120], bias=True)
    >>> rg.predict(pair, rg.Learner(rg.ClassDescent(0.5, steps=[0, 1, 30]))).test.values.round(4).tolist()
    [[1.0, 1.0], [0.1997, 0.0627], [0.0154, 0.0306]]
    """
    training: Any = learner.training
    axes = _axes(task, learner, n)
    most = int(training.steps.max())

    def curves(rate: float) -> np.ndarray:
        found = class_imbalance(task, rate, most, training.weighting, float(training.momentum))
        return np.stack([np.where(found.valid, getattr(found, name), np.nan) for name in NAMES])

    found = _by_step(training, curves)
    attributes = {"kind": "theory", "dtype": "float64", "source": "derived"}
    if (lost := int(np.isnan(found[0]).any(axis=-1).sum())) > 0:
        attributes["failures"] = (
            f"{lost} point(s) beyond the regime: descent diverges, or normalised steps chatter across a minimum; take a "
            "smaller rate or fewer steps"
        )
    grid = Grid(axes)
    return dataset(axes, {name: grid.pack(part) for name, part in zip(NAMES, found, strict=True)}, task, attributes)


def simulate_class_imbalance(task: GaussianMixture, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured losses; trials of all rates share their samples."""
    training: Any = learner.training
    axes = _axes(task, learner, n)
    settings = (int(training.steps.max()), training.weighting, float(training.momentum))

    def run(trials: int, seed: int, start: int) -> dict[str, np.ndarray]:
        found = _by_step(training, lambda rate: class_imbalance_trials(task, rate, *settings, trials, seed, start))
        return dict(zip(NAMES, np.moveaxis(found, 1, 0), strict=True))

    def size() -> float:
        inputs, measured = task.counts.sum() * task.features, 3 * task.counts.size * (settings[0] + 1)
        return 8.0 * (DRAWN * max(inputs, min(runs.trials * inputs, HELD)) + measured)

    return measured_curve(task, training, axes, run, size, runs, outer=())
