"""Losses of the residual against laws of noise: what outliers cost, the best threshold, the worst."""

__all__ = ["compute", "draw", "least_of_the_worst"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log

DIM, SHARE, OUTLIERS, ROWS = 100, 0.1, 10.0, 400
RIDGES, LARGEST_RIDGE = 25, 1e4
SHARES, RATIOS, SHIFT = (0.01, 0.05, 0.1, 0.2), (2, 2, 3, 4), 1e3
LOSSES = ("least squares", "absolute", "Huber, threshold 1")
LAWS: dict[str, Any] = {
    "normal": None, "Laplace": rg.LaplaceNoise(), "tenth of outliers": rg.ContaminatedNoise(SHARE, OUTLIERS),
    "Student, 2 degrees": rg.StudentNoise(2.0),
}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 9, "sizes": (300,), "thresholds": (1.0,), "laws": 3, "worst": 2, "trials": 12},
    "paper": {
        "grid": 61, "sizes": (50, 100, 200, 400, 800, 1600), "thresholds": (0.3, 1.0, 3.0), "laws": 4, "worst": 4,
        "trials": 100,
    },
}
CAPTION = """
For the questions of arXiv 1301.7158 and 1503.02106, shares and ratios ours; closed minima of the second. Linear
regression of {dim} isotropic inputs, target of power 1, by losses of the residual. Left: noise N(0, 1), in a tenth of
the rows of deviation {outliers:g}; each loss at its best ridge; dashed: what no algorithm beats, on average over
targets. Middle: {rows} rows, no ridge, against the threshold of the Huber loss, which is least absolute deviations at
its small end and least squares at its large one (infinite for Student's noise); noise of unit scale. Right: no ridge, a
share of the rows spoilt as badly as can be (shifted by {shift:g}); rows times variance of a coefficient, in units of
the noise; squares: the least over all losses, 1/(I - p/n) with I the Fisher information of Huber's worst law (arXiv
1503.02106), {apart:.1e} from the least of the line at most. Lines: exact theory computed by rfgen; dots: {trials}
simulations each, bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def least_of_the_worst(share: float, ratio: float) -> float:
    """Donoho and Montanari: rows times the variance of a coefficient at the best loss and the worst outliers.

    >>> round(least_of_the_worst(0.05, 2.0), 9), round(least_of_the_worst(0.2, 4.0), 9)
    (3.377235781, 4.186370699)
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    edge = brentq(lambda k: 2 * norm.pdf(k) / k - 2 * norm.sf(k) - share / (1 - share), 1e-3, 10.0, xtol=1e-14)
    return float(1 / ((1 - share) * (2 * norm.cdf(edge) - 1) - 1 / ratio))


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels "losses", each name of LAWS and each of SHARES: `x`, `risk`, dots `dot_x`, `dot`, `dot_se`, `dot_z`."""
    del data
    plan, task, panels = SCALES[scale], rg.Task.isotropic(DIM), {}

    def dots(law: Any, training: Any, n: Any) -> dict[str, Any]:
        seen = check(law, rg.Learner(training), n=n, trials=plan["trials"], seed=seed, variables="excess").dataset
        names = {"dot": "simulation", "dot_se": "se", "dot_z": "z"}
        return {name: seen[f"excess_{own}"].values for name, own in names.items()}

    def excess(law: Any, training: Any, n: Any) -> np.ndarray:
        return rg.predict(law, rg.Learner(training), n=n).excess.values

    spoilt = rg.NoisyTask(task, LAWS["tenth of outliers"])
    n, ridges = np.geomspace(40, 2000, plan["grid"]).round(), np.geomspace(1.0, LARGEST_RIDGE, RIDGES)
    panels["best"] = {"x": n, "risk": rg.best_possible(spoilt, n).excess.values}
    for name, loss in zip(LOSSES, (rg.Ridge, rg.Absolute, rg.Huber), strict=True):
        sizes, own = list(plan["sizes"]), {"dot_x": plan["sizes"], "x": n}
        best = ridges[excess(spoilt, loss(ridges), sizes).argmin(axis=1)]
        seen = [dots(spoilt, loss(ridge), rows) for ridge, rows in zip(best, sizes, strict=True)]
        own |= {key: [one[key] for one in seen] for key in seen[0]}
        panels[name] = {"risk": excess(spoilt, loss(ridges), n).min(axis=1), **own}
    thresholds, drawn = np.geomspace(0.05, 20.0, plan["grid"]), list(plan["thresholds"])
    for name, law in list(LAWS.items())[: plan["laws"]]:
        posed = task.with_noise(1.0) if law is None else rg.NoisyTask(task, law)
        panels[name] = {
            "x": thresholds, "risk": excess(posed, rg.Huber(0.0, thresholds), ROWS), "dot_x": drawn,
            **dots(posed, rg.Huber(0.0, drawn), ROWS),
        }
    apart, fine = [], np.geomspace(0.2, 4.0, 4 * plan["grid"])
    for share, ratio in list(zip(SHARES, RATIOS, strict=True))[: plan["worst"]]:
        posed = rg.NoisyTask(task, rg.ContaminatedNoise(share, outliers=0.0, shift=SHIFT))
        line, least = ratio * excess(posed, rg.Huber(0.0, fine), ratio * DIM), least_of_the_worst(share, ratio)
        apart.append(abs(float(line.min()) / least - 1.0))
        seen = dots(posed, rg.Huber(0.0, drawn), ratio * DIM)
        panels[f"{share:g}"] = {
            "x": fine, "risk": line, "dot_x": drawn, "dot": ratio * seen["dot"], "dot_se": ratio * seen["dot_se"],
            "dot_z": seen["dot_z"], "least_x": fine[line.argmin()], "least": least,
        }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values() if "dot_z" in one)
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": DIM,
        "outliers": OUTLIERS, "rows": ROWS, "shift": SHIFT, "trials": plan["trials"], "apart": max(apart),
        "laws": list(LAWS)[: plan["laws"]], "largest_z": worst,
        "worst_laws": [list(one) for one in list(zip(SHARES, RATIOS, strict=True))[: plan["worst"]]],
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 14.0, 4.4)
        losses = _lines(axes[0, 0], arrays, LOSSES, COLOURS)
        best = select(arrays, "best")
        axes[0, 0].plot(best["x"], best["risk"], color="0.3", ls="--")
        losses.append(Line2D([], [], color="0.3", ls="--", label="best possible"))
        axes[0, 0].set(xlabel="rows", ylabel="excess risk", title="a tenth of outliers")
        laws = _lines(axes[0, 1], arrays, parameters["laws"], graded(len(parameters["laws"])))
        axes[0, 1].set(xlabel="threshold", ylabel="excess risk", title="laws of noise")
        worst = parameters["worst_laws"]
        shares = _lines(axes[0, 2], arrays, [f"{share:g}" for share, _ in worst], graded(len(worst)))
        for (share, ratio), colour, entry in zip(worst, graded(len(worst)), shares, strict=True):
            at = select(arrays, f"{share:g}")
            axes[0, 2].plot(at["least_x"], at["least"], "s", color=colour, mfc="white", ms=7, zorder=4)
            entry.set_label(f"{share:g}, n = {ratio:g} p")
        axes[0, 2].set(xlabel="threshold", ylabel="rows × variance", title="the worst outliers")
        for ax in axes[0]:
            ax.set(xscale="log", yscale="log")
            plain_log(ax.yaxis)
        plain_log(axes[0, 0].xaxis)
        plain_log(axes[0, 1].xaxis, (1.0,))
        plain_log(axes[0, 2].xaxis)
        known = Line2D([], [], color="0.3", ls="", marker="s", mfc="white", ms=7, label="closed minimum")
        legend(figure, {"loss": losses, "noise": laws, "spoilt share": [*shares, known]})
    return figure


def _lines(ax: Any, arrays: dict[str, Any], names: Any, colours: Any) -> list[Line2D]:
    for name, colour in zip(names, colours, strict=False):
        at = select(arrays, name)
        ax.plot(at["x"], at["risk"], color=colour)
        ax.errorbar(at["dot_x"], at["dot"], at["dot_se"], fmt="o", color=colour)
    return [Line2D([], [], color=colour, label=name) for name, colour in zip(names, colours, strict=False)]
