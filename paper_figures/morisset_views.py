"""Test error of augmented random features against the number of samples, for several numbers of views of each.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import QUESTION, scored, views_text, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look, plain_log

ALPHA, BETA, NOISE, MODES, FEATURES, RIDGE = 1.5, 1.5, 0.5, 400, 100, 1e-3
VARIANCE, KEEP = 0.01, 0.8
VIEWS = (1.0, 2.0, 8.0, math.inf)
PANELS = {"noise": f"Gaussian noise of variance {VARIANCE:g}", "mask": f"masks that keep {KEEP:g}"}

# Sizes lie off the peaks n = k/m, where the error scatters widely over draws.  `dot_views` counts in VIEWS.
# Measured on 2 cores: what costs at smoke scale is compilation, 2 s for each size and number of views.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "sizes": (140,), "trials": 40, "dot_views": (1, 3)},
    "paper": {"grid": 481, "sizes": (10, 20, 35, 70, 140, 280, 500, 1000), "trials": 100, "dot_views": (0, 1, 2, 3)},
}

CAPTION = """
{question} Regression on k = {features} Gaussian random features from augmented samples: each sample is seen in m views,
whose squared errors are averaged. Eigenvalues i^-{alpha:g}, target power i^-{beta:g}, {modes} modes, label noise {noise:g},
ridge {ridge:g}; the augmentation acts on the eigen-coordinates, test inputs are clean. Left: noise of variance {variance:g}
added to each; right: each set to 0 with probability {drop:.2g}. Grey: the same without augmentation. The peaks of noise lie
near n = k/m, where the views are as many as the features; infinitely many leave no peak. Lines: exact theory computed
by rfgen. Dots: simulations run by rfgen at n = {sizes}, {trials} trials each, bars one standard error. Largest distance
of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Test risk on a grid of n from k/10 to 10 k for each number of views, and simulations at a few sizes.

    `data` plays no part.  Arrays of panels "noise" and "mask": `ratio` (points,) = n/k, `test` (views, points), `plain`
    (points,) without augmentation, and of the dots `dot_ratio` (sizes,), `dot_test`, `dot_test_se`, `dot_exact`, `dot_z`,
    `dot_excess`, each (dot_views, sizes).
    """
    plan = SCALES[scale]
    task = rg.Task.power_law(alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES)
    size, dots = FEATURES * np.geomspace(0.1, 10.0, plan["grid"]), np.array(plan["sizes"])
    plain = rg.predict(task, rg.Learner(rg.Ridge(RIDGE), features=FEATURES), n=size).test
    panels = {}
    for panel in PANELS:
        curve = rg.predict(task, _learner(panel, VIEWS), n=size)
        learner = _learner(panel, [VIEWS[i] for i in plan["dot_views"]])
        runs = simulate(task, learner, n=dots, trials=plan["trials"], seed=seed)
        found = scored(rg.predict(task, learner, n=dots), runs.transpose("views", "n"))
        panels[panel] = {
            "ratio": size / FEATURES, "test": curve.test.transpose("views", "n"), "plain": plain,
            "dot_ratio": dots / FEATURES, **found,
        }
    arrays = flatten(panels)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "alpha": ALPHA, "beta": BETA,
        "noise": NOISE, "modes": MODES, "features": FEATURES, "ridge": RIDGE, "variance": VARIANCE, "keep": KEEP,
        "views": [views_text(views) for views in VIEWS], "dot_views": list(plan["dot_views"]),
        "trials": plan["trials"], "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
    }
    text = CAPTION.format(
        question=QUESTION, sizes=", ".join(map(str, dots)), drop=1 - KEEP, worst=parameters["largest_z"], **parameters
    )
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _learner(panel: str, views: Any) -> rg.Learner:
    augmentation = rg.GaussianNoise(VARIANCE, views=views) if panel == "noise" else rg.Mask(KEEP, views=views)
    return rg.Learner(rg.Ridge(RIDGE), features=FEATURES, augmentation=augmentation)


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Two panels on common axes."""
    with look():
        figure, axes = blank(1, 2, 10.5, 4.6)
        colours = graded(len(parameters["views"]))
        for ax, (panel, title) in zip(axes[0], PANELS.items(), strict=True):
            _panel(ax, select(arrays, panel), colours, parameters["dot_views"])
            ax.set(title=title, xlabel="samples per feature n/k")
        axes[0, 0].set_ylabel("test error")
        views = [
            Line2D([], [], color=colour, label=f"m = {text}")
            for colour, text in zip(colours, parameters["views"], strict=True)
        ]
        symbols = [
            Line2D([], [], color="k", label="theory"), Line2D([], [], color="k", ls="", marker="o", label="simulation")
        ]
        plain = Line2D([], [], color="0.5", ls="-.", label="none")
        legend(figure, {"views": [plain, *views], "symbols": symbols})
    return figure


def _panel(ax: Any, values: dict[str, np.ndarray], colours: list[Any], dot_views: list[int]) -> None:
    ax.plot(values["ratio"], values["plain"], "-.", color="0.5", zorder=1)
    for colour, line in zip(colours, values["test"], strict=True):
        ax.plot(values["ratio"], line, color=colour)
    for row, view in enumerate(dot_views):
        ax.errorbar(
            values["dot_ratio"], values["dot_test"][row], values["dot_test_se"][row], fmt="o", color=colours[view],
            mec="white", mew=0.5, lw=1, zorder=3,
        )
    ax.set(xscale="log", yscale="log", xlim=(0.095, 10.5), ylim=(0.7, 12.0))
    plain_log(ax.xaxis, (1.0, 2.0, 5.0))
    plain_log(ax.yaxis)
