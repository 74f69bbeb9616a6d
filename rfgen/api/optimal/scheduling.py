"""`best_schedule`: at which rates one pass learns most.  Where noise dominates: theory (17.3), (17.4)."""

__all__ = ["best_schedule"]

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.methods.table import method_for
from rfgen.api.nouns import in_modes, refuse_held_out
from rfgen.curves.dataset import DESCRIPTIONS, dataset
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.stochastic import OnePassSGD
from rfgen.theory.sgd.schedules import SHAPES, best_schedules
from rfgen.theory.sgd.streaming.one_pass import iteration_of

if TYPE_CHECKING:
    import xarray


@double_precision
def best_schedule(
    task: Task | DataTask, training: OnePassSGD, steps: int | None = None, batch: int | None = None, cap: Any = math.inf
) -> "xarray.Dataset":
    """The learning rate of each step of one pass that leaves the least exact test risk, beside the best of named shapes.

    Parameters
    ----------
    task
        As in `predict`, with one output or outputs summed.
    training
        An `rg.OnePassSGD` on the kernel's own modes: its momentum (a number, or a function of the step number) and
        `nesterov` hold, its rate plays no part.
    steps, batch
        Number of steps and of fresh samples in each, single numbers; None: those of `training`.
    cap
        No rate is above.

    Returns
    -------
    xarray.Dataset
        Over `schedule` ("best", and "constant", "linear", "cosine", "warmup-stable-decay", "1/t", each at its best size)
        and `steps`, the number of steps taken before: `rate` of the step that follows and `test`, the test risk before it;
        `end_test` after the last.  `slope` (steps,): d end_test / d log rate of the best schedule, 0 at a minimum but
        where the cap binds; `attrs["stationarity"]`: the sum of its absolute values where the cap does not, over the excess
        risk.

    Raises
    ------
    ValueError
        As in `predict`, where the outputs are kept, for other trainings, averages, and several steps or batches.

    Notes
    -----
    Exact as `predict`.  The last risk is quadratic in each rate, so a sweep over the steps never raises it; the sweeps
    start from the best named shape: the result is never worse.  It is a minimum, which need not be the only one.  Warmup is
    2 % of the steps, decay the last 20 %, 1/t halves in the first tenth.

    References
    ----------
    Derived: theory (17.1) to (17.4); where noise dominates, the shape is that of arXiv 2602.04774.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.5, beta=3.0, noise=0.3, modes=500)
    >>> best = rg.best_schedule(task, rg.OnePassSGD(rate=0.1, steps=1000))
    >>> (best.end_test - 0.3).sel(schedule=["best", "constant", "linear"]).values.round(5)
    array([0.00733, 0.01097, 0.00758])
    """
    if not isinstance(training, OnePassSGD):
        raise ValueError(f"training must be an rg.OnePassSGD for best_schedule, got {training!r}")
    method_for("predict", task, Learner(training))
    refuse_held_out(task, None, "best_schedule")
    eigen = in_modes(task)
    if eigen.keep_outputs:
        raise ValueError("keep_outputs must be False for best_schedule: one schedule serves all outputs")
    if training.average_from is not None:
        raise ValueError(
            f"average_from is not covered by best_schedule, whose last iterate predicts, got {training.average_from}: "
            "leave it out"
        )
    count = validation.integer("steps", _one("steps", training.steps if steps is None else steps), 1)
    size = validation.integer("batch", _one("batch", training.batch if batch is None else batch), 1)
    most = validation.numbers("(0, inf]", 0)("cap", cap)
    held = OnePassSGD(1.0, count, size, training.momentum, training.nesterov)
    momentum = {} if callable(training.momentum) else {"momentum": _one("momentum", training.momentum)}
    iteration = iteration_of(held, {"rate": 1.0, "batch": float(size), **momentum})
    found = best_schedules(eigen, iteration, count, float(most))
    names = np.array(["best", *SHAPES])
    bound = found.rates[0] >= float(most) * (1.0 - 1e-12)
    excess = found.test[0] - float(np.sum(eigen.risk_noise))
    moving = np.abs(np.where(bound, np.maximum(found.slope, 0.0), found.slope)).sum()
    attributes = {
        "kind": "theory", "dtype": "float64", "source": "derived", "training": repr(training), "sweeps": found.sweeps,
        "stationarity": float(moving / excess) if excess > 0 else 0.0, "steps_at_cap": int(bound.sum()),
    }
    variables = {"rate": found.rates, "test": found.risk, "end_test": found.test}
    result = dataset({"schedule": names, "steps": np.arange(count)}, variables, eigen, attributes)
    return result.assign(slope=("steps", found.slope, {"long_name": DESCRIPTIONS["slope"]}))


def _one(name: str, value: Any) -> Any:
    if np.ndim(value):
        raise ValueError(f"{name} must be one number for best_schedule, got {value!r}: call it for each")
    return value if value is None or callable(value) else np.asarray(value).item()
