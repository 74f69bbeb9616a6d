"""Augmentation at test time: test error of the mean over K views of each test input.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import QUESTION
from paper_figures.strengths import concluded, drawn, sweep

ALPHA, BETA, NOISE, MODES, N, RIDGE = 1.0, 2.0, 0.5, 200, 200, 0.01
VARIANCES, SHARES = (0.01, 0.1), (0.9, 0.6)
COUNTS, VIEWS = (1, 2, 4, 8, 16, 32), 4
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"dots": (2,), "trials": 16, "drawn": 1},
    "paper": {"dots": COUNTS, "trials": 200, "drawn": 2},
}
CAPTION = """
{question} Kernel regression from n = {n} samples in {views} views each, predicting by the mean over K views of each test
input; eigenvalues i^-{alpha:g}, target power i^-{beta:g}, {modes} modes, label noise {noise:g}, ridge {ridge:g}. Left:
Gaussian noise added to the eigen-coordinates; right: masks that keep a share of them. Dotted: predicting at the clean input.
Many views come to it for noise, and for masks to a prediction shrunk by the share kept, which is better here. Lines: exact theory
computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot from theory:
{largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each augmentation and place of its strength, "0 1": a sweep over `strength`, here K; `data` plays no part."""
    plan, panels = SCALES[scale], {}
    task = rg.Task.power_law(ALPHA, BETA, NOISE, modes=MODES)
    made = (lambda one: rg.GaussianNoise(one, views=VIEWS)), (lambda one: rg.Mask(one, views=VIEWS))
    for place, (augmentation, values) in enumerate(zip(made, (VARIANCES, SHARES), strict=True)):
        for number, value in enumerate(values):
            view = augmentation(value)

            def learner(count: float, view: Any = view) -> rg.Learner:
                return rg.Learner(rg.Ridge(RIDGE), augmentation=view, test_views=int(count))

            panels[f"{place} {number}"] = sweep(
                task, learner, COUNTS, plan["dots"] if number < plan["drawn"] else [], N, plan["trials"], seed,
                rg.Learner(rg.Ridge(RIDGE), augmentation=view),
            )
    return concluded(
        panels, CAPTION, scale, seed, question=QUESTION, alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES, n=N, ridge=RIDGE,
        views=VIEWS, variances=list(VARIANCES), shares=list(SHARES), trials=plan["trials"],
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each augmentation."""
    pairs = zip(parameters["variances"], parameters["shares"], strict=True)
    series = {f"{number}": f"{variance:g}, {share:g}" for number, (variance, share) in enumerate(pairs)}
    return drawn(arrays, ["noise", "masks"], series, "views at test time K", log=True, heading="variance, share kept")
