"""Three regimes of interpolation: benign, tempered and catastrophic, as learning curves and as fits of noise on a circle.

For the question of arXiv 2207.06569.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import risk_dots, worst
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look

BETA, NOISE, POINTS = 2.0, 1.0, 12
# Spectrum, largest n of the line and of the dots.
REGIMES: dict[str, tuple[str, Any, float, int]] = {
    "benign": ("$i^{-1}\\log^{-1.2}(i+1)$", lambda: rg.Spectrum.log_power_law(1.2), 1e6, 1000),
    "tempered": ("$i^{-2}$", lambda: rg.Spectrum.power_law(2.0), 1e6, 1000),
    "catastrophic": ("$e^{-i/10}$", lambda: rg.Spectrum.exponential(0.1), 300.0, 120),
}
SHADES = (COLOURS[2], COLOURS[0], COLOURS[4])
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 60, "sizes": (10, 60), "trials": 12},
    "paper": {"grid": 200, "sizes": (10, 20, 40, 80, 120, 300, 1000), "trials": 100},
}
CAPTION = """
After Mallinar et al. (arXiv 2207.06569); parameters ours. Left: test risk of ridgeless regression over the label noise
(variance {noise:g}), target power i^-{beta:g}; benign tends to 1, tempered to a constant (2 here), catastrophic to
infinity. Exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error; largest distance of
a dot from theory: {worst:.1f} standard errors. Right: minimum-norm interpolants of the same {points} noisy labels of
the target 0 at points of a circle; kernels with such eigenvalues (catastrophic: e^-j/0.8) on the Fourier modes j = 1,
2, ... and a constant one. Benign: a spike at each point, near the target elsewhere; catastrophic runs away between
points.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each regime: `n`, `ratio` of risk to noise, dots of it, and of the fits `x`, `fit`; "points": `x`, `y`."""
    plan, panels = SCALES[scale], {}
    random = np.random.default_rng(seed + 3)
    x = (np.arange(POINTS) + random.uniform(0.05, 0.95, POINTS)) / POINTS
    y = random.standard_normal(POINTS)
    grid = np.sort(np.append(np.linspace(0.0, 1.0, 20 * plan["grid"] + 1), x))
    for name, (_, build, largest, drawn) in REGIMES.items():
        spectrum = build()
        task = rg.Task(spectrum, spectrum.power_law_target(BETA), NOISE)
        n = np.geomspace(3.0, largest, plan["grid"])
        curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n)
        dots = risk_dots(task, [size for size in plan["sizes"] if size <= drawn], plan["trials"], seed)
        fit = _interpolant(name, x, y, grid)
        panels[name] = {"n": n, "ratio": curve.test.values / NOISE, **dots, "x": grid, "fit": fit}
    panels["points"] = {"x": x, "y": y}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "beta": BETA, "noise": NOISE,
        "points": POINTS, "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _interpolant(name: str, x: np.ndarray, y: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """The minimum-norm interpolant at `grid`, of the kernel sum_j lambda_j cos(2 pi j (x - x')) on the circle."""
    fine = 1 << 16
    j = np.arange(1.0, fine // 2)
    laws = {"benign": 1 / (j * np.log1p(j) ** 1.2), "tempered": j**-2.0, "catastrophic": np.exp(-j / 0.8)}
    # wide sums by one Fourier transform: the kernel on a fine circle, read off at differences of the grid
    coefficients = np.concatenate([[1.0], laws[name] / 2.0, [0.0]])
    kernel = np.fft.irfft(coefficients, fine) * fine
    if name == "benign":  # higher frequencies are not seen between the points of the fine circle
        kernel[0] += np.log(fine / 2) ** -0.2 / 0.2

    def between(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return kernel[np.round((left[:, None] - right) * fine).astype(int) % fine]

    return between(grid, x) @ np.linalg.solve(between(x, x), y)


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel of learning curves, three of fits."""
    with look():
        figure, axes = blank(1, 4, 15.0, 4.1)
        lines = []
        points = select(arrays, "points")
        for ax, (name, (law, *_)), colour in zip(axes[0, 1:], REGIMES.items(), SHADES, strict=True):
            at = select(arrays, name)
            axes[0, 0].plot(at["n"], at["ratio"], color=colour)
            axes[0, 0].errorbar(at["dot_n"], at["dot"] / parameters["noise"], at["dot_se"], fmt="o", color=colour)
            ax.axhline(0.0, color="0.75", lw=1)
            ax.plot(at["x"], at["fit"], color=colour, lw=1.2)
            ax.plot(points["x"], points["y"], "o", color="0.2")
            ax.set(title=name, xlabel="x", xlim=(0, 1), ylim=(-3, 3))
            lines.append(Line2D([], [], color=colour, marker="o", label=law))
        axes[0, 0].axhline(1.0, color="0.75", lw=1, zorder=0)
        axes[0, 0].set(xscale="log", yscale="log", xlabel="samples n", ylabel="test risk / noise", ylim=(0.9, 40))
        axes[0, 0].set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
        axes[0, 0].minorticks_off()
        axes[0, 1].set_ylabel("fit")
        legend(figure, {"eigenvalues": lines})
    return figure
