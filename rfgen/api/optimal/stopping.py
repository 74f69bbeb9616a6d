"""`optimal_stopping`: when to stop."""

__all__ = ["optimal_stopping"]

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.methods.dynamics import FLAGS, trajectories
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import checked_axes, in_modes, refuse_held_out, warn_small_population
from rfgen.api.optimal.optimising import least_ridge
from rfgen.api.over_tasks import over_tasks
from rfgen.api.own_data.leverages import with_leverages
from rfgen.curves.arguments import Numbers
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.task import Task
from rfgen.problems.trainings.resampling import on_drawn
from rfgen.problems.trainings.spectral import Ridge
from rfgen.theory.dynamics.ends import total_trace
from rfgen.theory.dynamics.optimal_stopping import optimal_stopping as theory_optimal_stopping
from rfgen.theory.dynamics.trajectory import Trajectory
from rfgen.theory.ridge.posed import posed_settings

if TYPE_CHECKING:
    import xarray

# The search starts at this share of the inverse of the training second moment's trace: nothing is learned before.
EARLIEST = 1e-3


@over_tasks
@double_precision
def optimal_stopping(
    task: Task | DataTask, learner: Learner, n: Numbers | None = None, *, form: str | None = None
) -> "xarray.Dataset":
    """The time (or step) at which training has the least exact test risk, what it is there, and what stopping late costs.

    Parameters
    ----------
    task, learner, n, form
        As in `predict`; the clock of the learner's training (`time`, `steps`) plays no part.

    Returns
    -------
    xarray.Dataset
        Over all settings but the clock: `time` or `steps` (0: do not train; inf: train to the end; NaN with a reason in
        `attrs["failures"]`: not found), the variables of `predict` there, `end_test`, the risk at the end of training,
        `late_loss` = `end_test` - `test`, and `best_ridge`, `best_ridge_test`: the ridge regression of least risk on the
        same data.  Stochastic trainings: steps up to 100,000, or inf, where training comes to rest and only `test` is
        known; without `best_ridge`.  Where groups of rows have losses of their own (resampled sets, several views of a
        visit) up to 3,000 steps, NaN with the reason where the risk falls so long and its end is not known.

    Raises
    ------
    ValueError
        As in `predict`, and where the outputs are kept.

    Notes
    -----
    Exact as `predict`.

    References
    ----------
    Derived: `rfgen.theory.dynamics`.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.Task.isotropic(100, noise=0.5)
    >>> best = rg.optimal_stopping(task, rg.Learner(rg.GradientFlow(0.0)), n=[50, 100, 200])
    >>> best.time.values.round(3), (best.test / best.best_ridge_test).values.round(3)
    (array([0.619, 1.269, 2.237]), array([1.004, 1.009, 1.012]))
    """
    method_for("optimal_stopping", task, learner, form=form)
    refuse_held_out(task, learner)
    if learner.training.stochastic:
        return stochastic_stopping(task, learner, n)
    axes, eigen = checked_axes(task, learner, n), in_modes(task)
    training, augmentation = learner.training, learner.augmentation
    if eigen.keep_outputs:
        raise ValueError("keep_outputs must be False for optimal_stopping: one time serves all outputs")
    posed = posed_settings(task, learner, form)
    noise = posed[0].label_noise(eigen)
    share = 1.0 if learner.resampling is None else learner.resampling.mean_share
    training = on_drawn(training, share)
    clock = training.clock
    axes.pop(clock)
    strengths: dict[str, np.ndarray] = {} if augmentation is None else augmentation.axes
    rows, ridges, hidden = [], {}, 0
    # rates of the mean over the rows drawn
    drawn = {name: training.axes.get(name, axis) for name, axis in axes.items()}
    for at in Grid(drawn).points:
        for number, each in enumerate(posed):

            def curve(times: np.ndarray, each: Any = each, at: dict[str, float] = at) -> Trajectory:
                return trajectories(eigen, each, training, at, times, noise)

            whole = clock == "steps"
            first = each.problem if each.problem.null_power.ndim == 0 else each.problem.of_output(0)
            start = 1.0 if whole else EARLIEST / max(total_trace(first), 1e-300)
            found = theory_optimal_stopping(curve, start, whole)
            key = (number, at["n"], at["features"])
            if key not in ridges:
                same = Learner(Ridge(), learner.features, each.augmentation, learner.test_views, learner.resampling)
                ridges[key] = least_ridge(task, same, key[1:], form)
            values = {name: value[0] for name, value in vars(found.at).items() if name not in FLAGS}
            end, hidden = found.end.test[0], hidden + (not found.found)
            when = found.clock if whole else found.clock * share
            rows.append({clock: when, **values, "end_test": end, "late_loss": end - values["test"],
                         "best_ridge": ridges[key][0], "best_ridge_test": ridges[key][1]})
    grid = Grid({**axes, **strengths})
    if learner.resampling is not None:
        rows = [{name: value for name, value in row.items() if name != "train"} for row in rows]
    variables = {name: grid.pack([row[name] for row in rows]) for name in rows[0]}
    warn_small_population(eigen, np.where(np.isfinite(variables["df1"]), variables["df1"], 0.0))
    variables, alike = with_leverages(eigen, grid, variables)
    attributes = {"kind": "theory", "dtype": "float64", "source": "derived", "training": repr(learner.training), **alike}
    if augmentation is not None:
        attributes |= {"augmentation": repr(augmentation), "form": " ".join(dict.fromkeys(each.form for each in posed))}
    if learner.resampling is not None:
        attributes["resampling"] = repr(learner.resampling)
    if hidden:
        attributes["failures"] = (
            f"points not found: {hidden}; the rate is beyond the edge of stability, or the least risk may lie at steps "
            "without a contour of affordable size (momentum near 1 or scheduled): look at predict"
        )
    return dataset(grid.axes, variables, eigen, attributes)


# Steps are tried up to the last, where groups of rows have losses of their own to the next; so many of a decade, and of a
# bracket.
LAST, LAST_OF_GROUPS, DECADE_POINTS, BRACKET_POINTS, REFINEMENTS = 10**5, 3000, 12, 50, 2


def stochastic_stopping(task: Any, learner: Learner, n: Any) -> Any:
    """The step of least test risk over all settings but the steps: 0 to the last tried, or inf, where the training comes to
    rest.

    At inf only `test` is known, `end_test`; the parts of the risk are NaN there.
    """
    several = np.max(getattr(learner.augmentation, "views", 1.0)) > 1.0 and learner.augmentation.moments_suffice
    grouped = learner.resampling is not None or (getattr(learner.training, "fresh", False) and several)
    last = LAST_OF_GROUPS if grouped else LAST

    def curve(steps: np.ndarray) -> Any:
        at = replace(learner, training=replace(learner.training, steps=steps))  # type: ignore[type-var]
        method, _ = method_for("predict", task, at)
        return method.theory(task, at, n)

    steps = np.unique(np.round(np.geomspace(1, last, 5 * DECADE_POINTS + 1)).astype(int))
    steps = np.concatenate([[0], steps])
    found = curve(steps)
    if "stationary_test" not in found:
        raise ValueError(
            f"training must have settings that do not change for optimal_stopping, got {learner.training!r}: a schedule "
            "ends by itself, see rg.best_schedule"
        )
    hidden = np.isnan(found.test.values)
    for _ in range(REFINEMENTS):
        best = np.unique(found.test.fillna(np.inf).argmin("steps").values)
        around = [np.linspace(steps[max(one - 1, 0)], steps[min(one + 1, steps.size - 1)], BRACKET_POINTS) for one in best]
        steps = np.unique(np.round(np.concatenate([*around, steps[best]])).astype(int))
        found = curve(steps)
    least = found.isel(steps=found.test.fillna(np.inf).argmin("steps"))
    end = found.stationary_test
    rests = end <= least.test
    result = least.drop_vars(["stationary_test", "steps"]).where(~rests)
    result = result.assign(steps=least.steps.astype(float).where(~rests, np.inf), end_test=end)
    result["test"] = least.test.where(~rests, end)
    result["late_loss"] = end - result.test
    for name, title in (("end_test", "test risk at the end of training"), ("late_loss", "what stopping late costs")):
        result[name].attrs = {"long_name": title}
    late = (least.steps == last) & np.isnan(end)  # which may be better
    result = result.where(~late)
    result["converged"] = (least.converged | rests) & ~late
    result.attrs = {**found.attrs, "training": repr(learner.training)}
    if late.any():
        result.attrs["failures"] = (
            f"{int(late.sum())} point(s) whose risk falls to the last of the {last} steps tried, and whose end is not "
            "known: take a larger rate, or the steps of rg.predict"
        )
    if hidden.any():
        result.attrs["failures"] = (
            f"{int(hidden.sum())} point(s) of the search without an exact risk, among which the least may lie: look at "
            "predict"
        )
    return result
