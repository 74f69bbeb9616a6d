"""`predict` along training: one contour for each decade of the clock, whatever the number of times."""

__all__ = ["FLAGS", "predict_trajectory", "trajectories"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.api.finite_size import warn_low_dimension
from rfgen.api.nouns import in_modes, outputs_kept, warn_small_population, with_strengths
from rfgen.api.own_data.leverages import with_leverages
from rfgen.curves.dataset import dataset, judged
from rfgen.curves.grid import Grid
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import on_drawn
from rfgen.theory.dynamics.spectral_filters import filter_of
from rfgen.theory.dynamics.trajectory import Trajectory, trajectory
from rfgen.theory.ridge.block_risk import augmented_modes
from rfgen.theory.ridge.posed import Posed, posed_settings

FLAGS = ("stable", "served", "rounded", "train_rounded")
SHARED = ("amplification", "df1", "converged", *FLAGS)


def predict_trajectory(
    task: Task | DataTask, learner: Learner, axes: dict[str, np.ndarray], form: str | None, shared: str = "all"
) -> Any:
    """The curve of a learner trained by gradient steps, or distilled, over `axes`, the training's clock among them."""
    augmentation, training = learner.augmentation, learner.training
    eigen = in_modes(task)
    posed = posed_settings(task, learner, form)
    noise = posed[0].label_noise(eigen)
    clock = training.clock
    grid = Grid(with_strengths(axes, augmentation))
    found = []
    if learner.resampling is not None:
        training = on_drawn(training, float(learner.resampling.mean_share))
    inner = {name: axis for name, axis in {**axes, **training.axes}.items() if name != clock}
    for at in Grid(inner).points:
        curves = [trajectories(eigen, each, training, at, np.ravel(training.axes[clock]), noise, shared) for each in posed]
        # (times, settings[, outputs])
        found.append({name: np.stack([getattr(curve, name) for curve in curves], axis=1) for name in vars(curves[0])})
    values = {name: grid.pack([each[name] for each in found], *outputs_kept(eigen)) for name in found[0]}
    stable, served, rounded, train_rounded = (values.pop(name) for name in FLAGS)
    variables, notes = judged(eigen, grid, values)
    warn_small_population(eigen, np.where(np.isfinite(variables["df1"]), variables["df1"], 0.0))
    warn_low_dimension(eigen, variables["amplification"])
    variables, alike = with_leverages(eigen, grid, variables)
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "derived; gradient flow after arXiv 1710.03667",
        "training": repr(learner.training), **notes, **alike,
    }
    if rounded.any():
        attributes["failures"] = (
            f"{int(rounded.sum())} point(s) where the risk is lost to rounding, being 1e-10 or less of the untrained one: "
            "take earlier times, or the end of training (inf)"
        )
    if train_rounded.any():
        attributes["train_rounded"] = (
            f"{int(train_rounded.sum())} point(s) where the training error is lost to rounding: no digit of it is "
            "known, and 0 stands for what came out negative"
        )
    if not served.all():
        attributes["failures"] = (
            f"{int((~served).sum())} point(s) without a contour of affordable size: with momentum near 1, or its schedule, "
            "after this many steps; take fewer steps, many more, or less momentum"
        )
    if not stable.all():
        attributes["unstable"] = (
            f"{int((~stable).sum())} point(s) at rates beyond the edge of stability, where training diverges: inf"
        )
    if augmentation is not None:
        attributes |= {"augmentation": repr(augmentation), "form": " ".join(dict.fromkeys(each.form for each in posed))}
        errors = [each.moments_error for each in posed if each.moments_error is not None]
        if errors:
            attributes["moments_error"] = np.max(errors, axis=0).tolist()
    if learner.test_views is not None:
        attributes["test_views"] = learner.test_views
    result = dataset(grid.axes, variables, eigen, attributes)
    result.residual.attrs["long_name"] = "change of the risk from a contour of fewer nodes, relative"
    return result


def trajectories(
    task: Task, posed: Posed, training: Any, at: dict[str, float], clock: np.ndarray, noise: np.ndarray,
    shared: str = "all",
) -> Trajectory:
    """The trajectory at single settings `at`: of all outputs together, or with a last axis of outputs."""
    problem = posed.problem
    initial = _initial(task, posed, training, at["features"])
    settings = {name: value for name, value in at.items() if name not in ("n", "features")}
    arguments = (at["n"], at["features"], filter_of(type(training).__name__, settings, at["n"]), clock)
    if problem.null_power.ndim == 0:
        return _counted(task, training, at, clock, trajectory(problem, *arguments, float(noise), initial, shared))
    outputs = range(problem.null_power.shape[0])
    each = [
        _counted(
            task, training, at, clock,
            trajectory(problem.of_output(number), *arguments, float(noise[number]), initial, shared),
        )
        for number in outputs
    ]
    merged = {name: np.stack([getattr(one, name) for one in each], axis=-1) for name in vars(each[0])}
    merged["residual"] = np.max(merged["residual"], axis=-1)
    merged["converged"] = np.min(merged["converged"], axis=-1)
    merged |= {name: merged[name][..., 0] for name in SHARED if name != "converged"}
    if not task.keep_outputs:
        return Trajectory(**{name: part.sum(axis=-1) if part.ndim > 1 else part for name, part in merged.items()})
    wide = merged["test"].shape
    return Trajectory(**{
        name: part if part.ndim > 1 else np.broadcast_to(part[:, None], wide) for name, part in merged.items()
    })


def _counted(task: Task, training: Any, at: dict[str, float], clock: np.ndarray, curve: Trajectory) -> Trajectory:
    """The norm of infinitely many initial weights is infinite, until weight decay has had infinite time."""
    weakest = np.ravel(training.initial_variance)[task.spectrum.order[-1] if training.initial_variance.ndim else 0]
    if weakest == 0.0 or not task.spectrum.infinite or np.isfinite(at["features"]):
        return curve
    return replace(curve, norm=np.where(np.isfinite(clock) | (at["ridge"] == 0.0), np.inf, curve.norm))


def _initial(task: Task, posed: Posed, training: Any, features: float) -> np.ndarray:
    """Initial variance as the engine takes it: of each weight (), or of all weights at each node (nodes,).

    Where one problem stands for several outputs together, each output has weights of its own.
    """
    problem = posed.problem
    given = training.initial_variance * (task.outputs if problem.null_power.ndim == 0 else 1)
    if given.ndim == 0:
        return np.asarray(given)
    if np.isfinite(features):
        raise ValueError("initial_variance must be one number where there are random features, got an array")
    if given.size != task.eigenvalues.size:
        raise ValueError(
            f"initial_variance must be a number or have one entry per level of the task ({task.eigenvalues.size}), "
            f"got {given.size}"
        )
    if not hasattr(problem.target, "weights_squared"):
        raise ValueError("initial_variance must be one number for augmented real inputs, got an array")
    variance = given[task.spectrum.order] * task.spectrum.multiplicity * task.eigenvalues
    like = Task(task.spectrum, variance, population=task.population)
    weights = np.asarray(augmented_modes(like, posed.augmentation)[0].target.weights_squared)
    return weights.reshape(-1, weights.shape[-1])[0]
