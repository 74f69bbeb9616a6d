"""Whether a simulation agrees with the theory, in standard errors, beyond an error that must vanish with size.

Equations: theory (1.7) and (1.8).
"""

__all__ = ["FINITE_SIZE", "MOST_GRANTED", "allowance", "comparison", "finite_size_trend", "standard_score"]

from typing import Any

import numpy as np

from rfgen.api.finite_size import expected_error
from rfgen.api.nouns import in_modes

# How many times its expected finite-size error, `rfgen.api.finite_size`, a theory is granted.
FINITE_SIZE = 1.0
# A point granted more than this share of its theory is not judged: anything near would pass.
MOST_GRANTED = 1.0 / 3.0
# Relative rounding of a simulation, granted beside the finite-size error; below the floor, in units of the null risk, a
# difference is none.
ROUNDING = {"float64": 1e-9, "float32": 1e-3}
FLOOR = {"float64": 1e-13, "float32": 1e-6}


def allowance(theory: Any, relative: Any, constant: float) -> np.ndarray:
    """Finite-size error granted to a simulation: `constant * relative * |theory|`, `relative` the expected one."""
    with np.errstate(invalid="ignore"):  # inf times 0 where theory diverges
        return np.asarray(constant * np.asarray(relative, float) * np.abs(np.asarray(theory, float)))


def standard_score(theory: Any, measured: Any, error: Any, floor: float = 0.0) -> np.ndarray:
    """`(measured - theory) / standard error`; 0 within `floor`, NaN where theory diverges.

    >>> standard_score([1.0, np.inf, 0.0], [1.2, 9.0, 1e-14], [0.1, 3.0, 0.0], floor=1e-12).round(9)
    array([ 2., nan,  0.])
    """
    theory, measured, error = (np.asarray(value, float) for value in (theory, measured, error))
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where(np.isfinite(theory), measured - theory, np.nan)
        score = difference / error
    return np.where(np.abs(difference) <= floor, 0.0, score)


def finite_size_trend(n: Any, theory: Any, measured: Any, error: Any) -> tuple[float, float]:
    """Coefficient c and its standard error in `measured = theory (1 + c / n)`, weighted least squares over sizes n.

    If what separates theory and simulation is a finite-size effect, the same c serves all sizes.
    """
    n, theory, measured, error = (np.asarray(value, float).ravel() for value in (n, theory, measured, error))
    regressor, weight = theory / n, error**-2.0
    information = float(np.sum(weight * regressor**2))
    return float(np.sum(weight * regressor * (measured - theory)) / information), information**-0.5


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
