"""`predict` for stochastic gradient descent, on fresh samples or on a training set."""

__all__ = ["predict_stochastic"]

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.api.nouns import checked_axes, in_modes, outputs_kept, refuse_held_out, refuse_views_of_inputs, with_strengths
from rfgen.curves.dataset import DESCRIPTIONS, dataset, judged
from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner, checked_members
from rfgen.problems.task import Task
from rfgen.problems.trainings.stochastic import SGD
from rfgen.theory.ridge.ensemble import AVERAGED, ensemble
from rfgen.theory.ridge.posed import Posed, posed_settings
from rfgen.theory.sgd.many_passes.grouped_passes import grouped_passes, of_draws, of_views
from rfgen.theory.sgd.many_passes.multi_pass import MultiPassCurve, multi_pass_sgd
from rfgen.theory.sgd.many_passes.visits import Factors, stored, visited
from rfgen.theory.sgd.streaming.one_pass import OnePassCurve, iteration_of, one_pass_sgd

STEADY = ("stability", "stationary_test", "by_mode", "served", "unstable_steps")

# What a residual beyond its tolerance means here.
LOST = "point(s) lost to rounding, the risk being tiny beside the untrained one: error of the sums over the spectrum"


def predict_stochastic(task: Task | DataTask, learner: Learner, n: Any, by_mode: bool = False, members: Any = None) -> Any:
    """Exact risk of stochastic gradient descent, on fresh samples or on batches from a training set.

    Returns
    -------
    xarray.Dataset
        Over the settings, last the steps: `test` = `bias` + `variance` + `noise`, and, on a training set, `train`, `norm`
        and the rest as for ridge regression.  `growth`: the factor on the risk per step at late steps (1: stable);
        `stability_mass`: the share of the loss that returns as noise of later steps (stable below 1); `stationary_test`:
        the risk where the last iterate comes to rest.  `by_mode` adds `bias_by_mode`, `variance_by_mode`, `noise_by_mode`
        over `mode` (of an infinite spectrum: its explicit ones).  `attrs["unstable"]`, with a warning, counts settings that
        diverge, and names the steps of a schedule whose settings, held on, would.  With `members`, of many passes, the last
        dimension but `output`: models of the same samples, each with batches and features of its own.

    Notes
    -----
    One pass: exact for Gaussian inputs at any finite size; with features, as modes and features grow together; a
    microsecond a step.  Augmented, every sample of one pass is seen once, in fresh views: on the kernel's own modes exact
    too, with the fourth moments of the views, a step costing modes times patterns; on features with Gaussian ones, single
    views, milliseconds a step.  Many passes: exact as the effective dimension (tr S)^2 / tr S^2 grows; about a second a
    setting.  Augmented, in fresh views at each visit, or in stored ones.

    References
    ----------
    Derived: `rfgen.theory.one_pass_sgd`, `rfgen.theory.multi_pass_sgd`.
    """
    if members is None:
        return _curve(task, learner, n, by_mode)
    sizes = checked_members(learner, members)
    shared = "samples" if learner.resampling is None else "population"
    return of_members(_curve(task, learner, n), _curve(task, learner, n, shared=shared), sizes)


def _curve(task: Task | DataTask, learner: Learner, n: Any, by_mode: bool = False, shared: str = "all") -> Any:
    """The curve of one model, or of what two have in common."""
    axes, eigen = checked_axes(task, learner, n), in_modes(task)
    refuse_views_of_inputs(task, learner)
    refuse_held_out(task, learner, type(learner.training).__name__)
    training: Any = learner.training
    share = 1.0 if learner.resampling is None else float(learner.resampling.mean_share)
    if by_mode and not learner.kernel:
        raise ValueError("by_mode needs one pass on the kernel's own modes (features=None)")
    outer = Grid({name: axis for name, axis in axes.items() if name != "steps"})
    # all settings of the augmentation side by side, for each of the training's
    laws = [None] if learner.augmentation is None else learner.augmentation.settings
    strengths = {name: axis for name, axis in with_strengths(axes, learner.augmentation).items() if name not in axes}
    if training.needs_samples:
        posed, noise = _posed(task, learner)

        def curve(at: dict[str, float], number: int) -> Any:
            own = at | {"rate": at["rate"] / share}  # its objective is a mean over the samples drawn
            return _many_passes(eigen, *posed[number], training, own, noise, shared)
    else:
        start = float(training.initial_variance)

        def curve(at: dict[str, float], number: int) -> Any:
            settings = {name: value for name, value in at.items() if name not in ("features", "average_from")}
            here = at["features"], iteration_of(training, settings), np.ravel(training.steps), at.get("average_from")
            return one_pass_sgd(eigen, *here, by_mode, laws[number], start)

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # unstable settings outgrow the floats
        curves = [curve(at, number) for at, number in itertools.product(outer.points, range(len(laws)))]
    found = _dataset(eigen, training, Grid({**axes, **strengths}), Grid({**outer.axes, **strengths}), curves, len(laws))
    if learner.augmentation is None:
        return found
    form = "fresh views" if getattr(training, "fresh", True) else "stored views"
    if not (training.needs_samples or learner.kernel):
        form = "fresh views, Gaussian fourth moments"
    return found.assign_attrs(augmentation=repr(learner.augmentation), form=form)


def _posed(task: Task | DataTask, learner: Learner) -> tuple[list[tuple[Posed, Factors | np.ndarray | None]], np.ndarray]:
    """The problem that the mean over batches descends on in each setting of the augmentation, with the factors of its views
    or the coupling of groups of rows, and the label noise.
    """
    training: Any = learner.training
    augmentation, every = learner.augmentation, []
    if training.finite_size and learner.resampling is not None:
        raise ValueError("finite_size is derived for all samples: leave it out, or leave resampling out")
    if training.finite_size and augmentation is not None:
        raise ValueError("finite_size is derived for clean samples in many passes: leave it out, or leave augmentation out")
    for law in [None] if augmentation is None else augmentation.settings:
        seen, factors, views = law, None, 1.0
        if law is not None and training.fresh:
            seen, factors = visited(law, in_modes(task).spectrum.rank)
            views = float(law.views)
        elif law is not None:
            seen = stored(law)
        posed = posed_settings(task, replace(learner, augmentation=seen), None)[0]
        if learner.resampling is not None and factors is not None:
            raise ValueError(
                f"resampling of many passes is derived for views of many small changes each, not for {type(law).__name__}, "
                "whose patterns have losses of their own: leave one of the two out, or use rg.simulate"
            )
        if learner.resampling is not None:
            drawn, coupling = of_draws(posed.problem, learner.resampling, views)
            every.append((replace(posed, problem=drawn), coupling))
        else:
            every.append((posed, of_views(views) if factors is None and views > 1.0 else factors))
    return every, every[0][0].label_noise(in_modes(task))


def _many_passes(
    task: Task, posed: Posed, factors: Factors | np.ndarray | None, training: SGD, at: dict[str, float],
    noise: np.ndarray, shared: str,
) -> MultiPassCurve:
    """One curve of all outputs together, or with a last axis of outputs."""
    settings = {name: value for name, value in at.items() if name not in ("n", "features")}
    sizes = (at["n"], at["features"], iteration_of(training, settings, at["n"]), np.ravel(training.steps))
    problem = posed.problem
    # where one problem stands for several outputs together, each has weights of its own
    start = float(training.initial_variance) * (task.outputs if problem.null_power.ndim == 0 else 1)

    def curve(one: Any, own: float) -> MultiPassCurve:
        if isinstance(factors, np.ndarray):
            return grouped_passes(one, *sizes, own, factors, shared, start)
        return multi_pass_sgd(one, *sizes, own, training.finite_size, factors, shared, start)

    if problem.null_power.ndim == 0:
        return curve(problem, float(noise))
    outputs = range(problem.null_power.shape[0])
    each = [curve(problem.of_output(number), float(noise[number])) for number in outputs]
    names = [name for name in vars(each[0]) if name != "stability"]
    merged = {name: np.stack([getattr(one, name) for one in each], axis=-1) for name in names}
    merged["residual"], merged["converged"] = merged["residual"].max(axis=-1), merged["converged"].min(axis=-1)
    for name in ("amplification", "served"):
        merged[name] = merged[name][..., 0]
    if not task.keep_outputs:
        merged = {
            name: part.sum(axis=-1) if part.ndim > 1 or name == "stationary_test" else part for name, part in merged.items()
        }
    return MultiPassCurve(**merged, stability=each[0].stability)


def _dataset(task: Task, training: Any, grid: Grid, outer: Grid, curves: list[Any], laws: int) -> Any:
    inner = outputs_kept(task)
    names = [name for name in vars(curves[0]) if name not in STEADY]
    values = {}
    for name in names:
        stacked = np.stack([getattr(curve, name) for curve in curves])  # (points, times[, outputs])
        if inner and stacked.ndim == 2:
            stacked = np.broadcast_to(stacked[..., None], (*stacked.shape, *inner))
        values[name] = grid.pack(_by_time(stacked, laws), *inner)
    variables, notes = judged(task, grid, values)
    notes = {
        name: text.replace("equilibria not solved in double precision, residual", LOST) for name, text in notes.items()
    }
    attributes: dict[str, Any] = {
        "kind": "theory", "dtype": "float64", "source": "derived", "training": repr(training), **notes,
    }
    if isinstance(curves[0], MultiPassCurve):
        unserved = sum(int((~curve.served).sum()) for curve in curves)
    else:
        unserved = sum(int(np.isnan(curve.test).any(axis=-1).sum()) for curve in curves if curve.test.ndim)
    if unserved:
        attributes["failures"] = (
            f"{unserved} point(s) without a contour of affordable size: momentum too near 1 for this many steps, or a rate "
            "far beyond stability; take fewer steps, less momentum or a smaller rate"
        )
    steady = [curve.stability for curve in curves]
    known = all(each is not None for each in steady)
    if known:
        unstable = [each for each in steady if each.growth > 1.0]
        if unstable:
            attributes["unstable"] = (
                f"{len(unstable)} of {len(steady)} setting(s) unstable: the risk grows without bound, by a factor "
                f"of up to {max(each.growth for each in unstable):.6g} per step at late steps (see `growth`)"
            )
    else:
        growing = max((curve.unstable_steps for curve in curves), key=len)
        if growing:
            attributes["unstable"] = (
                f"schedule unstable at step {growing[0]}{f' to {growing[-1]}' if growing[1:] else ''}: settings like "
                "those, held on, let the risk grow without bound; lower the rate, or the momentum"
            )
    if "unstable" in attributes:
        warn_caller(attributes["unstable"])
    result = dataset(grid.axes, variables, task, attributes)
    result.residual.attrs["long_name"] = "relative error of the sums over the spectrum"
    if "gamma" in result.coords:
        result.gamma.attrs["long_name"] = "gamma"
    if known:
        dims = outer.dims
        extra = {
            "growth": (dims, outer.pack([each.growth for each in steady])),
            "stability_mass": (dims, outer.pack([each.mass for each in steady])),
            "stationary_test": (
                dims + ["output"] * len(inner), outer.pack([curve.stationary_test for curve in curves], *inner),
            ),
        }
        result = result.assign({name: (*value, {"long_name": DESCRIPTIONS[name]}) for name, value in extra.items()})
    split = curves and getattr(curves[0], "by_mode", None)
    return _with_modes(task, result, grid, curves, inner, laws) if split else result


def _by_time(stacked: np.ndarray, laws: int) -> np.ndarray:
    """Curves (points * laws, times, ...) as (points, times, laws, ...), the order of the dimensions."""
    return np.swapaxes(stacked.reshape(-1, laws, *stacked.shape[1:]), 1, 2)


def _with_modes(task: Task, result: Any, grid: Grid, curves: list[OnePassCurve], inner: tuple[int, ...], laws: int) -> Any:
    """The squared errors of single modes beside the curve, along a dimension `mode` with coordinate `eigenvalue`."""
    dims = grid.dims + ["output"] * len(inner)
    explicit = int(np.sum(task.spectrum.learnable[: task.spectrum.explicit]))
    for name in ("bias", "variance", "noise"):
        stacked = np.stack([curve.by_mode[name] for curve in curves])[..., :explicit]  # type: ignore[index]
        title = {"long_name": DESCRIPTIONS[f"{name}_by_mode"]}
        result[f"{name}_by_mode"] = ((*dims, "mode"), grid.pack(_by_time(stacked, laws), *inner, explicit), title)
    return result.assign_coords(eigenvalue=("mode", task.eigenvalues[:explicit]))


def of_members(single: Any, pair: Any, sizes: np.ndarray) -> Any:
    """The curve of ensembles of `sizes` members, () or (sizes,), the last dimension but `output`, from those of one model
    and of what two have in common.  Where they come to rest is left out.
    """
    import xarray

    dims = ("members",) * sizes.ndim
    members = xarray.DataArray(sizes, dims=dims, coords=dict.fromkeys(dims, sizes))
    found = {}
    for name in single.data_vars:
        values = single[name]
        if name in AVERAGED:
            one, two, count = xarray.broadcast(values, pair[name], members)
            mixed = ensemble({name: one.values}, {name: two.values}, count.values)[name]
            values = one.copy(data=mixed)
            values.attrs = dict(single[name].attrs)
            order = [each for each in values.dims if each not in ("members", "output")]
            values = values.transpose(*order, *dims, *(["output"] if "output" in values.dims else []))
        found[name] = values
    result = single.assign(found).drop_vars("stationary_test", errors="ignore").assign_coords(members=members)
    result.members.attrs["long_name"] = "members of the ensemble"
    return result
