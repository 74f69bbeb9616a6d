"""How a linear model is trained towards sparse coefficients."""

__all__ = ["AbstractPenalisedTraining", "BasisPursuit", "Lasso", "ReparametrizedFlow"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation
from rfgen.problems.trainings.spectral import AbstractTraining

# Squares of `init` must be numbers of double precision with room on both sides.
INIT = (1e-100, 1e100)


class AbstractPenalisedTraining(AbstractTraining):
    """What these share: they minimise a separable convex penalty of the coefficients, and need an `rg.SparseRegression`."""

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """No settings but those of the penalty."""
        return {}


@dataclass(frozen=True, eq=False, repr=False)
class Lasso(AbstractPenalisedTraining):
    """Lasso: minimise `sum_i (y_i - x_i.b)^2 / 2 + penalty sum_j |b_j|`.

    `penalty` >= 0 is n times the `alpha` of scikit-learn's `Lasso`; a number or an array (penalties,).  Penalty 0 is the
    limit from above: `BasisPursuit`.

    >>> Lasso([1.0, 10.0])
    Lasso(penalty=[1, 10])
    """

    penalty: Any

    def __post_init__(self) -> None:
        """Validate and freeze."""
        self._freeze("penalty", validation.non_negative("penalty", self.penalty))

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The penalty."""
        return {"penalty": self.penalty}


@dataclass(frozen=True, eq=False, repr=False)
class BasisPursuit(AbstractPenalisedTraining):
    """Basis pursuit: among the coefficients that fit the training set exactly, those of least `sum_j |b_j|`.

    With as many samples as coefficients or more: least squares.

    >>> BasisPursuit()
    BasisPursuit()
    """


@dataclass(frozen=True, eq=False, repr=False)
class ReparametrizedFlow(AbstractPenalisedTraining):
    """Gradient flow on the squares `sum_i (y_i - x_i.b)^2` with b = u^2 - v^2 + linear w, coordinate by coordinate, run to
    its end from u = v = `init`, w = 0.

    Small `init` leads towards `BasisPursuit`, as slowly as 1/log(1/init), large `init` or `linear` towards least norm
    (`Ridge(0)`).  `init` in [1e-100, 1e100], a number or an array (inits,); `linear` in [0, 1e100], a number or an array
    (linears,).

    >>> ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    """

    init: Any
    linear: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        init, linear = validation.positive("init", self.init), validation.non_negative("linear", self.linear)
        if init.min() < INIT[0] or init.max() > INIT[1]:
            raise ValueError(f"init must be in [{INIT[0]:g}, {INIT[1]:g}], got {self.init!r}")
        if linear.max() > INIT[1]:
            raise ValueError(f"linear must be at most {INIT[1]:g}, got {self.linear!r}")
        self._freeze("init", init)
        self._freeze("linear", linear)

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The start and the weight of the linear part."""
        return {"init": self.init, "linear": self.linear}
