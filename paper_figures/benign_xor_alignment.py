"""XOR clusters from vanishing initial weights: one step memorises and is at chance, the second aligns the neurons.

For the question of arXiv 2310.02541, parameters ours.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look
from rfgen.systems import xor

N, DIM, SEPARATION, FLIP, WIDTH, RATE, STEPS, INIT = 200, 4000, 14.0, 0.1, 200, 0.01, 20, 1e-7
XOR = rg.XORClusters(DIM, SEPARATION, FLIP)
# Class of the clusters along either axis of the plane.
CLASS = np.array([1.0, -1.0])
SCALES: dict[str, dict[str, Any]] = {"smoke": {"trials": 5, "paths": 4}, "paper": {"trials": 50, "paths": 40}}
CAPTION = """
For the question of arXiv 2310.02541, parameters ours: four Gaussian clusters at distance {separation:g} from the origin,
opposite ones of one class, {dim} dimensions, n = {n} rows of which {flip:.0%} have flipped labels; {width} ReLU neurons,
gradient descent at rate {rate:g} on the logistic loss, initial weights of standard deviation {init:g}, far below the
first step. Left: after one step all training labels are fitted, flipped ones included, and the test accuracy is at
chance, the limit of theory (star): the network is a linear classifier. The second step already tells the clusters apart.
Dots: {trials} simulations, bars: one standard error. Middle and right: what a step moves each neuron along the clusters
of a class, in units of the inputs, against theory given where the neuron was (line: equality, up to a part that all
neurons share): in the first step by its initial weights, drowned by the rows that it happened to see; in the second along
the clusters of its output's class, and back along the others. Slopes of measured on predicted: {slopes[0]:.2f} ±
{errors[0]:.2f} and {slopes[1]:.2f} ± {errors[1]:.2f} over {paths} training sets. Theory and simulations computed by
rfgen. Largest distance from theory, of these slopes from 1 and of the accuracy after one step from 1/2: {largest_z:.1f}
standard errors.
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`run`: accuracies over `step`; `first`, `second`: `predicted`, `measured` of the neurons of one training set, `own`
    (whether along the class of the output weight).  `data` plays no part.
    """
    plan, net = SCALES[scale], rg.TwoLayerReLU(WIDTH, RATE, STEPS, INIT)
    runs = simulate(XOR, net, N, trials=plan["trials"], seed=seed)
    names = ("train_accuracy", "test_accuracy", "flips_fitted")
    measured = {f"{name}{kind}": runs[name + kind].values for name in names for kind in ("", "_se")}
    panels: dict[str, dict[str, Any]] = {"run": {"step": runs.steps.values, **measured}}
    moves = [_moves(net, seed, trial) for trial in range(plan["paths"])]
    slopes, errors = [], []
    for place, name in enumerate(("first", "second")):
        fitted = np.array([_slope(*move[place]) for move in moves])
        slopes.append(float(fitted.mean()))
        errors.append(float(fitted.std(ddof=1) / fitted.size**0.5))
        panels[name] = dict(zip(("predicted", "measured", "own"), moves[0][place], strict=True))
    after, after_se = (runs[f"test_accuracy{kind}"].sel(steps=1).item() for kind in ("", "_se"))
    z = [*((slope - 1.0) / error for slope, error in zip(slopes, errors, strict=True)), (after - 0.5) / after_se]
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "dim": DIM,
        "separation": SEPARATION, "flip": FLIP, "width": WIDTH, "rate": RATE, "steps": STEPS, "init": INIT, **plan,
        "slopes": slopes, "errors": errors, "largest_z": float(np.abs(z).max()),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def _moves(net: rg.TwoLayerReLU, seed: int, trial: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of the first and the second step: predicted, measured and own class, each (width, 2)."""
    paths = xor.neuron_paths(XOR, net, N, seed=seed, trial=trial)
    start, once, twice = (paths.plane[list(paths.steps).index(step)] for step in (0, 1, 2))
    sign = paths.sign[:, None]
    # a step moves a neuron by rate a h / 2, a = sign / sqrt(width)
    first, second = (2.0 * WIDTH**0.5 * (after - before) / RATE * sign for before, after in ((start, once), (once, twice)))
    same, sizes = sign * CLASS, (N, DIM, SEPARATION, FLIP)
    with jax.enable_x64(True):
        expected = CLASS * np.asarray(xor.first_alignment(start.ravel() / INIT, *sizes).mean).reshape(start.shape)
        moved = (start.ravel() / INIT, (sign * first).ravel(), same.ravel())
        again = np.asarray(xor.second_alignment(*moved, *sizes)).reshape(start.shape)
    return [(expected, first, same > 0), (again, sign * second, same > 0)]


def _slope(predicted: np.ndarray, measured: np.ndarray, own: np.ndarray) -> float:
    """Of measured on predicted, within the neurons of either sign and along either axis, which share an offset."""
    over = under = 0.0
    for axis in (0, 1):
        for group in (own[:, axis], ~own[:, axis]):
            x, y = predicted[group, axis], measured[group, axis]
            over, under = over + np.sum((x - x.mean()) * (y - y.mean())), under + np.sum((x - x.mean()) ** 2)
    return float(over / under)


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Accuracies, and the neurons in both steps."""
    with look():
        figure, axes = blank(1, 3, 13.5, 4.4)
        left, *scatters = axes[0]
        run = select(arrays, "run")
        for name, colour in (("train_accuracy", COLOURS[1]), ("test_accuracy", COLOURS[0])):
            left.errorbar(run["step"], run[name], run[f"{name}_se"], fmt="o-", color=colour)
        left.plot(run["step"], run["flips_fitted"], "o", color=COLOURS[1], mfc="white", ms=8, zorder=0)
        left.plot([1], [0.5], "*", color="k", ms=13, zorder=4)
        left.set_xscale("symlog", linthresh=1.0, linscale=0.3)
        left.set(xlabel="step", ylabel="accuracy", title="training")
        for ax, name in zip(scatters, ("first", "second"), strict=True):
            at = select(arrays, name)
            own = np.asarray(at["own"], bool)
            for group, colour, marker in ((own, COLOURS[2], "o"), (~own, COLOURS[4], "x")):
                ax.plot(at["predicted"][group], at["measured"][group], marker, color=colour, ms=3, alpha=0.7)
            reach = np.array([at["predicted"].min(), at["predicted"].max()])
            ax.plot(reach, reach, color="k", zorder=3)
            ax.set(xlabel="predicted move", title=f"{name} step")
        scatters[0].set_ylabel("measured move")
        curves = [
            Line2D([], [], color=COLOURS[1], marker="o", label="training labels"),
            Line2D([], [], color=COLOURS[1], marker="o", mfc="white", ms=8, ls="", label="flipped labels"),
            Line2D([], [], color=COLOURS[0], marker="o", label="test"),
            Line2D([], [], color="k", marker="*", ms=11, ls="", label="theory, step 1"),
        ]
        neurons = [
            Line2D([], [], color=COLOURS[2], marker="o", ls="", label="of its own class"),
            Line2D([], [], color=COLOURS[4], marker="x", ls="", label="of the other"),
            Line2D([], [], color="k", label="theory"),
        ]
        legend(figure, {"accuracy": curves, "clusters": neurons})
    return figure
