"""Rows of several sources: what generated rows cost, how much of them to mix, which rows to buy."""

__all__ = ["compute", "draw"]

from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import check
from paper_figures.style import blank, graded, legend, look, plain_log
from rfgen import theory

MODES, NOISE, N, RIDGE, MISS = 400, 0.1, 200, 1e-3, 0.3
SHARES = (0.0, 0.05, 0.2, 0.5)
RIDGES = (1e-6, 0.5, 5.0)
BUDGET, OVERLAPS = 400.0, (0.8, 0.95)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 7, "dots": (100,), "prices": 7, "trials": 20},
    "paper": {"grid": 81, "dots": (40, 100, 160, 250, 500, 2000), "prices": 25, "trials": 100},
}
CAPTION = """
After Strong model collapse (arXiv 2410.04840), the golden ratio of mixing (arXiv 2509.22341) and surrogate data (arXiv
2402.04376), parameters ours. Left: a share of the n = {n} rows labelled by a model whose target misses the true one by
{miss:g} of its power; excess risk on the true population against features: wider models suffer more, until they
interpolate. Middle: endless generations on the same {n} inputs, each of a share of fresh labels: excess risk in units of
its least, at three ridges; dotted: .618. Right: the best mixture for {budget:g} units of cost against the price of a row
of the population used, a row of the other costing 1: share spent on the former, for two overlaps of targets. Eigenvalues
and power i^-1.5. Theory computed by rfgen; dots: {trials} simulations, bars: one standard error. Largest distance of a dot
from theory: {worst:.1f} standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`collapse`: risks against features; `golden`: against the share of fresh labels; `prices`: shares of a budget."""
    del data
    plan, real = SCALES[scale], rg.Task.power_law(1.5, 1.5, NOISE, modes=MODES)
    worlds = rg.Domains({"real": real, "made": real.shifted(overlap=1.0 - MISS / 2.0)})
    widths = np.unique(np.append(np.geomspace(20, 4000, plan["grid"]).round(), N))
    rows = [{"real": N * (1.0 - share), "made": N * share} for share in SHARES]
    wide, few = (rg.Learner(rg.Ridge(RIDGE), features=list(each)) for each in (widths, plan["dots"]))
    risks = [rg.predict(worlds, wide, n, test="real").test.values - NOISE for n in rows]
    measured = {"test": "real", "trials": plan["trials"], "seed": seed, "variables": "test"}
    found = [check(worlds, few, n, **measured).dataset for n in rows]
    panels: dict[str, dict[str, Any]] = {"collapse": {
        "features": widths, "risk": risks, "dot_x": plan["dots"],
        "dot": [one.test_simulation.values - NOISE for one in found], "dot_se": [one.test_se.values for one in found],
        "dot_z": [one.test_z.values for one in found],
    }}
    values, shares = real.domain.covariance, np.linspace(0.3, 0.98, plan["grid"])
    squares = real.domain.weights[0] ** 2
    with jax.enable_x64(True):
        every = partial(theory.endless_generations, values, squares, values, 1.0 * N)
        many = jax.jit(jax.vmap(lambda share, ridge: every(share, ridge, NOISE), (0, None)))
        curves = [np.asarray(many(shares, ridge)) for ridge in RIDGES]
    panels["golden"] = {"share": shares, "risk": [one / one.min() for one in curves]}
    prices = np.geomspace(1.0, 30.0, plan["prices"])
    panels["prices"] = {"price": prices, "spent": [_spent(real, overlap, prices) for overlap in OVERLAPS]}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "ridge": RIDGE,
        "modes": MODES, "noise": NOISE, "miss": MISS, "budget": BUDGET, "trials": plan["trials"],
        "largest_z": float(np.abs(panels["collapse"]["dot_z"]).max()),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _spent(real: rg.Task, overlap: float, prices: np.ndarray) -> list[float]:
    """Share of the budget spent on rows of the population used."""
    domains, learner = rg.Domains({"used": real, "other": real.shifted(overlap)}), rg.Learner(rg.Ridge())
    costs = ({"used": price, "other": 1.0} for price in prices)
    best = (rg.optimal_mixture(domains, learner, BUDGET, cost=cost, test="used") for cost in costs)
    return [float(one.share.sel(domain="used")) for one in best]


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Three panels."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.2)
        left, middle, right = axes[0]
        at, colours = select(arrays, "collapse"), graded(len(SHARES))
        for risk, dot, error, colour in zip(at["risk"], at["dot"], at["dot_se"], colours, strict=True):
            left.plot(at["features"], risk, color=colour)
            left.errorbar(at["dot_x"], dot, error, fmt="o", color=colour)
        left.axvline(parameters["n"], color="0.3", lw=1, ls=":")
        left.set(xscale="log", yscale="log", xlabel="features", ylabel="excess risk")
        plain_log(left.yaxis)
        at, ridges = select(arrays, "golden"), graded(len(RIDGES))
        for risk, colour in zip(at["risk"], ridges, strict=True):
            middle.plot(at["share"], risk, color=colour)
        middle.axvline(0.618034, color="0.3", lw=1, ls=":")
        middle.set(ylim=(0.98, 1.6), xlabel="share of fresh labels", ylabel="excess risk / its least")
        at, overlaps = select(arrays, "prices"), graded(len(OVERLAPS))
        for spent, colour in zip(at["spent"], overlaps, strict=True):
            right.plot(at["price"], spent, color=colour)
        right.set(xscale="log", ylim=(0, 1.02), xlabel="price of a row", ylabel="share of the budget")
        groups = {
            "share of generated rows": (colours, SHARES), "ridge": (ridges, RIDGES),
            "overlap of targets": (overlaps, OVERLAPS),
        }
        legend(figure, {
            title: [Line2D([], [], color=colour, label=f"{value:g}") for colour, value in zip(*both, strict=True)]
            for title, both in groups.items()
        })
    return figure
