"""One pass on random features of samples in fresh views: many passes through endlessly many samples.

Given the features their second moment over samples and views is F' diag(a) F, a = E view^2, and a step scatters by that
times the loss on views, with the fourth moments of Gaussian inputs: features are sums of many modes, whose own fourth
moments matter less the more of them there are.  (Derived: theory (14.5) and (7.13) as n grows.)
Equations: theory (14.5), (7.13).
"""

__all__ = ["on_viewed_features"]

from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.theory.ridge.block_risk import augmented_modes
from rfgen.theory.sgd.multi_pass import MultiPassCurve, multi_pass_sgd
from rfgen.theory.sgd.second_moments import Iteration
from rfgen.theory.sgd.visits import visited

# Samples that stand for endlessly many, in units of those that are seen.
ENDLESS = 1e6


def on_viewed_features(
    task: Task, augmentation: AbstractAugmentation, features: float, iteration: Iteration, clock: Any, average_from: Any
) -> MultiPassCurve:
    """The curve at step numbers `clock` (times,), averaged over the draw of features; refuses what is not derived."""
    name = type(augmentation).__name__
    if iteration.rate.size > 1 or iteration.momentum.size > 1 or average_from is not None:
        raise ValueError(
            "features of augmented samples are predicted along one pass at settings that do not change, and for the last "
            "iterate: leave schedules and average_from out, or leave features or augmentation out"
        )
    if task.outputs > 1:
        raise ValueError(
            f"features of augmented samples are predicted along one pass for one output, got {task.outputs}: take them one "
            "by one"
        )
    every, factors = visited(augmentation, task.spectrum.rank)
    if every is None or factors is not None or not augmentation.moments_suffice:
        raise ValueError(
            f"{name} moves a view as a whole and is not derived for random features along one pass: leave features out, or "
            "augmentation"
        )
    seen = max(float(np.max(clock)), 1.0) * float(iteration.batch)
    problem = augmented_modes(task, every)[0]
    endless = ENDLESS * max(seen, features)
    return multi_pass_sgd(problem, endless, features, iteration, clock, float(np.sum(task.risk_noise)), finite_size=True)
