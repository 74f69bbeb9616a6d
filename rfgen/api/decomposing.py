"""`fine_grained_variance`: which randomness the variance of a learner comes from.  Equations: theory (8.3) to (8.5)."""

__all__ = ["fine_grained_variance"]

from typing import Any

import numpy as np

from rfgen.api.methods.ridge import risk_curve
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import checked_axes, in_modes, refuse_held_out
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.dataset import dataset
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task


@double_precision
def fine_grained_variance(task: Task | DataTask, learner: Learner, n: Numbers, *, form: str | None = None) -> Dataset:
    """The variance of a learner by the randomness that it comes from, and all that comes from several together.

    Parameters
    ----------
    task, learner, n, form
        As in `predict`; any training on a fixed set, with augmentation or without.

    Returns
    -------
    xarray.Dataset
        The variances of the analysis of variance over the independent draws of samples (with their views), of features and
        of label noise: `variance_data`, `variance_features`, `variance_data_features`, `variance_data_noise`,
        `variance_data_features_noise` (noise acts through samples alone: the others are 0), and `variance_initial` (initial
        weights, with all else).  With `bias` (squared error of the mean predictor) and `irreducible` (the noise of test
        labels) they add up to `test`.  Units of the target squared.

    Raises
    ------
    ValueError
        As in `predict`.

    Notes
    -----
    An ensemble of many feature draws keeps bias, `variance_data` and `variance_data_noise`.  Exact as `predict`.

    References
    ----------
    arXiv 2011.03321 defines the decomposition; derived for arbitrary spectra, trainings and augmentations.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=1000)
    >>> parts = rg.fine_grained_variance(task, rg.Learner(rg.Ridge(0.05), features=60), n=[40, 60, 80])
    >>> (parts.variance_data_features > parts.variance_features).values.all()
    np.True_
    """
    method_for("fine_grained_variance", task, learner, form=form)
    refuse_held_out(task, learner)
    axes = checked_axes(task, learner, n)
    single, data, features = (risk_curve(task, learner, axes, form, shared) for shared in ("all", "samples", "features"))
    import xarray

    initial = single.get("initial_variance", xarray.zeros_like(single.test))
    noise = features.noise  # the models share no label noise: that of the test labels
    parts = {
        "test": single.test, "bias": single.bias, "irreducible": noise, "variance_data": data.variance,
        "variance_features": features.variance,
        "variance_data_features": _rest(single.variance, data.variance + features.variance + initial),
        "variance_data_noise": _rest(data.noise, noise),
        "variance_data_features_noise": _rest(single.noise, data.noise), "variance_initial": initial,
        "converged": single.converged & data.converged & features.converged,
    }
    axes = {name: np.asarray(single[name]) for name in single.coords if name != "output"}
    return dataset(axes, {name: np.asarray(part) for name, part in parts.items()}, in_modes(task), single.attrs)


def _rest(whole: Any, part: Any) -> Any:
    """What a whole that may be infinite has more than its part; rounding leaves none below 0."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(part), 0.0, np.maximum(np.asarray(whole) - np.where(np.isinf(part), 0.0, part), 0.0))
