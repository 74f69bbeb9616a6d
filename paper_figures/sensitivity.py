"""Sensitivity of random-feature regression to its inputs: steepest at the interpolation peak, four activations and two
tangent kernels.

After arXiv 2302.01629: labels, dim = 1000, n = 400, 800, 1600 and up to 40,000 features from the authors' notebook.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import worst
from paper_figures.panels import flatten, select
from paper_figures.style import blank, graded, legend, look, plain_log
from paper_figures.tangent_sensitivity import exact as tangent_exact
from paper_figures.tangent_sensitivity import measured as tangent_measured
from rfgen.systems import sensitivity

NOISE, RANGE = 1.0, (0.1, 40.0)
ACTIVATIONS: dict[str, Any] = {
    "tanh": "tanh", "$x^2/2$": lambda x: 0.5 * x * x, "cos": "cos", "softplus": jax.nn.softplus,
}
TANGENT: dict[str, Any] = {"tangent kernel, tanh": jnp.tanh, "tangent kernel, softplus": jax.nn.softplus}
# Read off the authors' notebook for tanh, by number of samples: at 5,000 and at 40,000 features of 1000 inputs.
PUBLISHED_DIM, PUBLISHED_FEATURES = 1000, (5000, 40_000)
PUBLISHED = {400: (24.4, 22.1), 800: (38.2, 34.3), 1600: (45.3, 33.3)}
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {
        "dim": 200, "sizes": (60, 160), "grid": 60, "dots": (5.0,), "trials": 12, "drawn": 1, "activations": 2,
        "units": (20,),
    },
    "paper": {
        "dim": 1000, "sizes": (400, 800, 1600), "grid": 200, "dots": (0.25, 0.5, 0.75, 1.5, 3.0, 6.0), "trials": 20,
        "drawn": 3, "activations": 4, "units": (20, 40),
    },
}
CAPTION = """
After Bombari, Kiyani, Mondelli: Beyond the universal law of robustness (arXiv 2302.01629), known in part: {known};
simulations and the range of k ours. Sensitivity √(d E|∇f|²) of minimum-norm regression on k random
features φ(w·x)/√k of d = {dim} Gaussian inputs, against k, for n samples with pure
noise N(0, {noise:g}) for labels: what fitting it costs. Dashed: the sensitivity √d of a linear target of power 1. All
curves diverge at k = n (dotted) and level off for k well above n; even activations (x²/2, cos) have no linear part, so
that many features make them flat. Tangent kernels: features x φ'(w·x) of k/d hidden units, at least five. Lines: exact
theory computed by rfgen, to relative order 1/d, of tangent kernels d/k; dots: {trials} simulations each,
bars: one standard error{published}. Largest distance of a dot from theory: {worst:.1f} standard errors, of random
features {features_z:.1f}.
"""
SQUARES = "; squares: published values, {apart:.1%} from theory at most"


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each activation and n, "tanh 400": `features`, `sensitivity`, dots `dot_features`, `dot`, `dot_se`, `dot_z` of the
    sizes that are simulated, and `published` at `published_features` if the sizes are the paper's.

    `data` plays no part.
    """
    plan, panels, apart = SCALES[scale], {}, []
    dim = plan["dim"]
    for at, (name, activation) in enumerate(ACTIVATIONS.items()):
        for n in plan["sizes"]:
            # up to the peak from both sides, without it: it is infinite
            beside = n * (1.0 + np.outer([-1.0, 1.0], np.geomspace(0.01, 0.3, 12)).ravel())
            count = np.union1d(np.geomspace(*RANGE, plan["grid"]) * dim, beside)
            count = count[np.abs(count / n - 1.0) > 0.009]
            line = _theory(dim, n, count, activation).sensitivity.values
            panels[f"{name} {n}"] = {"features": count, "sensitivity": line}
            if at < plan["activations"] and n in plan["sizes"][: plan["drawn"]]:
                panels[f"{name} {n}"] |= _dots(dim, n, activation, plan, seed)
            if name == "tanh" and dim == PUBLISHED_DIM and n in PUBLISHED:
                exact = _theory(dim, n, PUBLISHED_FEATURES, activation).sensitivity.values
                apart.append(float(np.abs(np.array(PUBLISHED[n]) / exact - 1.0).max()))
                panels[f"{name} {n}"] |= {"published_features": PUBLISHED_FEATURES, "published": PUBLISHED[n]}
    for name, activation in TANGENT.items():
        for n in plan["sizes"]:
            count = np.geomspace(5 * dim, RANGE[1] * dim, plan["grid"] // 4)
            line = np.sqrt(dim * tangent_exact(activation, dim, n, count, NOISE))
            panels[f"{name} {n}"] = {"features": count, "sensitivity": line}
            if n in plan["sizes"][: plan["drawn"]]:
                drawn = [units * dim for units in plan["units"]]
                runs = [tangent_measured(activation, dim, n, k, NOISE, plan["trials"], seed) for k in drawn]
                panels[f"{name} {n}"] |= _dotted(dim, drawn, runs, tangent_exact(activation, dim, n, drawn, NOISE))
    parameters = {
        "mark": "known in part", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "dim": dim,
        "sizes": list(plan["sizes"]), "noise": NOISE, "activations": [*ACTIVATIONS, *TANGENT], "trials": plan["trials"],
        "largest_z": worst(panels),
        "features_z": worst({name: panel for name, panel in panels.items() if name.rpartition(" ")[0] in ACTIVATIONS}),
    }
    text = CAPTION.format(
        worst=parameters["largest_z"], known="labels and activations" + (", d and n" if apart else ""),
        published=SQUARES.format(apart=max(apart)) if apart else "", **parameters,
    )
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def _theory(dim: int, n: int, features: Any, activation: Any) -> Any:
    return rg.sensitivity(dim, n, np.array(features, float), activation=activation, signal=0.0, noise=NOISE)


def _dots(dim: int, n: int, activation: Any, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    drawn = [round(ratio * n) for ratio in plan["dots"]]
    runs = [sensitivity.simulate_sensitivity(activation, dim, n, k, 0.0, 0.0, NOISE, plan["trials"], seed) for k in drawn]
    exact = _theory(dim, n, drawn, activation).squared_gradient.values
    return _dotted(dim, drawn, [run.summary("squared_gradient") for run in runs], exact)


def _dotted(dim: int, drawn: list[int], runs: list[tuple[float, float]], exact: np.ndarray) -> dict[str, Any]:
    """Of mean squared gradients with their standard errors."""
    square, error = np.array(runs).T
    dot = np.sqrt(dim * square)
    return {"dot_features": drawn, "dot": dot, "dot_se": dot * error / (2.0 * square), "dot_z": (square - exact) / error}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A panel for each activation and tangent kernel, a curve for each number of samples."""
    dim, sizes = parameters["dim"], parameters["sizes"]
    published = False
    with look():
        figure, axes = blank(2, 3, 14.0, 7.4)
        for name, ax in zip(parameters["activations"], axes.flat, strict=True):
            for n, colour in zip(sizes, graded(len(sizes)), strict=True):
                at = select(arrays, f"{name} {n}")
                for side in (at["features"] < n, at["features"] > n):
                    ax.plot(at["features"][side], at["sensitivity"][side], color=colour)
                if "dot" in at:
                    ax.errorbar(at["dot_features"], at["dot"], at["dot_se"], fmt="o", color=colour)
                if "published" in at:
                    published = True
                    ax.plot(at["published_features"], at["published"], "s", color=colour, mfc="white", ms=7, zorder=3)
                ax.axvline(n, color=colour, ls=":", lw=1.0, zorder=0)
            ax.axhline(dim**0.5, color="0.4", ls="--", lw=1.3, zorder=1)
            ax.set(xscale="log", yscale="log", xlabel="random features k", title=name)
            ax.set_ylim(0.1 * dim**0.5, 20.0 * dim**0.5)
            plain_log(ax.yaxis)
        for ax in axes[:, 0]:
            ax.set_ylabel("sensitivity  √(d E|∇f|²)")
        samples = [
            Line2D([], [], color=colour, marker="o", label=f"n = {n}")
            for n, colour in zip(sizes, graded(len(sizes)), strict=True)
        ]
        marks = [
            Line2D([], [], color="0.4", ls="--", lw=1.3, label="linear target"),
            Line2D([], [], color="0.4", ls=":", lw=1.0, label="k = n"),
        ]
        if published:
            marks.append(Line2D([], [], color="0.4", ls="", marker="s", mfc="white", ms=7, label="published"))
        legend(figure, {"samples": samples, "marks": marks})
    return figure
