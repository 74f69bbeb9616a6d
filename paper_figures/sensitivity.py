"""Sensitivity of random-feature regression to its inputs: steepest at the interpolation peak, as its target far from it.

After arXiv 2302.01629, known in part: tanh, dim = 1000, n = 400, 800, 1200 at paper scale; the rest is ours.
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
from paper_figures.style import blank, graded, legend, look, plain_log
from rfgen.systems import sensitivity

simulated = sensitivity.simulate_sensitivity
NOISE, RANGE = 0.25, (0.1, 20.0)
# What is fitted: power of the target, variance of the noise.
TARGETS = {"target and noise": (1.0, NOISE), "noise only": (0.0, NOISE)}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"dim": 60, "sizes": (24, 72), "grid": 60, "dots": (0.5, 3.0), "trials": 12},
    "paper": {"dim": 1000, "sizes": (400, 800, 1200), "grid": 200, "dots": (0.25, 0.5, 0.75, 1.5, 3.0, 6.0), "trials": 20},
}
CAPTION = """
After Bombari, Kiyani, Mondelli: Beyond the universal law of robustness (arXiv 2302.01629), known in part: tanh{known};
target, noise and simulations ours. Sensitivity √(d E|∇f|²) of minimum-norm regression on k random features tanh(w·x)/√k of
d = {dim} Gaussian inputs, against k, for n samples. Left: linear target of power 1 with label noise of variance {noise:g};
dashed: the target's own sensitivity √d. Right: the same noise alone, what fitting it costs. All curves diverge at k = n
(dotted) and level off for k well above n. Lines: exact theory computed by rfgen; dots: {trials} simulations each, bars: one
standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each target and n, "noise only 400": `features`, `sensitivity`, dots `dot_features`, `dot`, `dot_se`, `dot_z`.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    dim = plan["dim"]
    for name, (signal, noise) in TARGETS.items():
        for n in plan["sizes"]:
            # up to the peak from both sides, without it: it is infinite
            beside = n * (1.0 + np.outer([-1.0, 1.0], np.geomspace(0.01, 0.3, 12)).ravel())
            count = np.union1d(np.geomspace(*RANGE, plan["grid"]) * dim, beside)
            count = count[np.abs(count / n - 1.0) > 0.009]
            drawn = [round(ratio * n) for ratio in plan["dots"]]
            line, at = (rg.sensitivity(dim, n, k, signal=signal, noise=noise) for k in (count, np.array(drawn, float)))
            runs = [simulated("tanh", dim, n, k, 0.0, signal, noise, plan["trials"], seed) for k in drawn]
            square, error = np.array([run.summary("squared_gradient") for run in runs]).T
            dot = np.sqrt(dim * square)
            panels[f"{name} {n}"] = {
                "features": count, "sensitivity": line.sensitivity.values, "dot_features": drawn, "dot": dot,
                "dot_se": dot * error / (2.0 * square), "dot_z": (square - at.squared_gradient.values) / error,
            }
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": dim,
        "sizes": list(plan["sizes"]), "noise": NOISE, "targets": list(TARGETS), "trials": plan["trials"],
        "largest_z": worst(panels),
    }
    known = f", d = {dim} and n" if scale == "paper" else ""
    text = CAPTION.format(worst=parameters["largest_z"], known=known, **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each target, a curve for each number of samples."""
    dim, sizes = parameters["dim"], parameters["sizes"]
    with look():
        figure, axes = blank(1, len(parameters["targets"]), 11.0, 4.4)
        for name, ax in zip(parameters["targets"], axes[0], strict=True):
            for n, colour in zip(sizes, graded(len(sizes)), strict=True):
                at = select(arrays, f"{name} {n}")
                for side in (at["features"] < n, at["features"] > n):
                    ax.plot(at["features"][side], at["sensitivity"][side], color=colour)
                ax.errorbar(at["dot_features"], at["dot"], at["dot_se"], fmt="o", color=colour)
                ax.axvline(n, color=colour, ls=":", lw=1.0, zorder=0)
            ax.set(xscale="log", yscale="log", xlabel="random features k", title=name)
            ax.set_ylim(0.1 * dim**0.5, 20.0 * dim**0.5)
            plain_log(ax.yaxis)
            ax.label_outer()
        axes[0, 0].axhline(dim**0.5, color="0.4", ls="--", lw=1.3, zorder=1)
        axes[0, 0].set_ylabel("sensitivity  √(d E|∇f|²)")
        samples = [
            Line2D([], [], color=colour, marker="o", label=f"n = {n}")
            for n, colour in zip(sizes, graded(len(sizes)), strict=True)
        ]
        marks = [
            Line2D([], [], color="0.4", ls="--", lw=1.3, label="the target"),
            Line2D([], [], color="0.4", ls=":", lw=1.0, label="k = n"),
        ]
        legend(figure, {"samples": samples, "marks": marks})
    return figure
