"""The exact curve of a learner on a task, or of what two models have in common that share the samples or the features."""

__all__ = ["risk_curve"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.api.finite_size import warn_low_dimension
from rfgen.api.leverages import with_leverages
from rfgen.api.methods.dynamics import predict_trajectory
from rfgen.api.nouns import in_modes, outputs_kept, warn_small_population
from rfgen.curves.dataset import dataset, judged
from rfgen.curves.grid import BLOCKS, Grid, blockwise, over_modes
from rfgen.numerics.program import program
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import Ridge
from rfgen.theory.ridge.block_risk import AugmentedProblem, AugmentedRisk
from rfgen.theory.ridge.negative_ridge import risk_below_zero
from rfgen.theory.ridge.posed import augmented_points, pattern_errors, pose, pose_resampled
from rfgen.theory.ridge.risk import risk as theory_risk


@program(static_argnames=("keep_outputs", "shared"))
def _risks(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool, shared: str) -> Any:
    point = over_modes(partial(theory_risk, shared=shared), keep_outputs)
    return jax.vmap(point, in_axes=(None, 0, 0, 0, None))(modes, n, features, ridge, noise)


def risk_curve(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, shared: str = "all"
) -> Any:
    """The Dataset over `axes` of a training that is not stochastic.

    `shared` "all": of one model; "samples", "features": mean products of the errors of two models that share these alone.
    """
    if not isinstance(learner.training, Ridge):
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
    risks = _risks if columns[0].size <= BLOCKS[0] else _risks.thorough
    values = blockwise(
        lambda n, features, ridge: risks(eigen.modes, n, features, np.maximum(ridge, 0.0), eigen.risk_noise, **static),
        columns,
    )
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


def _of_blocks(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, shared: str
) -> Any:
    """The same by the engine of blocks: one problem for each setting of the augmentation, over all points."""
    augmentation = learner.augmentation
    settings: list[Any] = [None] if augmentation is None else [*augmentation.settings]
    strengths = {} if augmentation is None else augmentation.axes
    eigen, grid = in_modes(task), Grid({**axes, **strengths})
    columns = list(Grid(axes).columns.values())
    points = (columns[0], columns[1], columns[2])
    static = {"keep_outputs": eigen.keep_outputs, "shared": shared}
    collected, used, errors = [], [], []
    for each in settings:
        posed = pose(task, each, form, learner.test_views, points)
        posed = pose_resampled(posed, augmentation, learner.resampling)

        blocks = BLOCKS if posed.together is None else (1, posed.together)
        compiled = augmented_points if columns[0].size <= BLOCKS[0] else augmented_points.thorough
        noise = eigen.noise if posed.problem.null_power.ndim else eigen.risk_noise

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
