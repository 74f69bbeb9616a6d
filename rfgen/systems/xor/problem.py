"""Four Gaussian clusters whose classes no linear classifier tells apart, exclusive or, and a two-layer ReLU
network whose first layer is trained by gradient descent.
"""

__all__ = ["TwoLayerReLU", "XORClusters"]

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


# Single precision holds smaller numbers badly, and a network of weights 0 does not learn; outputs beyond leave it.
INIT, RATE = "[1e-30, 1e15]", "(0, 1e15]"


def _even(name: str, value: int) -> int:
    if integer(2)(name, value) % 2:
        raise ValueError(f"{name} must be even, as half of the output weights are positive, got {value}")
    return int(value)


class TwoLayerReLU(Noun):
    """f(x) = sum_j a_j relu(w_j.x): full-batch gradient descent on w_j of the mean logistic loss, mean log(1 + exp(-y f)).

    `width` neurons, even: half of the fixed a_j are +1/sqrt(width), half -1/sqrt(width).  `rate` > 0, the learning rate;
    `steps` >= 1; `init` > 0, standard deviation of each initial weight of the first layer.  No biases.

    >>> net = TwoLayerReLU(width=1000, rate=0.01, steps=200, init=2e-4)
    >>> net.recorded
    array([  0,   1,   2,   5,  10,  20,  50, 100, 200])
    """

    width: int = setting(_even)
    rate: float = setting(number(RATE))
    steps: int = setting(integer(1))
    init: float = setting(number(INIT))

    @property
    def recorded(self) -> np.ndarray:
        """Steps at which a run is measured: 0, 1, 2, 5, 10, 20, ... and the last."""
        decades = 10 ** np.arange(len(str(self.steps)))
        grid = np.ravel(decades[:, None] * [1, 2, 5])
        return np.concatenate([[0], grid[grid < self.steps], [self.steps]])
