"""Robust regression: its exact curves and their simulation."""

__all__ = ["predict_robust", "simulate_robust"]

import itertools
from typing import Any

import jax
import numpy as np

from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import checked_sizes, whole
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.trainings.classifier import AdversarialTraining
from rfgen.problems.trainings.spectral import Ridge
from rfgen.simulation.runs.ensemble import Members
from rfgen.systems.robust.attacked import AttackedRegression, attacked_regression
from rfgen.systems.robust.problem import force_of, kind_of, regression_of
from rfgen.systems.robust.simulation import robust_runs
from rfgen.systems.robust.theory import LossRegression, RobustRegression, robust_regression
from rfgen.systems.robust.views import MOST_PARTS, seen_task, viewed_regression

NAMES, RISKS = ("excess", "norm", "intercept", "clipped", "kappa"), ("test", "excess", "norm", "robust_test", "fitted")
# A force that is never clipped, in units of all that is finite.
FREE = 1e100


@program(static_argnames="intercept")
def _solved(shared: tuple[Any, ...], columns: tuple[Any, ...], intercept: bool) -> RobustRegression:
    def point(at: tuple[Any, ...]) -> RobustRegression:
        n, features, ridge, *force = at
        spectrum, noise, moments = shared
        return robust_regression(spectrum, noise, moments, n, (force[0], force[1], force[2]), ridge, features, intercept)

    return jax.lax.map(point, columns)


@program(static_argnames=("intercept", "squares"))
def _viewed(
    shared: tuple[Any, ...], columns: tuple[Any, ...], draws: Any, members: Any, intercept: bool, squares: bool
) -> LossRegression:
    def point(at: tuple[Any, ...]) -> LossRegression:
        n, features, ridge, *force = at
        seen, noise, moments = shared
        loss = None if squares else (force[0], force[1], force[2])
        return viewed_regression(seen, noise, moments, n, loss, ridge, features, intercept, draws, members)

    return jax.lax.map(point, columns)


@program(static_argnames="intercept")
def _attacked(shared: tuple[Any, ...], columns: tuple[Any, ...], intercept: bool) -> AttackedRegression:
    spectrum, noise = shared
    return jax.lax.map(lambda at: attacked_regression(spectrum, noise, at[0], at[2], at[1], intercept), columns)


def _axes(learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
    training = learner.training
    if isinstance(training, AdversarialTraining) and not isinstance(training.training, Ridge):
        raise ValueError(
            f"training under attack must be rg.AdversarialTraining(rg.Ridge(...), radius) for regression, got {training!r}"
            ": losses of the margin are for classes, such as an rg.Mixture"
        )
    strengths = {} if learner.augmentation is None else learner.augmentation.axes
    counts = {} if members is None else {"members": checked_members(learner, members)}
    return {"n": checked_sizes(n), "features": learner.features, **learner.training.axes, **strengths, **counts}


def _noted(learner: Learner) -> dict[str, Any]:
    every = {"augmentation": learner.augmentation, "resampling": learner.resampling}
    return {name: repr(one) for name, one in every.items() if one is not None}


def _viewed_at(
    task: Any, noise: tuple[Any, ...], moments: tuple[float, float], augmentation: AbstractAugmentation | None,
    given: tuple[np.ndarray, ...], squares: bool, intercept: bool, draws: Any, members: Any,
) -> dict[str, np.ndarray]:
    """The fields of the solution in the views of an `augmentation` at single strengths, at every point `given`, of models
    that draw rows as `draws` says, or of the mean of so many `members`.
    """
    seen = seen_task(task, augmentation)
    if (members is not None or draws is not None) and seen.rule is not None:
        raise ValueError(
            f"resampling and members of losses of the residual are predicted on clean rows and on single views, got "
            f"{augmentation!r}: on several views the path to bags' solutions is lost, and forces of two models depend on "
            "each other through every view; leave them or augmentation out, or rg.simulate measures it"
        )
    if squares:
        noise = tuple(part[:1] for part in noise)
    elif seen.rule is not None and np.isfinite(seen.rule.views) and noise[0].size > MOST_PARTS:
        raise ValueError(
            "several views must have normal noise for losses of the residual, or rg.ContaminatedNoise, got "
            f"{augmentation!r}: other laws are mixtures of many normal ones, each met by all sets of views; give views=1 "
            "or inf, or rg.simulate measures it"
        )
    shared = seen, noise, moments
    return blockwise(
        lambda *block: _viewed(shared, block, draws, members, intercept=intercept, squares=squares), list(given),
        ONE_BY_ONE,
    )


def predict_robust(task: Any, learner: Learner, n: Any, members: Any = None) -> Any:
    """Exact risk of linear regression by losses of the residual, under noise of any law.

    Returns
    -------
    xarray.Dataset
        Over n, features and the settings of the training (`ridge`; `threshold`, `level`): `excess` risk of the weights;
        `test`, the mean squared error on fresh labels, inf where noise has no variance; `norm`, squared; `intercept`;
        `clipped`, the share of training rows whose force is at a bound; `kappa`, `residual`, `converged`.  Of
        `AdversarialTraining`, of `rg.Ridge`, over `radius` too, in place of `clipped` `fitted`, the share of training rows
        without residual, and `robust_test`, the mean squared error on labels of inputs under attack.  With an augmentation,
        resampling or members the risks are on clean inputs, those of members of their mean, `norm` of a member, and there
        is no `clipped` and `kappa`.

    Notes
    -----
    Exact as n, modes and features grow together; of relative order 1/n at finite size, more for few rows of heavy tails.

    References
    ----------
    `rfgen.systems.robust.robust_regression`: arXiv 1301.7158, 1503.02106 without ridge; derived.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.NoisyTask(rg.Task.isotropic(100), rg.ContaminatedNoise(share=0.1, outliers=10.0))
    >>> [rg.predict(task, rg.Learner(each), n=300).excess.round(3).item() for each in (rg.Huber(0.0), rg.Ridge(0.0))]
    [0.888, 5.45]
    """
    inner, law = regression_of(task)
    axes = _axes(learner, n, members)
    training: Any = learner.training
    grid = Grid(axes)
    draws = None if learner.resampling is None else learner.resampling.draws()
    seen = learner.augmentation is not None or draws is not None or members is not None
    modes = inner.modes
    normal = float(inner.noise[0] + modes.null_power)
    if law is None:
        noise, moments = (np.ones(1), np.zeros(1), np.sqrt([normal])), (0.0, normal)
    else:
        shares, means, deviations = law.mixture
        noise, moments = (shares, means, np.sqrt(deviations**2 + normal)), (law.mean, normal + law.variance)
    kind = kind_of(training)
    if kind == "ridge":  # all of the noise that least squares see is its mean and variance
        every = np.ones_like(noise[0])
        noise = np.eye(1, every.size)[0], moments[0] * every, np.sqrt(min(moments[1], FREE)) * every
    settings = [None] if learner.augmentation is None else learner.augmentation.settings
    counts = np.ravel(axes["members"]) if "members" in axes else [None]
    columns = Grid({name: axes[name] for name in ("n", "features", *training.axes)}).columns
    shape = next((columns[name] for name in ("threshold", "level") if name in columns), np.ones(len(columns["n"])))
    spectrum, intercept = (modes.eigenvalues, modes.multiplicity, modes.power), getattr(training, "intercept", False)
    if kind == "attacked":
        spread = np.sqrt(np.minimum(noise[2] ** 2, FREE))
        solved = blockwise(
            lambda *block: _attacked((spectrum, (*noise[:2], spread)), block, intercept=intercept),
            [columns["n"], columns["ridge"], columns["radius"]], ONE_BY_ONE,
        )
    else:
        endless = 1.0, np.full_like(shape, -FREE), np.full_like(shape, FREE)
        softness, low, high = endless if kind == "ridge" else force_of(training, shape)
        given = (columns["n"], columns["features"], columns["ridge"], np.full_like(shape, softness), low, high)
        def solve(*block: np.ndarray) -> RobustRegression:
            return _solved((spectrum, noise, moments), block, intercept=intercept)

        found = [
            _viewed_at(inner, noise, moments, one, given, kind == "ridge", intercept, draws, many)
            if seen else blockwise(solve, list(given), ONE_BY_ONE)
            for one in settings for many in counts
        ]
        solved = {name: np.stack([one[name] for one in found], axis=1).ravel() for name in found[0]}
    columns = grid.columns
    useless = kind != "clipped" and np.isinf(moments[1])
    values = {"test": solved["excess"] + solved["offset"], **{name: solved[name] for name in NAMES if name in solved}}
    if seen:
        del values["kappa"]
    done = solved["converged"]
    if kind == "ridge":
        values.pop("clipped", None)
    if kind == "attacked":
        values |= {"robust_test": solved["robust"], "fitted": solved["fitted"]}
    if useless:
        values = {name: np.full_like(column, np.inf) for name, column in values.items() if name in RISKS}
        done = np.ones_like(done)
    # as many rows as weights, without a ridge: every loss interpolates, and the inverse of a square matrix has no variance
    least = np.minimum(columns["features"], modes.multiplicity.sum())
    rows = columns["n"] * (1.0 if draws is None else draws[1].sum())
    peak = (columns["ridge"] == 0.0) & (rows == least) & (moments[1] > 0.0) & (kind != "attacked")
    peak = peak & (learner.augmentation is None) & np.isfinite(columns.get("members", 1.0))
    values = {
        name: np.where(peak, np.inf if name in RISKS else np.where(done, column, np.nan), column)
        for name, column in values.items()
    }
    done = done | peak
    variables = {name: grid.pack(np.where(done, column, np.nan)) for name, column in values.items()}
    variables |= {"residual": grid.pack(solved["residual"]), "converged": grid.pack(done)}
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "arXiv 1301.7158, 1503.02106 (without ridge); derived",
        **_noted(learner),
    }
    if not done.all():
        attributes["failures"] = (
            f"{(~done).sum()} points not solved: without a ridge n must not be near the number of weights, nor a quantile "
            "beyond the share of rows that the weights fit, or between clumps of noise, where every plane is as good"
        )
    return dataset(axes, variables, task, attributes)


def simulate_robust(task: Any, learner: Learner, n: Any, runs: MonteCarlo, members: Any = None) -> Any:
    """Measured risk of robust regression: the variables of the theory with standard errors.

    Notes
    -----
    Rows, noise and features are drawn anew in each trial, noise not by the mixture of the theory.  `test` adds the exact
    noise.  Fits that do not converge are left out and counted in `attrs["failures"]`.
    """
    inner, law = regression_of(task)
    axes, training = _axes(learner, n, members), learner.training
    dim = int(inner.spectrum.multiplicity[inner.spectrum.learnable].sum())
    finite = not np.isinf(axes["features"]).any()
    if not finite and np.isfinite(axes["features"]).any():
        raise ValueError(f"features must be all finite or None to simulate {training!r}, got {axes['features']!r}")
    if "members" in axes and np.isinf(whole("members", axes["members"])).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")
    augmentations = [None] if learner.augmentation is None else learner.augmentation.settings
    for one in augmentations:
        if one is not None and np.isinf(float(one.views)):
            seen_task(inner, one)  # what is averaged over is normal

    def run(
        trials: int, seed: int, start: int, n: int, augmentation: AbstractAugmentation | None, models: Members,
        features: int | None = None,
    ) -> dict[str, np.ndarray]:
        return robust_runs(inner, law, training, n, features, trials, seed, start, augmentation, models)

    def size(n: int, augmentation: AbstractAugmentation | None, models: Members, features: int | None = None) -> float:
        del models
        views = 1.0 if augmentation is None else float(augmentation.views)
        seen = n * (views if np.isfinite(views) else 2.0)
        return 8.0 * (3 * seen * (dim + (features or 0)) + dim * (features or 0) + 4 * min(seen, features or dim) ** 2)

    outer = ("n", "features") if finite else ("n",)
    apart, settings = learner.resampling is not None or members is not None, []
    for one, count in itertools.product(augmentations, np.ravel(axes.get("members", 1))):
        own = () if one is None else content(one)
        own = (*own, int(count), *content(learner.resampling)) if apart else own
        settings.append(({"augmentation": one, "models": Members(int(count), learner.resampling)}, own))
    last = tuple(name for name in axes if name not in ("n", "features", *training.axes))
    curve = measured_curve(
        task, training, axes, run, size, runs, outer, lost="excess", last=last, settings=settings, **_noted(learner)
    )
    other = {"ridge": ("clipped", "fitted", "robust_test"), "attacked": ("clipped",)}
    other = other.get(kind_of(training), ("fitted", "robust_test"))
    other = (*other, "clipped") if learner.augmentation is not None or apart else other
    return curve.drop_vars([name for name in curve if name.removesuffix("_se") in other])
