"""Mixup: test error against the concentration of its weights, for several numbers of mixtures of each sample.

For the question of arXiv 1710.09412; the figure is defined here.
"""

__all__ = ["compute", "draw"]

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import views_text
from paper_figures.strengths import concluded, drawn, sweep

ALPHA, BETA, NOISE, MODES, N = 1.0, 2.0, 0.5, 200, 100
RIDGES, VIEWS = (0.01, 1.0), (1.0, 4.0, math.inf)
RANGE = (0.05, 20.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 7, "dots": 1, "drawn": 1, "trials": 16},
    "paper": {"grid": 41, "dots": 5, "drawn": 3, "trials": 200},
}
CAPTION = """
After Zhang, Cisse, Dauphin, Lopez-Paz: mixup (arXiv 1710.09412), figure and parameters ours. Kernel regression from n =
{n} samples, each in m mixtures with others at weights from Beta(a, a), labels mixed alike; eigenvalues i^-{alpha:g}, target
power i^-{beta:g}, {modes} modes, label noise {noise:g}. Left: ridge {ridges[0]:g}; right: ridge {ridges[1]:g}. Dotted: not
augmented. Mixtures shrink all inputs towards the mean of the sample: they act as fewer samples of less noise, and as
infinitely many as a larger ridge, 1.5 times for a = 1. Lines: theory computed by rfgen, for finite m of one draw of the
weights, hence not smooth; dots: {trials}
simulations each, bars: one standard error. Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each ridge, "0" and "1": a sweep over `strength`, a series for each number of views; `data` plays no part."""
    plan = SCALES[scale]
    task, call = rg.Task.power_law(ALPHA, BETA, NOISE, modes=MODES), {"n": N, "trials": plan["trials"], "seed": seed}
    finite = [views for views in VIEWS if math.isfinite(views)][: plan["drawn"]]
    panels = {}
    for place, ridge in enumerate(RIDGES):
        panels[f"{place}"] = sweep(
            task, lambda a, ridge=ridge: rg.Learner(rg.Ridge(ridge), augmentation=rg.Mixup(a, views=VIEWS)),
            np.geomspace(*RANGE, plan["grid"]), np.geomspace(0.2, 5.0, plan["dots"]), call, rg.Learner(rg.Ridge(ridge)),
            lambda a, ridge=ridge: rg.Learner(rg.Ridge(ridge), augmentation=rg.Mixup(a, views=finite)),
        )
    return concluded(
        panels, CAPTION, scale, seed, alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES, n=N, ridges=list(RIDGES),
        views=[views_text(views) for views in VIEWS], trials=plan["trials"],
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each ridge."""
    titles = [f"ridge {ridge:g}" for ridge in parameters["ridges"]]
    return drawn(arrays, titles, [f"m = {views}" for views in parameters["views"]], ["concentration a"] * 2, log=True)
