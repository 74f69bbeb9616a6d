"""Gradient flow of a deep linear network."""

__all__ = ["DeepLinearFlow"]

from functools import partial
from typing import Any

from rfgen.problems.rules import whole
from rfgen.problems.settings import setting
from rfgen.problems.trainings.spectral import AbstractTraining
from rfgen.problems.validation import non_negative, positive


class DeepLinearFlow(AbstractTraining):
    """Gradient flow of a linear network of `depth` layers and one output, stopped at `time`.

    On |y - W_D ... W_1 X|^2 / (2 n), from balanced weights whose product has `length` > 0 and a random direction.  `time`
    >= 0 and finite and `depth`, a whole number >= 1, may be arrays; depth 1 is `GradientFlow` from weights of that length.

    >>> DeepLinearFlow([1.0, 10.0], depth=2, length=0.3)
    DeepLinearFlow(time=[1, 10], depth=2, length=0.3)
    """

    time: Any = setting(non_negative, axis=True)
    depth: Any = setting(whole(1), axis=True)
    length: Any = setting(partial(positive, ndim=0))
