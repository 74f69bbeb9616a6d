"""What one pass over fresh samples and many passes over few samples make of equal compute, and how risks scale.

Parameters and question are ours: nothing here is taken from a paper.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, graded, legend, look, plain_log
from rfgen.theory import scaling_exponents

MODES, EXPONENT, NOISE, BATCH, RATE, FULL_RATE = 300, 1.5, 0.3, 4, 0.3, 1.0
SIZES = (100, 300, 1000)
SMALL_RATE, LABEL_NOISE = 0.05, 0.5
LAWS = {"hard": (1.3, 1.5), "easy": (1.3, 4.5)}
# Exponents are fitted from here on.
LATE = 1e4
KNOBS = {"samples": COLOURS[0], "noisy samples": COLOURS[5], "features": COLOURS[1], "steps": COLOURS[2]}

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"steps": 1000, "grid": 25, "dots": 4, "trials": 12, "simulated": 1, "last": 5, "drawn": (30,)},
    "paper": {
        "steps": 10_000, "grid": 61, "dots": 9, "trials": 100, "simulated": 3, "last": 6, "drawn": (30, 100, 300, 1000),
    },
}

CAPTION = """
Parameters ours. Left: test risk of kernel regression on {modes} modes, eigenvalues and target power i^-{exponent:g}, label
noise {noise:g}, against the number of gradients of single samples that training took: stochastic gradient descent in
batches of {batch} with rate {rate:g}, on fresh samples (one pass) or drawn with replacement from n samples, and full-batch
gradient descent on the same n with rate {full_rate:g}. Ticks: ends of the first, 10th and 100th epoch. Lines: exact theory
computed by rfgen; dots: {trials} simulations, bars: one standard error; open dots: the n samples in a new order at every
epoch, another algorithm, of which there is no theory here and so no line. Largest distance of a full dot from theory:
{worst:.1f} standard errors. Middle and right: excess risk on infinite power laws, eigenvalues i^-{alpha:g} and target power
i^-β, for a hard target (β = {hard:g}), and for an easy one (β = {easy:g}) where all four exponents are at their largest.
Samples: kernel regression without ridge or label noise; noisy samples: with label noise {label_noise:g}, at the best ridge;
features: random features trained without noise on any number of samples; steps: one pass without noise, rate
{small_rate:g}, batches of 1. Dots: {trials} simulations each, of samples and of noisy samples. Dashed: closed exponents,
through the last point. In brackets: slope from {late:g} on, and the closed exponent which it tends to; it is not there
yet: they are up to {unconverged:.3f} apart.
"""


def _compute_budget(plan: dict[str, Any], seed: int) -> dict[str, dict[str, Any]]:
    """Panels "one pass", "n = ..." and their full-batch and reshuffled runs: `x`, `test`, `dot_x`, `dot_test`, ..."""
    task = rg.Task.power_law(EXPONENT, EXPONENT, NOISE, modes=MODES)
    dots = np.unique(np.round(np.geomspace(10, plan["steps"], plan["dots"])).astype(int))
    steps = np.union1d(np.round(np.geomspace(1, plan["steps"], plan["grid"])).astype(int), dots)
    epochs = np.unique(np.round(np.geomspace(1, BATCH * plan["steps"] / min(SIZES), plan["grid"])).astype(int))
    simulated = np.array(SIZES[: plan["simulated"]])

    def runs(training: rg.OnePassSGD | rg.SGD, n: Any = None) -> Any:
        return simulate(task, rg.Learner(training), n=n, trials=plan["trials"], seed=seed)

    once = rg.predict(task, rg.Learner(rg.OnePassSGD(RATE, steps, BATCH)))
    many = rg.predict(task, rg.Learner(rg.SGD(RATE, steps, BATCH)), n=SIZES)
    full = rg.predict(task, rg.Learner(rg.GradientDescent(FULL_RATE, epochs)), n=SIZES)
    drawn, shuffled = (runs(rg.SGD(RATE, dots, BATCH, reshuffle=each), simulated) for each in (False, True))
    panels = {"one pass": {**_line(BATCH, once), **_dots(runs(rg.OnePassSGD(RATE, dots, BATCH)), once)}}
    for n in SIZES:
        panels[f"n = {n}"], panels[f"n = {n}, full batch"] = _line(BATCH, many.sel(n=n)), _line(n, full.sel(n=n))
    for n in simulated:
        panels[f"n = {n}"] |= _dots(drawn.sel(n=n), many.sel(n=n))
        panels[f"n = {n}, reshuffled"] = _dots(shuffled.sel(n=n))
    return panels


def _line(batch: int, curve: Any) -> dict[str, np.ndarray]:
    return {"x": batch * curve.steps.values, "test": curve.test.values}


def _dots(runs: Any, curve: Any = None) -> dict[str, np.ndarray]:
    """Dots, and their distance from `curve` if it is theirs."""
    found = {"dot_x": BATCH * runs.steps.values, "dot_test": runs.test.values, "dot_test_se": runs.test_se.values}
    if curve is None:
        return found
    return {**found, "dot_z": ((runs.test - curve.test.sel(steps=runs.steps)) / runs.test_se).values}


def _scaling(alpha: float, beta: float, plan: dict[str, Any], seed: int) -> dict[str, dict[str, Any]]:
    """For each knob the excess risk over `x` from 10 to 10^last, the fitted and the closed exponent."""
    last = plan["last"]
    task, x = rg.Task.power_law(alpha, beta, modes=None), np.round(np.geomspace(10, 10.0**last, 4 * last - 3))
    noisy = task.with_noise(LABEL_NOISE)
    values = {
        "samples": rg.predict(task, rg.Learner(rg.Ridge(0.0)), n=x).test,
        "noisy samples": rg.optimal_ridge(noisy, rg.Learner(rg.Ridge()), n=x).test - LABEL_NOISE,
        "features": rg.predict(task, rg.Learner(rg.Ridge(0.0), features=x), n=1e14).test,
        "steps": rg.predict(task, rg.Learner(rg.OnePassSGD(SMALL_RATE, x.astype(int)))).test,
    }
    closed = {
        "samples": scaling_exponents.in_samples,
        "noisy samples": scaling_exponents.in_noisy_samples,
        "features": scaling_exponents.in_features,
        "steps": scaling_exponents.in_steps,
    }
    late, found = x >= LATE, {}
    for name, excess in values.items():
        fit = scaling_exponents.fitted_exponent(x[late], excess.values[late])
        exponents = np.array([fit.exponent, fit.error, closed[name](alpha, beta)])
        found[name] = {"x": x, "excess": excess.values, "exponents": exponents}
    drawn = list(plan["drawn"])
    best = rg.optimal_ridge(noisy, rg.Learner(rg.Ridge()), n=drawn).ridge.values
    for name, posed, ridges in (("samples", task, [0.0] * len(drawn)), ("noisy samples", noisy, best)):
        at = [_excess(posed, ridge, n, plan["trials"], seed) for ridge, n in zip(ridges, drawn, strict=True)]
        found[name] |= {"dot_x": drawn, **{key: [dot[key] for dot in at] for key in at[0]}}
    return found


def _excess(task: rg.Task, ridge: float, n: int, trials: int, seed: int) -> dict[str, Any]:
    learner = rg.Learner(rg.Ridge(ridge))
    exact, runs = rg.predict(task, learner, n=n), simulate(task, learner, n=n, trials=trials, seed=seed)
    mean, error = float(runs.test), float(runs.test_se)
    return {"dot": mean - task.risk_noise, "dot_se": error, "dot_z": (mean - float(exact.test)) / error}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Risks at equal compute, and risks over samples, features and steps on power laws.

    `data` plays no part.  Keys "PANEL.NAME": panels "one pass", "n = ..." (", reshuffled", ", full batch") with `x`,
    `test`, `dot_x`, `dot_test`, `dot_test_se`, `dot_z`; panels "hard KNOB", "easy KNOB" with `x`, `excess`, `exponents`
    (fitted, standard error, closed), some with dots.
    """
    plan = SCALES[scale]
    panels = _compute_budget(plan, seed)
    for law, exponents in LAWS.items():
        panels |= {f"{law} {knob}": found for knob, found in _scaling(*exponents, plan, seed).items()}
    worst = max(float(np.abs(panel["dot_z"]).max()) for panel in panels.values() if "dot_z" in panel)
    fits = [panel["exponents"] for panel in panels.values() if "exponents" in panel]
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "exponent": EXPONENT,
        "noise": NOISE, "batch": BATCH, "rate": RATE, "full_rate": FULL_RATE, "sizes": list(SIZES), "laws": LAWS,
        "alpha": LAWS["hard"][0], "small_rate": SMALL_RATE, "label_noise": LABEL_NOISE, "late": LATE,
        "trials": plan["trials"], "largest_z": worst, "unconverged": max(abs(fit - closed) for fit, _, closed in fits),
    }
    text = CAPTION.format(worst=worst, hard=LAWS["hard"][1], easy=LAWS["easy"][1], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Equal compute on the left, a panel for each power law beside it."""
    with look():
        figure, axes = blank(1, 3, 15.5, 5.4)
        left, *others = axes[0]
        shades = dict(zip(parameters["sizes"], graded(len(parameters["sizes"]) + 1), strict=False))
        curves = {"one pass": ("k", "-")}
        for n, colour in shades.items():
            curves |= {f"n = {n}": (colour, "-"), f"n = {n}, full batch": (colour, ":")}
            curves[f"n = {n}, reshuffled"] = (colour, "")
        for name, (colour, line) in curves.items():
            panel = select(arrays, name)
            if line:
                left.plot(panel["x"], panel["test"], color=colour, ls=line)
            if "dot_x" in panel:
                fill = {"mfc": "white", "mec": colour} if not line else {"mec": "white", "mew": 0.5}
                left.errorbar(
                    panel["dot_x"], panel["dot_test"], panel["dot_test_se"], fmt="o", color=colour, lw=1, zorder=3, **fill
                )
        ends = select(arrays, "one pass")["x"][-1]
        for n, colour in shades.items():
            panel = select(arrays, f"n = {n}")
            for epoch in (n * 10**power for power in range(3) if n * 10**power <= ends):
                level = np.interp(np.log(epoch), np.log(panel["x"]), panel["test"])
                left.plot(epoch, level, "|", color=colour, ms=14, mew=2)
        left.axhline(parameters["noise"], color="0.6", lw=1.0, ls="--", zorder=0)
        left.set(xscale="log", yscale="log", xlim=(10, ends * 1.2), ylim=(0.9 * parameters["noise"], 1.9))
        left.set(xlabel="gradients of single samples", ylabel="test risk", title="equal compute")
        plain_log(left.yaxis, (1.0, 2.0, 3.0, 5.0))
        for ax, (law, (alpha, beta)) in zip(others, parameters["laws"].items(), strict=True):
            high = 0.0
            for knob, colour in KNOBS.items():
                panel = select(arrays, f"{law} {knob}")
                x, y, (fitted, _, closed) = panel["x"], panel["excess"], panel["exponents"]
                ax.plot(x, y, color=colour, label=f"{knob} ({fitted:.3f} → {closed:.3f})")
                if "dot" in panel:
                    ax.errorbar(panel["dot_x"], panel["dot"], panel["dot_se"], fmt="o", color=colour)
                ax.plot(x, y[-1] * (x / x[-1]) ** -closed, color=colour, ls="--", lw=1)
                high = max(high, y[0])
            ax.set(xscale="log", yscale="log", xlabel="samples, features or steps", ylabel="excess risk")
            ax.set(title=f"α = {alpha:g}, β = {beta:g}", ylim=(None, 3 * high))
            ax.yaxis.set_minor_locator(NullLocator())
            ax.legend(loc="lower left")
        data = [Line2D([], [], color="k", label="fresh samples")]
        data += [Line2D([], [], color=colour, label=f"n = {n}") for n, colour in shades.items()]
        descent = [
            Line2D([], [], color="0.4", marker="o", label="stochastic"),
            Line2D([], [], color="0.4", ls=":", label="full batch"),
            Line2D([], [], color="0.4", ls="", marker="o", mfc="white", label="reshuffled"),
            Line2D([], [], color="0.4", ls="", marker="|", ms=12, mew=2, label="epochs 1, 10, 100"),
            Line2D([], [], color="0.6", ls="--", lw=1, label="label noise"),
        ]
        laws = [Line2D([], [], color="k", label="exact"), Line2D([], [], color="k", ls="--", lw=1, label="closed exponent")]
        legend(figure, {"samples": data, "descent": descent, "power laws": laws})
    return figure
