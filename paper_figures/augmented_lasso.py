"""The lasso on noisy views of its rows: what few views cost, and the elastic net that infinitely many are."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look, plain_log

DIM, NONZEROS, ROWS, NOISE, VARIANCE, VIEWS = 400, 20, 200, 1.0, 0.3, (1.0, 4.0, np.inf)
SHOWN = {"excess": "excess risk", "active": "coefficients that are not 0", "false_discoveries": "zeros among those found"}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 9, "penalties": (10.0, 40.0), "trials": 12},
    "paper": {"grid": 61, "penalties": (5.0, 10.0, 20.0, 40.0, 80.0, 160.0), "trials": 100},
}
CAPTION = """
Ours. The lasso on {rows} rows of {dim} inputs, {nonzeros} of whose coefficients are 1 and the others 0, label noise of
variance {noise:g}; each row is seen in 1, 4 or infinitely many views whose inputs have noise of variance {variance:g}.
Against the penalty: risk on clean inputs, label noise left out; how many coefficients are not 0; the share of true zeros
among these. Grey: clean rows. Infinitely many views are a ridge of {rows} times {variance:g}, an elastic net. Lines: exact
theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot from
theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels by variable of `x`, `clean` (x,) and `values` (views, x), dots `dot_x`, `dot`, `dot_se`, `dot_z`."""
    del data
    plan, task = SCALES[scale], rg.SparseRegression.equal(DIM, NONZEROS, noise=NOISE)
    penalties, drawn = np.geomspace(2.0, 200.0, plan["grid"]), list(plan["penalties"])

    def learner(penalty: Any) -> rg.Learner:
        return rg.Learner(rg.Lasso(penalty), augmentation=rg.GaussianNoise(VARIANCE, views=list(VIEWS)))

    seen = simulate(task, learner(drawn), n=ROWS, trials=plan["trials"], seed=seed)
    exact, curve = (rg.predict(task, learner(at), n=ROWS) for at in (drawn, penalties))
    clean = rg.predict(task, rg.Learner(rg.Lasso(penalties)), n=ROWS)
    panels = {}
    for name in SHOWN:
        line, dot, mean, error = (
            one.transpose("views", "penalty").values for one in (curve[name], seen[name], exact[name], seen[f"{name}_se"])
        )
        panels[name] = {
            "x": penalties, "clean": clean[name], "values": line, "dot_x": drawn, "dot": dot, "dot_se": error,
            "dot_z": (dot - mean) / error,
        }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": DIM, "nonzeros": NONZEROS,
        "rows": ROWS, "noise": NOISE, "variance": VARIANCE, "views": [f"{views:g}" for views in VIEWS],
        "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each variable."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.4)
        colours = graded(len(parameters["views"]))
        for ax, (name, title) in zip(axes[0], SHOWN.items(), strict=True):
            at = select(arrays, name)
            ax.plot(at["x"], at["clean"], "-.", color="0.5", zorder=1)
            for row, colour in enumerate(colours):
                ax.plot(at["x"], at["values"][row], color=colour)
                ax.errorbar(at["dot_x"], at["dot"][row], at["dot_se"][row], fmt="o", color=colour)
            ax.set(xscale="log", xlabel="penalty", title=title)
            plain_log(ax.xaxis)
        axes[0, 0].set(ylabel="risk", yscale="log")
        plain_log(axes[0, 0].yaxis)
        axes[0, 1].set_ylabel("coefficients")
        axes[0, 2].set_ylabel("share")
        views = zip(colours, parameters["views"], strict=True)
        legend(figure, {
            "views": [
                Line2D([], [], color="0.5", ls="-.", label="clean rows"),
                *(Line2D([], [], color=colour, label="∞" if name == "inf" else name) for colour, name in views),
            ],
        })
    return figure
