"""Losses of a majority and a minority class along plain, balanced and per-class-normalised gradient descent.

Parameters and question are ours: nothing here is taken from a paper.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.style import COLOURS, blank, legend, look, plain_log
from rfgen.systems import class_imbalance

INPUTS, COUNTS, MEAN, TRACES = 120, (180, 20), 0.5, (4.0, 4.0)
RATES, STEPS = {"plain": 0.05, "balanced": 0.05, "normalised": 0.05}, 40
CLASSES = {"majority": COLOURS[0], "minority": COLOURS[1]}

SCALES: dict[str, dict[str, Any]] = {"smoke": {"every": 4, "trials": 30}, "paper": {"every": 2, "trials": 400}}

CAPTION = """
For the question of arXiv 2207.00391, parameters ours: two classes of {counts[0]} and {counts[1]} Gaussian samples in
{inputs} inputs and a bias, means ±{mean:g} along one direction, isotropic covariances of trace {traces[0]:g} and
{traces[1]:g}, labels ±1, square loss, weights from 0. Plain descent follows the mean loss of all samples: the minority's
test loss rises first, to {rises:.2f} times its start. Balanced follows the mean of the two classes' losses, as if the
minority were repeated until both are as many (rate {rates[plain]:g} each), normalised the sum of the two classes' unit
gradients (rate {rates[normalised]:g}). Lines: exact theory computed by rfgen. Grey: where normalised steps become too
long for the gradients they follow, which then differ from draw to draw; the theory, thin from there on, holds before (to
step {valid_until}). Dots: simulations, {trials} draws; bars: one standard error. Largest distance of a dot from valid
theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exact and simulated losses of the two classes along the three rules.

    `data` plays no part.  Arrays `step` (steps + 1,), `valid` (rules, steps + 1), `test`, `train` (rules, classes,
    steps + 1), and of the dots `dot_step` (dots,), `dot_test`, `dot_test_se`, `dot_test_z` (rules, classes, dots), the same
    for `train`; z is 0 where the theory is not valid, and at step 0, where nothing is random.
    """
    simulated = class_imbalance.simulate_class_imbalance
    plan = SCALES[scale]
    variances = np.array(TRACES)[:, None] / INPUTS
    mixture = rg.GaussianMixture(COUNTS, [1.0, -1.0], variances, [[MEAN], [-MEAN]], [INPUTS], bias=True)
    exact = [class_imbalance.class_imbalance(mixture, rate, STEPS, rule) for rule, rate in RATES.items()]
    runs = [simulated(mixture, rate, STEPS, rule, trials=plan["trials"], seed=seed) for rule, rate in RATES.items()]
    valid = np.array([curve.valid for curve in exact])
    at = np.arange(0, STEPS + 1, plan["every"])
    arrays: dict[str, Any] = {"step": np.arange(STEPS + 1), "valid": valid, "dot_step": at}
    for name in ("test", "train"):
        arrays[name] = np.array([getattr(curve, name) for curve in exact])
        mean, error = (np.array([getattr(run, key) for run in runs])[..., at] for key in (name, f"{name}_se"))
        known = valid[:, None, at] & (at > 0)
        z = np.where(known, (mean - arrays[name][..., at]) / np.where(known, error, 1.0), 0.0)
        arrays |= {f"dot_{name}": mean, f"dot_{name}_se": error, f"dot_{name}_z": z}
    largest = max(float(np.abs(arrays[f"dot_{name}_z"]).max()) for name in ("test", "train"))
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "inputs": INPUTS,
        "counts": list(COUNTS), "mean": MEAN, "traces": list(TRACES), "rates": RATES, "steps": STEPS,
        "trials": plan["trials"], "valid_until": exact[-1].valid_until,
        "rises": float(arrays["test"][0, 1].max() / arrays["test"][0, 1, 0]), "largest_z": largest,
    }
    text = CAPTION.format(worst=largest, **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A row for test and for training loss, a column for each rule."""
    names = ("test", "train")
    with look():
        figure, axes = blank(2, len(parameters["rates"]), 11.5, 6.4)
        for i, (rule, rate) in enumerate(parameters["rates"].items()):
            valid = np.asarray(arrays["valid"][i], bool)
            end = int(valid.sum()) - 1
            for j, name in enumerate(names):
                ax = axes[j, i]
                for g, colour in enumerate(CLASSES.values()):
                    curve = arrays[name][i, g]
                    ax.plot(arrays["step"][: end + 1], curve[: end + 1], color=colour)
                    ax.plot(arrays["step"][end:], curve[end:], color=colour, lw=0.9, alpha=0.8)
                    ax.errorbar(
                        arrays["dot_step"], arrays[f"dot_{name}"][i, g], arrays[f"dot_{name}_se"][i, g], fmt="o",
                        color=colour, mec="white", mew=0.5, lw=1, zorder=3,
                    )
                if end < parameters["steps"]:
                    ax.axvline(end, color="0.6", lw=1.2, zorder=0)
                    ax.axvspan(end, parameters["steps"], color="0.95", zorder=-1)
                ax.set(yscale="log", xlim=(-0.8, parameters["steps"] + 0.8), ylim=(0.006, 2.5))
                plain_log(ax.yaxis)
                ax.label_outer()
            axes[0, i].set_title(f"{rule}, rate {rate:g}")
            axes[-1, i].set_xlabel("step")
        for name, ax in zip(names, axes[:, 0], strict=True):
            ax.set_ylabel(f"{name} loss of a class")
        classes = [Line2D([], [], color=colour, marker="o", label=name) for name, colour in CLASSES.items()]
        theory = [
            Line2D([], [], color="k", label="valid"), Line2D([], [], color="k", lw=0.9, alpha=0.8, label="not valid"),
            Line2D([], [], color="0.6", lw=1.2, label="last valid step"),
        ]
        legend(figure, {"class": classes, "theory": theory})
    return figure
