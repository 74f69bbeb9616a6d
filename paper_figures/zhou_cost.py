"""The cost of overfitting against n: tempered, benign and catastrophic spectra, below the coefficient and its bound.

For the question of arXiv 2306.13185.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import AGNOSTIC, cost_dots, pure_noise, risk_dots, worst
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look

# Spectrum, target exponent, noise, largest n of the lines and dots.  Beyond n = 150 the eigenvalues of the exponential
# spectrum are below the rounding of the kernel matrix, which then acts as a ridge on the simulated fit.
BETA, NOISE = 1.6, 0.3
SPECTRA = {
    "power": ("power law $i^{-1.5}$: tempered", lambda: rg.Spectrum.power_law(1.5), 1e5, 1000),
    "log power": ("log power law $1/(i\\,\\log^2 (i+1))$: benign", lambda: rg.Spectrum.log_power_law(2.0), 1e5, 1000),
    "exponential": ("exponential $e^{-i/10}$: catastrophic", lambda: rg.Spectrum.exponential(0.1), 400.0, 120),
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 16, "sizes": (30,), "trials": 16},
    "paper": {"grid": 81, "sizes": (8, 16, 30, 60, 100, 300, 1000), "trials": 100},
}
CAPTION = """
{source} Ridge regression, target power i^-{beta:g}, infinitely many modes. Cost of overfitting: test risk of the
ridgeless solution over that of the best ridge, for label noise of variance {noise:g}. Dashed: the overfitting
coefficient E₀, which no target exceeds and pure noise attains. Dotted: its bound by effective ranks, where there is one
(for the exponential spectrum only at small n). Grey: the limit of E₀. Exact theory computed by rfgen; dots: {trials}
simulations each run by rfgen, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard
errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each panel: `n`, `cost`, `coefficient`, `bound`, `limit` (1e9 for inf), and dots; `data` plays no part.

    Dots `cost_dot`, `noise_dot` with `_n`, `_se`, `_z`.
    """
    plan, panels = SCALES[scale], {}
    for name, (_, build, largest, drawn) in SPECTRA.items():
        spectrum = build()
        task = rg.Task(spectrum, spectrum.power_law_target(BETA), NOISE)
        n = np.geomspace(2.0, largest, plan["grid"])
        at = rg.overfitting_cost(task, n)
        sizes = [size for size in plan["sizes"] if size <= drawn]
        # inf is written as a number that no axis shows
        bound, limit = np.minimum(at.bound.values, 1e9), min(at.attrs["limit"], 1e9)
        panels[name] = {
            "n": n, "cost": at.cost.values, "coefficient": at.overfitting_coefficient.values,
            "bound": bound, "limit": limit,
            **cost_dots(task, sizes, plan["trials"], seed, "cost_dot"),
            **risk_dots(pure_noise(spectrum), sizes, plan["trials"], seed, "noise_dot"),
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "beta": BETA, "noise": NOISE,
        "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(source=AGNOSTIC, worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.3)
        for ax, (name, (title, *_)) in zip(axes[0], SPECTRA.items(), strict=True):
            at = select(arrays, name)
            ax.axhline(at["limit"], color="0.75", lw=1.2, zorder=0)
            ax.plot(at["n"], at["cost"], color=COLOURS[0])
            ax.plot(at["n"], at["coefficient"], "--", color=COLOURS[4])
            ax.plot(at["n"], np.where(at["bound"] < 1e8, at["bound"], np.nan), ":", color="0.35")
            for dots, colour in (("cost_dot", COLOURS[0]), ("noise_dot", COLOURS[4])):
                ax.errorbar(at[f"{dots}_n"], at[dots], at[f"{dots}_se"], fmt="o", color=colour)
            top = 60.0 if name == "exponential" else 1.0 + 1.15 * float(at["coefficient"].max() - 1.0)
            ax.set(xscale="log", xlabel="samples n", title=title, ylim=(0.9, top))
            if name == "exponential":
                ax.set_yscale("log")
        axes[0, 0].set_ylabel("risk at ridge 0 / least risk")
        lines = [
            Line2D([], [], color=COLOURS[0], marker="o", label=f"cost, noise {parameters['noise']:g}"),
            Line2D([], [], color=COLOURS[4], ls="--", marker="o", label="$E_0$ (pure noise)"),
            Line2D([], [], color="0.35", ls=":", label="effective-rank bound"),
            Line2D([], [], color="0.75", lw=1.2, label="limit of $E_0$"),
        ]
        legend(figure, {"lines and dots": lines})
    return figure
