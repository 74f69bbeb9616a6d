"""Naive Bayes against logistic regression: test error over the number of samples."""

__all__ = ["predict_naive_bayes", "simulate_naive_bayes"]

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve, sample_sizes
from rfgen.numerics.compilation.program import program
from rfgen.problems.learner import Learner
from rfgen.simulation.runs.classes.classifier import classifier_runs
from rfgen.systems.naive_bayes.problem import CorrelatedClasses, NaiveBayes
from rfgen.systems.naive_bayes.simulation import naive_bayes_runs
from rfgen.systems.naive_bayes.theory import bayes_errors, naive_bayes_errors
from rfgen.theory.classification.margin import margin_classifier

# Pooled variances take two degrees of freedom, and the mean square of 1 / variance four more.
LEAST_ROWS = 7


def _axes(learner: Learner, n: Any) -> dict[str, np.ndarray]:
    return {"n": sample_sizes(n, LEAST_ROWS), **learner.training.axes}


@program(static_argnames=("rule", "intercept"))
def _logistic(moments: Any, n: Any, ridge: Any, rule: str, intercept: bool) -> tuple[Any, Any]:
    def point(at: tuple[Any, Any]) -> tuple[Any, Any]:
        rows, strength = at
        here = replace(moments, counts=moments.counts * rows)
        found = margin_classifier(here, rule, strength, np.inf, intercept)
        return found.error[:2], found.converged

    return jax.lax.map(point, (n, ridge))


def _logistic_errors(classes: CorrelatedClasses, training: Any, n: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """(points, 2), by class; the largest margin where the weights grow for ever, NaN where nothing was solved."""
    unit = classes.rotated.groups(1.0 / min(classes.prior, 1.0 - classes.prior))
    moments = replace(unit.moments, counts=unit.counts / unit.counts.sum())
    errors, solved = map(np.array, _logistic(moments, n, ridge, rule="logistic", intercept=training.intercept))
    endless = ~solved & (ridge == 0.0)
    if endless.any():
        limit, found = map(np.asarray, _logistic(moments, n, ridge, rule="hard_margin", intercept=training.intercept))
        errors, solved = np.where(endless[:, None], limit, errors), solved | (endless & found)
    return np.where(solved[:, None], errors, np.nan)


def predict_naive_bayes(task: CorrelatedClasses, learner: Learner, n: Any) -> Any:
    """Exact error of naive Bayes and of logistic regression on two classes of correlated features.

    Returns
    -------
    xarray.Dataset
        `error` over n (and the ridge of `rg.Logistic`); the attribute `limit_error` is what endless samples leave.

    Notes
    -----
    Exact as dim and n grow together.  Naive Bayes has few numbers to estimate and learns sooner, where correlations are
    weak; logistic regression needs n well above dim, and is right about them.

    References
    ----------
    Derived: `rfgen.systems.naive_bayes.naive_bayes_errors`, `rfgen.theory.margin_classifier`.

    Examples
    --------
    >>> import rfgen as rg
    >>> classes = rg.CorrelatedClasses.blocks(dim=120, size=3, correlation=0.5, length=2.0)
    >>> for training in (rg.NaiveBayes(), rg.Logistic(1e-3)):
    ...     curve = rg.predict(classes, rg.Learner(training), n=[60, 960])
    ...     print(curve.error.values.round(3), round(curve.attrs["limit_error"], 3))
    [0.071 0.026] 0.023
    [0.058 0.018] 0.007
    """
    axes, shares = _axes(learner, n), np.array([task.prior, 1.0 - task.prior])
    task.rotated.groups(float(np.min(axes["n"])))  # refuses where a class has no sample
    grid = Grid(axes)
    columns = list(grid.columns.values())
    if isinstance(learner.training, NaiveBayes):
        errors, limit = naive_bayes_errors(task, *columns), naive_bayes_errors(task, np.inf)
    else:
        errors, limit = _logistic_errors(task, learner.training, *columns), bayes_errors(task)
    attributes = {"kind": "theory", "dtype": "float64", "source": "derived", "limit_error": float(limit @ shares)}
    if (lost := int(np.isnan(errors).any(axis=1).sum())) > 0:
        attributes["failures"] = f"{lost} points not solved: take a ridge"
    return dataset(axes, {"error": grid.pack(errors @ shares)}, task, attributes)


def simulate_naive_bayes(task: CorrelatedClasses, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured `error`: both learners train on the same draws."""
    training = learner.training

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        if isinstance(training, NaiveBayes):
            return naive_bayes_runs(task, trials, seed, start, n)
        return {"error": classifier_runs(task.rotated, training, n, None, trials, seed, start=start).error}

    def size(n: int) -> float:
        return 8.0 * (4 * n * task.dim + 4 * min(n, task.dim) ** 2)

    return measured_curve(task, training, _axes(learner, n), run, size, runs)
