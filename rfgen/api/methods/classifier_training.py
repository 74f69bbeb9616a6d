"""Classifiers trained by gradient steps on the square loss: `predict` and `simulate`, on rows or along a stream."""

__all__ = ["class_training", "predict_class_training", "simulate_class_training", "training_axes"]

import itertools
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from rfgen.api.methods.classification import SHARES, groups_of, shown
from rfgen.api.methods.classifier_views import is_plain, refuse_unpredicted, refuse_views
from rfgen.api.nouns import with_strengths
from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import checked_sizes, whole
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.trainings.resampling import on_drawn
from rfgen.simulation.runs.classes.moving_classifier import Chosen, moving_runs
from rfgen.simulation.runs.ensemble import Members
from rfgen.simulation.sampling.labelled_views import copies
from rfgen.theory.classification.along_stream import streamed_classifier
from rfgen.theory.classification.along_training import ClassTraining, moving_classifier
from rfgen.theory.classification.seen_groups import groups_in_bags, groups_in_views
from rfgen.theory.classification.views.viewed import viewed_classifier, viewed_moments
from rfgen.theory.dynamics.spectral_filters import filter_of
from rfgen.theory.sgd.streaming.one_pass import iteration_of

Problem = Mixture | ClassGroups
# Full-batch trainings that many passes of SGD are in the mean, by the kind of their steps.
MEAN_OF = {"descent": "GradientDescent", "heavy ball": "HeavyBall", "nesterov": "Nesterov"}


def training_axes(task: Problem, learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
    """The axes of the outer product, checked; groups say themselves how many rows where n is left out."""
    training: Any = learner.training
    axes = {"features": learner.features, **training.axes}
    _refuse_seen(task, learner, members)
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
    axes = with_strengths({"n": sizes, **axes}, learner.augmentation)
    if members is not None:
        axes["members"] = checked_members(learner, members)
    return dict(Grid(axes).axes)


def _refuse_seen(task: Problem, learner: Learner, members: Any) -> None:
    """Refuse views and bags that are not there along training."""
    seen = learner.augmentation is not None or learner.resampling is not None
    if seen and learner.training.stochastic:
        raise ValueError(
            f"augmentation and resampling must be None for batches of classes, got {learner!r}: batches of views and of "
            "bags are derived for one population of rows; take rg.GradientDescent"
        )
    for one in [] if learner.augmentation is None else learner.augmentation.settings:
        if one.mixes and np.isinf(one.views):
            raise ValueError(
                f"views must be finite where rows are mixed along training, got {one!r}: all pairs of rows are derived for "
                "the end of training, which is rg.Ridge; or give views=16 to rg.simulate"
            )
    refuse_views(task.dim, learner, members)


def _refuse_unpredicted(task: Problem, learner: Learner, members: Any) -> None:
    """Refuse what is measured alone."""
    refuse_unpredicted(task.dim, learner, members)
    for one in [] if learner.augmentation is None else learner.augmentation.settings:
        if one.mixes or not is_plain(one.mode_law(task.dim)):
            raise ValueError(
                f"augmentation must change coordinates independently to be predicted along training, got {one!r}: views "
                "that move as a whole have no differences that are independent of their mean; rg.simulate measures them, "
                "and rg.Ridge is predicted"
            )
    if members is not None and learner.resampling is not None:
        raise ValueError(
            f"members must be None to be predicted of bags along training, got {members!r}: rows that two models draw "
            "differently are derived for the end of training, which is rg.Ridge; rg.simulate measures them"
        )


def class_training(
    task: Problem, learner: Learner, at: dict[str, float], clock: np.ndarray, members: float = 1.0,
    augmentation: AbstractAugmentation | None = None,
) -> ClassTraining:
    """The curve at single settings `at`, in views of an `augmentation` at single strengths."""
    groups = groups_of(task)
    training: Any = learner.training
    settings = {name: value for name, value in at.items() if name in training.axes}
    if not training.needs_samples:
        return streamed_classifier(groups, iteration_of(training, settings), clock)
    n, features, last = at["n"], at["features"], None
    moments, draws = groups.moments, None if learner.resampling is None else learner.resampling.draws()
    kind, iteration = type(training).__name__, None
    if training.stochastic:
        iteration = iteration_of(training, settings, n)
        kind, settings = MEAN_OF[iteration.kind], {"ridge": 0.0, "momentum": float(training.momentum)} | settings
    made = filter_of(kind, settings, n)
    if augmentation is not None:
        law, views = augmentation.mode_law(task.dim), float(augmentation.views)
        moments = groups_in_views(groups, law, views)
        last = partial(
            _ended, viewed_moments(groups, law, views), n, made.ridge * n, features, draws, members, moments.counts.size
        )
    moments = replace(moments, counts=moments.counts / groups.counts.sum() * n)
    if draws is not None:
        moments = groups_in_bags(moments, draws)
    found = moving_classifier(moments, made, clock, features, members, iteration, n, last)
    times = 1 if draws is None else draws[0].size
    own = {name: values[:, ::times][:, : groups.groups] for name, values in vars(found).items() if np.ndim(values) == 2}
    return replace(found, **own)


def _ended(moments: Any, n: Any, ridge: Any, features: Any, draws: Any, members: float, groups: int) -> Any:
    """The classifier that training on views ends at, for all `groups`, of which those tested are first, drawn so often."""
    one = members if members != 1.0 else None
    found = viewed_classifier(moments, n, "square", ridge, features, draws=draws, members=one)
    own = {name: np.asarray(values) for name, values in vars(found).items() if name != "loss"}
    times = 1 if draws is None else draws[0].size
    return SimpleNamespace(**{
        name: np.repeat(np.resize(values, groups), times) if values.ndim == 1 else values for name, values in own.items()
    })


def _on_drawn(learner: Learner) -> Any:
    """The training as formulas of n rows take it, of bags."""
    bags = learner.resampling
    return learner.training if bags is None else on_drawn(learner.training, float(bags.mean_share))


def _of_rows(learner: Learner, groups: ClassGroups, members: Any) -> tuple[str, ...]:
    """What is told of training rows: of batches the loss alone, as scores depend on when a row was last seen; of views and
    bags, as of means of models, nothing.
    """
    training = learner.training
    seen = learner.augmentation is not None or learner.resampling is not None
    if not training.needs_samples or members is not None or seen:
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
    _refuse_unpredicted(task, learner, members)
    moved = replace(learner, training=_on_drawn(learner))
    clock = np.ravel(moved.training.axes[training.clock])
    sizes = np.ravel(axes["members"]) if "members" in axes else np.ones(1)
    views = [None] if learner.augmentation is None else learner.augmentation.settings
    own = {name: axis for name, axis in axes.items() if name in ("n", "features")} | moved.training.axes
    outer = Grid({name: axis for name, axis in own.items() if name != training.clock})
    runs = [
        [class_training(task, moved, at, clock, float(size), one) for one in views for size in sizes] for at in outer.points
    ]
    found = {
        name: np.concatenate([np.stack([getattr(one, name) for one in each], axis=1) for each in runs])
        for name in vars(runs[0][0]) if name != "growth"
    }
    found = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.items()}
    of_rows, (kind, names) = groups.counts / groups.counts.sum(), next(iter(inner.items()))
    values = {"error": found["error"] @ groups.test_shares, f"error_by_{kind}": found["error"][:, : names.size]}
    told = _of_rows(learner, groups, members)
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
    measured |= {name: name for name in _of_rows(learner, groups_of(task), members)}
    counts, moved = np.ravel(axes["members"]) if "members" in axes else np.ones(1), _on_drawn(learner)
    if np.isinf(counts).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")
    augmentations: list[Any] = [None] if learner.augmentation is None else learner.augmentation.settings
    settings = []
    for augmentation, many in itertools.product(augmentations, whole("members", counts)):
        own = () if augmentation is None else content(augmentation)
        own = (*own, int(many)) if members is not None else own
        own = (*own, *content(learner.resampling)) if learner.resampling is not None else own
        settings.append(({"augmentation": augmentation, "models": Members(int(many), learner.resampling)}, own))
    flat = int(np.prod([axis.size for axis in training.axes.values()]))

    def run(
        trials: int, seed: int, start: int, augmentation: Any, models: Members, n: int | None = None,
        features: int | None = None,
    ) -> dict[str, np.ndarray]:
        found = moving_runs(task, Chosen(moved, features, models, augmentation), n, trials, seed, start)
        return {name: found[own] for name, own in measured.items()}

    def size(n: int | None = None, features: int | None = None, augmentation: Any = None, **_: Any) -> float:
        width, rows = features or task.dim, (n or 1) * (1 if augmentation is None else copies(augmentation, task.dim))
        return 8.0 * (3 * rows * (task.dim + width) + 3 * min(rows, width) ** 2 + 2 * flat * (task.dim + rows))

    last = tuple(name for name in axes if name not in ("n", "features", *training.axes))
    noted: dict[str, Any] = {} if learner.augmentation is None else {"augmentation": repr(learner.augmentation)}
    return measured_curve(
        task, training, axes, run, size, runs, outer, knobs=(), last=last, settings=settings, inner=inner, **noted,
    )
