"""Test and training error of random features over the plane of samples and features, at five ridges.

After the heat maps of "More is Better" (arXiv 2311.14646), with the parameters of the authors' code.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import rfgen as rg
from paper_figures.more_is_better_features import ALL_MODES, ALPHA, BETA, LUMPED_MODES, MODES, NOISE, lumped
from paper_figures.runs import simulate
from paper_figures.style import blank, look

RIDGES, SMALLEST, LARGEST = (2.0**-12, 2.0**-8, 2.0**-4, 1.0, 2.0**4), 10, 10_000
LEVELS = {"test": (0.5, 5.0), "train": (0.005, 5.0)}
TICKS = {"test": (0.5, 1.0, 2.0, 5.0), "train": (0.01, 0.1, 1.0)}
TITLES = ("$2^{-12}$", "$2^{-8}$", "$2^{-4}$", "1", "$2^4$")
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 13, "modes": 1000, "sizes": (30, 300), "trials": 6},
    "paper": {"grid": 31, "modes": MODES, "sizes": (18, 56, 178, 562, 1778), "trials": 20},
}
CAPTION = """
After More is Better (arXiv 2311.14646); parameters known: eigenvalues i^-1.5, target power i^-1.5, 10,000 modes, noise
variance 0.5, ridges 2^-12, 2^-8, 2^-4, 1, 2^4 from left to right. Colours: exact theory computed by rfgen, over n samples
and k random features; top: test error, noise included; bottom: training error. Dashed: n = k, where the test error peaks
at small ridges. Circles, coloured alike: simulations run by rfgen with Gaussian features, {modes_said}, {trials} trials
each. Where the ridge suits, more of either is better. Largest distance of a circle from theory: {largest_z:.1f} standard
errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`size` (points,); `test`, `train` (n, k, ridges); circles `dot_size`, `dot_test`, `dot_train`, with `_se`, `_z`.

    `data` plays no part.
    """
    plan = SCALES[scale]
    task = rg.Task.power_law(ALPHA, BETA, NOISE, modes=MODES)
    drawn = task if plan["modes"] == MODES else lumped(plan["modes"])
    size, dots = np.geomspace(SMALLEST, LARGEST, plan["grid"]), list(plan["sizes"])
    curve, exact = (rg.predict(task, _learner(sizes), n=sizes) for sizes in (size, dots))
    runs = simulate(drawn, _learner(dots), n=dots, trials=plan["trials"], seed=seed)
    arrays: dict[str, Any] = {"size": size, "dot_size": np.array(dots)}
    order = ("n", "features", "ridge")
    for name in LEVELS:
        arrays[name] = curve[name].transpose(*order).values
        z = (runs[name] - exact[name]) / runs[f"{name}_se"]
        columns = {"": runs[name], "_se": runs[f"{name}_se"], "_z": z}
        arrays |= {f"dot_{name}{suffix}": column.transpose(*order).values for suffix, column in columns.items()}
    parameters = {
        "mark": "known", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "alpha": ALPHA, "beta": BETA,
        "noise": NOISE, "modes": MODES, "ridge": list(RIDGES), "trials": plan["trials"], "dot_modes": plan["modes"],
        "largest_z": max(float(np.abs(arrays[f"dot_{name}_z"]).max()) for name in LEVELS),
    }
    said = ALL_MODES if plan["modes"] == MODES else LUMPED_MODES.format(modes=plan["modes"])
    return arrays, {**parameters, "caption": " ".join(CAPTION.format(modes_said=said, **parameters).split())}


def _learner(features: Any) -> rg.Learner:
    return rg.Learner(rg.Ridge(RIDGES), features=features)


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A row for test and for training error, a column for each ridge."""
    with look():
        figure, axes = blank(2, len(parameters["ridge"]), 15.0, 6.0)
        shades, size = matplotlib.colormaps["viridis"], arrays["size"]
        n, k = np.meshgrid(arrays["dot_size"], arrays["dot_size"], indexing="ij")
        for row, (name, levels) in zip(axes, LEVELS.items(), strict=True):
            norm = LogNorm(*levels)
            for i, (ax, title) in enumerate(zip(row, TITLES, strict=True)):
                shown = ax.pcolormesh(size, size, arrays[name][..., i].T, cmap=shades, norm=norm, rasterized=True)
                ax.plot(size[[0, -1]], size[[0, -1]], "--", color="white", lw=1.0)
                ax.scatter(
                    n, k, c=arrays[f"dot_{name}"][..., i], cmap=shades, norm=norm, s=40, edgecolors="white", linewidths=1.0
                )
                ax.set(xscale="log", yscale="log", title=f"δ = {title}", xlabel="samples n")
            row[0].set_ylabel("features k")
            bar = figure.colorbar(shown, ax=list(row), label=f"{name} error", extend="both", location="bottom", shrink=0.7)
            bar.set_ticks(TICKS[name], labels=[f"{tick:g}" for tick in TICKS[name]])
            bar.minorticks_off()
    return figure
