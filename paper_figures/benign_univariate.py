"""Interpolation of noise on a line: tempered in L1, not in L2, for the least-norm ReLU network; both for the linear spline.

For the question of arXiv 2307.15396, parameters ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look

POWERS, POINTS, GRID = (1.0, 2.0), 12, 1200
# A draw of the points with several kinks between them that can be seen.
DRAW = 35
COLOUR = {"min_norm": COLOURS[0], "spline": COLOURS[4]}
LABELS = {"min_norm": "least norm", "spline": "linear spline"}
# Measured limit of the L1 risk, and the level of the growing L2 median.
LIMIT, LEVEL = 1.035, -0.95
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"sizes": (10, 30, 100, 300, 1000), "trials": 60},
    "paper": {"sizes": (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000), "trials": 1000},
}
CAPTION = """
For the question of Joshi, Vardi, Srebro (arXiv 2307.15396), parameters ours. Interpolants of n labels that are pure noise
of variance 1 at uniform inputs: the two-layer ReLU network of least norm (biases penalised, affine part free; exact
solution, largest proven relative gap {gap:.0e}) and the linear spline. Left: {points} points; ticks: kinks of the network,
which overshoots between chords that bend the same way. Middle and right: ∫|f|^p over [x₁, xₙ], median and quartiles of
{trials} draws. Dashed: exact risk of the spline, {first:.4f} and {second:.4f}. Dotted: of the network, {limit:g} at p = 1
(measured) and (2/π) ln n - {level:g} at p = 2 (median; slope derived, level measured), where its mean is infinite.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of "points": `x`, `y`, `grid` and both functions; of "L1" and "L2": `n`, both (n, quartiles), `exact`.

    `data` plays no part.
    """
    plan = SCALES[scale]
    random = np.random.default_rng([seed, DRAW])
    x = np.sort(random.uniform(size=POINTS))
    y = random.normal(size=POINTS)
    grid = np.union1d(np.linspace(x[0], x[-1], GRID), x)
    functions = {"min_norm": rg.univariate.min_norm_interpolant(x, y), "spline": rg.univariate.linear_spline(x, y)}
    knots = functions["min_norm"].knots
    panels: dict[str, dict[str, Any]] = {
        "points": {
            "x": x, "y": y, "grid": grid, **{name: function(grid) for name, function in functions.items()},
            "knots": knots, "heights": functions["min_norm"](knots),
        }
    }
    risks = rg.univariate.noise_risks(list(plan["sizes"]), list(POWERS), trials=plan["trials"], seed=seed)
    for p in POWERS:
        at = risks.sel(p=p)
        panels[f"L{p:g}"] = {
            "n": plan["sizes"], "exact": rg.univariate.spline_risk(p), **{name: at[name].values for name in COLOUR},
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "powers": list(POWERS),
        "points": POINTS, "trials": plan["trials"], "limit": LIMIT, "level": -LEVEL, "gap": float(risks.largest_gap),
    }
    first, second = (rg.univariate.spline_risk(p) for p in POWERS)
    text = CAPTION.format(first=first, second=second, **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """The two functions, then a panel for each power."""
    with look():
        figure, axes = blank(1, 3, 13.0, 4.0)
        first, *others = axes[0]
        at = select(arrays, "points")
        for name, width in (("min_norm", 2.4), ("spline", 1.2)):
            first.plot(at["grid"], at[name], color=COLOUR[name], lw=width)
        first.plot(at["knots"], at["heights"], "|", color=COLOUR["min_norm"], ms=8)
        first.plot(at["x"], at["y"], "o", color="k", zorder=3)
        first.set(xlabel="x", ylabel="f", title=f"{parameters['points']} points")
        for p, ax in zip(parameters["powers"], others, strict=True):
            at = select(arrays, f"L{p:g}")
            for name, colour in COLOUR.items():
                low, median, high = at[name].T
                ax.fill_between(at["n"], low, high, color=colour, alpha=0.18, lw=0)
                ax.plot(at["n"], median, "o-", color=colour, lw=1.2)
            ax.axhline(float(at["exact"]), color=COLOUR["spline"], ls="--", lw=1.4, zorder=1)
            limit = parameters["limit"] + 0.0 * at["n"]
            if p == 2.0:
                limit = 2.0 / np.pi * np.log(at["n"]) - parameters["level"]
            ax.plot(at["n"], limit, ":", color=COLOUR["min_norm"], lw=1.8)
            ax.set(xscale="log", xlabel="samples n", title=f"p = {p:g}")
            ax.set_ylim(0.0, 1.1 * max(at["min_norm"].max(), float(np.max(limit))))
        others[0].set_ylabel("∫ |f|$^p$")
        kinds = [Line2D([], [], color=COLOUR[name], marker="o", label=label) for name, label in LABELS.items()]
        lines = [
            Line2D([], [], color=COLOUR["spline"], ls="--", lw=1.4, label="exact"),
            Line2D([], [], color=COLOUR["min_norm"], ls=":", label="many samples"),
        ]
        legend(figure, {"interpolant": kinds, "curves": lines})
    return figure
