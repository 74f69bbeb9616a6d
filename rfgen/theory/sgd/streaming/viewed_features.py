"""One pass on random features of samples in fresh views: many passes through endlessly many samples.

Given the features their second moment over samples and views is F' diag(a) F, a = E view^2, and a step scatters by that
times the loss on views, with the fourth moments of Gaussian inputs: features are sums of many modes, whose own fourth
moments matter less the more of them there are.  (Derived: theory (17.5) and (7.13) as n grows.)
Equations: theory (17.5), (7.13).
"""

__all__ = ["on_viewed_features"]

from typing import Any

import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.task import Task
from rfgen.theory.ridge.block_risk import augmented_modes
from rfgen.theory.sgd.many_passes.multi_pass import MultiPassCurve, multi_pass_sgd
from rfgen.theory.sgd.streaming.fresh_views import viewed_modes
from rfgen.theory.sgd.streaming.second_moments import Iteration

# Samples that stand for endlessly many, in units of those that are seen.
ENDLESS = 1e6
# Excess of a fourth moment over a Gaussian one, in units of the effective number of modes: at .003 theory is within 1 % of
# simulation, at .05 6 to 10 % low, at .3 it misses a divergence.
MOST_EXCESS = 0.01


def on_viewed_features(
    task: Task, augmentation: AbstractAugmentation, features: float, iteration: Iteration, clock: Any, average_from: Any
) -> MultiPassCurve:
    """The curve at step numbers `clock` (times,), averaged over the draw of features; refuses what is not derived."""
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
    if augmentation.mixes or float(augmentation.views) != 1 or not augmentation.moments_suffice:
        raise ValueError(
            "features of augmented samples are predicted along one pass for single views of many small changes each, got "
            f"{augmentation!r}: leave features out, or leave augmentation out"
        )
    _refuse_kurtosis(task, augmentation)
    seen = max(float(np.max(clock)), 1.0) * float(iteration.batch)
    every: Any = augmentation.at(views=np.inf)
    problem = augmented_modes(task, every)[0]
    endless = ENDLESS * max(seen, features)
    return multi_pass_sgd(problem, endless, features, iteration, clock, float(np.sum(task.risk_noise)), finite_size=True)


def _refuse_kurtosis(task: Task, augmentation: AbstractAugmentation) -> None:
    """Refuse views whose fourth moments are not Gaussian where few modes make a feature."""
    modes = viewed_modes(task, augmentation, 1.0, 1.0)
    lam, square = modes.eigenvalues, modes.square * modes.eigenvalues + modes.floor
    fourth = 3.0 * modes.fourth[0] * lam**2 + modes.fourth[1] * lam + modes.fourth[2]
    excess = float(np.max(np.abs(fourth / (3.0 * square**2) - 1.0), initial=0.0))
    second = modes.counts * (modes.probability @ square)
    dimension = float(np.sum(second) ** 2 / np.sum(second**2 / modes.counts)) if second.any() else np.inf
    if excess > MOST_EXCESS * dimension:
        raise ValueError(
            f"features of samples in views of {type(augmentation).__name__} are predicted along one pass with Gaussian "
            f"fourth moments, and {dimension:.3g} effective modes are too few for its own, {1.0 + excess:.3g} times those: "
            "leave features out, or leave augmentation out"
        )
