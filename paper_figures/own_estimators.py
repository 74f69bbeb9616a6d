"""Estimators that are written as expressions: tuned, taught, boosted, averaged, distilled, of several layers."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.estimator_panels import drawn, largest_z, lines
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log

MODES, NOISE, RIDGE = 200, 0.3, 0.3
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 33, "dots": 2, "trials": 12}, "paper": {"grid": 65, "dots": 6, "trials": 100},
}
CAPTION = """
Parameters ours; for the questions of arXiv 2508.15494, 2603.05691, 2203.05482, 2402.13999 and others. Eigenvalues i^-0.6
and power i^-1.5 of {modes} modes, noise {noise:g}, ridge {ridge:g} where no other is said. First row: a model of 200 rows
is drawn to itself while it is fitted to 100 rows of another task: risk on both against the pull; a student on 300 rows
that a teacher of few random features on 150 rows has labelled, against its own features; rounds of 40 random features
fitted to what others left, against the samples. Second row: the mean of models tuned from one of 100 rows, each on rows
of its own, against these; a second fit to labels that are mixed with the first one's predictions, against their share;
layers of 100 random linear features each, against samples. Theory computed by rfgen; dots: {trials} simulations, bars:
one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""
A = rg.algebra
X, U = A.data("X"), A.data("U", samples="m")
Y = A.labels(X)
FIRST = A.ridge_fit(X, Y, RIDGE)


def fine_tuned() -> tuple[Any, str, Any, dict[str, Any]]:
    """On both tasks against the pull to the first model."""
    tuned = A.continue_from(FIRST, U, A.labels(U), "pull")
    return [(tuned, "n"), (tuned, "m")], "pull", (0.1, 1000.0), {"n": 200, "m": 100}


def taught() -> tuple[Any, str, Any, dict[str, Any]]:
    """Students of teachers of 20 and 80 features."""
    weak = [A.ridge_fit(X, Y, RIDGE, A.random_features(k)) for k in ("few", "more")]
    students = [A.distil(own, U, RIDGE, A.random_features("k", name="V")) for own in weak]
    return students, "k", (10.0, 1000.0), {"n": 150, "m": 300, "few": 20, "more": 80}


def boosted() -> tuple[Any, str, Any, dict[str, Any]]:
    """One, two and four rounds."""
    rounds, total = [], None
    for number in range(4):
        left = Y if total is None else Y - X @ total
        own = A.ridge_fit(X, left, 5.0, A.random_features("k", name=f"W{number}"))
        total = own if total is None else total + own
        rounds.append(total)
    return [rounds[0], rounds[1], rounds[3]], "n", (40.0, 1000.0), {"k": 40}


def averaged() -> tuple[Any, str, Any, dict[str, Any]]:
    """One, two and four tuned models."""
    rows = [A.data(name, "m") for name in "UVST"]
    tuned = [A.continue_from(FIRST, own, A.labels(own), 3.0) for own in rows]
    return [A.ensemble(tuned[:count]) for count in (1, 2, 4)], "m", (20.0, 800.0), {"n": 100}


def distilled() -> tuple[Any, str, Any, dict[str, Any]]:
    """Labels mixed with predictions on the same rows, at three ridges."""
    share = A.scalar("share")
    own = [
        A.ridge_fit(X, (1.0 - share) * Y + share * (X @ A.ridge_fit(X, Y, ridge)), ridge) for ridge in (1.0, 4.0, 16.0)
    ]
    return own, "share", (0.0, 2.0), {"n": 150}


def layered() -> tuple[Any, str, Any, dict[str, Any]]:
    """One to three layers."""
    own, layers = A.random_features("k", name="W"), []
    for number in range(3):
        layers.append(A.ridge_fit(X, Y, RIDGE, own))
        own = own @ A.Gaussian(f"V{number}", A.space("k"), A.space("k"), variance=1.0 / A.scalar("k"))
    return layers, "n", (30.0, 1000.0), {"k": 100}


# What each panel shows: its x, the heading of its lines in the legend, their names.
SYSTEMS: dict[str, tuple[Any, str, str, tuple[str, ...]]] = {
    "fine_tuned": (fine_tuned, "pull to the first model", "tested on", ("first task", "second task")),
    "taught": (taught, "features of the student", "features of the teacher", ("20", "80")),
    "boosted": (boosted, "samples", "rounds of 40 features", ("1", "2", "4")),
    "averaged": (averaged, "rows of each tuned model", "models", ("1", "2", "4")),
    "distilled": (distilled, "share of predictions", "ridge of both fits", ("1", "4", "16")),
    "layered": (layered, "samples", "layers of 100", ("1", "2", "3")),
}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A panel for each system: risks of its lines along x, and dots."""
    del data
    plan, panels = SCALES[scale], {}
    task = rg.Task.power_law(alpha=0.6, beta=1.5, noise=NOISE, modes=MODES)
    other = rg.Task(task.eigenvalues[::-1].copy(), task.power[0][::-1].copy(), NOISE)
    for name, (system, *_) in SYSTEMS.items():
        own, over, (low, high), numbers = system()
        spread = np.linspace if low == 0.0 else np.geomspace
        x, dots = (spread(low, high, plan[count]) for count in ("grid", "dots"))
        if over != "pull" and low:
            x, dots = np.unique(x.round()), dots.round()
        tasks = {"n": task, "m": other} if name == "fine_tuned" else task
        panels[name] = lines(tasks, own, over, x, dots, plan["trials"], seed, numbers)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "noise": NOISE,
        "ridge": RIDGE, "trials": plan["trials"], "largest_z": largest_z(panels),
    }
    return flatten(panels), {
        **parameters, "caption": " ".join(CAPTION.format(worst=parameters["largest_z"], **parameters).split())
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Two rows of three."""
    del parameters
    groups = {}
    with look():
        figure, axes = blank(2, 3, 13.5, 7.6)
        for ax, (name, (_, x, heading, labels)) in zip(axes.flat, SYSTEMS.items(), strict=True):
            colours = COLOURS[:2] if name == "fine_tuned" else graded(len(labels))
            groups[heading] = drawn(ax, select(arrays, name), labels, colours)
            ax.set(xlabel=x, ylabel="test risk")
            if name != "distilled":
                ax.set_xscale("log")
                plain_log(ax.xaxis, (1.0,) if name == "fine_tuned" else (1.0, 3.0))
        legend(figure, groups)
    return figure
