"""Classifiers of real features: their predicted curves and their simulation."""

__all__ = ["predict_features", "simulate_features"]

from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import rule_of
from rfgen.systems.labelled_features.problem import LabelledFeatures
from rfgen.systems.labelled_features.simulation import feature_runs
from rfgen.systems.labelled_features.theory import FeatureClassifier, FeatureLaw, feature_classifier, feature_law

NAMES = ("error", "channel_error", "train_error", "train_loss", "norm", "intercept", "residual", "converged")


@program(static_argnames=("rule", "intercept"))
def _solved(law: FeatureLaw, columns: tuple[Any, ...], rule: str, intercept: bool) -> FeatureClassifier:
    return jax.lax.map(lambda at: feature_classifier(law, at[0], rule, at[1], intercept), columns)


def _axes(task: LabelledFeatures, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    sizes = checked_sizes(n)
    if sizes.max() >= task.rows:
        raise ValueError(f"n must leave rows to test on, be below {task.rows}, got {sizes.max():g}")
    return {"n": sizes, **learner.training.axes}


def predict_features(task: LabelledFeatures, learner: Learner, n: Any) -> Any:
    """Predicted error of linear classifiers trained on n real rows and tried on the others.

    Returns
    -------
    xarray.Dataset
        Over n and the ridge: `error` on real rows; `channel_error`, on normal ones; `train_error`, `train_loss`; `norm`,
        squared; `intercept`; `residual`, `converged`.  The attribute `explained` is the share of the labels' variance that
        a linear function of the features explains.

    Notes
    -----
    The joint law of the labels and of the features' best linear guess is that of the rows, the rest is taken as normal: a
    few per cent off on real rows, within simulation where they are normal.  n must be well below the number of rows.

    References
    ----------
    Derived: `rfgen.systems.labelled_features.feature_classifier`.

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
    grid, law = Grid(axes), feature_law(task)
    sizes, ridges = grid.columns.values()
    solved = blockwise(
        lambda *block: _solved(law, block, rule=rule, intercept=training.intercept), [sizes, ridges * factor], ONE_BY_ONE
    )
    done = solved["converged"]
    solved["train_loss"] = solved["train_loss"] * (2.0 if rule in ("square", "squared_hinge") else factor)
    variables = {
        name: grid.pack(solved[name] if name in ("residual", "converged") else np.where(done, solved[name], np.nan))
        for name in NAMES
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "explained": float(law.told)}
    if not done.all():
        attributes["failures"] = f"{(~done).sum()} points not solved: labels are separable, take a ridge"
    return dataset(axes, variables, task, attributes)


def simulate_features(
    task: LabelledFeatures, learner: Learner, n: Any, trials: Any, seed: Any, memory: Any, progress: bool | None, store: Any
) -> Any:
    """Measured error on the rows not trained on, training rows being drawn without replacement in each trial."""
    training = learner.training

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        return feature_runs(task, training, n, trials, seed, start)

    def size(n: int) -> float:
        return 8.0 * (2 * task.rows * task.dim + 4 * min(n, task.dim) ** 2)

    call = (trials, seed, memory, progress, store)
    return measured_curve(task, training, _axes(task, learner, n), run, size, call, knobs=(), lost="error")
