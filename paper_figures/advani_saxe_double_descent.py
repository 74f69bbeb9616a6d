"""Test error of a linear network against the number of samples, after several training times.

After arXiv 1710.03667, with the parameters of its panel: snr 5, zero initial weights.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.linear_networks import INPUTS, dots, on_grid, worst
from paper_figures.style import blank, graded, legend, look
from rfgen.systems import linear_networks

SNR, TIMES = 5.0, (5.0, 20.0, 50.0, 100.0, 1000.0)
LEAST, MOST = 0.05, 2.5

# Measured on 2 cores: each size is compiled once, 0.6 s; a trial takes 0.03 s.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 99, "alphas": (0.5, 1.0), "trials": 12},
    "paper": {"grid": 491, "alphas": (0.1, 0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.4), "trials": 60},
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667); parameters known: linear network, N inputs of variance 1/N, P = αN samples,
signal-to-noise ratio 5, zero initial weights, gradient flow for times t in units of τ, weights of the teacher of
variance 1. The longer it is trained, the higher the peak at α = 1, where eigenvalues of the input correlations come
near 0; stopped at the right moment it has none. Lines: exact theory computed by rfgen (dashed: the best stopping time
for each α). Dots: simulated networks of N = {inputs} inputs, trained by gradient flow, {trials} trials each; bars: one
standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exact error on a grid of alpha for each time and at the best time, and simulations at a few alphas.

    `data` plays no part.  Arrays `alpha` (points,), `test` (times, points), `best`, `best_time` (points,), and of the dots
    `dot_alpha` (dots,), `dot_test`, `dot_test_se`, `dot_test_z`, (dots, 1, times).
    """
    plan = SCALES[scale]
    alpha = np.linspace(LEAST, MOST, plan["grid"])
    best_time = on_grid(linear_networks.optimal_time, alpha, SNR)
    arrays = {
        "alpha": alpha, "test": on_grid(linear_networks.isotropic_flow, alpha, SNR, np.array(TIMES)[:, None])["test"],
        "best_time": best_time, "best": on_grid(linear_networks.isotropic_flow, alpha, SNR, best_time)["test"],
        "dot_alpha": np.array(plan["alphas"]), **dots(plan["alphas"], SNR, TIMES, [0.0], plan["trials"], seed),
    }
    parameters = {
        "mark": "known", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "snr": SNR,
        "times": list(TIMES), "initial_to_noise": 0.0, "inputs": INPUTS, "trials": plan["trials"],
        "largest_z": worst(arrays),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel."""
    with look():
        figure, axes = blank(1, 1, 8.0, 4.6)
        ax, times = axes[0, 0], parameters["times"]
        for i, colour in enumerate(graded(len(times))):
            ax.plot(arrays["alpha"], arrays["test"][i], color=colour)
            ax.errorbar(
                arrays["dot_alpha"], arrays["dot_test"][:, 0, i], arrays["dot_test_se"][:, 0, i], fmt="o", color=colour,
                mec="white", mew=0.5, lw=1, zorder=3,
            )
        ax.plot(arrays["alpha"], arrays["best"], "k--", lw=1.5)
        ax.set(xlabel="samples per input α = P/N", ylabel="test error", xlim=(0, MOST), ylim=(0, 4.6))
        lines = [
            Line2D([], [], color=colour, label=f"{time:g}") for colour, time in zip(graded(len(times)), times, strict=True)
        ]
        best = Line2D([], [], color="k", ls="--", label="best for each α")
        symbols = [
            Line2D([], [], color="k", label="theory"), Line2D([], [], color="k", ls="", marker="o", label="simulation")
        ]
        legend(figure, {"t/τ": [*lines, best], "symbols": symbols})
    return figure
