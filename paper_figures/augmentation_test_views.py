"""Augmentation at test time: test error of the mean over K views of each test input.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import QUESTION
from paper_figures.strengths import concluded, drawn, sweep

ALPHA, BETA, NOISE, MODES, N, RIDGE = 1.0, 2.0, 0.5, 200, 200, 0.01
VARIANCES, SHARES = (0.01, 0.1), (0.9, 0.6)
COUNTS, VIEWS = (1, 2, 4, 8, 16, 32), 4
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"dots": (2,), "trials": 16},
    "paper": {"dots": COUNTS, "trials": 200},
}
CAPTION = """
{question} Kernel regression from n = {n} samples in {views} views each, predicting by the mean over K views of each test
input; eigenvalues i^-{alpha:g}, target power i^-{beta:g}, {modes} modes, label noise {noise:g}, ridge {ridge:g}. Left:
Gaussian noise added to the eigen-coordinates; right: masks that keep a share of them. Dotted: predicting at the clean
input. Many views come to it for noise, and for masks to a prediction shrunk by the share kept, which is better here.
Lines: exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a
dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each augmentation, "0" and "1": a sweep over `strength`, here K, a series for each strength of it.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    task, call = rg.Task.power_law(ALPHA, BETA, NOISE, modes=MODES), {"n": N, "trials": plan["trials"], "seed": seed}
    for place, view in enumerate((rg.GaussianNoise(VARIANCES, views=VIEWS), rg.Mask(SHARES, views=VIEWS))):
        panels[f"{place}"] = sweep(
            task, lambda count, view=view: rg.Learner(rg.Ridge(RIDGE), augmentation=view, test_views=int(count)), COUNTS,
            plan["dots"], call, rg.Learner(rg.Ridge(RIDGE), augmentation=view),
        )
    return concluded(
        panels, CAPTION, scale, seed, question=QUESTION, alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES, n=N, ridge=RIDGE,
        views=VIEWS, variances=list(VARIANCES), shares=list(SHARES), trials=plan["trials"],
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each augmentation."""
    pairs = zip(parameters["variances"], parameters["shares"], strict=True)
    series = [f"{variance:g}, {share:g}" for variance, share in pairs]
    return drawn(arrays, ["noise", "masks"], series, ["views K at test"] * 2, log=True, heading="variance, share kept")
