"""What the figures of single augmentations share: the test error along a sweep of strengths, with dots, in two panels."""

__all__ = ["concluded", "drawn", "sweep"]

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import rfgen as rg
from paper_figures.augmented import scored, worst
from paper_figures.panels import flatten, select
from paper_figures.runs import simulate
from paper_figures.style import COLOURS, blank, legend, look

MARKERS = "osD"


def sweep(
    task: Any, learner: Callable[[float], rg.Learner], line: Any, dots: Any, call: Mapping[str, int],
    plain: rg.Learner, measured: Callable[[float], rg.Learner] | None = None, **options: Any,
) -> dict[str, Any]:
    """`strength` (points,), `test` (points, series), `plain` (1 or series), the error of another learner, and dots.

    The series are the values of one setting of the learner.  Dots, of `measured` where not all series can be simulated:
    `dot_strength` (dots,), `dot_test`, `dot_test_se` and what else `scored` gives (dots, first series).  `call`: n, trials
    and seed; `options` of `rg.predict`.
    """
    n, measured = call["n"], measured or learner
    found: dict[str, Any] = {
        "plain": rg.predict(task, plain, n=n).test.values.ravel(), "strength": line,
        "test": [rg.predict(task, learner(one), n=n, **options).test.values.ravel() for one in line],
    }
    at = [
        scored(rg.predict(task, measured(one), n=n, **options), simulate(task, measured(one), **call)) for one in dots
    ]
    return {**found, "dot_strength": dots, **{key: [dot[key].ravel() for dot in at] for key in at[0]}}


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
    arrays: dict[str, Any], titles: Sequence[str], series: Sequence[str], labels: Sequence[str], *, log: bool = False,
    heading: str = "series",
) -> Figure:
    """A panel for each title and label of its strength, of the arrays "0", "1"."""
    with look():
        figure, axes = blank(1, len(titles), 10.0, 4.3)
        for place, (ax, title, label) in enumerate(zip(axes[0], titles, labels, strict=True)):
            at = select(arrays, f"{place}")
            looks = list(zip(COLOURS, MARKERS, range(len(series)), strict=False))
            for colour, marker, i in looks:
                if i < at["test"].shape[1]:
                    ax.plot(at["strength"], at["test"][:, i], color=colour)
                if i < at["dot_test"].shape[1]:
                    dots = at["dot_test"][:, i], at["dot_test_se"][:, i]
                    ax.errorbar(at["dot_strength"], *dots, fmt=marker, color=colour, mec="white", mew=0.5, zorder=3)
            for level, (colour, _, _) in zip(at["plain"], looks if at["plain"].size > 1 else [("0.3", 0, 0)], strict=True):
                ax.axhline(level, color=colour, ls=":", lw=1.2, zorder=1)
            ax.set(xlabel=label, title=title, xscale="log" if log else "linear")
        axes[0, 0].set_ylabel("test error")
        entries = [
            Line2D([], [], color=colour, marker=marker, label=text)
            for text, colour, marker in zip(series, COLOURS, MARKERS, strict=False)
        ]
        symbols = [
            Line2D([], [], color="0.3", label="theory"), Line2D([], [], color="0.3", ls="", marker="o", label="simulation"),
            Line2D([], [], color="0.3", ls=":", lw=1.2, label="without"),
        ]
        legend(figure, {heading: entries, "symbols": symbols})
    return figure
