"""Kernel spectra, the effective ridge by two routes, and how fast ridgeless regression learns.

After "More is Better" (arXiv 2311.14646).  With measured data: four image kernels.  Without: the bundled digits.
"""

__all__ = ["compute", "draw", "effective_ridge", "exponent"]

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
from paper_figures.style import COLOURS, blank, legend, look, plain_log

FILES = {
    "CIFAR-10, Myrtle": "cifar10-myrtle10-cntk-eigen.npz",
    "SVHN, Myrtle": "svhn-myrtle10-cntk-eigen.npz",
    "MNIST, Myrtle": "mnist-myrtle10-cntk-eigen.npz",
    "CIFAR-10, ReLU": "cifar10-relu-features-eigen.npz",
}
KEYS = ("eigenvalues", "n", "kappa_from_trace_of_inverse", "ridgeless_test_risk")
# Power laws are fitted between these sizes: below, few modes count; above, a third of all examples is drawn.
FITTED = (300, 10_000)
DIGITS_FITTED = (32, 300)
# Other windows, to say how much the exponents depend on the choice.
OTHER_WINDOWS = ((100, 3000), (100, 10_000), (1000, 10_000))
# Where the effective ridge measured on real images is compared with theory.
COMPARED = (100, 3000)

KNOWN_CAPTION = """
After More is Better (arXiv 2311.14646); data known, fits ours. Myrtle: tangent kernel of a depth-10 Myrtle convolutional
network; ReLU: covariance kernel of a one-hidden-layer ReLU network. Eigenvalues, 1/tr(K⁻¹) and ridgeless test errors
(full dots; mean, bars one standard deviation over 10 trials) were measured by the paper's authors, not by us (source:
{source}). Lines in the panels of κ: theory, computed by rfgen from the eigenvalues with nothing fitted. Dashed: power
laws fitted to the dots between n = {low} and {high:,}: κ ~ n^-α, test error ~ n^(1-β), and the same α over the
eigenvalues; the window is ours, chosen because its exponents come near the published ones (other windows within 100 to
10,000 move them by up to {moved:.2f}); the targets' coefficients are not among the data, so test errors have no exact
line. Open diamonds, ours: 1/tr(K⁻¹) of Gaussian eigen-coordinates with the same eigenvalues ({trials} trials, bars two
standard errors); they lie within {twin:.1%} of theory. Between n = {first} and {last:,} the real kernels lie {least:.0%}
to {most:.0%} below it: that part is not in the eigenvalues. Above a tenth of the 30,000 examples (shaded) the eigenvalues
are those of a sample too small to stand for the population; dots above 5 are off the axis.
"""
OWN_CAPTION = """
After More is Better (arXiv 2311.14646); the data set and its parameters are ours (with --data the figure shows the
paper's data). {kernel}; {examples:,} images, ten classes one-hot and centred. Lines: exact theory computed by rfgen
from the eigenvalues and target power of the kernel matrix, nothing fitted. Full dots, ours: 1/tr(K⁻¹), mean over
{subsets} random subsets of n images; ridgeless test error by rfgen's simulation, {trials} trials, bars one standard
deviation, rows drawn with replacement and measured on all images (what theory describes); open squares: drawn without
replacement and measured on the rest. Dashed: power laws fitted to the full dots between n = {low} and {high}: κ ~
n^-α, test error ~ n^(1-β), and the same α over the eigenvalues. Open diamonds, ours: 1/tr(K⁻¹) of Gaussian
eigen-coordinates with the same eigenvalues ({twin_trials} trials, bars two standard errors); they lie within
{twin:.1%} of theory. What separates the digits from theory is that their eigenfunctions are not Gaussian and that n
is no longer far below {examples:,} (shaded: above a tenth).
"""

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {
        "twin": (30, 100), "twin_trials": 2, "examples": 600, "sizes": (16, 64), "subsets": 5, "trials": 6,
    },
    "paper": {
        "twin": (30, 100, 300, 1000), "twin_trials": 3, "examples": None,
        "sizes": (8, 12, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512), "subsets": 20, "trials": 45,
    },
}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """One group of arrays per kernel.

    `eigenvalues` at `index` (thinned for the picture); `kappa` (theory) at `line_n`; `dot_kappa` from 1/tr(K^-1) and
    `dot_theory` at `dot_n`; `twin_ratio`, `twin_ratio_se` at `twin_n`: the same measurement on Gaussian coordinates
    with the same eigenvalues, over theory; `dot_test`, `dot_test_std`; `alpha`, `beta` and their `alpha_line`,
    `beta_line` at `fit_n`; digits also `line_test`, `rest_test`, `rest_test_std`.
    """
    return _digits(SCALES[scale], scale, seed) if data is None else _measured(SCALES[scale], scale, data, seed)


def effective_ridge(eigenvalues: np.ndarray, n: Any) -> np.ndarray:
    """kappa(n) of ridgeless regression: sum_i lambda_i / (lambda_i + kappa) = n, by rfgen."""
    task = rg.Task(eigenvalues, np.zeros_like(eigenvalues))
    return rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=n).kappa.values


def exponent(x: np.ndarray, y: np.ndarray, between: tuple[float, float]) -> tuple[float, float, np.ndarray]:
    """Slope and intercept of log y against log x over `between`, and the x used."""
    used = (x >= between[0]) & (x <= between[1])
    if used.sum() < 2:
        used = np.ones_like(used)
    slope, intercept = np.polyfit(np.log(x[used]), np.log(y[used]), 1)
    return float(slope), float(intercept), x[used]


def _twin(eigenvalues: np.ndarray, plan: dict[str, Any], seed: int) -> dict[str, np.ndarray]:
    """1/tr(K^-1) of Gaussian eigen-coordinates over theory: what the spectrum alone gives."""
    random = np.random.default_rng(seed)
    scale = np.sqrt(eigenvalues).astype(np.float32)
    sizes = [n for n in plan["twin"] if n <= eigenvalues.size / 4]
    ratios = []
    for n, kappa in zip(sizes, effective_ridge(eigenvalues, sizes), strict=True):
        rows = (random.standard_normal((n, scale.size), dtype=np.float32) * scale for _ in range(plan["twin_trials"]))
        ratios.append([1.0 / np.trace(np.linalg.inv((row @ row.T).astype(np.float64))) / kappa for row in rows])
    measured = np.array(ratios)
    return {
        "twin_n": np.array(sizes), "twin_ratio": measured.mean(axis=1),
        "twin_ratio_se": measured.std(axis=1, ddof=1) / plan["twin_trials"] ** 0.5,
    }


def _group(
    eigenvalues: np.ndarray, n: np.ndarray, kappa: np.ndarray, test: np.ndarray, test_std: np.ndarray,
    fitted: tuple[float, float], plan: dict[str, Any], seed: int,
) -> dict[str, Any]:
    """Arrays of one kernel that both versions of the figure share."""
    # at or below zero: rounding of the eigensolver
    eigenvalues = np.sort(eigenvalues[eigenvalues > 0])[::-1]
    inside = n < eigenvalues.size
    line_n = np.geomspace(n.min(), n[inside].max(), 200)
    kappa_slope, kappa_start, fit_n = exponent(n, kappa, fitted)
    test_slope, test_start, _ = exponent(n, test, fitted)
    index = np.unique(np.geomspace(1, eigenvalues.size, 400).astype(np.int64))
    return {
        "index": index, "eigenvalues": eigenvalues[index - 1],
        "line_n": line_n, "kappa": effective_ridge(eigenvalues, line_n),
        "dot_n": n[inside], "dot_kappa": kappa[inside], "dot_theory": effective_ridge(eigenvalues, n[inside]),
        "dot_test": test[inside], "dot_test_std": test_std[inside],
        "fit_n": fit_n, "alpha": -kappa_slope, "alpha_line": np.exp(kappa_start) * fit_n**kappa_slope,
        "beta": 1.0 - test_slope, "beta_line": np.exp(test_start) * fit_n**test_slope,
        **_twin(eigenvalues, plan, seed),
    }


def _measured(plan: dict[str, Any], scale: str, folder: str | Path, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    groups = {}
    for name, found in load(folder, FILES, KEYS).items():
        test = found["ridgeless_test_risk"]
        spread = test.std(axis=0, ddof=1) if test.shape[0] > 1 else np.zeros(test.shape[1])
        sizes, kappa = found["n"].astype(np.float64), found["kappa_from_trace_of_inverse"]
        groups[name] = _group(found["eigenvalues"], sizes, kappa, test.mean(axis=0), spread, FITTED, plan, seed)
    ratios = {name: _compared(group) for name, group in groups.items()}
    moved = max(_moved(group) for group in groups.values())
    text = KNOWN_CAPTION.format(
        source=SOURCE, low=FITTED[0], high=FITTED[1], trials=plan["twin_trials"], twin=_twin_distance(groups), moved=moved,
        first=COMPARED[0], last=COMPARED[1], least=1.0 - max(high for _, high in ratios.values()),
        most=1.0 - min(low for low, _ in ratios.values()),
    )
    return flatten(groups), _parameters("known", scale, seed, groups, text, 3000) | {
        "source": SOURCE, "fitted_between": list(FITTED), "compared_between": list(COMPARED),
        "kappa_over_theory": ratios, "exponents_move_by": moved,
    }


def _compared(group: dict[str, Any]) -> list[float]:
    """Least and largest measured kappa over theory among the sizes compared."""
    inside = (group["dot_n"] >= COMPARED[0]) & (group["dot_n"] <= COMPARED[1])
    ratio = (group["dot_kappa"] / group["dot_theory"])[inside if inside.any() else slice(None)]
    return [float(ratio.min()), float(ratio.max())]


def _moved(group: dict[str, Any]) -> float:
    """Largest change of alpha or beta when the power laws are fitted over another window."""
    changes = []
    for window in OTHER_WINDOWS:
        changes.append(-exponent(group["dot_n"], group["dot_kappa"], window)[0] - group["alpha"])
        changes.append(1.0 - exponent(group["dot_n"], group["dot_test"], window)[0] - group["beta"])
    return float(np.abs(changes).max())


def _twin_distance(groups: dict[str, dict[str, Any]]) -> float:
    return max(float(np.abs(group["twin_ratio"] - 1.0).max()) for group in groups.values())


def _digits(plan: dict[str, Any], scale: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    kernel, labels = digits_kernel(plan["examples"], seed)
    size, sizes = kernel.shape[0], np.array(plan["sizes"])
    task = rg.Task.from_kernel(kernel, labels, sampling="with replacement")
    random = np.random.default_rng(seed)
    subsets = [[random.permutation(size)[:n] for _ in range(plan["subsets"])] for n in sizes]
    kappa = np.array(
        [np.mean([1.0 / np.trace(np.linalg.inv(kernel[np.ix_(rows, rows)])) for rows in draws]) for draws in subsets]
    )
    learner, trials = rg.Learner(rg.Ridge(0.0)), plan["trials"]
    runs, rest = (
        simulate(task, learner, n=sizes, trials=trials, seed=seed, test_rows=rows) for rows in ("population", "rest")
    )
    group = _group(
        task.eigenvalues, sizes.astype(np.float64), kappa, runs.test.values, runs.test_se.values * trials**0.5,
        DIGITS_FITTED, plan, seed,
    )
    group["line_test"] = rg.predict(spectrum_alone(task), learner, n=group["line_n"]).test.values
    group["rest_test"], group["rest_test_std"] = rest.test.values, rest.test_se.values * trials**0.5
    text = OWN_CAPTION.format(
        kernel=DESCRIPTION[0].upper() + DESCRIPTION[1:], examples=size, subsets=plan["subsets"], trials=trials,
        low=int(group["fit_n"].min()), high=int(group["fit_n"].max()), twin_trials=plan["twin_trials"],
        twin=_twin_distance({"digits": group}),
    )
    return flatten({"digits": group}), _parameters("ours", scale, seed, {"digits": group}, text, size // 10) | {
        "examples": size, "kernel": DESCRIPTION, "subsets": plan["subsets"], "trials": trials,
    }


def _parameters(
    mark: str, scale: str, seed: int, groups: dict[str, dict[str, Any]], text: str, third: float
) -> dict[str, Any]:
    return {
        "mark": mark, "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "kernels": list(groups),
        "alpha": {name: group["alpha"] for name, group in groups.items()},
        "beta": {name: group["beta"] for name, group in groups.items()}, "shaded_above": third,
        "caption": " ".join(text.split()),
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Four panels: spectra, effective ridge, its ratio to theory, ridgeless test error."""
    with look():
        figure, axes = blank(2, 2, 11.0, 8.2, least=3.0)  # legends stand inside
        spectrum, ridge, ratio, error = axes.ravel()
        kernels = parameters["kernels"]
        for colour, name in zip(COLOURS, kernels, strict=False):
            _kernel(spectrum, ridge, ratio, error, select(arrays, name), colour)
        _labels(spectrum, ridge, ratio, error, parameters)
        if len(kernels) > 1:
            pairs = zip(COLOURS, kernels, strict=False)
            series = [Line2D([], [], color=colour, lw=3, label=name) for colour, name in pairs]
            legend(figure, {"kernel": series})
    return figure


def _kernel(spectrum: Any, ridge: Any, ratio: Any, error: Any, values: dict[str, np.ndarray], colour: str) -> None:
    fit = values["fit_n"]
    spectrum.plot(values["index"], values["eigenvalues"], color=colour)
    start = np.exp(np.interp(np.log(fit[0]), np.log(values["index"]), np.log(values["eigenvalues"])))
    slope = f"α = {float(values['alpha']):.2f}"
    spectrum.plot(fit, start * (fit / fit[0]) ** -float(values["alpha"]), "--", color=colour, lw=1.5, label=slope)
    ridge.plot(values["line_n"], values["kappa"], color=colour)
    ridge.plot(values["dot_n"], values["dot_kappa"], "o", color=colour, ms=3.5, alpha=0.8)
    ridge.plot(fit, values["alpha_line"], "k--", lw=1.2, zorder=4)
    ratio.plot(values["dot_n"], values["dot_kappa"] / values["dot_theory"], "o", color=colour, ms=3.5)
    twin = values["twin_n"], values["twin_ratio"], 2.0 * values["twin_ratio_se"]
    ratio.errorbar(*twin, fmt="D", color=colour, mfc="white", ms=6, zorder=3)
    if "line_test" in values:
        error.plot(values["line_n"], values["line_test"], color=colour)
        rest = values["dot_n"], values["rest_test"], values["rest_test_std"]
        error.errorbar(*rest, fmt="s", color=COLOURS[4], mfc="white", lw=1, ms=5)
    error.errorbar(values["dot_n"], values["dot_test"], values["dot_test_std"], fmt="o", color=colour, lw=1, ms=3.5)
    error.plot(fit, values["beta_line"], "k--", lw=1.3, zorder=4)
    error.plot([], [], "--", color=colour, label=f"β = {float(values['beta']):.2f}")


def _labels(spectrum: Any, ridge: Any, ratio: Any, error: Any, parameters: dict[str, Any]) -> None:
    own = parameters["mark"] == "ours"
    spectrum.set(xlabel="mode i", ylabel=r"eigenvalue $\lambda_i$", title="kernel eigenvalues")
    ridge.set(xlabel="samples n", ylabel="effective ridge κ(n)", title="effective ridge: trace of inverse, eigenvalues")
    ratio.set(xlabel="samples n", ylabel="κ from 1/tr(K⁻¹) / theory", title="effective ridge, measured over theory")
    error.set(xlabel="samples n", ylabel="test error, summed over classes", title="ridgeless test error")
    for ax in (spectrum, ridge, ratio, error):
        ax.set(xscale="log", yscale="log")
    ratio.axhline(1.0, color="0.3")
    ratio.set_ylim(0.2, 5.0)
    for axis in (ratio.yaxis, error.yaxis, *((ridge.xaxis, ratio.xaxis, error.xaxis) if own else ())):
        plain_log(axis)
    spectrum.legend(loc="lower left")
    theory = Line2D([], [], color="0.3", label=r"theory, $\sum\lambda/(\lambda+\kappa) = n$")
    measured = Line2D([], [], color="0.3", ls="", marker="o", label="1/tr(K⁻¹), real images")
    fit = Line2D([], [], color="k", ls="--", label=r"fit $n^{-\alpha}$")
    gaussian = "1/tr(K⁻¹), Gaussian, same eigenvalues"
    twin = Line2D([], [], color="0.3", ls="", marker="D", mfc="white", ms=6, label=gaussian)
    ridge.legend(handles=[theory, measured, fit], loc="lower left")
    ratio.legend(handles=[measured, twin], loc="lower right")
    fits = error.get_legend_handles_labels()[0]
    kinds = [Line2D([], [], color="k", ls="--", label=r"fit $n^{1-\beta}$"), *fits]
    if own:
        kinds += [
            Line2D([], [], color=COLOURS[0], label="theory, exact"),
            Line2D([], [], color=COLOURS[0], ls="", marker="o", label="with replacement"),
            Line2D([], [], color=COLOURS[4], ls="", marker="s", mfc="white", label="without, on the rest"),
        ]
    error.legend(handles=kinds, loc="lower left")
    for ax in (ridge, ratio, error):
        right = ax.get_xlim()[1]
        ax.axvspan(parameters["shaded_above"], max(right, parameters["shaded_above"]), color="0.92", lw=0, zorder=0)
        ax.set_xlim(right=right)
