"""Rows of another distribution in the threshold classifier of one input: a few help, many harm, the best weight never."""

__all__ = ["best_weight", "compute", "draw", "error"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look

# Of the authors' notebook: rows n, half of the distance of the class means, deviation, most others, shifts.
N, MU, SIGMA, MOST, DRAWS = 100, 5.0, 10.0, 200, 20_000
BEST_N, BEST_MU, BEST_SIGMA, BEST_MOST, BEST_DRAWS = 4, 1.0, 1.0, 20, 5000
SHIFTS, BEST_SHIFTS = (0.0, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8), (0.0, 0.2, 0.5, 0.8, 1.0, 1.5)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 41, "dots": 5, "fewer": 10}, "paper": {"grid": 201, "dots": 21, "fewer": 1},
}
CAPTION = """
After De Silva, Ramesh, Priebe, Chaudhari, Vogelstein: The value of out-of-distribution data (arXiv 2208.10967),
parameters of the authors' notebook, known. One input, classes N(±μ, σ²) of equal size; the threshold is the mean of the
two class means of n rows and m others, whose inputs are shifted by Δ; error on rows that are not shifted. Left: μ =
{mu:g}, σ = {sigma:g}, n = {n}, all rows count alike: some others help, many harm. Right: μ = {best_mu:g}, σ =
{best_sigma:g}, n = {best_n}; solid: at the best weight of the others, which never harm; dashed: all alike. Lines:
exact, the formula of the paper; dots: means over {draws} and {best_draws} drawn sets of rows, bars: one standard error.
Largest distance of a dot from the line: {worst:.1f} standard errors.
"""


def error(n: Any, m: Any, shift: Any, mu: float, sigma: float, weight: Any = 0.5) -> Any:
    """Expected error on rows that are not shifted, of n of weight `weight` and m shifted ones of the rest of it.

    >>> [round(float(error(4, m, 1.0, 1.0, 2.0)), 4) for m in (0, 4, 512)]
    [0.3274, 0.3233, 0.3291]
    """
    from scipy.stats import norm

    all_of_it = weight * n + (1.0 - weight) * m
    middle = (1.0 - weight) * m * shift / all_of_it
    spread = sigma * np.sqrt(1.0 + (weight**2 * n + (1.0 - weight) ** 2 * m) / all_of_it**2)
    return 0.5 * (norm.cdf((middle - mu) / spread) + norm.cdf((-middle - mu) / spread))


def best_weight(n: Any, m: Any, shift: Any, mu: float, sigma: float) -> np.ndarray:
    """The weight of the rows that are not shifted at which `error` is least, of arrays that broadcast."""
    n, m, shift = np.broadcast_arrays(*(np.asarray(each, float)[..., None] for each in (n, m, shift)))
    low, high = np.full(m.shape, 1e-6), np.ones(m.shape)
    for _ in range(4):
        tried = low + (high - low) * np.linspace(0.0, 1.0, 65)
        place = error(n, m, shift, mu, sigma, tried).argmin(axis=-1)[..., None]
        low, high = (np.take_along_axis(tried, np.clip(place + by, 0, 64), -1) for by in (-1, 1))
    return 0.5 * (low + high)[..., 0]


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels "equal" and "best": `m`, `error` (shifts, m), dots `dot_m`, `dot`, `dot_se`, `dot_z`; "best": `alike`."""
    del data
    plan, random, panels = SCALES[scale], np.random.default_rng(seed), {}
    posed = {
        "equal": (N, MU, SIGMA, MOST, DRAWS, SHIFTS),
        "best": (BEST_N, BEST_MU, BEST_SIGMA, BEST_MOST, BEST_DRAWS, BEST_SHIFTS),
    }
    for name, (n, mu, sigma, most, draws, shifts) in posed.items():
        shift = np.array(shifts)[:, None]
        # an even number of others, so that the classes are of equal size
        m, drawn = np.linspace(0, most, plan["grid"]), 2 * np.linspace(0, most // 2, plan["dots"]).round()
        weights = [
            best_weight(n, others, shift, mu, sigma) if name == "best" else np.full((len(shifts), others.size), 0.5)
            for others in (m, drawn)
        ]
        exact, law = error(n, drawn, shift, mu, sigma, weights[1]), (n, mu, sigma, most, draws // plan["fewer"])
        dot, dot_se = np.swapaxes([_measured(law, *at, drawn, random) for at in zip(shifts, weights[1], strict=True)], 0, 1)
        panels[name] = {
            "m": m, "error": error(n, m, shift, mu, sigma, weights[0]), "alike": error(n, m, shift, mu, sigma),
            "dot_m": drawn, "dot": dot, "dot_se": dot_se, "dot_z": (dot - exact) / dot_se,
        }
    worst = max(float(np.abs(panel["dot_z"]).max()) for panel in panels.values())
    parameters = {
        "mark": "known", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "mu": MU, "sigma": SIGMA,
        "draws": DRAWS // plan["fewer"], "shifts": list(SHIFTS), "best_n": BEST_N, "best_mu": BEST_MU,
        "best_sigma": BEST_SIGMA, "best_draws": BEST_DRAWS // plan["fewer"], "best_shifts": list(BEST_SHIFTS),
        "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def _measured(
    law: tuple[int, float, float, int, int], shift: float, weights: np.ndarray, others: np.ndarray, random: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Mean error and its standard error over drawn rows at each number of others, which are added to those before."""
    from scipy.stats import norm

    n, mu, sigma, most, draws = law
    means = mu * np.array([-1.0, 1.0])[:, None]
    rows = means + sigma * random.standard_normal((draws, 2, n // 2))
    more = shift + means + sigma * random.standard_normal((draws, 2, most // 2))
    sums = np.concatenate([np.zeros((draws, 2, 1)), more.cumsum(axis=2)], axis=2)[:, :, (others // 2).astype(int)]
    total = weights * rows.sum(axis=2)[:, :, None] + (1.0 - weights) * sums
    threshold = (total / (weights * n / 2 + (1.0 - weights) * others / 2)).mean(axis=1)
    errors = 0.5 * (norm.cdf((threshold - mu) / sigma) + norm.cdf((-threshold - mu) / sigma))
    return errors.mean(axis=0), errors.std(axis=0, ddof=1) / draws**0.5


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Two panels, a colour for each shift."""
    with look():
        figure, axes = blank(1, 2, 10.5, 4.4)
        groups = {}
        for ax, name, shifts in zip(axes[0], ("equal", "best"), ("shifts", "best_shifts"), strict=True):
            at, n = select(arrays, name), parameters["n" if name == "equal" else "best_n"]
            colours = graded(len(parameters[shifts]))
            for row, colour in enumerate(colours):
                ax.plot(at["m"] / n, at["error"][row], color=colour)
                if name == "best":
                    ax.plot(at["m"] / n, at["alike"][row], color=colour, ls="--", lw=1.0, zorder=1)
                ax.errorbar(at["dot_m"] / n, at["dot"][row], at["dot_se"][row], fmt="o", color=colour, ms=3.5)
            ax.set(
                xlabel=f"others per row m/n, n = {n}", ylabel="error",
                title="all rows alike" if name == "equal" else "best weight",
                ylim=(at["error"].min() - 0.1 * np.ptp(at["error"]), at["error"].max() + 0.1 * np.ptp(at["error"])),
            )
            entries = [
                Line2D([], [], color=colour, label=f"{shift:g}")
                for colour, shift in zip(colours, parameters[shifts], strict=True)
            ]
            groups[f"shift Δ, {'left' if name == 'equal' else 'right'}"] = entries
        groups["right"] = [
            Line2D([], [], color="0.3", label="best weight"),
            Line2D([], [], color="0.3", ls="--", lw=1.0, label="all alike"),
        ]
        legend(figure, groups)
    return figure
