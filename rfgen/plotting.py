"""Pictures of curves: theory as lines, simulation as dots with standard errors, in the same colours."""

__all__ = ["plot"]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.overfit.bounding import least_along
from rfgen.plotting_axes import edges, logarithmic, rescale, tick

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

# More lines than this cannot be told apart.
MOST_LINES = 20
# One line style and marker for each variable, hatches for its parts: told apart in grey too.
STYLES, MARKERS, HATCHES = ("-", ":", "--", "-."), "os^D", ("", "///", "...", "xxx")
# What the test risk is the sum of: bands under its line.
PARTS = {"bias", "variance", "noise", "variance_with_noise", "irreducible"}
SYMBOLS = {"n": "samples n", "features": "random features k", "ridge": "ridge δ"}


def plot(
    curve: "xarray.Dataset | None", runs: "xarray.Dataset | None" = None, *, x: str | None = None,
    y: str | Sequence[str] | None = None, ax: "Axes | None" = None, bayes: Any = None,
) -> "Axes":
    """Draw a curve of `predict` (lines) and of `simulate` (dots, one standard error), either may be None; or a map of one.

    Parameters
    ----------
    curve, runs, bayes
        Datasets of `predict` and of `simulate`; the task, or its `best_possible`: a black line that no algorithm beats.
    x
        The dimension along the axis; None: the longest.  Every other dimension gives one colour.
    y
        One to four variables (None: `test`, or `error`, `test_accuracy` of classes): the first solid, then dotted, dashed,
        dash-dotted.  Of one line without runs, `("test", "bias", "variance", "noise")`, or a part of them, are bands under
        the test risk.  Or a second dimension: the map over both, of the first of those variables, its best point a star.
    ax
        matplotlib Axes to draw into; None: new ones.

    Returns
    -------
    matplotlib.axes.Axes
        Logarithmic where values are positive and span more than a factor of 20, except under bands; 0 on a dimension that
        is not evenly spaced stands a decade beside its least positive value.  A value at x = inf is a thin horizontal line.

    Raises
    ------
    ValueError
        That names the argument.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> import rfgen as rg
    >>> curve = rg.predict(rg.Task.isotropic(50), rg.Learner(rg.Ridge([0.1, 1.0])), n=[10, 50, 250])
    >>> ax = rg.plot(curve, x="n")
    >>> ax.get_xlabel(), len(ax.lines)
    ('samples n', 2)
    """
    import matplotlib.pyplot as plt

    given = [data for data in (curve, runs) if data is not None]
    if not given:
        raise ValueError("plot needs a curve of rg.predict, runs of rg.simulate, or both, got neither")
    for data in given:
        if not hasattr(data, "data_vars"):
            remedy = ": plot the Datasets of rg.predict and rg.simulate" if hasattr(data, "dataset") else ""
            raise ValueError(f"plot needs xarray Datasets, got {type(data).__name__}{remedy}")
    known = ("sensitivity", "test", "error", "test_accuracy", "loo", *map(str, given[0].data_vars))
    usual = next((name for name in known if all(name in data for data in given)), "test")
    if isinstance(y, str) and y not in given[0].data_vars and y in given[0].dims:
        return _map(given, usual, x, y, ax)
    y = usual if y is None else y
    names: tuple[str, ...] = (y,) if isinstance(y, str) else tuple(y)
    if len(names) > len(STYLES):
        raise ValueError(f"y must name at most {len(STYLES)} variables, got {len(names)}")
    for name in names:
        if any(name not in data for data in given):
            raise ValueError(f"y must name variables of the data ({', '.join(map(str, given[0].data_vars))}), got {name!r}")
        if runs is not None and f"{name}_se" not in runs:
            raise ValueError(f"runs must hold {name}_se, as those of rg.simulate do: give a curve of rg.predict as curve=")
    if ax is not None and not hasattr(ax, "errorbar"):
        raise ValueError(f"ax must be matplotlib Axes, got {ax!r}")
    sizes = given[0][names[0]].sizes
    if not sizes:
        raise ValueError("plot needs at least one dimension: give n, features, steps or another setting as an array")
    x = x or str(max(sizes, key=lambda dim: sizes[dim]))
    for data in given:
        if x not in data[names[0]].dims:
            raise ValueError(f"x must be one of the dimensions {tuple(data[names[0]].dims)}, got {x!r}")
    lines = _groups(given, names[0], x)
    if len(lines) > MOST_LINES:
        raise ValueError(f"plot would draw {len(lines)} lines: select fewer with curve.sel(...) (at most {MOST_LINES})")
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    bands = len(lines) == 1 and runs is None and len(names) > 1 and names[0] == "test" and set(names[1:]) <= PARTS
    if bands:
        _bands(ax, given[0], next(iter(lines.values())), names[1:], x)
        names = names[:1]
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(lines)))
    for colour, (label, point) in zip(colours, lines.items(), strict=True):
        for name, style, marker in zip(names, STYLES, MARKERS, strict=False):
            text = ", ".join(part for part in (label, name if bands or len(names) > 1 else "") if part)
            if curve is not None and _has(curve, point):
                part = _line(curve, point).sortby(x)
                ax.plot(part[x], np.where(np.isfinite(part[name]), part[name], np.nan), style, color=colour, label=text)
                if f"{name}_se" in part:  # of an estimate from data: the band of one standard error
                    low, high = (part[name] + sign * part[f"{name}_se"] for sign in (-1.0, 1.0))
                    ax.fill_between(part[x], low, high, color=colour, alpha=0.15, lw=0)
                for limit in part[name].values[np.isinf(part[x].values)]:
                    if np.isfinite(limit):
                        ax.axhline(limit, ls=(0, (1, 4)), color=colour, lw=1)
            if runs is not None and _has(runs, point):
                part = _line(runs, point).sortby(x)
                alone = text if curve is None or not _has(curve, point) else None
                ax.errorbar(
                    part[x], part[name], part[f"{name}_se"], fmt=marker, color=colour, ms=4,
                    capsize=2, lw=1, label=alone, mfc=colour if style == "-" else "none",
                )
    if x == "n" and curve is not None and "reach" in curve and curve.attrs["rows"] < float(curve["n"].max()):
        ax.axvspan(curve.attrs["rows"], float(curve["n"].max()), color="0.5", alpha=0.08, lw=0)  # beyond the sample
    if bayes is not None:
        bayes = least_along(bayes, given[0], x, first := next(iter(names)))
        ax.plot(bayes[x], bayes[first], "k", lw=1, label="best possible")
    _finish(ax, given, names, x, bands)
    return ax


def _bands(ax: Any, data: Any, point: dict[str, Any], parts: tuple[str, ...], x: str) -> None:
    """The parts of the test risk, each on those before."""
    part = _line(data, point).sortby(x)
    along, below = part[x].values.astype(float), np.zeros(part.sizes[x])
    for name, grey, hatch in zip(parts, np.linspace(0.55, 0.9, len(parts)), HATCHES, strict=False):
        above = below + np.where(np.isfinite(part[name].values), part[name].values, np.nan)
        ax.fill_between(along, below, above, facecolor=str(grey), edgecolor="0.3", hatch=hatch, lw=0.0, label=name)
        below = above


def _map(given: list[Any], name: str, x: str | None, y: str, ax: Any) -> Any:
    """A variable over two dimensions, in a colour map of monotone luminance."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    if len(given) > 1:
        raise ValueError(f"runs must be left out where y is a dimension, {y!r}: a map shows a curve or runs")
    if name not in given[0] or y not in given[0][name].dims:
        raise ValueError(f"y must be a dimension of {name} ({given[0][name].dims if name in given[0] else ()}), got {y!r}")
    values = given[0][name]
    x = x or str(max((dim for dim in values.dims if dim != y), key=lambda dim: values.sizes[dim], default=y))
    if x == y or set(values.dims) != {x, y}:
        raise ValueError(
            f"a map needs two dimensions, x={x!r} and y={y!r}, and {name} has {values.dims}: select of the others with "
            "curve.sel(...)"
        )
    values = values.isel({dim: np.flatnonzero(np.isfinite(values[dim].values)) for dim in (x, y)}).sortby([x, y])
    if min(values.sizes.values()) < 2:
        raise ValueError(f"a map needs two finite values or more of {x} and of {y}, got {dict(values.sizes)}")
    values = values.transpose(y, x)
    shown = np.where(np.isfinite(values.values), values.values, np.nan)
    if np.isnan(shown).all():
        raise ValueError(f"a map needs finite values of {name}, got none")
    ax = plt.subplots(layout="constrained")[1] if ax is None else ax
    along, up = values[x].values.astype(float), values[y].values.astype(float)
    norm = LogNorm() if logarithmic(shown) else None
    drawn = ax.pcolormesh(edges(along), edges(up), np.ma.masked_invalid(shown), norm=norm, cmap="viridis")
    best = np.nanargmax(shown) if name.endswith("accuracy") else np.nanargmin(shown)
    row, column = np.unravel_index(best, shown.shape)
    ax.plot(along[column], up[row], "*", ms=12, mfc="white", mec="black", ls="none", clip_on=False, zorder=3)
    for axis, label, size in ((ax.xaxis, x, along), (ax.yaxis, y, up)):
        axis.set_label_text(_axis_label(given[0], label))
        rescale(axis, size)
    bar = ax.figure.colorbar(drawn, ax=ax, label=_name_of(given[0], name))
    for axis in (ax.xaxis, ax.yaxis, bar.ax.yaxis):
        tick(axis)
    ax.set_title(_scalars(given[0]), fontsize="medium")
    return ax


def _groups(given: list[Any], name: str, x: str) -> dict[str, dict[str, Any]]:
    """One entry per line: its label and the coordinates that select it, the curve's first and then the runs'."""
    found: dict[str, dict[str, Any]] = {}
    for data in given:
        others = [dim for dim in data[name].dims if dim != x]
        for index in np.ndindex(*(data.sizes[dim] for dim in others)):
            point = {dim: data[dim].values[i] for dim, i in zip(others, map(int, index), strict=True)}
            label = ", ".join(f"{dim} {_tidy(value)}" for dim, value in point.items())
            found.setdefault(label, point)
    return found


def _has(data: Any, point: dict[str, Any]) -> bool:
    return all(dim in data.coords and np.any(data[dim].values == value) for dim, value in point.items())


def _line(data: Any, point: dict[str, Any]) -> Any:
    return data.sel({dim: value for dim, value in point.items() if dim in data.dims})


def _tidy(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "∞" if np.isinf(value) else f"{value:.4g}"


def _axis_label(data: Any, dim: str) -> str:
    return SYMBOLS.get(dim) or str(data[dim].attrs.get("long_name", dim))


def _name_of(data: Any, name: str) -> str:
    """Without the noise where there is none."""
    text = data[name].attrs.get("long_name", name)
    noise = next((data[part] for part in ("irreducible", "noise") if part in data), None)
    return text if noise is not None and bool((noise > 0.0).any()) else text.removesuffix(", label noise included")


def _scalars(data: Any) -> str:
    return ", ".join(
        f"{name} {_tidy(float(value))}" for name, value in data.coords.items()
        if value.ndim == 0 and name in SYMBOLS and not (name == "features" and np.isinf(float(value)))
    )


def _finish(ax: Any, given: list[Any], names: tuple[str, ...], x: str, bands: bool) -> None:
    along = np.concatenate([np.ravel(data[x].values) for data in given]).astype(float)
    heights = np.concatenate([np.ravel(data[name].values) for data in given for name in names]).astype(float)
    rescale(ax.xaxis, along)
    if logarithmic(heights) and not bands:
        ax.set_yscale("log")
    ax.set_xlabel(_axis_label(given[0], x))
    (first, *others) = names
    ax.set_ylabel("risk" if others else _name_of(given[0], first))
    if bands:
        ax.set_ylim(bottom=0.0)
    ax.set_title(_scalars(given[0]), fontsize="medium")
    for axis in (ax.xaxis, ax.yaxis):
        tick(axis)
    if any(line.get_label() and not line.get_label().startswith("_") for line in ax.lines) or ax.containers or bands:
        handles, labels = ax.get_legend_handles_labels()
        if any(labels):
            ax.legend(handles, labels, frameon=bands, fontsize="small")
