"""Curves for pictures that move: posed once, then one program a picture, without Datasets on the way."""

__all__ = ["MOVING", "picture"]

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from rfgen.api.methods.ridge import risk_points
from rfgen.api.nouns import checked_axes, in_modes
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.equivalents.targets import ModeTarget
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import GradientFlow, Ridge
from rfgen.theory.dynamics.ends import total_trace
from rfgen.theory.dynamics.flow_points import flow_points
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.ridge.posed import posed_settings

# Settings that such a picture moves along, and between.
MOVING = ("n", "features", "ridge", "time", "noise")
# Points of its programs, the first of which is that of predict.
SIZE = 64
# Numbers of modes of a problem without its padding.
MODES = 16
# settings, numbers or (points,), to test, train, bias, variance, noise (points,)
Picture = Callable[[dict[str, Any]], dict[str, np.ndarray]]


@double_precision
def picture(task: Any, learner: Any) -> Picture | None:
    """The curve as a function of the settings `MOVING`, which go before the learner's own: at most 64 points, the same
    numbers as `predict` for ridge regression, right to 5e-6 for gradient flow; None for what `predict` alone knows.

    Raises
    ------
    ValueError
        For what `predict` refuses.
    """
    if not isinstance(task, Task) or not isinstance(learner, Learner) or learner.resampling is not None:
        return None
    if task.keep_outputs or np.isfinite(task.held_out_of) or not isinstance(learner.training, Ridge | GradientFlow):
        return None
    training: Any = learner.training
    own = {name: getattr(training, name) for name in ("ridge", "time") if hasattr(training, name)}
    own |= {"features": learner.features, "noise": task.risk_noise}
    if any(np.ndim(value) for value in own.values()) or own["ridge"] < 0.0:
        return None
    checked_axes(task, learner, 1.0)
    draw = _flow(task, learner) if isinstance(training, GradientFlow) else _ridge(task, learner)
    if draw is None:
        return None

    @double_precision
    def drawn(settings: dict[str, Any]) -> dict[str, np.ndarray]:
        columns = {name: np.asarray(value, np.float64) for name, value in (own | settings).items()}
        count = np.broadcast_shapes(*(column.shape for column in columns.values()), (1,))[0]
        columns = {name: np.broadcast_to(column, count) for name, column in columns.items()}
        found = draw({name: np.append(column, np.repeat(column[-1], SIZE - count)) for name, column in columns.items()})
        return {name: np.asarray(part)[:count] for name, part in found.items()}

    return drawn


def _ridge(task: Task, learner: Learner) -> Picture | None:
    if learner.augmentation is not None:
        return None
    modes = jax.device_put(in_modes(task).modes)

    def at(columns: dict[str, np.ndarray], noise: float) -> dict[str, np.ndarray]:
        found = risk_points(
            modes, columns["n"], columns["features"], columns["ridge"], noise, keep_outputs=False, shared="all"
        )
        return {name: np.asarray(getattr(found, name)) for name in ("test", "train", "bias", "variance", "noise")}

    def draw(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        noise = columns["noise"]
        if np.all(noise == noise[0]):
            return at(columns, noise[0])
        low, high = at(columns, 0.0), at(columns, 1.0)  # every part of a risk is affine in it
        return {name: low[name] + (high[name] - low[name]) * noise for name in low}

    return draw


def _flow(task: Task, learner: Learner) -> Picture | None:
    if np.any(learner.training.initial_variance):
        return None
    posed = posed_settings(task, learner, None)
    if len(posed) > 1 or posed[0].problem.null_power.ndim:
        return None
    problem = jax.device_put(_trimmed(posed[0].problem))
    unit = 1.0 / total_trace(problem)

    def draw(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        n, features, ridge, time, noise = (columns[name] for name in MOVING)
        return flow_points(problem, n, features, ridge / n, time, noise, unit)

    return draw


def _trimmed(problem: AugmentedProblem) -> AugmentedProblem:
    """Without most of the modes that stand for nothing: 83 of 192 are left of 2,000, in half of the time."""
    operators, target = problem.operators, problem.target
    if not isinstance(operators, DiagonalOperators) or not isinstance(target, ModeTarget):
        return problem
    count = np.asarray(operators.multiplicity)
    size = -(-np.count_nonzero(count) // MODES) * MODES
    kept = np.sort(np.argsort(count == 0.0, kind="stable")[:size])
    operators = replace(operators, basis=operators.basis[:, kept], multiplicity=count[kept])
    return replace(problem, operators=operators, target=replace(target, weights_squared=target.weights_squared[kept]))
