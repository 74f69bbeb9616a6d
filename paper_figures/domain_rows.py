"""Which rows help where: nine known questions as rows of several domains."""

__all__ = ["compute", "draw"]

from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import blank, graded, legend, look
from rfgen.cli_domain_comparisons import DOMAINS

# name: rows that vary, the others, where it is used, what the panel says
PANELS: dict[str, tuple[str, dict[str, int], tuple[str, ...], str]] = {
    "ood-rows": ("shifted", {"used": 60}, ("used",), "rows of another distribution"),
    "undesired-features": ("labelled_0", {"training": 100}, ("training", "shifted"), "rows labelled 0"),
    "spurious-features": ("correlated", {}, ("correlated", "decorrelated"), "rows with a spurious feature"),
    "missing-modality": ("first", {"both": 60}, ("both",), "rows without the second modality"),
    "tilted-boundary": ("rows", {}, ("along", "all"), "rows, tenth of labels flipped"),
    "causal-augmentation": ("observed", {}, ("observed", "intervened"), "rows with a hidden cause"),
    "generated-classes": ("generated", {"real": 40}, ("real",), "rows of an estimated model"),
    "flipped-rows": ("flipped", {"clean": 80}, ("clean",), "rows with the sign turned"),
    "outlier-rows": ("outliers", {"clean": 80}, ("clean",), "rows with 50 times the noise"),
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 7, "dots": (80,), "trials": 20},
    "paper": {"grid": 31, "dots": (20, 40, 80, 150, 300), "trials": 200},
}
CAPTION = """
Rows of several domains, ridge regression, {modes} inputs: test risk against the number of rows of one of them, colours
the populations that it is used on; rows with a hidden cause are seen in three noisy views. Boundary: the cosine of the
fit with the best direction. Questions of arXiv 2208.10967 and others, parameters ours. Lines: exact, by rfgen; dots:
{trials} simulations, bars: one standard error (cosine: without). Largest distance of a dot from theory: {worst:.1f}
standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A panel for each name."""
    del data
    plan, panels = SCALES[scale], {}
    for name, (moved, fixed, used, _) in PANELS.items():
        _, _, build, posed, _ = DOMAINS[name]
        ridge: Any = posed.training
        learner = rg.Learner(rg.Ridge(float(np.max(ridge.ridge))), augmentation=posed.augmentation)
        domains = build()
        least = 0 if fixed else 20
        rows = np.unique(np.append(least, np.geomspace(10 if fixed else 20, 400, plan["grid"])).round())
        others: Any = {other: fixed.get(other, 0) for other in domains.names}
        counts: Any = {**others, moved: rows}
        curve = rg.predict(domains, learner, counts, test=list(used)).test.values
        options = {"test": list(used), "variables": "test", "trials": plan["trials"], "seed": seed}
        found = check(domains, learner, others | {moved: list(plan["dots"])}, **options).dataset
        panels[name] = {"rows": rows, "risk": curve.T, "dots": plan["dots"], "dot": found.test_simulation.values.T,
                        "dot_se": found.test_se.values.T, "dot_z": found.test_z.values.T}
    at = panels["tilted-boundary"]
    for kind in ("risk", "dot"):
        at[kind] = np.sqrt(np.asarray(at[kind])[:1] / np.asarray(at[kind])[1:])
    at["dot_se"] = np.zeros_like(at["dot"])
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__,
        "modes": 120, "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Nine panels."""
    del parameters
    with look():
        figure, axes = blank(2, 5, 17.0, 6.4)
        axes.ravel()[-1].remove()
        groups: dict[str, list[Line2D]] = {}
        for ax, name in zip(axes.ravel(), PANELS, strict=False):
            at = select(arrays, name)
            for risk, dot, error, colour in zip(at["risk"], at["dot"], at["dot_se"], graded(len(at["risk"])), strict=True):
                ax.plot(at["rows"], risk, color=colour)
                ax.errorbar(at["dots"], dot, error, fmt="o", color=colour)
            cosine = name == "tilted-boundary"
            ax.set(xlabel=fill(PANELS[name][3], 20), ylabel="cosine" if cosine else "test risk")
            if not cosine and len(PANELS[name][2]) > 1:
                groups[PANELS[name][3]] = [
                    Line2D([], [], color=colour, label=used)
                    for colour, used in zip(graded(len(at["risk"])), PANELS[name][2], strict=True)
                ]
        legend(figure, groups)
    return figure
