"""Augmentations of real images, random features: predicted against measured test error.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import QUESTION, scored, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look, plain_log

FEATURES, VIEWS = 200, (1, 4)
# Degrees of freedom stay below 3 % of the images: rows drawn from them with replacement hardly repeat.
RIDGE = 0.4
AUGMENTATIONS: dict[str, Callable[[Any], Any]] = {
    "noise": lambda views: rg.GaussianNoise(0.1, views=views),
    "mask": lambda views: rg.Mask(0.7, views=views),
    "shift": lambda views: rg.Shift(1, views=views),
    "rotation": lambda views: rg.Rotate(15, views=views),
    "cutout": lambda views: rg.Cutout(3, views=views),
    "flip": lambda views: rg.Flip(views=views),
}
SAID = {
    "noise": "Gaussian noise of variance 0.1", "mask": "masks that keep 0.7 of the pixels",
    "shift": "shifts by up to 1 pixel", "rotation": "rotations by up to 15 degrees", "cutout": "3x3 pixels cut out",
    "flip": "left-right flips half of the time (theory of both patterns)",
}
MARKERS = {"tanh": "o", "relu": "s"}

# Measured on 2 cores: a simulation is compiled for each augmentation, number of views and n, 1 s; a trial takes 20 ms.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"maps": ("tanh",), "kinds": ("mask", "shift", "cutout"), "n": (150,), "trials": 12},
    "paper": {"maps": ("tanh", "relu"), "kinds": tuple(AUGMENTATIONS), "n": (50, 150, 400), "trials": 100},
}

CAPTION = """
{question} {features} frozen random features of the bundled 8x8 digits (1,797 images, odd against even), ridge {ridge:g},
n = {n} images in 1 or 4 views each: {shown}. Predicted: theory computed by rfgen from
second moments of the features of the augmented images, nothing fitted; cutout
moves the view as a whole, where second moments are an approximation. Measured: simulations run by rfgen, images drawn
with replacement, test on all images without augmentation, {trials} trials, bars one standard error. Worst distance:
{relative:.1%} of the prediction ({which}); {worst:.1f} standard errors at most.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """One panel of arrays for each feature map and augmentation, "tanh noise" and so on.

    `data` plays no part.  Arrays (n, views): `dot_exact` (predicted), `dot_test`, `dot_test_se`, `dot_z`, `dot_excess`.
    """
    plan = SCALES[scale]
    inputs, labels = rg.datasets.digits()
    panels, apart = {}, {}
    for name in plan["maps"]:
        task = rg.DataTask(inputs, labels, rg.RandomFeatureMap(FEATURES, name, seed=0), sampling="with replacement")
        for kind in plan["kinds"]:
            learner = rg.Learner(rg.Ridge(RIDGE), augmentation=AUGMENTATIONS[kind](list(VIEWS)))
            with warnings.catch_warnings():
                # the caption says it
                warnings.filterwarnings("ignore", "Cutout.* the moment form is used", UserWarning)
                predicted = rg.predict(task, learner, n=plan["n"])
            runs = simulate(task, learner, n=plan["n"], trials=plan["trials"], seed=seed)
            found = scored(predicted, runs.transpose("n", "views"))
            panels[f"{name} {kind}"] = found
            apart[f"{kind}, {name}"] = float(np.abs(found["dot_test"] / found["dot_exact"] - 1.0).max())
    arrays = flatten(panels)
    which = max(apart, key=lambda panel: apart[panel])
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "features": FEATURES,
        "ridge": RIDGE, "maps": list(plan["maps"]), "kinds": list(plan["kinds"]), "n": list(plan["n"]),
        "views": list(VIEWS), "trials": plan["trials"], "largest_relative_distance": apart[which],
        "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
    }
    stated = {**parameters, "n": ", ".join(map(str, plan["n"])), "relative": apart[which], "worst": parameters["largest_z"]}
    text = CAPTION.format(question=QUESTION, which=which, shown=", ".join(SAID[kind] for kind in plan["kinds"]), **stated)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Measured against predicted with the identity, and the relative deviation of each augmentation."""
    with look():
        figure, axes = blank(1, 2, 11.5, 4.9)
        (left, right), kinds = axes[0], parameters["kinds"]
        for position, (kind, colour) in enumerate(zip(kinds, COLOURS, strict=False)):
            for shift, name in enumerate(parameters["maps"]):
                values = select(arrays, f"{name} {kind}")
                _scatter(left, values, colour, MARKERS[name])
                start = position + (shift + 0.5) / len(parameters["maps"]) - 0.5
                _deviation(right, values, colour, MARKERS[name], start, 0.8 / len(parameters["maps"]))
        low, high = left.get_xlim()
        low, high = min(low, left.get_ylim()[0]), max(high, left.get_ylim()[1])
        left.plot([low, high], [low, high], color="0.7", lw=1, zorder=0)
        left.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        left.set(xlabel="predicted test error", ylabel="measured test error")
        for axis in (left.xaxis, left.yaxis):
            plain_log(axis, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0))
        right.axhline(0.0, color="0.7", lw=1, zorder=0)
        right.set(ylabel="measured / predicted − 1, in %", xticks=range(len(kinds)))
        right.set_xticklabels(kinds, rotation=45, ha="right", rotation_mode="anchor")
        right.tick_params(axis="x", length=0)
        colours = [
            Line2D([], [], color=colour, ls="", marker="o", label=kind)
            for kind, colour in zip(kinds, COLOURS, strict=False)
        ]
        maps = [Line2D([], [], color="k", ls="", marker=MARKERS[name], label=name) for name in parameters["maps"]]
        views = [
            Line2D([], [], color="k", ls="", marker="o", mfc=face, label=f"m = {count}")
            for count, face in zip(parameters["views"], ("white", "k"), strict=True)
        ]
        legend(figure, {"augmentation": colours, "features": maps, "views": views})
    return figure


def _scatter(ax: Any, values: dict[str, np.ndarray], colour: str, marker: str) -> None:
    for column, face in enumerate(("white", colour)):
        ax.errorbar(
            values["dot_exact"][:, column], values["dot_test"][:, column], values["dot_test_se"][:, column], fmt=marker,
            color=colour, mfc=face, lw=1,
        )


def _deviation(ax: Any, values: dict[str, np.ndarray], colour: str, marker: str, middle: float, width: float) -> None:
    """Side by side: n from left to right, within each the numbers of views."""
    ratio, error = values["dot_test"] / values["dot_exact"] - 1.0, values["dot_test_se"] / values["dot_exact"]
    places = middle + width * (np.arange(ratio.size) / max(ratio.size - 1, 1) - 0.5) * 0.9
    for column, face in enumerate(("white", colour)):
        ax.errorbar(
            places.reshape(ratio.shape)[:, column], 100 * ratio[:, column], 100 * error[:, column], fmt=marker,
            color=colour, mfc=face, lw=1,
        )
