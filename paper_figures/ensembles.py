"""Ensembles of random features: where the variance comes from, and what averaging models removes.

For the decomposition of arXiv 2011.03321, by the exact engine instead of its isotropic inputs.
"""

__all__ = ["compute", "draw"]

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import COLOURS, blank, graded, legend, look

TASK = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.2, modes=1000)
N, RIDGE, WIDTH, RANGE = 100, 1e-4, 50, (10.0, 2000.0)
MEMBERS = (1.0, 2.0, 5.0, math.inf)
PARTS = {
    "bias": "bias", "variance_data": "samples", "variance_features": "features",
    "variance_data_features": "samples and features", "variance_data_noise": "noise, samples",
    "variance_data_features_noise": "noise, samples, features",
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 31, "dots": (200,), "averaged": (1, 5), "times": (3.0, 100.0), "trials": 20},
    "paper": {
        "grid": 161, "dots": (15, 30, 60, 90, 100, 110, 150, 300, 1000), "averaged": (1, 2, 5),
        "times": (1.0, 10.0, 100.0, 1e3, 1e4), "trials": 100,
    },
}
CAPTION = """
Question of Adlam, Pennington: Understanding double descent requires a fine-grained bias-variance decomposition (arXiv
2011.03321). Eigenvalues and target power i^-1.5, {modes} modes, noise variance {noise:g}, n = {n}. Left: bias and variance
by the randomness they come from, in the excess risk of ridge {ridge:g} on random features; averaging many feature draws
leaves bias, samples, and noise through samples. Middle: excess risk of ensembles of feature draws; infinitely many have no
peak at features = n. Right: {width} features along gradient flow: ensembles keep improving where one model overfits;
dashed: each of infinitely many models on a bootstrap of the samples. Theory computed by rfgen; dots: {trials} simulations,
bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors, near features = n, where it
is 10 % at n = 100 and 4 % at n = 300: theory is that of many samples.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`parts`: shares of the excess risk against features; `width`, `time`: risks of ensembles, and dots."""
    plan = SCALES[scale]
    features = np.unique(np.append(np.geomspace(*RANGE, plan["grid"]).round(), N))
    wide = rg.Learner(rg.Ridge(RIDGE), features=features)
    parts = rg.fine_grained_variance(TASK, wide, N)
    panels: dict[str, dict[str, Any]] = {"parts": {"features": features, **{name: parts[name].values for name in PARTS}}}
    times = np.geomspace(0.1, 1e5, plan["grid"])
    bags = rg.Learner(rg.GradientFlow(times), features=WIDTH, resampling=rg.Bootstrap())
    panels["width"] = {"x": features, **_risks(wide), **_dots(rg.Ridge(RIDGE), plan["dots"], plan, seed)}
    panels["time"] = {
        "x": times, **_risks(rg.Learner(rg.GradientFlow(times), features=WIDTH)),
        "bagged": rg.predict(TASK, bags, N, members=math.inf).test.values - TASK.risk_noise,
        **_dots(rg.GradientFlow(plan["times"]), WIDTH, plan, seed),
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "ridge": RIDGE,
        "width": WIDTH, "modes": 1000, "noise": 0.2, "trials": plan["trials"],
        "largest_z": max(float(np.abs(panels[name]["dot_z"]).max()) for name in ("width", "time")),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _risks(learner: rg.Learner) -> dict[str, Any]:
    """Excess risk (members, points)."""
    return {"risk": rg.predict(TASK, learner, N, members=MEMBERS).test.values.T - TASK.risk_noise}


def _dots(training: Any, features: Any, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """Measured excess risks (members, points), at features or at times."""
    learner = rg.Learner(training, features=features)
    found = check(TASK, learner, N, members=list(plan["averaged"]), trials=plan["trials"], seed=seed).dataset
    return {
        "dot_x": features if np.ndim(features) else training.time, "dot_members": plan["averaged"],
        "dot": found.test_simulation.values.T - TASK.risk_noise, "dot_se": found.test_se.values.T,
        "dot_z": found.test_z.values.T,
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.4)
        left, *others = axes[0]
        at = select(arrays, "parts")
        left.stackplot(at["features"], [at[name] for name in PARTS], colors=COLOURS, lw=0)
        left.axvline(parameters["n"], color="0.3", lw=1, ls=":")
        left.set(xscale="log", xlim=RANGE, ylim=(0, 1.6), xlabel="features", ylabel="excess risk")
        handles: list[Any] = [Patch(color=each, label=label) for each, label in zip(COLOURS, PARTS.values(), strict=True)]
        colours = graded(len(MEMBERS))
        for ax, name in zip(others, ("width", "time"), strict=True):
            at = select(arrays, name)
            for risk, colour in zip(at["risk"], colours, strict=True):
                ax.plot(at["x"], risk, color=colour)
            for count, dot, error in zip(at["dot_members"], at["dot"], at["dot_se"], strict=True):
                ax.errorbar(at["dot_x"], dot, error, fmt="o", color=colours[MEMBERS.index(float(count))])
            ax.set(xscale="log", ylim=(0, 1.6))
        at = select(arrays, "time")
        others[1].plot(at["x"], at["bagged"], "--", color=colours[-1], lw=1.4)
        others[0].axvline(parameters["n"], color="0.3", lw=1, ls=":")
        others[0].set(xlabel="features", xlim=RANGE)
        others[1].set(xlabel="time of gradient flow", xlim=(0.1, 1e5))
        labels = [f"{count:g} models" if math.isfinite(count) else "infinitely many" for count in MEMBERS]
        labels[0] = "one model"
        lines = [Line2D([], [], color=colour, label=label) for colour, label in zip(colours, labels, strict=True)]
        lines.append(Line2D([], [], color=colours[-1], ls="--", lw=1.4, label="on bootstraps"))
        legend(figure, {"excess risk from": handles[::-1], "ensembles of": lines})
    return figure
