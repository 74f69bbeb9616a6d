"""Where second moments of the views are not enough: random gain, flips, large windows cut out.

For the question of arXiv 2605.10290, whose text is not available to us: the figure is defined here.
"""

__all__ = ["compute", "draw"]

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import QUESTION, scored, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look, plain_log

MODES, NOISE, RIDGE = 120, 0.25, 1.0
GAINS, WINDOW = (0.4, 1.6), 48
TITLES = {"gain": "gain 0.4 or 1.6", "flip": "flip of half the modes", "cutout": f"window of {WINDOW} modes cut out"}
SMALLEST, LARGEST = 12, 1200

# Measured on 2 cores: the pattern form of cutout, whose patterns are sampled, takes 0.5 s a point, the others microseconds.
SCALES: dict[str, dict[str, Any]] = {
    "smoke": {
        "grid": 61, "cutout_grid": 5, "sizes": (80,), "trials": 60, "views": {"gain": (1,), "flip": (2,), "cutout": (3,)},
    },
    "paper": {
        "grid": 241, "cutout_grid": 48, "sizes": (12, 24, 48, 80, 120, 200, 400, 1200), "trials": 200,
        "views": {"gain": (1, 3), "flip": (2, 4), "cutout": (3,)},
    },
}

CAPTION = """
{question} Kernel regression on {modes} equal modes, label noise {noise:g}, ridge {ridge:g}, each sample in m views; the
augmentation acts on the eigen-coordinates, test inputs are clean. Left: all coordinates of a view times 0.4 or 1.6;
middle: the signs of every second coordinate changed in half of the views; right: {window} consecutive coordinates of
{modes} set to 0. One random parameter moves the whole view. Dashed: the theory that knows the views by their first and
second moments alone; solid: the theory that conditions on the parameter (cutout: sampled patterns); both computed by
rfgen. Dots: simulations run by rfgen at n = {sizes}, {trials} trials each, bars one standard error. Largest distance of a
dot from the solid line: {worst:.1f} standard errors; from the dashed line: {missed:.0f} (gain), {missed_flip:.0f} (flip),
{missed_cutout:.0f} (cutout).
"""


def compute(scale: str, data: str | Path | None = None, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both forms of the theory on a grid of n, and simulations at a few n.

    `data` plays no part.  Arrays of panels "gain", "flip", "cutout": `size` (points,), `moment`, `pattern` (views, points),
    and of the dots `dot_size` (sizes,), `dot_test`, `dot_test_se`, `dot_exact` (the pattern form), `dot_z`, `dot_excess`,
    `dot_moment_z` (views, sizes).
    """
    plan = SCALES[scale]
    task = rg.Task.isotropic(MODES, noise=NOISE)
    arrays = flatten({kind: _panel(task, kind, plan, seed) for kind in TITLES})
    missed = {kind: float(np.abs(arrays[f"{kind}.dot_moment_z"]).max()) for kind in TITLES}
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, "modes": MODES, "noise": NOISE,
        "ridge": RIDGE, "gains": list(GAINS), "window": WINDOW,
        "views": {kind: list(views) for kind, views in plan["views"].items()},
        "trials": plan["trials"], "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
        "largest_z_of_moment_form": missed,
    }
    text = CAPTION.format(
        question=QUESTION, sizes=", ".join(map(str, plan["sizes"])), worst=parameters["largest_z"], missed=missed["gain"],
        missed_flip=missed["flip"], missed_cutout=missed["cutout"], **parameters,
    )
    return arrays, {**parameters, "caption": " ".join(text.split())}


def _learner(kind: str, views: int) -> rg.Learner:
    made = {"gain": lambda: rg.Gain(GAINS, views=views), "flip": lambda: rg.Flip(views=views)}
    augmentation = made[kind]() if kind in made else rg.Cutout(WINDOW, views=views)
    return rg.Learner(rg.Ridge(RIDGE), augmentation=augmentation)


def _panel(task: rg.Task, kind: str, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    size = np.geomspace(SMALLEST, LARGEST, plan["cutout_grid" if kind == "cutout" else "grid"])
    dots = np.array(plan["sizes"])
    rows: dict[str, list[np.ndarray]] = {}
    for views in plan["views"][kind]:
        learner = _learner(kind, views)
        # one call for line and dots: sampled patterns cost a compilation each
        moment, pattern = (rg.predict(task, learner, n=np.append(size, dots), form=form) for form in ("moment", "pattern"))
        runs = simulate(task, learner, n=dots, trials=plan["trials"], seed=seed)
        at_dots = {"n": slice(size.size, None)}
        found = scored(pattern.isel(at_dots), runs)
        row = {
            "moment": moment.test.values[: size.size], "pattern": pattern.test.values[: size.size], **found,
            "dot_moment_z": scored(moment.isel(at_dots), runs)["dot_z"],
        }
        for name, values in row.items():
            rows.setdefault(name, []).append(values)
    return {"size": size, "dot_size": dots, **{name: np.stack(values) for name, values in rows.items()}}


def draw(arrays: dict[str, Any], parameters: dict[str, Any]) -> Figure:
    """One panel for each augmentation."""
    with look():
        figure, axes = blank(1, 3, 12.5, 4.5)
        views = sorted({count for counts in parameters["views"].values() for count in counts})
        colours = dict(zip(views, COLOURS, strict=False))
        for ax, (kind, counts) in zip(axes[0], parameters["views"].items(), strict=True):
            values = select(arrays, kind)
            for row, count in enumerate(counts):
                _draw_row(ax, values, row, colours[count])
            ax.set(xscale="log", yscale="log", xlabel="samples n", title=TITLES[kind])
            plain_log(ax.yaxis, (1.0, 2.0, 3.0, 5.0))
        lowest, highest = zip(*(ax.get_ylim() for ax in axes[0]), strict=True)
        for ax in axes[0]:  # one scale, as the panels are compared
            ax.set_ylim(min(lowest), max(highest))
        axes[0, 0].set_ylabel("test error")
        entries = [Line2D([], [], color=colour, label=f"m = {count}") for count, colour in colours.items()]
        symbols = [
            Line2D([], [], color="k", ls="--", label="theory,\nmoments"),
            Line2D([], [], color="k", label="theory,\npatterns"),
            Line2D([], [], color="k", ls="", marker="o", label="simulation"),
        ]
        legend(figure, {"views": entries, "symbols": symbols})
    return figure


def _draw_row(ax: Any, values: dict[str, np.ndarray], row: int, colour: str) -> None:
    ax.plot(values["size"], values["moment"][row], "--", color=colour)
    ax.plot(values["size"], values["pattern"][row], color=colour)
    ax.errorbar(
        values["dot_size"], values["dot_test"][row], values["dot_test_se"][row], fmt="o", color=colour, mec="white",
        mew=0.5, lw=1, zorder=3,
    )
