"""One variable of a curve beside what was measured of it."""

__all__ = ["comparison"]

from typing import Any

import numpy as np

from rfgen.api.check.agreement import FLOOR, ROUNDING, allowance, standard_score
from rfgen.api.finite_size import expected_error
from rfgen.api.nouns import in_modes


def comparison(
    task: Any, curve: Any, name: str, measured: Any, error: Any, finite_size: float, dtype: str = "float64"
) -> dict[str, Any]:
    """Theory, measurement and its standard error, z-score and what is granted, for a `Report`."""
    theory = curve[name]
    granted = allowance(theory, expected_error(task, curve, name), finite_size) + ROUNDING[dtype] * np.abs(theory.values)
    scale = getattr(in_modes(task), "null_risk", 1.0)
    floor = FLOOR[dtype] * (float(np.nanmax(np.abs(measured))) if name == "norm" else scale)
    z = standard_score(theory, measured, error, floor)
    return {
        f"{name}_theory": theory, f"{name}_simulation": measured, f"{name}_se": error,
        f"{name}_z": theory.copy(data=z), f"{name}_allowance": theory.copy(data=granted),
    }
