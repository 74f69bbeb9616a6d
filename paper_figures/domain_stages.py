"""Models that learn from models: forgetting in fine-tuning, weak teachers of strong students, rows from elsewhere."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import COLOURS, blank, graded, legend, look

MODES, NOISE, OLD, NEW, OVERLAP = 300, 0.3, 200, 100, 0.5
WEAK, ROWS, STRONG_ROWS, RIDGE = (20, 60), 100, 200, 0.3
NEAR, ANGLE = 60, 0.8
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 8, "times": (1.0, 30.0), "widths": (200,), "others": (150,), "trials": 20},
    "paper": {
        "grid": 65, "times": (1.0, 5.0, 30.0, 200.0), "widths": (30, 80, 200, 800), "others": (10, 40, 150, 600, 2500),
        "trials": 100,
    },
}
CAPTION = """
Parameters ours; for the questions of arXiv 2508.15494 (continual ridge), 2410.18837 and 2603.05691 (weak to strong) and
2208.10967 (out-of-distribution data). Left: a model of {old} rows of an old population is tuned by gradient flow on {new}
rows of a new one, whose target overlaps by {overlap:g}: risk on both. Middle: a student learns from {strong_rows} rows
labelled by a weak teacher of few random features trained on {rows} true rows; risk against the student's features, dashed:
the teacher's own. Right: {near} rows of the population used, and rows of one whose target overlaps by {angle:g}: risk
against the number of the latter, of weights 1 and .1. Eigenvalues and power i^-1.5. Theory computed by rfgen; dots:
{trials} simulations, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`tuned`: risks against time; `student`: against features; `others`: against rows from elsewhere."""
    del data
    plan, task = SCALES[scale], rg.Task.power_law(1.5, 1.5, NOISE, modes=MODES)
    both, few = rg.Domains({"old": task, "new": task.shifted(OVERLAP)}), {"trials": plan["trials"], "seed": seed}
    first = rg.Stage("first", rg.Learner(rg.Ridge(RIDGE)), n={"old": OLD})

    def tuned(times: Any) -> rg.Sequence:
        return rg.Sequence([first, rg.Stage("tuned", rg.Learner(rg.GradientFlow(times)), {"new": NEW}, start="first")])

    def taught(weak: int, widths: Any) -> rg.Sequence:
        strong = rg.Stage("strong", rg.Learner(rg.Ridge(RIDGE), features=widths), {"old": STRONG_ROWS}, labels="weak")
        return rg.Sequence([rg.Stage("weak", rg.Learner(rg.Ridge(RIDGE), features=weak), {"old": ROWS}), strong])

    times, widths = np.geomspace(0.3, 1000, plan["grid"]), np.geomspace(10, 3000, plan["grid"]).round()
    found = check(both, tuned(plan["times"]), **few).dataset.sel(stage="tuned")
    panels: dict[str, dict[str, Any]] = {"tuned": {
        "x": times, "risk": rg.predict(both, tuned(times)).test.sel(stage="tuned").values.T, **_dots(found, plan["times"]),
    }}
    curves = [rg.predict(both, taught(weak, widths), test="old").test for weak in WEAK]
    found = [check(both, taught(weak, plan["widths"]), test="old", **few).dataset.sel(stage="strong") for weak in WEAK]
    panels["student"] = {
        "x": widths, "risk": [one.sel(stage="strong").values for one in curves],
        "teacher": [float(one.sel(stage="weak")[0]) for one in curves],
        **{name: [_dots(one, plan["widths"])[name] for one in found] for name in ("dot", "dot_se", "dot_z")},
        "dot_x": plan["widths"],
    }
    mixed, weights = rg.Domains({"used": task, "other": task.shifted(ANGLE)}), {"other": [1.0, 0.1]}
    others, learner = np.geomspace(3, 5000, plan["grid"]), rg.Learner(rg.Ridge(RIDGE))
    curve = rg.predict(mixed, learner, {"used": NEAR, "other": others}, weights=weights, test="used")
    counts = {"used": NEAR, "other": plan["others"]}
    measured = check(mixed, learner, counts, weights=weights, test="used", variables="test", **few).dataset
    panels["others"] = {"x": others, "risk": curve.test.values.T, **_dots(measured, plan["others"])}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "old": OLD, "new": NEW,
        "overlap": OVERLAP, "rows": ROWS, "strong_rows": STRONG_ROWS, "near": NEAR, "angle": ANGLE, "ridge": RIDGE,
        "modes": MODES, "noise": NOISE, "trials": plan["trials"],
        "largest_z": max(float(np.abs(panels[name]["dot_z"]).max()) for name in panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _dots(found: Any, x: Any) -> dict[str, Any]:
    """Measured risks (lines, points)."""
    return {
        "dot_x": x, "dot": found.test_simulation.values.T, "dot_se": found.test_se.values.T, "dot_z": found.test_z.values.T,
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    del parameters
    with look():
        figure, axes = blank(1, 3, 13.5, 4.2)
        colours = {"tuned": COLOURS[:2], "student": graded(len(WEAK)), "others": COLOURS[2:4]}
        for ax, name in zip(axes[0], colours, strict=True):
            at = select(arrays, name)
            for risk, dot, error, colour in zip(at["risk"], at["dot"], at["dot_se"], colours[name], strict=True):
                ax.plot(at["x"], risk, color=colour)
                ax.errorbar(at["dot_x"], dot, error, fmt="o", color=colour)
            ax.set(xscale="log", ylabel="test risk")
        left, middle, right = axes[0]
        for risk, colour in zip(select(arrays, "student")["teacher"], colours["student"], strict=True):
            middle.axhline(risk, color=colour, ls="--", lw=1.4)
        left.set(xlabel="time of fine-tuning")
        middle.set(xlabel="features of the student")
        right.set(xlabel="rows from elsewhere")
        texts = {
            "on the population": ("old", "new"), "features of the teacher": [f"{weak}" for weak in WEAK],
            "weight of other rows": ("1", "0.1"),
        }
        legend(figure, {
            title: [Line2D([], [], color=c, label=text) for c, text in zip(own, labels, strict=True)]
            for (title, labels), own in zip(texts.items(), colours.values(), strict=True)
        })
    return figure
