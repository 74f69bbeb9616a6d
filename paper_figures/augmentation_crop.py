"""Random crops of real digits, resized back: test error against the size of the window.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import QUESTION
from paper_figures.strengths import concluded, drawn, sweep

RIDGES, VIEWS, N, SIZES = (0.3, 3.0), (1, 4), 60, (7, 6, 5, 4)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (7, 6), "dots": (7,), "trials": 10},
    "paper": {"sizes": SIZES, "dots": SIZES, "trials": 200},
}
CAPTION = """
{question} Ridge regression on the 64 pixels of the bundled 8x8 digits (1,797 images, odd against even), n = {n} images in
m views each: a random square window, resized back to 8x8; test images are as they are. Left: ridge {ridges[0]:g}; right:
{ridges[1]:g}. Dotted: not augmented. Lines: theory computed by rfgen, from the second moments of all views, an
approximation as a window moves all pixels; dots: {trials} simulations each, images drawn with replacement,
bars: one standard error. Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each ridge, "0" and "1": a sweep over `strength`, the size, a series for each number of views.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    task = rg.DataTask(*rg.datasets.digits(), sampling="with replacement")
    for place, ridge in enumerate(RIDGES):
        panels[f"{place}"] = sweep(
            task, lambda size, ridge=ridge: rg.Learner(rg.Ridge(ridge), augmentation=rg.Crop(int(size), views=VIEWS)),
            plan["sizes"], plan["dots"], {"n": N, "trials": plan["trials"], "seed": seed}, rg.Learner(rg.Ridge(ridge)),
            form="moment",
        )
    return concluded(
        panels, CAPTION, scale, seed, question=QUESTION, n=N, ridges=list(RIDGES), views=list(VIEWS), trials=plan["trials"]
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each ridge."""
    titles = [f"ridge {ridge:g}" for ridge in parameters["ridges"]]
    return drawn(arrays, titles, [f"m = {views}" for views in parameters["views"]], ["pixels of the window"] * 2)
