"""Excess risk of the minimum-norm interpolator between its effective-rank bounds.

For the question of arXiv 1906.11300, with the constants of `rfgen.theory.benign_bounds`.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import risk_dots, worst
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look
from rfgen.problems import spectral_tails
from rfgen.theory import benign_bounds

BETA, NOISE, TAU, FLOOR, MODES = 2.0, 1.0, 5.0, 1e-5, 200_000
# The bounds hold for every b > 1: the best of these at each n.
B = (1.2, 1.5, 2.0, 3.0, 5.0, 8.0)
INDEX = np.arange(1.0, MODES + 1.0)
PANELS: dict[str, tuple[str, Any, tuple[float, float]]] = {
    "1.5": ("$i^{-1}\\log^{-1.5}(i+1)$", lambda: rg.Spectrum.log_power_law(1.5), (5.0, 1e8)),
    "3": ("$i^{-1}\\log^{-3}(i+1)$", lambda: rg.Spectrum.log_power_law(3.0), (5.0, 1e8)),
    "floor": ("$e^{-i/5} + 10^{-5}$, 200,000 modes", lambda: rg.Spectrum(np.exp(-INDEX / TAU) + FLOOR), (5.0, 1.5e5)),
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 40, "sizes": (60,), "trials": 12},
    "paper": {"grid": 160, "sizes": (10, 30, 100, 300), "trials": 100},
}
CAPTION = """
After Bartlett, Long, Lugosi, Tsigler (arXiv 1906.11300); parameters ours. Excess test risk (label noise of variance
{noise:g} removed) of the minimum-norm interpolator, target power i^-{beta:g}. Solid: exact theory; dashed: its part from
label noise; band: upper and lower bounds of the excess risk by effective ranks, in the form of the papers, k*/n + n/R_k*
and the bias of arXiv 2009.14286, with our constants, the best over b of k* = min {{k: r_k ≥ b n}}; the upper bound is
infinite where the band is open. Right: the floor makes interpolation benign while n is far below the number of modes, and
not beyond. Theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot
from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each panel: `n`, `excess`, `noise` (its part from noise), `lower`, `upper` (1e9 for inf), and dots of `excess`."""
    plan, panels = SCALES[scale], {}
    for name, (_, build, (low, high)) in PANELS.items():
        spectrum = build()
        task = rg.Task(spectrum, spectrum.power_law_target(BETA), NOISE)
        n = np.geomspace(low, high, plan["grid"])
        curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n)
        lower, upper = _bounds(task, n)
        dots = risk_dots(task, plan["sizes"], plan["trials"], seed)
        dots["dot"] = dots["dot"] - NOISE
        panels[name] = {
            "n": n, "excess": curve.test.values - NOISE, "noise": curve.noise.values - NOISE, "lower": lower,
            "upper": np.minimum(upper, 1e9), **dots,
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "beta": BETA, "noise": NOISE,
        "b": list(B), "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _bounds(task: rg.Task, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest lower and the least upper bound of the excess risk over b."""
    with jax.enable_x64(True):
        tails = spectral_tails(task.spectrum, task.power[0])
        at = jax.jit(jax.vmap(lambda size, b: benign_bounds(tails, size, 0.0, NOISE, b), in_axes=(0, None)))
        found = [at(n, b) for b in B]
        lower = [np.asarray(each.variance_lower + each.bias_lower) for each in found]
        upper = [np.asarray(each.variance_upper + each.bias_upper) for each in found]
    return np.max(lower, axis=0), np.min(upper, axis=0)


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.3)
        for ax, (name, (title, *_)) in zip(axes[0], PANELS.items(), strict=True):
            at = select(arrays, name)
            lower = np.maximum(at["lower"], 1e-9)
            ax.fill_between(at["n"], lower, at["upper"], color=COLOURS[5], alpha=0.25, lw=0)
            for bound in (lower, np.where(at["upper"] < 1e8, at["upper"], np.nan)):
                ax.plot(at["n"], bound, color=COLOURS[5], lw=1.0)
            ax.plot(at["n"], at["excess"], color=COLOURS[0])
            ax.plot(at["n"], at["noise"], "--", color=COLOURS[0], lw=1.3)
            ax.errorbar(at["dot_n"], at["dot"], at["dot_se"], fmt="o", color=COLOURS[0])
            ax.set(xscale="log", yscale="log", xlabel="samples n", title=title, ylim=(3e-3, 30))
        axes[0, 0].set_ylabel("excess test risk")
        lines = [
            Line2D([], [], color=COLOURS[0], marker="o", label="exact"),
            Line2D([], [], color=COLOURS[0], ls="--", lw=1.3, label="from label noise"),
            Line2D([], [], color=COLOURS[5], lw=6, alpha=0.4, label="between bounds"),
        ]
        legend(figure, {"excess risk": lines})
    return figure
