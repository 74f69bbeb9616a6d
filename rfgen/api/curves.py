"""What the verbs share: checked nouns, named dimensions, blocks of points, reasons for failures."""

__all__ = [
    "BLOCKS",
    "MEASURED",
    "ONE_BY_ONE",
    "blockwise",
    "dataset",
    "judged",
    "mean_and_error",
    "over_modes",
    "prepare",
    "warn_low_dimension",
    "warn_small_population",
]

import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.problems import validation
from rfgen.problems.classes.mixture import CLASSES, Mixture
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.populations.population import FinitePopulation, SpherePopulation
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.task import Task
from rfgen.problems.trainings.classifier import AbstractClassifierTraining
from rfgen.problems.trainings.spectral import Ridge
from rfgen.problems.trainings.stochastic import SGD, AcceleratedSGD, OnePassSGD
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.sparse.trainings import AbstractPenalisedTraining
from rfgen.systems.xor.two_layer_relu import TwoLayerReLU

# Points are computed in blocks of these sizes, padded: two shapes compiled, whatever the grid.  1,024 points by 160 modes
# stay in the second-level cache (2.5 us a point); 4,096 do not (6.7 us).
BLOCKS = (64, 1024)
# Points of a large problem (many patterns, matrices, paths of a classifier), each a call of one program.
ONE_BY_ONE = (1, 1)
# Degrees of freedom per example of a finite population beyond which repeated rows are seen: at 0.067 (a neural tangent
# kernel on 200 of 1,797 digits) the test risk is 3 % above theory and the training error 10 % below.
MOST_DF1_PER_EXAMPLE = 0.03
# Inputs of at most so many coordinates, and df2/n beyond which it shows that their modes are not independent: on the circle
# noise is 1.3 % below theory at 0.1, 4 % at 0.16, 10 % at 0.25 and a third at 0.5; in 4 dimensions 9 % at most, in 6 4 %.
LOW_DIMENSION, MOST_DF2_PER_SAMPLE = 3, 0.1

_ON_BATCHES = (SGD, OnePassSGD, AcceleratedSGD)
DESCRIPTIONS = {
    "test": "test risk, label noise included",
    "train": "training error (mean squared residual)",
    "bias": "squared error of the mean predictor",
    "variance": "variance from the draw of samples and features",
    "noise": "part of the test risk linear in the noise variance",
    "norm": "mean squared norm of the weights",
    "amplification": "factor on every error source; overfitting coefficient at ridge 0",
    "data_variance": "variance from the draw of samples",
    "features_variance": "variance from the draw of features",
    "initial_variance": "variance from the initial weights",
    "end_test": "test risk at the end of training",
    "late_loss": "what stopping late costs",
    "best_ridge": "ridge of least test risk",
    "best_ridge_test": "test risk of the best ridge",
    "test_pattern_se": "standard error of test from sampled patterns",
    "train_pattern_se": "standard error of train from sampled patterns",
    "kappa": "effective ridge of the samples",
    "gamma": "effective ridge of samples and features",
    "df1": "degrees of freedom, the sum of all learnabilities",
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
    "batch": "samples in a batch",
    "average_from": "first step of the average",
    "growth": "factor on the risk per step at late steps (1: stable)",
    "stability_mass": "share of the loss that returns as noise of later steps",
    "stationary_test": "test risk where the last iterate comes to rest",
    "bias_by_mode": "squared error of the mean predictor in each mode",
    "variance_by_mode": "variance from the draw of samples in each mode",
    "noise_by_mode": "variance from label noise in each mode",
    "alpha": "alpha",
    "beta": "beta",
    "delta": "delta",
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
    "output": "output",
    "class": "class",
    "error": "test error (share of wrong classes)",
    "error_by_class": "test error of each class",
    "train_error": "training error (share of missed training labels)",
    "train_loss": "mean training loss",
    "intercept": "intercept",
    "support": "share of training rows with margin at most 1",
    "separable": "share of trials with separable classes",
    "radius": "radius of the attack",
}
MEASURED = ("test", "train", "bias", "variance", "noise", "norm")


def prepare(verb: str, task: Any, learner: Any, n: Any) -> tuple[Task, dict[str, np.ndarray]]:
    """Check the nouns; return the task in eigen-coordinates and the axes of the outer product."""
    if isinstance(task, DataTask):
        task = task.eigen
    if not isinstance(task, Task):
        known = "rg.Task or rg.DataTask"
        if verb in ("predict", "simulate"):
            known = "rg.Task, rg.DataTask, rg.Mixture, rg.SparseRegression or rg.XORClusters"
        raise ValueError(f"task must be an {known} for {verb}, got {type(task).__name__}")
    if isinstance(learner, TwoLayerReLU):
        raise ValueError(f"task must be an rg.XORClusters to train {learner!r}, got {task!r}")
    if not isinstance(learner, Learner):
        raise ValueError(f"learner must be an rg.Learner, got {type(learner).__name__}")
    if isinstance(learner.training, AbstractClassifierTraining):
        raise ValueError(f"task must be an rg.Mixture (two classes) to train {learner.training!r}, got {task!r}")
    if isinstance(learner.training, AbstractPenalisedTraining):
        raise ValueError(f"task must be an rg.SparseRegression to train {learner.training!r}, got {task!r}")
    if getattr(learner.training, "intercept", False):
        raise ValueError(f"intercept=True needs two classes, an rg.Mixture, got {task!r}: center the targets instead")
    if verb in ("optimal_ridge", "optimal_augmentation") and not isinstance(learner.training, Ridge):
        remedy = "; use optimal_stopping" if verb == "optimal_ridge" else ""
        raise ValueError(f"{verb} covers Ridge, got {learner.training!r}{remedy}")
    if learner.augmentation is not None and getattr(task.population, "initial_kernel", None) is not None:
        raise ValueError(
            "augmentation is not covered for a task with an initial network, which sees the views where the target is that "
            f"of the clean input: use the task without, got {learner.augmentation!r}"
        )
    training = learner.training
    if learner.resampling is not None and (verb not in ("predict", "simulate") or isinstance(training, _ON_BATCHES)):
        where = verb if verb not in ("predict", "simulate") else repr(training)
        raise ValueError(f"resampling is not covered by {where}, got {learner.resampling!r}")
    axes = {"features": learner.features, **training.axes}
    if not training.needs_samples:
        if n is not None:
            raise ValueError(f"n must be left out: {training!r} sees steps * batch fresh samples, no set of n; got {n!r}")
        return task, axes
    if n is None:
        raise ValueError(f"n, the number of training samples, is missing: {training!r} trains on a fixed set")
    axes = {"n": validation.positive("n", n), **axes}
    batch = axes.get("batch")
    if batch is not None and np.max(batch) > np.min(axes["n"]):
        raise ValueError(f"batch must be at most n, got batch {np.max(batch)} and n = {np.min(axes['n']):g}")
    return task, axes


def dataset(
    axes: dict[str, np.ndarray], variables: dict[str, np.ndarray], task: Task | Mixture | SparseRegression,
    attributes: dict[str, Any],
) -> Any:  # fmt: skip
    """An xarray Dataset over the axes that are arrays; scalars become scalar coordinates.

    Last come the outputs that a task keeps, or the classes of a mixture; a variable may be without them.
    """
    import xarray

    dims = [name for name, axis in axes.items() if axis.ndim]
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    if isinstance(task, Mixture):
        dims.append("class")
        coords["class"] = (("class",), np.array(CLASSES))
    elif task.keep_outputs:
        dims.append("output")
        coords["output"] = (("output",), np.arange(task.outputs))
    data = {}
    for name, values in variables.items():
        own = dims if values.ndim == len(dims) else dims[:-1]
        data[name] = (own, values, {"long_name": DESCRIPTIONS.get(name, name)})
    result = xarray.Dataset(data, coords, {"rfgen_version": __version__, "task": repr(task), **attributes})
    for name in coords:
        result[name].attrs["long_name"] = DESCRIPTIONS.get(name, name)
    return result


def over_modes(function: Callable[..., Any], keep_outputs: bool) -> Callable[..., Any]:
    """Map `function(modes, ..., noise)` over the outputs when they are kept; the equilibrium is solved once for all."""
    if not keep_outputs:
        return function
    outputs = Modes(None, None, 0, 0, None, None, None)

    def mapped(modes: Modes, *arguments: Any) -> Any:
        *shared, noise = arguments
        return jax.vmap(lambda m, s: function(m, *shared, s), in_axes=(outputs, 0))(modes, noise)

    return mapped


def blockwise(
    function: Callable[..., Any], columns: list[np.ndarray], blocks: tuple[int, int] = BLOCKS
) -> dict[str, np.ndarray]:
    """`function(*columns)`, a record of arrays with leading dimension points, in padded blocks."""
    count = columns[0].size
    size = blocks[0] if count <= blocks[0] else blocks[1]
    pieces = []
    for start in range(0, count, size):
        block = [column[start : start + size] for column in columns]
        length = block[0].size
        padded = [np.concatenate([column, np.repeat(column[:1], size - length, axis=0)]) for column in block]
        pieces.append((length, function(*padded)))
    names = vars(pieces[0][1]).keys()
    return {
        name: np.concatenate([np.asarray(getattr(record, name))[:length] for length, record in pieces]) for name in names
    }


def judged(
    task: Task, axes: dict[str, np.ndarray], columns: list[np.ndarray], values: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """NaN, with a reason, where a point could not be solved; diagnostics without their dimension `output`."""
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    beyond = np.reshape(np.minimum(columns[0], columns[1]) > task.spectrum.resolved, shape)
    beyond = beyond[..., None] if task.keep_outputs else beyond
    unsolved = ~values["converged"] | np.isnan(values["test"])
    solved = ~(unsolved | beyond)
    failures = []
    if beyond.any():
        failures.append(f"min(n, features) above {task.spectrum.resolved:.4g}: the infinite tail is not resolved there")
    if (unsolved & ~beyond).any():
        residuals = values["residual"][unsolved & ~beyond]
        failures.append(f"{residuals.size} equilibria not solved in double precision, residual {np.max(residuals):.2g}")
    variables = {
        name: column if name in ("converged", "residual") else np.where(solved, column, np.nan)
        for name, column in values.items()
    }
    variables["converged"] = solved
    for name in {"kappa", "gamma", "df1", "residual", "converged"} & variables.keys():
        variables[name] = variables[name][..., 0] if task.keep_outputs else variables[name]
    return variables, {"failures": "; ".join(failures)} if failures else {}


def warn_low_dimension(task: Task, amplification: np.ndarray) -> None:
    """Say so where the modes of low-dimensional inputs are far from independent: on the circle and the sphere of R^3.

    With little ridge the fit to noise is local there, and smoother than that of independent modes.  On the circle with
    eigenvalues k^-2 the interpolant is a piecewise linear spline, which adds 2/3 of the noise variance; the theory, all of
    it.  `amplification` is 1 / (1 - df2/n) for the full kernel.
    """
    if not isinstance(task.population, SpherePopulation) or task.population.dim > LOW_DIMENSION:
        return
    share = float(np.max(1.0 - 1.0 / amplification, where=~np.isnan(amplification), initial=0.0))
    if share > MOST_DF2_PER_SAMPLE:
        warnings.warn(
            f"inputs on the sphere of dim={task.population.dim} are too low-dimensional for independent modes, and df2/n "
            f"reaches {share:.2g}: of what fitted noise adds to the risk theory is too high, by up to a half on the circle "
            "(dim 2) and a fifth in dim 3; use a larger ridge, more samples at that ridge, or simulate",
            stacklevel=4,
        )


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over trials (trials, ...) and its standard error, trials left out that are NaN."""
    kept = ~np.isnan(values)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(kept, values, 0.0).sum(axis=0) / count
        squares = np.where(kept, (values - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / (count - 1) / count)
    return mean, np.where(count > 1, error, np.nan)


def warn_small_population(task: Task, df1: np.ndarray) -> None:
    """Say so where a finite population is too small: its rows repeat, and a learner that fits them exactly knows them."""
    if not isinstance(task.population, FinitePopulation):
        return
    examples = task.population.labels.shape[0]
    share = float(np.nanmax(df1)) / examples
    if share > MOST_DF1_PER_EXAMPLE:
        warnings.warn(
            f"degrees of freedom reach {share:.2g} of the {examples} examples of the population: rows drawn from so few "
            f"examples repeat, and theory and simulation differ by a relative error of about that size; use smaller n, "
            "a larger ridge, or more examples",
            stacklevel=4,
        )
