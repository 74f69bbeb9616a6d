"""How nouns look: short texts of their settings, and small tables in notebooks."""

__all__ = ["html_table", "short", "span"]

import html
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from rfgen.numerics.compilation.tracing import is_traced

# Longer arrays are shown by their ends, matrices by their range.
MOST_SHOWN = 4


def short(value: Any) -> str:
    """A value in few characters: long arrays by their ends, matrices by shape and range, functions by name.

    >>> short(np.arange(1000)), short(np.ones((3, 4))), short([0.1, 1e-9])
    ('[0, 1, ..., 999]', '(3, 4) in [1, 1]', '[0.1, 1e-09]')
    """
    if is_traced(value):
        return f"traced {np.shape(value)}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {short(own)}' for key, own in value.items())}}}"
    if isinstance(value, bool | str) or value is None:
        return repr(value)
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    if isinstance(value, jax.Array | np.ndarray):
        return _array(np.asarray(value))
    if isinstance(value, list | tuple):
        shown = [*value] if len(value) <= MOST_SHOWN else [*value[:2], ..., value[-1]]
        text = ", ".join("..." if one is ... else short(one) for one in shown)
        return f"[{text}]" if isinstance(value, list) else f"({text}{',' * (len(value) == 1)})"
    if hasattr(value, "__name__") or (callable(value) and type(value).__repr__ is object.__repr__):
        return getattr(value, "__name__", type(value).__name__)
    return repr(value)


def _array(value: np.ndarray) -> str:
    if value.ndim == 0:
        return short(value.item())
    return short(value.tolist()) if value.ndim == 1 else f"{value.shape} in [{short(value.min())}, {short(value.max())}]"


def span(values: Any) -> str:
    """The first and the last of sorted numbers.

    >>> span([1.0, 0.5, 0.001]), span([2.0, 2.0])
    ('1 ... 0.001', '2')
    """
    ends = [short(float(end)) for end in (values[0], values[-1])]
    return " ... ".join(dict.fromkeys(ends))


def html_table(rows: Iterable[Iterable[str]], head: Iterable[str] = (), caption: str = "", foot: str = "") -> str:
    """A table whose colours are the page's own; the first cell of a row is its heading; texts are escaped."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = [[html.escape(cell) for cell in row] for row in rows]
    lines = "".join(f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in body)
    # JupyterLab would align headings to the right and captions to the centre
    left = ' style="text-align: left; caption-side: top; font-weight: bold; padding-bottom: 0.3em"'
    title = f"<caption{left}>{html.escape(caption)}</caption>" if caption else ""
    below = f"<div>{html.escape(foot)}</div>" if foot else ""
    return f"<table>{title}{f'<thead><tr>{top}</tr></thead>' if top else ''}<tbody>{lines}</tbody></table>{below}"
