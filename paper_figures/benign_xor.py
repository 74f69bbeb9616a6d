"""A two-layer ReLU network on XOR clusters: it fits flipped labels in one step and generalises long after.

For the question of arXiv 2310.02541, parameters ours.
"""

__all__ = ["compute", "draw"]

from functools import partial
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

N, DIM, SEPARATION, FLIP, WIDTH, RATE, STEPS, INIT = 200, 4000, 14.0, 0.1, 1000, 0.01, 200, 2e-4
XOR = rg.XORClusters(DIM, SEPARATION, FLIP)
RANGE, EARLY = (1e-6, 5e-3), 1
TRAIN, TEST, CLASSES = COLOURS[1], COLOURS[0], (COLOURS[4], COLOURS[2])
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"trials": 3, "inits": (2e-6, 2e-4), "dots": 12},
    "paper": {"trials": 50, "inits": tuple(np.geomspace(*RANGE, 9)), "dots": 200},
}
CAPTION = """
For the question of arXiv 2310.02541, parameters ours: four Gaussian clusters at distance {separation:g} from the origin,
opposite ones of one class, {dim} dimensions, n = {n} rows of which {flip:.0%} have flipped labels; {width} ReLU neurons,
gradient descent at rate {rate:g} on the logistic loss, initial weights of standard deviation {init:g}. Top left: all
training labels, flipped ones included, are fitted after one step (open circles: the flipped ones), when the test accuracy
is near chance; dots: {trials} simulations, bars: one standard error. Star: theory of the first step of wide networks. Top
right: test accuracy after that step against the initial weights, line: theory, dots: {dots} simulations each. Larger
initial weights drown the step; smaller ones are forgotten, and with them which rows each neuron saw: the limit is a
linear classifier, which is at chance. Bottom: neurons of one training set on the plane of the clusters, by the sign of
their output weight; late, each lies along the clusters of its class. Theory and simulations computed by rfgen. Largest
distance of a dot after one step from theory: {largest_z:.1f} standard errors.
"""


def _net(steps: int, init: float) -> rg.TwoLayerReLU:
    return rg.TwoLayerReLU(WIDTH, RATE, steps, init)


def _theory(inits: Any) -> np.ndarray:
    """Test accuracy after one step, over initial scales."""
    with jax.enable_x64(True):
        step = partial(xor.xor_first_step, N, DIM, SEPARATION, FLIP, WIDTH, RATE)
        curve = jax.jit(jax.vmap(lambda init: step(init).test_accuracy))
        return np.asarray(curve(np.asarray(inits, np.float64)))


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """`run`: accuracies over `step` with `first`, the prediction; `first`: over `init`; `neurons`: `early`, `late` on the
    plane, `sign`.  `data` plays no part.
    """
    plan = SCALES[scale]
    runs = simulate(XOR, _net(STEPS, INIT), N, trials=plan["trials"], seed=seed)
    names = ("train_accuracy", "test_accuracy", "flips_fitted")
    found = {f"{name}{kind}": runs[name + kind].values for name in names for kind in ("", "_se")}
    line = np.geomspace(*RANGE, 81)
    dots = [simulate(XOR, _net(1, init), N, trials=plan["dots"], seed=seed + 1) for init in plan["inits"]]
    dot, dot_se = (np.array([run[name].values[1] for run in dots]) for name in ("test_accuracy", "test_accuracy_se"))
    paths = xor.neuron_paths(XOR, _net(STEPS, INIT), N, seed=seed)
    panels = {
        "run": {"step": runs.steps.values, **found, "first": _theory([INIT])},
        "first": {
            "init": line, "accuracy": _theory(line), "dot_init": plan["inits"], "dot": dot, "dot_se": dot_se,
            "dot_z": (dot - _theory(plan["inits"])) / dot_se,
        },
        "neurons": {
            "early": paths.plane[list(paths.steps).index(EARLY)], "late": paths.plane[-1], "sign": paths.sign,
        },
    }
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "n": N, "dim": DIM,
        "separation": SEPARATION, "flip": FLIP, "width": WIDTH, "rate": RATE, "steps": STEPS, "init": INIT,
        "trials": plan["trials"], "dots": plan["dots"], "largest_z": float(np.abs(panels["first"]["dot_z"]).max()),
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(**parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Above accuracies along training and after one step; below neurons early and late."""
    with look():
        figure, axes = blank(2, 2, 11.0, 8.4)
        (left, right), below = axes
        run, first = select(arrays, "run"), select(arrays, "first")
        for name, colour in (("train_accuracy", TRAIN), ("test_accuracy", TEST)):
            left.errorbar(run["step"], run[name], run[f"{name}_se"], fmt="o-", color=colour)
        left.plot(run["step"], run["flips_fitted"], "o", color=TRAIN, mfc="white", ms=8, zorder=0)
        left.plot([1], run["first"], "*", color="k", ms=13, zorder=4)
        left.set_xscale("symlog", linthresh=1.0, linscale=0.3)
        left.set(xlabel="step", ylabel="accuracy", title="training")
        right.plot(first["init"], first["accuracy"], color="k")
        right.errorbar(first["dot_init"], first["dot"], first["dot_se"], fmt="o", color=TEST)
        right.axvline(parameters["init"], color="0.85", lw=1, zorder=0)
        right.set(xscale="log", xlabel="standard deviation of initial weights", title="after one step")
        right.set_ylabel("test accuracy")
        for ax in (left, right):
            ax.axhline(0.5, color="0.7", lw=1.2, ls=":", zorder=0)
        neurons = select(arrays, "neurons")
        for ax, name, step in zip(below, ("early", "late"), (EARLY, parameters["steps"]), strict=True):
            plane = 1e3 * neurons[name]
            reach = 1.05 * np.abs(plane).max()
            for sign, colour in zip((1.0, -1.0), CLASSES, strict=True):
                ax.plot(*plane[neurons["sign"] == sign].T, ".", color=colour, ms=3.5, alpha=0.6)
            for axis, colour in zip("xy", CLASSES, strict=True):
                line = ax.axhline if axis == "x" else ax.axvline
                line(0.0, color=colour, lw=1, zorder=0)
            ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            ax.set_title(f"neurons after {step} step{'s' if step > 1 else ''}")
            ax.set(xlabel="weight along clusters of class +1 (10⁻³)", ylabel="along clusters of class −1 (10⁻³)")
        curves = [
            Line2D([], [], color=TRAIN, marker="o", label="training labels"),
            Line2D([], [], color=TRAIN, marker="o", mfc="white", ms=8, ls="", label="flipped labels"),
            Line2D([], [], color=TEST, marker="o", label="test"),
            Line2D([], [], color="k", marker="*", ms=11, ls="", label="theory, step 1"),
            Line2D([], [], color="0.7", lw=1.2, ls=":", label="chance"),
        ]
        signs = [
            Line2D([], [], color=colour, marker=".", ls="", label=name)
            for colour, name in zip(CLASSES, ("+1", "−1"), strict=True)
        ]
        legend(figure, {"accuracy": curves, "output weight, class": signs})
    return figure
