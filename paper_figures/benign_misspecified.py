"""Least squares on some of the inputs that matter: parameters that are not seen act as label noise.

After the misspecified model of arXiv 1903.08560, with its decay of what is not seen; sizes known in part.
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

N, NOISE, SIGNAL, DECAYS, RANGE = 200, 1.0, 5.0, (0.5, 1.0, 2.0, 5.0), (0.1, 10.0)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"ratios": (0.5, 3.0), "trials": 24, "step": 1.15},
    "paper": {"ratios": (0.1, 0.2, 0.4, 0.6, 0.8, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0), "trials": 50, "step": 1.02},
}
CAPTION = """
After Hastie, Montanari, Rosset, Tibshirani (arXiv 1903.08560), misspecified model, parameters known in part: isotropic
inputs, n = {n}, noise variance {noise:g}, signal of power {signal:g} over infinitely many inputs, of which the first P =
γ n are seen; what is not seen has the power {signal:g} (1 + γ)^-a. Excess test risk of least squares, of minimum norm for
γ > 1 (left), and of ridge regression at the best ridge (right), with what is not seen counted; dashed: that part alone.
Grey: predicting zero. At ridge 0 the least risk lies beyond γ = 1 where the signal decays slowly, below it where it
decays fast; the best ridge takes the peak away. Lines: exact theory computed by rfgen; dots: {trials} simulations each,
bars: one standard error. Largest distance of a dot from theory: {largest_z:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each decay "0" to "3": `gamma`, `plain`, `best`, `unseen`, and dots of both risks; `data` plays no part."""
    plan = SCALES[scale]
    dims = line_dims(N, RANGE, plan["step"])
    lines = [_exact(int(dim)) for dim in dims]
    drawn = [dots(*_posed(round(ratio * N)), N, NOISE, plan["trials"], seed) for ratio in plan["ratios"]]
    panels = {
        f"{number}": {
            "gamma": dims / N, **{key: [line[key][number] for line in lines] for key in lines[0]},
            "dot_gamma": plan["ratios"], **{key: [dot[key][number] for dot in drawn] for key in drawn[0]},
        }
        for number in range(len(DECAYS))
    }
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "noise": NOISE,
        "signal": SIGNAL, "decays": list(DECAYS), "trials": plan["trials"], "largest_z": worst(panels),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def _unseen(dim: int) -> np.ndarray:
    return SIGNAL * (1.0 + dim / N) ** -np.array(DECAYS)


def _posed(dim: int) -> tuple[rg.Task, rg.Learner]:
    """One task whose outputs are the decays; ridge 0, then the best ridge of each.  The test risk has the unseen part."""
    unseen = _unseen(dim)
    task = rg.Task(rg.Spectrum.isotropic(dim), (SIGNAL - unseen)[:, None], NOISE + unseen, keep_outputs=True)
    return task, rg.Learner(rg.Ridge([0.0, *(dim * (NOISE + unseen) / (SIGNAL - unseen))]))


def _exact(dim: int) -> dict[str, np.ndarray]:
    test = rg.predict(*_posed(dim), n=N).test.values - NOISE
    return {"plain": test[0], "best": np.diagonal(test[1:]), "unseen": _unseen(dim)}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Left ridge 0, right the best ridge."""
    with look():
        figure, axes = blank(1, 2, 11.0, 4.4)
        lines = []
        colours = graded(len(parameters["decays"]))
        for number, (decay, colour) in enumerate(zip(parameters["decays"], colours, strict=True)):
            at = select(arrays, f"{number}")
            for ax, name in zip(axes[0], ("plain", "best"), strict=True):
                for part in (at["gamma"] < 1.0, at["gamma"] > 1.0) if name == "plain" else (at["gamma"] > 0.0,):
                    ax.plot(at["gamma"][part], at[name][part], color=colour)
                ax.plot(at["gamma"], at["unseen"], "--", color=colour, lw=1.0)
                ax.errorbar(at["dot_gamma"], at[f"{name}_dot"], at[f"{name}_dot_se"], fmt="o", color=colour)
            lines.append(Line2D([], [], color=colour, marker="o", label=f"a = {decay:g}"))
        for ax, title in zip(axes[0], ("ridge 0", "best ridge"), strict=True):
            ax.axhline(parameters["signal"], color="0.7", lw=1.0, zorder=0)
            ax.axvline(1.0, color="0.85", lw=1, zorder=0)
            ax.set(xscale="log", xlabel="inputs seen per sample γ", title=title, ylim=(0.0, 9.0))
        axes[0, 0].set_ylabel("excess test risk")
        marks = [
            Line2D([], [], color="0.3", ls="--", lw=1.0, label="not seen"),
            Line2D([], [], color="0.7", lw=1.0, label="zero"),
        ]
        legend(figure, {"decay": lines, "marks": marks})
    return figure
