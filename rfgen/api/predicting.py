"""`predict`: the exact curve."""

__all__ = ["predict"]

from functools import partial
from typing import Any

import jax
import numpy as np

from rfgen.api.along_training import predict_trajectory
from rfgen.api.curves import BLOCKS, LARGE_BLOCKS, blockwise, dataset, judged, over_modes, prepare, warn_small_population
from rfgen.api.stochastic import predict_stochastic
from rfgen.api.systems import SYSTEMS
from rfgen.numerics.precision import double_precision
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.mixture import Mixture
from rfgen.problems.modes import Modes
from rfgen.problems.stochastic_training import SGD, AcceleratedSGD, OnePassSGD
from rfgen.problems.task import Task
from rfgen.problems.training import Ridge
from rfgen.theory.augmented_problem import augmented_points, pattern_errors, pose
from rfgen.theory.augmented_risk import AugmentedProblem, AugmentedRisk
from rfgen.theory.risk import risk as theory_risk


@partial(jax.jit, static_argnames="keep_outputs")
def _risks(modes: Modes, n: Any, features: Any, ridge: Any, noise: Any, keep_outputs: bool) -> Any:
    point = over_modes(theory_risk, keep_outputs)
    return jax.vmap(point, in_axes=(None, 0, 0, 0, None))(modes, n, features, ridge, noise)


@double_precision
def predict(
    task: Task | DataTask | Mixture, learner: Learner, n: Any = None, form: str | None = None, by_mode: bool = False
) -> Any:
    """The exact curve: an xarray Dataset over every argument given as an array.

    Parameters: `task` (what is learned), `learner` (who learns), `n` the number of samples, a number > 0 or an array
    (n,), left out for trainings on fresh samples. Dimensions `n`, `features`, `ridge`, `views` and strengths of an
    augmentation, and `output` if the task keeps its outputs; scalars are scalar coordinates.

    Variables, each over all dimensions: `test` = `bias` + `variance` + `noise` (risks, in units of the target squared),
    `train`, `norm`, `amplification`; diagnostics `kappa`, `gamma`, `df1`, `residual`, `converged`.  A divergent point is
    inf; a point whose equilibrium was not solved is NaN with `converged` False and a reason in `attrs["failures"]`.

    With an augmentation: `data_variance` + `features_variance` = `variance` in place of `kappa`, `gamma`.  `form`
    "moment" or "pattern" forces one of the two deterministic equivalents; None takes the right one, and `attrs["form"]`
    says which. Where patterns are sampled, `test_pattern_se`, `train_pattern_se` are the standard errors from it; moments
    estimated from real inputs give `attrs["moments_error"]`, their relative standard errors.

    Stochastic gradient descent adds `growth`, `stability_mass` and `stationary_test`: the factor by which the risk grows
    per step (1: stable), the share of the loss that returns as noise (stable below 1), and the test risk where the last
    iterate comes to rest.  `by_mode`: one pass on the kernel's own modes also gives `bias_by_mode`, `variance_by_mode`,
    `noise_by_mode` (of an infinite spectrum: of its first, explicit modes).  Costs a microsecond a step for each setting,
    with features or many passes about a second.

    On an `rg.Mixture` (two classes) the variables are `error`, the share of wrong classes, `error_by_class` over `class`
    (+1, -1), `train_error` (share of training labels missed), `train_loss`, `norm`, `intercept`, `support` (share of
    training rows with margin at most 1), `residual`, `converged`: see `rfgen.theory.margin_classifier`.

    Regime and sources: `rfgen.theory.risk`, `augmented_risk`.  Costs 2-5 (augmented 20-80) microseconds a point, whatever
    the number of modes.

    >>> import rfgen as rg
    >>> task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
    >>> curve = rg.predict(task, rg.Learner(rg.Ridge([1e-3, 0.1]), features=256), n=[64, 256, 1024])
    >>> curve.test.dims, curve.test.values[2].round(6)
    (('n', 'ridge'), array([0.937271, 0.873427]))
    """
    if system := SYSTEMS.get(type(task)):
        if form is not None or by_mode:
            raise ValueError(f"form and by_mode must be left out on {task!r}, which has no augmentation and no modes")
        return system.predict(task, learner, n)
    assert not isinstance(task, Mixture)
    given = task
    task, axes = prepare("predict", task, learner, n)
    if isinstance(learner.training, (OnePassSGD, AcceleratedSGD, SGD)):
        return predict_stochastic(given, task, learner, axes, form, by_mode)
    if by_mode:
        raise ValueError(f"by_mode needs a training on fresh samples, such as rg.OnePassSGD, got {learner.training!r}")
    if not isinstance(learner.training, Ridge):
        return predict_trajectory(given, task, learner, axes, form)
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    columns = [np.ravel(part) for part in mesh]
    if learner.augmentation is not None:
        return _predict_augmented(given, task, learner, axes, columns, form)
    if form is not None:
        raise ValueError(f"form={form!r} needs a learner with an augmentation")
    values = blockwise(lambda *at: _risks(task.modes, *at, task.risk_noise, keep_outputs=task.keep_outputs), columns)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    inner = (task.outputs,) if task.keep_outputs else ()
    values = {name: np.reshape(column, shape + inner) for name, column in values.items()}
    variables, failures = judged(task, axes, columns, values)
    warn_small_population(task, variables["df1"])
    attributes = {"kind": "theory", "dtype": "float64", "source": "arXiv 2311.14646; norm and parts derived", **failures}
    return dataset(axes, variables, task, attributes)


def _predict_augmented(
    given: Task | DataTask, task: Task, learner: Learner, axes: dict[str, np.ndarray], columns: list[np.ndarray],
    form: str | None,
) -> Any:  # fmt: skip
    """The curve of an augmented learner: one problem for each setting of the augmentation, over all points."""
    augmentation = learner.augmentation
    assert augmentation is not None
    axes = {**axes, **augmentation.axes}
    noise = task.noise if isinstance(given, DataTask) and not augmentation.mixes else task.risk_noise
    most_views = float(np.max(augmentation.axes["views"]))
    collected, used, errors = [], [], []
    for each in augmentation.settings:
        posed = pose(given, each, form, learner.test_views, (columns[0], columns[1], columns[2]), most_views)

        def points(*at: np.ndarray, problem: AugmentedProblem = posed.problem) -> AugmentedRisk:
            return augmented_points(problem, *at, noise, keep_outputs=task.keep_outputs)  # type: ignore[call-arg]

        values = blockwise(points, columns, BLOCKS if posed.small else LARGE_BLOCKS)
        if posed.replicate is not None:
            spread = pattern_errors(posed, (columns[0], columns[1], columns[2]), noise, task.keep_outputs)
            values |= {"test_pattern_se": spread[:, 0], "train_pattern_se": spread[:, 1]}
        collected.append(values)
        used.append(posed.form)
        errors.append(posed.moments_error)
    names = {name: None for values in collected for name in values}  # pattern errors only where patterns were sampled
    count = int(np.prod([axis.size for axis in augmentation.axes.values()]))
    columns = [np.repeat(column, count) for column in columns]
    merged = {
        name: np.stack([values.get(name, np.zeros_like(values["test"])) for values in collected], axis=1) for name in names
    }
    inner = (task.outputs,) if task.keep_outputs else ()
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables, failures = judged(
        task, axes, columns, {name: np.reshape(column, (*shape, *inner)) for name, column in merged.items()}
    )
    warn_small_population(task, variables["df1"])
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "derived; question of arXiv 2605.10290",
        "augmentation": repr(augmentation), "form": " ".join(dict.fromkeys(used)), **failures,
    }  # fmt: skip
    if errors[0] is not None:
        attributes["moments_error"] = np.max(errors, axis=0).tolist()
    if learner.test_views is not None:
        attributes["test_views"] = learner.test_views
    return dataset(axes, variables, task, attributes)
