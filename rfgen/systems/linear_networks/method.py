"""Deep linear networks along gradient flow, from balanced weights."""

__all__ = ["predict_deep_flow", "simulate_deep_flow"]

import itertools
from typing import Any

import numpy as np

from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve, sample_sizes
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.systems.linear_networks.balanced_flow import BalancedFlow, balanced_flow
from rfgen.systems.linear_networks.simulation import balanced_trials
from rfgen.theory.ridge.block_risk import augmented_modes

NAMES = ("test", "train", "norm")


def _axes(task: Task, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    if task.keep_outputs or task.outputs > 1:
        raise ValueError(f"task must have one output for a DeepLinearFlow, got {task!r} with {task.outputs}")
    return {"n": sample_sizes(n), **learner.training.axes}


def predict_deep_flow(task: Task, learner: Learner, n: Any) -> Any:
    """Exact risk of deep linear networks of one output along gradient flow, from balanced weights.

    Returns
    -------
    xarray.Dataset
        Over n, the depth and the time: `test`, `train`, `norm` (squared, of the product of the layers) and `clock`, the
        time of a network of one layer that has come as far.  NaN, with a reason, where the flow was not solved.

    Notes
    -----
    Exact as n and modes grow together.

    References
    ----------
    Derived: `rfgen.systems.linear_networks.balanced_flow`.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.isotropic(180, noise=0.3)
    >>> flow = rg.DeepLinearFlow([0.0, 1.0, 10.0], depth=2, length=0.3)
    >>> rg.predict(task, rg.Learner(flow), n=120).test.values.round(4)
    array([1.39  , 1.0352, 1.1817])
    """
    training: Any = learner.training
    axes, problem = _axes(task, learner, n), augmented_modes(task, None)[0]
    length, noise, times = float(training.length), float(np.sum(task.noise)), np.ravel(training.time)
    attributes, curves = {"kind": "theory", "dtype": "float64", "source": "derived"}, []
    for size, depth in itertools.product(np.ravel(axes["n"]), np.ravel(training.depth)):
        try:
            curves.append(balanced_flow(problem, size, int(depth), times, length, noise))
        except ArithmeticError as error:
            curves.append(BalancedFlow(*np.full((4, times.size), np.nan)))
            attributes["failures"] = f"{error}; take earlier times or a larger length"
    grid = Grid(axes)
    found = {name: grid.pack([getattr(curve, name) for curve in curves]) for name in (*NAMES, "clock")}
    return dataset(axes, found, task, attributes)


def simulate_deep_flow(task: Task, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured risk: the flow of the layers' product is integrated; all depths see the same samples."""
    training: Any = learner.training
    times, length = np.ravel(training.time), float(training.length)

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        depths = [
            balanced_trials(task, int(depth), times, length, trials, seed, start, n) for depth in np.ravel(training.depth)
        ]
        return {name: np.stack([found[name] for found in depths], axis=1) for name in NAMES}

    def size(n: int) -> float:
        return 16.0 * n * task.spectrum.rank if np.isfinite(task.spectrum.rank) else 0.0

    axes = _axes(task, learner, n)
    return measured_curve(task, training, axes, run, size, runs)
