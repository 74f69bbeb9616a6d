"""Axes of pictures: linear, logarithmic, or logarithmic with 0 beside them, and the ticks that stand clear on them."""

__all__ = ["edges", "logarithmic", "rescale", "tick"]

from typing import Any

import numpy as np

# An axis whose values span more than this factor is logarithmic.
LOG_FACTOR = 20.0
# The least positive value stands a decade from 0: matplotlib's linear part is longer by 10/9 than it is asked to be.
DECADE = 0.9
# Mantissas that a logarithmic axis may label, densest first.
MANTISSAS = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
# Between these, numbers are written out.
SHORT = (0.9e-3, 1.1e5)


def logarithmic(values: np.ndarray) -> bool:
    """Whether values are positive and span orders of magnitude; what is not finite does not count.

    >>> logarithmic(np.array([0.1, 10.0, np.inf])), logarithmic(np.array([0.0, 0.1, 10.0]))
    (True, False)
    """
    values = values[np.isfinite(values)]
    return bool(values.size and values.min() > 0 and values.max() > LOG_FACTOR * values.min())


def _beside_zero(values: np.ndarray) -> float:
    """The least positive value where 0 stands beside a logarithmic grid; 0.0 where the grid is none, or even.

    >>> _beside_zero(np.array([0.0, 0.1, 1.0, 10.0])), _beside_zero(np.linspace(0.0, 1.0, 101))
    (0.1, 0.0)
    """
    values = np.unique(values[np.isfinite(values)])
    positive = values[values > 0]
    if not logarithmic(positive) or values[0] != 0.0:
        return 0.0
    middle = positive[(positive.size - 1) // 2]  # half the largest on an even grid
    return float(positive[0]) if 4.0 * middle <= positive[-1] else 0.0


def rescale(axis: Any, values: np.ndarray) -> None:
    """Give an axis the scale that its values ask for."""
    if logarithmic(values):
        _set(axis, "log")
    elif least := _beside_zero(values):
        _set(axis, "symlog", linthresh=least, linscale=DECADE)


def _set(axis: Any, scale: str, **options: float) -> None:
    getattr(axis.axes, f"set_{axis.axis_name}scale")(scale, **options)


def edges(centres: np.ndarray) -> np.ndarray:
    """Of cells around centres, halfway on the axis as it is drawn."""
    least = _beside_zero(centres)
    if least:
        at = np.array([0.0 if one == 0.0 else 1.0 + np.log10(one / least) for one in centres])
    else:
        at = np.log(centres) if logarithmic(centres) else centres
    middle = (at[1:] + at[:-1]) / 2.0
    found = np.concatenate([[2.0 * at[0] - middle[0]], middle, [2.0 * at[-1] - middle[-1]]])
    if least:
        return least * np.where(found < 1.0, found, 10.0 ** (found - 1.0))
    return np.exp(found) if logarithmic(centres) else found


def tick(axis: Any) -> None:
    """Of a logarithmic axis: as many labels as stand clear of each other, and as plain numbers where they are short."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    if axis.get_scale() not in ("log", "symlog"):
        return
    broken = axis.get_scale() == "symlog"
    view = sorted(axis.get_view_interval())
    low, high = (axis.get_transform().linthresh if broken else view[0]), view[1]
    inches = axis.axes.get_window_extent().transformed(axis.axes.figure.dpi_scale_trans.inverted())
    font = axis.get_tick_params().get("labelsize") or axis.get_majorticklabels()[0].get_fontsize()
    font = axis.get_majorticklabels()[0].get_fontsize() if isinstance(font, str) else font
    plain = low >= SHORT[0] and high <= SHORT[1]
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1.0)

    def room(ticks: np.ndarray) -> bool:
        texts = [_label(one, plain).replace("\\times", "x") for one in ticks]
        longest = max((len(text) - 4 * text.count("^") for text in texts), default=1)  # $, ^ and braces are not seen
        across, length = (0.62 * longest + 0.8, inches.width) if axis.axis_name == "x" else (1.7, inches.height)
        ends, places = (axis.get_transform().transform(np.asarray(each, float)) for each in (view, np.sort(ticks)))
        gaps = np.diff(places) / (ends[1] - ends[0]) * length
        return bool(gaps.size == 0 or gaps.min() > across * font / 72.0)

    tried = MANTISSAS if plain or high < 100.0 * low else MANTISSAS[-1:]
    grids = [np.outer(decades, mantissas).ravel() for mantissas in tried]
    grids = [ticks[(ticks >= low) & (ticks <= high)] for ticks in grids]
    if broken:
        grids = [np.append(0.0, ticks) for ticks in grids]
        grids += [grids[-1][::step] for step in range(2, decades.size)]
    found = next((at for at, ticks in enumerate(grids) if room(ticks)), len(grids) - 1)
    # LogLocator leaves out decades by itself
    axis.set_major_locator(FixedLocator(grids[found].tolist()) if broken else LogLocator(subs=tried[found]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _label(value, plain)))
    axis.set_minor_formatter(NullFormatter())


def _label(value: float, plain: bool) -> str:
    if plain or value == 0.0:
        return f"{value:g}"
    power = int(np.floor(np.log10(value) + 1e-9))
    mantissa = f"{value / 10.0**power:.3g}"
    return f"$10^{{{power}}}$" if mantissa == "1" else f"${mantissa}\\times10^{{{power}}}$"
