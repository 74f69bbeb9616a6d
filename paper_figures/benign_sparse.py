"""Sparse regression: interpolators of least l1 norm, least l2 norm and in between, beside the tuned lasso.

For the question of arXiv 2302.00257; parameters ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look, plain_log

NOISE, SHARE = 0.25, 0.01
# Range of n / dim, and the settings among which the best are taken.
RANGE, PENALTIES = (0.04, 0.97), np.geomspace(2.0, 80.0, 61)
INITS, LINEARS = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1), (0.0, 0.05, 0.1, 0.2)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"dim": 400, "grid": 12, "dots": (0.4,), "starts": (1e-3,), "trials": 8},
    "paper": {
        "dim": 400, "grid": 49, "dots": (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.85), "starts": (1e-4, 1e-2, 1.0), "trials": 60,
    },
}
TRAININGS = {
    "least l2": rg.Ridge(0.0), "basis pursuit": rg.BasisPursuit(), "flow, best": rg.ReparametrizedFlow(INITS, LINEARS),
    "lasso, best": rg.Lasso(PENALTIES),
}
NAMES = dict(zip(TRAININGS, (COLOURS[0], COLOURS[4], COLOURS[2], "k"), strict=True))
CAPTION = """
For the question of Zhou, Ge (arXiv 2302.00257), parameters ours. y = x·β + ξ, x Gaussian in {dim} dimensions, {nonzeros}
coefficients 1, the others 0, noise variance {noise:g}. Left: excess risk against the number of samples of interpolators
of least l2 and least l1 norm (basis pursuit), of gradient flow on β = u² - v² + λω from u = v = α run to its end (which
interpolates too), α and λ the best of a small grid, and of the lasso with the best penalty, which does not interpolate.
Grey: predicting zero. Right: the flow at n = {shown}, against α, for several λ (dots: 0); dashed: the two norms, its
limits. Exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a
dot from theory: {worst:.1f} standard errors; with few samples some draws miss a nonzero, which theory never does, and the
mean is above it.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each learner: `n`, `excess`, dots `dot_n`, `dot`, `dot_se`, `dot_z`; "path": `init`, `excess` (linears, inits)
    and dots of λ = 0.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    dim = plan["dim"]
    task = rg.SparseRegression.equal(dim, round(SHARE * dim), noise=NOISE)
    dots = np.round(np.array(plan["dots"]) * dim).astype(int)
    shown = dim // 2
    # dots and the size of the right panel are points of the lines
    sizes = np.unique([*np.round(np.geomspace(*RANGE, plan["grid"]) * dim).astype(int), *dots, shown])
    for name, training in TRAININGS.items():
        excess = rg.predict(task, rg.Learner(training), n=sizes).excess
        settings = [axis for axis in excess.dims if axis != "n"]
        best = excess.min(settings)
        found, error = [], []
        for n in dots:
            at = excess.sel(n=n)
            at = at[at.argmin(...)] if settings else at
            learner = rg.Learner(type(training)(**{axis: float(at[axis]) for axis in training.axes}))
            runs = simulate(task, learner, n=int(n), trials=plan["trials"], seed=seed)
            found.append(float(runs.excess))
            error.append(float(runs.excess_se))
        panels[name] = {
            "n": sizes, "excess": best.values, "dot_n": dots, "dot": found, "dot_se": error,
            "dot_z": (np.array(found) - best.sel(n=dots).values) / error, "shown": best.sel(n=shown).values,
        }
    inits = np.geomspace(1e-5, 10.0, 3 * plan["grid"])
    path = rg.predict(task, rg.Learner(rg.ReparametrizedFlow(inits, LINEARS)), n=shown)
    flow = rg.Learner(rg.ReparametrizedFlow(list(plan["starts"]), 0.0))
    runs, exact = simulate(task, flow, n=shown, trials=plan["trials"], seed=seed), rg.predict(task, flow, n=shown)
    panels["path"] = {
        "init": inits, "excess": path.excess.values.T, "dot_init": plan["starts"], "dot": runs.excess.values.ravel(),
        "dot_se": runs.excess_se.values.ravel(), "dot_z": ((runs.excess - exact.excess) / runs.excess_se).values.ravel(),
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": dim, "noise": NOISE,
        "nonzeros": task.nonzeros, "shown": shown, "linears": list(LINEARS), "trials": plan["trials"],
        "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Left the learners against n, right the flow against its start."""
    with look():
        figure, axes = blank(1, 2, 11.5, 4.6)
        left, right = axes[0]
        for name, colour in NAMES.items():
            at = select(arrays, name)
            left.plot(at["n"], at["excess"], color=colour)
            left.errorbar(at["dot_n"], at["dot"], at["dot_se"], fmt="o", color=colour)
        path = select(arrays, "path")
        flows = []
        for linear, values, alpha in zip(parameters["linears"], path["excess"], (1.0, 0.75, 0.5, 0.3), strict=True):
            right.plot(path["init"], values, color=COLOURS[2], alpha=alpha)
            flows.append(Line2D([], [], color=COLOURS[2], alpha=alpha, label=f"λ = {linear:g}"))
        right.errorbar(path["dot_init"], path["dot"], path["dot_se"], fmt="o", color=COLOURS[2], zorder=3)
        for name in ("least l2", "basis pursuit"):
            right.axhline(float(select(arrays, name)["shown"]), color=NAMES[name], ls="--", lw=1.2, zorder=1)
        left.axhline(parameters["nonzeros"], color="0.7", lw=1.2, zorder=1)
        left.set(xscale="log", yscale="log", xlabel="samples n", ylabel="excess risk")
        right.set(xscale="log", yscale="log", xlabel="start α", title=f"flow, n = {parameters['shown']}")
        plain_log(left.xaxis)
        plain_log(right.yaxis)
        learners = [Line2D([], [], color=colour, marker="o", label=name) for name, colour in NAMES.items()]
        learners.append(Line2D([], [], color="0.7", lw=1.2, label="zero"))
        legend(figure, {"learner": learners, "flow": flows})
    return figure
