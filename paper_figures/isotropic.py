"""What the figures of least squares on isotropic inputs share: dimensions, and dots at ridge 0 and the best ridge."""

__all__ = ["dots", "line_dims"]

from typing import Any

import numpy as np

import rfgen as rg
from paper_figures.interpolation import paired_ratio
from paper_figures.runs import group_risks


def line_dims(n: int, span: tuple[float, float], step: float) -> np.ndarray:
    """Dimensions between span * n, each `step` times the one before, without those at the peak.

    >>> line_dims(100, (0.5, 2.0), 1.5).tolist()
    [50, 79, 126, 200]
    """
    count = round(np.log(span[1] / span[0]) / np.log(step)) + 1
    dims = np.unique(np.round(n * np.geomspace(*span, count)).astype(int))
    return dims[np.abs(dims - n) > 3]


def dots(task: rg.Task, learner: rg.Learner, n: int, noise: float, trials: int, seed: int) -> dict[str, Any]:
    """Of each output: excess risks `plain_dot` at the first ridge, `best_dot` at its own, and their ratio `cost_dot`.

    Each with `_se` and `_z` (outputs,); both risks are of the same draws.
    """
    exact, test = rg.predict(task, learner, n=n).test.values, group_risks(task, learner, n=n, trials=trials, seed=seed)
    risks = {"plain": (test[:, 0], exact[0]), "best": (np.diagonal(test[:, 1:], axis1=1, axis2=2), np.diagonal(exact[1:]))}
    found: dict[str, Any] = {}
    for name, (runs, truth) in risks.items():
        error = runs.std(axis=0, ddof=1) / len(runs) ** 0.5
        mean = runs.mean(axis=0)
        found |= {f"{name}_dot": mean - noise, f"{name}_dot_se": error, f"{name}_dot_z": (mean - truth) / error}
    cost, error = paired_ratio(risks["plain"][0], risks["best"][0])
    truth = risks["plain"][1] / risks["best"][1]
    return {**found, "cost_dot": cost, "cost_dot_se": error, "cost_dot_z": (cost - truth) / error}
