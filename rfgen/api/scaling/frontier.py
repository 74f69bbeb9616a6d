"""`compute_frontier`: the width and the number of steps that a budget of compute is best spent on."""

__all__ = ["compute_frontier"]

from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.methods.table import method_for
from rfgen.api.nouns import in_modes, refuse_held_out
from rfgen.curves.arguments import Numbers
from rfgen.curves.dataset import dataset
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.stochastic import OnePassSGD
from rfgen.theory.overfitting.scaling_exponents import phase
from rfgen.theory.sgd.compute_optimal import LEAST_STEPS, compute_optimal

if TYPE_CHECKING:
    import xarray

LEAST_WIDTHS = 4
LONG_NAMES = {
    "compute": "compute: features × steps × batch", "loss": "least test risk, label noise included",
    "width": "random features", "steps": "steps", "loss_exponent": "local exponent of the loss less the label noise",
    "width_exponent": "local exponent of the width", "steps_exponent": "local exponent of the steps",
    "phase": "phase of arXiv 2405.15074",
}


@double_precision
def compute_frontier(task: Task | DataTask, training: OnePassSGD, features: Numbers, compute: Numbers) -> "xarray.Dataset":
    """The least exact test risk that one pass of SGD reaches at given compute, and the width and steps that reach it.

    Parameters
    ----------
    task
        As in `predict`; an infinite power law has a phase.
    training
        `rg.OnePassSGD` of one constant rate and one batch size, without momentum; its `steps` play no part.
    features
        Widths, at least four numbers: those between are considered too.
    compute
        Budgets features × steps × batch, > 0, one number or an array (compute,).

    Returns
    -------
    xarray.Dataset
        Over `compute`: `loss`, label noise included, at `width` and `steps` (real numbers); `loss_exponent` (of the loss
        less the label noise), `width_exponent`, `steps_exponent`: slopes over the decade around each budget, NaN where the
        best width of that decade is not within `features`, counted in `attrs["edge"]` with a warning; `phase`, of a power
        law without label noise, with the exponents that the local ones tend to in `attrs["loss_limit"]` and
        `attrs["width_limit"]`, "none" otherwise.

    Raises
    ------
    ValueError
        That names the argument: as in `predict`, a training that is not plain, fewer than four widths, budgets that buy no
        width four steps, and a rate at which no width is stable.

    Notes
    -----
    Exact as `predict` on random features.  Label noise at a constant rate leaves a floor that neither width nor steps
    lower: there the exponents fall to 0.  A tenth of a second for 12 widths and 60 budgets.

    References
    ----------
    arXiv 2405.15074 (question and phases); the method is derived: theory (9.11) to (9.14).

    Examples
    --------
    >>> import numpy as np
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=2.0, beta=2.6)
    >>> best = rg.compute_frontier(task, rg.OnePassSGD(0.3, steps=1), np.geomspace(30, 3e5, 12), [1e8, 1e10])
    >>> best.phase.item(), best.loss_exponent.values.round(3), round(best.attrs["loss_limit"], 3)
    ('Ia', array([0.528, 0.53 ]), 0.533)
    """
    if not isinstance(training, OnePassSGD):
        raise ValueError(f"training must be an rg.OnePassSGD for compute_frontier, got {training!r}")
    widths = np.unique(validation.positive("features", features, 1))
    if widths.size < LEAST_WIDTHS or not np.isfinite(widths).all():
        raise ValueError(f"features must be at least {LEAST_WIDTHS} different finite widths, got {features!r:.60}")
    method_for("predict", task, Learner(training, features=widths))
    eigen = in_modes(task)
    refuse_held_out(task, None, "compute_frontier")
    rate, batch = _plain(training)
    if eigen.keep_outputs:
        raise ValueError("keep_outputs must be False for compute_frontier: one width serves all outputs")
    budgets = validation.positive("compute", compute)
    most = float(np.max(budgets)) / (widths[0] * batch)
    if np.min(budgets) / (widths[0] * batch) < LEAST_STEPS:
        raise ValueError(
            f"compute must buy the narrowest width at least {LEAST_STEPS:g} steps, {LEAST_STEPS * widths[0] * batch:g}, "
            f"got {np.min(budgets):g}: give more compute or smaller features"
        )
    if min(widths[-1], most) > eigen.spectrum.resolved:
        raise ValueError(f"features must be at most {eigen.spectrum.resolved:.4g}, where the infinite tail is resolved")
    found = compute_optimal(eigen.modes, widths, rate, batch, float(eigen.risk_noise), np.atleast_1d(budgets))
    if np.isnan(found.loss).any():
        raise ValueError(
            f"rate is too large, got {rate:g}: fewer than {LEAST_WIDTHS} of the widths that the compute buys "
            f"{LEAST_STEPS:g} steps are stable with a loss above rounding; lower the rate, or give more features"
        )
    names = ("loss", "width", "steps", "loss_exponent", "width_exponent")
    values = {name: getattr(found, name).reshape(budgets.shape) for name in names}
    values["steps_exponent"] = 1.0 - values["width_exponent"]
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "arXiv 2405.15074; derived", "training": repr(training),
    }
    outside = int((~found.inside).sum())
    if outside:
        attributes["edge"] = (
            f"{outside} of {budgets.size} budget(s): the best width of the decade around lies beyond features "
            f"{widths[0]:g} to {widths[-1]:g}; widen them"
        )
        warn_caller(attributes["edge"])
    if found.unstable.size:
        attributes["unstable"] = f"left out, as the rate {rate:g} is unstable there: features {found.unstable.tolist()}"
        warn_caller(attributes["unstable"])
    name, law = "none", eigen.parameters
    if eigen.name == "power_law" and eigen.spectrum.infinite and not np.any(eigen.noise):
        limits = phase(law["alpha"], law["beta"])
        name, attributes["loss_limit"], attributes["width_limit"] = limits.name, limits.loss, limits.width
    result = dataset({"compute": budgets}, values, eigen, attributes).assign(phase=((), np.array(name)))
    for variable, text in LONG_NAMES.items():
        result[variable].attrs["long_name"] = text
    return result


def _plain(training: Any) -> tuple[float, float]:
    """The constant rate and the batch of a training without momentum and averages."""
    numbers: list[Any] = [training.rate, training.momentum, training.batch]
    varies = any(callable(value) or np.ndim(value) for value in numbers)
    if varies or numbers[1] != 0 or training.average_from is not None:
        raise ValueError(
            "training must be an rg.OnePassSGD of one constant rate and batch, without momentum or average_from, for "
            f"compute_frontier: other trainings have no balance of width and steps in closed form; got {training!r}"
        )
    return float(numbers[0]), float(numbers[2])
