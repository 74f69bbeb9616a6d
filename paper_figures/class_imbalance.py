"""Losses of a majority and a minority class along plain, balanced, per-class-normalised and stochastic descent.

For the question of arXiv 2207.00391; parameters ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.style import COLOURS, blank, legend, look, plain_log
from rfgen.systems import class_imbalance

INPUTS, COUNTS, MEAN, TRACES = 120, (180, 20), 0.5, (4.0, 4.0)
RATES, STEPS = {"plain": 0.05, "balanced": 0.05, "normalised": 0.05}, 40
# Stochastic descent: samples of a step, and the rule whose mean it follows.
BATCH, STOCHASTIC = 1, ("plain", "balanced")
CLASSES = {"majority": COLOURS[0], "minority": COLOURS[1]}
SAMPLING = (("of all", "o", None), ("of each class", "s", "white"))

SCALES: dict[str, dict[str, Any]] = {"smoke": {"every": 4, "trials": 30}, "paper": {"every": 2, "trials": 400}}

CAPTION = """
For the question of arXiv 2207.00391, parameters ours: two classes of {counts[0]} and {counts[1]} Gaussian samples in
{inputs} inputs and a bias, means ±{mean:g} along one direction, isotropic covariances of trace {traces[0]:g} and
{traces[1]:g}, labels ±1, square loss, weights from 0. Plain descent follows the mean loss of all samples: the minority's
test loss rises first, to {rises:.2f} times its start. Balanced follows the mean of the two classes' losses, as if the
minority were repeated until both are as many (rate {rates[plain]:g} each), normalised the sum of the two classes' unit
gradients (rate {rates[normalised]:g}). Lines: exact theory computed by rfgen. Grey: where normalised steps become too
long for the gradients they follow, which then differ from draw to draw; the theory, thin from there on, holds before (to
step {valid_until}). Dots: simulations, {trials} draws; bars: one standard error. Largest distance of a dot from valid
theory: {worst:.1f} standard errors. Right: stochastic descent, batch {batch}, at the rates of the two rules that it
follows in the mean: samples drawn from all (as plain), or from either class alike, the minority oversampled (as
balanced). Simulation only; dashed: the theory of those rules. At these rates the noise of its steps hardly shows: at the
last step the minority's test loss is {noise_all:+.1%} from that line drawing from all, {noise_each:+.1%} from each class
(± {noise_se:.1%}).
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exact and simulated losses of the two classes along the three rules.

    `data` plays no part.  Arrays `step` (steps + 1,), `valid` (rules, steps + 1), `test`, `train` (rules, classes,
    steps + 1), and of the dots `dot_step` (dots,), `dot_test`, `dot_test_se`, `dot_test_z` (rules, classes, dots), the same
    for `train`; z is 0 where the theory is not valid, and at step 0, where nothing is random.
    """
    simulated = class_imbalance.simulate_class_imbalance
    plan = SCALES[scale]
    variances = np.array(TRACES)[:, None] / INPUTS
    mixture = rg.GaussianMixture(COUNTS, [1.0, -1.0], variances, [[MEAN], [-MEAN]], [INPUTS], bias=True)
    exact = [class_imbalance.class_imbalance(mixture, rate, STEPS, rule) for rule, rate in RATES.items()]
    runs = [simulated(mixture, rate, STEPS, rule, trials=plan["trials"], seed=seed) for rule, rate in RATES.items()]
    valid = np.array([curve.valid for curve in exact])
    at = np.arange(0, STEPS + 1, plan["every"])
    arrays: dict[str, Any] = {"step": np.arange(STEPS + 1), "valid": valid, "dot_step": at}
    for name in ("test", "train"):
        arrays[name] = np.array([getattr(curve, name) for curve in exact])
        mean, error = (np.array([getattr(run, key) for run in runs])[..., at] for key in (name, f"{name}_se"))
        known = valid[:, None, at] & (at > 0)
        z = np.where(known, (mean - arrays[name][..., at]) / np.where(known, error, 1.0), 0.0)
        arrays |= {f"dot_{name}": mean, f"dot_{name}_se": error, f"dot_{name}_z": z}
    arrays |= _stochastic(at, plan["trials"], seed)
    largest = max(float(np.abs(arrays[f"dot_{name}_z"]).max()) for name in ("test", "train"))
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "inputs": INPUTS,
        "counts": list(COUNTS), "mean": MEAN, "traces": list(TRACES), "rates": RATES, "steps": STEPS,
        "batch": BATCH, "trials": plan["trials"], "valid_until": exact[-1].valid_until,
        "rises": float(arrays["test"][0, 1].max() / arrays["test"][0, 1, 0]), "largest_z": largest,
    }
    added = [
        float(arrays["sgd_test"][i, 1, -1] / arrays["test"][list(RATES).index(rule), 1, at[-1]] - 1.0)
        for i, rule in enumerate(STOCHASTIC)
    ]
    error = float((arrays["sgd_test_se"] / arrays["sgd_test"])[:, 1, -1].max())
    parameters |= {"noise_all": added[0], "noise_each": added[1], "noise_se": error}
    text = CAPTION.format(worst=largest, **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _stochastic(at: np.ndarray, trials: int, seed: int) -> dict[str, np.ndarray]:
    """`sgd_test`, `sgd_train` and standard errors (rules, classes, dots) of descent on drawn samples."""
    random, deviations = np.random.default_rng(seed), np.sqrt(np.array(TRACES) / INPUTS)
    means = np.zeros((2, INPUTS + 1))
    means[:, 0], means[:, -1] = (MEAN, -MEAN), 1.0
    of_row, labels = np.repeat([0, 1], COUNTS), np.array([1.0, -1.0])
    shape = (trials, sum(COUNTS), INPUTS)
    rows = np.concatenate([deviations[of_row][:, None] * random.standard_normal(shape), np.zeros((*shape[:2], 1))], axis=2)
    rows += means[of_row]
    trial, found = np.arange(trials)[:, None], {"test": [], "train": []}
    for rule in STOCHASTIC:
        chances = np.full(sum(COUNTS), 1.0) if rule == "plain" else 1.0 / np.array(COUNTS)[of_row]
        weights, measured = np.zeros((trials, INPUTS + 1)), {"test": [], "train": []}
        for step in range(STEPS + 1):
            if step in at:
                spread = deviations**2 * np.square(weights[:, :-1]).sum(axis=1, keepdims=True)
                measured["test"].append((labels - weights @ means.T) ** 2 + spread)
                squares = (labels[of_row] - np.einsum("tri,ti->tr", rows, weights)) ** 2
                measured["train"].append(np.stack([squares[:, of_row == group].mean(axis=1) for group in (0, 1)], axis=1))
            drawn = random.choice(of_row.size, (trials, BATCH), p=chances / chances.sum())
            batch = rows[trial, drawn]
            residuals = labels[of_row][drawn] - np.einsum("tbi,ti->tb", batch, weights)
            weights = weights + RATES[rule] * np.einsum("tb,tbi->ti", residuals, batch) / BATCH
        for name, values in measured.items():
            found[name].append(np.moveaxis(np.array(values), 0, -1))  # (trials, classes, dots)
    arrays = {}
    for name, values in found.items():
        runs = np.array(values)
        arrays |= {f"sgd_{name}": runs.mean(axis=1), f"sgd_{name}_se": runs.std(axis=1, ddof=1) / trials**0.5}
    return arrays


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """A row for test and for training loss, a column for each rule."""
    names = ("test", "train")
    with look():
        figure, axes = blank(2, len(parameters["rates"]) + 1, 14.0, 6.4)
        for i, (rule, rate) in enumerate(parameters["rates"].items()):
            valid = np.asarray(arrays["valid"][i], bool)
            end = int(valid.sum()) - 1
            for j, name in enumerate(names):
                ax = axes[j, i]
                for g, colour in enumerate(CLASSES.values()):
                    curve = arrays[name][i, g]
                    ax.plot(arrays["step"][: end + 1], curve[: end + 1], color=colour)
                    ax.plot(arrays["step"][end:], curve[end:], color=colour, lw=0.9, alpha=0.8)
                    ax.errorbar(
                        arrays["dot_step"], arrays[f"dot_{name}"][i, g], arrays[f"dot_{name}_se"][i, g], fmt="o",
                        color=colour, mec="white", mew=0.5, lw=1, zorder=3,
                    )
                if end < parameters["steps"]:
                    ax.axvline(end, color="0.6", lw=1.2, zorder=0)
                    ax.axvspan(end, parameters["steps"], color="0.95", zorder=-1)
                ax.set(yscale="log", xlim=(-0.8, parameters["steps"] + 0.8), ylim=(0.006, 2.5))
                plain_log(ax.yaxis)
                ax.label_outer()
            axes[0, i].set_title(f"{rule}, rate {rate:g}")
            axes[-1, i].set_xlabel("step")
        _draw_stochastic(axes[:, -1], arrays, parameters, names)
        for name, ax in zip(names, axes[:, 0], strict=True):
            ax.set_ylabel(f"{name} loss of a class")
        classes = [Line2D([], [], color=colour, marker="o", label=name) for name, colour in CLASSES.items()]
        theory = [
            Line2D([], [], color="k", label="valid"), Line2D([], [], color="k", lw=0.9, alpha=0.8, label="not valid"),
            Line2D([], [], color="0.6", lw=1.2, label="last valid step"),
        ]
        draws = [
            Line2D([], [], color="k", ls="--", lw=1.2, marker=marker, mfc=fill, label=label)
            for label, marker, fill in SAMPLING
        ]
        legend(figure, {"class": classes, "theory": theory, "stochastic": draws})
    return figure


def _draw_stochastic(column: Any, arrays: dict[str, Any], parameters: dict[str, Any], names: tuple[str, ...]) -> None:
    for ax, name in zip(column, names, strict=True):
        for i, rule in enumerate(STOCHASTIC):
            lines = arrays[name][list(parameters["rates"]).index(rule)]
            for g, colour in enumerate(CLASSES.values()):
                ax.plot(arrays["step"], lines[g], "--", color=colour, lw=1.2)
                mean, error = (arrays[f"sgd_{name}{kind}"][i, g] for kind in ("", "_se"))
                _, marker, fill = SAMPLING[i]
                ax.errorbar(arrays["dot_step"], mean, error, fmt=marker, color=colour, mfc=fill or colour, lw=1, zorder=3)
        ax.set(yscale="log", xlim=(-0.8, parameters["steps"] + 0.8), ylim=(0.006, 2.5))
        plain_log(ax.yaxis)
        ax.label_outer()
    column[0].set_title(f"stochastic, batch {parameters['batch']}")
    column[-1].set_xlabel("step")
