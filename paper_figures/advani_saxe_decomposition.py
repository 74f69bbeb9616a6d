"""What the final error of a random-feature student consists of, against the number of hidden units.

After arXiv 1710.03667, with its sizes where we know them; the rest is ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.style import COLOURS, blank, legend, look, plain_log
from rfgen.systems import relu_students

INPUTS, TEACHER, SAMPLES = 15, 20, 50
PARTS = {"approximation": COLOURS[0], "null_space": COLOURS[2], "overfitting": COLOURS[1]}
LABELS = {"approximation": "approximation", "null_space": "null space", "overfitting": "over-fitting"}

# N_h = 50 itself has no mean error: the inverse of the least eigenvalue there has none.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"hidden": (20, 60, 200), "seeds": 30},
    "paper": {
        "hidden": (3, 5, 8, 12, 17, 23, 29, 34, 38, 42, 45, 47, 53, 55, 58, 63, 70, 80, 100, 130, 170, 230, 320, 500),
        "seeds": 500,
    },
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667), parameters known in part: noiseless ReLU teacher of {teacher} hidden units,
{samples} training samples, {seeds} trials; ours: {inputs} Gaussian inputs, test errors as exact expectations in place
of 5000 test points. Students have N_h fixed random ReLU hidden units and output weights trained to the end.
Approximation: error of the best output weights, falls with N_h; over-fitting: what the student makes of the part it
cannot express, which acts as label noise and peaks at N_h = {samples}; null space: what the best weights have in
directions that no training sample shows, from there on. All dots are simulations run by rfgen, means over trials, bars
one standard error, lines join them; black: the sum; rings: the test error itself, which also holds products of the
parts, {interference:.1%} of the sum at most.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Means over trials of the parts of the final error, of their sum and of the test error, at each width.

    `data` plays no part.  Arrays `hidden` (widths,); `approximation`, `null_space`, `overfitting`, `sum`, `test` and their
    `_se` (widths,).
    """
    plan, setting = SCALES[scale], relu_students.StudentTeacher(INPUTS, TEACHER, SAMPLES)
    runs = [relu_students.decomposition(setting, hidden, plan["seeds"], seed) for hidden in plan["hidden"]]
    values = {name: np.array([getattr(run, name) for run in runs]) for name in (*PARTS, "test")}
    values["sum"] = sum(values[name] for name in PARTS)
    arrays = {"hidden": np.array(plan["hidden"])}
    for name, trials in values.items():
        arrays |= {name: trials.mean(axis=1), f"{name}_se": trials.std(axis=1, ddof=1) / plan["seeds"] ** 0.5}
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "inputs": INPUTS,
        "teacher": TEACHER, "samples": SAMPLES, "noise": 0.0, "seeds": plan["seeds"],
        "interference": float(np.abs(arrays["test"] / arrays["sum"] - 1).max()),
    }
    return arrays, {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel."""
    with look():
        figure, axes = blank(1, 1, 8.6, 4.8)
        ax, hidden = axes[0, 0], arrays["hidden"]
        for name, colour in {**PARTS, "sum": "k"}.items():
            # below the number of samples there is no null space
            shown = arrays[name] > 1e-9
            ax.errorbar(
                hidden[shown], arrays[name][shown], arrays[f"{name}_se"][shown], color=colour, marker="o", lw=1.4,
                elinewidth=1,
            )
        ax.plot(hidden, arrays["test"], "o", mfc="none", mec="k", ms=8, mew=1)
        ax.axvline(parameters["samples"], color="0.8", lw=1, zorder=0)
        ax.set(xscale="log", yscale="log", ylim=(0.01, 20), xlabel="hidden units $N_h$", ylabel="test error")
        plain_log(ax.xaxis)
        plain_log(ax.yaxis, (1.0,))
        parts = [Line2D([], [], color=colour, marker="o", label=LABELS[name]) for name, colour in PARTS.items()]
        whole = [
            Line2D([], [], color="k", marker="o", label="sum of the parts"),
            Line2D([], [], color="k", ls="", marker="o", mfc="none", ms=8, label="test error"),
        ]
        legend(figure, {"part": parts, "whole": whole})
    return figure
