"""Ridge regression at the best ridge beside least squares: no peak, and less for every number of parameters.

After the tuned figures of arXiv 1903.08560; sizes known in part.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import worst
from paper_figures.isotropic import dots, line_dims
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look, plain_log

N, NOISE, SNR, RANGE = 200, 1.0, tuple(np.linspace(1.0, 5.0, 4)), (0.1, 10.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"ratios": (0.5, 3.0), "trials": 24, "step": 1.15},
    "paper": {"ratios": (0.1, 0.2, 0.4, 0.6, 0.8, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0), "trials": 50, "step": 1.02},
}
CAPTION = """
After Hastie, Montanari, Rosset, Tibshirani (arXiv 1903.08560), parameters known in part: isotropic inputs, n = {n}, noise
variance {noise:g}, signal-to-noise ratio 1 to 5. Left: excess test risk over that of predicting zero, of least squares
(dashed, open dots; of minimum norm for γ = P/n > 1) and of ridge regression at the best ridge, P / SNR for each ratio
(solid, full dots), which has no peak and is never above 1. Right: the risk at the best ridge against the ridge itself in
units of n, along γ. Lines: exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error.
Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each ratio of signal to noise "0" to "3": `gamma`, `plain`, `best`, `ridge`, and dots; `data` plays no part."""
    plan = SCALES[scale]
    dims = line_dims(N, RANGE, plan["step"])
    lines = [rg.predict(*_posed(int(dim)), n=N).test.values - NOISE for dim in dims]
    drawn = [dots(*_posed(round(ratio * N)), N, NOISE, plan["trials"], seed) for ratio in plan["ratios"]]
    panels = {
        f"{number}": {
            "gamma": dims / N, "plain": [line[0, number] for line in lines],
            "best": [line[number + 1, number] for line in lines], "ridge": dims / snr / N,
            "dot_gamma": plan["ratios"], **{key: [dot[key][number] for dot in drawn] for key in drawn[0]},
        }
        for number, snr in enumerate(SNR)
    }
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "noise": NOISE,
        "snr": list(SNR), "trials": plan["trials"], "largest_z": worst(panels),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def _posed(dim: int) -> tuple[rg.Task, rg.Learner]:
    """One task whose outputs are the four signals; ridge 0, then the best ridge of each, dimension * noise / signal."""
    task = rg.Task(rg.Spectrum.isotropic(dim), np.array(SNR)[:, None] * NOISE, NOISE, keep_outputs=True)
    return task, rg.Learner(rg.Ridge([0.0, *(dim / np.array(SNR))]))


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Left both risks against γ, right the best ridge."""
    with look():
        figure, axes = blank(1, 2, 11.0, 4.4)
        left, right = axes[0]
        lines = []
        for number, (snr, colour) in enumerate(zip(parameters["snr"], graded(len(parameters["snr"])), strict=True)):
            at = select(arrays, f"{number}")
            unit = snr * parameters["noise"]
            for part in (at["gamma"] < 1.0, at["gamma"] > 1.0):
                left.plot(at["gamma"][part], at["plain"][part] / unit, "--", color=colour, lw=1.2)
            left.plot(at["gamma"], at["best"] / unit, color=colour)
            for name, face in (("plain", "white"), ("best", colour)):
                error = at[f"{name}_dot_se"] / unit
                left.errorbar(at["dot_gamma"], at[f"{name}_dot"] / unit, error, fmt="o", color=colour, mfc=face)
            right.plot(at["ridge"], at["best"], color=colour)
            right.errorbar(at["dot_gamma"] / snr, at["best_dot"], at["best_dot_se"], fmt="o", color=colour)
            lines.append(Line2D([], [], color=colour, marker="o", label=f"{snr:.3g}"))
        left.axhline(1.0, color="0.7", lw=1.0, zorder=0)
        left.set(xscale="log", xlabel="parameters per sample γ", ylabel="excess risk / signal", ylim=(0.0, 2.0))
        right.set(xscale="log", yscale="log", xlabel="best ridge / n", ylabel="excess risk")
        plain_log(right.yaxis)
        kinds = [
            Line2D([], [], color="0.3", marker="o", label="best ridge"),
            Line2D([], [], color="0.3", ls="--", lw=1.2, marker="o", mfc="white", label="ridge 0"),
            Line2D([], [], color="0.7", lw=1.0, label="zero"),
        ]
        legend(figure, {"signal / noise": lines, "learner": kinds})
    return figure
