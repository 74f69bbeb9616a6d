"""Four Gaussian clusters whose classes no linear classifier tells apart: exclusive or."""

__all__ = ["XORClusters"]

import numpy as np

from rfgen.problems.rules import integer, number
from rfgen.problems.settings import Noun, setting


class XORClusters(Noun):
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

    dim: int = setting(integer(2))
    separation: float = setting(number("[0, inf)"))
    flip: float = setting(number("[0, 1/2)"), default=0.0)

    @property
    def centres(self) -> np.ndarray:
        """Coordinates of the four centres in the plane of the clusters, (4, 2)."""
        return self.separation * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    @property
    def classes(self) -> np.ndarray:
        """Class of each centre, (4,)."""
        return np.array([1.0, 1.0, -1.0, -1.0])
