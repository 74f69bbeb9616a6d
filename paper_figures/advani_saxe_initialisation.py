"""Large initial weights: what the frozen subspace keeps of them for ever.

For the question of arXiv 1710.03667 (its figure of the initialisation-to-noise ratio); the parameters are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.linear_networks import INPUTS, dots, on_grid, worst
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log
from rfgen.systems import linear_networks

SNR, INRS, SHOWN, ALPHAS = 5.0, (0.0, 5.0, 20.0, 80.0), 0.5, (0.5, 1.0, 2.0)
EARLIEST, LATEST = 0.02, 1000.0
# far from the peak, where the error of finite networks has no mean worth measuring
DOT_ALPHAS, ENDLESS = (0.25, 0.5, 0.75, 1.5, 2.0), 1e9

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "alphas": DOT_ALPHAS[1:2], "dots": 5, "trials": 48},
    "paper": {"grid": 481, "alphas": DOT_ALPHAS, "dots": 14, "trials": 100},
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667), parameters ours: linear network, P = αN samples, signal-to-noise ratio
{snr:g}, weights of the teacher of variance 1, initial weights of variance σ_w0²; the initialisation-to-noise ratio
(INR) is σ_w0²/σ_ε², so that weights as large as the teacher's have INR {snr:g}. Left: test error at the end of training
against α. With fewer samples than inputs, a share 1 - α of the weights is never trained and keeps its initial error;
with more, the start is forgotten. Middle: test error along gradient flow at α = {shown:g}, time in units of τ; dotted:
the frozen part and the label noise. Right: test error at the best stopping time against the INR; dotted: weights as
large as the teacher's. Lines: exact theory computed by rfgen. Dots: simulated networks of N = {inputs} inputs, trained
by gradient flow, {trials} trials each; bars: one standard error. Largest distance of a dot from theory: {worst:.1f}
standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Final error against alpha, error against time at alpha = 1/2, and error at the best time against the ratio.

    `data` plays no part.  Arrays `alpha` (points,), `final` (inrs, points), `time` (points,), `test` (inrs, points),
    `frozen` (inrs,), `inr` (points,), `best` (alphas, points), and of the dots `final_alpha` (dots,),
    `final_dot_test`, `_se`, `_z` (dots, inrs, 1), `dot_time` (dots,), `dot_test`, `_se`, `_z` (1, inrs, dots).
    """
    plan = SCALES[scale]
    inrs, alphas = np.array(INRS)[:, None], np.array(ALPHAS)[:, None]
    alpha = np.linspace(0.0, 2.5, plan["grid"] + 1)[1:]  # 1 is not among them at either scale
    time, dot_time = np.geomspace(EARLIEST, LATEST, plan["grid"]), np.geomspace(0.05, 400.0, plan["dots"])
    inr = np.geomspace(0.1, 300.0, plan["grid"])
    best_time = on_grid(linear_networks.optimal_time, alphas, SNR, inr)
    curve = on_grid(linear_networks.isotropic_flow, SHOWN, SNR, time, inrs)
    final = dots(plan["alphas"], SNR, [ENDLESS], INRS, plan["trials"], seed)
    arrays = {
        "alpha": alpha, "final": on_grid(linear_networks.isotropic_flow, alpha, SNR, np.inf, inrs)["test"], "time": time,
        "test": curve["test"], "frozen": curve["frozen"][:, 0], "inr": inr,
        "best": on_grid(linear_networks.isotropic_flow, alphas, SNR, best_time, inr)["test"],
        "final_alpha": np.array(plan["alphas"]), **{f"final_{name}": values for name, values in final.items()},
        "dot_time": dot_time, **dots([SHOWN], SNR, dot_time, INRS, plan["trials"], seed),
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "snr": SNR, "inrs": list(INRS),
        "shown": SHOWN, "alphas": list(ALPHAS), "inputs": INPUTS, "trials": plan["trials"], "largest_z": worst(arrays),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.0, 4.4)
        colours = graded(len(parameters["inrs"]))
        left, middle, right = axes[0]
        for i, colour in enumerate(colours):
            left.plot(arrays["alpha"], arrays["final"][i], color=colour)
            middle.plot(arrays["time"], arrays["test"][i], color=colour)
            middle.axhline(arrays["frozen"][i] + 1 / parameters["snr"], color=colour, ls=":", lw=1.2)
            drawn = {"fmt": "o", "color": colour, "mec": "white", "mew": 0.5, "lw": 1, "zorder": 3}
            final, final_se = (arrays[f"final_dot_test{suffix}"][:, i, 0] for suffix in ("", "_se"))
            left.errorbar(arrays["final_alpha"], final, final_se, **drawn)
            middle.errorbar(arrays["dot_time"], arrays["dot_test"][0, i], arrays["dot_test_se"][0, i], **drawn)
        for colour, line in zip(COLOURS, arrays["best"], strict=False):
            right.plot(arrays["inr"], line, color=colour)
        right.axvline(parameters["snr"], color="0.6", ls=":", lw=1.2)
        left.set(yscale="log", xlim=(0, 2.5), ylim=(0.2, 40), title="end of training", xlabel="samples per input α")
        middle.set(xscale="log", yscale="log", xlim=(EARLIEST, LATEST), ylim=(0.2, 40))
        middle.set(title=f"α = {parameters['shown']:g}", xlabel="training time t/τ")
        right.set(xscale="log", yscale="log", ylim=(0.2, 40), title="best stopping time", xlabel="INR")
        left.set_ylabel("test error")
        for ax in axes[0]:
            plain_log(ax.yaxis)
        ratios = [
            Line2D([], [], color=colour, marker="o", label=f"{inr:g}")
            for colour, inr in zip(colours, parameters["inrs"], strict=True)
        ]
        alphas = [
            Line2D([], [], color=colour, label=f"{alpha:g}")
            for colour, alpha in zip(COLOURS, parameters["alphas"], strict=False)
        ]
        legend(figure, {"INR (left, middle)": ratios, "α (right)": alphas})
    return figure
