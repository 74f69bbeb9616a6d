"""Classifiers on rows seen in several views: errors beside the least possible, calibration."""

__all__ = ["compute", "draw"]

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import views_text
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log

DIM, DISTANCE, FLIPPED, RIDGE, VARIANCE = 100, 1.7, 0.1, 2.0, 0.25
VIEWS = (1.0, 4.0, math.inf)
KINDS: dict[str, Any] = {
    "no views": None, "gains 0.25, 1.75": rg.Gain([0.25, 1.75]), "flips of half the inputs": rg.Flip(0.5),
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 5, "sizes": (100, 400), "views": (0, 2), "dotted": 1, "kinds": 2, "trials": 12},
    "paper": {"grid": 25, "sizes": (60, 120, 250, 500, 1000), "views": (0, 1, 2), "dotted": 2, "kinds": 3, "trials": 60},
}
CAPTION = """
Parameters ours. Logistic regression, ridge {ridge:g}, of two balanced classes N(±μ, 1) in {dim} dimensions, |μ| =
{distance:g}, a tenth of the labels flipped in training; the loss of a row is its mean over m views with noise of
variance {variance:g}. Left: error on clean inputs; grey: without views; dashed: what no algorithm beats, on average
over directions of μ. Middle: the temperature that scores should be divided by to be log odds of clean labels: above 1
the fit is too sure of itself, which views mend, below 1 the flipped labels make it unsure. Right: one view that is
moved as a whole: gains, and flips of the signs of half of the inputs. Lines: exact theory computed by rfgen; dots:
{trials} simulations each (left m = {dotted}), bars: one standard error. Largest distance of a dot from theory:
{worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panel "views": `error`, `temperature` (views, n), `plain`, `plain_temperature`, `best`; "kinds": `error`."""
    del data
    plan, panels = SCALES[scale], {}
    task = rg.Mixture(np.full(DIM, DISTANCE / DIM**0.5), np.ones(DIM), flip=FLIPPED)
    shown = [VIEWS[at] for at in plan["views"]]
    n, sizes = np.geomspace(40, 1600, plan["grid"]).round(), list(plan["sizes"])

    def learner(augmentation: Any) -> rg.Learner:
        return rg.Learner(rg.Logistic(RIDGE), augmentation=augmentation)

    def dots(augmentation: Any) -> dict[str, np.ndarray]:
        seen = check(task, learner(augmentation), n=sizes, trials=plan["trials"], seed=seed, variables="error").dataset
        names = {"dot": "simulation", "dot_se": "se", "dot_z": "z"}
        return {name: seen[f"error_{own}"].values for name, own in names.items()}

    plain = rg.predict(task, learner(None), n=n)
    seen = [rg.predict(task, learner(rg.GaussianNoise(VARIANCE, views=views)), n=n) for views in shown]
    found = [dots(rg.GaussianNoise(VARIANCE, views=views)) for views in shown[: plan["dotted"]]]
    panels["views"] = {
        "n": n, "error": [one.error for one in seen], "temperature": [one.temperature for one in seen],
        "plain": plain.error, "plain_temperature": plain.temperature, "best": rg.best_possible(task, n).error,
        "dot_n": sizes, **{key: [one[key] for one in found] for key in found[0]},
    }
    kinds = list(KINDS.items())[: plan["kinds"]]
    found = [dots(kind) for _, kind in kinds]
    panels["kinds"] = {
        "n": n, "error": [rg.predict(task, learner(kind), n=n).error for _, kind in kinds], "dot_n": sizes,
        **{key: [one[key] for one in found] for key in found[0]},
    }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": DIM, "distance": DISTANCE,
        "flipped": FLIPPED, "ridge": RIDGE, "variance": VARIANCE, "views": [views_text(views) for views in shown],
        "dotted": ", ".join(views_text(views) for views in shown[: plan["dotted"]]),
        "kinds": [name for name, _ in kinds], "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.4)
        at, colours = select(arrays, "views"), graded(len(parameters["views"]))
        for ax, name, plain in zip(axes[0], ("error", "temperature"), ("plain", "plain_temperature"), strict=False):
            ax.plot(at["n"], at[plain], "-.", color="0.5", zorder=1)
            for line, colour in zip(at[name], colours, strict=True):
                ax.plot(at["n"], line, color=colour)
        axes[0, 0].plot(at["n"], at["best"], color="0.3", ls="--")
        for dot, error, colour in zip(at["dot"], at["dot_se"], colours, strict=False):
            axes[0, 0].errorbar(at["dot_n"], dot, error, fmt="o", color=colour)
        axes[0, 1].axhline(1.0, color="0.5", ls=":", lw=1.0, zorder=0)
        axes[0, 1].set_yscale("log")
        plain_log(axes[0, 1].yaxis)
        kinds = select(arrays, "kinds")
        for row, colour in enumerate(COLOURS[: len(parameters["kinds"])]):
            axes[0, 2].plot(kinds["n"], kinds["error"][row], color=colour)
            axes[0, 2].errorbar(kinds["dot_n"], kinds["dot"][row], kinds["dot_se"][row], fmt="o", color=colour)
        titles = {"noise": "error", "calibration": "temperature", "views moved as a whole": "error"}
        for ax, (title, label) in zip(axes[0], titles.items(), strict=True):
            ax.set(xscale="log", xlabel="rows", ylabel=label, title=title)
            plain_log(ax.xaxis)
        groups = {
            "views": [
                Line2D([], [], color="0.5", ls="-.", label="none"),
                *(Line2D([], [], color=colour, label=f"m = {text}")
                  for colour, text in zip(colours, parameters["views"], strict=True)),
                Line2D([], [], color="0.3", ls="--", label="best possible"),
            ],
            "moved as a whole": [
                Line2D([], [], color=colour, label=text) for colour, text in zip(COLOURS, parameters["kinds"], strict=False)
            ],
        }
        legend(figure, groups)
    return figure
