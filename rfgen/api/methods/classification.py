"""Linear classifiers of labelled Gaussian groups and of a teacher's labels: their exact curves."""

__all__ = ["Arrays", "axes_of", "groups_of", "predict_classifier", "shown", "solved_classifiers", "unsolved"]

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from rfgen.api.methods.classifier_views import SOLVERS, members_axis, refuse_unpredicted, refuse_views, viewed_population
from rfgen.api.nouns import with_strengths
from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import BLOCKS, ONE_BY_ONE, Grid, blockwise
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.mixture import CLASSES, Mixture
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import AdversarialTraining, Logistic, rule_of
from rfgen.problems.trainings.spectral import Ridge
from rfgen.theory.classification.adversarial import linf_training
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.calibration import group_calibration, teacher_calibration
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.margin import margin_classifier
from rfgen.theory.classification.teacher import teacher_classifier, teacher_moments

Problem = Mixture | ClassGroups | Teacher
# Counts that sum to no more are shares, of rows still to be numbered.
SHARES = 1.0 + 1e-9
NAMES = (
    "error", "error_by_class", "error_by_group", "sign_error", "robust_error", "robust_error_by_class",
    "robust_error_by_group", "train_error", "train_loss", "norm", "intercept", "support", "calibration_error",
    "temperature", "log_loss", "brier",
)
# Of the probabilities that logistic regression gives.
CALIBRATION = NAMES[-4:]


def axes_of(task: Problem, learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
    """The axes of the outer product, checked; groups say themselves how many rows where n is left out."""
    training = learner.training
    if n is None and isinstance(task, ClassGroups) and task.counts.sum() > SHARES:
        n = task.counts.sum()
    sizes = checked_sizes(n)
    if isinstance(training, AdversarialTraining) and isinstance(training.training, Ridge):
        raise ValueError(
            f"training under attack must be by a loss of the margin for classes, got {training!r}: squares also push rows "
            "back that are far on the right side; take rg.SquaredHinge, or rg.Ridge on an rg.Task or rg.NoisyTask"
        )
    if training.attack == "linf" and not learner.kernel:
        raise ValueError(
            f"features must be None under attacks of bounded coordinates, got {training!r}: the l1 length of weights that "
            "features mix is derived for attacks in l2 alone; take norm='l2'"
        )
    if isinstance(task, Mixture):
        task.groups(float(np.min(sizes)))  # refuses where a class has no sample
    if isinstance(task, ClassGroups) and training.objective == "means" and np.ptp(task.weights) > 0.0:
        raise ValueError(f"weights must be equal for {type(training).__name__}, which has no loss to weight, got {task!r}")
    refuse_views(task.dim, learner, members)
    axes = with_strengths({"n": sizes, "features": learner.features, **training.axes}, learner.augmentation)
    if learner.resampling is not None or members is not None:
        axes = axes | members_axis(learner, members)
    return dict(Grid(axes).axes)  # refuses more points than fit into memory


def groups_of(task: Mixture | ClassGroups) -> ClassGroups:
    """The groups trained and tested on, in their proportions."""
    # at least one row of each class is asked for: two, as one may round to less
    return task.groups(2.0 / task.shares.min()) if isinstance(task, Mixture) else task


def shown(task: Problem) -> dict[str, np.ndarray]:
    """Dimension and names of the groups whose errors are shown: classes, groups, none of a teacher."""
    if isinstance(task, Teacher):
        return {}
    return {"class": np.array(CLASSES)} if isinstance(task, Mixture) else {"group": np.arange(task.groups)}


# A point of a hinge in two or four views takes half a second compiled quickly, .2 to .3 thoroughly, for 13 more.
@program(static_argnames=("rule", "intercept", "attack"))
def _classified(
    population: Any, columns: tuple[Any, ...], draws: Any, members: Any, rule: str, intercept: bool, attack: str | None
) -> Any:
    def point(at: tuple[Any, ...]) -> Any:
        rows, count, strength, *radius = at
        drawn: dict[str, Any] = {"draws": draws} if members is None else {"draws": draws, "members": members}
        seen, apart = type(population) in SOLVERS, draws is not None or members is not None
        if rule == "averaging" and (seen or apart or not hasattr(population, "counts")):
            # labels are balanced: a teacher's need no intercept in the limit
            linear, strength = "linear", rows if draws is None else rows * (draws[0] @ draws[1])
        else:
            linear = rule
        if isinstance(population, dict):
            here = SimpleNamespace(**{**population, "counts": population["counts"] * rows})
            return linf_training(here, rule, strength, radius[0], intercept, draws)
        if seen:
            drawn |= {"radius": radius[0]} if attack else {}
            return SOLVERS[type(population)](population, rows, linear, strength, count, intercept, **drawn)
        if not hasattr(population, "counts"):
            drawn |= {"attack": attack, "radius": radius[0]} if attack else {}
            return teacher_classifier(population, rows, linear, strength, count, intercept and linear == rule, **drawn)
        here = replace(population, counts=population.counts * rows)
        if linear == "averaging":
            return averaging(here, count, intercept)
        if rule == "discriminant":
            return discriminant(here, count, intercept)
        return margin_classifier(here, linear, strength, count, intercept, *radius, **drawn)

    return jax.lax.map(point, columns)


def solved_classifiers(task: Problem, learner: Learner, axes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The fields of the classifier at every point of the outer product, with leading dimension points."""
    settings = [None] if learner.augmentation is None else learner.augmentation.settings
    own = {name: axis for name, axis in axes.items() if name in ("n", "features", *learner.training.axes)}
    sizes = np.ravel(axes["members"]) if "members" in axes else [None]
    found = [_solved(task, learner, own, one, members) for one in settings for members in sizes]
    if len(found) == 1:
        return found[0]
    stacked = {name: np.stack([each[name] for each in found], axis=1) for name in found[0]}
    return {name: values.reshape(-1, *values.shape[2:]) for name, values in stacked.items()}


def _solved(
    task: Problem, learner: Learner, axes: dict[str, np.ndarray], augmentation: AbstractAugmentation | None, members: Any
) -> dict[str, np.ndarray]:
    """The same at one setting of the augmentation, of the mean of so many `members`, None: of one model."""
    training = learner.training
    rule, factor = rule_of(training)
    n, features, *settings = (np.ravel(part) for part in np.meshgrid(*axes.values(), indexing="ij"))
    ridge = settings[0] * factor if settings else np.zeros(n.size)
    columns = [n, features, ridge, *settings[1:]]
    intercept = training.intercept  # type: ignore[attr-defined]
    draws = None if learner.resampling is None else learner.resampling.draws()
    population: Any = _population(task, training, augmentation, intercept, features)

    classified = _classified if augmentation is None or n.size <= BLOCKS[0] else _classified.thorough

    def at(rule: str, columns: list[np.ndarray]) -> dict[str, np.ndarray]:
        # the name of the loss is no array
        def record(*block: np.ndarray) -> Any:
            found = classified(population, block, draws, members, rule=rule, intercept=intercept, attack=training.attack)
            return Arrays({name: value for name, value in vars(found).items() if name != "loss"})

        return blockwise(record, columns, ONE_BY_ONE)

    found = at(rule, columns)
    alone = rule == "logistic" and augmentation is None
    endless = (ridge == 0.0) & ~found["converged"] if alone else np.zeros(n.size, bool)
    if endless.any():  # the weights grow for ever, towards the largest margin
        limit = at("hard_margin", [column[endless] for column in columns])
        limit["norm"] = np.where(limit["converged"], math.inf, limit["norm"])
        limit["intercept"] = np.where(limit["intercept"] == 0.0, 0.0, np.copysign(math.inf, limit["intercept"]))
        limit["train_loss"] = np.zeros_like(limit["train_loss"])
        limit["support"] = np.zeros_like(limit["support"])
        for name, values in found.items():
            values[endless] = limit[name]
    return found


def _population(
    task: Problem, training: Any, augmentation: AbstractAugmentation | None, intercept: bool, features: np.ndarray
) -> Any:
    """What the theory takes, one row in all: moments, or where weights are pulled to zero every coordinate."""
    if augmentation is not None:
        rows = task if isinstance(task, Teacher) else groups_of(task)
        return viewed_population(rows, augmentation, intercept, features, training.attack)
    if isinstance(task, Teacher):
        return teacher_moments(task, training.attack)
    groups = groups_of(task)
    counts = groups.counts / groups.counts.sum()
    if training.attack != "linf":
        return replace(groups.moments, counts=counts)
    names = ("labels", "weights", "means", "variances", "classes")
    return {"counts": counts, **{name: getattr(groups, name) for name in names}}


class Arrays(SimpleNamespace):
    """A record of arrays by name."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(**fields)


def unsolved(learner: Learner, count: int) -> str:
    """Why so many points have no solution."""
    if learner.training.objective == "margin":
        return f"{count} points not separable: no plane has all training labels right; take a ridge, or fewer rows or flips"
    if learner.training.objective == "means":
        return f"{count} points with a singular pooled covariance: LDA needs more rows than dimensions (or features)"
    return f"{count} points not solved: the weights vanish, and a constant classifier is as good, or the path was lost"


@program
def _group_calibrations(columns: tuple[Any, ...], classes: Any, shares: Any) -> Any:
    return jax.lax.map(lambda at: group_calibration(at[0] + at[2], at[1], classes, shares), columns)


@program
def _teacher_calibrations(columns: tuple[Any, ...], moments: Any) -> Any:
    return jax.lax.map(lambda at: teacher_calibration(moments, *at), columns)


def _calibrated(task: Problem, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the probabilities are worth at every point; NaN where weights are infinite."""
    columns = [found[name] for name in ("overlap", "spread", "intercept")]

    def record(*block: np.ndarray) -> Any:
        if isinstance(task, Teacher):
            return _teacher_calibrations(block, teacher_moments(task))
        groups = groups_of(task)
        return _group_calibrations(block, groups.classes, groups.test_shares)

    values = blockwise(record, columns, ONE_BY_ONE)
    return {name: np.where(np.isfinite(found["norm"]), values[name], np.nan) for name in CALIBRATION}


def predict_classifier(task: Problem, learner: Learner, n: Any, members: Any = None) -> Any:
    """Exact error of linear classifiers: of two Gaussian classes, of labelled groups, of a teacher's labels.

    Returns
    -------
    xarray.Dataset
        `error`, the share of wrong classes, with `error_by_class` (of a `Mixture`: +1, -1) or `error_by_group` (of
        `ClassGroups`, which say how many rows there are where n is left out); of a `Teacher` `error` on fresh labels and
        `sign_error`, without their noise.  `AdversarialTraining` adds `robust_error`, under its own attack.
        `train_error`, the share of training labels missed; `train_loss`, the mean loss; `norm`, the squared length of the
        weights; `intercept`; `support`, the share of training rows with margin at most 1; `residual`, `converged`.
        Of `Logistic` also `calibration_error`, `temperature`, `log_loss` and `brier`: what its probabilities are worth.
        With an augmentation these three are of the views, errors on clean inputs.  With `members`, the mean score of models
        with features or resampled rows of their own, on the same rows; these and resampled learners have no `train_error`,
        `train_loss` and `support`, `norm` is a member's.

    Notes
    -----
    Exact as n and dim (and features) grow together; of relative order 1/n below the mean error of finite sets.

    References
    ----------
    Derived: `rfgen.theory.margin_classifier`, `rfgen.theory.averaging`, `rfgen.theory.discriminant`,
    `rfgen.theory.teacher_classifier`, `rfgen.theory.linf_training`, `rfgen.theory.viewed_classifier`,
    `rfgen.theory.viewed_teacher`, `rfgen.theory.patterned_classifier`, `rfgen.theory.patterned_teacher`,
    `rfgen.theory.mixed_classifier`, `rfgen.theory.mixed_teacher`.
    """
    axes = axes_of(task, learner, n, members)
    refuse_unpredicted(task.dim, learner, members)
    found, inner = solved_classifiers(task, learner, axes), shown(task)
    rule, factor = rule_of(learner.training)
    if isinstance(task, Teacher):
        values = {name: found[name] for name in ("error", "sign_error", "train_error", "train_loss", "support")}
        values |= {"robust_error": found["robust_error"]} if learner.training.attack else {}
    else:
        groups = groups_of(task)
        of_rows, kind = groups.counts / groups.counts.sum(), next(iter(inner))
        values = {name: found[name] for name in ("train_error", "train_loss", "support")}
        if learner.augmentation is None:  # of views they are means over all rows already
            values = {name: column @ of_rows for name, column in values.items()}
        errors = {"error": found["error"]}
        if learner.training.attack:
            behind = found["shift"][:, None] - groups.classes * (found["overlap"] + found["intercept"][:, None])
            errors["robust_error"] = np.asarray(jax.scipy.stats.norm.cdf(behind / np.sqrt(found["spread"])))
        for name, error in errors.items():
            values |= {name: error @ groups.test_shares, f"{name}_by_{kind}": error[:, : inner[kind].size]}
    values |= {"norm": found["norm"], "intercept": found["intercept"]}
    if type(learner.training) is Logistic:
        with np.errstate(invalid="ignore"):
            values |= _calibrated(task, found)
    loss = values.pop("train_loss")
    if apart := learner.resampling is not None or members is not None:
        values = {name: value for name, value in values.items() if name not in ("train_error", "support")}
    if "ridge" in axes and not apart:
        values["train_loss"] = loss * (2.0 if rule in ("square", "squared_hinge") else factor)
    solved = found["converged"]
    # transposed, the points come last
    values = {name: np.where(solved, np.transpose(values[name]), np.nan).T for name in NAMES if name in values}
    values |= {"residual": found["residual"], "converged": solved}
    variables = {name: Grid(axes).pack(column, *np.shape(column)[1:]) for name, column in values.items()}
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived"}
    if learner.augmentation is not None:
        attributes["augmentation"] = repr(learner.augmentation)
    if learner.resampling is not None:
        attributes["resampling"] = repr(learner.resampling)
    if not solved.all():
        attributes["failures"] = unsolved(learner, int((~solved).sum()))
    return dataset(axes, variables, task, attributes, inner)
