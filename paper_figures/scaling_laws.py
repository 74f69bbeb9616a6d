"""Phases of one pass of SGD on power-law random features, the envelope of loss against compute, and a fit that misleads.

The question and the closed exponents are those of the paper; parameters are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.style import COLOURS, blank, graded, legend, look
from rfgen.theory import FeatureModes, scaling_exponents, step_transform

RATE, BATCH = 0.3, 1
# Where exponents are measured, and at which compute.
PAIRS = ((1.5, 1.8), (2.0, 2.6), (2.5, 3.0), (1.5, 2.7), (2.0, 3.6), (2.5, 4.5), (1.5, 4.0), (2.0, 5.0))
LATE = 1e12
# The law of the envelope.
LAW = (1.5, 1.8)
# Laws that are fitted: alpha, beta, noise; their batch and the errors of their losses.
FITTED = {"A": (1.5, 1.9, 0.02), "B": (1.6, 3.2, 1e-3)}
FITTED_BATCH, ERROR = 4, 0.01
PHASES = {"Ia": COLOURS[5], "II": COLOURS[2], "III": COLOURS[0]}

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"pairs": 3, "budgets": 12, "curves": 5, "last": 9.0},
    "paper": {"pairs": 8, "budgets": 60, "curves": 9, "last": 11.0},
}

CAPTION = """
Parameters ours. One pass of stochastic gradient descent at rate {rate:g} on k random features of an infinite power law,
eigenvalues i^-α, target power i^-β, without label noise, batches of {batch}; compute is k times steps times batch.
Left: the phases of the paper in which α > 1; at each dot the local exponent of the least loss at compute {late:.0e},
and in brackets its limit. Largest distance of the two: {farthest:.3f}. Middle: exact loss against compute at {curves}
widths (α = {alpha:g}, β = {beta:g}), their envelope (black), and the limit of its slope (dashed). Right: least loss at
given compute as predicted from 50 losses (5 widths from 30 to 3000, 10 times up to 30000, batches of {fitted_batch},
label noise, errors of {percent:g} %) over the true one: fit of the exact curve, and of E + A/k^a + B/n^b, whose misfits
are {misfits}, where 45 is right. All lines: exact theory computed by rfgen.
"""


def _phases(pairs: int) -> dict[str, np.ndarray]:
    """At pairs (alpha, beta): the local exponent of the least loss at `LATE`, and its limit."""
    chosen = np.array(PAIRS)[np.linspace(0, len(PAIRS) - 1, pairs).round().astype(int)]
    found = [
        rg.compute_frontier(
            rg.Task.power_law(*pair), rg.OnePassSGD(RATE, 1, BATCH), np.geomspace(1e3, 3e7, 12), LATE
        ) for pair in chosen
    ]
    local = np.array([float(best.loss_exponent) for best in found])
    return {"pairs": chosen, "local": local, "limit": np.array([best.attrs["loss_limit"] for best in found])}


def _envelope(curves: int, budgets: int, last: float) -> dict[str, dict[str, np.ndarray]]:
    """Losses of single widths over compute, and the least."""
    task, widths = rg.Task.power_law(*LAW), np.geomspace(30, 3e4, curves).round()
    modes = FeatureModes.of(task.modes, widths)
    compute = np.geomspace(1e4, 10.0**last, budgets)
    best = rg.compute_frontier(task, rg.OnePassSGD(RATE, 1, BATCH), np.geomspace(5, 3e5, 16), compute)
    panels = {"envelope": {"compute": compute, "loss": best.loss.values, "width": best.width.values}}
    for width in widths:
        steps = np.unique((np.geomspace(1e4, 10.0**last, 60) / (width * BATCH)).round().astype(int))
        steps = steps[steps >= 1]
        curve = step_transform(modes, np.array([width]), np.array([RATE]), np.array([float(BATCH)]), steps[None] * 1.0)
        panels[f"width {width:g}"] = {"compute": steps * width * BATCH, "loss": curve.signal[0, 0]}
    return panels


def _misled(law: tuple[float, float, float], last: float, seed: int) -> dict[str, Any]:
    """Least loss over compute: true, from the exact fit, from the three terms."""
    alpha, beta, noise = law
    widths, steps = np.geomspace(30, 3000, 5).round(), np.geomspace(30, 3e4, 10).round().astype(int)
    task = rg.Task.power_law(alpha, beta, noise)
    exact = rg.predict(task, rg.Learner(rg.OnePassSGD(RATE, steps, FITTED_BATCH), features=widths)).test.values
    losses = exact * np.exp(ERROR * np.random.default_rng(seed).normal(size=exact.shape))
    fit = rg.fit_scaling_law(losses, k=widths[:, None], t=steps, batch=FITTED_BATCH, errors=ERROR * losses)
    compute = np.geomspace(1e6, 10.0**last, 16)
    wide = np.geomspace(10, 10.0 ** (0.6 * last), 18)
    true = rg.compute_frontier(task, rg.OnePassSGD(RATE, 1, FITTED_BATCH), wide, compute)
    own = {str(name): float(value) for name, value in zip(fit.parameter.values, fit.estimate.values, strict=True)}
    again = rg.Task.power_law(own["alpha"], own["beta"], own["noise"] / own["scale"])
    found = rg.compute_frontier(again, rg.OnePassSGD(own["rate"], 1, FITTED_BATCH), wide, compute)
    fitted = own["scale"] * found.loss.values
    floor, width, a, length, b = fit.three_terms.values
    fine = np.geomspace(10, 10.0 ** (0.9 * last), 2000)[:, None]
    terms = floor + width / fine**a + length / (compute / fine) ** b
    return {
        "compute": compute, "true": true.loss.values, "fitted": fitted, "three": terms.min(axis=0),
        "true_width": true.width.values, "three_width": fine[terms.argmin(axis=0), 0],
        "misfits": np.array([float(fit.chi2), float(fit.three_terms_chi2)]),
    }


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exponents at points of the phases, losses over compute, and what two fits predict.

    `data` plays no part.  Keys "PANEL.NAME": "phases" with `pairs`, `local`, `limit`; "envelope", "width ..." with
    `compute`, `loss`; "A", "B" with `compute`, `true`, `fitted`, `three` and the widths.
    """
    plan = SCALES[scale]
    panels: dict[str, dict[str, Any]] = {"phases": _phases(plan["pairs"])}
    panels |= _envelope(plan["curves"], plan["budgets"], plan["last"])
    panels |= {name: _misled(law, plan["last"], seed) for name, law in FITTED.items()}
    farthest = float(np.abs(panels["phases"]["local"] - panels["phases"]["limit"]).max())
    misfits = " and ".join(f"{panels[name]['misfits'][1]:.0f} ({name})" for name in FITTED)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "rate": RATE, "batch": BATCH,
        "late": LATE, "alpha": LAW[0], "beta": LAW[1], "fitted": {name: list(law) for name, law in FITTED.items()},
        "fitted_batch": FITTED_BATCH, "percent": 100.0 * ERROR, "curves": plan["curves"], "farthest": farthest,
        "misfits": misfits,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Phases, envelope, and what fits predict."""
    with look():
        figure, axes = blank(1, 3, 15.5, 5.4)
        left, middle, right = axes[0]
        alpha = np.linspace(1.05, 2.8, 100)
        edges = {"Ia": (1.0 + 0.0 * alpha, alpha + 1.0), "II": (alpha + 1.0, np.maximum(2.0 * alpha, alpha + 1.0)),
                 "III": (np.maximum(2.0 * alpha, alpha + 1.0), 6.5 + 0.0 * alpha)}
        for name, (low, high) in edges.items():
            left.fill_between(alpha, low, high, color=PHASES[name], alpha=0.45, lw=0)
        panel = select(arrays, "phases")
        for (a, b), local, limit in zip(panel["pairs"], panel["local"], panel["limit"], strict=True):
            left.plot(a, b, "ko", ms=5)
            text = f"{local:.3f} ({limit:.3f})"
            left.annotate(text, (a, b), (0, 5), textcoords="offset points", ha="center", fontsize="small")
        left.set(xlim=(1.05, 2.8), ylim=(1.0, 6.5), xlabel="α", ylabel="β", title="exponent of the least loss")
        widths = [key.removesuffix(".loss") for key in arrays if key.startswith("width ") and key.endswith(".loss")]
        widths.sort(key=lambda key: float(key.removeprefix("width ")))
        for key, colour in zip(widths, graded(len(widths)), strict=True):
            one = select(arrays, key)
            middle.plot(one["compute"], one["loss"], color=colour, lw=1.2)
        least = select(arrays, "envelope")
        middle.plot(least["compute"], least["loss"], color="k", lw=2.2)
        slope = scaling_exponents.phase(parameters["alpha"], parameters["beta"]).loss
        middle.plot(
            least["compute"], 0.8 * least["loss"][-1] * (least["compute"] / least["compute"][-1]) ** -slope, "k--", lw=1
        )
        middle.set(xscale="log", yscale="log", xlabel="compute", ylabel="loss", ylim=(0.5 * least["loss"][-1], 3.0))
        middle.set_title(f"α = {parameters['alpha']:g}, β = {parameters['beta']:g}")
        for name, colour in zip(parameters["fitted"], (COLOURS[0], COLOURS[1]), strict=True):
            one = select(arrays, name)
            right.plot(one["compute"], 100.0 * (one["three"] / one["true"] - 1.0), color=colour, ls="--")
            right.plot(one["compute"], 100.0 * (one["fitted"] / one["true"] - 1.0), color=colour)
        right.axhline(0.0, color="0.6", lw=1.0, zorder=0)
        right.set(xscale="log", xlabel="compute", ylabel="predicted least loss, percent off", title="extrapolated fits")
        phases = [
            Line2D([], [], color=colour, lw=6, alpha=0.45, label=f"phase {name}") for name, colour in PHASES.items()
        ]
        lines = [
            Line2D([], [], color="0.5", lw=1.2, label="one width"), Line2D([], [], color="k", lw=2.2, label="least loss"),
            Line2D([], [], color="k", ls="--", lw=1, label="slope in the limit"),
        ]
        laws = [
            Line2D([], [], color=colour, label=f"law {name}: " + ", ".join(f"{value:g}" for value in law))
            for (name, law), colour in zip(parameters["fitted"].items(), (COLOURS[0], COLOURS[1]), strict=True)
        ]
        fits = [Line2D([], [], color="0.4", label="exact curve"), Line2D([], [], color="0.4", ls="--", label="three terms")]
        legend(figure, {"phases": phases, "loss over compute": lines, "α, β, noise": laws, "fit of": fits})
    return figure
