"""Nonlinear students of a nonlinear teacher: best and late test error against the number of hidden units, and spectra.

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

INPUTS, TEACHER, SAMPLES, NOISE = 30, 30, 300, 0.2
TIMES = np.geomspace(1e-3, 1e3, 61)
RATE, INITIAL = 1.0, 1.0
SHOWN, EDGES = (150, 300, 600), np.linspace(-4.0, 2.5, 53)
FIXED, TRAINED = COLOURS[0], COLOURS[4]
CURVES = ("#56B4E9", "#000000", "#CC79A7")

# Measured on 2 cores: each width is compiled, 1 s; a descent of 10^4 steps of 300 units takes 5 s a seed.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"hidden": SHOWN, "seeds": 3, "trained": (20,), "trained_seeds": 2, "steps": 200},
    "paper": {
        "hidden": (10, 20, 40, 70, 100, 150, 200, 240, 270, 285, 300, 315, 330, 360, 420, 500, 600, 800, 1200),
        "seeds": 50, "trained": (3, 5, 10, 20, 40, 100, 300), "trained_seeds": 20, "steps": 10_000,
    },
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667), parameters known in part: two-layer ReLU teacher, students with N_h ReLU
hidden units, {samples} training samples, {seeds} seeds; ours: {inputs} Gaussian inputs, {teacher} hidden units of the
teacher, label noise {noise:g} of its mean square. All points are simulations run by rfgen, bars one standard error,
lines join them; test errors are exact expectations over inputs. Blue: fixed random hidden weights, output weights
trained by gradient flow, stopped at the best time of each seed (full) and at t/τ = {latest:g} (open): overtraining, the
difference, peaks where N_h is the number of samples. Orange: all weights trained by {steps} steps of full-batch
gradient descent of rate {rate:g}, {trained_seeds} seeds: their overtraining peaks where the number of weights,
{weights} N_h, is that of samples. Top right: test error of random features over time, for the three widths whose
spectra stand below: eigenvalues of the correlations of hidden units over the training set; the share that is 0 is
frozen. The spectrum reaches down to 0 at N_h = {samples} and leaves a gap on either side.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Best and late errors of both kinds of students against hidden units, curves and spectra of three of the first kind.

    `data` plays no part.  Arrays `hidden` (widths,), `best`, `late`, `over` (widths,), their `_se`; `trained_hidden`,
    `trained_best`, ... in the same way; `time` (times,), `curve`, `curve_se` (3, times); `edges` (bins + 1,) of log10
    of the eigenvalue, `histogram` (3, bins), density of all eigenvalues, `zeros` (3,).
    """
    plan, setting = SCALES[scale], relu_students.StudentTeacher(INPUTS, TEACHER, SAMPLES, NOISE)
    runs = {hidden: relu_students.random_features(setting, hidden, TIMES, plan["seeds"], seed) for hidden in plan["hidden"]}
    steps = np.unique(np.round(np.geomspace(1, plan["steps"], 40)))
    descents = [
        relu_students.training(setting, hidden, steps, RATE, INITIAL, plan["trained_seeds"], seed).test
        for hidden in plan["trained"]
    ]
    shown = [runs[hidden] for hidden in SHOWN]
    bins = [np.histogram(np.log10(run.spectrum[run.spectrum > 1e-12]), EDGES)[0] / run.spectrum.size for run in shown]
    arrays = {
        "hidden": np.array(plan["hidden"]), **_ends("", [run.test for run in runs.values()]),
        "trained_hidden": np.array(plan["trained"]), **_ends("trained_", descents),
        "time": TIMES, "curve": np.array([run.test.mean(axis=0) for run in shown]),
        "curve_se": np.array([_error(run.test) for run in shown]), "edges": EDGES,
        "histogram": np.array(bins) / (EDGES[1] - EDGES[0]),
        "zeros": np.array([np.mean(run.spectrum <= 1e-12) for run in shown]),
    }
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "inputs": INPUTS,
        "teacher": TEACHER, "samples": SAMPLES, "noise": NOISE, "seeds": plan["seeds"], "latest": float(TIMES[-1]),
        "rate": RATE, "initial": INITIAL, "steps": plan["steps"], "trained_seeds": plan["trained_seeds"],
        "shown": list(SHOWN),
    }
    return arrays, {**parameters, "caption": " ".join(CAPTION.format(weights=INPUTS + 1, **parameters).split())}


def _error(values: np.ndarray) -> np.ndarray:
    return values.std(axis=0, ddof=1) / len(values) ** 0.5


def _ends(prefix: str, tests: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Error at the best time of each seed, at the last, and their difference: means over seeds and standard errors."""
    best, late = (np.array([column(test) for test in tests]).T for column in (lambda x: x.min(axis=1), lambda x: x[:, -1]))
    found = {}
    for name, values in (("best", best), ("late", late), ("over", late - best)):
        found |= {f"{prefix}{name}": values.mean(axis=0), f"{prefix}{name}_se": _error(values)}
    return found


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Errors, overtraining and curves above three spectra."""
    with look():
        figure, axes = blank(2, 3, 12.5, 7.0)
        errors, over, curves = axes[0]
        for prefix, colour in (("", FIXED), ("trained_", TRAINED)):
            hidden = arrays[f"{prefix}hidden"]
            drawn = {"color": colour, "lw": 1.2, "marker": "o", "elinewidth": 1}
            errors.errorbar(hidden, arrays[f"{prefix}best"], arrays[f"{prefix}best_se"], **drawn)
            errors.errorbar(hidden, arrays[f"{prefix}late"], arrays[f"{prefix}late_se"], mfc="white", ls=":", **drawn)
            over.errorbar(hidden, arrays[f"{prefix}over"], arrays[f"{prefix}over_se"], **drawn)
        for ax, title in ((errors, "test error"), (over, "overtraining: late less best")):
            ax.axvline(parameters["samples"], color="0.8", lw=1, zorder=0)
            ax.set(xscale="log", yscale="log", xlabel="hidden units $N_h$", title=title)
            plain_log(ax.xaxis, (1.0, 3.0))
            plain_log(ax.yaxis)
        for colour, curve, error in zip(CURVES, arrays["curve"], arrays["curve_se"], strict=True):
            curves.plot(arrays["time"], curve, color=colour)
            curves.fill_between(arrays["time"], curve - error, curve + error, color=colour, alpha=0.25, lw=0)
        curves.set(xscale="log", yscale="log", xlabel="training time t/τ", title="random features over time")
        plain_log(curves.yaxis)
        for ax, colour, bins, share, hidden in zip(
            axes[1], CURVES, arrays["histogram"], arrays["zeros"], parameters["shown"], strict=True
        ):
            ax.stairs(bins, arrays["edges"], fill=True, color=colour, alpha=0.8)
            ax.set(title=f"$N_h$ = {hidden}", xlabel="$\\log_{10}$ eigenvalue", xlim=arrays["edges"][[0, -1]])
            ax.set_ylim(0, 1.1 * arrays["histogram"].max())
            ax.text(0.03, 0.93, f"share at 0: {share:.2g}", transform=ax.transAxes, va="top", fontsize="small")
        axes[1, 0].set_ylabel("density of eigenvalues")
        students = [
            Line2D([], [], color=FIXED, label="random features"), Line2D([], [], color=TRAINED, label="all weights trained")
        ]
        moments = [
            Line2D([], [], color="k", marker="o", label="best time"),
            Line2D([], [], color="k", marker="o", mfc="white", ls=":", label="late"),
        ]
        widths = [
            Line2D([], [], color=colour, label=f"$N_h$ = {hidden}")
            for colour, hidden in zip(CURVES, parameters["shown"], strict=True)
        ]
        legend(figure, {"student": students, "stopped": moments, "width": widths})
    return figure
