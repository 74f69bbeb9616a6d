"""One look for all figures: fonts, colours, the caption under the panels."""

__all__ = ["COLOURS", "STYLE", "blank", "caption", "graded", "legend", "plain_log"]

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe and Ito's palette, told apart with every colour vision; for series without an order.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2.0,
}
CAPTION_SIZE = 8.5


def graded(count: int) -> list[Any]:
    """Colours for a series with an order, dark to light (viridis without its palest end)."""
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, count)))


def blank(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """A figure without pyplot, so that nothing stays open, and its axes (rows, columns)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def caption(figure: Figure, text: str) -> None:
    """Write `text` under the panels, which make room for it; the figure grows by its height."""
    width, height = figure.get_size_inches()
    # a character of the default font is on average 0.55 of its size wide
    lines = textwrap.wrap(text, int((width - 0.3) * 72 / (0.55 * CAPTION_SIZE)))
    space = 1.35 * CAPTION_SIZE * len(lines) / 72 + 0.2
    figure.set_size_inches(width, height + space)
    figure.get_layout_engine().set(rect=(0.0, space / (height + space), 1.0, height / (height + space)))
    figure.text(0.15 / width, 0.1 / (height + space), "\n".join(lines), fontsize=CAPTION_SIZE, va="bottom", linespacing=1.2)


def legend(figure: Figure, groups: Mapping[str, Sequence[Line2D]]) -> None:
    """One legend right of the panels: a heading and its entries for each group."""
    handles: list[Line2D] = []
    for heading, entries in groups.items():
        gap = [Line2D([], [], ls="", label=" ")] if handles else []
        handles += [*gap, Line2D([], [], ls="", label=heading), *entries]
    made = figure.legend(handles=handles, loc="outside right upper", handlelength=1.8, borderaxespad=0.2)
    for text in made.get_texts():
        if text.get_text() in groups:
            text.set_fontweight("bold")


def plain_log(axis: Any, subs: tuple[float, ...] = (1.0, 2.0, 5.0)) -> None:
    """Ticks 0.5, 1, 2 on a logarithmic axis of less than about two decades, in place of powers of ten."""
    axis.set_major_locator(LogLocator(base=10.0, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
