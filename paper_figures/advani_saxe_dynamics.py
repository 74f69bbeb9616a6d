"""Test and training error of a linear network along training, with the best moment to stop.

For the question of arXiv 1710.03667 (its figure of error dynamics); the parameters are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.linear_networks import INPUTS, dots, on_grid, worst
from paper_figures.style import COLOURS, blank, legend, look, plain_log
from rfgen.systems import linear_networks

SNR, ALPHAS = 2.0, (0.5, 1.0, 2.0)
EARLIEST, LATEST = 0.02, 1000.0
TEST, TRAIN = COLOURS[0], COLOURS[1]

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "dots": 6, "trials": 12},
    "paper": {"grid": 481, "dots": 14, "trials": 100},
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667), parameters ours: linear network of N inputs, P = αN samples, signal-to-noise
ratio {snr:g}, zero initial weights, weights of the teacher of variance 1, gradient flow for a time t in units of τ.
Test error falls while the large modes are learned and rises when noise fills the small ones; at α = 1 it rises without
end. Lines: exact theory computed by rfgen; vertical: the best time to stop; dashed: the least error of any linear
estimator (the best ridge); dotted: the label noise. Dots: simulated networks of N = {inputs} inputs, trained by
gradient flow, {trials} trials each; bars: one standard error. Largest distance of a dot from theory: {worst:.1f}
standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exact errors on a grid of times for each alpha, the best time and ridge, and simulations at a few times.

    `data` plays no part.  Arrays `time` (points,), `test`, `train` (alphas, points), `best_time`, `best`, `oracle`
    (alphas,), and of the dots `dot_time` (dots,), `dot_test`, `dot_test_se`, `dot_test_z` (alphas, 1, dots), the same for
    `train`.
    """
    plan = SCALES[scale]
    time, dot_time = np.geomspace(EARLIEST, LATEST, plan["grid"]), np.geomspace(0.05, 400.0, plan["dots"])
    alpha = np.array(ALPHAS)
    curve = on_grid(linear_networks.isotropic_flow, alpha[:, None], SNR, time)
    best_time = on_grid(linear_networks.optimal_time, alpha, SNR)
    arrays = {
        "time": time, "test": curve["test"], "train": curve["train"], "best_time": best_time,
        "best": on_grid(linear_networks.isotropic_flow, alpha, SNR, best_time)["test"],
        "oracle": on_grid(linear_networks.optimal_ridge, alpha, SNR)["test"], "dot_time": dot_time,
        **dots(ALPHAS, SNR, dot_time, [0.0], plan["trials"], seed, ("test", "train")),
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "snr": SNR, "initial_to_noise": 0.0,
        "alphas": list(ALPHAS), "inputs": INPUTS, "trials": plan["trials"], "largest_z": worst(arrays),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each alpha on common axes."""
    with look():
        figure, axes = blank(1, len(parameters["alphas"]), 12.0, 4.2)
        for i, (ax, alpha) in enumerate(zip(axes[0], parameters["alphas"], strict=True)):
            for name, colour in (("test", TEST), ("train", TRAIN)):
                ax.plot(arrays["time"], arrays[name][i], color=colour)
                ax.errorbar(
                    arrays["dot_time"], arrays[f"dot_{name}"][i, 0], arrays[f"dot_{name}_se"][i, 0], fmt="o", color=colour,
                    mec="white", mew=0.5, lw=1, zorder=3,
                )
            ax.axvline(arrays["best_time"][i], color="0.6", lw=1.2, zorder=0)
            ax.axhline(arrays["oracle"][i], color="k", ls="--", lw=1.2, zorder=1)
            ax.axhline(1 / parameters["snr"], color="k", ls=":", lw=1.2, zorder=1)
            ax.set(xscale="log", yscale="log", xlim=(EARLIEST, LATEST), ylim=(0.005, 15), title=f"α = {alpha:g}")
            ax.set_xlabel("training time t/τ")
            plain_log(ax.yaxis, (1.0,))
        axes[0, 0].set_ylabel("mean squared error")
        errors = [
            Line2D([], [], color=TEST, marker="o", label="test"), Line2D([], [], color=TRAIN, marker="o", label="train")
        ]
        levels = [
            Line2D([], [], color="0.6", label="best time to stop"), Line2D([], [], color="k", ls="--", label="best ridge"),
            Line2D([], [], color="k", ls=":", label="label noise"),
        ]
        legend(figure, {"error": errors, "levels": levels})
    return figure
