"""Gaussian random features: error against the number of features, and against the number of samples.

After figure 1 of "More is Better" (arXiv 2311.14646), with the parameters of the authors' code.
"""

__all__ = ["compute", "draw", "lumped"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look, plain_log

ALPHA, BETA, NOISE, MODES = 1.5, 1.5, 0.5, 10_000
RIDGES = (0.00464, 0.0215, 0.1, 2.154, 21.54)
FIXED = 256
SMALLEST, LARGEST = 10, 10_000

# Sizes of the dots and trials at each.  Measured on 2 cores: a trial takes 0.3 s at k = 10^4 and 4 s at n = 10^4.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 61, "modes": 1000, "sizes": (256, 1000), "trials": (8, 8)},
    "paper": {
        "grid": 241,
        "modes": MODES,
        "sizes": (10, 22, 46, 100, 178, 256, 365, 562, 1000, 2154, 10_000),
        "trials": (45,) * 11,
    },
}
PANELS = {"features": "k", "samples": "n"}

CAPTION = """
After More is Better (arXiv 2311.14646); parameters known: eigenvalues i^-1.5, target power i^-1.5, 10,000 modes,
noise variance 0.5, n = 256 on the left, k = 256 on the right, five ridges. Lines: exact theory computed by rfgen
(solid: test risk, noise included; dotted: training error; dashed: test risk at the ridge that is best at each size).
Dots: simulations run by rfgen with Gaussian features, {modes}, {trials} trials at each of {sizes} sizes from
{smallest} to {largest:,}{reduced}; full: test, open: train; bars: one standard deviation over trials. Largest
distance of a dot from theory: {worst:.1f} standard errors of its mean.
"""
ALL_MODES = "all 10,000 modes"
LUMPED_MODES = "{modes} modes and an isotropic tail with the trace and power of the others"
SMOKE = " (smoke scale: far fewer and smaller simulations than the paper's)"


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Theory on a grid and simulation at a few sizes, for n = 256 against k and for k = 256 against n.

    `data` plays no part.  Arrays of panel "features" (against k) and "samples" (against n), each with axis ridge first:
    `size`, `test`, `train`, `best` (optimal ridge), `best_ridge`, and of the dots `dot_size`, `dot_trials`, `dot_test`,
    `dot_test_std`, `dot_train`, `dot_train_std`, `dot_test_z`, `dot_train_z`.
    """
    plan = SCALES[scale]
    task = rg.Task.power_law(alpha=ALPHA, beta=BETA, noise=NOISE, modes=MODES)
    drawn = task if plan["modes"] == MODES else lumped(plan["modes"])
    size = np.geomspace(SMALLEST, LARGEST, plan["grid"])
    panels = {}
    for panel in PANELS:
        curve, best = _predict(task, panel, size), _best(task, panel, size)
        panels[panel] = {
            "size": size, "test": curve.test.transpose("ridge", ...), "train": curve.train.transpose("ridge", ...),
            "best": best.test, "best_ridge": best.ridge, **_dots(task, drawn, panel, plan, seed),
        }
    worst = max(float(np.abs(panels[panel][f"dot_{name}_z"]).max()) for panel in panels for name in ("test", "train"))
    parameters = {
        "mark": "known",
        "scale": scale,
        "seed": seed,
        "rfgen_version": rg.__version__,
        "alpha": ALPHA,
        "beta": BETA,
        "noise": NOISE,
        "modes": MODES,
        "ridge": list(RIDGES),
        "n_of_features_panel": FIXED,
        "k_of_samples_panel": FIXED,
        "dot_modes": plan["modes"],
        "dot_size": list(plan["sizes"]),
        "dot_trials": list(plan["trials"]),
        "largest_z": worst,
        "caption": _caption(scale, plan, worst),
    }
    return flatten(panels), parameters


def _learner(panel: str, size: Any, ridge: Any) -> tuple[rg.Learner, Any]:
    """The learner and the number of samples of a panel at `size` (a number or an array)."""
    against_k = panel == "features"
    return rg.Learner(rg.Ridge(ridge), features=size if against_k else FIXED), FIXED if against_k else size


def _predict(task: rg.Task, panel: str, size: Any) -> Any:
    return rg.predict(task, *_learner(panel, size, RIDGES))


def _best(task: rg.Task, panel: str, size: Any) -> Any:
    return rg.optimal_ridge(task, *_learner(panel, size, 0.0))


def lumped(modes: int) -> rg.Task:
    """The first `modes` modes, and all others as one isotropic level of the same trace and power.

    The others lie far below every effective ridge of the sizes drawn, where only their sums count.
    """
    eigenvalues, power = (np.arange(1, MODES + 1) ** -exponent for exponent in (ALPHA, BETA))
    level = 1e-14
    return rg.Task(
        np.append(eigenvalues[:modes], level), np.append(power[:modes], power[modes:].sum()), NOISE,
        np.append(np.ones(modes), eigenvalues[modes:].sum() / level),
    )


def _dots(task: rg.Task, drawn: rg.Task, panel: str, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """Simulated means and standard deviations (ridges, sizes), and z-scores against the theory of the whole task."""
    found: dict[str, list[np.ndarray]] = {}
    for size, trials in zip(plan["sizes"], plan["trials"], strict=True):
        learner, n = _learner(panel, size, RIDGES)
        runs, exact = simulate(drawn, learner, n=n, trials=trials, seed=seed), rg.predict(task, learner, n=n)
        for name in ("test", "train"):
            error = runs[f"{name}_se"].values
            z = (runs[name] - exact[name]).values / error
            columns = {"": runs[name].values, "_std": error * trials**0.5, "_z": z}
            for suffix, column in columns.items():
                found.setdefault(f"dot_{name}{suffix}", []).append(column)
    stacked = {name: np.stack(columns, axis=1) for name, columns in found.items()}
    return {"dot_size": np.array(plan["sizes"]), "dot_trials": np.array(plan["trials"]), **stacked}


def _caption(scale: str, plan: dict[str, Any], worst: float) -> str:
    trials = sorted(set(plan["trials"]))
    text = CAPTION.format(
        modes=ALL_MODES if plan["modes"] == MODES else LUMPED_MODES.format(modes=plan["modes"]),
        trials=trials[0] if len(trials) == 1 else f"{trials[0]} to {trials[-1]}", sizes=len(plan["sizes"]),
        smallest=min(plan["sizes"]), largest=max(plan["sizes"]), reduced="" if scale == "paper" else SMOKE, worst=worst,
    )
    return " ".join(text.split())


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Two panels on common error axes."""
    with look():
        figure, axes = blank(1, 2, 11.0, 4.9)
        colours = graded(len(parameters["ridge"]))
        for ax, (panel, symbol) in zip(axes[0], PANELS.items(), strict=True):
            _panel(ax, select(arrays, panel), colours)
            ax.axvline(FIXED, color="0.8", lw=1, zorder=0)
            ax.set_xlabel("random features k" if symbol == "k" else "samples n")
        axes[0, 0].set_ylabel("mean squared error")
        axes[0, 0].set_title(f"more features: n = {parameters['n_of_features_panel']}")
        axes[0, 1].set_title(f"more samples: k = {parameters['k_of_samples_panel']}")
        ridges = [
            Line2D([], [], color=colour, label=f"{ridge:g}")
            for colour, ridge in zip(colours, parameters["ridge"], strict=True)
        ]
        theory = [
            Line2D([], [], color="k", label="test"), Line2D([], [], color="k", ls=":", label="train"),
            Line2D([], [], color="k", ls="--", label="test, best ridge"),
        ]
        dots = [
            Line2D([], [], color="k", ls="", marker="o", label="test"),
            Line2D([], [], color="k", ls="", marker="o", mfc="white", label="train"),
        ]
        legend(figure, {"ridge δ": ridges, "theory": theory, "simulation": dots})
    return figure


def _panel(ax: Any, values: dict[str, np.ndarray], colours: list[Any]) -> None:
    for i, colour in enumerate(colours):
        ax.plot(values["size"], values["test"][i], color=colour)
        ax.plot(values["size"], values["train"][i], ":", color=colour, lw=1.4)
        for name, face in (("test", colour), ("train", "white")):
            mean, spread = values[f"dot_{name}"][i], values[f"dot_{name}_std"][i]
            ax.errorbar(values["dot_size"], mean, spread, fmt="o", color=colour, mfc=face, lw=1, zorder=3)
    ax.plot(values["size"], values["best"], "k--", lw=1.5, zorder=4)
    ax.set(xscale="log", yscale="log", xlim=(SMALLEST * 0.9, LARGEST * 1.1), ylim=(0.4, 4.0))
    plain_log(ax.yaxis, (1.0, 2.0, 4.0, 5.0))
