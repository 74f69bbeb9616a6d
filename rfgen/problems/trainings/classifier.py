"""How a linear classifier is trained on two classes, labels +1 and -1."""

__all__ = [
    "LDA", "RULES", "AbstractClassifierTraining", "AdversarialTraining", "Averaging", "Hinge", "Logistic", "MaxMargin",
    "SmoothedHinge", "SquaredHinge", "rule_of", "rule_parts",
]

from typing import Any

import numpy as np

from rfgen.problems.rules import flag, instance, number, one_of
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining, Ridge
from rfgen.problems.validation import non_negative, positive


class AbstractClassifierTraining(AbstractTraining):
    """What classifiers share: they need two classes, and may have an intercept, which is never penalised."""

    intercept = False  # no annotation: a field, after the ridge of those that have one

    @property
    def parameters(self) -> tuple[float, ...]:
        """Numbers that its loss depends on."""
        return ()


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


class SmoothedHinge(AbstractClassifierTraining):
    """The hinge with its corner rounded over `width`: minimise `sum_i loss(y_i f(x_i)) + (ridge/2) ||w||^2`.

    loss(t) = 0 for t >= 1, (1 - t)^2 / (2 width) for 1 - width <= t <= 1, and 1 - t - width/2 below; `width` > 0, a number:
    towards 0 it is the `Hinge`, and a wide one acts like `SquaredHinge(2 width ridge)`.  `ridge` and `intercept` as in
    `Hinge`.

    >>> SmoothedHinge(1.0, width=0.5)
    SmoothedHinge(ridge=1, width=0.5)
    """

    ridge: Any = setting(non_negative, axis=True)
    width: float = setting(number("(0, inf)"), default=1.0)
    intercept: bool = setting(flag, default=False)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The width."""
        return (self.width,)


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

    objective = "margin"


class Averaging(_Plain):
    """The mean of `y_i x_i`; with `intercept` half the difference of the two class means, the threshold midway.

    >>> Averaging().intercept
    False
    """

    objective = "means"


class LDA(_Plain):
    """Fisher's linear discriminant: inverse pooled covariance times the difference of the class means.

    Needs more samples than dimensions.  `intercept`: the threshold of Bayes' rule for the estimated means and shares of the
    classes; without it 0.

    >>> LDA().axes
    {}
    """

    objective = "means"


# What each training minimises, and the factor of its ridge there: squares are written with a half in theory and fits.
RULES: dict[type, tuple[str, float]] = {
    Ridge: ("square", 1.0), Logistic: ("logistic", 1.0), Hinge: ("hinge", 1.0), SmoothedHinge: ("hinge", 1.0),
    SquaredHinge: ("squared_hinge", 0.5), MaxMargin: ("hard_margin", 1.0), Averaging: ("averaging", 1.0),
    LDA: ("discriminant", 1.0),
}


class AdversarialTraining(AbstractClassifierTraining):
    """Train on inputs moved against their class: `training`'s objective at margins lowered by radius times |w|.

    `training`: `Logistic`, `Hinge`, `SmoothedHinge` or `SquaredHinge`, of ridge > 0, for classes; for regression `Ridge`,
    whose residuals grow in size by radius times |w|.  `radius` >= 0, in units of the inputs, a number or an array (radii,):
    each input is moved by at most this in `norm`, "l2" (margins are lowered by radius |w|_2) or, for classes, "linf" (each
    coordinate by at most the radius: radius |w|_1).

    >>> AdversarialTraining(Logistic(1.0), radius=[0.1, 0.5])
    AdversarialTraining(training=Logistic(ridge=1), radius=[0.1, 0.5])
    """

    training: Any = setting(instance(
        (Logistic, Hinge, SmoothedHinge, SquaredHinge, Ridge),
        "rg.Logistic, rg.Hinge, rg.SmoothedHinge or rg.SquaredHinge, or for regression rg.Ridge",
    ))
    radius: Any = setting(non_negative, axis=True)
    norm: str = setting(one_of("l2", "linf"), default="l2")

    def _relate(self) -> None:
        if not isinstance(self.training, Ridge):
            positive("ridge of an adversarial training", self.training.ridge)
        elif self.norm == "linf":
            raise ValueError(
                "norm must be 'l2' for regression under attack, got 'linf': coordinates of a task are those of its kernel, "
                "known up to rotations where eigenvalues are equal"
            )

    @property
    def attack(self) -> str:  # type: ignore[override]
        """How far an input is moved is measured in this norm."""
        return self.norm

    @property
    def intercept(self) -> bool:  # type: ignore[override]
        """Whether f has an intercept."""
        return self.training.intercept

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The ridge and the radius."""
        return {**self.training.axes, "radius": self.radius}


def rule_of(training: AbstractTraining) -> tuple[str, float]:
    """What `training` minimises, the parameters of a loss in brackets, and the factor of its ridge there.

    >>> rule_of(SquaredHinge(1.0))
    ('squared_hinge', 0.5)
    """
    training = training.training if isinstance(training, AdversarialTraining) else training
    name, factor = RULES[type(training)]
    parameters = getattr(training, "parameters", ())
    return f"{name}({', '.join(map(repr, parameters))})" if parameters else name, factor


def rule_parts(rule: str) -> tuple[str, tuple[float, ...]]:
    """Name and parameters of a rule.

    >>> rule_parts("loss(0.5)"), rule_parts("loss")
    (('loss', (0.5,)), ('loss', ()))
    """
    name, _, rest = rule.partition("(")
    return name, tuple(float(number) for number in rest.removesuffix(")").split(",") if number)
