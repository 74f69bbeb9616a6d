"""What the figures of single augmentations share: the test error along a sweep of strengths, with dots, in two panels."""

__all__ = ["concluded", "drawn", "sweep"]

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import scored, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look

MARKERS = "osD"


def sweep(
    task: Any, learner: Callable[[float], rg.Learner], line: Any, dots: Sequence[float], n: int, trials: int, seed: int,
    plain: rg.Learner, theory: bool = True,
) -> dict[str, Any]:
    """`strength` (points,), `test` if there is a theory, `plain` (the error of another learner), and dots.

    Of the dots `dot_strength`, `dot_test`, `dot_test_se`, and with a theory what `scored` adds.
    """
    found: dict[str, Any] = {"plain": rg.predict(task, plain, n=n).test.values}
    if theory:
        found |= {"strength": line, "test": [float(rg.predict(task, learner(one), n=n).test) for one in line]}
    at = []
    for one in dots:
        runs = simulate(task, learner(one), n=n, trials=trials, seed=seed)
        own = {"dot_test": runs.test.values, "dot_test_se": runs.test_se.values}
        at.append(scored(rg.predict(task, learner(one), n=n), runs) if theory else own)
    if at:
        found |= {"dot_strength": dots, **{key: [float(dot[key]) for dot in at] for key in at[0]}}
    return found


def concluded(
    panels: Mapping[str, Mapping[str, Any]], caption: str, scale: str, seed: int, **own: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and parameters of a figure, with its caption filled in."""
    arrays = flatten(panels)
    parameters = {
        "mark": "ours", "scale": scale, "seed": seed, "rfgen_version": rg.__version__, **own,
        "largest_z": worst(arrays), "largest_excess": worst(arrays, "dot_excess"),
    }
    return arrays, {**parameters, "caption": " ".join(caption.format(**parameters).split())}


def drawn(
    arrays: dict[str, Any], titles: Sequence[str], series: Mapping[str, str], label: str, *, log: bool = False,
    marks: bool = False, heading: str = "series",
) -> Figure:
    """A panel for each title, of the arrays "PLACE KEY" for each key of `series`; `marks`: points of lines are marked."""
    with look():
        figure, axes = blank(1, len(titles), 10.0, 4.3)
        for place, (ax, title) in enumerate(zip(axes[0], titles, strict=True)):
            for key, colour, marker in zip(series, COLOURS, MARKERS, strict=False):
                at = select(arrays, f"{place} {key}")
                if "test" in at:
                    ax.plot(at["strength"], at["test"], "x-" if marks else "-", color=colour)
                if "dot_test" in at:
                    ax.errorbar(at["dot_strength"], at["dot_test"], at["dot_test_se"], fmt=marker, color=colour, zorder=3)
                own = "0.3" if len({float(select(arrays, f"{place} {one}")["plain"]) for one in series}) == 1 else colour
                ax.axhline(float(at["plain"]), color=own, ls=":", lw=1.2, zorder=1)
            ax.set(xlabel=label, title=title, xscale="log" if log else "linear")
        axes[0, 0].set_ylabel("test error")
        entries = [
            Line2D([], [], color=colour, marker=marker, label=text)
            for text, colour, marker in zip(series.values(), COLOURS, MARKERS, strict=False)
        ]
        symbols = [
            Line2D([], [], color="0.3", label="theory"), Line2D([], [], color="0.3", ls="", marker="o", label="simulation"),
            Line2D([], [], color="0.3", ls=":", lw=1.2, label="without"),
        ]
        legend(figure, {heading: entries, "symbols": symbols})
    return figure
