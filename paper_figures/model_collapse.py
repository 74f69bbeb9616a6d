"""Models trained on what models said: labels replaced, added to all before, or mixed with true ones."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.estimator_panels import drawn, largest_z, lines
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look, plain_log

MODES, NOISE, RIDGES, ROWS = 200, 0.3, (0.03, 3.0), (100, 400)
SCALES: dict[str, dict[str, Any]] = {"smoke": {"generations": 3, "trials": 8}, "paper": {"generations": 5, "trials": 100}}
CAPTION = """
Parameters ours; for the questions of arXiv 2402.07712, 2404.01413 and 2410.04840. Models of {rows[0]} rows (fewer than the
{modes} inputs, dashed) or {rows[1]} (solid), each generation trained on fresh rows that the one before has labelled, with
new noise; generation 1 on true labels. Left: on these rows alone; with more rows than inputs the risk grows by nearly the
same each time, and a ridge slows it. Middle: on the rows of all generations so far, where it levels off. Right: half of the
rows have true labels, each time anew. Eigenvalues i^-0.6, power i^-1.5, noise {noise:g}. Theory computed by rfgen; dots:
{trials} simulations, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""
A = rg.algebra


def replaced(generation: int) -> Any:
    """On rows labelled by the one before."""
    fitted = None
    for number in range(generation):
        rows = A.data(f"X{number}")
        fitted = A.ridge_fit(rows, A.labels(rows, fitted))
    return fitted


def accumulated(generation: int) -> Any:
    """On these and on all before."""
    rows, told, fitted = [], [], None
    for number in range(generation):
        rows.append(A.data(f"X{number}"))
        told.append(A.labels(rows[-1], fitted))
        fitted = A.ridge_fit(rows, told)
    return fitted


def mixed(generation: int) -> Any:
    """On half as many, and as many true ones."""
    fitted = None
    for number in range(generation):
        true, rows = A.data(f"T{number}", "half"), A.data(f"X{number}", "half")
        fitted = A.ridge_fit([true, rows], [A.labels(true), A.labels(rows, fitted)])
    return fitted


SCHEMES = {"replaced": replaced, "accumulated": accumulated, "mixed": mixed}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A panel for each scheme: risk (rows and ridges, generation)."""
    del data
    plan, panels = SCALES[scale], {}
    task, counts = rg.Task.power_law(alpha=0.6, beta=1.5, noise=NOISE, modes=MODES), np.arange(1, plan["generations"] + 1)
    for name, scheme in SCHEMES.items():
        over = "half" if name == "mixed" else "n"
        rows = np.array(ROWS) // (2 if name == "mixed" else 1)
        found = [
            lines(task, [scheme(int(count))], over, rows, rows, plan["trials"], seed, {"ridge": list(RIDGES)})
            for count in counts
        ]
        panels[name] = {"x": counts, "dot_x": counts} | {
            own: np.array([np.ravel(one[own]) for one in found]).T for own in ("risk", "dot", "dot_se", "dot_z")
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "noise": NOISE,
        "rows": ROWS, "ridges": RIDGES, "trials": plan["trials"], "largest_z": largest_z(panels),
    }
    return flatten(panels), {
        **parameters, "caption": " ".join(CAPTION.format(worst=parameters["largest_z"], **parameters).split())
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    shades, ridges = graded(len(parameters["ridges"])), [f"{ridge:g}" for ridge in parameters["ridges"]]
    with look():
        figure, axes = blank(1, 3, 13.5, 4.2)
        for ax, name in zip(axes[0], SCHEMES, strict=True):
            at = select(arrays, name)
            made = drawn(ax, at, ridges, shades, ("--", "-"))
            ax.set(xlabel="generation", ylabel="test risk", title=name, ylim=(0.4, 3.5), yscale="log", xticks=at["x"])
            plain_log(ax.yaxis)
        rows = [
            Line2D([], [], color="0.3", ls=style, label=f"{count}")
            for style, count in zip(("--", "-"), parameters["rows"], strict=True)
        ]
        legend(figure, {"ridge": made, "rows": rows})
    return figure
