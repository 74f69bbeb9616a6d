"""Test error against the strength of an augmentation, and the best strength against samples and features.

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
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log

ALPHA, BETA, NOISE, MODES, RIDGE = 1.0, 2.0, 0.5, 200, 0.01
SIZES, SWEPT_VIEWS, FIXED = (100, 400, 1600), 4, 400
SMALLEST, LARGEST = 20, 2000
RANGES = {"noise": (1e-4, 1.0), "mask": (0.4, 1.0)}
NAMES = {"noise": "view_variance", "mask": "keep"}
LABELS = {"noise": "noise variance", "mask": "keep probability"}

# Measured on 2 cores: an optimum takes 0.05 s; a simulation is compiled for each size and strength, 1 s.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 41, "views": (4.0,), "best": 7, "sizes": (400,), "dots": 1, "trials": 24},
    "paper": {"grid": 161, "views": (1.0, 2.0, 4.0, math.inf), "best": 61, "sizes": SIZES, "dots": 7, "trials": 60},
}

CAPTION = """
{question} Top: Gaussian noise added to the eigen-coordinates; bottom: each is kept with a probability, else set to 0.
Eigenvalues i^-{alpha:g}, target power i^-{beta:g}, {modes} modes, label noise {noise:g}, ridge {ridge:g}; test inputs are
clean. Left: kernel regression from n samples in {swept_views} views each; lines: exact theory computed by rfgen, dots:
simulations run by rfgen at n = {sizes}, {trials} trials each, bars one standard error, largest distance from theory
{worst:.1f} standard errors; dotted: the error without augmentation. Middle: the strength that is best in theory, against
n, for kernel regression; right: against the number of random features k, at n = {fixed}. A line breaks off where no
noise at all is best, or as much as there can be; masks that keep 1 are no augmentation. Jumps lead from one valley of
the error to another.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The error along a sweep of strengths for each n, and the best strengths along sweeps of n and of k.

    `data` plays no part.  Arrays of panels "noise" and "mask": `strength` (points,), `test` (n, points), `plain` (n,), of
    the dots `dot_strength` (dots,), `dot_test`, `dot_test_se`, `dot_exact`, `dot_z`, `dot_excess` (dot n, dots); and
    `size` (sizes,), `best_n`, `best_k` (views, sizes) with `edge_n`, `edge_k`: whether an end of the range is best.
    """
    plan = SCALES[scale]
    task = rg.Task.power_law(alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES)
    plain = rg.predict(task, rg.Learner(rg.Ridge(RIDGE)), n=SIZES).test
    panels = {kind: {"plain": plain, **_sweep(task, kind, plan, seed), **_best(task, kind, plan)} for kind in RANGES}
    arrays = flatten(panels)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "alpha": ALPHA, "beta": BETA,
        "noise": NOISE, "modes": MODES, "ridge": RIDGE, "n": list(SIZES), "swept_views": SWEPT_VIEWS, "fixed": FIXED,
        "views": [views_text(views) for views in plan["views"]], "dot_n": list(plan["sizes"]),
        "trials": plan["trials"], "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
    }
    sizes = ", ".join(str(size) for size in plan["sizes"])
    text = CAPTION.format(question=QUESTION, sizes=sizes, worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _learner(kind: str, strength: Any, views: Any, features: Any = None) -> rg.Learner:
    made = rg.GaussianNoise if kind == "noise" else rg.Mask
    return rg.Learner(rg.Ridge(RIDGE), features=features, augmentation=made(strength, views=views))


def _sweep(task: rg.Task, kind: str, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    low, high = RANGES[kind]
    spaced = np.geomspace if kind == "noise" else np.linspace
    strength = spaced(low, high, plan["grid"])
    dots = spaced(low, high, plan["dots"] + 2)[1:-1]
    curve = rg.predict(task, _learner(kind, strength, SWEPT_VIEWS), n=SIZES)
    learner, n = _learner(kind, dots, SWEPT_VIEWS), np.array(plan["sizes"])
    runs = simulate(task, learner, n=n, trials=plan["trials"], seed=seed)
    found = scored(rg.predict(task, learner, n=n), runs.transpose("n", NAMES[kind]))
    return {"strength": strength, "test": curve.test.transpose("n", NAMES[kind]), "dot_strength": dots, **found}


def _best(task: rg.Task, kind: str, plan: dict[str, Any]) -> dict[str, Any]:
    size = np.geomspace(SMALLEST, LARGEST, plan["best"])
    of_n = rg.optimal_augmentation(task, _learner(kind, 0.5, plan["views"]), n=size)
    of_k = rg.optimal_augmentation(task, _learner(kind, 0.5, plan["views"], features=size), n=FIXED)
    return {
        "size": size, "best_n": of_n[NAMES[kind]].transpose("views", "n"), "edge_n": of_n.at_edge.transpose("views", "n"),
        "best_k": of_k[NAMES[kind]].transpose("views", "features"), "edge_k": of_k.at_edge.transpose("views", "features"),
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A row for each augmentation: the sweep, and the best strength against n and against k."""
    with look():
        figure, axes = blank(2, 3, 12.0, 6.8)
        for row, kind in zip(axes, RANGES, strict=True):
            values = select(arrays, kind)
            _draw_sweep(row[0], values, kind, parameters)
            for ax, against in ((row[1], "n"), (row[2], "k")):
                _draw_best(ax, values, kind, against)
        axes[0, 0].set_title(f"{parameters['swept_views']} views")
        axes[0, 1].set_title("best strength, kernel")
        axes[0, 2].set_title(f"best strength, n = {parameters['fixed']}")
        sizes = [
            Line2D([], [], color=colour, label=f"n = {n}")
            for colour, n in zip(graded(len(parameters["n"])), parameters["n"], strict=True)
        ]
        views = [
            Line2D([], [], color=colour, label=f"m = {text}")
            for colour, text in zip(COLOURS, parameters["views"], strict=False)
        ]
        symbols = [
            Line2D([], [], color="k", label="theory"), Line2D([], [], color="k", ls="", marker="o", label="simulation"),
            Line2D([], [], color="k", ls=":", label="not augmented"),
        ]
        legend(figure, {"left": sizes, "views": views, "symbols": symbols})
    return figure


def _draw_sweep(ax: Any, values: dict[str, np.ndarray], kind: str, parameters: dict[str, Any]) -> None:
    colours = graded(len(parameters["n"]))
    for colour, line, plain in zip(colours, values["test"], values["plain"], strict=True):
        ax.plot(values["strength"], line, color=colour)
        ax.axhline(plain, color=colour, ls=":", lw=1.2)
    for row, n in enumerate(parameters["dot_n"]):
        colour = colours[parameters["n"].index(n)]
        ax.errorbar(
            values["dot_strength"], values["dot_test"][row], values["dot_test_se"][row], fmt="o", color=colour,
            mec="white", mew=0.5, lw=1, zorder=3,
        )
    ax.set(yscale="log", xlabel=LABELS[kind], ylabel="test error", xscale="log" if kind == "noise" else "linear")
    plain_log(ax.yaxis, (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))


def _draw_best(ax: Any, values: dict[str, np.ndarray], kind: str, against: str) -> None:
    for colour, best, edge in zip(COLOURS, values[f"best_{against}"], values[f"edge_{against}"], strict=False):
        off = (edge | (best < RANGES["noise"][0])) & (kind == "noise")
        ax.plot(values["size"], np.where(off, np.nan, best), color=colour)
    ax.set(xscale="log", xlabel="samples n" if against == "n" else "random features k", ylabel=f"best {LABELS[kind]}")
    if kind == "noise":
        ax.set_yscale("log")
        plain_log(ax.yaxis)
