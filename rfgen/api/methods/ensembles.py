"""Ensembles: the mean prediction of models that differ."""

__all__ = ["checked_members", "predict_ensemble"]

from typing import Any

import numpy as np

from rfgen.api.methods.ridge import risk_curve
from rfgen.api.nouns import in_modes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.problems import validation
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.stochastic import SGD
from rfgen.theory.ridge.ensemble import ensemble


def checked_members(learner: Learner, members: Any) -> np.ndarray:
    """`members` (), (sizes,) as floats, for a learner whose models can differ."""
    sizes = validation.array("members", members, (0, 1), infinite=True)
    if (sizes < 1).any() or (sizes != np.round(sizes)).any():
        raise ValueError(f"members must be a whole number >= 1, math.inf or an array of them, got {members!r}")
    alike = learner.kernel and learner.resampling is None and not learner.training.initial_variance.any()
    if (sizes > 1).any() and alike and not isinstance(learner.training, SGD):
        raise ValueError(
            "members of an ensemble differ by random features, initial weights, batches or resampled data, and this "
            "learner has none: give rg.Learner(..., features=...) or resampling=..., or leave members out"
        )
    return sizes


def predict_ensemble(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, members: Any
) -> Any:
    """The curve of ensembles: `members` is the last dimension but `output`."""
    sizes = checked_members(learner, members)
    pair_of = "samples" if learner.resampling is None else "population"
    single, pair = (risk_curve(task, learner, axes, form, shared) for shared in ("all", pair_of))
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
                one["gamma"] * np.where(n - room > 1e-12 * n, n - room, 0.0) / (1.0 - room / in_modes(task).held_out_of),
            )
    mixed = ensemble(one, two, inner)
    mixed["converged"] = one["converged"] & two["converged"]
    axes = {name: np.asarray(single[name]) for name in single.coords if name != "output"} | {"members": sizes}
    shape = Grid(axes).shape
    for name, values in mixed.items():
        wide = (*shape, *single.output.shape) if last and values.ndim > len(shape) else shape
        mixed[name] = np.broadcast_to(values, wide)
    return dataset(axes, mixed, in_modes(task), single.attrs)
