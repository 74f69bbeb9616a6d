"""CutMix beside mixup on real digits: test error against the concentration of the shares.

For the question of arXiv 1905.04899; the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.runs import simulate
from paper_figures.strengths import concluded, drawn, sweep

RIDGE, VIEWS, N, RANGE = 1.0, (1, 4), 60, (0.1, 10.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 7, "dots": (1.0,), "trials": 12},
    "paper": {"grid": 21, "dots": (0.2, 0.5, 1.0, 2.0, 5.0), "trials": 200},
}
CAPTION = """
After Yun et al.: CutMix (arXiv 1905.04899), figure and parameters ours. Ridge regression on the 64 pixels of the bundled
8x8 digits (1,797 images, odd against even), ridge {ridge:g}, n = {n} images in {views[0]} (left) and {views[1]} (right)
views each: a box of another image pasted in, or the two mixed, with shares from Beta(a, a) and labels weighed alike; test
images are as they are. Dotted: not augmented, theory. Line: theory of mixup computed by rfgen; there is none of CutMix
here, whose dots are simulation alone. Dots: {trials} simulations each, images drawn with replacement, bars: one standard
error. Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each number of views, "0" and "1": a sweep over `strength`, the series mixup and (dots alone) CutMix.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    task = rg.DataTask(*rg.datasets.digits(), sampling="with replacement")
    call = {"n": N, "trials": plan["trials"], "seed": seed}
    for place, views in enumerate(VIEWS):
        found = sweep(
            task, lambda a, views=views: rg.Learner(rg.Ridge(RIDGE), augmentation=rg.Mixup(a, views=views)),
            np.geomspace(*RANGE, plan["grid"]), plan["dots"], call, rg.Learner(rg.Ridge(RIDGE)),
        )
        learners = [rg.Learner(rg.Ridge(RIDGE), augmentation=rg.CutMix(a, views=views)) for a in plan["dots"]]
        runs = [simulate(task, learner, **call) for learner in learners]
        for name in ("test", "test_se"):
            own = [[float(run[name])] for run in runs]
            found[f"dot_{name}"] = np.hstack([found[f"dot_{name}"], own])
        panels[f"{place}"] = found
    return concluded(panels, CAPTION, scale, seed, n=N, ridge=RIDGE, views=list(VIEWS), trials=plan["trials"])


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each number of views."""
    titles = [f"{views} view{'s' if views > 1 else ''}" for views in parameters["views"]]
    return drawn(arrays, titles, ["mixup", "CutMix"], ["concentration a"] * 2, log=True)
