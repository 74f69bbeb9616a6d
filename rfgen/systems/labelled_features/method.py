"""Classifiers of real features: their predicted curves and their simulation."""

__all__ = ["predict_features", "simulate_features"]

from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import rule_of
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.simulation import feature_runs
from rfgen.systems.labelled_features.theory import FeatureClassifier, FeatureLaw, feature_classifier, feature_law
from rfgen.systems.labelled_features.views import SeenFeatures, seen_features, viewed_feature_classifier

NAMES = ("error", "channel_error", "train_error", "train_loss", "norm", "intercept", "residual", "converged")


@program(static_argnames=("rule", "intercept"))
def _solved(law: FeatureLaw | SeenFeatures, columns: tuple[Any, ...], rule: str, intercept: bool) -> FeatureClassifier:
    solver: Any = viewed_feature_classifier if isinstance(law, SeenFeatures) else feature_classifier
    return jax.lax.map(lambda at: solver(law, at[0], rule, at[1], intercept), columns)


def _law(task: LabelledFeatures, augmentation: AbstractAugmentation | None) -> FeatureLaw | SeenFeatures:
    if augmentation is None:
        return feature_law(task)
    return seen_features(task, augmentation.mode_law(task.dim), float(augmentation.views))


def _axes(task: LabelledFeatures, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    sizes = checked_sizes(n)
    if sizes.max() >= task.rows:
        raise ValueError(f"n must leave rows to test on, be below {task.rows}, got {sizes.max():g}")
    augmentation = learner.augmentation
    for one in [] if augmentation is None else augmentation.settings:
        law = None if one.mixes else one.mode_law(task.dim)
        if law is None or law.classes > 1 or law.probability.size > 1 or law.label[0] != 1.0 or not law.gain[0, 0]:
            raise ValueError(
                f"augmentation of real features must change them independently and keep labels, got {one!r}: take "
                "rg.GaussianNoise, Mask, Dropout or SaltAndPepper, or a Mixture or Teacher for views moved as a whole"
            )
        if law.shape is not None and law.shape.size != task.dim:
            raise ValueError(f"covariance of {one!r} must have one entry per feature ({task.dim}), got {law.shape.size}")
    strengths = {} if augmentation is None else augmentation.axes
    return {"n": sizes, **learner.training.axes, **strengths}


def predict_features(task: LabelledFeatures, learner: Learner, n: Any) -> Any:
    """Predicted error of linear classifiers trained on n real rows and tried on the others.

    Returns
    -------
    xarray.Dataset
        Over n and the ridge: `error` on real rows; `channel_error`, on normal ones; `train_error`, `train_loss`; `norm`,
        squared; `intercept`; `residual`, `converged`.  The attribute `explained` is the share of the labels' variance that
        a linear function of the features explains.  With an augmentation, of the centred features, the `train_` ones are of
        the views.

    Notes
    -----
    The joint law of the labels and of the features' best linear guess is that of the rows, the rest is taken as normal: a
    few per cent off on real rows, within simulation where they are normal.  n must be well below the number of rows.
    With an augmentation both classes are taken as normal, each with its own covariance.

    References
    ----------
    Derived: `rfgen.systems.labelled_features.feature_classifier`, `viewed_feature_classifier`.

    Examples
    --------
    >>> import numpy as np, rfgen as rg
    >>> rows = np.random.default_rng(0).normal(size=(2000, 40))
    >>> task = rg.LabelledFeatures(rows, np.where(rows[:, 0] > 0.0, 1, -1))
    >>> rg.predict(task, rg.Learner(rg.Logistic(1.0)), n=[50, 400]).error.values.round(2)
    array([0.22, 0.05])
    """
    axes = _axes(task, learner, n)
    training: Any = learner.training
    rule, factor = rule_of(training)
    grid = Grid(axes)
    sizes, ridges = (np.ravel(part) for part in np.meshgrid(axes["n"], axes["ridge"], indexing="ij"))
    found = []
    for one in [None] if learner.augmentation is None else learner.augmentation.settings:
        law = _law(task, one)
        found.append(blockwise(
            lambda *block, law=law: _solved(law, block, rule=rule, intercept=training.intercept),
            [sizes, ridges * factor], ONE_BY_ONE,
        ))
    solved = {name: np.stack([each[name] for each in found], axis=-1).ravel() for name in found[0]}
    done = solved["converged"]
    solved["train_loss"] = solved["train_loss"] * (2.0 if rule in ("square", "squared_hinge") else factor)
    variables = {
        name: grid.pack(solved[name] if name in ("residual", "converged") else np.where(done, solved[name], np.nan))
        for name in NAMES
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived"}
    attributes |= {"explained": float(feature_law(task).told)}
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    if not done.all():
        attributes["failures"] = f"{(~done).sum()} points not solved: labels are separable, take a ridge"
    return dataset(axes, variables, task, attributes)


def simulate_features(task: LabelledFeatures, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured error on the rows not trained on, training rows being drawn without replacement in each trial."""
    training = learner.training

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        settings = [None] if learner.augmentation is None else learner.augmentation.settings
        each = [feature_runs(task, training, n, trials, seed, start, one) for one in settings]
        return {name: np.stack([one[name] for one in each], axis=-1) for name in each[0]}

    def size(n: int) -> float:
        finite = [float(views) for views in np.ravel(getattr(learner.augmentation, "views", 1)) if np.isfinite(views)]
        seen = n * int(max(finite, default=1))
        return 8.0 * (2 * task.rows * task.dim + 2 * seen * task.dim + 4 * min(seen, task.dim) ** 2)

    trained = training if learner.augmentation is None else learner
    return measured_curve(task, trained, _axes(task, learner, n), run, size, runs, knobs=(), lost="error")
