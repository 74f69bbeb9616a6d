"""Least squares on rows that an attack may move: the peak it takes away, what it costs, what it protects."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log

DIM, NOISE, RADII, SIZES = 100, 0.25, (0.03, 0.1, 0.3), (60, 120, 400)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 9, "rows": (60, 300), "radii": (0.1, 0.3), "kinds": 2, "trials": 12},
    "paper": {
        "grid": 49, "rows": (50, 80, 120, 200, 400, 800), "radii": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8), "kinds": 3,
        "trials": 100,
    },
}
CAPTION = """
For the question of arXiv 2002.10477, parameters ours. Linear regression of {dim} isotropic inputs, target of power 1,
noise of variance {noise:g}; least squares on rows each of which is moved by at most the radius, where that is worst for
its residual, without ridge. Left: risk on clean inputs against the number of rows; grey: not attacked, with its peak at
as many rows as inputs; dashed: the best ridge, which no algorithm beats here, on average over targets. Middle: the same
risk against the radius. Right: the risk under the attack that was trained against, noise included. Lines: exact theory
computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot from theory:
{worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels "rows" and "radii" of `x`, `excess` (series, x), dots `dot_x`, `dot`, `dot_se`, `dot_z`; "robust" alike."""
    del data
    plan, task = SCALES[scale], rg.Task.isotropic(DIM, noise=NOISE)

    def attacked(radius: Any) -> rg.Learner:
        return rg.Learner(rg.AdversarialTraining(rg.Ridge(0.0), radius))

    def dots(radius: Any, n: Any, *names: str) -> list[dict[str, Any]]:
        seen = check(task, attacked(radius), n=n, trials=plan["trials"], seed=seed, variables=names).dataset
        own = {"dot": "simulation", "dot_se": "se", "dot_z": "z"}
        return [{key: seen[f"{name}_{kind}"].values for key, kind in own.items()} for name in names]

    n, radii = np.geomspace(40, 1000, plan["grid"]).round(), np.geomspace(0.01, 1.0, plan["grid"])
    shown, sizes, rows, drawn = RADII[: plan["kinds"]], SIZES[: plan["kinds"]], list(plan["rows"]), list(plan["radii"])
    by_rows = [dots(radius, rows, "excess")[0] for radius in shown]
    by_radius = [dots(drawn, size, "excess", "robust_test") for size in sizes]
    curves = [rg.predict(task, attacked(radii), n=size) for size in sizes]
    plain, best = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n), rg.optimal_ridge(task, rg.Learner(rg.Ridge()), n=n)
    panels = {
        "rows": {
            "x": n, "excess": [rg.predict(task, attacked(radius), n=n).excess for radius in shown], "dot_x": rows,
            "plain": plain.test - NOISE, "best": best.test - NOISE,
            **{key: [one[key] for one in by_rows] for key in by_rows[0]},
        },
        "radii": {
            "x": radii, "excess": [curve.excess for curve in curves], "dot_x": drawn,
            **{key: [one[0][key] for one in by_radius] for key in by_radius[0][0]},
        },
        "robust": {
            "x": radii, "excess": [curve.robust_test for curve in curves], "dot_x": drawn,
            **{key: [one[1][key] for one in by_radius] for key in by_radius[0][1]},
        },
    }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": DIM, "noise": NOISE,
        "shown": list(shown), "sizes": list(sizes), "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.4)
        radii, sizes = parameters["shown"], parameters["sizes"]
        first = select(arrays, "rows")
        axes[0, 0].plot(first["x"], first["plain"], "-.", color="0.5", zorder=1)
        axes[0, 0].plot(first["x"], first["best"], "--", color="0.3")
        series = {"rows": graded(len(radii)), "radii": COLOURS, "robust": COLOURS}
        for ax, (name, colours) in zip(axes[0], series.items(), strict=True):
            at = select(arrays, name)
            for row, colour in zip(range(len(at["excess"])), colours, strict=False):
                ax.plot(at["x"], at["excess"][row], color=colour)
                ax.errorbar(at["dot_x"], at["dot"][row], at["dot_se"][row], fmt="o", color=colour)
            ax.set(xscale="log", yscale="log")
            plain_log(ax.xaxis)
            plain_log(ax.yaxis)
        axes[0, 0].set_ylim(top=10.0)
        axes[0, 0].set(xlabel="rows", ylabel="excess risk", title="clean inputs")
        axes[0, 1].set(xlabel="radius", ylabel="excess risk", title="clean inputs")
        axes[0, 2].set(xlabel="radius", ylabel="risk", title="under attack")
        groups = {
            "radius": [
                Line2D([], [], color="0.5", ls="-.", label="none"),
                *(Line2D([], [], color=colour, label=f"{radius:g}")
                  for colour, radius in zip(graded(len(radii)), radii, strict=True)),
                Line2D([], [], color="0.3", ls="--", label="best ridge"),
            ],
            "rows": [Line2D([], [], color=colour, label=f"{size}") for colour, size in zip(COLOURS, sizes, strict=False)],
        }
        legend(figure, groups)
    return figure
