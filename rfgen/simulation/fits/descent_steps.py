"""One step of stochastic descent, whatever the samples: two sequences of weights and a gradient."""

__all__ = ["STEPS", "accelerated", "dana", "heavy_ball", "nesterov", "require_few_steps"]

from collections.abc import Callable
from typing import Any

import numpy as np

from rfgen.simulation.arrays import Array

Gradient = Callable[[Array], Array]
Step = Callable[[dict[str, Any], Array, Array, Gradient], tuple[Array, Array]]

# Steps are taken one by one; this many take minutes to hours.
MOST_STEPS = 10_000_000


def require_few_steps(steps: np.ndarray) -> None:
    """Refuse runs that would not end."""
    if steps.max() > MOST_STEPS:
        raise ValueError(
            f"steps must be at most {MOST_STEPS} for a simulation of stochastic descent, which is taken step by step, "
            f"got {steps.max()}"
        )


def heavy_ball(settings: dict[str, Any], weights: Array, before: Array, gradient: Gradient) -> tuple[Array, Array]:
    """`weights + momentum (weights - before) - rate gradient(weights)`, and `weights`; momentum 0 is plain descent."""
    ahead = weights + settings["momentum"] * (weights - before)
    return ahead - settings["rate"] * gradient(weights), weights


def nesterov(settings: dict[str, Any], weights: Array, before: Array, gradient: Gradient) -> tuple[Array, Array]:
    """The same with the gradient at `weights + momentum (weights - before)`."""
    ahead = weights + settings["momentum"] * (weights - before)
    return ahead - settings["rate"] * gradient(ahead), weights


def accelerated(settings: dict[str, Any], weights: Array, other: Array, gradient: Gradient) -> tuple[Array, Array]:
    """Both sequences, w and v, of `rfgen.AcceleratedSGD`."""
    alpha, beta = settings["alpha"], settings["beta"]
    point = alpha * weights + (1.0 - alpha) * other
    slope = gradient(point)
    return point - settings["delta"] * slope, beta * point + (1.0 - beta) * other - settings["gamma"] * slope


def dana(settings: dict[str, Any], weights: Array, memory: Array, gradient: Gradient) -> tuple[Array, Array]:
    """The weights and the memory of gradients of `rfgen.DANA`."""
    slope = gradient(weights)
    memory = settings["memory"] * memory + slope
    return weights - settings["rate"] * slope - settings["momentum_rate"] * memory, memory


STEPS: dict[str, Step] = {"heavy ball": heavy_ball, "nesterov": nesterov, "accelerated": accelerated, "dana": dana}
