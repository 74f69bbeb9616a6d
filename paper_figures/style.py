"""One look for all figures: fonts, colours, the legend, and how panels are laid out at the width of a column."""

__all__ = [
    "COLOURS", "MINIMUM", "StyleError", "blank", "dressed", "finish", "graded", "legend", "look", "moved", "plain_log",
]

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Hues of Okabe and Ito, told apart with every colour vision, at lightnesses 27, 70, 51, 61, 40, 81 (CIE L*), told apart in
# grey; for series without an order.
COLOURS = ("#00407A", "#E39D00", "#008A63", "#C77CA4", "#A83A00", "#8FD3F7")

STYLE = {
    "font.size": 11.0, "axes.titlesize": 12.0, "axes.labelsize": 12.0, "legend.fontsize": 9.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.8, "lines.markersize": 4.5,
    "errorbar.capsize": 2.0, "savefig.dpi": 160,
    "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "rfgen",  # letters stay letters
}
# What a page of a paper asks for: 6 points for the smallest text, which is "small".
MINIMUM = 6.0
COLUMN = {
    "font.size": 7.5, "axes.titlesize": 7.5, "axes.labelsize": 7.5, "xtick.labelsize": 6.5, "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5, "savefig.dpi": 300, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "axes.titlepad": 3.0, "axes.labelpad": 2.0, "errorbar.capsize": 1.2,
}
THINNER = 0.62  # of lines and dots on a page
LEAST_PANEL, BESIDE = 1.65, 5.0  # inches: the narrowest panel, and the width from which a legend stands beside the panels


class StyleError(ValueError):
    """A style that matplotlib cannot read."""


@dataclass(frozen=True)
class Dress:
    """Width in inches (None: the figure's own), and settings that go before all others."""

    width: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


DRESS: ContextVar[Dress] = ContextVar("dress", default=Dress())  # noqa: B039 frozen


class Page(Figure):
    """A figure that knows its panels in the order in which they were meant (rows, columns)."""

    panels: np.ndarray


@contextlib.contextmanager
def dressed(width: float | None = None, style: Any = None) -> Iterator[None]:
    """Draw and save at `width` inches, with a style sheet (a file, or a name that matplotlib knows) over ours."""
    settings: dict[str, Any] = {}
    if style is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # matplotlib only warns of lines that it does not understand
                named = matplotlib.style.library.get(str(style))
                settings = dict(named or matplotlib.rc_params_from_file(style, use_default_template=False))
        except (OSError, UserWarning, ValueError) as error:
            raise StyleError(f"--style takes a file of matplotlib settings; {style} cannot be read: {error}") from error
    token = DRESS.set(Dress(width, settings))
    try:
        with look():
            yield
    finally:
        DRESS.reset(token)


def look() -> Any:
    """The context in which figures are drawn."""
    dress = DRESS.get()
    return matplotlib.rc_context({**STYLE, **(COLUMN if dress.width else {}), **dress.settings})


def graded(count: int) -> list[Any]:
    """Colours for a series with an order, dark to light (viridis without its palest end)."""
    return list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, count)))


def blank(
    rows: int, columns: int, width: float, height: float, least: float = LEAST_PANEL
) -> tuple[Figure, np.ndarray]:
    """A figure without pyplot, so that nothing stays open, and its axes (rows, columns).

    At a given width as many panels of `least` inches stand side by side as there is room for.
    """
    wanted = DRESS.get().width
    down, across = rows, columns
    if wanted:
        fitting = [c for c in range(1, columns + 1) if c * least <= wanted and rows * columns % c == 0]
        across = max(fitting, default=1)
        down = rows * columns // across
        shape = np.clip(height / rows / (0.85 * width / columns), 0.5, 0.95)
        width, height = wanted, down * min(wanted / across * shape, 2.1)
    figure = Page(figsize=(width, height), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False)
    # what stood one above the other stands side by side, or the order of reading is kept
    figure.panels = axes.T if (across, down) == (rows, columns) else axes.reshape(rows, columns)
    return figure, figure.panels


def legend(figure: Figure, groups: Mapping[str, Sequence[Any]]) -> None:
    """One legend right of the panels, below them in a narrow figure: a heading and its entries for each group."""
    wanted = DRESS.get().width
    if wanted and wanted < BESIDE:
        _legend_below(figure, groups, wanted)
        return
    handles: list[Any] = []
    for heading, entries in groups.items():
        handles += [*([_text(" ")] if handles else []), _text(heading), *entries]
    _embolden(figure.legend(handles=handles, loc="outside right upper", handlelength=2.6, borderaxespad=0.2), groups)


def finish(figure: Figure) -> Figure:
    """Fit a drawn figure to its width: labels shared with a neighbour, long titles, strong lines, room for a legend."""
    if not DRESS.get().width:
        return figure
    for artist in figure.findobj(lambda one: isinstance(one, Line2D | Collection)):
        artist.set_linewidth(np.multiply(artist.get_linewidth(), THINNER))
        if isinstance(artist, Line2D):
            artist.set_markersize(artist.get_markersize() * THINNER)
            artist.set_markeredgewidth(artist.get_markeredgewidth() * THINNER)
        elif hasattr(artist, "set_sizes"):
            artist.set_sizes(np.asarray(artist.get_sizes()) * THINNER**2)
    if isinstance(figure, Page):
        _label(figure.panels)
    width, height = figure.get_size_inches()
    legends = sum(each.get_window_extent().height / figure.dpi for each in figure.legends)
    figure.set_size_inches(width, height + legends if width < BESIDE else max(height, legends + 0.1))
    figure.draw_without_rendering()
    for ax in figure.axes:
        room = ax.get_window_extent()
        for text, side in ((ax.title, "width"), (ax.xaxis.label, "width"), (ax.yaxis.label, "height")):
            if getattr(text.get_window_extent(), side) > getattr(room, side):
                text.set_text(_folded(text.get_text()))
    return figure


def moved(figure: Figure) -> str:
    """What a caption that speaks of left and right has to add; nothing if the panels stand as they were meant."""
    if not isinstance(figure, Page) or figure.panels.flat[0].get_gridspec().ncols == figure.panels.shape[1]:
        return ""
    if figure.panels.flat[0].get_gridspec().ncols == figure.panels.shape[0] > 1:
        return "At this width rows and columns of panels are exchanged: what is called left stands above."
    return "At this width the panels stand in the order of reading: what is called left comes first."


def plain_log(axis: Any, subs: tuple[float, ...] = (1.0, 2.0, 5.0)) -> None:
    """Ticks 0.5, 1, 2 on a logarithmic axis of less than about two decades, in place of powers of ten."""
    axis.set_major_locator(LogLocator(base=10.0, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _legend_below(figure: Figure, groups: Mapping[str, Sequence[Any]], width: float) -> None:
    """As many columns as fit, with whole groups in each; one group alone is broken, under its heading."""
    alone = next(iter(groups)) if len(groups) == 1 else None
    blocks = [[*([] if alone else [_text(heading)]), *entries] for heading, entries in groups.items()]
    for count in range(max(len(blocks), 3), 0, -1):
        columns = blocks if alone else _packed(blocks, count)
        made = figure.legend(
            handles=[one for column in columns for one in column], loc="outside lower center", title=alone,
            ncols=count if alone else len(columns), handlelength=2.6, columnspacing=1.0, borderaxespad=0.2,
            title_fontproperties={"weight": "bold", "size": matplotlib.rcParams["legend.fontsize"]},
        )
        if count == 1 or made.get_window_extent().width / figure.dpi < width - 0.1:
            _embolden(made, groups)
            return
        made.remove()


def _packed(blocks: list[list[Any]], count: int) -> list[list[Any]]:
    """Blocks one under the other in at most `count` columns, the longest as short as can be, all filled up to it."""
    for longest in range(max(map(len, blocks)), sum(map(len, blocks)) + 1):
        columns: list[list[Any]] = [[]]
        for block in blocks:
            if len(columns[-1]) + len(block) > longest:
                columns.append([])
            columns[-1] += block
        if len(columns) <= count:
            break
    return [[*column, *(_text(" ") for _ in range(longest - len(column)))] for column in columns]


def _text(label: str) -> Line2D:
    return Line2D([], [], ls="", label=label)


def _embolden(made: Any, headings: Mapping[str, Any]) -> None:
    for text in made.get_texts():
        if text.get_text() in headings:
            text.set_fontweight("bold")


def _label(panels: np.ndarray) -> None:
    """Panels that moved get the labels that they shared with the one at their left, or below."""
    across = panels.flat[0].get_gridspec().ncols
    if across == panels.shape[1]:
        return
    turned = across == panels.shape[0] > 1
    for (row, column), ax in np.ndenumerate(panels):
        if (turned or ax.get_subplotspec().colspan.start == 0) and not ax.get_ylabel():
            ax.set_ylabel(next((one.get_ylabel() for one in panels[row, column::-1] if one.get_ylabel()), ""))
        if not ax.get_xlabel():
            ax.set_xlabel(next((one.get_xlabel() for one in panels[row:, column] if one.get_xlabel()), ""))


def _folded(text: str) -> str:
    """Two lines, broken behind a colon, or at the blank nearest to the middle; not in formulas, nor beside an equals sign.

    >>> _folded("spectrum of $a b$: tempered").splitlines(), _folded("MNIST: α = 1.1, β = 1.3").splitlines()
    (['spectrum of $a b$:', 'tempered'], ['MNIST:', 'α = 1.1, β = 1.3'])
    """
    blanks = [at for at, letter in enumerate(text) if letter == " " and text[:at].count("$") % 2 == 0]
    blanks = [at for at in blanks if "=" not in (text[at - 1], text[at + 1 : at + 2])]
    if not blanks or "\n" in text:
        return text
    at = min(blanks, key=lambda place: (text[place - 1] != ":", abs(place - len(text) / 2)))
    return f"{text[:at]}\n{text[at + 1:]}"
