"""Two classes with wrong labels along gradient flow: learned early, the wrong labels fitted late."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look

# Few directions of large variance, which are learned first, and many of small variance: means and variances of each.
LARGE, SMALL, MEANS, VARIANCES, FLIP, ROWS = 10, 290, (1.0, 0.12), (30.0, 1.0), 0.2, (150, 300, 600, 1200)
SHOWN = {
    "error": "error on fresh rows", "flips_fitted": "wrong labels that are fitted",
    "train_error": "training rows whose label is missed",
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 31, "times": (0.01, 0.3, 10.0), "trials": 12},
    "paper": {"grid": 61, "times": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), "trials": 100},
}
CAPTION = """
Ours. Gradient flow on the squares of labels +1 and -1, of {flip:.0%} of the rows wrong ones: two normal classes of {dim}
inputs, of which {large} have variance {variances[1]:g} and the others {variances[0]:g}, for {rows} rows. Against the time
of training: error on fresh rows; share of the wrong labels that the classifier gives their rows; share of all training
rows whose label it does not give. Grey: the flipped share. Lines: exact theory computed by rfgen; dots: {trials}
simulations each, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels by variable of `x` and `values` (rows, x), dots `dot_x`, `dot`, `dot_se`, `dot_z`."""
    del data
    plan, sizes = SCALES[scale], (LARGE, SMALL)
    task = rg.Mixture(np.repeat(MEANS, sizes), np.repeat(VARIANCES, sizes), flip=FLIP)
    times, drawn = np.geomspace(0.003, 300.0, plan["grid"]), list(plan["times"])
    exact, curve = (rg.predict(task, rg.Learner(rg.GradientFlow(at)), n=list(ROWS)) for at in (drawn, times))
    seen = simulate(task, rg.Learner(rg.GradientFlow(drawn)), n=list(ROWS), trials=plan["trials"], seed=seed)
    panels = {}
    for name in SHOWN:
        line, dot, mean, error = (
            one.transpose("n", "time").values for one in (curve[name], seen[name], exact[name], seen[f"{name}_se"])
        )
        # where every run fits all of them nothing scatters
        told = error > 0.0
        panels[name] = {
            "x": times, "values": line, "dot_x": drawn, "dot": dot, "dot_se": error,
            "dot_z": np.where(told, (dot - mean) / np.where(told, error, 1.0), 0.0),
        }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": LARGE + SMALL, "large": LARGE,
        "variances": sorted(VARIANCES), "flip": FLIP, "sizes": list(ROWS), "trials": plan["trials"], "largest_z": worst,
    }
    caption = CAPTION.format(worst=worst, rows=f"{', '.join(map(str, ROWS[:-1]))} and {ROWS[-1]}", **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(caption.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each variable."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.4)
        colours = graded(len(parameters["sizes"]))
        for ax, (name, title) in zip(axes[0], SHOWN.items(), strict=True):
            at = select(arrays, name)
            for row, colour in enumerate(colours):
                ax.plot(at["x"], at["values"][row], color=colour)
                ax.errorbar(at["dot_x"], at["dot"][row], at["dot_se"][row], fmt="o", color=colour)
            ax.set(xscale="log", xlabel="time of gradient flow", title=title)
        axes[0, 2].axhline(parameters["flip"], color="0.5", ls="-.", zorder=1)
        axes[0, 0].set_ylabel("share of rows")
        legend(figure, {"rows": [
            Line2D([], [], color=colour, label=str(n)) for colour, n in zip(colours, parameters["sizes"], strict=True)
        ]})
    return figure
