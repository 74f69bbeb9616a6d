"""The overfitting coefficient of a dot-product kernel on the sphere against log n / log d: multiple descent.

For the question of arXiv 2306.13185.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import AGNOSTIC, risk_dots, worst
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look

WIDTH, DEGREES, EXPONENTS = 3.0, 8, (0.25, 3.4)
DIMS = (10, 30, 100, 1000)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "sizes": {10: (11, 65), 30: (31, 120)}, "trials": 5, "points": 300},
    "paper": {
        "grid": 401, "sizes": {10: (11, 25, 65, 130, 275), 30: (10, 31, 120, 495, 1500)}, "trials": 45, "points": 2000,
    },
}
CAPTION = """
{source} Kernel exp(-|x - x'|²/{twice:g}) on the unit sphere in d dimensions. E₀, the factor by which interpolation
multiplies pure noise, peaks where n passes the number of spherical harmonics up to a degree, n about d, d²/2, d³/6, and
falls in between: benign between the powers of d as d grows, while at each fixed d the limit of many samples is not. In
low dimensions simulations lie above theory near the peaks: at d = 10, n = 65 by 5.6 % (4.414 ± 0.059 against 4.182).
Theory of high dimensions computed by rfgen; dots: {trials} simulations each with points drawn on the sphere, bars: one
standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each dimension d: `exponent` log n/log d, `coefficient`, `peaks` (cumulative multiplicities), dots of some d."""
    plan, panels = SCALES[scale], {}
    for dim in DIMS:
        task = rg.Task.sphere(dim, rg.GaussianKernel(WIDTH), {}, 1.0, DEGREES, plan["points"])
        exponent = np.linspace(*EXPONENTS, plan["grid"])
        curve = rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=float(dim) ** exponent)
        dots = {}
        if dim in plan["sizes"]:
            dots = risk_dots(task, plan["sizes"][dim], plan["trials"], seed)
        panels[f"{dim}"] = {
            "exponent": exponent, "coefficient": curve.amplification.values,
            "peaks": np.log(np.cumsum(task.spectrum.multiplicity[:4])[1:]) / np.log(dim), **dots,
        }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "twice": 2 * WIDTH**2,
        "trials": plan["trials"], "largest_z": worst(panels),
    }
    text = CAPTION.format(source=AGNOSTIC, worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel, a curve for each dimension."""
    with look():
        figure, axes = blank(1, 1, 9.5, 4.6)
        ax = axes[0, 0]
        lines = []
        for dim, colour in zip(DIMS, graded(len(DIMS)), strict=True):
            at = select(arrays, f"{dim}")
            ax.plot(at["exponent"], at["coefficient"], color=colour)
            lines.append(Line2D([], [], color=colour, label=f"{dim}"))
            for peak in at["peaks"]:
                ax.plot([peak] * 2, [0.93, 0.985], color=colour, lw=1.5)
            if "dot" in at:
                ax.errorbar(np.log(at["dot_n"]) / np.log(dim), at["dot"], at["dot_se"], fmt="o", color=colour)
        ax.set(xlabel="log n / log d", ylabel="overfitting coefficient $E_0$", yscale="log", xlim=EXPONENTS, ylim=(0.93, 9))
        ax.set_yticks([1, 2, 5], ["1", "2", "5"])
        ax.minorticks_off()
        marks = [Line2D([], [], color="0.3", marker="|", ls="", ms=9, label="harmonics up to\ndegree 1, 2, 3")]
        legend(figure, {"dimension d": lines, "ticks": marks})
    return figure
