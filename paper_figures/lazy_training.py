"""What a random start costs a lazily trained network: test risk against the number of samples, with its humps.

Parameters ours.
"""

__all__ = ["compute", "draw"]

from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look

DIM, POWER, NOISE, VARIANCES, RANGE = 10, {1: 0.5}, 1.0, (0.0, 0.25, 1.0), (2.0, 3000.0)
KERNELS = {"erf": rg.NTK("erf", 1, 0.1), "relu": rg.NTK("relu", 2)}
TITLES = {"erf": "one hidden layer, erf", "relu": "two hidden layers, ReLU"}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 41, "sizes": (60,), "trials": 40, "points": 300},
    "paper": {"grid": 201, "sizes": (5, 13, 30, 60, 120, 275, 450), "trials": 50, "points": 1000},
}
CAPTION = """
Ours: wide networks trained to the end in the lazy regime on n points of the unit sphere in {dim} dimensions, a linear
target of power 0.5, label noise of variance {noise:g}. The start f₀, a random function with the covariance of the network's
output times the variance shown, is learned away only where a target would be learned: its power joins the target's.
Left: nearly odd kernel (biases of variance 0.1). Ticks at the bottom: numbers of spherical harmonics up to a degree (bold:
odd); the risk has humps where n passes those of odd degrees. Right: ReLU, whose large tail acts as ridge.
Exact theory computed by rfgen; dots: {trials} simulations each of the kernel of infinite width with f₀ drawn as a Gaussian
process, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each network and variance, "erf 0.25": `n`, `test`, dots `dot_n`, `dot`, `dot_se`, `dot_z`.

    "harmonics": `counts`, their number up to each degree.  `data` plays no part.
    """
    plan, learner = SCALES[scale], rg.Learner(rg.Ridge(0.0))
    # harmonics of all degrees up to l
    counts = [comb(degree + DIM - 1, DIM - 1) + comb(degree + DIM - 2, DIM - 1) for degree in range(5)]
    panels: dict[str, dict[str, Any]] = {"harmonics": {"counts": counts}}
    sizes = np.geomspace(*RANGE, plan["grid"])
    for name, kernel in KERNELS.items():
        task = rg.Task.sphere(DIM, kernel, POWER, NOISE, test_points=plan["points"])
        for variance in VARIANCES:
            started = task.with_initial_network(variance)
            runs = simulate(started, learner, n=list(plan["sizes"]), trials=plan["trials"], seed=seed)
            exact = rg.predict(started, learner, n=list(plan["sizes"])).test
            panels[f"{name} {variance:g}"] = {
                "n": sizes, "test": rg.predict(started, learner, n=sizes).test.values,
                "dot_n": plan["sizes"], "dot": runs.test.values, "dot_se": runs.test_se.values,
                "dot_z": ((runs.test - exact) / runs.test_se).values,
            }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": DIM, "noise": NOISE,
        "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each network, a curve for each variance of the start."""
    with look():
        figure, axes = blank(1, 2, 11.0, 4.6)
        colours = graded(len(VARIANCES))
        for ax, (name, title) in zip(axes[0], TITLES.items(), strict=True):
            for variance, colour in zip(VARIANCES, colours, strict=True):
                at = select(arrays, f"{name} {variance:g}")
                ax.plot(at["n"], at["test"], color=colour)
                ax.errorbar(at["dot_n"], at["dot"], at["dot_se"], fmt="o", color=colour)
            for degree, count in enumerate(select(arrays, "harmonics")["counts"]):
                ax.axvline(count, ymax=0.03, color="0.2", lw=2.0 if degree % 2 else 0.8)
            ax.axhline(parameters["noise"], color="0.7", lw=1.0, zorder=0)
            ax.set(xscale="log", xlabel="samples n", title=title, xlim=RANGE)
        axes[0, 0].set_ylabel("test risk")
        lines = [
            *(
                Line2D([], [], color=colour, marker="o", label=f"{variance:g}")
                for variance, colour in zip(VARIANCES, colours, strict=True)
            ),
            Line2D([], [], color="0.7", lw=1.0, label="label noise alone"),
        ]
        legend(figure, {"variance of the start": lines})
    return figure
