"""When to stop stochastic training: for `optimal_stopping`."""

__all__ = ["stochastic_stopping"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.api.methods.table import method_for
from rfgen.problems.learner import Learner

# Steps are tried up to the last; so many of a decade, and of a bracket.
LAST, DECADE_POINTS, BRACKET_POINTS, REFINEMENTS = 10**5, 12, 50, 2


def stochastic_stopping(task: Any, learner: Learner, n: Any) -> Any:
    """The step of least test risk over all settings but the steps: 0 to `LAST`, or inf, where the training comes to rest.

    At inf only `test` is known, `end_test`; the parts of the risk are NaN there.
    """
    views = getattr(learner.augmentation, "views", 1.0)
    if getattr(learner.training, "fresh", False) and np.max(views) > 1.0 and learner.augmentation.moments_suffice:
        raise ValueError(
            f"views must be 1 for optimal_stopping of many passes, got {np.max(views):g}, whose end is not derived: "
            "compare the steps of rg.predict, or take rg.GradientDescent"
        )

    def curve(steps: np.ndarray) -> Any:
        at = replace(learner, training=replace(learner.training, steps=steps))  # type: ignore[type-var]
        method, _ = method_for("predict", task, at)
        return method.theory(task, at, n)

    steps = np.unique(np.round(np.geomspace(1, LAST, 5 * DECADE_POINTS + 1)).astype(int))
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
        around = [
            np.linspace(steps[max(one - 1, 0)], steps[min(one + 1, steps.size - 1)], BRACKET_POINTS) for one in best
        ]
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
    result["converged"] = least.converged | rests
    result.attrs = {**found.attrs, "training": repr(learner.training)}
    if hidden.any():
        result.attrs["failures"] = (
            f"{int(hidden.sum())} point(s) of the search without an exact risk, among which the least may lie: look at "
            "predict"
        )
    return result
