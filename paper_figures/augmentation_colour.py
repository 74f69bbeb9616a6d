"""Colours changed at random: digits in random colours, as gray or with another brightness, contrast and saturation.

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

IMAGES, N, RIDGE, VIEWS, DARKEST = 600, 100, 0.3, (1, 4), 0.3
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 5, "dots": (0.5,), "trials": 10, "drawn": 1},
    "paper": {"grid": 9, "dots": (0.25, 0.5, 0.75), "trials": 200, "drawn": 2},
}
CAPTION = """
{question} Ridge regression on the 192 values of {images} of the bundled 8x8 digits (odd against even), each in a colour of
its own, red, green and blue uniform in [{darkest:g}, 1]; ridge {ridge:g}, n = {n} images in m views each; test images are
as they are. Left: all gray with a probability; right: brightness, contrast and saturation each changed by a factor within 1
± strength. Dotted: not augmented. The colour says nothing of the digit: gray views take it out. Lines: theory computed by
rfgen (left of both patterns, right from second moments); dots: {trials} simulations each, images drawn with replacement,
bars: one standard error. Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def _gray(strength: float, views: int) -> Any:
    return rg.Grayscale(strength, views=views)


def _jitter(strength: float, views: int) -> Any:
    return rg.ColorJitter(strength, strength, strength, views=views)


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each augmentation and number of views, "0 4": a sweep over `strength`; `data` plays no part."""
    plan, panels = SCALES[scale], {}
    random, (inputs, labels) = np.random.default_rng(seed), rg.datasets.digits()
    chosen = random.permutation(len(inputs))[:IMAGES]
    colours = random.uniform(DARKEST, 1.0, (chosen.size, 1, 1, 3))
    task = rg.DataTask(inputs[chosen].reshape(-1, 8, 8, 1) * colours, labels[chosen], sampling="with replacement")
    for place, made in enumerate((_gray, _jitter)):
        for number, views in enumerate(VIEWS):
            def learner(strength: float, made: Any = made, views: int = views) -> rg.Learner:
                return rg.Learner(rg.Ridge(RIDGE), augmentation=made(strength, views))

            dots = plan["dots"] if number < plan["drawn"] else []
            panels[f"{place} {views}"] = sweep(
                task, learner, np.linspace(0.0, 1.0, plan["grid"]), dots, N, plan["trials"], seed,
                rg.Learner(rg.Ridge(RIDGE)),
            )
    return concluded(
        panels, CAPTION, scale, seed, question=QUESTION, images=IMAGES, n=N, ridge=RIDGE, views=list(VIEWS), darkest=DARKEST,
        trials=plan["trials"],
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each augmentation."""
    series = {f"{views}": f"m = {views}" for views in parameters["views"]}
    return drawn(arrays, ["gray", "colour jitter"], series, "probability; strength")
