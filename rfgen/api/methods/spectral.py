"""Curves of tasks in eigen-coordinates: one model or an ensemble, of any training on a fixed set."""

__all__ = ["predict_spectral"]

from typing import Any

from rfgen.api.methods.ensembles import predict_ensemble
from rfgen.api.methods.ridge import risk_curve
from rfgen.api.nouns import prepare
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task


def predict_spectral(task: Task | DataTask, learner: Learner, n: Any, form: str | None = None, members: Any = None) -> Any:
    """The curve of a training that is not stochastic."""
    eigen, axes = prepare(task, learner, n)
    if members is None:
        found = risk_curve(task, eigen, learner, axes, form)
    else:
        found = predict_ensemble(task, eigen, learner, axes, form, members)
    if learner.resampling is None:
        return found
    return found.drop_vars("train").assign_attrs(resampling=repr(learner.resampling))
