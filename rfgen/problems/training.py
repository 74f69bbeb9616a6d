"""How a learner is trained."""

__all__ = ["Ridge"]

from dataclasses import dataclass
from typing import Any

from rfgen.problems import validation


@dataclass(frozen=True, eq=False)
class Ridge:
    """Ridge regression: minimise `sum_i (y_i - f(x_i))^2 + ridge ||w||^2`.

    `ridge` is unnormalised, the `alpha` of scikit-learn's `Ridge` and `KernelRidge`; a number or an array of shape
    (ridges,).  Ridge 0 is the limit from above: least squares, of minimum norm where it interpolates.

    >>> Ridge([1e-3, 0.1]).ridge
    array([0.001, 0.1  ])
    """

    ridge: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        value = validation.non_negative("ridge", self.ridge).copy()
        value.setflags(write=False)
        object.__setattr__(self, "ridge", value)
