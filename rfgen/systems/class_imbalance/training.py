"""Gradient descent that weighs classes."""

__all__ = ["ClassDescent"]

from typing import Any

from rfgen.problems.rules import numbers, one_of, whole
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.problems.validation import positive

WEIGHTINGS = ("plain", "balanced", "normalised")


class ClassDescent(AbstractTraining):
    """Full-batch descent from weights 0 on the square loss of each class: `w' = w + rate * sum_g weight_g g_g`.

    g_g is minus half the gradient of the mean loss of class g; its weight is, by `weighting`, "plain": the share of the
    class in the samples, "balanced": one over the number of classes, "normalised": 1/|g_g|, each class at the same speed.
    `rate` > 0, a number or an array; `steps` whole numbers >= 0, one or an array; 0 <= `momentum` < 1, of heavy ball.

    >>> ClassDescent(0.2, steps=[1, 10], weighting="balanced")
    ClassDescent(rate=0.2, steps=[1, 10], weighting='balanced')
    """

    rate: Any = setting(positive, axis=True)
    steps: Any = setting(whole(0), axis=True)
    weighting: str = setting(one_of(*WEIGHTINGS), default="plain")
    momentum: Any = setting(numbers("[0, 1)", ndim=0), default=0.0)
