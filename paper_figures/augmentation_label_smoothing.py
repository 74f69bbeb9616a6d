"""Label smoothing: test error against its amount, at several ridges.

For the question of arXiv 1512.00567; the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.strengths import concluded, drawn, sweep

ALPHA, BETA, MODES, N = 1.5, 1.5, 300, 100
RIDGES, NOISES = (1e-3, 0.1, 1.0), (0.5, 2.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 21, "dots": (0.3,), "trials": 24},
    "paper": {"grid": 81, "dots": (0.1, 0.3, 0.5, 0.7, 0.9), "trials": 400},
}
CAPTION = """
After Szegedy et al.: Rethinking the Inception architecture (arXiv 1512.00567), figure and parameters ours. Labels are
multiplied by 1 - amount before training, in kernel regression from n = {n} samples; eigenvalues i^-{alpha:g}, target
power i^-{beta:g}, {modes} modes; test labels are as they are. Label noise: {noises[0]:g} left, {noises[1]:g} right.
Dotted: not smoothed. For the square loss smoothing shrinks the predictor: it pays where the ridge is too small for the
noise, but less than the best ridge, which has the test error {best[0]:.3f} left and {best[1]:.3f} right. Lines: exact
theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot from
theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each noise, "0" and "1": a sweep over `strength`, a series for each ridge; `data` plays no part."""
    plan, panels, best = SCALES[scale], {}, []
    for place, noise in enumerate(NOISES):
        task = rg.Task.power_law(ALPHA, BETA, noise, modes=MODES)
        best.append(float(rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=N).test))
        panels[f"{place}"] = sweep(
            task, lambda amount: rg.Learner(rg.Ridge(RIDGES), augmentation=rg.LabelSmoothing(amount)),
            np.linspace(0.0, 0.95, plan["grid"]), plan["dots"], {"n": N, "trials": plan["trials"], "seed": seed},
            rg.Learner(rg.Ridge(RIDGES)),
        )
    return concluded(
        panels, CAPTION, scale, seed, alpha=ALPHA, beta=BETA, noises=list(NOISES), modes=MODES, n=N, ridges=list(RIDGES),
        trials=plan["trials"], best=best,
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each noise."""
    titles = [f"label noise {noise:g}" for noise in parameters["noises"]]
    return drawn(arrays, titles, [f"ridge {ridge:g}" for ridge in parameters["ridges"]], ["amount"] * 2)
