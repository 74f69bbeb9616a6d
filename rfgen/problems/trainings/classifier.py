"""How a linear classifier is trained on two classes, labels +1 and -1."""

__all__ = [
    "LDA",
    "RULES",
    "AbstractClassifierTraining",
    "Averaging",
    "Hinge",
    "Logistic",
    "MaxMargin",
    "SquaredHinge",
]

from typing import Any

from rfgen.problems.rules import flag
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining, Ridge
from rfgen.problems.validation import non_negative


class AbstractClassifierTraining(AbstractTraining):
    """What classifiers share: they need two classes, and may have an intercept, which is never penalised."""

    intercept = False  # no annotation: a field, after the ridge of those that have one


class _Penalised(AbstractClassifierTraining):
    ridge: Any = setting(non_negative, axis=True)
    intercept: bool = setting(flag, default=False)


class _Plain(AbstractClassifierTraining):
    intercept: bool = setting(flag, default=False)


class Logistic(_Penalised):
    """Logistic regression: minimise `sum_i log(1 + exp(-y_i f(x_i))) + (ridge/2) ||w||^2`.

    `ridge` = 1/C of scikit-learn, >= 0, a number or an array (ridges,).  Ridge 0 is maximum likelihood; where the classes
    are separable its norm is infinite, its direction that of `MaxMargin`.  `intercept`: f(x) = w.x + b, b not penalised.

    >>> Logistic([0.1, 10.0], intercept=True)
    Logistic(ridge=[0.1, 10], intercept=True)
    """


class Hinge(_Penalised):
    """Support vector machine: minimise `sum_i max(0, 1 - y_i f(x_i)) + (ridge/2) ||w||^2`.

    `ridge` = 1/C of scikit-learn, >= 0, a number or an array (ridges,); `intercept` as in `Logistic`.

    >>> Hinge(1.0).ridge
    array(1.)
    """


class SquaredHinge(_Penalised):
    """Squared hinge: minimise `sum_i max(0, 1 - y_i f(x_i))^2 + (ridge/2) ||w||^2`.

    `ridge` = 1/C of scikit-learn's `LinearSVC` (which penalises the intercept), >= 0, a number or an array (ridges,);
    `intercept` as in `Logistic`.

    >>> SquaredHinge(1.0).ridge
    array(1.)
    """


class MaxMargin(_Plain):
    """The separating hyperplane of largest margin: minimise `||w||^2` subject to `y_i f(x_i) >= 1` for all i.

    The geometric margin is 1/||w||.  Needs separable training sets: where theory finds none, the curve is NaN with a
    reason.

    >>> MaxMargin(intercept=True)
    MaxMargin(intercept=True)
    """


class Averaging(_Plain):
    """The mean of `y_i x_i`; with `intercept` half the difference of the two class means, the threshold midway.

    >>> Averaging().intercept
    False
    """


class LDA(_Plain):
    """Fisher's linear discriminant: inverse pooled covariance times the difference of the class means.

    Needs more samples than dimensions.  `intercept`: the threshold of Bayes' rule for the estimated means and shares of the
    classes; without it 0.

    >>> LDA().axes
    {}
    """


# What each training minimises, and the factor of its ridge there: squares are written with a half in theory and fits.
RULES: dict[type, tuple[str, float]] = {
    Ridge: ("square", 1.0), Logistic: ("logistic", 1.0), Hinge: ("hinge", 1.0), SquaredHinge: ("squared_hinge", 0.5),
    MaxMargin: ("hard_margin", 1.0), Averaging: ("averaging", 1.0), LDA: ("discriminant", 1.0),
}  # fmt: skip
