"""Test error of classifiers that fit flipped labels, against the dimension: benign, tempered and harmful.

After arXiv 2004.12019, 2011.09148 and 2104.13628, parameters ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.interpolation import worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, graded, legend, look
from rfgen.theory import separability_threshold

# |mean| = LENGTH (dim / UNIT)^growth, covariance 1 in every direction.
N, LENGTH, UNIT, RANGE = 200, 1.1, 40, (20, 100_000)
FLIPS, SHOWN = (0.0, 0.1, 0.2, 0.3), 0.2
GROWTHS = {"benign": 0.4, "tempered": 0.25, "harmful": 0.1}
LEARNERS = {"max-margin": rg.MaxMargin(), "least squares": rg.Ridge(0.0), "averaging": rg.Averaging()}
LEARNER_COLOURS = dict(zip(LEARNERS, ("k", COLOURS[0], COLOURS[1]), strict=True))
# Groups without rows are left out, and other groups are another program to compile: a rate this small plays no part.
HARDLY = 1e-9
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 6, "dims": (1000,), "trials": 10},
    "paper": {"grid": 121, "dims": (50, 120, 300, 600, 1500, 5000, 20_000), "trials": 50},
}
CAPTION = """
After Chatterji, Long (arXiv 2004.12019), Wang, Thrampoulidis (arXiv 2011.09148), Cao, Gu, Belkin (arXiv 2104.13628),
parameters ours: two balanced Gaussian classes in dim dimensions, n = {n}, means ±m with |m| = {length:g} (dim/{unit})^a,
covariance 1. Top: probability that the max-margin classifier, which fits every flipped label, misses the true class;
lines begin where the training set becomes separable. Dash-dotted: Bayes. Dotted: the limit at a = 1/4, Φ(-(1 - 2 flip) √n
|m|²/√dim): the error tends to 0 for steeper growth of the means, to 1/2 for slower. Bottom: learners at {shown:.0%}
flips, test error solid, share of training labels missed dashed; least squares of minimum norm interpolates from dim = n
on. Exact theory computed by rfgen; dots: {trials} simulations each, bars: one standard error. Largest distance of a dot
from theory: {worst:.1f} standard errors; where errors are tiny, differences between draws lift their mean above the
limit.
"""


def _length(dim: Any, growth: float) -> Any:
    return LENGTH * (dim / UNIT) ** growth


def _mixture(dim: int, growth: float, flip: float) -> rg.Mixture:
    mean = np.zeros(dim)
    mean[0] = _length(dim, growth)
    return rg.Mixture(mean, np.ones(dim), flip=flip)


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of each regime and flip rate, "benign 0.1": max-margin `error` over `dim`; of each regime and learner, "benign
    averaging": `error` and `train_error` at 20 % flips; both with dots `dot_dim`, `dot`, `dot_se`, `dot_z`.

    "benign": `dim`, `bayes` and `threshold`, the dimension from which training sets with 20 % flips are separable.  `data`
    plays no part.
    """
    plan, panels = SCALES[scale], {}
    dims = np.unique(np.append(np.round(np.geomspace(*RANGE, plan["grid"])), N).astype(int))
    for name, growth in GROWTHS.items():
        with jax.enable_x64(True):
            bayes = np.asarray(norm.cdf(-_length(dims, growth)))
        panels[name] = {"dim": dims, "bayes": bayes, "threshold": _separable_from(growth, SHOWN)}
        for flip in FLIPS:
            panels[f"{name} {flip:g}"] = _panel("max-margin", growth, flip, dims, plan, seed)
        for learner in LEARNERS:
            known = panels[f"{name} {SHOWN:g}"] if learner == "max-margin" else None
            panels[f"{name} {learner}"] = known or _panel(learner, growth, SHOWN, dims, plan, seed)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "length": LENGTH,
        "unit": UNIT, "growths": GROWTHS, "flips": list(FLIPS), "shown": SHOWN, "trials": plan["trials"],
        "largest_z": worst(panels),
    }
    text = CAPTION.format(worst=parameters["largest_z"], **parameters)
    return flatten(panels), {**parameters, "caption": " ".join(text.split())}


@jax.jit
def _thresholds(lengths: jax.Array, flip: Any) -> jax.Array:
    """Dimensions per sample that separate classes whose means have these lengths."""
    return jax.vmap(lambda length: separability_threshold(length, flip=flip))(lengths)


def _separable_from(growth: float, flip: float) -> float:
    """The dimension at which dim / n passes the threshold, which falls with the length of the mean."""
    dims = np.geomspace(*RANGE, 2000)
    with jax.enable_x64(True):
        least = _thresholds(jnp.asarray(_length(dims, growth)), flip)
    return float(dims[np.argmax(dims / N > np.asarray(least))])


def _panel(learner: str, growth: float, flip: float, dims: Any, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """Lines over the dimensions at which there is a classifier, and dots."""
    training, first = rg.Learner(LEARNERS[learner]), 0.0
    if learner == "max-margin":
        first = _separable_from(growth, flip)

    def exact(dim: int) -> Any:
        return rg.predict(_mixture(int(dim), growth, max(flip, HARDLY)), training, N)

    # the line begins where the classifier does
    at_dims = np.unique(np.append(dims[dims > first], int(first) + 2)) if first else dims
    lines = [exact(dim) for dim in at_dims]
    # single draws differ much near the edge of separability and of interpolation
    drawn = [dim for dim in plan["dims"] if dim > 1.3 * first]
    runs = [simulate(_mixture(dim, growth, flip), training, N, trials=plan["trials"], seed=seed) for dim in drawn]
    found, error = (np.array([float(run[name]) for run in runs]) for name in ("error", "error_se"))
    return {
        "dim": at_dims, **{name: [float(at[name]) for at in lines] for name in ("error", "train_error")},
        "dot_dim": drawn, "dot": found, "dot_se": error,
        "dot_z": (found - np.array([float(exact(dim).error) for dim in drawn])) / error,
        "train_dot": [float(run.train_error) for run in runs],
    }


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Above the flip rates, below the learners; a column for each regime."""
    n, flips, shown = parameters["n"], parameters["flips"], parameters["shown"]
    with look():
        figure, axes = blank(2, 3, 13.0, 7.0)
        for column, (name, growth) in zip(axes.T, parameters["growths"].items(), strict=True):
            upper, lower = column
            common = select(arrays, name)
            for ax in column:
                ax.plot(common["dim"], common["bayes"], "-.", color="0.5", lw=1.4, zorder=1)
                ax.set(xscale="log", ylim=(-0.01, 0.53))
                ax.label_outer()
            for flip, colour in zip(flips, graded(len(flips)), strict=True):
                at = select(arrays, f"{name} {flip:g}")
                upper.plot(at["dim"], at["error"], color=colour)
                upper.errorbar(at["dot_dim"], at["dot"], at["dot_se"], fmt="o", color=colour)
                if growth == 0.25:
                    length = parameters["length"] ** 2 * np.sqrt(n / parameters["unit"])
                    upper.axhline(float(norm.cdf(-(1 - 2 * flip) * length)), color=colour, ls=":", lw=1.2, zorder=1)
            for learner, colour in LEARNER_COLOURS.items():
                at = select(arrays, f"{name} {learner}")
                lower.plot(at["dim"], at["error"], color=colour)
                lower.plot(at["dim"], at["train_error"], color=colour, ls="--", lw=1.3)
                lower.errorbar(at["dot_dim"], at["dot"], at["dot_se"], fmt="o", color=colour)
                lower.plot(at["dot_dim"], at["train_dot"], "o", color=colour, mfc="white")
            lower.axvline(float(common["threshold"]), color="0.85", lw=1, zorder=0)
            lower.axvline(n, color="0.85", lw=1, zorder=0)
            upper.set_title(f"{name}: a = {growth:g}")
            lower.set_xlabel("dimension")
        axes[0, 0].set_ylabel("test error, max-margin")
        axes[1, 0].set_ylabel(f"error at {shown:.0%} flips")
        rates = [
            Line2D([], [], color=colour, marker="o", label=f"{flip:.0%}")
            for flip, colour in zip(flips, graded(len(flips)), strict=True)
        ]
        marks = [
            Line2D([], [], color="0.5", ls="-.", lw=1.4, label="Bayes"),
            Line2D([], [], color="0.4", ls=":", lw=1.2, label="limit, a = 1/4"),
        ]
        learners = [Line2D([], [], color=colour, marker="o", label=learner) for learner, colour in LEARNER_COLOURS.items()]
        kinds = [
            Line2D([], [], color="0.4", marker="o", label="test error"),
            Line2D([], [], color="0.4", ls="--", lw=1.3, marker="o", mfc="white", label="training error"),
            Line2D([], [], color="0.85", lw=1, label="separable; dim = n"),
        ]
        legend(figure, {"labels flipped": [*rates, *marks], "rules, 20 % flipped": [*learners, *kinds]})
    return figure
