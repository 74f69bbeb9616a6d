"""`check`: theory beside simulation."""

__all__ = ["check"]

from typing import Any

import numpy as np

from rfgen.api.check.agreement import FINITE_SIZE, FLOOR, ROUNDING, allowance, standard_score
from rfgen.api.check.report import Report
from rfgen.api.methods.table import method_for
from rfgen.api.predicting import predict
from rfgen.api.simulating import simulate
from rfgen.problems import validation
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.system_task import SystemTask
from rfgen.problems.task import Task
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.xor.two_layer_relu import TwoLayerReLU
from rfgen.systems.xor.xor_clusters import XORClusters


def check(
    task: Task | DataTask | Mixture | SparseRegression | XORClusters | SystemTask,
    learner: Learner | TwoLayerReLU,
    n: Any = None,
    trials: int = 45,
    seed: int = 0,
    variables: str | tuple[str, ...] | None = None,
    threshold: float = 4.0,
    finite_size: float = FINITE_SIZE,
    form: str | None = None,
    members: Any = None,
    **simulation: Any,
) -> Report:
    """Theory beside simulation, with the z-score of every point; prints as a table, its truth is the verdict.

    A point agrees when theory and measurement differ by at most `threshold` standard errors plus the finite-size
    allowance `finite_size * theory * amplification * (1/n + 1/features)`, which vanishes as sizes grow.  `variables` are
    those that decide (None: test, and train where there is a training set; error and train_error on an `rg.Mixture`,
    test_accuracy after the first step on `rg.XORClusters`, where allowances have amplification 1); `.dataset` holds all.
    `members` goes to both, `form` to `predict`, whose error from sampled patterns is added to the measurement's; further
    arguments go to `simulate`.

    >>> import rfgen as rg
    >>> report = rg.check(rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1)), n=[40, 80], trials=20)
    >>> report.agrees
    True
    """
    method, _ = method_for("predict", task, learner, form=form, members=members)
    unmeasured = {"train"} if getattr(learner, "resampling", None) is not None or method.decided == ("test",) else set()
    known = tuple(name for name in method.measured if name not in unmeasured)
    decided = tuple(name for name in method.decided if name in known)
    if variables is None:
        variables = decided
    variables = (variables,) if isinstance(variables, str) else tuple(variables)
    unknown = set(variables) - set(known)
    if unknown or not variables:
        raise ValueError(f"variables must be among {', '.join(known)}, got {variables!r}")
    if validation.integer("trials", trials, 2) < 4 and {"bias", "variance"} & set(variables):
        raise ValueError(f"trials must be >= 4 to judge bias and variance, got {trials}")
    theory = predict(task, learner, n, form, members=members)
    measured = simulate(task, learner, n, trials, seed, members=members, **simulation)
    if "step" in theory.dims:
        measured = measured.sel(step=theory.step)
    dtype = measured.attrs["dtype"]
    eigen = task.eigen if isinstance(task, DataTask) else task
    scale = getattr(eigen, "null_risk", 1.0)
    data = {}
    for name in known:
        n_there, features_there = (
            theory[size].broadcast_like(theory[name]).transpose(*theory[name].dims) if size in theory.coords else np.inf
            for size in ("n", "features")
        )
        amplification = theory.get("amplification", 1.0)
        granted = allowance(theory[name], amplification, n_there, features_there, finite_size)
        granted = granted + ROUNDING[dtype] * np.abs(theory[name].values)
        error = measured[f"{name}_se"]
        if f"{name}_pattern_se" in theory:
            error = np.hypot(error, theory[f"{name}_pattern_se"])
        if name in ("train_error", "train_accuracy"):  # shares of n rows a trial: none missed in any is no proof of zero
            rate = np.clip(theory[name], 0.0, 1.0)
            error = np.maximum(error, np.sqrt(rate * (1.0 - rate) / (np.asarray(n_there) * measured.trials.item())))
        floor = FLOOR[dtype] * (float(np.nanmax(np.abs(measured[name]))) if name == "norm" else scale)
        z = standard_score(theory[name], measured[name], error, floor)
        data |= {
            f"{name}_theory": theory[name], f"{name}_simulation": measured[name], f"{name}_se": error,
            f"{name}_z": theory[name].copy(data=z), f"{name}_allowance": theory[name].copy(data=granted),
        }  # fmt: skip
    import xarray

    failures = {key: theory.attrs[key] for key in ("failures", "unstable") if key in theory.attrs}
    attributes = {**measured.attrs, **failures, "threshold": threshold, "finite_size": finite_size}
    dataset = xarray.Dataset(data, attrs=attributes)
    title = repr(eigen)
    if augmentation := getattr(learner, "augmentation", None):
        title += f", {augmentation!r}, {theory.attrs['form']} form"
    return Report(dataset, tuple(variables), threshold, title)
