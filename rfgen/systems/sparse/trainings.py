"""How a linear model is trained towards sparse coefficients."""

__all__ = ["AbstractPenalisedTraining", "BasisPursuit", "Lasso", "ReparametrizedFlow"]

from typing import Any

from rfgen.problems.rules import numbers
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.problems.validation import non_negative


class AbstractPenalisedTraining(AbstractTraining):
    """What these share: they minimise a separable convex penalty of the coefficients, and need an `rg.SparseRegression`."""


class Lasso(AbstractPenalisedTraining):
    """Lasso: minimise `sum_i (y_i - x_i.b)^2 / 2 + penalty sum_j |b_j|`.

    `penalty` >= 0 is n times the `alpha` of scikit-learn's `Lasso`; a number or an array (penalties,).  Penalty 0 is the
    limit from above: `BasisPursuit`.

    >>> Lasso([1.0, 10.0])
    Lasso(penalty=[1, 10])
    """

    penalty: Any = setting(non_negative, axis=True)


class BasisPursuit(AbstractPenalisedTraining):
    """Basis pursuit: among the coefficients that fit the training set exactly, those of least `sum_j |b_j|`.

    With as many samples as coefficients or more: least squares.

    >>> BasisPursuit()
    BasisPursuit()
    """


class ReparametrizedFlow(AbstractPenalisedTraining):
    """Gradient flow on the squares `sum_i (y_i - x_i.b)^2` with b = u^2 - v^2 + linear w, coordinate by coordinate, run to
    its end from u = v = `init`, w = 0.

    Small `init` leads towards `BasisPursuit`, as slowly as 1/log(1/init), large `init` or `linear` towards least norm
    (`Ridge(0)`).  `init` in [1e-100, 1e100], a number or an array (inits,); `linear` in [0, 1e100], a number or an array
    (linears,).

    >>> ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    ReparametrizedFlow(init=[0.01, 0.1], linear=0.1)
    """

    # squares must be numbers of double precision with room on both sides
    init: Any = setting(numbers("[1e-100, 1e100]"), axis=True)
    linear: Any = setting(numbers("[0, 1e100]"), default=0.0, axis=True)
