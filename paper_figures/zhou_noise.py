"""The cost of overfitting against label noise: 1 for easy targets, the coefficient for pure noise, never above.

For the question of arXiv 2306.13185; the limiting curves are those of `rfgen.theory.power_law_fitting`.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import AGNOSTIC, coefficient, cost_dots, worst
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, legend, look
from rfgen.theory import interpolation_threshold, power_law_fitting

ALPHA, BETAS, N, RANGE = 1.5, (1.2, 2.0, 3.0), 100, (1e-2, 1e4)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 13, "dots": (3.0, 100.0), "trials": 12},
    "paper": {"grid": 97, "dots": (0.03, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0), "trials": 200},
}
CAPTION = """
{source} Eigenvalues i^-{alpha:g}, target power i^-β, infinitely many modes, n = {n}. Cost of overfitting against the
variance of the label noise, relative to the noiseless risk at ridge 0. Solid: exact theory at n; dotted: its limit of
many samples; dashed: the overfitting coefficient E₀ = {coefficient:.3f} at this n, attained by pure noise. Ticks at the
bottom: the noise up to which no ridge does better than interpolation, (β - α)/(α (α - 1)), for β > α. Theory computed by
rfgen; dots: {trials} simulations each at ridge 0 and the best ridge, bars: one standard error. Largest distance of a dot
from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each β: `noise` (relative), `cost`, `limit` (many samples), `threshold`, dots at noise `dot_noise`."""
    plan, panels = SCALES[scale], {}
    relative = np.geomspace(*RANGE, plan["grid"])
    for beta in BETAS:
        clean = rg.Task.power_law(ALPHA, beta)
        unit = float(rg.predict(clean, rg.Learner(rg.Ridge(0.0)), n=N).test)
        # one output for each noise: one task, solved at once
        outputs = rg.Task(
            clean.spectrum, np.repeat(clean.power, relative.size, axis=0), relative * unit, keep_outputs=True
        )
        with jax.enable_x64(True):
            limit = jax.vmap(lambda s, beta=beta: power_law_fitting(ALPHA, beta, s).cost)(relative)
        dots = [cost_dots(clean.with_noise(one * unit), [N], plan["trials"], seed) for one in plan["dots"]]
        panels[f"{beta:g}"] = {
            "noise": relative, "cost": rg.overfitting_cost(outputs, n=N).cost.values, "limit": np.asarray(limit),
            "threshold": interpolation_threshold(ALPHA, beta), "dot_noise": plan["dots"],
            **{key: np.concatenate([each[key] for each in dots]) for key in ("dot", "dot_se", "dot_z")},
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "alpha": ALPHA, "n": N,
        "coefficient": float(coefficient(rg.Spectrum.power_law(ALPHA), float(N))), "trials": plan["trials"],
        "largest_z": worst(panels),
    }
    text = CAPTION.format(source=AGNOSTIC, worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel, a curve for each target."""
    with look():
        figure, axes = blank(1, 1, 9.0, 4.6)
        ax = axes[0, 0]
        lines = []
        for beta, colour in zip(BETAS, COLOURS, strict=False):
            at = select(arrays, f"{beta:g}")
            ax.plot(at["noise"], at["cost"], color=colour)
            ax.plot(at["noise"], at["limit"], ":", color=colour, lw=1.4)
            ax.errorbar(at["dot_noise"], at["dot"], at["dot_se"], fmt="o", color=colour)
            if at["threshold"] > 0:
                ax.plot([at["threshold"]] * 2, [0.98, 0.993], color=colour, lw=2.5)
            lines.append(Line2D([], [], color=colour, label=f"β = {beta:g}"))
        ax.axhline(parameters["coefficient"], color="0.3", ls="--", lw=1.2)
        ax.set(xscale="log", xlabel="noise variance / noiseless ridgeless risk", ylabel="cost of overfitting", xlim=RANGE)
        ax.set_ylim(0.98, 1.56)
        styles = [
            Line2D([], [], color="0.3", marker="o", label=f"n = {parameters['n']}"),
            Line2D([], [], color="0.3", ls=":", label="many samples"),
            Line2D([], [], color="0.3", ls="--", lw=1.2, label="$E_0$"),
        ]
        legend(figure, {"target": lines, "curves": styles})
    return figure
