"""Curves of gradient flow for pictures that move."""

__all__ = ["flow_picture"]

from typing import Any

import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import GradientFlow
from rfgen.theory.dynamics.flow_points import flow_points
from rfgen.theory.ridge.posed import posed_settings


@double_precision
def flow_picture(task: Any, learner: Any, settings: dict[str, Any], points: int) -> dict[str, np.ndarray] | None:
    """test, train, bias, variance, noise (points,) of gradient flow, right to 1e-6, at `settings` (numbers or (at most
    points,)), which go before the learner's own; None for what `predict` alone knows: initial weights, several outputs.

    Parameters
    ----------
    task, learner
        As in `predict`.
    settings
        n, features, time, ridge, noise.
    points
        Of the program: one is compiled for each number.
    """
    flow = isinstance(task, Task) and isinstance(learner, Learner) and isinstance(learner.training, GradientFlow)
    if not flow or learner.training.initial_variance.any() or learner.resampling is not None:
        return None
    if task.keep_outputs or np.isfinite(task.held_out_of):
        return None
    posed = posed_settings(task, learner, None)
    if len(posed) > 1 or posed[0].problem.null_power.ndim:
        return None
    training: Any = learner.training
    own = {"features": learner.features, "time": training.time, "ridge": training.ridge}
    own |= {"noise": task.risk_noise, **settings}
    if any(np.ndim(value) for name, value in own.items() if name not in settings):
        return None
    names = ("n", "features", "ridge", "time", "noise")
    columns = np.broadcast_arrays(*(np.asarray(own[name], dtype=np.float64) for name in names))
    count = columns[0].size
    sizes, features, ridge, time, noise = (np.pad(np.ravel(column), (0, points - count), mode="edge") for column in columns)
    found = flow_points(posed[0].problem, sizes, features, ridge / sizes, time, noise)
    return {name: part[:count] for name, part in found.items()}
