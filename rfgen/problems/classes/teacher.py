"""One Gaussian population whose labels follow a linear teacher."""

__all__ = ["LINKS", "Teacher"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation

LINKS = ("sign", "probit", "logistic")


@dataclass(frozen=True, eq=False, repr=False)
class Teacher:
    """Inputs x ~ N(0, diag(variances)); the probability of label +1 rises with u = direction . x, scaled to variance 1.

    `link` "sign": label sign(u); "probit": P(+1) = Phi(u / scale), Phi the normal distribution function; "logistic":
    P(+1) = 1 / (1 + exp(-u / scale)); `scale` > 0 plays no part for "sign".  `flip` in [0, 1/2): the label is turned with
    this probability.  `direction`, `variances`: (dim,); the direction is rescaled, its length plays no part.

    >>> teacher = Teacher([3.0, 4.0], [1.0, 1.0], link="probit", scale=0.5)
    >>> teacher.direction
    array([0.6, 0.8])
    """

    direction: Any
    variances: Any
    link: str = "sign"
    scale: Any = 1.0
    flip: Any = 0.0

    def __post_init__(self) -> None:
        """Validate, rescale and freeze."""
        direction = validation.array("direction", self.direction)
        variances = validation.non_negative("variances", self.variances, 1)
        if variances.shape != direction.shape:
            raise ValueError(f"variances must have as many entries as direction ({direction.size}), got {variances.size}")
        length = float(np.sqrt(variances @ direction**2))
        if length == 0.0:
            raise ValueError("direction must have a part where variances are positive, else the teacher says nothing")
        if self.link not in LINKS:
            raise ValueError(f"link must be one of {', '.join(LINKS)}, got {self.link!r}")
        scale = float(validation.positive("scale", self.scale, 0))
        flip = float(validation.non_negative("flip", self.flip, 0))
        if flip >= 0.5:
            raise ValueError(f"flip must be in [0, 1/2), got {flip:g}")
        frozen = {"direction": direction / length, "variances": variances.copy()}
        for name, value in frozen.items():
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "flip", flip)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.direction.size

    def __repr__(self) -> str:
        """Say in one line what is learned."""
        scale = "" if self.link == "sign" else f", scale={self.scale:g}"
        return f"Teacher(dim={self.dim}, link={self.link!r}{scale}, flip={self.flip:g})"
