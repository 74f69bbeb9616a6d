"""Linear classifiers trained on drawn rows: their measured curves."""

__all__ = ["simulate_classifier"]

import itertools
from typing import Any

import numpy as np

from rfgen.api.methods.classification import CALIBRATION, Problem, axes_of, shown
from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import whole
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import Logistic
from rfgen.simulation.runs.classes.classifier import classifier_runs
from rfgen.simulation.runs.ensemble import Members
from rfgen.simulation.sampling.labelled_views import copies


def simulate_classifier(task: Problem, learner: Learner, n: Any, runs: MonteCarlo, members: Any = None) -> Any:
    """Measured error of linear classifiers: the variables of the theory and `separable`, with standard errors.

    Notes
    -----
    Sizes n * share of classes and groups are rounded at random, labels flipped independently; errors are exact given the
    classifier.  `separable`: the share of trials in which a plane separates the training labels; `MaxMargin` is averaged
    over those.
    """
    axes, inner, training = axes_of(task, learner, n, members), shown(task), learner.training
    kind = next(iter(inner), None)
    errors = ("error", "robust_error") if training.attack else ("error",)
    measured = {name: name for name in (*errors, *(("sign_error",) if kind is None else ()))}
    measured |= {f"{name}_by_{kind}": f"group_{name}" for name in errors if kind is not None}
    measured |= {name: name for name in CALIBRATION} if type(training) is Logistic else {}
    apart = learner.resampling is not None or members is not None
    of_rows = () if apart else ("train_error", "support", *(("train_loss",) if "ridge" in axes else ()))
    measured |= {name: name for name in ("norm", "intercept", "separable", *of_rows)}
    counts = np.ravel(axes["members"]) if "members" in axes else [1]
    if "members" in axes and np.isinf(whole("members", axes["members"])).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")
    augmentations: list[Any] = [None] if learner.augmentation is None else learner.augmentation.settings
    settings = []
    for augmentation, many in itertools.product(augmentations, counts):
        own = () if augmentation is None else content(augmentation)
        own = (*own, int(many), *content(learner.resampling)) if apart else own
        settings.append(({"augmentation": augmentation, "models": Members(int(many), learner.resampling)}, own))

    def run(
        trials: int, seed: int, start: int, n: int, features: int | None, augmentation: Any, models: Members
    ) -> dict[str, np.ndarray]:
        found = classifier_runs(task, training, n, features, trials, seed, (), start, augmentation, models)
        return {name: getattr(found, own) for name, own in measured.items()}

    def size(n: int, features: int | None, augmentation: Any, **_: Any) -> float:
        width = features or task.dim
        seen = n * (1 if augmentation is None else copies(augmentation, task.dim))
        # rows, their design, and what an interior point factors
        side = width if training.attack else min(seen, width)
        pairs = augmentation is not None and augmentation.mixes and np.isinf(augmentation.views)
        return 8.0 * (seen * task.dim + 3 * seen * width + 4 * side**2) + 64.0 * n**2 * pairs

    last = tuple(name for name in axes if name not in ("n", "features", *training.axes))
    noted: dict[str, Any] = {} if learner.augmentation is None else {"augmentation": repr(learner.augmentation)}
    curve = measured_curve(
        task, training, axes, run, size, runs, ("n", "features"), knobs=(), last=last, settings=settings, inner=inner,
        **noted,
    )
    return curve.drop_vars("separable_se")
