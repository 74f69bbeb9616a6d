"""Curves of tasks in eigen-coordinates: one model or an ensemble, of any training on a fixed set."""

__all__ = ["predict_ensemble", "predict_spectral", "risk_curve", "risk_points"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.api.finite_size import warn_low_dimension
from rfgen.api.methods.dynamics import predict_trajectory
from rfgen.api.nouns import checked_axes, in_modes, outputs_kept, refuse_held_out, warn_small_population
from rfgen.api.own_data.leverages import with_leverages
from rfgen.curves.dataset import dataset, described, judged
from rfgen.curves.grid import BLOCKS, Grid, blockwise, over_modes
from rfgen.numerics.compilation.program import program
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.task import Task
from rfgen.theory.estimation.intervals import interval_length, naive_coverage
from rfgen.theory.ridge.block_risk import AugmentedProblem, AugmentedRisk
from rfgen.theory.ridge.ensemble import ensemble
from rfgen.theory.ridge.negative_ridge import risk_below_zero
from rfgen.theory.ridge.posed import augmented_points, pattern_errors, posed_settings
from rfgen.theory.ridge.risk import risk as theory_risk


def predict_spectral(task: Task | DataTask, learner: Learner, n: Any, form: str | None = None, members: Any = None) -> Any:
    """Exact risk of linear models trained on a fixed set: ridge regression, gradient training, self-distillation.

    Returns
    -------
    xarray.Dataset
        `test` = `bias` + `variance` + `noise`: the risk on a new labelled input, the squared error of the mean predictor,
        the variance from samples, features and initial weights, and all that is linear in the noise variance, that of the
        test label included.  `train`, the mean squared residual; `norm`, the squared length of the weights;
        `amplification`, the factor on every source of error; `kappa`, `gamma`, `df1`, `residual`, `converged`.
        Of `Ridge` also `interval_length`, of intervals that cover 90 % of fresh labels, and `naive_coverage`, what those
        cover that are made of training residuals: right where noise and inputs are normal.

        With an augmentation `data_variance` + `features_variance` = `variance` stand in place of `kappa` and `gamma`,
        `attrs["form"]` names the equivalent, `test_pattern_se` and `train_pattern_se` are standard errors where patterns
        are sampled, and `attrs["moments_error"]` those, relative, of moments estimated from real inputs.  Views and
        strengths of the augmentation are dimensions.

        With `members`, the last dimension but `output`: models trained on the same samples and views, each with features,
        initial weights or resampled data of its own; ridge on features adds `effective_ridge`, that of the kernel
        regression which infinitely many members equal.  Resampled learners have no `train`.

        On real examples drawn without replacement `test` is the risk on those left out, `leverage_scatter` the scatter of
        their leverages, and `attrs["indicator"]` by how much the risk would change if each had an effective ridge of its
        own (the largest change of the points that depend on it most; 0 where leverages are alike).

    Notes
    -----
    Exact as n, features and the number of modes grow together; errors are of relative order `amplification` (1/n +
    1/features).  2-5 microseconds a point whatever the number of modes, 20-80 with an augmentation; along training one
    contour a decade, whatever the number of times.

    References
    ----------
    `rfgen.theory.risk` (arXiv 2311.14646), `rfgen.theory.augmented_risk`, `rfgen.theory.trajectory` and
    `rfgen.theory.ensemble`, derived.
    """
    axes = checked_axes(task, learner, n)
    refuse_held_out(task, learner)
    if members is None:
        found = with_intervals(risk_curve(task, learner, axes, form), task, learner)
    else:
        found = predict_ensemble(task, learner, axes, form, members)
    if learner.resampling is None:
        return found
    return found.drop_vars("train").assign_attrs(resampling=repr(learner.resampling))


def with_intervals(curve: Any, task: Task | DataTask, learner: Learner) -> Any:
    """The curve of ridge regression with what intervals for fresh labels are worth, of each output on its own."""
    eigen = in_modes(task)
    summed = eigen.outputs > 1 and not eigen.keep_outputs
    if summed or learner.training.clock is not None or learner.resampling is not None:
        return curve
    test, train = curve.test.values, curve.train.values
    found = {"interval_length": interval_length(test), "naive_coverage": naive_coverage(test, train)}
    return curve.assign({name: (curve.test.dims, column, described(name)) for name, column in found.items()})


@program(static_argnames=("keep_outputs", "shared"))
def risk_points(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool, shared: str) -> Any:
    """`Risk` at n, features, ridge (points,)."""
    point = over_modes(partial(theory_risk, shared=shared), keep_outputs)
    return jax.vmap(point, in_axes=(None, 0, 0, 0, None))(modes, n, features, ridge, noise)


def risk_curve(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, shared: str = "all"
) -> Any:
    """The Dataset over `axes` of a training that is not stochastic.

    `shared` "all": of one model; "samples", "features": mean products of the errors of two models that share these alone.
    """
    if learner.training.clock is not None:
        return predict_trajectory(task, learner, axes, form, shared)
    if learner.augmentation is not None or learner.resampling is not None or shared == "features":
        return _of_blocks(task, learner, axes, form, shared)
    if form is not None:
        raise ValueError(f"form={form!r} needs a learner with an augmentation")
    if shared != "all" and np.any(axes["ridge"] < 0.0):
        raise ValueError(f"ridge must be >= 0 for members, got {np.min(axes['ridge']):g}: leave members out")
    eigen, grid = in_modes(task), Grid(axes)
    columns = list(grid.columns.values())
    static = {"keep_outputs": eigen.keep_outputs, "shared": shared}
    risks = risk_points if columns[0].size <= BLOCKS[0] else risk_points.thorough
    modes, noise = eigen.modes, eigen.risk_noise  # once for all blocks
    values = blockwise(lambda n, k, ridge: risks(modes, n, k, np.maximum(ridge, 0.0), noise, **static), columns)
    beyond = _below_zero(eigen, columns, values)
    values = {name: grid.pack(column, *outputs_kept(eigen)) for name, column in values.items()}
    variables, failures = judged(eigen, grid, values)
    failures |= beyond
    warn_small_population(eigen, variables["df1"])
    warn_low_dimension(eigen, variables["amplification"])
    variables, alike = with_leverages(eigen, grid, variables)
    source = "arXiv 2311.14646; norm and parts derived"
    attributes = {"kind": "theory", "dtype": "float64", "source": source, **failures, **alike}
    return dataset(axes, variables, eigen, attributes)


@program(static_argnames="keep_outputs")
def _low_risks(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool) -> Any:
    point = over_modes(risk_below_zero, keep_outputs)
    return jax.vmap(point, in_axes=(None, 0, 0, 0, None))(modes, n, features, ridge, noise)


def _below_zero(task: Task, columns: list[np.ndarray], values: dict[str, np.ndarray]) -> dict[str, str]:
    """Put the points of negative ridge into `values`; says which lie beyond the edge of the spectrum."""
    low = np.flatnonzero(columns[2] < 0.0)
    if not low.size:
        return {}
    there = [column[low] for column in columns]
    static = {"keep_outputs": task.keep_outputs}
    found = blockwise(lambda *at: _low_risks(task.modes, *at, task.risk_noise, **static), there, (BLOCKS[0], BLOCKS[0]))
    edge = found.pop("edge")
    del found["ridge"]
    for name, column in found.items():
        values[name] = np.array(values[name])
        values[name][low] = column
    edge = edge[..., 0] if task.keep_outputs else edge
    beyond = there[2] <= edge
    if not beyond.any():
        return {}
    worst = int(np.argmax(np.where(beyond, edge, -np.inf)))
    return {
        "failures": f"{beyond.sum()} point(s) of negative ridge at or beyond the edge of the spectrum, which is at ridge "
        f"{edge[worst]:.4g} for n={there[0][worst]:g}, features={there[1][worst]:g}: give ridges above it"
    }


def _augmented(
    compiled: Any, problem: AugmentedProblem, noise: Any, static: dict[str, Any], *at: np.ndarray
) -> AugmentedRisk:
    return compiled(problem, *at, noise, **static)


def _of_blocks(task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, shared: str) -> Any:
    """The same by the engine of blocks: one problem for each setting of the augmentation, over all points."""
    augmentation = learner.augmentation
    strengths = {} if augmentation is None else augmentation.axes
    eigen, grid = in_modes(task), Grid({**axes, **strengths})
    columns = list(Grid(axes).columns.values())
    points = (columns[0], columns[1], columns[2])
    static = {"keep_outputs": eigen.keep_outputs, "shared": shared}
    collected, used, errors = [], [], []
    for posed in posed_settings(task, learner, form, points):
        blocks = BLOCKS if posed.together is None else (1, posed.together)
        compiled = augmented_points if columns[0].size <= BLOCKS[0] else augmented_points.thorough
        noise = posed.label_noise(eigen)
        values = blockwise(partial(_augmented, compiled, posed.problem, noise, static), columns, blocks)
        if posed.replicate is not None and shared == "all":
            spread = pattern_errors(posed, points, noise, eigen.keep_outputs)
            values |= {"test_pattern_se": spread[:, 0], "train_pattern_se": spread[:, 1]}
        collected.append(values)
        used.append(posed.form)
        errors.append(posed.moments_error)
    names = {name: None for values in collected for name in values}  # pattern errors only where patterns were sampled
    merged = {
        name: np.stack([values.get(name, np.zeros_like(values["test"])) for values in collected], axis=1) for name in names
    }
    values = {name: grid.pack(column, *outputs_kept(eigen)) for name, column in merged.items()}
    variables, failures = judged(eigen, grid, values)
    warn_small_population(eigen, variables["df1"])
    warn_low_dimension(eigen, variables["amplification"])
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "derived; question of arXiv 2605.10290",
        **failures,
    }
    if augmentation is not None:
        attributes |= {"augmentation": repr(augmentation), "form": " ".join(dict.fromkeys(used))}
    if errors[0] is not None:
        attributes["moments_error"] = np.max(errors, axis=0).tolist()
    if learner.test_views is not None:
        attributes["test_views"] = learner.test_views
    return dataset(grid.axes, variables, eigen, attributes)


def predict_ensemble(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, members: Any
) -> Any:
    """The curve of ensembles: `members` is the last dimension but `output`."""
    sizes = checked_members(learner, members)
    pair_of = "samples" if learner.resampling is None else "population"
    single, pair = (risk_curve(task, learner, axes, form, shared) for shared in ("all", pair_of))
    last = 1 if "output" in single.dims else 0
    inner = sizes.reshape(sizes.shape + (1,) * last) if sizes.ndim else sizes

    def spread(values: np.ndarray) -> np.ndarray:
        place = values.ndim - last if values.ndim == len(single.dims) else values.ndim
        return np.expand_dims(values, place) if sizes.ndim else values

    one, two = ({name: spread(np.asarray(each[name])) for name in each.data_vars} for each in (single, pair))
    if "gamma" in one:
        ridge, n, room = (spread(np.asarray(single[name].broadcast_like(single.gamma))) for name in ("ridge", "n", "df1"))
        with np.errstate(divide="ignore", invalid="ignore"):
            one["effective_ridge"] = np.where(
                one["kappa"] > 0.0, ridge * one["gamma"] / one["kappa"],
                one["gamma"] * np.where(n - room > 1e-12 * n, n - room, 0.0) / (1.0 - room / in_modes(task).held_out_of),
            )
    mixed = ensemble(one, two, inner)
    mixed["converged"] = one["converged"] & two["converged"]
    axes = {name: np.asarray(single[name]) for name in single.coords if name != "output"} | {"members": sizes}
    shape = Grid(axes).shape
    for name, values in mixed.items():
        wide = (*shape, *single.output.shape) if last and values.ndim > len(shape) else shape
        mixed[name] = np.broadcast_to(values, wide)
    return dataset(axes, mixed, in_modes(task), single.attrs)
