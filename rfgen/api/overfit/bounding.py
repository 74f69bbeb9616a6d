"""`best_possible`: the line that no algorithm beats."""

__all__ = ["best_possible", "least_along"]

from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.over_tasks import over_tasks
from rfgen.curves.arguments import Numbers
from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import DESCRIPTIONS
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.task import Task
from rfgen.systems.robust.best import best_robust
from rfgen.systems.robust.problem import NoisyTask
from rfgen.systems.sparse.problem import SparseRegression
from rfgen.theory.bayes.best_classifier import best_mixture, best_teacher
from rfgen.theory.bayes.best_regression import best_regression, best_sparse

if TYPE_CHECKING:
    import xarray

KINDS = (Task, Teacher, Mixture, SparseRegression, NoisyTask)


@over_tasks
def best_possible(task: Task | Teacher | Mixture | SparseRegression | NoisyTask, n: Numbers) -> "xarray.Dataset":
    """The least test error that any algorithm reaches on average over targets like the task's.

    Parameters
    ----------
    task
        What is learned: a `Task`, a `Teacher`, a balanced `Mixture` of one covariance, a `SparseRegression`, or a
        `NoisyTask`.
    n
        Number of training samples, > 0; an array makes a dimension.

    Returns
    -------
    xarray.Dataset
        Of a Task `test`, noise included; of a Teacher `error` on fresh labels and `sign_error`; of a Mixture `error`; of a
        SparseRegression `test`, a bound for any algorithm, and `reached`, by message passing from no knowledge: where they
        differ no fast algorithm is known to do better.  Of a NoisyTask `excess`, and `test` with the noise's variance.

    Raises
    ------
    ValueError
        A task that is none of these, has several outputs or unequal classes, or an n that is not positive.

    Notes
    -----
    Errors of posterior means that know the law of the target, normal of the task's power in every mode, or sparse of its
    sizes at unknown places, and the noise.  A bound on average over that law: one given target may be learned better by an
    algorithm that is made for it.

    References
    ----------
    arXiv 1708.03395 (teachers), derived (the others); theory (16.7) to (16.10), (16.13).

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.2, beta=1.6, noise=0.5, modes=1000)
    >>> least = rg.best_possible(task, n=200)
    >>> bool(least.test < rg.predict(task, rg.Learner(rg.Ridge(0.5)), n=200).test)
    True
    """
    import xarray

    if not isinstance(task, KINDS):
        known = ", ".join(f"rg.{kind.__name__}" for kind in KINDS)
        raise ValueError(f"task must be one of {known} for best_possible, got {type(task).__name__}")
    sizes = checked_sizes(n)
    found = [_at(task, float(size)) for size in np.ravel(sizes)]
    dims = ("n",) if sizes.ndim else ()
    names = {"reached": "least error that known fast algorithms reach", **DESCRIPTIONS}
    data = {
        name: (dims, np.reshape([point[name] for point in found], sizes.shape), {"long_name": names.get(name, name)})
        for name in found[0]
    }
    return xarray.Dataset(data, {"n": (dims, sizes)}, {"kind": "least", "task": repr(task)})


def least_along(task: Any, data: Any, x: str, name: str) -> Any:
    """What `best_possible` gives of the task at the sizes of `data`; its Dataset stays as it is."""
    if not hasattr(task, "data_vars"):
        if isinstance(task, bool | str) or x != "n":
            raise ValueError(f"bayes must be the task, which curves do not keep, and x be 'n', got {task!r} and x={x!r}")
        sizes = np.ravel(data["n"].values)
        task = best_possible(task, sizes[np.isfinite(sizes)])
    if x not in getattr(task.get(name), "dims", ()):
        raise ValueError(f"bayes must hold {name} along {x}: give rg.best_possible(task, n) of several n")
    return task


def _at(task: Any, n: float) -> dict[str, float]:
    if isinstance(task, Task):
        if task.outputs > 1:
            raise ValueError(f"task must have one output for best_possible, got {task.outputs}: ask for each")
        count = task.spectrum.multiplicity
        noise = float(task.noise[0] + task.null_power[0])
        return {"test": best_regression(task.power[0] / count, count, noise, n)}
    if isinstance(task, SparseRegression):
        best = best_sparse(task.coefficients, task.multiplicity, float(task.noise), n, task.prior == "normal")
        return {"test": best.any_algorithm, "reached": best.reached}
    if isinstance(task, NoisyTask):
        inner, modes, (shares, means, deviations) = task.task, task.task.modes, task.noise.mixture
        normal, kept = float(inner.noise[0] + modes.null_power), modes.multiplicity > 0.0
        count = modes.multiplicity[kept]
        mixture = shares, means, np.sqrt(deviations**2 + normal)
        excess = best_robust(modes.power[kept] / count, count, mixture, n)
        return {"test": excess + normal + task.noise.variance, "excess": excess}
    if isinstance(task, Teacher):
        if task.bias != 0.0 or (task.link == "logistic" and task.unexplained > 0.0):
            raise ValueError(f"task must be a teacher without bias, probit if unexplained, for best_possible, got {task!r}")
        link, scale, power = task.link, task.scale, task.variances * task.direction**2
        if task.unexplained > 0.0:  # probit noise is what the inputs do not tell
            scale = np.sqrt(((scale**2 if link == "probit" else 0.0) + task.unexplained) / (1.0 - task.unexplained))
            link = "probit"
        least = best_teacher(power, link, scale, task.flip, n)
        return {"error": least.error, "sign_error": least.sign_error}
    if task.prior != 0.5 or task.covariance.ndim > 1:
        raise ValueError(f"task must have classes of one size and covariance for best_possible, got {task!r}")
    if (task.covariance == 0.0).any():
        raise ValueError("covariance must be positive for best_possible, as one coordinate without noise tells all")
    return {"error": best_mixture(task.mean, task.covariance, task.flip, n)}
