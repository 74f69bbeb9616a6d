"""Pictures of curves: theory as lines, simulation as dots with standard errors, in the same colours."""

__all__ = ["plot"]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

# More lines than this cannot be told apart.
MOST_LINES = 20
# One line style for each variable.
STYLES = ("-", ":", "--", "-.")
# An axis whose values span more than this factor is logarithmic.
LOG_FACTOR = 20.0


def plot(
    curve: "xarray.Dataset | None", runs: "xarray.Dataset | None" = None, *, x: str | None = None,
    y: str | Sequence[str] | None = None, ax: "Axes | None" = None,
) -> "Axes":  # fmt: skip
    """Draw a curve of `predict` (lines) and of `simulate` (dots, one standard error); either may be None.

    Parameters
    ----------
    curve, runs
        Datasets of `predict` and of `simulate`.
    x
        The dimension along the axis; None: the longest.  Every other dimension gives one colour.
    y
        One to four variables (None: `test`, or `error`, `test_accuracy` of classes): the first solid, then dotted, dashed,
        dash-dotted.
    ax
        matplotlib Axes to draw into; None: new ones.

    Returns
    -------
    matplotlib.axes.Axes
        Logarithmic where values are positive and span more than a factor of 20; a value at x = inf is a thin horizontal
        line.

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
    if y is None:
        known = ("sensitivity", "test", "error", "test_accuracy", *map(str, given[0].data_vars))
        y = next((name for name in known if name in given[0]), "test")
    names = (y,) if isinstance(y, str) else tuple(y)
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
    colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(lines)))
    for colour, (label, point) in zip(colours, lines.items(), strict=True):
        for name, style in zip(names, STYLES, strict=False):
            text = ", ".join(part for part in (label, name if len(names) > 1 else "") if part)
            if curve is not None and _has(curve, point):
                part = _line(curve, point).sortby(x)
                ax.plot(part[x], np.where(np.isfinite(part[name]), part[name], np.nan), style, color=colour, label=text)
                for limit in part[name].values[np.isinf(part[x].values)]:
                    if np.isfinite(limit):
                        ax.axhline(limit, ls=(0, (1, 4)), color=colour, lw=1)
            if runs is not None and _has(runs, point):
                part = _line(runs, point).sortby(x)
                alone = text if curve is None or not _has(curve, point) else None
                ax.errorbar(
                    part[x], part[name], part[f"{name}_se"], fmt="o" if style == "-" else "s", color=colour, ms=4,
                    capsize=2, lw=1, label=alone, mfc=colour if style == "-" else "none",
                )  # fmt: skip
    _finish(ax, given, names, x)
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
    return "∞" if np.isinf(value) else f"{value:.4g}"


def _finish(ax: Any, given: list[Any], names: tuple[str, ...], x: str) -> None:
    along = np.concatenate([np.ravel(data[x].values) for data in given])
    heights = np.concatenate([np.ravel(data[name].values) for data in given for name in names]).astype(float)
    for values, scale in ((along, ax.set_xscale), (heights, ax.set_yscale)):
        values = values[np.isfinite(values)]
        if values.size and values.min() > 0 and values.max() > LOG_FACTOR * values.min():
            scale("log")
    symbols = {"n": "samples n", "features": "random features k", "ridge": "ridge δ"}
    ax.set_xlabel(symbols.get(x, given[0][x].attrs.get("long_name", x)))
    (first, *others) = names
    ax.set_ylabel("risk" if others else given[0][first].attrs.get("long_name", first))
    scalars = [
        f"{name} {_tidy(float(value))}" for name, value in given[0].coords.items()
        if value.ndim == 0 and name in symbols and not (name == "features" and np.isinf(float(value)))
    ]  # fmt: skip
    ax.set_title(", ".join(scalars), fontsize="medium")
    if any(line.get_label() and not line.get_label().startswith("_") for line in ax.lines) or ax.containers:
        handles, labels = ax.get_legend_handles_labels()
        if any(labels):
            ax.legend(handles, labels, frameon=False, fontsize="small")
