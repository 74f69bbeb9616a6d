"""Test and training error against the ridge, and against each other, at several label noises.

After "More is Better" (arXiv 2311.14646), from the sweeps of its figure of the fitting ratio.  With measured data: those
published with the paper.  Without: the bundled digits.
"""

__all__ = ["compute", "draw"]

import re
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figures import more_is_better_fitting_ratio as ratio
from paper_figures.panels import select
from paper_figures.style import blank, graded, legend, look, plain_log

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "examples": 500, "n": (25,), "ridges": 8, "trials": 6},
    "paper": {"grid": 401, "examples": None, "n": (25, 50, 100), "ridges": 29, "trials": 45},
}
RISK = "Top: test (full) and training error (open; dotted) against the ridge; bottom: test against training error."
KNOWN = """
{risk} The theory of the ridge is that of a power law, ridge ~ x (1 - x)^-α with x = √(train/test); its one constant is
fitted to each data set.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of `more_is_better_fitting_ratio`, with `line_ridge` (levels, points) of each panel."""
    plan = SCALES[scale]
    arrays, parameters = ratio.swept(plan, scale, data, seed)
    for panel in parameters["panels"]:
        at = select(arrays, panel)
        ridge = np.broadcast_to(np.geomspace(*ratio.SWEPT, plan["grid"]), at["line_test"].shape)
        if data is not None:
            ridge = _power_law_ridge(at, ratio.EXPONENTS[panel][0])
        arrays[f"{panel}.line_ridge"] = ridge
    start, _, rest = parameters["caption"].partition(". ")
    said = " ".join(RISK.split() if data is None else KNOWN.format(risk=RISK).split())
    rest = re.sub(r"Dotted: [^.]*\. ", "", rest)  # what is dotted there
    return arrays, {**parameters, "caption": f"{start}. {said} {rest}"}


def _power_law_ridge(at: dict[str, np.ndarray], alpha: float) -> np.ndarray:
    """The ridge at each point of the lines, its scale the median over the dots that fit neither all nor nothing."""
    root, line = np.sqrt(at["dot_ratio"]), np.sqrt(at["line_ratio"])
    inside = (root > 0.2) & (root < 0.8)
    scales = np.broadcast_to(at["dot_ridge"], root.shape)[inside] / (root[inside] * (1.0 - root[inside]) ** -alpha)
    return np.median(scales) * np.maximum(line, 1e-9) * (1.0 - line) ** -alpha


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Above against the ridge, below against each other, a column for each data set or number of samples."""
    names = parameters["panels"]
    with look():
        figure, axes = blank(2, len(names), 3.2 + 3.3 * len(names), 7.6)
        for (upper, lower), name, title in zip(axes.T, names, parameters["titles"], strict=True):
            at = select(arrays, name)
            train, dot_train = at["line_ratio"] * at["line_test"], at["dot_ratio"] * at["dot_test"]
            low, high = dot_train[dot_train > 0].min(), at["dot_test"].max()
            for i, colour in enumerate(graded(at["relative_noise"].size)):
                upper.plot(at["line_ridge"][i], at["line_test"][i], color=colour)
                upper.plot(at["line_ridge"][i], train[i], ":", color=colour, lw=1.4)
                bars = {"fmt": "o", "color": colour, "lw": 1, "ms": 3.5}
                upper.errorbar(at["dot_ridge"], at["dot_test"][i], at["dot_test_se"][i], **bars)
                upper.plot(at["dot_ridge"], dot_train[i], "o", color=colour, mfc="white", ms=3.5)
                lower.plot(train[i], at["line_test"][i], color=colour)
                lower.plot(dot_train[i], at["dot_test"][i], "o", color=colour, ms=3.5)
            upper.set(xscale="log", yscale="log", xlabel="ridge δ", title=title, ylim=(max(low, 1e-4) / 1.5, 2.0 * high))
            upper.set_xlim(at["dot_ridge"].min() / 1.5, at["dot_ridge"].max() * 1.5)
            lower.set(xscale="log", yscale="log", xlabel="training error", xlim=(max(low, 1e-4) / 1.5, 2.0 * high))
            lower.set_ylim(at["dot_test"].min() / 1.15, 1.25 * high)
            wide = high > 5.0 * at["dot_test"].min()
            plain_log(lower.yaxis, (1.0, 2.0, 5.0) if wide else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
        axes[0, 0].set_ylabel("error / that of predicting zero")
        axes[1, 0].set_ylabel("test error")
        noise = select(arrays, names[0])["relative_noise"]
        levels = [
            Line2D([], [], color=colour, marker="o", label=f"{level:g}")
            for colour, level in zip(graded(noise.size), noise, strict=True)
        ]
        kinds = [
            Line2D([], [], color="k", marker="o", label="test"),
            Line2D([], [], color="k", ls=":", marker="o", mfc="white", label="train"),
        ]
        legend(figure, {"relative noise": levels, "error": kinds})
    return figure
