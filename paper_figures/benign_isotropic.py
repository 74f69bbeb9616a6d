"""Ridgeless least squares on isotropic inputs against the number of parameters per sample: double descent and its cost.

After figure 2 of arXiv 1903.08560 (parameters known in part), with the cost of overfitting beside it.
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
from paper_figures.style import blank, graded, legend, look

N, NOISE, SNR, RANGE = 200, 1.0, tuple(np.linspace(1.0, 5.0, 4)), (0.1, 10.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"ratios": (0.5, 2.0, 5.0), "trials": 10, "step": 1.04},
    "paper": {"ratios": (0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0), "trials": 50, "step": 1.02},
}
CAPTION = """
After Hastie, Montanari, Rosset, Tibshirani (arXiv 1903.08560), parameters known in part: isotropic inputs, n = {n}, noise
variance {noise:g}, signal-to-noise ratio 1 to 5. Left: excess test risk of least squares, of minimum norm where the
P parameters interpolate (γ = P/n > 1), with the risk of predicting zero (thin). Right: what it costs not to use the best
ridge, ridge = P / SNR, for each ratio; dashed: the overfitting coefficient E₀, 1/(1 - γ) below 1 and γ/(γ - 1) above,
which no target exceeds. Exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error.
Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each ratio of signal to noise "0" to "3": `gamma`, `excess`, `cost`, and dots of both at `dot_gamma`; "all": E0.

    `data` plays no part.
    """
    plan, panels = SCALES[scale], {}
    dims = line_dims(N, RANGE, plan["step"])
    lines = [_curve(int(dim)) for dim in dims]
    drawn = [dots(*_posed(round(ratio * N)), N, NOISE, plan["trials"], seed) for ratio in plan["ratios"]]
    for number in range(len(SNR)):
        panels[f"{number}"] = {
            "gamma": dims / N, **{key: [line[key][number] for line in lines] for key in ("excess", "cost")},
            "dot_gamma": plan["ratios"], **{key: [dot[key][number] for dot in drawn] for key in drawn[0]},
        }
    panels["all"] = {"gamma": dims / N, "coefficient": [line["coefficient"] for line in lines]}
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "noise": NOISE,
        "snr": list(SNR), "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _posed(dim: int) -> tuple[rg.Task, rg.Learner]:
    """One task whose outputs are the four signals; ridge 0, then the best ridge of each, dimension * noise / signal."""
    task = rg.Task(rg.Spectrum.isotropic(dim), np.array(SNR)[:, None] * NOISE, NOISE, keep_outputs=True)
    return task, rg.Learner(rg.Ridge([0.0, *(dim / np.array(SNR))]))


def _curve(dim: int) -> dict[str, Any]:
    at = rg.predict(*_posed(dim), n=N)
    test = at.test.values
    coefficient = at.amplification.values[0, 0]
    return {"excess": test[0] - NOISE, "cost": test[0] / np.diagonal(test[1:]), "coefficient": coefficient}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Two panels."""
    with look():
        figure, axes = blank(1, 2, 11.5, 4.5)
        lines = []
        for number, (snr, colour) in enumerate(zip(parameters["snr"], graded(len(parameters["snr"])), strict=True)):
            at = select(arrays, f"{number}")
            for ax, name, dot in ((axes[0, 0], "excess", "plain_dot"), (axes[0, 1], "cost", "cost_dot")):
                below = at["gamma"] < 1.0
                for part in (below, ~below):
                    ax.plot(at["gamma"][part], at[name][part], color=colour)
                ax.errorbar(at["dot_gamma"], at[dot], at[f"{dot}_se"], fmt="o", color=colour)
            axes[0, 0].axhline(snr * parameters["noise"], color=colour, lw=0.8, zorder=0)
            lines.append(Line2D([], [], color=colour, marker="o", label=f"{snr:.3g}"))
        at = select(arrays, "all")
        for part in (at["gamma"] < 1.0, at["gamma"] > 1.0):
            axes[0, 1].plot(at["gamma"][part], at["coefficient"][part], "--", color="0.3", lw=1.3, zorder=3)
        for ax in axes[0]:
            ax.axvline(1.0, color="0.85", lw=1, zorder=0)
            ax.set(xscale="log", xlabel="parameters per sample γ")
        axes[0, 0].set(ylabel="excess test risk", ylim=(0, 10))
        axes[0, 1].set(ylabel="cost of overfitting", ylim=(0.9, 6))
        legend(figure, {"signal / noise": lines, "right": [Line2D([], [], color="0.3", ls="--", lw=1.3, label="$E_0$")]})
    return figure
