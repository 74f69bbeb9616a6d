"""A two-layer ReLU network whose first layer is trained by gradient descent."""

__all__ = ["TwoLayerReLU"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.problems import validation

# Single precision holds smaller numbers badly, and a network of weights 0 does not learn.
LEAST_INIT = 1e-30
# Outputs of networks beyond leave single precision.
MOST = 1e15


@dataclass(frozen=True)
class TwoLayerReLU:
    """f(x) = sum_j a_j relu(w_j.x): full-batch gradient descent on w_j of the mean logistic loss, mean log(1 + exp(-y f)).

    `width` neurons, even: half of the fixed a_j are +1/sqrt(width), half -1/sqrt(width).  `rate` > 0, the learning rate;
    `steps` >= 1; `init` > 0, standard deviation of each initial weight of the first layer.  No biases.

    >>> net = TwoLayerReLU(width=1000, rate=0.01, steps=200, init=2e-4)
    >>> net.recorded
    array([  0,   1,   2,   5,  10,  20,  50, 100, 200])
    """

    width: Any
    rate: Any
    steps: Any
    init: Any

    def __post_init__(self) -> None:
        """Validate and freeze."""
        width = validation.integer("width", self.width, 2)
        if width % 2:
            raise ValueError(f"width must be even, as half of the output weights are positive, got {width}")
        init = float(validation.positive("init", self.init, 0))
        rate = float(validation.positive("rate", self.rate, 0))
        if not LEAST_INIT <= init <= MOST:
            raise ValueError(f"init must be between {LEAST_INIT:g} and {MOST:g}, got {init:g}")
        if rate > MOST:
            raise ValueError(f"rate must be at most {MOST:g}, got {rate:g}")
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "steps", validation.integer("steps", self.steps, 1))
        object.__setattr__(self, "init", init)

    @property
    def recorded(self) -> np.ndarray:
        """Steps at which a run is measured: 0, 1, 2, 5, 10, 20, ... and the last."""
        decades = 10 ** np.arange(len(str(self.steps)))
        grid = np.ravel(decades[:, None] * [1, 2, 5])
        return np.concatenate([[0], grid[grid < self.steps], [self.steps]])
