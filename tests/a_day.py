"""A day of calls in one process: all methods by turns, each turn with other numbers and other small shapes.

`python -m tests.a_day CALLS CELLS` prints as JSON what `day` saw.
"""

__all__ = ["LOWERED", "day"]

import gc
import itertools
import json
import math
import pathlib
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import rfgen as rg
from rfgen import theory
from rfgen.numerics.compilation import program_maps
from rfgen.problems.classes.class_groups import ClassGroups
from rfgen.problems.classes.teacher import Teacher
from rfgen.problems.spectra.spectral_tails import spectral_tails
from rfgen.systems.lazy.deep_kernel_exponent import deep_kernel_exponent
from rfgen.systems.linear_networks.deep_linear import deep_linear
from rfgen.systems.linear_networks.isotropic_flow import isotropic_flow
from rfgen.systems.sphere_labels.problem import ZonalLabels
from rfgen.systems.sphere_labels.theory import kernel_classifier
from rfgen.systems.xor.theory import first_alignment, xor_first_step
from rfgen.theory.classification.adversarial import linf_training
from rfgen.theory.classification.averaging import averaging
from rfgen.theory.classification.discriminant import discriminant
from rfgen.theory.classification.margin import margin_classifier
from rfgen.theory.classification.separability import separability_threshold
from rfgen.theory.classification.teacher import teacher_classifier, teacher_moments
from rfgen.theory.classification.weight_law import weight_law
from rfgen.theory.estimation.risk_estimators import estimator_error
from rfgen.theory.overfitting.benign_bounds import benign_bounds
from rfgen.theory.overfitting.cost import overfitting_coefficient, overfitting_cost
from rfgen.theory.overfitting.effective_rank import effective_rank_bound, effective_ranks
from rfgen.theory.overfitting.power_law_fitting import power_law_fitting
from rfgen.theory.ridge.learnability import learnability

X, Y = rg.datasets.digits()
# Calls between two counts of the maps, apart from the guard's own.
LOOK_EVERY = 10
# Turns between two calls of methods that take most of the time: they compile for seconds, or for each new shape.
RARELY = 100
# The limit that the guard reads in the last part: the programs of one turn pass its half several times.
LOWERED = 6_000
# Infinite where a bound is void; discriminants minimise no loss; few runs may draw no wrong label.
MAY_BE_INFINITE = {
    "bound", "bound_k", "k_over_r", ".variance_upper", ".bias_upper", ".k", ".scale", ".train_loss", "flips_fitted",
    "flips_fitted_se",
}


class Turn:
    """Numbers and shapes of one turn: numbers differ in every turn, shapes return after some."""

    def __init__(self, number: int) -> None:
        """From the number of the turn alone."""
        self.number, self.value, self.size = number, 0.1 + 0.9 * (number * 0.618 % 1.0), 10 + number % 21
        self.n = np.linspace(10.0, 30.0, 1 + number % 2) + self.value
        self.times, self.steps = np.geomspace(0.1, 30.0 * self.value, 3), [1, 5, 10 + number]
        self.few = {"trials": 4, "seed": number, "progress": False}
        self.task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=self.value, modes=30 + 7 * (number % 5))
        self.modes = rg.Task(np.arange(1.0, self.size) ** -1.5, np.ones(self.size - 1)).modes
        ones, means = np.ones(self.size), 0.5 * np.ones(10 + number % 4)
        self.mixture = rg.Mixture(2.0 * ones / self.size**0.5, ones, prior=0.2 + 0.3 * self.value, flip=0.1 * self.value)
        self.groups = ClassGroups([90.0 + self.value, 60.0], [1, -1], [means, -means], np.linspace(0.5, 1.5, means.size))
        self.teacher = Teacher(ones, ones)
        self.sparse = rg.SparseRegression.equal(dim=3 * self.size, nonzeros=3, size=1.0, noise=self.value)
        self.tails = spectral_tails(rg.Spectrum.spiked(self.size, [9.0, 5.0 + self.value]))
        random = np.random.default_rng(number)
        self.inputs, self.labels = random.normal(size=(self.size, 8)), random.normal(size=self.size)
        self.rows = slice(number % 7, 60 + number % 7)

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Features of rows, and yes or no."""
        random = np.random.default_rng(self.number)
        rows = random.normal(size=(20 * self.size, self.size))
        return rows, random.uniform(size=20 * self.size) < 1.0 / (1.0 + np.exp(-self.value * rows[:, 0]))

    @cached_property
    def data(self) -> rg.DataTask:
        """Some digits, seen by features whose number varies."""
        features = rg.RandomFeatureMap(20 + self.number % 3, "tanh", seed=0)
        return rg.DataTask(X[self.rows], Y[self.rows], feature_map=features, sampling="with replacement")

    def kernel(self, sampling: str) -> rg.Task:
        """A few rows of their own."""
        return rg.Task.from_kernel(self.inputs @ self.inputs.T, self.labels, sampling=sampling)

    @cached_property
    def domains(self) -> rg.Domains:
        """The task and one near it."""
        return rg.Domains({"a": self.task, "b": self.task.shifted(overlap=self.value, noise=0.1)})

    @cached_property
    def sphere(self) -> rg.Task:
        """A tangent kernel on the sphere."""
        return rg.Task.sphere(6, rg.NTK("relu", depth=2), {1: self.value}, noise=0.1)


Method = Callable[[Turn], Any]


def _learner(turn: Turn, training: Method, settings: dict[str, Method]) -> rg.Learner:
    return rg.Learner(training(turn), **{name: setting(turn) for name, setting in settings.items()})


def _predict(task: str, training: Method, n: Method = lambda t: t.n, members: Any = None, **settings: Method) -> Method:
    return lambda t: rg.predict(getattr(t, task), _learner(t, training, settings), n(t), members=members)


def _simulate(task: str, training: Method, n: Method = lambda t: t.size, **settings: Method) -> Method:
    return lambda t: rg.simulate(getattr(t, task), _learner(t, training, settings), n(t), **t.few)


def _ridge(turn: Turn) -> Any:
    return rg.Ridge(turn.value)


def _flow(turn: Turn) -> Any:
    return rg.GradientFlow(turn.times)


def _size(turn: Turn) -> int:
    return turn.size


FIXED: dict[str, Method] = {
    "ridge": _ridge,
    "flow": _flow,
    "descent": lambda t: rg.GradientDescent(0.3 * t.value, t.steps),
    "heavy ball": lambda t: rg.HeavyBall(0.3 * t.value, 0.4, t.steps),
    "Nesterov": lambda t: rg.Nesterov(0.3 * t.value, t.steps),
    "iterated": lambda t: rg.IteratedRidge(t.value, [1, 2, 3]),
    "Chebyshev": lambda t: rg.Chebyshev(0.1 * t.value, 3.0, t.steps),
    "SGD": lambda t: rg.SGD(0.2 * t.value, t.steps, batch=2),
}
FRESH: dict[str, Method] = {
    "one pass": lambda t: rg.OnePassSGD(0.1 * t.value, t.steps),
    "accelerated": lambda t: rg.AcceleratedSGD(0.9, 0.1 * t.value, 0.3, 0.1, t.steps),
    "DANA": lambda t: rg.DANA(0.1 * t.value, 0.01, t.steps),
}
VIEWS: dict[str, Method] = {
    "mask": lambda t: rg.Mask(0.5 + 0.4 * t.value),
    "noise": lambda t: rg.GaussianNoise(t.value, views=[1, 2, math.inf]),
    "gain": lambda t: rg.Gain([1.0, 1.0 + t.value]),
}
MARGINS: dict[str, Method] = {
    "logistic": lambda t: rg.Logistic(t.value),
    "hinge": lambda t: rg.Hinge([t.value, 2.0]),
    "smoothed hinge": lambda t: rg.SmoothedHinge(t.value),
    "squared hinge": lambda t: rg.SquaredHinge(t.value),
    "averaging": lambda t: rg.Averaging(),
    "LDA": lambda t: rg.LDA(),
}
SPARSE: dict[str, Method] = {
    "lasso": lambda t: rg.Lasso([t.value, 3.0]),
    "basis pursuit": lambda t: rg.BasisPursuit(),
    "reparametrized": lambda t: rg.ReparametrizedFlow(0.01 + 0.1 * t.value),
}

PREDICTIONS: dict[str, Method] = {
    **{name: _predict("task", training) for name, training in FIXED.items()},
    **{f"{name}, features": _predict("task", training, features=_size) for name, training in FIXED.items()},
    **{name: _predict("task", fresh, n=lambda t: None) for name, fresh in FRESH.items()},
    **{f"{name}, features": _predict("task", fresh, n=lambda t: None, features=_size) for name, fresh in FRESH.items()},
    **{f"{name}, views": _predict("task", _ridge, augmentation=views) for name, views in VIEWS.items()},
    "SGD, masked views": _predict("task", FIXED["SGD"], augmentation=VIEWS["mask"]),
    "one pass, masked views": _predict("task", FRESH["one pass"], n=lambda t: None, augmentation=VIEWS["mask"]),
    "one pass, views and features": _predict(
        "task", FRESH["one pass"], n=lambda t: None, augmentation=lambda t: rg.GaussianNoise(t.value), features=_size
    ),
    "flow, masked views": _predict("task", _flow, augmentation=VIEWS["mask"]),
    "ridge, members": _predict("task", _ridge, members=[1, 3, math.inf], features=_size),
    "flow, members": _predict("task", _flow, members=[1, 3], features=_size),
    "bootstrap": _predict("task", _ridge, members=[1, math.inf], resampling=lambda t: rg.Bootstrap()),
    "subsample": _predict("task", _ridge, members=2, resampling=lambda t: rg.Subsample(0.5 + 0.4 * t.value)),
    "ridge on data": _predict("data", _ridge),
    "flow on data": _predict("data", _flow),
    "SGD on data": _predict("data", lambda t: rg.SGD(0.01 * t.value, t.steps)),
    "views of data": _predict("data", _ridge, augmentation=lambda t: rg.GaussianNoise(t.value)),
    "kernel": lambda t: rg.predict(t.kernel("with replacement"), rg.Learner(_ridge(t)), t.n),
    "rows left out": lambda t: rg.predict(t.kernel("without replacement"), rg.Learner(_ridge(t)), t.size - t.value),
    "sphere": _predict("sphere", _ridge),
    **{f"mixture, {name}": _predict("mixture", training, n=lambda t: 60 + t.n) for name, training in MARGINS.items()},
    **{name: _predict("sparse", training) for name, training in SPARSE.items()},
    **{
        f"mixture, {name}, views": _predict("mixture", MARGINS[name], n=lambda t: 60 + t.n, augmentation=VIEWS["noise"])
        for name in ("logistic", "hinge")
    },
    "teacher, views": _predict("teacher", MARGINS["logistic"], augmentation=lambda t: rg.Mask(0.9 * t.value, math.inf)),
    "mixture along flow": _predict("mixture", lambda t: rg.GradientFlow(t.times), n=lambda t: 60 + t.n),
    "mixture along one pass": _predict("mixture", lambda t: rg.OnePassSGD(0.01 * t.value, t.steps), n=lambda t: None),
    "largest margin": _predict("mixture", lambda t: rg.MaxMargin(), n=_size),
    "mixture, attacked": _predict(
        "mixture", lambda t: rg.AdversarialTraining(rg.Logistic(t.value), 0.05, "linf"), n=lambda t: 60 + t.n
    ),
    "groups": _predict("groups", MARGINS["hinge"], n=lambda t: 60 + t.n),
    "teacher": _predict("teacher", MARGINS["squared hinge"]),
    "naive Bayes": lambda t: rg.predict(
        rg.CorrelatedClasses.blocks(3 * t.size, 3, 0.5 * t.value, 2.0), rg.Learner(rg.NaiveBayes()), 60 + t.n
    ),
    "real features": lambda t: rg.predict(
        rg.LabelledFeatures(np.sin(np.outer(np.arange(200), 1.0 + np.arange(8) * t.value)), (-1.0) ** np.arange(200)),
        rg.Learner(rg.Logistic(t.value)), 20 + t.n
    ),
    "robust": lambda t: rg.predict(
        rg.NoisyTask(rg.Task.isotropic(t.size), rg.StudentNoise(5.0)), rg.Learner(rg.Huber(t.value)), 40 + t.n
    ),
    "attacked": lambda t: rg.predict(
        rg.Task.isotropic(t.size, noise=0.1), rg.Learner(rg.AdversarialTraining(rg.Ridge(t.value), 0.2)), 40 + t.n
    ),
    "unequal classes": lambda t: rg.predict(
        rg.GaussianMixture([30, t.size], [1.0, -1.0], np.ones((2, 1)), [[1.0], [-1.0]], [5]),
        rg.Learner(rg.ClassDescent(0.1 * t.value, t.steps)),
    ),
    "deep linear": lambda t: rg.predict(
        rg.Task.isotropic(t.size, noise=t.value), rg.Learner(rg.DeepLinearFlow(t.times, 2, 0.5)), 40
    ),
    "domains": lambda t: rg.predict(t.domains, rg.Learner(_ridge(t), features=t.size), {"a": t.n, "b": 20}),
    "domains, flow": lambda t: rg.predict(t.domains, rg.Learner(_flow(t)), {"a": t.size, "b": 20}, test="b"),
    "stages": lambda t: rg.predict(t.domains, rg.Sequence([
        rg.Stage("one", rg.Learner(_ridge(t)), {"a": t.size}),
        rg.Stage("two", rg.Learner(_ridge(t)), {"b": 30}, labels="one"),
    ])),
    "network": lambda t: rg.predict(rg.XORClusters(2000, 10 + t.value), rg.TwoLayerReLU(200, 0.01, 1, 2e-4), 100 + t.n),
}
VERBS: dict[str, Method] = {
    "simulate ridge": _simulate("task", _ridge, features=_size),
    "simulate flow": _simulate("task", _flow),
    "simulate one pass": _simulate("task", FRESH["one pass"], n=lambda t: None),
    "simulate one pass, masked views": _simulate(
        "task", FRESH["one pass"], n=lambda t: None, augmentation=lambda t: rg.Mask(0.7, views=2)
    ),
    "simulate SGD": _simulate("task", FIXED["SGD"]),
    "simulate SGD, masked views": _simulate("task", FIXED["SGD"], augmentation=lambda t: rg.Mask(0.7, views=2)),
    "simulate views": _simulate("task", _ridge, augmentation=lambda t: rg.Mask(0.7, views=2)),
    "simulate data": _simulate("data", _ridge),
    "simulate sphere": _simulate("sphere", _ridge),
    "simulate mixture": _simulate("mixture", MARGINS["logistic"]),
    "simulate mixture along flow": _simulate("mixture", lambda t: rg.GradientFlow(t.times)),
    "simulate mixture, views": _simulate(
        "mixture", MARGINS["logistic"], augmentation=lambda t: rg.Mask(0.7, views=[2, math.inf])
    ),
    "corrected logistic": lambda t: rg.corrected_logistic(*t.outcomes, intercept=False),
    "simulate lasso": _simulate("sparse", SPARSE["lasso"]),
    "check": lambda t: rg.check(t.task, rg.Learner(_ridge(t)), t.size, trials=4, seed=t.number, progress=False).dataset,
    "row value": lambda t: rg.row_value(t.domains, rg.Learner(_ridge(t)), {"a": t.n, "b": 20}),
    "optimal mixture": lambda t: rg.optimal_mixture(t.domains, rg.Learner(rg.Ridge()), 50 + t.value, test="a"),
    "optimal ridge": lambda t: rg.optimal_ridge(t.task, rg.Learner(rg.Ridge()), t.n),
    "optimal stopping": lambda t: rg.optimal_stopping(t.task, rg.Learner(_flow(t)), t.n),
    "best schedule": lambda t: rg.best_schedule(t.task, FRESH["one pass"](t), steps=20 + t.number % 7, cap=t.value),
    "optimal mask": lambda t: rg.optimal_augmentation(t.task, rg.Learner(_ridge(t), augmentation=rg.Mask(0.5)), t.n),
    "cost of overfitting": lambda t: rg.overfitting_cost(t.task, t.n),
    "estimates from features": lambda t: rg.estimate_risk(t.inputs, t.labels, [t.value, 2.0]),
    "estimates from a kernel": lambda t: rg.estimate_risk(t.inputs @ t.inputs.T, t.labels, t.value),
    "features of a model": lambda t: xr.DataArray(rg.features_of(jax.jit(lambda rows: jnp.tanh(t.value * rows)), t.inputs)),
    "tangents of a model": lambda t: xr.DataArray(
        rg.tangent_features(lambda p, rows: jnp.tanh(rows @ p), t.value * np.ones(8), t.inputs, directions=3)
    ),
    "diagnosis": lambda t: xr.DataArray(
        [own.size for own in rg.diagnose(t.task, rg.Learner(_ridge(t)), t.n[:1], measured=[1e3]).findings]
    ),
    "sensitivity": lambda t: rg.sensitivity(10 * t.size, t.n, 2.0 * t.size, t.value),
    "adversarial error": lambda t: rg.adversarial_error(t.mixture, rg.Learner(MARGINS["hinge"](t)), 60 + t.n, [0.0, 0.3]),
    "fine-grained variance": lambda t: rg.fine_grained_variance(t.task, rg.Learner(_ridge(t), features=t.size), t.n),
    "noise on a line": lambda t: rg.univariate.noise_risks([t.size], trials=2),
}


def _risk(turn: Turn, ridge: Any) -> Any:
    return theory.risk(turn.modes, turn.n[0], 1e3, ridge, turn.value).test


# called eagerly, as in the README
PURE: dict[str, Method] = {
    "risk": lambda t: _risk(t, t.value),
    "slope": lambda t: jax.grad(lambda ridge: _risk(t, ridge))(t.value),
    "vmap": lambda t: jax.vmap(lambda ridge: _risk(t, ridge))(np.linspace(t.value, 2.0, t.size)),
    "optimal_ridge": lambda t: theory.optimal_ridge(t.modes, t.n[0], noise=t.value),
    "learnability": lambda t: learnability(t.modes, t.n[0], ridge=t.value),
    "overfitting_coefficient": lambda t: overfitting_coefficient(t.modes, n=0.3 * t.size),
    "overfitting_cost": lambda t: overfitting_cost(t.modes, n=0.3 * t.size, noise=t.value),
    "estimator_error": lambda t: estimator_error(t.modes, t.n[0], ridge=t.value),
    "effective_ranks": lambda t: effective_ranks(t.tails, 1),
    "effective_rank_bound": lambda t: effective_rank_bound(t.tails, n=5.0 + t.value),
    "benign_bounds": lambda t: benign_bounds(t.tails, n=5.0 + t.value, noise=t.value, b=5.0),
    "margin_classifier": lambda t: margin_classifier(t.groups.moments, "logistic", t.value),
    "linf_training": lambda t: linf_training(t.groups, "logistic", 1.0 + t.value, 0.05),
    "weight_law": lambda t: weight_law(
        margin_classifier(t.groups.moments, "logistic", t.value), t.groups.means, t.groups.variances
    ),
    "averaging": lambda t: averaging(t.groups.moments),
    "discriminant": lambda t: discriminant(t.groups.moments),
    "teacher_classifier": lambda t: teacher_classifier(teacher_moments(t.teacher), 2.0 * t.size, "logistic", t.value),
    "separability_threshold": lambda t: separability_threshold(t.value, flip=0.1),
    "power_law_fitting": lambda t: power_law_fitting(1.5, 3.0, t.value),
    "isotropic_flow": lambda t: isotropic_flow(1.5, 5.0, 10.0 * t.value),
    "deep_linear": lambda t: deep_linear(2.0, 5.0, 10.0 * t.value, 2, 0.1),
    "deep_kernel_exponent": lambda t: deep_kernel_exponent([0.0, 0.4 * t.value, 0.0, 1.0 - 0.4 * t.value]),
    "xor_first_step": lambda t: xor_first_step(200, 4000, 14.0, 0.1 * t.value, 1000, 0.01, 2e-4),
    "first_alignment": lambda t: first_alignment(t.value, 200, 4000, 14.0, 0.1),
    "kernel_classifier": lambda t: kernel_classifier(
        ZonalLabels(8, rg.NTK("relu", depth=2), lambda x: np.tanh(2.5 * x)), 100.0 + t.n[0], t.value
    ),
}
METHODS = {**PREDICTIONS, **VERBS, **{f"{name}()": method for name, method in PURE.items()}}
RARE = {
    *(name for name in METHODS if name.startswith(("mixture", "simulate"))), "flow", "descent", "heavy ball", "Nesterov",
    "iterated", "SGD", *(f"{name}, features" for name in (*FIXED, *FRESH)), "flow, masked views", "flow, members",
    "SGD, masked views", "one pass, views and features",
    "ridge on data", "flow on data", "SGD on data", "views of data", "largest margin", "basis pursuit", "reparametrized",
    "domains", "domains, flow", "stages", "row value", "optimal mixture",
    "network", "naive Bayes", "real features", "unequal classes", "deep linear", "Chebyshev", "groups", "teacher",
    "teacher, views", "corrected logistic",
    "optimal ridge", "optimal stopping", "optimal mask", "cost of overfitting", "best schedule",
    "adversarial error", "noise on a line", "vmap()", "linf_training()", "weight_law()", "teacher_classifier()",
    "kernel_classifier()",
} - {"ridge, features", "simulate ridge", "simulate flow", "simulate data"}


def maps() -> int:
    """Memory maps of this process."""
    return program_maps.MAPS.read_bytes().count(b"\n")


def calls() -> Iterator[tuple[str, Turn]]:
    """Names of methods with the turn they are called in, without end."""
    for turn in map(Turn, itertools.count()):
        yield from ((name, turn) for name in METHODS if turn.number % RARELY == 0 or name not in RARE)


def called(name: str, turn: Turn) -> dict[str, np.ndarray]:
    """The numbers that a method gives."""
    with jax.enable_x64(True) if name.endswith("()") else nullcontext():  # verbs open that scope themselves
        result = METHODS[name](turn)
    if isinstance(result, xr.Dataset):
        return {str(key): values.values.astype(float) for key, values in result.items() if values.dtype.kind in "fiub"}
    leaves = jax.tree_util.tree_leaves_with_path(result)
    return {jax.tree_util.keystr(path): np.asarray(leaf, float) for path, leaf in leaves}


_equal = partial(np.array_equal, equal_nan=True)


def day(number: int, cells: int) -> dict[str, Any]:
    """`number` calls, `cells` cells of one simulation, and a turn under a lower limit, which must give the same numbers."""
    not_finite, looks, turn = [], [maps()], Turn(1)
    for index, (name, each) in enumerate(itertools.islice(calls(), number)):
        found = called(name, each).items()
        not_finite += [(name, key) for key, value in found if key not in MAY_BE_INFINITE and not np.isfinite(value).all()]
        looks += [maps()] if index % LOOK_EVERY == 0 else []
    learner, samples = rg.Learner(rg.Ridge(0.1), features=np.arange(10, 30)), np.arange(cells // 20) + 11
    grid = rg.simulate(turn.task, learner, samples, trials=2, progress=False)
    looks.append(maps())
    often = [name for name in METHODS if name not in RARE]
    first, again, lower = {name: called(name, turn) for name in often}, {}, []
    jax.clear_caches()
    with tempfile.TemporaryDirectory() as folder:
        program_maps.GRANTED = pathlib.Path(folder) / "max_map_count"
        program_maps.GRANTED.write_text(str(LOWERED))
        for name in often:
            again[name] = called(name, turn)
            lower.append(maps())
    changed = [name for name in often if not all(map(_equal, first[name].values(), again[name].values()))]
    return {
        "maps": looks, "not finite": not_finite, "cells": int(np.isfinite(grid.test).sum()), "changed": changed,
        "maps under a lower limit": lower, "processor seconds": time.process_time(),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of small numbers of samples, and of settings at the edge
    # as in tests/conftest.py: what is imported stays, and the search for garbage took a twentieth of the time
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    print(json.dumps(day(*map(int, sys.argv[1:]))))
