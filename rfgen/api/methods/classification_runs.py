"""Linear classifiers trained on drawn rows: their measured curves."""

__all__ = ["simulate_classifier"]

import itertools
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.methods.classification import CALIBRATION, Problem, axes_of, shown
from rfgen.curves.cells.content import content
from rfgen.curves.cells.precision import trials_drawn
from rfgen.curves.cells.run import Cell, checked_seed, planned_for, run_cells, whole
from rfgen.curves.dataset import dataset, means
from rfgen.curves.grid import Grid
from rfgen.problems import validation
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import Logistic
from rfgen.simulation.runs.classes.classifier import classifier_runs
from rfgen.simulation.runs.ensemble import Members
from rfgen.simulation.sampling.labelled_views import copies

# Trials of one stored cell.
CELL_TRIALS = 32


def simulate_classifier(
    task: Problem, learner: Learner, n: Any, trials: Any, seed: Any, memory: Any, progress: bool | None, store: Any,
    members: Any = None,
) -> Any:
    """Measured error of linear classifiers: the variables of the theory and `separable`, with standard errors.

    Notes
    -----
    Sizes n * share of classes and groups are rounded at random, labels flipped independently; errors are exact given the
    classifier.  `separable`: the share of trials in which a plane separates the training labels; `MaxMargin` is averaged
    over those.
    """
    axes, inner, training = axes_of(task, learner, n, members), shown(task), learner.training
    trials, seed = validation.integer("trials", trials, 1), checked_seed(seed)
    for name in ("n", "features"):
        whole(name, axes[name])
    kind = next(iter(inner), None)
    measured = {"error": "error"} if kind is None else {"error": "error", f"error_by_{kind}": "group_error"}
    measured |= {"sign_error": "sign_error"} if kind is None else {}
    if training.attack:
        measured |= {"robust_error": "robust_error", f"robust_error_by_{kind}": "group_robust_error"}
    measured |= {name: name for name in CALIBRATION} if type(training) is Logistic else {}
    apart = learner.resampling is not None or members is not None
    of_rows = () if apart else ("train_error", "support", *(("train_loss",) if "ridge" in axes else ()))
    measured |= {name: name for name in ("norm", "intercept", "separable", *of_rows)}
    counts = np.ravel(axes["members"]) if "members" in axes else [1]
    if "members" in axes and np.isinf(whole("members", axes["members"])).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")
    cells = []
    augmentations: list[Any] = [None] if learner.augmentation is None else learner.augmentation.settings
    points = itertools.product(np.ravel(axes["n"]), np.ravel(axes["features"]), augmentations, counts)
    for size, count, augmentation, many in points:
        models = Members(int(many), learner.resampling)
        size, features = int(size), None if np.isinf(count) else int(count)

        def trained(
            start: int, stop: int, advance: Any, size: int = size, features: int | None = features,
            augmentation: Any = augmentation, models: Members = models,
        ) -> dict[str, np.ndarray]:
            runs = classifier_runs(task, training, size, features, stop - start, seed, (), start, augmentation, models)
            advance(stop - start)
            return {name: np.asarray(getattr(runs, own), np.float64) for name, own in measured.items()}

        width = features or task.dim
        seen = size * (1 if augmentation is None else copies(augmentation, task.dim))
        # rows, their design, and what an interior point factors
        side = width if training.attack else min(seen, width)
        need = 8 * (seen * task.dim + 3 * seen * width + 4 * side**2)
        if augmentation is not None and augmentation.mixes and np.isinf(augmentation.views):
            need += 64 * size**2  # all pairs
        key = (__version__, *content(task), *content(training), seed, size, features)
        key = key if augmentation is None else (*key, *content(augmentation))
        key = (*key, int(many), *content(learner.resampling)) if apart else key
        where = f"n={size}" + (f", features={features}" if features else "")
        cells.append(Cell(trained, key, CELL_TRIALS, need, where))
    collected, interrupted = run_cells(cells, trials, planned_for(memory), "n or features", store, progress)
    # (trials, settings of the training, of the augmentation, groups): the order of the dimensions
    many = len(augmentations) * len(counts)
    collected = [_side_by_side(collected[first : first + many], kind) for first in range(0, len(collected), many)]
    variables = means(collected, Grid(axes), *(axis.size for axis in inner.values()))
    del variables["separable_se"]
    attributes = {"kind": "simulation", "trials": trials, "seed": seed, "dtype": "float64", **interrupted}
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    drawn = trials_drawn(collected, axes, ("n", "features"))
    return dataset(axes, variables, task, attributes, inner).assign_coords(trials=drawn)


def _side_by_side(row: list[dict[str, np.ndarray]], kind: str | None) -> dict[str, np.ndarray]:
    """Cells of all settings of an augmentation, of as many trials, the settings behind those of the training."""
    if len(row) == 1:
        return row[0]
    count = min(next(iter(cell.values())).shape[0] for cell in row)
    behind = {name: values.ndim - int(name.endswith(f"_by_{kind}")) for name, values in row[0].items()}
    return {name: np.stack([cell[name][:count] for cell in row], axis) for name, axis in behind.items()}
