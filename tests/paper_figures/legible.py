"""What is wrong with a figure on a page: text too small, cut off or on other text, series that grey cannot tell apart."""

__all__ = ["faults", "lightness"]

import itertools

import matplotlib.colors
from matplotlib.lines import Line2D
from matplotlib.text import Text

# CIE L*; the palette has steps of 9, viridis of five colours 16
TOLD_APART = 8.0


def lightness(colour):
    """CIE L* of a colour, 0 black to 100 white."""
    shares = matplotlib.colors.to_rgb(colour)
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
    luminance = sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116.0 * luminance ** (1 / 3) - 16.0 if luminance > 0.008856 else 903.3 * luminance


def faults(figure, least):
    """Sentences; empty if there is nothing to mend."""
    figure.draw_without_rendering()
    found, canvas, absent = [], figure.bbox, _not_drawn(figure)
    for text in figure.findobj(Text):
        if text in absent or not (text.get_visible() and text.get_text().strip()):
            continue
        if text.get_fontsize() < least:
            found.append(f"{text.get_text()!r} has {text.get_fontsize():g} points")
        box = text.get_window_extent()
        outside = box.x0 < -1 or box.y0 < -1 or box.x1 > canvas.x1 + 1 or box.y1 > canvas.y1 + 1
        if outside:
            found.append(f"{text.get_text()!r} is cut off")
    titles = [ax.title.get_window_extent() for ax in figure.axes if ax.get_title()]
    if any(one.overlaps(other) for one, other in itertools.combinations(titles, 2)):
        found.append("titles overlap")
    for ax in figure.axes:
        found += [f"{ax.get_title() or 'panel'}: ticks {one!r} and {other!r} overlap" for one, other in _crowded(ax)]
        series = {_series(line) for line in ax.lines if _shown(line)}
        for one, other in itertools.combinations(sorted(series), 2):
            if one[1:] == other[1:] and 0 < abs(one[0] - other[0]) < TOLD_APART:
                found.append(f"{ax.get_title() or 'panel'}: series alike in grey, {one} and {other}")
    return found


def _crowded(ax):
    """Neighbouring labels of ticks that overlap; slanted ones stand in boxes that do, and are left out."""
    for axis in (ax.xaxis, ax.yaxis):
        ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
        least, most = sorted(axis.get_view_interval())
        labels = [tick.label1 for tick in ticks if least <= tick.get_loc() <= most and tick.label1.get_visible()]
        shown = [label for label in labels if label.get_text().strip() and label.get_rotation() == 0.0]
        for one, other in itertools.combinations(shown, 2):
            if one.get_window_extent().overlaps(other.get_window_extent()):
                yield one.get_text(), other.get_text()


def _not_drawn(figure):
    """Labels of ticks beyond the limits of their axis, which keep a text."""
    return {
        label for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }


def _shown(line):
    return isinstance(line, Line2D) and len(line.get_xdata()) > 2 and line.get_visible()


def _series(line):
    """Lightness, then what else tells a series from another."""
    empty = line.get_marker() in (None, "", " ", "None") or str(line.get_markerfacecolor()) in ("white", "none")
    kind = str(line.get_linestyle()), str(line.get_marker()), empty, line.get_linewidth()
    return round(lightness(line.get_color()), 1), *kind
