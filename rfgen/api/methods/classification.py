"""Classifiers of two Gaussian classes: their exact curves, their simulation, their error under attack."""

__all__ = ["adversarial_error", "predict_classifier", "simulate_classifier"]

import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.curves.cells.content import content
from rfgen.curves.cells.progress import progress_bar
from rfgen.curves.cells.store import Store, content_key
from rfgen.curves.dataset import dataset, mean_and_error
from rfgen.curves.grid import ONE_BY_ONE, blockwise
from rfgen.numerics.precision import double_precision
from rfgen.numerics.program import program
from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassMoments
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import LDA, RULES, MaxMargin
from rfgen.simulation.runs.classifier import classifier_runs
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.margin import MarginClassifier, margin_classifier
from rfgen.theory.classification.weight_law import adversarial_error as theory_adversarial_error

# Trials of one stored cell.
CELL_TRIALS = 32
NAMES = ("error", "error_by_class", "train_error", "train_loss", "norm", "intercept", "support")


def _prepare(mixture: Mixture, learner: Any, n: Any) -> dict[str, np.ndarray]:
    """Check the nouns; the axes of the outer product."""
    if not isinstance(learner, Learner):
        raise ValueError(f"learner must be an rg.Learner, got {type(learner).__name__}")
    training = learner.training
    if type(training) not in RULES:
        known = ", ".join(f"rg.{rule.__name__}" for rule in RULES)
        raise ValueError(f"training must be one of {known} on an rg.Mixture, got {training!r}")
    for what in ("augmentation", "resampling"):
        if getattr(learner, what) is not None:
            raise ValueError(f"{what} is not covered on an rg.Mixture, got {getattr(learner, what)!r}")
    if n is None:
        raise ValueError("n, the number of training samples, is missing")
    sizes = validation.positive("n", n)
    mixture.groups(float(np.min(sizes)))  # refuses where a class has no sample
    return {"n": sizes, "features": learner.features, **training.axes}


@program(static_argnames=("rule", "intercept"))
def _classified(
    moments: ClassMoments, n: Any, features: Any, ridge: Any, rule: str, intercept: bool
) -> MarginClassifier:
    def point(at: tuple[Any, Any, Any]) -> MarginClassifier:
        rows, count, strength = at
        here = replace(moments, counts=moments.counts * rows)
        if rule == "averaging":
            return averaging(here, count, intercept)
        if rule == "discriminant":
            return discriminant(here, count, intercept)
        return margin_classifier(here, rule, strength, count, intercept)

    return jax.lax.map(point, (n, features, ridge))


def _solved(mixture: Mixture, learner: Learner, axes: dict[str, np.ndarray]) -> MarginClassifier:
    """The classifier at every point of the outer product, fields with leading dimension points."""
    rule, factor = RULES[type(learner.training)]
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    columns = [np.ravel(part) for part in mesh]
    columns = [*columns[:2], columns[2] * factor if len(columns) > 2 else np.zeros(columns[0].size)]
    unit = mixture.groups(1.0 / mixture.shares.min())
    moments = replace(unit.moments, counts=unit.counts / unit.counts.sum())
    intercept = learner.training.intercept  # type: ignore[attr-defined]

    def at(rule: str, columns: list[np.ndarray]) -> dict[str, np.ndarray]:
        # the name of the loss is no array
        def record(*block: np.ndarray) -> Any:
            found = _classified(moments, *block, rule=rule, intercept=intercept)
            return _Arrays({name: value for name, value in vars(found).items() if name != "loss"})

        return blockwise(record, columns, ONE_BY_ONE)

    found = at(rule, columns)
    endless = (columns[2] == 0.0) & ~found["converged"] if rule == "logistic" else np.zeros(columns[0].size, bool)
    if endless.any():  # the weights grow for ever, towards the largest margin
        limit = at("hard_margin", [column[endless] for column in columns])
        limit["norm"] = np.where(limit["converged"], math.inf, limit["norm"])
        limit["intercept"] = np.where(limit["intercept"] == 0.0, 0.0, np.copysign(math.inf, limit["intercept"]))
        limit["train_loss"] = np.zeros_like(limit["train_loss"])
        limit["support"] = np.zeros_like(limit["support"])
        for name, values in found.items():
            values[endless] = limit[name]
    return MarginClassifier(**{name: jax.device_put(values) for name, values in found.items()}, loss=rule)


@program(static_argnames="norm")
def _attacked(found: MarginClassifier, means: Any, variances: Any, classes: Any, radius: Any, norm: str) -> Any:
    attacked = jax.vmap(partial(theory_adversarial_error, norm=norm), in_axes=(0, None, None, None, 0))
    return attacked(found, means, variances, classes, radius)


class _Arrays(SimpleNamespace):
    """A record of arrays by name."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(**fields)


def _reason(learner: Learner, count: int) -> str:
    if isinstance(learner.training, MaxMargin):
        return f"{count} points not separable: no plane has all training labels right; take a ridge, or fewer rows or flips"
    if isinstance(learner.training, LDA):
        return f"{count} points with a singular pooled covariance: LDA needs more rows than dimensions (or features)"
    return f"{count} points not solved: the weights vanish, and a constant classifier is as good, or the path was lost"


def predict_classifier(mixture: Mixture, learner: Learner, n: Any) -> Any:
    """The exact curve of a classifier: `error` and its parts over n, features, ridge."""
    axes = _prepare(mixture, learner, n)
    solution = _solved(mixture, learner, axes)
    found = _Arrays({name: np.asarray(value) for name, value in vars(solution).items() if name != "loss"})
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    counts = mixture.groups(1.0 / mixture.shares.min()).counts
    of_rows = counts / counts.sum()
    rule, factor = RULES[type(learner.training)]
    by_class = found.error[:, :2]
    values = {
        "error": by_class @ mixture.shares, "error_by_class": by_class, "train_error": found.train_error @ of_rows,
        "norm": found.norm, "intercept": found.intercept, "support": found.support @ of_rows,
    }  # fmt: skip
    if "ridge" in axes:
        values["train_loss"] = found.train_loss @ of_rows * (2.0 if rule in ("square", "squared_hinge") else factor)
    solved = np.asarray(found.converged)
    # transposed, the points come last
    values = {name: np.where(solved, np.transpose(column), np.nan).T for name, column in values.items()}
    values |= {"residual": found.residual, "converged": solved}
    variables = {
        name: np.reshape(column, shape + np.shape(column)[1:])
        for name, column in sorted(values.items(), key=lambda item: NAMES.index(item[0]) if item[0] in NAMES else 99)
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived"}
    if not solved.all():
        attributes["failures"] = _reason(learner, int((~solved).sum()))
    return dataset(axes, variables, mixture, attributes)


@double_precision
def adversarial_error(mixture: Mixture, learner: Learner, n: Any, radius: Any, norm: str = "l2") -> Any:
    """The exact error of a classifier whose test inputs are moved against their class, by at most `radius` in `norm`.

    `mixture` an `rg.Mixture`, `learner` and `n` as in `predict`; `radius` >= 0, a number or an array (radii,), in units of
    the inputs; `norm` "l2" or "linf" (each coordinate by at most `radius`).  Returns a Dataset over n, features, ridge and
    radius with `error` and `error_by_class`; radius 0 is `predict`.  Derived; regime as in `predict`.

    >>> import rfgen as rg
    >>> mixture = rg.Mixture(mean=[2.0] + [0.0] * 99, covariance=[1.0] * 100)
    >>> under = rg.adversarial_error(mixture, rg.Learner(rg.Ridge(10.0)), n=200, radius=[0.0, 0.5])
    >>> bool(under.error[1] > under.error[0]), under.error_by_class.dims
    (True, ('radius', 'class'))
    """
    if not isinstance(mixture, Mixture):
        raise ValueError(f"mixture must be an rg.Mixture, got {type(mixture).__name__}")
    axes = _prepare(mixture, learner, n)
    radii = validation.non_negative("radius", radius)
    if norm not in ("l2", "linf"):
        raise ValueError(f"norm must be 'l2' or 'linf', got {norm!r}")
    found = _solved(mixture, learner, axes)
    groups = mixture.groups(1.0 / mixture.shares.min())

    points, count = found.norm.shape[0], np.size(radii)
    leaves, structure = jax.tree.flatten(found)

    def record(*block: np.ndarray) -> Any:
        *solved, strength = block
        given = (groups.means, groups.variances, groups.classes, strength)
        classifiers = jax.tree.unflatten(structure, [jax.device_put(values) for values in solved])
        return _Arrays({"by_class": _attacked(classifiers, *given, norm=norm)})

    columns = [*(np.repeat(np.asarray(leaf), count, axis=0) for leaf in leaves), np.tile(np.ravel(radii), points)]
    by_class = np.reshape(blockwise(record, columns)["by_class"], (points, count, -1))[:, :, :2]
    by_class = np.where(np.asarray(found.converged)[:, None, None], by_class, np.nan)
    axes = {**axes, "radius": radii}
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {
        "error": np.reshape(by_class @ mixture.shares, shape), "error_by_class": np.reshape(by_class, (*shape, 2)),
        "converged": np.reshape(np.repeat(np.asarray(found.converged), count), shape),
    }  # fmt: skip
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "derived", "norm": norm}
    if not np.all(found.converged):
        attributes["failures"] = _reason(learner, int(np.sum(~np.asarray(found.converged))))
    return dataset(axes, variables, mixture, attributes)


def simulate_classifier(
    mixture: Mixture, learner: Learner, n: Any, trials: Any, seed: Any, progress: bool | None, store: Any
) -> Any:
    """The measured curve of a classifier: means and standard errors over trials."""
    axes = _prepare(mixture, learner, n)
    trials, seed = validation.integer("trials", trials, 1), validation.integer("seed", seed, 0)
    for name in ("n", "features"):
        finite = axes[name][np.isfinite(axes[name])]
        if (finite != np.round(finite)).any():
            raise ValueError(f"{name} must be whole numbers for a simulation, got {axes[name].tolist()}")
    folder = None if store is None else Store(store)
    cells = [
        (int(size), None if np.isinf(count) else int(count))
        for size in np.ravel(axes["n"]) for count in np.ravel(axes["features"])
    ]  # fmt: skip
    measured = ("error", "group_error", "train_error", "norm", "intercept", "support", "separable")
    measured += ("train_loss",) if "ridge" in axes else ()
    collected = []
    with progress_bar(len(cells) * trials, "simulate", progress) as bar:
        for size, features in cells:
            blocks = []
            for start in range(0, trials, CELL_TRIALS):
                count = min(CELL_TRIALS, trials - start)
                what = (*content(mixture), *content(learner.training))
                key = content_key(__version__, *what, seed, size, features, start, count)
                block = folder.get(key) if folder else None
                if block is None:
                    runs = classifier_runs(mixture, learner.training, size, features, count, seed, start=start)
                    block = {name: np.asarray(getattr(runs, name), np.float64) for name in measured}
                    if folder:
                        folder.put(key, block)
                blocks.append(block)
                bar.update(count)
            collected.append({name: np.concatenate([block[name] for block in blocks]) for name in measured})
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {}
    for name in measured:
        values = [mean_and_error(cell[name]) for cell in collected]
        own = {"group_error": "error_by_class"}.get(name, name)
        inner = (2,) if own == "error_by_class" else ()
        variables[own] = np.reshape(np.stack([mean for mean, _ in values]), shape + inner)
        if name != "separable":
            variables[f"{own}_se"] = np.reshape(np.stack([error for _, error in values]), shape + inner)
    attributes = {"kind": "simulation", "trials": trials, "seed": seed, "dtype": "float64"}
    return dataset(axes, variables, mixture, attributes).assign_coords(trials=trials)
