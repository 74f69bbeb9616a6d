"""Classifiers of two Gaussian classes: their exact curves and their simulation."""

__all__ = ["Arrays", "axes_of", "predict_classifier", "simulate_classifier", "solved_classifiers", "unsolved"]

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from rfgen._version import __version__
from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import Cell, checked_seed, planned_for, run_cells
from rfgen.curves.dataset import dataset, mean_and_error
from rfgen.curves.grid import ONE_BY_ONE, blockwise
from rfgen.numerics.program import program
from rfgen.problems import validation
from rfgen.problems.classes.class_groups import ClassMoments
from rfgen.problems.classes.mixture import Mixture
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.classifier import LDA, MaxMargin, rule_of
from rfgen.simulation.runs.classifier import classifier_runs
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.margin import MarginClassifier, margin_classifier

# Trials of one stored cell.
CELL_TRIALS = 32
NAMES = ("error", "error_by_class", "train_error", "train_loss", "norm", "intercept", "support")


def axes_of(mixture: Mixture, learner: Learner, n: Any) -> dict[str, np.ndarray]:
    """The axes of the outer product, checked."""
    if n is None:
        raise ValueError("n, the number of training samples, is missing")
    sizes = validation.positive("n", n)
    mixture.groups(float(np.min(sizes)))  # refuses where a class has no sample
    return {"n": sizes, "features": learner.features, **learner.training.axes}


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


def solved_classifiers(mixture: Mixture, learner: Learner, axes: dict[str, np.ndarray]) -> MarginClassifier:
    """The classifier at every point of the outer product, fields with leading dimension points."""
    rule, factor = rule_of(learner.training)
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
            return Arrays({name: value for name, value in vars(found).items() if name != "loss"})

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


class Arrays(SimpleNamespace):
    """A record of arrays by name."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(**fields)


def unsolved(learner: Learner, count: int) -> str:
    """Why so many points have no solution."""
    if isinstance(learner.training, MaxMargin):
        return f"{count} points not separable: no plane has all training labels right; take a ridge, or fewer rows or flips"
    if isinstance(learner.training, LDA):
        return f"{count} points with a singular pooled covariance: LDA needs more rows than dimensions (or features)"
    return f"{count} points not solved: the weights vanish, and a constant classifier is as good, or the path was lost"


def predict_classifier(mixture: Mixture, learner: Learner, n: Any) -> Any:
    """The exact curve of a classifier: `error` and its parts over n, features, ridge."""
    axes = axes_of(mixture, learner, n)
    solution = solved_classifiers(mixture, learner, axes)
    found = Arrays({name: np.asarray(value) for name, value in vars(solution).items() if name != "loss"})
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    counts = mixture.groups(1.0 / mixture.shares.min()).counts
    of_rows = counts / counts.sum()
    rule, factor = rule_of(learner.training)
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
        attributes["failures"] = unsolved(learner, int((~solved).sum()))
    return dataset(axes, variables, mixture, attributes)


def simulate_classifier(
    mixture: Mixture, learner: Learner, n: Any, trials: Any, seed: Any, memory: Any, progress: bool | None, store: Any
) -> Any:
    """The measured curve of a classifier: means and standard errors over trials."""
    axes = axes_of(mixture, learner, n)
    trials, seed = validation.integer("trials", trials, 1), checked_seed(seed)
    for name in ("n", "features"):
        finite = axes[name][np.isfinite(axes[name])]
        if (finite != np.round(finite)).any():
            raise ValueError(f"{name} must be whole numbers for a simulation, got {axes[name].tolist()}")
    measured = ("error", "group_error", "train_error", "norm", "intercept", "support", "separable")
    measured += ("train_loss",) if "ridge" in axes else ()
    dim = mixture.groups(1.0 / mixture.shares.min()).means.shape[1]
    cells = []
    for size, count in itertools.product(np.ravel(axes["n"]), np.ravel(axes["features"])):
        size, features = int(size), None if np.isinf(count) else int(count)

        def trained(
            start: int, stop: int, advance: Any, size: int = size, features: int | None = features
        ) -> dict[str, np.ndarray]:
            runs = classifier_runs(mixture, learner.training, size, features, stop - start, seed, start=start)
            advance(stop - start)
            return {name: np.asarray(getattr(runs, name), np.float64) for name in measured}

        width = features or dim
        # rows, their design, and what an interior point factors
        need = 8 * (size * dim + 3 * size * width + 4 * min(size, width) ** 2)
        key = (__version__, *content(mixture), *content(learner.training), seed, size, features)
        where = f"n={size}" + (f", features={features}" if features else "")
        cells.append(Cell(trained, key, CELL_TRIALS, need, where))
    collected, interrupted = run_cells(cells, trials, planned_for(memory), "n or features", store, progress)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {}
    for name in measured:
        values = [mean_and_error(cell[name]) for cell in collected]
        own = {"group_error": "error_by_class"}.get(name, name)
        inner = (2,) if own == "error_by_class" else ()
        variables[own] = np.reshape(np.stack([mean for mean, _ in values]), shape + inner)
        if name != "separable":
            variables[f"{own}_se"] = np.reshape(np.stack([error for _, error in values]), shape + inner)
    attributes = {"kind": "simulation", "trials": trials, "seed": seed, "dtype": "float64", **interrupted}
    return dataset(axes, variables, mixture, attributes).assign_coords(trials=trials)
