"""`optimal_ridge`, `optimal_augmentation`: what is best."""

__all__ = ["least_ridge", "optimal_augmentation", "optimal_ridge"]

import itertools
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from rfgen.api.methods.table import method_for
from rfgen.api.nouns import checked_axes, in_modes, outputs_kept, refuse_held_out, warn_small_population, with_strengths
from rfgen.api.over_tasks import over_tasks
from rfgen.api.own_data.leverages import with_leverages
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import BLOCKS, Grid, over_modes
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems import rules
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import Ridge
from rfgen.theory.ridge.negative_ridge import best_below_zero
from rfgen.theory.ridge.optimal_augmentation import dimension
from rfgen.theory.ridge.optimal_augmentation import optimal_augmentation as theory_optimal_augmentation
from rfgen.theory.ridge.optimal_ridge import optimal_ridge as theory_optimal_ridge


@program(static_argnames="keep_outputs")
def _optimal_ridges(modes: Modes, n: Any, features: Any, noise: Any, keep_outputs: bool) -> Any:
    point = over_modes(theory_optimal_ridge, keep_outputs)
    return jax.lax.map(lambda at: point(modes, *at, noise), (n, features))


@program(static_argnames="keep_outputs")
def _negative_ridges(modes: Modes, n: Any, features: Any, noise: Any, keep_outputs: bool) -> Any:
    point = over_modes(best_below_zero, keep_outputs)
    return jax.lax.map(lambda at: point(modes, *at, noise), (n, features))


@over_tasks
@double_precision
def optimal_ridge(task: Task | DataTask, learner: Learner, n: Numbers, *, negative: bool = False) -> Dataset:
    """The ridge that minimises the exact test risk at each n and number of features, and the curve there.

    Parameters
    ----------
    task, learner, n
        As in `predict`; the learner's own ridge plays no part.  With an augmentation or resampling the best ridge is found
        on a grid, to about 1e-4 of it.
    negative
        Whether ridges below 0 are searched too, down to the edge of the spectrum of the Gram matrix.

    Returns
    -------
    xarray.Dataset
        Over n, features and the settings of an augmentation: `ridge` (0: no ridge >= 0 is better; inf: predicting zero is
        best) and the variables of `predict` there.  `attrs["edge"]` counts the points where the best ridge is such an end.

    Raises
    ------
    ValueError
        As in `predict`, and with an augmentation or resampling where the outputs are kept or `negative`.

    Notes
    -----
    Exact as `predict`: d test / d ridge = 0, differentiated through the engine.  With `negative`, `edge` is the ridge down
    to which was searched, where the risk diverges: 0 where there are none below.

    References
    ----------
    Derived: `rfgen.theory.ridge`.

    Examples
    --------
    >>> import rfgen as rg
    >>> best = rg.optimal_ridge(rg.Task.isotropic(100, noise=0.5), rg.Learner(rg.Ridge()), n=[50, 200])
    >>> best.ridge.values.round(4)  # dim * noise / signal
    array([50., 50.])
    """
    method_for("optimal_ridge", task, learner)
    if learner.augmentation is not None or learner.resampling is not None:
        return _of_grid(task, learner, n, rules.flag("negative", negative))
    axes, eigen = checked_axes(task, learner, n), in_modes(task)
    axes.pop("ridge")
    grid = Grid(axes)
    best = _optimal_ridges(eigen.modes, *grid.columns.values(), eigen.risk_noise, keep_outputs=eigen.keep_outputs)
    found = {"ridge": best.ridge, **vars(best.risk)}
    if rules.flag("negative", negative):
        low = vars(_negative_ridges(eigen.modes, *grid.columns.values(), eigen.risk_noise, keep_outputs=eigen.keep_outputs))
        better = np.asarray(low["converged"] & (low["test"] < found["test"]) & (low["edge"] < 0.0))
        found = {name: np.where(better, low[name], column) for name, column in found.items()} | {"edge": low["edge"]}
    values = {name: grid.pack(column, *outputs_kept(eigen)) for name, column in found.items()}
    warn_small_population(eigen, values["df1"])
    values, alike = with_leverages(eigen, grid, values)
    return dataset(axes, values, eigen, {"kind": "theory", "dtype": "float64", **at_edge(values["ridge"]), **alike})


def _of_grid(task: Task | DataTask, learner: Learner, n: Numbers, negative: bool) -> Any:
    """The best ridge of augmented or resampled rows, and the curve there."""
    refuse_held_out(task, learner)
    axes, eigen = checked_axes(task, learner, n), in_modes(task)
    if eigen.keep_outputs or negative:
        given = "keep_outputs" if eigen.keep_outputs else "negative"
        raise ValueError(
            f"{given} must be False for optimal_ridge of augmented or resampled rows, whose risk is known at ridges >= 0, "
            "outputs summed"
        )
    axes.pop("ridge")
    augmentation = learner.augmentation
    settings: list[Any] = [None] if augmentation is None else [*augmentation.settings]
    axes = with_strengths(axes, augmentation)
    rows = []
    for at in itertools.product(np.ravel(axes["n"]), np.ravel(axes["features"]), settings):
        count, features, one = float(at[0]), float(at[1]), at[2]
        alone = replace(learner, features=features, augmentation=one)
        ridge, _ = least_ridge(task, alone, (count, features), None)
        there = replace(alone, training=Ridge(ridge))
        method, _ = method_for("predict", task, there)
        curve = method.theory(task, there, count)
        rows.append({"ridge": ridge, **{name: curve[name].item() for name in curve.data_vars}})
    grid = Grid(axes)
    values = {name: grid.pack([row[name] for row in rows]) for name in rows[0]}
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", **at_edge(values["ridge"])}
    given = {"augmentation": augmentation, "resampling": learner.resampling}
    return dataset(axes, values, eigen, attributes | {name: repr(one) for name, one in given.items() if one is not None})


def at_edge(ridge: np.ndarray) -> dict[str, str]:
    """Says where the best `ridge` is an end of the range, 0 or inf."""
    said = [
        f"{int(count)} point(s) at ridge {end}: {meaning}"
        for end, count, meaning in (
            ("0", np.sum(ridge == 0.0), "no ridge > 0 is better, one below 0 may be"),
            ("inf", np.sum(np.isinf(ridge)), "predicting zero is best"),
        )
        if count
    ]
    return {"edge": "; ".join(said)} if said else {}


def least_ridge(task: Task | DataTask, learner: Learner, at: tuple[float, float], form: str | None) -> tuple[float, float]:
    """The ridge of least test risk at n and features `at`, outputs summed, and that risk, with any augmentation."""
    n, features = at
    if learner.augmentation is None and learner.resampling is None:
        best = optimal_ridge(task, Learner(Ridge(), features), n)
        return float(best.ridge), float(best.test)
    # as many as one block of points holds: refinements, fewer, are solved by the same program
    ridges = np.concatenate([[0.0], n * np.geomspace(1e-10, 1e4, BLOCKS[0] - 1)])
    for _ in range(4):
        tried = Learner(Ridge(ridges), features, learner.augmentation, learner.test_views, learner.resampling)
        method, options = method_for("predict", task, tried, form=form)
        curve = method.theory(task, tried, n, **options)  # of all these points no warning
        test = np.ravel(curve.test)
        number = int(np.nanargmin(test))
        if number == 0:
            break
        ridges = np.linspace(ridges[number - 1], ridges[min(number + 1, ridges.size - 1)], 33)
    return float(np.ravel(curve.ridge)[number]), float(test[number])


@double_precision
def optimal_augmentation(task: Task | DataTask, learner: Learner, n: Numbers, *, form: str | None = None) -> Dataset:
    """The strength of the learner's augmentation that minimises the exact test risk, and the curve there.

    Parameters
    ----------
    task, learner, n, form
        As in `predict`.  What is varied is the augmentation's first strength (`keep` of a mask, `variance` of noise, ...),
        whose value given plays no part.

    Returns
    -------
    xarray.Dataset
        Over n, features, ridge, views and further strengths: the best strength (named as the curve's dimension,
        `view_variance` for a variance), the variables of `predict` there, outputs summed, and `at_edge`: whether it is an
        end of the range searched (no augmentation, say).

    Raises
    ------
    ValueError
        As in `predict`, and without an augmentation.

    Notes
    -----
    On a `Task` d test / d strength = 0, differentiated through the engine; on a `DataTask` moments are estimated for every
    strength tried, and it is found to about 1 % of the distance between them.

    References
    ----------
    Derived: `rfgen.theory.augmented_risk`.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.isotropic(100, signal=1.0, noise=0.5)
    >>> learner = rg.Learner(rg.Ridge(0.0), augmentation=rg.GaussianNoise(1.0, views=np.inf))
    >>> best = rg.optimal_augmentation(task, learner, n=200)
    >>> round(float(best.view_variance), 6)  # as the optimal ridge 50 = n variance
    0.25
    """
    method_for("optimal_augmentation", task, learner, form=form)
    refuse_held_out(task, learner)
    axes, eigen = checked_axes(task, learner, n), in_modes(task)
    augmentation = learner.augmentation
    if augmentation is None:
        raise ValueError("learner must have an augmentation for optimal_augmentation, got none")
    name = dimension(augmentation)
    axes = {**axes, **{key: axis for key, axis in augmentation.axes.items() if key != name}}
    noise = eigen.noise if isinstance(task, DataTask) and not augmentation.mixes else np.sum(eigen.noise)
    if isinstance(task, Task) and task.keep_outputs:
        raise ValueError("keep_outputs must be False for optimal_augmentation: one strength serves all outputs")
    points = list(itertools.product(*(np.ravel(axes[key]).tolist() for key in ("n", "features", "ridge"))))
    settings = augmentation.at(**{name: augmentation.axes[name].ravel()[0]}).settings
    found = [
        theory_optimal_augmentation(task, each, form, learner.test_views, points, noise, learner.resampling)
        for each in settings
    ]
    flat = [found[setting][point] for point in range(len(points)) for setting in range(len(settings))]
    values = {key: [getattr(best.risk, key) for best in flat] for key in vars(flat[0].risk)}
    if learner.resampling is not None:
        del values["train"]
    values = {name: [best.strength for best in flat], "at_edge": [best.edge for best in flat], **values}
    variables = {key: Grid(axes).pack(column) for key, column in values.items()}
    return dataset(axes, variables, eigen, {"kind": "theory", "dtype": "float64", "augmentation": repr(augmentation)})
