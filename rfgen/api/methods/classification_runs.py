"""Linear classifiers trained on drawn rows: their measured curves."""

__all__ = ["simulate_classifier"]

from typing import Any

import numpy as np

from rfgen.api.methods.classification import Problem, axes_of, shown
from rfgen.curves.measured import measured_curve
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import AdversarialTraining
from rfgen.simulation.runs.classifier import classifier_runs


def simulate_classifier(
    task: Problem, learner: Learner, n: Any, trials: Any, seed: Any, memory: Any, progress: bool | None, store: Any
) -> Any:
    """Measured error of linear classifiers: the variables of the theory and `separable`, with standard errors.

    Notes
    -----
    Sizes n * share of classes and groups are rounded at random, labels flipped independently; errors are exact given the
    classifier.  `separable`: the share of trials in which a plane separates the training labels; `MaxMargin` is averaged
    over those.
    """
    axes, inner, training = axes_of(task, learner, n), shown(task), learner.training
    kind = next(iter(inner), None)
    measured = {"error": "error"} if kind is None else {"error": "error", f"error_by_{kind}": "group_error"}
    measured |= {"sign_error": "sign_error"} if kind is None else {}
    if isinstance(training, AdversarialTraining):
        measured |= {"robust_error": "robust_error", f"robust_error_by_{kind}": "group_robust_error"}
    names = ("train_error", "norm", "intercept", "support", "separable", *(("train_loss",) if "ridge" in axes else ()))
    measured |= {name: name for name in names}

    def run(trials: int, seed: int, start: int, n: int, features: int | None) -> dict[str, np.ndarray]:
        runs = classifier_runs(task, training, n, features, trials, seed, start=start)
        return {name: getattr(runs, own) for name, own in measured.items()}

    def size(n: int, features: int | None) -> float:
        width = features or task.dim
        # rows, their design, and what an interior point factors
        side = width if isinstance(training, AdversarialTraining) else min(n, width)
        return 8.0 * (n * task.dim + 3 * n * width + 4 * side**2)

    call = (trials, seed, memory, progress, store)
    found = measured_curve(task, training, axes, run, size, call, ("n", "features"), inner=inner, knobs=())
    return found.drop_vars("separable_se")
