"""A two-layer ReLU network whose first layer is trained by gradient descent."""

__all__ = ["TwoLayerReLU"]

import numpy as np

from rfgen.problems.rules import integer, number
from rfgen.problems.settings import Noun, setting

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
