"""Test error against the fitting ratio train/test along a ridge sweep: more label noise, less fitting is best.

After "More is Better" (arXiv 2311.14646).  With measured data: the sweeps published with the paper and its power-law
formula.  Without: the bundled digits, with the exact curve of their kernel.
"""

__all__ = ["SWEPT", "compute", "draw", "power_law_shape", "swept"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.digits_kernel import DESCRIPTION, digits_kernel, spectrum_alone
from paper_figures.measured import SOURCE, load
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import blank, graded, legend, look, plain_log

# Exponents (alpha, beta) of eigenvalues i^-alpha and target power i^-beta, as the paper gives them.
EXPONENTS = {"CIFAR-10": (1.17, 1.14), "SVHN": (1.22, 1.20), "MNIST": (1.12, 1.36)}
FILES = {name: f"{name.lower().replace('-', '')}-myrtle10-cntk-ridge-sweep.npz" for name in EXPONENTS}
KEYS = ("trial", "relative_noise", "ridge", "train_risk", "test_risk", "noiseless_ridgeless_test_risk")
RELATIVE_NOISE = (0, 1, 5, 50)

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 81, "examples": 500, "n": (25,), "ridges": 12, "trials": 6},
    "paper": {"grid": 401, "examples": None, "n": (25, 50, 100), "ridges": 29, "trials": 45},
}
SMALLEST_RIDGE, LARGEST_RIDGE = 1e-3, 1e4
SWEPT = (SMALLEST_RIDGE, LARGEST_RIDGE)

KNOWN_CAPTION = """
After More is Better (arXiv 2311.14646); parameters known. Dots: measured by the paper's authors, not by us (source:
{source}): kernel ridge regression with the tangent kernel of a depth-10 Myrtle convolutional network on real images,
mean over 5 trials and its standard error, along a sweep of 50 ridges; label noise variance = relative noise times the
noiseless ridgeless test risk; labels rescaled to unit norm, so that risks are relative. Lines: the paper's formula
for power-law spectra and targets with the paper's exponents (α, β) = {exponents}; each line is scaled so that its
minimum equals the measured one. Dotted: the fitting ratio at which theory is smallest; at 0 interpolation is best.
The formula is for infinitely many modes: it diverges at ratio 1, where measured risks end at 1, the risk of
predicting zero.
"""
OWN_CAPTION = """
After More is Better (arXiv 2311.14646); the data set and its parameters are ours (with --data the figure shows the
paper's data). Ridge regression with the {kernel}; {examples:,} images, ten classes one-hot and centred. Dots:
simulations run by rfgen on real subsets of n images, measured on the rest, {trials} trials, bars one standard error,
along {ridges} ridges from {low:g} to {high:g}; label noise variance, summed over classes, = relative noise times the
noiseless ridgeless test risk. Lines: exact theory computed by rfgen from the eigenvalues and target power of the
kernel matrix, nothing fitted. Risks are divided by that of predicting zero. Dotted: the fitting ratio at the ridge
that is best in theory. Theory takes the images for draws of Gaussian eigen-coordinates, which real ones are not: at
equal ridge the dots lie up to {apart:.0%} from the lines.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """One panel per data set or number of samples; each with axis relative noise first.

    Arrays of a panel: `dot_ridge`, `dot_ratio`, `dot_test`, `dot_test_se` (levels, ridges), `line_ratio`, `line_test`
    (levels, points), `best_ratio` (levels,), and `relative_noise` (levels,).  Risks are relative to that of predicting
    zero.
    """
    return swept(SCALES[scale], scale, data, seed)


def swept(
    plan: dict[str, Any], scale: str, data: str | Path | None, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sweeps of a plan: of the measured data, or of the digits."""
    return _digits(plan, scale, seed) if data is None else _measured(plan, scale, data)


def power_law_shape(root: Any, alpha: float, beta: float, relative_noise: Any) -> Any:
    """Test risk up to a factor, at `root` = sqrt(train/test) below 1, of eigenvalues i^-alpha and target power i^-beta.

    [1 - x + alpha s (1-x)^beta] / [1 + (alpha-1) x] (1-x)^-beta, s the noise variance over the noiseless ridgeless test
    risk; arXiv 2311.14646.  Kernel regression with infinitely many modes and many samples.
    """
    left = 1.0 - root
    return (left ** (1.0 - beta) + alpha * relative_noise) / (1.0 + (alpha - 1.0) * root)


def _measured(plan: dict[str, Any], scale: str, folder: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    panels = {}
    for name, sweep in load(folder, FILES, KEYS).items():
        test, train = (sweep[f"{kind}_risk"].astype(np.float64) for kind in ("test", "train"))
        mean, trials = test.mean(axis=0), test.shape[0]
        noise = sweep["relative_noise"].astype(np.float64)
        # dense at both ends: the minimum may lie at 0, the curve turns up at 1
        root = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, plan["grid"] + 1)[:-1])
        shape = power_law_shape(root, *EXPONENTS[name], noise[:, None])
        panels[name] = {
            "relative_noise": noise,
            "dot_ridge": sweep["ridge"],
            "dot_ratio": train.mean(axis=0) / mean,
            "dot_test": mean,
            "dot_test_se": test.std(axis=0, ddof=1) / trials**0.5 if trials > 1 else np.zeros_like(mean),
            "line_ratio": np.broadcast_to(root**2, shape.shape),
            "line_test": shape * (mean.min(axis=1) / shape.min(axis=1))[:, None],
            "best_ratio": root[shape.argmin(axis=1)] ** 2,
        }
    exponents = ", ".join(f"({alpha:.2f}, {beta:.2f}) {name}" for name, (alpha, beta) in EXPONENTS.items())
    text = " ".join(KNOWN_CAPTION.format(source=SOURCE, exponents=exponents).split())
    return flatten(panels), {
        "mark": "known", "scale": scale, "seed": None, "rfgen_version": rg.__version__, "panels": list(panels),
        "titles": [f"{name}: α = {EXPONENTS[name][0]:.2f}, β = {EXPONENTS[name][1]:.2f}" for name in panels],
        "source": SOURCE, "exponents": {name: list(pair) for name, pair in EXPONENTS.items()}, "caption": text,
    }


def _digits(plan: dict[str, Any], scale: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    kernel, labels = digits_kernel(plan["examples"], seed)
    clean = rg.Task.from_kernel(kernel, labels, sampling="with replacement")
    few, many = (np.geomspace(SMALLEST_RIDGE, LARGEST_RIDGE, count) for count in (plan["ridges"], plan["grid"]))
    panels: dict[str, dict[str, Any]] = {}
    for n in plan["n"]:
        ridgeless = float(rg.predict(spectrum_alone(clean), rg.Learner(rg.Ridge(0.0)), n=n).test)
        found: dict[str, list[Any]] = {}
        for relative in RELATIVE_NOISE:
            task = rg.Task.from_kernel(
                kernel, labels, noise=relative * ridgeless / clean.outputs, sampling="with replacement"
            )
            curve = rg.predict(spectrum_alone(task), rg.Learner(rg.Ridge(many)), n=n)
            best = rg.optimal_ridge(spectrum_alone(task), rg.Learner(rg.Ridge()), n=n)
            runs = simulate(task, rg.Learner(rg.Ridge(few)), n=n, trials=plan["trials"], seed=seed, test_rows="rest")
            row = {
                "dot_ratio": runs.train / runs.test, "dot_test": runs.test / task.null_risk,
                "dot_test_se": runs.test_se / task.null_risk, "line_ratio": curve.train / curve.test,
                "line_test": curve.test / task.null_risk, "best_ratio": best.train / best.test,
            }
            for key, value in row.items():
                found.setdefault(key, []).append(value.values)
        panels[f"n{n}"] = {
            "relative_noise": np.array(RELATIVE_NOISE, float), "dot_ridge": few,
            **{key: np.stack(rows) for key, rows in found.items()},
        }
    apart = max(float(np.abs(panel["dot_test"] / _line_at(panel, few, many) - 1.0).max()) for panel in panels.values())
    text = OWN_CAPTION.format(
        kernel=DESCRIPTION, examples=kernel.shape[0], trials=plan["trials"], ridges=plan["ridges"], low=SMALLEST_RIDGE,
        high=LARGEST_RIDGE, apart=apart,
    )
    return flatten(panels), {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "panels": list(panels),
        "titles": [f"digits, n = {n}" for n in plan["n"]], "examples": kernel.shape[0], "n": list(plan["n"]),
        "trials": plan["trials"], "kernel": DESCRIPTION, "largest_relative_distance": apart,
        "caption": " ".join(text.split()),
    }


def _line_at(panel: dict[str, Any], few: np.ndarray, many: np.ndarray) -> np.ndarray:
    return np.stack([np.exp(np.interp(np.log(few), np.log(many), np.log(row))) for row in panel["line_test"]])


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel per data set or number of samples."""
    with look():
        names = parameters["panels"]
        figure, axes = blank(1, len(names), 3.2 + 3.3 * len(names), 4.3)
        for ax, name, title in zip(axes[0], names, parameters["titles"], strict=True):
            _panel(ax, select(arrays, name))
            ax.set(title=title, xlabel="fitting ratio, train / test error")
        axes[0, 0].set_ylabel("test error / that of predicting zero")
        noise = select(arrays, names[0])["relative_noise"]
        levels = [
            Line2D([], [], color=colour, marker="o", label=f"{level:g}")
            for colour, level in zip(graded(noise.size), noise, strict=True)
        ]
        digits = parameters["mark"] == "ours"
        kinds = [
            Line2D([], [], color="k", label="theory, exact" if digits else "theory,\npower law"),
            Line2D([], [], color="k", ls="", marker="o", label="simulated" if digits else "measured by\nthe authors"),
            Line2D([], [], color="k", ls=":", label="theory's optimum"),
        ]
        legend(figure, {"relative noise": levels, "symbols": kinds})
    return figure


def _panel(ax: Any, values: dict[str, np.ndarray]) -> None:
    for i, colour in enumerate(graded(values["relative_noise"].size)):
        ax.plot(values["line_ratio"][i], values["line_test"][i], color=colour)
        ax.errorbar(
            values["dot_ratio"][i], values["dot_test"][i], values["dot_test_se"][i], fmt="o", color=colour, lw=1, ms=3.5
        )
        ax.axvline(values["best_ratio"][i], color=colour, ls=":", lw=1.6)
    low, high = min(values["dot_test"].min(), values["line_test"].min()), values["dot_test"].max()
    ax.set(yscale="log", xlim=(-0.03, 1.03), ylim=(low / 1.15, high * 1.25))
    plain_log(ax.yaxis, (1.0, 2.0, 5.0) if high > 5.0 * low else (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0))
