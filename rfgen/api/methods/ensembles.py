"""Ensembles, and which randomness the variance of a learner comes from."""

__all__ = ["checked_members", "fine_grained_variance", "predict_ensemble"]

from typing import Any

import numpy as np

from rfgen.api.methods.ridge import risk_curve
from rfgen.api.nouns import prepare
from rfgen.curves.dataset import dataset
from rfgen.numerics.precision import double_precision
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.stochastic import SGD, AcceleratedSGD, OnePassSGD
from rfgen.theory.ridge.ensemble import ensemble


def checked_members(learner: Learner, members: Any) -> np.ndarray:
    """`members` (), (sizes,) as floats, for a learner whose models can differ."""
    try:
        sizes = np.asarray(members, dtype=np.float64)
    except (TypeError, ValueError):
        sizes = np.full((), np.nan)
    if sizes.ndim > 1 or not sizes.size or not (sizes >= 1).all() or (sizes != np.round(sizes)).any():
        raise ValueError(f"members must be a whole number >= 1, math.inf or an array of them, got {members!r}")
    refuse_stochastic(learner, "members")
    if (sizes > 1).any() and learner.kernel and learner.resampling is None and not learner.training.initial_variance.any():
        raise ValueError(
            "members of an ensemble differ by random features, initial weights or resampled data, and this learner has "
            "none: give rg.Learner(..., features=...) or resampling=..., or leave members out"
        )
    return sizes


def refuse_stochastic(learner: Learner, what: str) -> None:
    """Refuse trainings on batches."""
    if isinstance(learner.training, SGD | OnePassSGD | AcceleratedSGD):
        raise ValueError(f"{what} does not cover trainings on batches: use rg.GradientDescent, got {learner.training!r}")


def predict_ensemble(
    given: Task | DataTask, task: Task, learner: Learner, axes: dict[str, np.ndarray], form: str | None, members: Any
) -> Any:
    """The curve of ensembles: `members` is the last dimension but `output`."""
    sizes = checked_members(learner, members)
    pair_of = "samples" if learner.resampling is None else "population"
    single, pair = (risk_curve(given, task, learner, axes, form, shared) for shared in ("all", pair_of))
    last = 1 if "output" in single.dims else 0
    inner = sizes.reshape(sizes.shape + (1,) * last) if sizes.ndim else sizes

    def spread(values: np.ndarray) -> np.ndarray:
        place = values.ndim - last if values.ndim == len(single.dims) else values.ndim
        return np.expand_dims(values, place) if sizes.ndim else values

    one, two = ({name: spread(np.asarray(each[name])) for name in each.data_vars} for each in (single, pair))
    if "gamma" in one:
        ridge, n, room = (spread(np.asarray(single[name].broadcast_like(single.gamma))) for name in ("ridge", "n", "df1"))
        with np.errstate(divide="ignore", invalid="ignore"):
            one["effective_ridge"] = np.where(
                one["kappa"] > 0.0, ridge * one["gamma"] / one["kappa"],
                one["gamma"] * np.where(n - room > 1e-12 * n, n - room, 0.0),
            )  # fmt: skip
    mixed = ensemble(one, two, inner)
    mixed["converged"] = one["converged"] & two["converged"]
    axes = {name: np.asarray(single[name]) for name in single.coords if name != "output"} | {"members": sizes}
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    for name, values in mixed.items():
        wide = (*shape, *single.output.shape) if last and values.ndim > len(shape) else shape
        mixed[name] = np.broadcast_to(values, wide)
    return dataset(axes, mixed, task, single.attrs)


@double_precision
def fine_grained_variance(task: Task | DataTask, learner: Learner, n: Any, form: str | None = None) -> Any:
    """The variance of a learner by the randomness that it comes from, and all that comes from several together.

    `task`, `learner`, `n`, `form` and dimensions as in `rg.predict`, any training on a fixed set, with augmentation or
    without.  The draws of samples (with their views), of features and of label noise are independent; the variances of
    the analysis of variance are `variance_data`, `variance_features`, `variance_data_features`, `variance_data_noise`,
    `variance_data_features_noise` (noise acts through samples alone: the others are 0), and `variance_initial` (initial
    weights, with all else).  They add up, with `bias` (squared error of the mean predictor) and `irreducible` (the noise
    of test labels), to `test`.  Units of the target squared.

    An ensemble of many feature draws keeps bias, `variance_data` and `variance_data_noise`.

    Source: arXiv 2011.03321 defines the decomposition; derived for arbitrary spectra, trainings and augmentations.

    >>> import rfgen as rg
    >>> task = rg.Task.power_law(1.5, 1.5, noise=0.3, modes=1000)
    >>> parts = rg.fine_grained_variance(task, rg.Learner(rg.Ridge(0.05), features=60), n=[40, 60, 80])
    >>> (parts.variance_data_features > parts.variance_features).values.all()
    np.True_
    """
    given = task
    task, axes = prepare("fine_grained_variance", task, learner, n)
    refuse_stochastic(learner, "fine_grained_variance")
    single, data, features = (
        risk_curve(given, task, learner, axes, form, shared) for shared in ("all", "samples", "features")
    )
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
    }  # fmt: skip
    axes = {name: np.asarray(single[name]) for name in single.coords if name != "output"}
    return dataset(axes, {name: np.asarray(part) for name, part in parts.items()}, task, single.attrs)


def _rest(whole: Any, part: Any) -> Any:
    """What a whole that may be infinite has more than its part; rounding leaves none below 0."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(part), 0.0, np.maximum(np.asarray(whole) - np.where(np.isinf(part), 0.0, part), 0.0))
