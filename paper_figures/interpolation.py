"""What the figures on the cost of overfitting share: pure-noise tasks, and simulated dots beside exact values."""

__all__ = ["AGNOSTIC", "coefficient", "cost_dots", "pure_noise", "risk_dots", "worst"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import rfgen as rg
from paper_figures.runs import simulate

AGNOSTIC = "After Zhou, Simon, Vardi, Srebro (arXiv 2306.13185), a theoretical paper; figure and parameters ours."


def pure_noise(spectrum: rg.Spectrum) -> rg.Task:
    """Nothing to learn, label noise of variance 1: the ridgeless risk is the overfitting coefficient."""
    return rg.Task(spectrum, np.zeros(spectrum.eigenvalues.size), 1.0)


def coefficient(spectrum: rg.Spectrum, n: Any) -> np.ndarray:
    """The overfitting coefficient E0 at sizes `n` (sizes,)."""
    return rg.predict(pure_noise(spectrum), rg.Learner(rg.Ridge(0.0)), n=n).amplification.values


def risk_dots(task: rg.Task, sizes: Sequence[int], trials: int, seed: int, name: str = "dot") -> dict[str, np.ndarray]:
    """Simulated test risk at ridge 0: `dot_n`, `dot`, `dot_se`, and `dot_z`, its distance from theory (sizes,)."""
    learner = rg.Learner(rg.Ridge(0.0))
    runs = simulate(task, learner, n=list(sizes), trials=trials, seed=seed)
    exact = rg.predict(task, learner, n=list(sizes))
    z = (runs.test - exact.test) / runs.test_se
    return {
        f"{name}_n": np.array(sizes, float), name: runs.test.values, f"{name}_se": runs.test_se.values,
        f"{name}_z": z.values,
    }


def cost_dots(task: rg.Task, sizes: Sequence[int], trials: int, seed: int, name: str = "dot") -> dict[str, np.ndarray]:
    """Simulated risk at ridge 0 over that at the ridge best in theory, as `risk_dots`.

    Both risks come from the same draws; the standard error ignores their correlation and is an upper bound of it.
    """
    exact = rg.overfitting_cost(task, n=list(sizes))
    best = np.minimum(exact.best_ridge.values, 1e12)
    runs = simulate(task, rg.Learner(rg.Ridge([0.0, *best])), n=list(sizes), trials=trials, seed=seed)
    place = np.arange(len(sizes))
    test, error = ((column[place, 0], column[place, place + 1]) for column in (runs.test.values, runs.test_se.values))
    values = test[0] / test[1]
    errors = np.where(best > 0, values * np.hypot(error[0] / test[0], error[1] / test[1]), 0.0)
    z = (values - exact.cost.values) / np.where(errors > 0, errors, 1.0)
    return {f"{name}_n": np.array(sizes, float), name: values, f"{name}_se": errors, f"{name}_z": z}


def worst(panels: Mapping[str, Mapping[str, Any]]) -> float:
    """The largest distance of a dot from theory, in standard errors."""
    scores = [values for panel in panels.values() for key, values in panel.items() if key.endswith("_z")]
    return max(float(np.abs(values).max()) for values in scores)
