"""Arrays of several panels in one flat dict: the key is "panel.name"."""

__all__ = ["flatten", "select"]

from collections.abc import Mapping
from typing import Any

import numpy as np


def flatten(panels: Mapping[str, Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """One flat dict of arrays.

    >>> sorted(flatten({"left": {"x": [1.0]}, "right": {"x": [2.0]}}))
    ['left.x', 'right.x']
    """
    return {f"{panel}.{name}": np.asarray(values) for panel in panels for name, values in panels[panel].items()}


def select(arrays: Mapping[str, Any], panel: str) -> dict[str, np.ndarray]:
    """The arrays of one panel, by their own names."""
    return {key.removeprefix(f"{panel}."): np.asarray(arrays[key]) for key in arrays if key.startswith(f"{panel}.")}
