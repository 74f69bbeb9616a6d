"""Spectra of the input correlations, and the learning curves they imply.

For the question of arXiv 1710.03667 (its figure of Marchenko-Pastur densities); the parameters are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.linear_networks import INPUTS, on_grid
from paper_figures.style import COLOURS, blank, legend, look
from rfgen.numerics import marchenko_pastur_density, marchenko_pastur_edges
from rfgen.systems import linear_networks

SNR, ALPHAS = 5.0, (0.5, 1.0, 2.0)
EARLIEST, LATEST = 0.02, 1000.0
HIGHEST, BINS = 6.0, 48
PARTS = {"frozen": COLOURS[5], "approximation": COLOURS[0], "overfitting": COLOURS[3], "noise": "0.92"}
LABELS = {
    "frozen": "frozen (eigenvalue 0)", "approximation": "not learned yet", "overfitting": "noise taken up",
    "noise": "label noise",
}

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "trials": 3},
    "paper": {"grid": 481, "trials": 100},
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667), parameters ours. Top: eigenvalues λ of the input correlations XX' of N inputs
of variance 1/N and P = αN samples; line: Marchenko-Pastur density; bars: {trials} sampled matrices of N = {inputs};
below α = 1 a share 1 - α of the eigenvalues is 0, drawn as a spike with its weight. Bottom: what they imply for the
test error of a linear network (signal-to-noise ratio {snr:g}, zero initial weights, weights of the teacher of variance
1) after a time t of gradient flow, in units of τ: a mode is learned at rate λ/τ, so the gap between 0 and the least
eigenvalue bounds the noise it can take up, and at α = 1 there is no gap. Exact theory computed by rfgen, the parts
stacked; white line with black edge: test error.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Density and sampled histogram of the eigenvalues, and the parts of the test error over time, for each alpha.

    `data` plays no part.  Arrays `eigenvalue`, `density` (alphas, points), `edges` (bins + 1,), `histogram` (alphas, bins),
    the density of the sampled eigenvalues that are not 0, `zeros` (alphas,), the share that is; `time` (points,), `test`
    and its parts (alphas, points).
    """
    simulated = linear_networks.simulate_isotropic_flow
    plan = SCALES[scale]
    alpha, time = np.array(ALPHAS), np.geomspace(EARLIEST, LATEST, plan["grid"])
    lower, upper = on_grid(marchenko_pastur_edges, alpha)
    # denser towards the edges, where the density has square roots
    angle = np.linspace(0.0, np.pi / 2, plan["grid"] + 2)[1:-1]
    eigenvalue = lower[:, None] + (upper - lower)[:, None] * np.sin(angle) ** 2
    edges = np.linspace(0.0, HIGHEST, BINS + 1)
    sampled = [
        simulated(INPUTS, round(a * INPUTS), SNR, [0.0], trials=plan["trials"], seed=seed).spectrum.ravel() for a in ALPHAS
    ]
    curve = on_grid(linear_networks.isotropic_flow, alpha[:, None], SNR, time)
    arrays = {
        "eigenvalue": eigenvalue, "density": on_grid(marchenko_pastur_density, eigenvalue, alpha[:, None]), "edges": edges,
        "histogram": np.array([np.histogram(x[x > 0], edges)[0] / (x.size * edges[1]) for x in sampled]),
        "zeros": np.array([np.mean(x == 0) for x in sampled]), "time": time, "test": curve["test"],
        **{part: curve[part] for part in PARTS},
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "snr": SNR,
        "alphas": list(ALPHAS), "inputs": INPUTS, "trials": plan["trials"],
    }
    return arrays, {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A column for each alpha: spectrum above, learning curve below."""
    with look():
        figure, axes = blank(2, len(parameters["alphas"]), 12.0, 6.4)
        for i, (top, bottom, alpha) in enumerate(zip(*axes, parameters["alphas"], strict=True)):
            _draw_spectrum(top, arrays, i)
            bottom.stackplot(arrays["time"], *(arrays[part][i] for part in reversed(PARTS)), colors=[*PARTS.values()][::-1])
            bottom.plot(arrays["time"], arrays["test"][i], color="k", lw=3)
            bottom.plot(arrays["time"], arrays["test"][i], color="white", lw=1.4)
            bottom.set(xscale="log", xlim=(EARLIEST, LATEST), ylim=(0, 2.0), xlabel="training time t/τ")
            top.set_title(f"α = {alpha:g}")
        axes[0, 0].set_ylabel("density of eigenvalues")
        axes[1, 0].set_ylabel("test error")
        spectrum = [
            Line2D([], [], color="k", label="Marchenko–Pastur"),
            Line2D([], [], color="0.75", lw=6, label=f"sampled, N = {parameters['inputs']}"),
        ]
        parts = [Line2D([], [], color=colour, lw=6, label=LABELS[part]) for part, colour in PARTS.items()]
        legend(figure, {"eigenvalues": spectrum, "parts of the test error": parts})
    return figure


def _draw_spectrum(ax: Any, arrays: dict[str, Any], i: int) -> None:
    ax.stairs(arrays["histogram"][i], arrays["edges"], fill=True, color="0.75")
    ax.plot(arrays["eigenvalue"][i], arrays["density"][i], color="k")
    zeros = float(arrays["zeros"][i])
    if zeros > 1e-3:  # at α = 1 one draw in many rounds its smallest to 0
        ax.annotate(
            f"share {zeros:.2g} at 0", (0.0, 1.12), (0.7, 1.08), fontsize="small", va="center",
            arrowprops={"arrowstyle": "-", "lw": 0},
        )
        ax.annotate("", (0.0, 1.16), (0.0, 0.0), arrowprops={"arrowstyle": "-|>", "lw": 2.2, "color": PARTS["frozen"]})
    ax.set(xlim=(-0.15, HIGHEST), ylim=(0, 1.2), xlabel="eigenvalue λ")
