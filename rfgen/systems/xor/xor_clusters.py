"""Four Gaussian clusters whose classes no linear classifier tells apart: exclusive or."""

__all__ = ["XORClusters"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation


@dataclass(frozen=True)
class XORClusters:
    """x = centre + N(0, I) in `dim` dimensions; centres +-separation e1 are class +1, +-separation e2 class -1, all equally
    likely.

    `separation` >= 0, length of a centre in standard deviations of the noise; `flip` in [0, 1/2), the probability that a
    training label is wrong.  Test errors are against the true class.  After arXiv 2310.02541.

    >>> xor = XORClusters(dim=4000, separation=14, flip=0.1)
    >>> xor
    XORClusters(dim=4000, separation=14, flip=0.1)
    >>> xor.centres
    array([[ 14.,   0.], [-14.,   0.], [  0.,  14.], [  0., -14.]])
    """

    dim: Any
    separation: Any
    flip: Any = 0.0

    def __post_init__(self) -> None:
        """Validate and freeze."""
        object.__setattr__(self, "dim", validation.integer("dim", self.dim, 2))
        object.__setattr__(self, "separation", float(validation.non_negative("separation", self.separation, 0)))
        flip = float(validation.non_negative("flip", self.flip, 0))
        if flip >= 0.5:
            raise ValueError(f"flip must be in [0, 1/2), got {flip:g}")
        object.__setattr__(self, "flip", flip)

    @property
    def centres(self) -> np.ndarray:
        """Coordinates of the four centres in the plane of the clusters, (4, 2)."""
        return self.separation * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    @property
    def classes(self) -> np.ndarray:
        """Class of each centre, (4,)."""
        return np.array([1.0, 1.0, -1.0, -1.0])

    def __repr__(self) -> str:
        """Say in one line what is learned."""
        return f"XORClusters(dim={self.dim}, separation={self.separation:g}, flip={self.flip:g})"
