"""Kernel classifiers on the sphere: 0-1 errors over n and the ridge, or along gradient flow."""

__all__ = ["predict_sphere_labels", "simulate_sphere_labels"]

from typing import Any

import jax
import numpy as np

from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve, sample_sizes
from rfgen.numerics.compilation.program import program
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.spectral import GradientFlow
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.sphere_labels.simulation import TEST_POINTS, kernel_trials
from rfgen.systems.sphere_labels.theory import KernelClassifier, kernel_classifier, kernel_flow_classifier

NAMES = ("error", "uniform_error", "test", "amplification")


def _axes(learner: Learner, n: Any) -> tuple[dict[str, np.ndarray], str]:
    """The axes, and which of them the training is stopped by."""
    training: Any = learner.training
    if not isinstance(training, GradientFlow):
        return {"n": sample_sizes(n), "ridge": training.ridge}, "ridge"
    if np.any(training.ridge):
        raise ValueError(f"ridge must be 0 for gradient flow on an rg.ZonalLabels, got {training!r}: stop it by its time")
    if not (np.isfinite(training.time) & (training.time > 0)).all():
        raise ValueError(f"time must be finite and > 0 on an rg.ZonalLabels, got {training!r}: its end is rg.Ridge(0)")
    return {"n": sample_sizes(n), "time": training.time}, "time"


@program(static_argnames=("labels", "by"))
def _errors(labels: ZonalLabels, columns: tuple[Any, Any], by: str) -> KernelClassifier:
    curve = kernel_classifier if by == "ridge" else kernel_flow_classifier
    return jax.lax.map(lambda at: curve(labels, *at), columns)


def predict_sphere_labels(task: ZonalLabels, learner: Learner, n: Any) -> Any:
    """0-1 error of kernel classifiers of labels on the sphere, by ridge regression or along gradient flow.

    Returns
    -------
    xarray.Dataset
        Over n and the ridge, or the time: `error`, the chance to miss a new label; `uniform_error`, the same with the
        variance of the fit taken as constant; `test`, the squared risk; `amplification` A, the factor on the labels'
        noise in it.  The attribute `bayes_error` is the error of the target's sign.

    Notes
    -----
    A Gaussian approximation, on the hopeful side by up to .7 s/dim of the error, s = 1 - 1/A, whatever n is.

    References
    ----------
    Derived: `rfgen.systems.sphere_labels.theory`, `kernel_flow_classifier`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import rfgen as rg
    >>> labels = rg.ZonalLabels(8, rg.NTK("relu", depth=2), lambda t: jnp.tanh(2.5 * t))
    >>> curve = rg.predict(labels, rg.Learner(rg.Ridge([0.0, 2.0])), n=400)
    >>> curve.error.values.round(4), round(curve.attrs["bayes_error"], 4)
    (array([0.2794, 0.2533]), 0.2304)
    """
    axes, by = _axes(learner, n)
    assert task.task.modes is not None and task.eigenvalues.size  # here: in a program kernel and target would be traced
    grid = Grid(axes)
    columns = list(grid.columns.values())
    found = blockwise(lambda *block: _errors(task, block, by=by), columns, ONE_BY_ONE)
    attributes = {"kind": "theory", "dtype": "float64", "source": "derived", "bayes_error": float(found["bayes"][0])}
    if (lost := int(np.isnan(found["error"]).sum())) > 0:
        attributes["failures"] = f"{lost} points not solved: a time beyond the end of the flow is rg.Ridge(0)"
    return dataset(axes, {name: grid.pack(found[name]) for name in NAMES}, task, attributes)


def simulate_sphere_labels(task: ZonalLabels, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured errors."""
    axes, by = _axes(learner, n)

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        found = kernel_trials(task, by, np.ravel(axes[by]), trials, seed, start, n)
        return {"error": found[:, 0], "test": found[:, 1]}

    def size(n: int) -> float:
        return 8.0 * ((7 * n + 2 * task.dim) * (n + TEST_POINTS) + 5 * n**2)  # as the compiled kernel holds them

    return measured_curve(task, learner.training, axes, run, size, runs)
