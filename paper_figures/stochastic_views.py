"""What stochastic training makes of fresh views, at which rate each step is best taken, and momentum that remembers."""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look, plain_log

MODES, NOISE, KEEP, N, START = 40, 0.3, 0.6, 150, 1.0
FLAT = rg.Task(np.arange(1, 201) ** -0.6 / 20, np.arange(1, 201) ** -1.0, NOISE)
TASK = rg.Task.power_law(1.3, 1.3, NOISE, modes=MODES)
QUIET_MODES = 300
QUIET = rg.Task.power_law(1.3, 1.3, modes=QUIET_MODES)
RATE, LAST, CAP = 1.5, 1000, 0.4
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {"grid": 15, "trials": 20, "runs": 400}, "paper": {"grid": 41, "trials": 200, "runs": 20_000},
}
LINES = ("-", "--", ":", "-.")
CAPTION = """
Parameters ours. One pass: {modes} modes, eigenvalues and power i^-1.3, label noise {noise:g}, rate .3, batches of 2: clean
samples, and each seen in one or in three fresh masked views (inputs kept with probability {keep:g}). Many passes: n = {n}
samples, rate {rate:g}, batches of 2: each visit in one fresh masked view, in three, or in one of three that each sample
keeps; clean, and clean from weights of variance {start:g}. Rates: those that leave the least risk after {last} steps below
the cap {cap:g}, and the best of named shapes, on the task of one pass. Momentum: {quiet} modes without label noise,
stochastic gradient descent at rate .1, with heavy-ball momentum .5, and with momentum adapted to the dimension (DANA, arXiv
2505.16098), whose risk falls faster the longer it remembers. Lines: exact, by rfgen; dots: {trials} simulations ({runs} of
one pass), bars: one standard error. Largest distance of a dot from theory: {worst:.1f} standard errors.
"""


def _falling(t: np.ndarray) -> np.ndarray:
    return 0.2 * (1.0 + t) ** (-1.0 / 1.3)


def _once(**options: Any) -> Any:
    return lambda steps: rg.Learner(rg.OnePassSGD(0.3, steps, 2), **options)


def _passes(augmentation: Any = None, **options: Any) -> Any:
    return lambda steps: rg.Learner(rg.SGD(RATE, steps, 2, **options), augmentation=augmentation)


PANELS: dict[str, dict[str, Any]] = {
    "once": {
        "clean": _once(), "one view": _once(augmentation=rg.Mask(KEEP)),
        "three views": _once(augmentation=rg.Mask(KEEP, views=3)),
    },
    "passes": {
        "clean": _passes(), "clean, random start": _passes(initial_variance=START),
        "one view": _passes(rg.Mask(KEEP)), "three views": _passes(rg.Mask(KEEP, views=3)),
        "three stored views": _passes(rg.Mask(KEEP, views=3), fresh=False),
    },
    "momentum": {
        "descent": lambda steps: rg.Learner(rg.OnePassSGD(0.1, steps)),
        "heavy ball": lambda steps: rg.Learner(rg.OnePassSGD(0.1, steps, momentum=0.5)),
        "DANA": lambda steps: rg.Learner(rg.DANA(0.1, _falling, steps)),
    },
}
# Of each panel: task, n, last step, dots, and what counts its simulations.
POSED: dict[str, tuple[rg.Task, int | None, int, list[int], str]] = {
    "once": (TASK, None, 300, [5, 20, 80], "runs"), "passes": (FLAT, N, 1000, [5, 30, 150], "trials"),
    "momentum": (QUIET, None, 3000, [5, 20, 80, 300], "trials"),
}
TITLES = {"once": "one pass", "passes": "many passes", "momentum": "momentum"}
STYLES = {
    "clean": (COLOURS[0], "-"), "clean, random start": (COLOURS[0], ":"), "one view": (COLOURS[1], "-"),
    "three views": (COLOURS[2], "--"), "three stored views": (COLOURS[3], "-."), "descent": (COLOURS[0], "-"),
    "heavy ball": (COLOURS[1], "--"), "DANA": (COLOURS[2], "-."),
}


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Panels "PANEL NAME" with `steps`, `risk` and dots; "rates NAME" with `steps`, `rate`, `test`."""
    del data
    plan, panels = SCALES[scale], {}
    for panel, lines in PANELS.items():
        task, n, last, dots, count = POSED[panel]
        steps = np.union1d(np.geomspace(1, last, plan["grid"]).round().astype(int), dots)
        for name, learner in lines.items():
            curve = rg.predict(task, learner(steps), n).test
            runs = simulate(task, learner(dots), n, trials=plan[count], seed=seed)
            z = (runs.test - curve.sel(steps=dots)) / runs.test_se
            panels[f"{panel} {name}"] = {
                "steps": steps, "risk": curve.values, "dots": dots, "dot": runs.test.values,
                "dot_se": runs.test_se.values, "dot_z": z.values,
            }
    worst = max(float(np.abs(one["dot_z"]).max()) for one in panels.values())
    best = rg.best_schedule(TASK, rg.OnePassSGD(0.1, LAST), cap=CAP)
    for name in best.schedule.values.tolist():
        at = best.sel(schedule=name)
        panels[f"rates {name}"] = {"steps": best.steps.values, "rate": at.rate.values, "end": float(at.end_test)}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "noise": NOISE,
        "keep": KEEP, "n": N, "rate": RATE, "start": START, "last": LAST, "cap": CAP, "trials": plan["trials"],
        "runs": plan["runs"], "quiet": QUIET_MODES, "schedules": best.schedule.values.tolist(), "largest_z": worst,
    }
    return flatten(panels), {**parameters, "caption": " ".join(CAPTION.format(worst=worst, **parameters).split())}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """Four panels."""
    with look():
        figure, axes = blank(2, 2, 10.5, 8.0)
        (once, passes), (rates, momentum) = axes
        for ax, panel in ((once, "once"), (passes, "passes"), (momentum, "momentum")):
            for name in PANELS[panel]:
                at, (colour, line) = select(arrays, f"{panel} {name}"), STYLES[name]
                ax.plot(at["steps"], at["risk"], color=colour, ls=line)
                ax.errorbar(at["dots"], at["dot"], at["dot_se"], fmt="o", color=colour)
            ax.set(xscale="log", xlabel="steps", ylabel="test risk", title=TITLES[panel])
        momentum.set_yscale("log")
        plain_log(momentum.yaxis)
        ends = []
        for place, name in enumerate(parameters["schedules"]):
            at, colour, line = select(arrays, f"rates {name}"), COLOURS[place % len(COLOURS)], LINES[place % len(LINES)]
            rates.plot(at["steps"], at["rate"], color=colour, ls=line)
            ends.append(Line2D([], [], color=colour, ls=line, label=f"{name}: {float(at['end']):.4f}"))
        rates.set(xlabel="step", ylabel="rate", title="rates")

        def lines(*panels: str) -> list[Line2D]:
            names = dict.fromkeys(name for panel in panels for name in PANELS[panel])
            return [Line2D([], [], color=STYLES[name][0], ls=STYLES[name][1], label=name) for name in names]

        legend(figure, {"passes": lines("once", "passes"), "rates: risk in the end": ends, "momentum": lines("momentum")})
    return figure
