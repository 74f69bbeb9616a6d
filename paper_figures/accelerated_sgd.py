"""One pass of plain and of accelerated stochastic gradient descent, in directions of large and of small eigenvalue.

For the claims of arXiv 2311.14222; the parameters are ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

import rfgen as rg
from paper_figures.interpolation import paired_ratio
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look, plain_log
from rfgen.theory import iteration_of, spectral_radius

MODES, DECAY, NOISE = 2000, 2.0, 0.01
RATE, BETA, GAMMA = 0.2, 0.003, 2.0
ALPHA = 1.0 / (1.0 + BETA)
# Accelerated errors turn complex and fall by sqrt(alpha (1 - beta) (1 - rate eigenvalue)) a step, plain ones by
# 1 - rate eigenvalue: equal here.
CROSSING = (1.0 - ALPHA * (1.0 - BETA)) / RATE
METHODS = {"SGD": COLOURS[0], "ASGD": COLOURS[4]}
DOTS = ("noise", "excess", "averaged", "error", "ratio")
TARGETS = {"large": "-", "small": "--", "both": ":"}

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"last": 300, "grid": 19, "windows": 4, "trials": 24},
    "paper": {"last": 3000, "grid": 61, "windows": 8, "trials": 200},
}

CAPTION = """
After Li et al. (arXiv 2311.14222), parameters ours: {modes} modes, eigenvalues and target power i^-{decay:g}, label noise
{noise:g}, batches of 1, weights from 0. SGD with rate {rate:g}; ASGD with δ = {rate:g}, γ = {gamma:g}, β = {beta:g}, α =
1/(1+β); both are stable. (a) Exponential rates at which the squared error of the mean weights falls: ASGD's is faster
below the eigenvalue {crossing:.3f}, slower above. (b, c) Squared error without label noise, the paper's bias (bias +
variance of rfgen), in the {large} eigenvalues above the crossing and in those below; dashed: of the mean weights alone,
to which the rates of (a) apply at late steps. In (b) the noise of the steps, fed by the errors of all modes, soon
outweighs the mean: it hides the slower decay, and ASGD ends lower because it has learned the small eigenvalues that feed
it. (d) Excess risk due to label noise: ASGD's is larger at every step but the first, claim (ii). (e) Excess risk of the
last iterate and of the mean of the last half of the iterates. (f) Excess risk of ASGD over that of SGD without label
noise: claim (i) as whole errors. A target within the large eigenvalues is learned faster by ASGD up to about step {worse}
and slower afterwards; one within the small eigenvalues is learned faster after about step {better}. Lines: exact theory
computed by rfgen; dots: {trials} simulated runs, bars: one standard error; those of (f) compare
both methods on the same samples. Largest distance of a dot from theory:
{worst:.1f} standard errors.
"""


def _training(method: str, steps: np.ndarray, average_from: Any = None) -> rg.OnePassSGD | rg.AcceleratedSGD:
    if method == "SGD":
        return rg.OnePassSGD(RATE, steps, average_from=average_from)
    return rg.AcceleratedSGD(ALPHA, BETA, GAMMA, RATE, steps, average_from=average_from)


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decay rates, errors in both subspaces, risk by source, and simulations of the risk.

    `data` plays no part.  Arrays `eigenvalue` (points,), `decay` (methods, points); `step` (steps,), `error`, `mean`
    (methods, subspaces, steps), `noise`, `excess` (methods, steps), `window`, `averaged` (methods, windows), `ratio`
    (targets, steps); of the dots, at `window`: `dot_noise`, `dot_excess`,
    `dot_averaged`, `dot_error`, `dot_ratio` with `_se`, `_z`.
    """
    plan = SCALES[scale]
    eigenvalues = np.arange(1.0, MODES + 1.0) ** -DECAY
    power, large = eigenvalues, eigenvalues > CROSSING
    task = rg.Task(eigenvalues, power, noise=NOISE)
    step = np.unique(np.round(np.geomspace(1, plan["last"], plan["grid"])).astype(int))
    window = np.unique(2 * np.round(np.geomspace(10, plan["last"], plan["windows"]) / 2).astype(int))
    step = np.union1d(step, window)
    windows = np.append(window // 2, window[-1])  # the last starts at the end: until then it is the last iterate
    at = np.geomspace(eigenvalues[300], 1.0, 200)
    found: dict[str, list[Any]] = {}
    confined: list[list[np.ndarray]] = []
    for method in METHODS:
        settings = {"alpha": ALPHA, "beta": BETA, "gamma": GAMMA, "delta": RATE} if method == "ASGD" else {"rate": RATE}
        with jax.enable_x64(True):
            iteration = iteration_of(_training(method, step), {**settings, "batch": 1.0})
            shrink = spectral_radius(iteration, at, np.zeros_like(at))
        learner, averaging = (rg.Learner(_training(method, *clock)) for clock in ((step,), (window, windows)))
        curve = rg.predict(task, learner, by_mode=True)
        runs = simulate(task, averaging, trials=plan["trials"], seed=seed)
        exact = rg.predict(task, averaging)
        mean, spread = curve.bias_by_mode.values, curve.variance_by_mode.values
        noiseless = (curve.bias + curve.variance).values
        new = {
            "decay": -np.log(shrink), "mean": [mean[:, part].sum(axis=1) for part in (large, ~large)],
            "error": [(mean + spread)[:, part].sum(axis=1) for part in (large, ~large)],
            "noise": curve.noise.values - NOISE, "excess": curve.test.values - NOISE,
            "averaged": np.diagonal(exact.test.values) - NOISE,
        }
        for name, source, row in (("noise", "noise", -1), ("excess", "test", -1), ("averaged", "test", None)):
            value, error, truth = (
                np.diagonal(part.values) if row is None else part.values[row]
                for part in (runs[source], runs[f"{source}_se"], exact[source])
            )
            new |= {f"dot_{name}": value - NOISE, f"dot_{name}_se": error, f"dot_{name}_z": (value - truth) / error}
        for name, values in new.items():
            found.setdefault(name, []).append(values)
        parts = (rg.Task(eigenvalues, np.where(part, power, 0.0)) for part in (large, ~large))
        confined.append([*(rg.predict(part, learner, by_mode=True).test.values for part in parts), noiseless])
    arrays: dict[str, Any] = {"eigenvalue": at, "step": step, "window": window}
    arrays |= {name: np.array(values) for name, values in found.items()}
    arrays["ratio"] = np.array(confined[1]) / np.array(confined[0])
    arrays |= _noiseless_dots(arrays, eigenvalues, large, plan["trials"], seed)
    # the last step at which ASGD is still ahead on large, behind on small eigenvalues
    worse, better = (step[np.flatnonzero(ahead)[-1]] for ahead in (arrays["ratio"][0] <= 1, arrays["ratio"][1] >= 1))
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "decay": DECAY,
        "noise": NOISE, "rate": RATE, "alpha": ALPHA, "beta": BETA, "gamma": GAMMA, "crossing": CROSSING,
        "large": int(large.sum()), "worse": int(worse), "better": int(better), "trials": plan["trials"],
        "largest_z": max(float(np.abs(arrays[f"dot_{name}_z"]).max()) for name in DOTS),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _noiseless_dots(
    arrays: dict[str, Any], eigenvalues: np.ndarray, large: np.ndarray, trials: int, seed: int
) -> dict[str, np.ndarray]:
    """Errors in both subspaces (methods, subspaces, dots) and their ratios (targets, dots), of runs without label noise.

    Errors of targets within the large and within the small eigenvalues are followed on the same samples: their sum is the
    error of the whole target.
    """
    random, dots = np.random.default_rng(seed), arrays["window"]
    # target power equals the eigenvalues: weights 1, in units where an input's coordinate has its eigenvalue for variance
    start = np.broadcast_to(np.stack([large, ~large])[:, None].astype(float), (2, trials, large.size))
    plain, fast, slow = (start.copy() for _ in range(3))
    squares, weights = [], np.where([large, ~large], eigenvalues, 0.0)
    for step in range(1, dots[-1] + 1):
        x = random.standard_normal((trials, large.size)) * np.sqrt(eigenvalues)
        plain -= RATE * _along(plain, x)
        ahead = ALPHA * fast + (1.0 - ALPHA) * slow
        change = _along(ahead, x)
        fast, slow = ahead - RATE * change, BETA * ahead + (1.0 - BETA) * slow - GAMMA * change
        if step in dots:
            # (methods, 2 subspaces of the whole target and 2 confined targets, trials)
            squares.append([
                [*(error.sum(axis=0) ** 2 @ weights.T).T, *(error**2 @ eigenvalues)] for error in (plain, fast)
            ])
    found = np.moveaxis(np.array(squares), 0, -2)  # (methods, 4, dots, trials)
    error, targets = found[:, :2], np.concatenate([found[:, 2:], found[:, :2].sum(axis=1, keepdims=True)], axis=1)
    mean, spread = error.mean(axis=-1), error.std(axis=-1, ddof=1) / trials**0.5
    ratio, ratio_se = paired_ratio(*np.moveaxis(targets[::-1], -1, 1))
    at = np.searchsorted(arrays["step"], dots)
    return {
        "dot_error": mean, "dot_error_se": spread, "dot_error_z": (mean - arrays["error"][..., at]) / spread,
        "dot_ratio": ratio, "dot_ratio_se": ratio_se, "dot_ratio_z": (ratio - arrays["ratio"][:, at]) / ratio_se,
    }


def _along(error: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient (targets, trials, modes) of one sample a trial."""
    return np.einsum("atm,tm->at", error, x)[..., None] * x


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Decay rates and errors above, risks below."""
    step, window = arrays["step"], arrays["window"]
    with look():
        figure, axes = blank(2, 3, 13.0, 7.6)
        (rates, *subspaces), (noise, excess, ratio) = axes
        for i, colour in enumerate(METHODS.values()):
            rates.plot(arrays["eigenvalue"], arrays["decay"][i], color=colour)
            for j, ax in enumerate(subspaces):
                ax.plot(step, arrays["error"][i, j], color=colour)
                ax.plot(step, arrays["mean"][i, j], color=colour, ls="--", lw=1.4)
                ax.errorbar(
                    window, arrays["dot_error"][i, j], arrays["dot_error_se"][i, j], fmt="o", color=colour, mec="white",
                    mew=0.5, lw=1, zorder=3,
                )
            noise.plot(step, arrays["noise"][i], color=colour)
            excess.plot(step, arrays["excess"][i], color=colour)
            excess.plot(window, arrays["averaged"][i], color=colour, ls="--", lw=1.4)
            for ax, name, marker in ((noise, "noise", "o"), (excess, "excess", "o"), (excess, "averaged", "s")):
                ax.errorbar(
                    window, arrays[f"dot_{name}"][i], arrays[f"dot_{name}_se"][i], fmt=marker, color=colour, mec="white",
                    mew=0.5, lw=1, zorder=3,
                )
        dots = zip(arrays["ratio"], arrays["dot_ratio"], arrays["dot_ratio_se"], TARGETS.values(), strict=True)
        for values, dot, error, line in dots:
            ratio.plot(step, values, color="k", ls=line)
            ratio.errorbar(window, dot, error, fmt="o", color="k", mfc="k" if line == "-" else "white", lw=1, zorder=3)
        ratio.axhline(1.0, color="0.6", lw=1.0, zorder=0)
        rates.axvline(parameters["crossing"], color="0.6", lw=1.2, zorder=0)
        for ax in axes.flat[1:]:
            ax.set(xscale="log", xlim=(1, step[-1] * 1.15), xlabel="step")
        rates.set(
            xscale="log", yscale="log", xlabel="eigenvalue", title="(a) decay of the mean error",
            ylabel="rate of decay of its square, per step",
        )
        for ax, name, j in zip(subspaces, ("large", "small"), (0, 1), strict=True):
            whole = arrays["error"][:, j]
            ax.set(yscale="log", ylim=(whole.min() / (30, 2)[j], whole.max() * 1.5), ylabel="squared error, no label noise")
            ax.set_title(f"({'bc'[j]}) {name} eigenvalues")
        noise.set(title="(d) label noise", ylabel="excess risk from label noise", ylim=(0, None))
        excess.set(title="(e) all together", yscale="log", ylabel="excess risk")
        ratio.set(title="(f) where acceleration pays", ylabel="excess risk, ASGD / SGD")
        for ax in (rates, subspaces[0]):
            ax.yaxis.set_minor_locator(NullLocator())
        for ax in (subspaces[1], excess):
            plain_log(ax.yaxis)
        methods = [Line2D([], [], color=colour, marker="o", label=name) for name, colour in METHODS.items()]
        parts = [Line2D([], [], color="k", label="whole"), Line2D([], [], color="k", ls="--", label="of the mean weights")]
        iterates = [
            Line2D([], [], color="k", marker="o", label="last"),
            Line2D([], [], color="k", ls="--", marker="s", label="mean of last half"),
        ]
        targets = [
            Line2D([], [], color="k", ls=line, label=label)
            for line, label in zip(TARGETS.values(), ("large eigenvalues", "small eigenvalues", "both"), strict=True)
        ]
        limit = [Line2D([], [], color="0.6", lw=1.2, label="equal rates")]
        groups = {"(a)": limit, "(b, c) error": parts, "(e) iterate": iterates, "(f) target": targets}
        legend(figure, {"method": methods, **groups})
    return figure
