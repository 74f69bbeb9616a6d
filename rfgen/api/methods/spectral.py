"""Curves of tasks in eigen-coordinates: one model or an ensemble, of any training on a fixed set."""

__all__ = ["predict_spectral"]

from typing import Any

from rfgen.api.methods.ensembles import predict_ensemble
from rfgen.api.methods.ridge import risk_curve
from rfgen.api.nouns import checked_axes, refuse_held_out
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task


def predict_spectral(task: Task | DataTask, learner: Learner, n: Any, form: str | None = None, members: Any = None) -> Any:
    """Exact risk of linear models trained on a fixed set: ridge regression, gradient training, self-distillation.

    Returns
    -------
    xarray.Dataset
        `test` = `bias` + `variance` + `noise`: the risk on a new labelled input, the squared error of the mean predictor,
        the variance from samples, features and initial weights, and all that is linear in the noise variance, that of the
        test label included.  `train`, the mean squared residual; `norm`, the squared length of the weights;
        `amplification`, the factor on every source of error; `kappa`, `gamma`, `df1`, `residual`, `converged`.

        With an augmentation `data_variance` + `features_variance` = `variance` stand in place of `kappa` and `gamma`,
        `attrs["form"]` names the equivalent, `test_pattern_se` and `train_pattern_se` are standard errors where patterns
        are sampled, and `attrs["moments_error"]` those, relative, of moments estimated from real inputs.  Views and
        strengths of the augmentation are dimensions.

        With `members`, the last dimension but `output`: models trained on the same samples and views, each with features,
        initial weights or resampled data of its own; ridge on features adds `effective_ridge`, that of the kernel
        regression which infinitely many members equal.  Resampled learners have no `train`.

        On real examples drawn without replacement `test` is the risk on those left out, `leverage_scatter` the scatter of
        their leverages, and `attrs["indicator"]` by how much the risk would change if each had an effective ridge of its
        own (the largest change of the points that depend on it most; 0 where leverages are alike).

    Notes
    -----
    Exact as n, features and the number of modes grow together; errors are of relative order `amplification` (1/n +
    1/features).  2-5 microseconds a point whatever the number of modes, 20-80 with an augmentation; along training one
    contour a decade, whatever the number of times.

    References
    ----------
    `rfgen.theory.risk` (arXiv 2311.14646), `rfgen.theory.augmented_risk`, `rfgen.theory.trajectory` and
    `rfgen.theory.ensemble`, derived.
    """
    axes = checked_axes(task, learner, n)
    refuse_held_out(task, learner)
    if members is None:
        found = risk_curve(task, learner, axes, form)
    else:
        found = predict_ensemble(task, learner, axes, form, members)
    if learner.resampling is None:
        return found
    return found.drop_vars("train").assign_attrs(resampling=repr(learner.resampling))
