"""CutMix beside mixup on real digits: test error against the concentration of the shares.

For the question of arXiv 1905.04899; the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.strengths import concluded, drawn, sweep

RIDGE, VIEWS, N, RANGE = 1.0, (1, 4), 100, (0.1, 10.0)
KINDS = {"CutMix": rg.CutMix, "mixup": rg.Mixup}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 7, "dots": (1.0,), "trials": 12, "drawn": 1},
    "paper": {"grid": 21, "dots": (0.2, 0.5, 1.0, 2.0, 5.0), "trials": 200, "drawn": 2},
}
CAPTION = """
After Yun et al.: CutMix (arXiv 1905.04899), figure and parameters ours. Ridge regression on the 64 pixels of the bundled 8x8
digits (1,797 images, odd against even), ridge {ridge:g}, n = {n} images in {views[0]} (left) and {views[1]} (right) views
each: a box of another image pasted in, or the two mixed, with shares from Beta(a, a) and labels weighed alike; test images
are as they are. Dotted: not augmented, theory. Line: theory of mixup computed by rfgen; there is none of CutMix here, whose
dots are simulation alone. Dots: {trials} simulations each, images drawn with replacement, bars: one standard error. Largest
distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each number of views and kind, "0 mixup": a sweep over `strength`; `data` plays no part."""
    plan, panels = SCALES[scale], {}
    task = rg.DataTask(*rg.datasets.digits(), sampling="with replacement")
    for place, views in enumerate(VIEWS):
        for name, kind in KINDS.items():
            def learner(strength: float, kind: Any = kind, views: int = views) -> rg.Learner:
                return rg.Learner(rg.Ridge(RIDGE), augmentation=kind(strength, views=views))

            panels[f"{place} {name}"] = sweep(
                task, learner, np.geomspace(*RANGE, plan["grid"]), plan["dots"] if place < plan["drawn"] else [], N,
                plan["trials"], seed, rg.Learner(rg.Ridge(RIDGE)), theory=name == "mixup",
            )
    return concluded(panels, CAPTION, scale, seed, n=N, ridge=RIDGE, views=list(VIEWS), trials=plan["trials"])


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each number of views."""
    titles = [f"{views} view{'s' if views > 1 else ''}" for views in parameters["views"]]
    return drawn(arrays, titles, {name: name for name in KINDS}, "concentration a", log=True)
