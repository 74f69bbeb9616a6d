"""Colours changed at random: digits in random colours, as gray or with another brightness, contrast and saturation.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import QUESTION
from paper_figures.interpolation import worst
from paper_figures.strengths import concluded, drawn, sweep

N, RIDGE, VIEWS, DARKEST = 60, 2.0, (1, 4), 0.3
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"strengths": (0.3, 0.6), "dots": (0.6,), "trials": 10},
    "paper": {"strengths": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0), "dots": (0.2, 0.5, 0.8), "trials": 200},
}
CAPTION = """
{question} Ridge regression on the 192 values of the bundled 8x8 digits (1,797 images, odd against even), each in a colour
of its own, red, green and blue uniform in [{darkest:g}, 1]; ridge {ridge:g}, n = {n} images in m views each; test images
are as they are. Left: all gray with a probability; right: brightness, contrast and saturation each changed by a factor
within 1 ± strength. Dotted: not augmented. The colour says nothing of the digit: gray views take it out. Lines: theory
computed by rfgen (left of both patterns, right from second moments, an approximation as a view changes as a whole); dots:
{trials} simulations each, images drawn with replacement, bars: one standard error. Largest distance of a dot from theory:
{largest_z:.1f} standard errors, {left:.1f} on the left; on the right the approximation is too high for strong changes.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each augmentation, "0" and "1": a sweep over `strength`, a series for each number of views.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    inputs, labels = rg.datasets.digits()
    colours = np.random.default_rng(seed).uniform(DARKEST, 1.0, (len(inputs), 1, 1, 3))
    task = rg.DataTask(inputs.reshape(-1, 8, 8, 1) * colours, labels, sampling="with replacement")
    made = (lambda one: rg.Grayscale(one, views=VIEWS)), (lambda one: rg.ColorJitter(one, one, one, views=VIEWS))
    for place, augmentation in enumerate(made):
        with warnings.catch_warnings():
            # the caption says it
            warnings.filterwarnings("ignore", "ColorJitter.* the moment form is used", UserWarning)
            panels[f"{place}"] = sweep(
                task, lambda one, made=augmentation: rg.Learner(rg.Ridge(RIDGE), augmentation=made(one)),
                plan["strengths"], plan["dots"], {"n": N, "trials": plan["trials"], "seed": seed},
                rg.Learner(rg.Ridge(RIDGE)),
            )
    return concluded(
        panels, CAPTION, scale, seed, question=QUESTION, n=N, ridge=RIDGE, views=list(VIEWS), darkest=DARKEST,
        trials=plan["trials"], left=worst({"": panels["0"]}),
    )


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each augmentation."""
    series = [f"m = {views}" for views in parameters["views"]]
    return drawn(arrays, ["gray", "colour jitter"], series, ["probability", "strength"])
