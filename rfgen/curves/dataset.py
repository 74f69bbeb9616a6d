"""Curves as xarray datasets: one table of variables, NaN with a reason, means with standard errors."""

__all__ = ["DESCRIPTIONS", "MEASURED", "dataset", "described", "judged", "mean_and_error", "means", "settings_last"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.curves.arguments import Dataset
from rfgen.curves.grid import Grid
from rfgen.problems.task import Task

DESCRIPTIONS = {
    "test": "test risk, label noise included",
    "train": "training error (mean squared residual)",
    "bias": "squared error of the mean predictor",
    "variance": "variance from the draw of samples and features",
    "noise": "part of the test risk linear in the noise variance",
    "variance_with_noise": "variance from samples, features and label noise",
    "norm": "mean squared norm of the weights",
    "amplification": "factor on every error source; overfitting coefficient at ridge 0",
    "data_variance": "variance from the draw of samples",
    "features_variance": "variance from the draw of features",
    "initial_variance": "variance from the initial weights",
    "end_test": "test risk at the end of training",
    "late_loss": "what stopping late costs",
    "edge": "ridge at the edge of the spectrum, below which there is no minimum",
    "best_ridge": "ridge of least test risk",
    "best_ridge_test": "test risk of the best ridge",
    "test_pattern_se": "standard error of test from sampled patterns",
    "train_pattern_se": "standard error of train from sampled patterns",
    "finite_size": "expected relative error at this n and features",
    "finite_size_bias": "expected relative error of bias and variance",
    "finite_size_noise": "expected relative error of the noise part",
    "kappa": "effective ridge of the samples",
    "gamma": "effective ridge of samples and features",
    "df1": "degrees of freedom, the sum of all learnabilities",
    "leverage_scatter": "scatter of the examples' leverages, relative",
    "residual": "relative residual of the equilibrium",
    "converged": "whether the equilibrium was solved",
    "n": "samples",
    "features": "random features",
    "ridge": "ridge (unnormalised)",
    "views": "views per sample",
    "time": "time of gradient flow",
    "steps": "steps",
    "rate": "learning rate",
    "momentum": "momentum",
    "momentum_rate": "rate of the momentum",
    "batch": "samples in a batch",
    "average_from": "first step of the average",
    "growth": "factor on the risk per step at late steps (1: stable)",
    "stability_mass": "share of the loss that returns as noise of later steps",
    "stationary_test": "test risk where the last iterate comes to rest",
    "bias_by_mode": "squared error of the mean predictor in each mode",
    "variance_by_mode": "variance from the draw of samples in each mode",
    "noise_by_mode": "variance from label noise in each mode",
    "noise_variance": "variance of the label noise",
    "decay_rate": "rate of decay of the eigenvalues",
    "signal": "power of the target",
    "dim": "dimension of the inputs",
    "alpha": "alpha",
    "beta": "beta",
    "delta": "delta",
    "interval_length": "length of intervals that cover 90 % of fresh labels",
    "naive_coverage": "coverage of 90 % intervals made of training residuals",
    "clipped": "share of training rows whose force is at a bound",
    "channel_error": "error on normal features with the rows' labels",
    "threshold": "threshold of Huber's loss",
    "level": "level of the quantile",
    "excess": "test risk less the noise",
    "active": "degrees of freedom (l1: coefficients not 0)",
    "true_positives": "share of the nonzeros found",
    "false_discoveries": "share of zeros in those found",
    "tau": "noise of each coefficient",
    "theta": "threshold of the proximal map",
    "penalty": "penalty (n times alpha)",
    "init": "start of u and v",
    "linear": "weight of the linear part",
    "members": "members of the ensemble",
    "effective_ridge": "ridge of the kernel regression that an infinite ensemble equals",
    "irreducible": "noise of the test labels",
    "variance_data": "variance from the samples",
    "variance_features": "variance from the features",
    "variance_data_features": "variance from samples and features together",
    "variance_data_noise": "variance from label noise through the samples",
    "variance_data_features_noise": "variance from label noise through samples and features",
    "variance_initial": "variance from the initial weights",
    "schedule": "schedule",
    "slope": "d test / d log rate of the best schedule",
    "output": "output",
    "domain": "domain",
    "mixture": "mixture of rows",
    "stage": "stage",
    "test_domain": "population tested on",
    "rows": "training rows of all domains",
    "noise_by_domain": "variance from the label noise of each domain",
    "value": "what one more unit of cost spent on rows takes off the test risk",
    "by_n": "derivative of the test risk in the rows of a domain",
    "by_weight": "derivative of the test risk in the weight of a domain's rows",
    "by_noise": "derivative of the test risk in the noise variance of a domain",
    "by_ridge": "derivative of the test risk in the ridge",
    "budget": "what all rows cost",
    "share": "share of the budget",
    "rows_of_domain": "rows of the domain",
    "weight": "weight of the domain's rows",
    "alone_test": "test risk of the domain alone at its best ridge",
    "first_order": "miss of the first-order conditions, relative",
    "class": "class",
    "error": "test error (share of wrong classes)",
    "error_by_class": "test error of each class",
    "error_by_group": "test error of each group",
    "group": "group",
    "sign_error": "share of wrong signs of the teacher's score",
    "fitted": "share of training rows without residual",
    "robust_error": "test error under the attack trained for",
    "robust_error_by_class": "test error of each class under the attack trained for",
    "robust_test": "mean squared error on labels under the attack trained for",
    "robust_error_by_group": "test error of each group under the attack trained for",
    "train_error": "training error (share of missed training labels)",
    "train_loss": "mean training loss",
    "intercept": "intercept",
    "calibration_error": "mean distance of the probability said from that of the label",
    "temperature": "temperature at which the scores have the least log loss",
    "log_loss": "log loss on fresh labels",
    "brier": "mean square error of the probability said",
    "support": "share of training rows with margin at most 1",
    "separable": "share of trials with separable classes",
    "radius": "radius of the attack",
    "test_accuracy": "test accuracy (true classes)",
    "test_error": "test error (true classes)",
    "train_accuracy": "training accuracy (training labels)",
    "flips_fitted": "share of the wrong labels that are fitted",
}
# A residual below this is that of a solution.
SOLVED = 1e-10
# Risks and what they are sums of.
SQUARES = {
    "test", "train", "bias", "variance", "noise", "variance_with_noise", "irreducible", "excess", "data_variance",
    "features_variance", "initial_variance", "end_test", "best_ridge_test", "stationary_test", "late_loss",
}
MEASURED = ("test", "train", "bias", "variance", "noise", "norm")


def described(name: str) -> dict[str, str]:
    """The attributes of a variable: its long name, and the units of risks and of their parts.

    >>> described("bias")
    {'long_name': 'squared error of the mean predictor', 'units': 'target squared'}
    """
    units = {"units": "target squared"} if name.removesuffix("_se") in SQUARES else {}
    return {"long_name": DESCRIPTIONS.get(name, name), **units}


def dataset(
    axes: Mapping[str, np.ndarray], variables: dict[str, np.ndarray], task: Any, attributes: dict[str, Any],
    inner: Mapping[str, np.ndarray] | None = None,
) -> Dataset:
    """An xarray Dataset over the axes that are arrays; scalars become scalar coordinates.

    Last come the outputs that a task keeps, or the dimension that is `inner`; a variable may be without them.
    """
    import xarray

    dims = Grid(axes).dims
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    if inner is None:
        inner = {"output": np.arange(task.outputs)} if getattr(task, "keep_outputs", False) else {}
    dims.extend(inner)
    coords |= {name: ((name,), values) for name, values in inner.items()}
    data = {}
    for name, values in variables.items():
        own = dims if values.ndim == len(dims) else dims[:-1]
        data[name] = (own, values, described(name))
    result = xarray.Dataset(data, coords, {"rfgen_version": __version__, "task": repr(task), **attributes})
    for name in coords:
        result[name].attrs["long_name"] = DESCRIPTIONS.get(name, name)
    return result


def judged(task: Task, grid: Grid, values: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """NaN, with a reason, where a point could not be solved; diagnostics without their dimension `output`."""
    at = grid.columns
    seen = at["n"] if "n" in at else at["steps"] * at["batch"]
    beyond = grid.pack(np.minimum(seen, at["features"]) > task.spectrum.resolved)
    beyond = beyond[..., None] if task.keep_outputs else beyond
    unsolved = ~values["converged"] | np.isnan(values["test"])
    solved = ~(unsolved | beyond)
    failures = []
    if beyond.any():
        failures.append(f"min(n, features) above {task.spectrum.resolved:.4g}: the infinite tail is not resolved there")
    residual = values["residual"][unsolved & ~beyond]
    lost = residual < SOLVED
    if not lost.all():
        worst = np.max(residual[~lost])
        failures.append(f"{np.sum(~lost)} equilibria not solved in double precision, residual {worst:.2g}")
    if lost.any():
        failures.append(f"{np.sum(lost)} point(s) lost to rounding or overflow, though the equilibrium was solved")
    variables = {
        name: column if name in ("converged", "residual") else np.where(solved, column, np.nan)
        for name, column in values.items()
    }
    variables["converged"] = solved
    for name in {"kappa", "gamma", "df1", "residual", "converged"} & variables.keys():
        variables[name] = variables[name][..., 0] if task.keep_outputs else variables[name]
    return variables, {"failures": "; ".join(failures)} if failures else {}


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over trials (trials, ...) and its standard error, trials left out that are NaN."""
    kept = ~np.isnan(values)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(kept, values, 0.0).sum(axis=0) / count
        squares = np.where(kept, (values - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / (count - 1) / count)
    return mean, np.where(count > 1, error, np.nan)


def settings_last(cells: Sequence[np.ndarray], settings: int, *inner: int) -> np.ndarray:
    """Values of cells, every so many `settings` of one point, with the settings behind what a cell holds, but `inner`.

    >>> settings_last([np.array([1, 2]), np.array([3, 4])], settings=2).tolist()
    [[[1, 3], [2, 4]]]
    """
    stacked = np.reshape(cells, (len(cells) // settings, settings, -1, *inner))
    return np.swapaxes(stacked, 1, 2)


def means(
    cells: Sequence[Mapping[str, np.ndarray]], grid: Grid, settings: int = 1, *inner: int
) -> dict[str, np.ndarray]:
    """Each variable of the cells (trials, ...): its mean over trials, by dimension, and its standard error `<name>_se`.

    Every so many `settings`, of the last axes, are cells of one point.  What is known by class or group (`<name>_by_...`)
    has the `inner` dimension behind those of the grid.
    """
    found: dict[str, np.ndarray] = {}
    for name in cells[0]:
        mean, error = zip(*(mean_and_error(cell[name]) for cell in cells), strict=True)
        own = inner if "_by_" in name else ()
        for key, values in ((name, mean), (f"{name}_se", error)):
            found[key] = grid.pack(settings_last(values, settings, *own), *own)
    return found
