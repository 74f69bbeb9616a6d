"""What weights that start as independent centred Gaussians leave along stochastic gradient descent.

The mean over batches leaves p(S) of them, p its factor on errors: of variance v each, independent of all labels, they add
v tr[S_h p^2] to the loss of group h, v tr[A p^2] to the risk on a population of covariance A and v tr p^2 to the squared
weights.  These are one-point traces, sums over one contour; that the losses return as noise of batches is the recursion's.
Equations: theory (6.10), (17.8).
"""

__all__ = ["Start"]

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import BlockEquilibrium
from rfgen.numerics.quadrature.contours import Curve
from rfgen.theory.dynamics.ends import dimension
from rfgen.theory.ridge.block_risk import AugmentedProblem


@dataclass(frozen=True)
class Start:
    """Weights of `variance`; `nodes` are the equilibria at minus those of `curve`, its own first; groups of one view."""

    problem: AugmentedProblem
    sizes: tuple[Any, Any]
    nodes: BlockEquilibrium
    curve: Curve
    variance: float

    def losses(self, ahead: np.ndarray) -> np.ndarray:
        """Of each group, (times, G), where the mean leaves `ahead` (times, nodes) of errors."""
        blocks = self.problem.blocks
        seen = np.asarray(self.nodes.traces) @ np.asarray(blocks.covariance)[:, 0, 0].T
        return self._sums(ahead, np.asarray(blocks.mass) * np.asarray(self.nodes.reduction)[:, :, 0, 0] * seen)

    def loss(self, ahead: np.ndarray) -> np.ndarray:
        """Of all groups, of any views, (times,)."""
        return self._sums(ahead, np.asarray(self.nodes.df1)[:, None])[:, 0]

    def tests(self, mean: np.ndarray) -> np.ndarray:
        """On each test population, (times, tests)."""
        return self._sums(mean, self._seen(self.nodes))

    def norm(self, mean: np.ndarray) -> np.ndarray:
        """Squared weights (times,); of endless weights inf."""
        if self.variance == 0.0:
            return np.zeros(len(mean))
        features = float(self.sizes[1])
        weights = features if np.isfinite(features) else float(np.sum(dimension(self.problem.operators)))
        spare = (weights - np.asarray(self.nodes.df1)) / np.asarray(self.nodes.ridge)
        return self._sums(mean, spare[:, None])[:, 0]

    def left(self, alone: BlockEquilibrium) -> np.ndarray:
        """On each test population in the end, (tests,): ridge/(S + ridge) of the weights, at the first ridge of `alone`."""
        return self.variance * np.real(np.asarray(alone.ridge)[0] * self._seen(alone)[0])

    def _seen(self, nodes: BlockEquilibrium) -> np.ndarray:
        """tr[A Q] (nodes, tests)."""
        test = jax.tree.map(np.asarray, self.problem.target).test  # three programs less
        return np.asarray(self.problem.blocks.of_tests(np.asarray(nodes.traces))) @ test.reshape(test.shape[0], -1)

    def _sums(self, mean: np.ndarray, traces: np.ndarray) -> np.ndarray:
        own = self.curve.nodes.size
        if self.variance == 0.0:
            return np.zeros((len(mean), traces.shape[1]))
        return self.variance * 2.0 * np.real(-(mean**2 * self.curve.weights) @ traces[:own])
