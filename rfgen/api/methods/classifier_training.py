"""Classifiers trained by gradient steps on the square loss: `predict` and `simulate`, on rows or along a stream."""

__all__ = ["class_training", "predict_class_training", "simulate_class_training", "training_axes"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.api.methods.classification import SHARES, groups_of, shown
from rfgen.curves.cells.run import checked_sizes, whole
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.learner import Learner, checked_members
from rfgen.simulation.runs.classes.moving_classifier import Chosen, moving_runs
from rfgen.theory.classification.along_stream import streamed_classifier
from rfgen.theory.classification.along_training import ClassTraining, moving_classifier
from rfgen.theory.dynamics.spectral_filters import filter_of
from rfgen.theory.sgd.streaming.one_pass import iteration_of

Problem = Mixture | ClassGroups
# Full-batch trainings that many passes of SGD are in the mean, by the kind of their steps.
MEAN_OF = {"descent": "GradientDescent", "heavy ball": "HeavyBall", "nesterov": "Nesterov"}


def training_axes(task: Problem, learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
    """The axes of the outer product, checked; groups say themselves how many rows where n is left out."""
    training: Any = learner.training
    axes = {"features": learner.features, **training.axes}
    if getattr(training, "average_from", None) is not None:
        raise ValueError(
            f"average_from must be None on classes, got {training!r}: the law of two iterates together is not derived there"
        )
    if getattr(training, "finite_size", False):
        raise ValueError("finite_size must be False on classes: it is derived for one population of rows")
    if not training.needs_samples:
        if n is not None:
            raise ValueError(f"n must be left out: {training!r} sees steps * batch fresh samples, no set of n; got {n!r}")
        return dict(Grid(axes).axes)
    if n is None and isinstance(task, ClassGroups) and task.counts.sum() > SHARES:
        n = task.counts.sum()
    sizes = checked_sizes(n)
    if isinstance(task, Mixture):
        task.groups(float(np.min(sizes)))  # refuses where a class has no sample
    if "batch" in axes and np.max(axes["batch"]) > np.min(sizes):
        raise ValueError(f"batch must be at most n, got batch {np.max(axes['batch'])} and n = {np.min(sizes):g}")
    axes = {"n": sizes, **axes}
    if members is not None:
        axes["members"] = checked_members(learner, members)
    return dict(Grid(axes).axes)


def class_training(
    task: Problem, training: Any, at: dict[str, float], clock: np.ndarray, members: float = 1.0
) -> ClassTraining:
    """The curve at single settings `at`."""
    groups = groups_of(task)
    settings = {name: value for name, value in at.items() if name in training.axes}
    if not training.needs_samples:
        return streamed_classifier(groups, iteration_of(training, settings), clock)
    moments = replace(groups.moments, counts=groups.counts / groups.counts.sum() * at["n"])
    kind, iteration = type(training).__name__, None
    if training.stochastic:
        iteration = iteration_of(training, settings, at["n"])
        kind, settings = MEAN_OF[iteration.kind], {"ridge": 0.0, "momentum": float(training.momentum)} | settings
    made = filter_of(kind, settings, at["n"])
    return moving_classifier(moments, made, clock, at["features"], members, iteration)


def _of_rows(training: Any, groups: ClassGroups, members: Any) -> tuple[str, ...]:
    """What is known of training rows: of batches the loss alone, as scores depend on when a row was last seen."""
    if not training.needs_samples or members is not None:
        return ()
    flips = ("flips_fitted",) if groups.counts @ (groups.labels != groups.classes) else ()
    return ("train_loss",) if training.stochastic else ("train_error", "train_loss", "support", *flips)


def predict_class_training(task: Problem, learner: Learner, n: Any = None, members: Any = None) -> Any:
    """Exact error of linear classifiers along gradient training on the square loss, from weights 0, without intercept.

    Returns
    -------
    xarray.Dataset
        Over the settings, last the time or steps: `error`, the share of wrong classes, with `error_by_class` or
        `error_by_group` as of other classifiers; of training rows `train_error`, the share of labels missed, `train_loss`,
        the mean of (1 - y f(x))^2, `support`, the share with margin at most 1, and `flips_fitted`, the share of wrong
        labels that are fitted (of batches of SGD only the loss, as the law of a row's score depends on when it was last
        seen); `norm`, `residual`, `converged`.  Before the first step a guess is right in one of two cases.  On a
        stream of fresh rows there are no training rows, and no `n`.  With `members`, errors of the mean of so many models
        with features, or batches, of their own, and none of training rows.

    Notes
    -----
    Objectives and rates are those on a `Task`: (sum_i (y_i - x_i.w)^2 + ridge |w|^2) / (2 n).  Exact as n and dim (and
    features) grow together; of relative order 1/n below the mean error of finite sets.  The end of training is `Ridge`.

    References
    ----------
    Derived: `rfgen.theory.moving_classifier`, `rfgen.theory.streamed_classifier`.
    """
    training, groups, inner = learner.training, groups_of(task), shown(task)
    axes = training_axes(task, learner, n, members)
    clock = np.ravel(training.axes[training.clock])
    sizes = np.ravel(axes["members"]) if "members" in axes else np.ones(1)
    outer = Grid({name: axis for name, axis in axes.items() if name not in (training.clock, "members")})
    runs = [[class_training(task, training, at, clock, float(size)) for size in sizes] for at in outer.points]
    found = {
        name: np.concatenate([np.stack([getattr(one, name) for one in each], axis=1) for each in runs])
        for name in vars(runs[0][0]) if name != "growth"
    }
    found = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.items()}
    of_rows, (kind, names) = groups.counts / groups.counts.sum(), next(iter(inner.items()))
    values = {"error": found["error"] @ groups.test_shares, f"error_by_{kind}": found["error"][:, : names.size]}
    told = _of_rows(training, groups, members)
    values |= {name: found[name] @ of_rows for name in told if name != "flips_fitted"}
    if "flips_fitted" in told:
        flipped = of_rows * (groups.labels != groups.classes)
        with np.errstate(invalid="ignore"):
            values["flips_fitted"] = 1.0 - found["train_error"] @ flipped / flipped.sum()
    values["norm"] = found["norm"]
    solved = found["converged"]
    values = {name: np.where(solved, column.T, np.nan).T for name, column in values.items()}
    values |= {"residual": found["residual"], "converged": solved}
    variables = {name: Grid(axes).pack(column, *np.shape(column)[1:]) for name, column in values.items()}
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "training": repr(training)}
    growth = max(one.growth for each in runs for one in each)
    if growth > 1.0:
        attributes["unstable"] = f"unstable: the noise of batches grows without bound, by up to {growth:.6g} per step"
        warn_caller(attributes["unstable"])
    if not found["stable"].all():
        count = int((~found["stable"]).sum())
        attributes["unstable"] = f"{count} point(s) at rates beyond the edge of stability, where weights grow without bound"
    if not solved.all():
        attributes["failures"] = (
            f"{int((~solved).sum())} point(s) without weights, or without a contour that serves: take a smaller rate, "
            "fewer steps, or less momentum"
        )
    return dataset(axes, variables, task, attributes, inner)


def simulate_class_training(task: Problem, learner: Learner, n: Any, runs: MonteCarlo, members: Any = None) -> Any:
    """Measured error of classifiers along gradient training: the variables of the theory, with standard errors.

    `flips_fitted` is of the runs that drew a wrong label, NaN where none did.

    Notes
    -----
    Sizes n * share of classes and groups are rounded at random, labels flipped independently; errors are exact given the
    classifier.  Full-batch trainings act on singular directions of the rows; batches are drawn and stepped.
    """
    axes, inner, training = training_axes(task, learner, n, members), shown(task), learner.training
    kind, outer = next(iter(inner)), tuple(name for name in ("n", "features") if name in axes)
    measured = {"error": "error", f"error_by_{kind}": "group_error", "norm": "norm"}
    measured |= {name: name for name in _of_rows(training, groups_of(task), members)}
    counts = np.ravel(axes["members"]) if "members" in axes else np.ones(1)
    if np.isinf(counts).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")
    settings = [({"models": int(many)}, (int(many),) if members is not None else ()) for many in whole("members", counts)]
    flat = int(np.prod([axis.size for axis in training.axes.values()]))

    def run(
        trials: int, seed: int, start: int, models: int, n: int | None = None, features: int | None = None
    ) -> dict[str, np.ndarray]:
        found = moving_runs(task, Chosen(training, features, models), n, trials, seed, start)
        return {name: found[own] for name, own in measured.items()}

    def size(n: int | None = None, features: int | None = None, **_: Any) -> float:
        width, rows = features or task.dim, n or 1
        return 8.0 * (3 * rows * (task.dim + width) + 3 * min(rows, width) ** 2 + 2 * flat * (task.dim + rows))

    last = ("members",) if members is not None else ()
    return measured_curve(
        task, training, axes, run, size, runs, outer, knobs=(), last=last, settings=settings, inner=inner,
    )
