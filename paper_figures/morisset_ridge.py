"""Augmentation against ridge: level sets of the test error in the plane of both.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.augmented import QUESTION, scored, views_text, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, look

ALPHA, NOISE, MODES, SAMPLES = 1.5, 100.0, 200, 400
VIEWS = {"one": 1.0, "many": math.inf}
KINDS = {"noise": "noise variance", "mask": "mask rate"}
RIDGES, VARIANCES, RATES = (1e-3, 1e1), (1e-5, 1e-1), (0.0, 0.9)
# Test error over the least of the panel without augmentation, the best ridge alone.
LEVELS = (0.94, 0.96, 0.98, 1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 1.7)
TICKS = (0.94, 0.96, 0.98, 1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 1.7)

# Measured on 2 cores: a simulation is compiled for each strength and number of views, 1 s; all ridges share it.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 31, "dots": 1, "dot_ridges": 3, "trials": 24},
    "paper": {"grid": 121, "dots": 4, "dot_ridges": 4, "trials": 100},
}

CAPTION = """
{question} Kernel regression from n = {samples} samples in m views; eigenvalues i^-{alpha:g}, target power 1 in each of
{modes} modes, label noise {noise:g}; the augmentation acts on the eigen-coordinates, test inputs are clean. Colours and
level lines: exact theory computed by rfgen, the test error over that at the best ridge without augmentation (ridge
{best:.3g}, error {error:.4g}). Star: the minimum of the panel, unless at its border ({minima}). Dashed: ridge + n
variance = {best:.3g}; infinitely many views of Gaussian noise are exactly such a ridge, so that all of the dashed line is
a minimum; one view is not. Masks penalise each mode by its eigenvalue, which no ridge does. Circles: simulations run by
rfgen, {trials} trials each, coloured alike; largest distance from theory {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Test risk over ridges and strengths, and simulations at a few of both.

    `data` plays no part.  Arrays of panels "noise one", "noise many", "mask one", "mask many": `ridge`, `strength`, `test`
    (strengths, ridges), `minimum` (ridge, strength, test), and of the dots `dot_ridge`, `dot_strength`, `dot_test`,
    `dot_test_se`, `dot_exact`, `dot_z`, `dot_excess` (strengths, ridges).
    """
    plan = SCALES[scale]
    task = rg.Task.power_law(alpha=ALPHA, beta=0.0, noise=NOISE, modes=MODES)
    best = rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=SAMPLES)
    panels = {f"{kind} {name}": _panel(task, kind, views, plan, seed) for kind in KINDS for name, views in VIEWS.items()}
    arrays = flatten(panels)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "alpha": ALPHA,
        "noise": NOISE, "modes": MODES, "samples": SAMPLES, "best": float(best.ridge), "error": float(best.test),
        "views": {name: views_text(views) for name, views in VIEWS.items()}, "trials": plan["trials"],
        "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
    }
    minima = ", ".join(
        f"{panel['minimum'][2] / parameters['error']:.3f} for {name.partition(' ')[0]} m = "
        f"{parameters['views'][name.partition(' ')[2]]}"
        for name, panel in panels.items()
    )
    text = CAPTION.format(question=QUESTION, minima=minima, worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _spaced(kind: str, count: int) -> np.ndarray:
    return np.geomspace(*VARIANCES, count) if kind == "noise" else np.linspace(*RATES, count)


def _learner(kind: str, ridge: Any, strength: Any, views: float) -> rg.Learner:
    made = rg.GaussianNoise(strength, views=views) if kind == "noise" else rg.Mask(1.0 - strength, views=views)
    return rg.Learner(rg.Ridge(ridge), augmentation=made)


def _panel(task: rg.Task, kind: str, views: float, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    dims = ("view_variance" if kind == "noise" else "keep", "ridge")
    ridge, strength = np.geomspace(*RIDGES, plan["grid"]), _spaced(kind, plan["grid"])
    test = rg.predict(task, _learner(kind, ridge, strength, views), n=SAMPLES).test.transpose(*dims).values
    row, column = np.unravel_index(test.argmin(), test.shape)
    dot_ridge, dots = np.geomspace(*RIDGES, plan["dot_ridges"] + 2)[1:-1], _spaced(kind, plan["dots"] + 2)[1:-1]
    learner = _learner(kind, dot_ridge, dots, views)
    runs = simulate(task, learner, n=SAMPLES, trials=plan["trials"], seed=seed).transpose(*dims)
    return {
        "ridge": ridge, "strength": strength, "test": test,
        "minimum": np.array([ridge[column], strength[row], test[row, column]]), "dot_ridge": dot_ridge,
        "dot_strength": dots, **scored(rg.predict(task, learner, n=SAMPLES), runs),
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A row for each augmentation, a column for each number of views."""
    with look():
        figure, axes = blank(2, len(VIEWS), 9.5, 7.4)
        shades = matplotlib.colormaps["viridis_r"]
        norm = BoundaryNorm(LEVELS, shades.N, extend="max")
        for row, kind in zip(axes, KINDS, strict=True):
            for ax, name in zip(row, VIEWS, strict=True):
                filled = _draw_panel(ax, select(arrays, f"{kind} {name}"), parameters, shades, norm)
                if kind == "noise":
                    ax.set(yscale="log", title=f"m = {parameters['views'][name]}")
                    variance = np.geomspace(VARIANCES[0], parameters["best"] / SAMPLES, 200)
                    left = parameters["best"] - SAMPLES * variance
                    inside = left > RIDGES[0]
                    ax.plot(left[inside], variance[inside], "--", color="white", lw=1.6)
                ax.set(xscale="log", xlim=RIDGES)
            row[0].set_ylabel(KINDS[kind])
        for ax in axes[1]:
            ax.set_xlabel("ridge δ")
        bar = figure.colorbar(filled, ax=axes, shrink=0.7, ticks=TICKS, label="test error / least without augmentation")
        bar.minorticks_off()
        bar.ax.set_yticklabels([f"{tick:g}" for tick in TICKS])
    return figure


def _draw_panel(ax: Any, values: dict[str, np.ndarray], parameters: dict[str, Any], shades: Any, norm: Any) -> Any:
    scale = parameters["error"]
    places, test = (values["ridge"], values["strength"]), values["test"] / scale
    filled = ax.contourf(*places, test, LEVELS, cmap=shades, norm=norm, extend="max")
    ax.contour(*places, test, LEVELS, colors="k", linewidths=0.5)
    ridge, strength = np.meshgrid(values["dot_ridge"], values["dot_strength"])
    ax.scatter(
        ridge.ravel(), strength.ravel(), c=values["dot_test"].ravel() / scale, cmap=shades, norm=norm, s=42,
        edgecolors="white", linewidths=1.2, zorder=4,
    )
    if not _at_edge(values):
        ax.plot(*values["minimum"][:2], "*", color="#D55E00", mec="white", ms=13, zorder=5, clip_on=False)
    return filled


def _at_edge(values: dict[str, np.ndarray]) -> bool:
    """Whether the least value of the grid stands on its border: the minimum is further out then."""
    row, column = np.unravel_index(values["test"].argmin(), values["test"].shape)
    return row in (0, values["test"].shape[0] - 1) or column in (0, values["test"].shape[1] - 1)
