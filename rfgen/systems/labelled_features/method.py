"""Classifiers of real features: their predicted curves and their simulation."""

__all__ = ["predict_features", "simulate_features"]

import itertools
from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import checked_sizes, whole
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.trainings.classifier import rule_of
from rfgen.simulation.runs.ensemble import ALONE, Members
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.simulation import feature_runs
from rfgen.systems.labelled_features.theory import FeatureClassifier, FeatureLaw, feature_classifier, feature_law
from rfgen.systems.labelled_features.views import SeenFeatures, seen_features, viewed_feature_classifier

NAMES = ("error", "channel_error", "train_error", "train_loss", "norm", "intercept", "residual", "converged")
# Numbers of times that a row is drawn no more often than this are left out: real rows are a few per cent off.
RARE = 1e-8


@program(static_argnames=("rule", "intercept"))
def _solved(
    law: FeatureLaw | SeenFeatures, columns: tuple[Any, ...], draws: Any, members: Any, rule: str, intercept: bool
) -> FeatureClassifier:
    def point(at: tuple[Any, ...]) -> FeatureClassifier:
        n, features, ridge = at
        if isinstance(law, SeenFeatures):
            return viewed_feature_classifier(law, n, rule, ridge, intercept, draws)
        return feature_classifier(law, n, rule, ridge, intercept, features, draws, members)

    return jax.lax.map(point, columns)


def _law(task: LabelledFeatures, augmentation: AbstractAugmentation | None) -> FeatureLaw | SeenFeatures:
    if augmentation is None:
        return feature_law(task)
    return seen_features(task, augmentation.mode_law(task.dim), float(augmentation.views))


def _axes(task: LabelledFeatures, learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
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
    many = {} if learner.kernel else {"features": learner.features}
    counts = {} if members is None else {"members": checked_members(learner, members)}
    return {"n": sizes, **many, **learner.training.axes, **strengths, **counts}


def _noted(learner: Learner) -> dict[str, Any]:
    every = {"augmentation": learner.augmentation, "resampling": learner.resampling}
    return {name: repr(one) for name, one in every.items() if one is not None}


def predict_features(task: LabelledFeatures, learner: Learner, n: Any, members: Any = None) -> Any:
    """Predicted error of linear classifiers trained on n real rows and tried on the others.

    Returns
    -------
    xarray.Dataset
        Over n and the ridge: `error` on real rows; `channel_error`, on normal ones; `train_error`, `train_loss`; `norm`,
        squared; `intercept`; `residual`, `converged`.  The attribute `explained` is the share of the labels' variance that
        a linear function of the features explains.  With an augmentation, of the centred features, the `train_` ones are of
        the views; of resampled rows and of members there are none, and `norm` is a member's.  `features` are random ones of
        those that the rows have.

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
    axes = _axes(task, learner, n, members)
    training: Any = learner.training
    rule, factor = rule_of(training)
    grid = Grid(axes)
    if learner.augmentation is not None and not (learner.kernel and members is None):
        raise ValueError(
            f"augmentation must be None to predict random features of real rows, or members, got {learner.augmentation!r}: "
            "covariances of classes and of views share no eigenvectors; leave one of them out, or rg.simulate measures it"
        )
    counts = np.ravel(axes["members"]) if "members" in axes else [None]
    draws, solve = None, _solved
    if learner.resampling is not None:
        times, chances = learner.resampling.draws()
        draws = times[chances > RARE], chances[chances > RARE]
        # a point of a bootstrap takes 4 seconds compiled quickly, 1.2 thoroughly, for 6 more
        solve = _solved.thorough if draws[0].size > 1 else _solved
    apart = draws is not None or members is not None
    columns = Grid({"n": axes["n"], "features": learner.features, "ridge": axes["ridge"]}).columns
    given, found = [columns["n"], columns["features"], columns["ridge"] * factor], []
    for one in [None] if learner.augmentation is None else learner.augmentation.settings:
        law = _law(task, one)
        found += [
            blockwise(
                lambda *block, law=law, many=many: solve(law, block, draws, many, rule=rule, intercept=training.intercept),
                given, ONE_BY_ONE,
            ) for many in counts
        ]
    solved = {name: np.stack([each[name] for each in found], axis=-1).ravel() for name in found[0]}
    done = solved["converged"]
    solved["train_loss"] = solved["train_loss"] * (2.0 if rule in ("square", "squared_hinge") else factor)
    variables = {
        name: grid.pack(solved[name] if name in ("residual", "converged") else np.where(done, solved[name], np.nan))
        for name in NAMES if not (apart and name.startswith("train_"))
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived"}
    attributes |= {"explained": float(feature_law(task).told), **_noted(learner)}
    if not done.all():
        attributes["failures"] = f"{(~done).sum()} points not solved: labels are separable, take a ridge"
    return dataset(axes, variables, task, attributes)


def simulate_features(task: LabelledFeatures, learner: Learner, n: Any, runs: MonteCarlo, members: Any = None) -> Any:
    """Measured error on the rows not trained on, training rows being drawn without replacement in each trial."""
    training, axes = learner.training, _axes(task, learner, n, members)
    if "members" in axes and np.isinf(whole("members", axes["members"])).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")

    def run(
        trials: int, seed: int, start: int, n: int, features: int | None = None, augmentation: Any = None,
        models: Members = ALONE,
    ) -> dict[str, np.ndarray]:
        return feature_runs(task, training, n, trials, seed, start, augmentation, features, models)

    def size(n: int, features: int | None = None, augmentation: Any = None, models: Members = ALONE) -> float:
        del models
        views = 1.0 if augmentation is None else float(augmentation.views)
        seen, width = n * (views if np.isfinite(views) else 1.0), features or task.dim
        return 8.0 * (2 * task.rows * task.dim + seen * (task.dim + width) + 4 * min(seen, width) ** 2)

    apart, settings = learner.resampling is not None or members is not None, []
    every = [None] if learner.augmentation is None else learner.augmentation.settings
    for one, count in itertools.product(every, np.ravel(axes.get("members", 1))):
        own = () if one is None else content(one)
        own = (*own, int(count), *content(learner.resampling)) if apart else own
        settings.append(({"augmentation": one, "models": Members(int(count), learner.resampling)}, own))
    outer = ("n", "features") if "features" in axes else ("n",)
    last = tuple(name for name in axes if name not in (*outer, *training.axes))
    curve = measured_curve(
        task, training, axes, run, size, runs, outer, knobs=(), lost="error", last=last, settings=settings,
        **_noted(learner),
    )
    return curve.drop_vars([name for name in curve if apart and name.startswith("train_")])
