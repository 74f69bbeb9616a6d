"""When to stop training a linear network, what it gains, and what the best ridge gains beyond it.

For the question of arXiv 1710.03667; the grid of its published maps, the quantities shown are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.linear_networks import on_grid
from paper_figures.style import blank, look
from rfgen.systems import linear_networks

# The published grid: snr 10^(-2:0.1:3), alpha 0.1:0.1:5.
DECADES = (-2.0, 3.0)

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"snr": 26, "alpha": (0.2, 5.0, 25)},
    "paper": {"snr": 51, "alpha": (0.1, 5.0, 50)},
}

CAPTION = """
After Advani and Saxe (arXiv 1710.03667); the grid is that of the paper, the quantities shown are ours: linear network,
zero initial weights, P = αN samples. Left: the best training time, in units of τ. Middle: share of the final test error
that stopping then saves (all of it at α = 1, where the final error is infinite). Right: what the best ridge saves of the
error at the best stopping time, at most {most:.2g} %: early stopping is nearly as good as the best ridge regression.
Exact theory computed by rfgen, label noise included in the errors; white lines: levels, marked in the colour bars.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Best time, and the shares saved by stopping then and by the best ridge, over snr and alpha.

    `data` and `seed` play no part.  Arrays `snr` (columns,), `alpha` (rows,), `time`, `saved`, `ridge_saved` (both).
    """
    plan = SCALES[scale]
    snr, alpha = np.logspace(*DECADES, plan["snr"]), np.linspace(*plan["alpha"])
    # the rounded 1.0 of the published grid is the peak itself
    alpha = np.where(np.abs(alpha - 1.0) < 1e-9, 1.0, alpha)
    time = on_grid(linear_networks.optimal_time, alpha[:, None], snr)
    stopped, final = (on_grid(linear_networks.isotropic_flow, alpha[:, None], snr, t)["test"] for t in (time, np.inf))
    ridge = on_grid(linear_networks.optimal_ridge, alpha[:, None], snr)["test"]
    arrays = {"snr": snr, "alpha": alpha, "time": time, "saved": 1 - stopped / final, "ridge_saved": 1 - ridge / stopped}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "initial_to_noise": 0.0,
        "most": 100 * float(arrays["ridge_saved"].max()),
    }
    return arrays, {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three maps."""
    with look():
        figure, axes = blank(1, 3, 13.0, 4.2)
        maps = (
            ("best training time", "t/τ", arrays["time"], LogNorm(), (0.1, 1, 10, 100)),
            ("saved by stopping in time", "share of the final error", arrays["saved"], None, (0.1, 0.5)),
            ("saved further by the best ridge", "%", 100 * arrays["ridge_saved"], None, (0.1, 0.5, 1.0)),
        )
        for ax, (title, unit, values, norm, levels) in zip(axes[0], maps, strict=True):
            shown = ax.pcolormesh(arrays["snr"], arrays["alpha"], values, norm=norm, cmap="viridis", shading="nearest")
            lines = ax.contour(arrays["snr"], arrays["alpha"], values, levels, colors="white", linewidths=0.9)
            figure.colorbar(shown, ax=ax, label=unit).add_lines(lines)
            ax.set(xscale="log", title=title, xlabel="signal-to-noise ratio")
        axes[0, 0].set_ylabel("samples per input α")
    return figure
