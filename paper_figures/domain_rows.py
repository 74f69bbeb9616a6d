"""Which rows help where: nine known questions as rows of several domains, and the threshold classifier of one paper."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, look
from rfgen.cli_domain_comparisons import DOMAINS

# name: rows that vary, the others, where it is used, what the panel says
PANELS: dict[str, tuple[str, dict[str, int], tuple[str, ...], str]] = {
    "ood-rows": ("shifted", {"used": 60}, ("used",), "rows of another distribution"),
    "undesired-features": ("labelled_0", {"training": 100}, ("training", "shifted"), "rows labelled 0"),
    "spurious-features": ("correlated", {}, ("correlated", "decorrelated"), "rows with a spurious feature"),
    "missing-modality": ("first", {"both": 60}, ("both",), "rows without the second modality"),
    "tilted-boundary": ("rows", {}, ("along", "all"), "rows, tenth of labels flipped"),
    "causal-augmentation": ("observed", {}, ("observed", "intervened"), "rows with a hidden cause, three noisy views"),
    "generated-classes": ("generated", {"real": 40}, ("real",), "rows of an estimated model"),
    "flipped-rows": ("flipped", {"clean": 80}, ("clean",), "rows with the sign turned"),
    "outlier-rows": ("outliers", {"clean": 80}, ("clean",), "rows with 50 times the noise"),
}
N, MU, SIGMA, SHIFTS = 100, 5.0, 10.0, (0.0, 0.8, 1.2, 1.6, 1.8)
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 15, "dots": (40, 150), "trials": 20},
    "paper": {"grid": 31, "dots": (20, 40, 80, 150, 300), "trials": 200},
}
CAPTION = """
Rows of several domains, ridge regression, {modes} inputs: test risk against the number of rows of one of them, colours the
populations that it is used on. Boundary: the cosine of the fit with the best direction. Last: the one-dimensional threshold
classifier of Value of out-of-distribution data (arXiv 2208.10967; n = {n}, mu = {mu:g}, sigma = {sigma:g}), error against
rows whose inputs are shifted by {shifts}, dark to light: few of them help, many harm. Parameters of the others ours. Lines:
exact, by rfgen; dots: {trials} simulations, bars: one standard error (cosine: without). Largest distance of a dot from
theory: {worst:.1f} standard errors.
"""


def threshold_error(n: Any, m: Any, shift: Any) -> Any:
    """Error of the middle of two class means, of n rows and m that are shifted: classes N(+-mu, sigma^2) of equal size."""
    from scipy.stats import norm

    middle, spread = m * shift / (n + m), SIGMA * np.sqrt(1.0 + 1.0 / (n + m))
    return 0.5 * (norm.cdf((middle - MU) / spread) + norm.cdf((-middle - MU) / spread))


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A panel for each name, `threshold` the last."""
    del data
    plan, panels = SCALES[scale], {}
    for name, (moved, fixed, used, _) in PANELS.items():
        _, _, build, learner, _ = DOMAINS[name]
        learner = rg.Learner(rg.Ridge(float(np.max(learner.training.ridge))), augmentation=learner.augmentation)
        domains = build()
        least = 0 if fixed else 20
        rows = np.unique(np.append(least, np.geomspace(10 if fixed else 20, 400, plan["grid"])).round())
        others = {other: fixed.get(other, 0) for other in domains.names}
        curve = rg.predict(domains, learner, others | {moved: rows}, test=list(used)).test.values
        options = {"test": list(used), "variables": "test", "trials": plan["trials"], "seed": seed}
        found = rg.check(domains, learner, others | {moved: list(plan["dots"])}, **options).dataset
        panels[name] = {"rows": rows, "risk": curve.T, "dots": plan["dots"], "dot": found.test_simulation.values.T,
                        "dot_se": found.test_se.values.T, "dot_z": found.test_z.values.T}
    at = panels["tilted-boundary"]
    for kind in ("risk", "dot"):
        at[kind] = np.sqrt(np.asarray(at[kind])[:1] / np.asarray(at[kind])[1:])
    at["dot_se"] = np.zeros_like(at["dot"])
    m, draws = np.arange(0, 201, 4), 400 * plan["trials"]
    dots, random = np.arange(0, 201, 50), np.random.default_rng(seed)
    centre = np.array([
        [shift * some / (N + some) + SIGMA * random.normal(size=draws) / np.sqrt(N + some) for some in dots]
        for shift in SHIFTS
    ])
    errors = _error_of(centre)
    exact = np.array([[threshold_error(N, some, shift) for some in dots] for shift in SHIFTS])
    error = errors.std(axis=2) / np.sqrt(draws)
    panels["threshold"] = {
        "rows": m, "risk": [threshold_error(N, m, shift) for shift in SHIFTS], "dots": dots, "dot": errors.mean(axis=2),
        "dot_se": error, "dot_z": (errors.mean(axis=2) - exact) / error,
    }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "mu": MU,
        "sigma": SIGMA,
        "shifts": ", ".join(f"{shift:g}" for shift in SHIFTS), "modes": 120, "trials": plan["trials"], "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def _error_of(middle: np.ndarray) -> np.ndarray:
    """Of given thresholds."""
    from scipy.stats import norm

    return 0.5 * (norm.cdf((middle - MU) / SIGMA) + norm.cdf((-middle - MU) / SIGMA))


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Ten panels."""
    del parameters
    with look():
        figure, axes = blank(2, 5, 17.0, 6.4)
        for ax, name in zip(axes.ravel(), [*PANELS, "threshold"], strict=True):
            at = select(arrays, name)
            for risk, dot, error, colour in zip(at["risk"], at["dot"], at["dot_se"], graded(len(at["risk"])), strict=True):
                ax.plot(at["rows"], risk, color=colour)
                ax.errorbar(at["dots"], dot, error, fmt="o", color=colour)
            cosine = name == "tilted-boundary"
            label = PANELS[name][3] if name in PANELS else "rows with shifted inputs"
            ax.set(xlabel=label, ylabel="cosine" if cosine else "error" if name == "threshold" else "test risk")
            if name in PANELS and not cosine and len(PANELS[name][2]) > 1:
                ax.legend(handles=[
                    ax.plot([], [], color=colour, label=used)[0]
                    for colour, used in zip(graded(len(at["risk"])), PANELS[name][2], strict=True)
                ])
    return figure
