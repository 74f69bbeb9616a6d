"""What the figures of augmented regression share: dots beside exact values, and how numbers of views are written."""

__all__ = ["QUESTION", "scored", "views_text", "worst"]

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

QUESTION = "For the question of arXiv 2605.10290 (text not available to us; figure defined here)."


def scored(theory: Any, runs: Any) -> dict[str, np.ndarray]:
    """Of the simulated test risk: `dot_test`, its standard error, and its distance from `theory` in such errors.

    `dot_excess` is the distance that remains beyond the finite-size error which `rg.check` grants,
    `test * amplification * (1/n + 1/features)`.  Where patterns are sampled their error is part of the standard error.
    """
    dims = runs.test.dims
    error = runs.test_se
    if "test_pattern_se" in theory:
        error = np.hypot(error, theory.test_pattern_se)
    difference = runs.test - theory.test
    allowance = theory.test * theory.amplification * (1.0 / theory.n + 1.0 / theory.features)
    found = {
        "dot_test": runs.test, "dot_test_se": error, "dot_exact": theory.test, "dot_z": difference / error,
        "dot_excess": np.maximum(np.abs(difference) - allowance, 0.0) / error,
    }
    return {name: values.broadcast_like(runs.test).transpose(*dims).values for name, values in found.items()}


def views_text(views: float) -> str:
    """A number of views as a label.

    >>> views_text(math.inf), views_text(8)
    ('∞', '8')
    """
    return "∞" if math.isinf(views) else f"{views:g}"


def worst(arrays: Mapping[str, Any], name: str = "dot_z") -> float:
    """The largest absolute value among all arrays of that name, whatever their panel."""
    return max(float(np.abs(values).max()) for key, values in arrays.items() if key.rpartition(".")[2] == name)
