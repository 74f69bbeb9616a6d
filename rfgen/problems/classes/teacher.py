"""One Gaussian population whose labels follow a linear teacher."""

__all__ = ["LINKS", "Teacher"]

from functools import partial
from typing import Any

import numpy as np

from rfgen.problems.rules import number, numbers, one_of
from rfgen.problems.settings import Noun, setting
from rfgen.problems.shown import short
from rfgen.problems.validation import non_negative

LINKS = ("sign", "probit", "logistic")


class Teacher(Noun):
    """Inputs x ~ N(0, diag(variances)); the probability of label +1 rises with u = direction . x, scaled to variance 1.

    `link` "sign": label sign(u); "probit": P(+1) = Phi(u / scale), Phi the normal distribution function; "logistic":
    P(+1) = 1 / (1 + exp(-u / scale)); `scale` > 0 plays no part for "sign".  `flip` in [0, 1/2): the label is turned with
    this probability.  `direction`, `variances`: (dim,); the direction is rescaled, its length plays no part.

    >>> teacher = Teacher([3.0, 4.0], [1.0, 1.0], link="probit", scale=0.5)
    >>> teacher.direction
    array([0.6, 0.8])
    """

    direction: Any = setting(numbers(ndim=1))
    variances: Any = setting(partial(non_negative, ndim=1))
    link: str = setting(one_of(*LINKS), default="sign")
    scale: float = setting(number("(0, inf)"), default=1.0)
    flip: float = setting(number("[0, 1/2)"), default=0.0)

    def _relate(self) -> None:
        """Rescale the direction."""
        if self.variances.shape != self.direction.shape:
            raise ValueError(
                f"variances must have as many entries as direction ({self.direction.size}), got {self.variances.size}"
            )
        length = float(np.sqrt(self.variances @ self.direction**2))
        if length == 0.0:
            raise ValueError("direction must have a part where variances are positive, else the teacher says nothing")
        self._set(direction=self.direction / length)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.direction.size

    def _shown(self) -> dict[str, str]:
        """The number of coordinates in place of their values."""
        names = ("dim", "link", "flip") if self.link == "sign" else ("dim", "link", "scale", "flip")
        return {name: short(getattr(self, name)) for name in names}
