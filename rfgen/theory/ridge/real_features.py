"""The engine's view of frozen features of augmented real inputs; `augmented_risk` gives its curves.

Equations: theory (5.14).
"""

__all__ = ["MomentForm", "pattern_features"]

import math
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.augmented.held_out_blocks import HeldOutBlocks
from rfgen.equivalents.augmented.pencil import HALF_WIDTH, Pencil, PencilTarget, decompose, panel_points
from rfgen.equivalents.augmented.view_blocks import pattern_combinations
from rfgen.equivalents.held_out_target import HeldOutTarget
from rfgen.equivalents.operators import DenseOperators
from rfgen.equivalents.targets import VectorTarget
from rfgen.numerics.compilation.at_points import at_points
from rfgen.numerics.compilation.program import program
from rfgen.problems.data_task import DataTask
from rfgen.problems.views.view_moments import ViewMoments
from rfgen.theory.ridge.block_risk import AugmentedProblem

# Negative eigenvalues of an estimated covariance, as a share of its trace, beyond which it is refused.
INDEFINITE = 0.01
# Panels of the pencil: rho may span a factor e^24.
MOST_PANELS = 20
# Panels are padded to a multiple of the first for at most so many features: one more panel is no new compilation.
PADDING, SMALL = 4, 1200
# A combination of views, or of one and what is tested, with this share of the largest second moment has no inputs.
EMPTY = 1e-12


@dataclass(frozen=True, eq=False)
class _Node:
    """One decomposition of between + rho within, and all that is needed in its eigenbasis."""

    eigenvalues: np.ndarray
    diagonals: np.ndarray
    cross: np.ndarray
    test_cross: np.ndarray
    test: np.ndarray


@dataclass
class MomentForm:
    """Moment form of one augmentation of a `DataTask`, for every n, ridge, number of views and of features.

    Decompositions are added as far as the points asked for need them, and kept.
    """

    task: DataTask
    moments: ViewMoments
    test_views: int | None = None
    _panels: list[list[_Node]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Second moments of clean features and labels, or of what predictions are made from."""
        features = self.task.features
        labels = self.task.labels.reshape(features.shape[0], -1)
        self._between, self._within, views = self.moments.means[0, 0], self.moments.within[0], self.moments.views
        if self.test_views is None:
            self._test = features.T @ features / features.shape[0]
            self._test_cross = labels.T @ features / features.shape[0]
        else:
            self._test = self._between + (1.0 / self.test_views - 1.0 / views) * self._within
            self._test_cross = self.moments.test_cross[0]  # views do not change what is to be predicted
        self._test_second = (labels**2).mean(axis=0)
        self._lowest = 1.0 - 1.0 / views  # rho of one view, the least there is
        self._single: list[_Node] | None = None

    def problem(self, views: float, n: np.ndarray, features: np.ndarray, ridge: np.ndarray) -> AugmentedProblem:
        """For `views` views a sample, good for the points (n, features, ridge) and for all whose rho lies between."""
        blocks = self._blocks(views)
        if views == 1.0 or not self._within.any():
            self._single = self._single or [self._node(self._lowest)]
            return self._assemble(blocks, [self._single], np.zeros(1))
        while True:
            if self._panels:
                problem = self._assemble(blocks, self._panels, panel_points())
                strength = _strengths(problem.operators, problem.blocks, *map(jnp.asarray, (n, features, ridge)))
                reached = math.log(float(jnp.max(strength[:, 1] / strength[:, 0])) / self._lowest)
                if reached < 2 * HALF_WIDTH * len(self._panels) or len(self._panels) >= MOST_PANELS:
                    return problem
            middle = math.log(self._lowest) + HALF_WIDTH * (2 * len(self._panels) + 1)
            self._panels.append([self._node(rho) for rho in np.exp(middle + HALF_WIDTH * panel_points())])

    def held_out(self, views: float) -> AugmentedProblem:
        """For `views` views of each of the examples, drawn without replacement, with matrices: see `held_out_target`."""
        values, vectors = np.linalg.eigh(self._between - self._within / self.moments.views)
        # beside the noise of views, which stands with it
        _refuse_indefinite(values, np.trace(self._between + self._within), self.moments.views, None)
        own = (vectors * np.maximum(values, 0.0)) @ vectors.T
        cross, second = self.moments.cross[0, 0], self.moments.label_means[0, 0]
        if self.test_views is None:
            clean, seen, test = self.moments.clean, self.moments.clean_cross, self._test
        else:
            clean, seen, test = own, cross, own + self._within / self.test_views
        both = test + clean + clean.T + own
        if np.trace(both) < EMPTY * np.trace(test):  # views are minus what is tested, but for rounding
            both = np.zeros_like(both)
        basis = np.stack([own, self._within, test, both, (clean.T - clean) / 2.0])
        share = 0.0 if math.isinf(views) else 1.0 / views
        covariance = np.zeros((3, 1, 1, 5))
        covariance[[0, 1, 2], 0, 0, [0, 1, 1]] = 1.0, share, 1.0
        blocks = HeldOutBlocks(
            np.array([1.0, 1.0, 1.0 - share]), np.array([1.0, 1.0, share]), covariance,
            examples=np.float64(self.task.inputs.shape[0]),
        )
        nothing = np.zeros_like(cross)
        target = HeldOutTarget(
            np.stack([cross, nothing, nothing], axis=1)[:, :, None, None],
            np.stack([second, 0.0 * second, 0.0 * second], axis=1)[..., None, None],
            np.array([self.moments.label[:1], [0.0], [0.0]]), np.array([0.0, 0.0, 1.0, 0.0, 0.0]), self._test_cross,
            self._test_second, self.moments.clean_label, seen, self.moments.test_cross[0],
        )
        return _on_device(AugmentedProblem(DenseOperators(basis), blocks, target, np.zeros(self._test_second.size)))

    def dense(self, views: float) -> AugmentedProblem:
        """For `views` views a sample, with matrices: good for complex ridges too."""
        basis = np.stack([self._between, self._within, self._test])
        cross, second = self.moments.cross[0, 0], self.moments.label_means[0, 0]
        nothing = np.zeros_like(cross)
        target = VectorTarget(
            np.stack([cross, nothing], axis=1)[:, :, None, None], np.stack([second, 0.0 * second], axis=1)[..., None, None],
            np.array([self.moments.label[:1], [0.0]]), np.array([0.0, 0.0, 1.0]), self._test_cross, self._test_second,
        )
        return _on_device(
            AugmentedProblem(DenseOperators(basis), self._blocks(views), target, np.zeros(self._test_second.size))
        )

    def _blocks(self, views: float) -> Blocks:
        share = 0.0 if math.isinf(views) else 1.0 / views
        excess = share - 1.0 / self.moments.views
        if excess < 0:
            _check_definite(self._between + excess * self._within, self.moments.views, views)
        covariance = np.array([[1.0, excess, 0.0], [0.0, 1.0, 0.0]])[:, None, None]
        return Blocks(np.array([1.0, 1.0 - share]), np.array([1.0, share]), covariance)

    def _node(self, rho: float) -> _Node:
        eigenvalues, basis = decompose(self._between, self._within, rho)
        test = basis.T @ self._test @ basis
        between = np.einsum("ai,ai->i", basis, self._between @ basis)
        return _Node(
            eigenvalues, np.stack([between, np.diagonal(test)]), self.moments.cross[0, 0] @ basis,
            self._test_cross @ basis, test,
        )

    def _assemble(self, blocks: Blocks, panels: list[list[_Node]], points: np.ndarray) -> AugmentedProblem:
        p = self._between.shape[0]
        padding = -len(panels) % PADDING if points.size > 1 and p <= SMALL else 0

        def nested(name: str) -> np.ndarray:
            made = np.array([[getattr(node, name) for node in panel] for panel in panels])
            return np.concatenate([made, np.repeat(made[-1:], padding, axis=0)])

        sizes = np.array([np.trace(self._between), np.trace(self._within), np.trace(self._test)])
        operators = Pencil(
            np.float64(math.log(self._lowest)), np.float64(len(panels)), points, nested("eigenvalues"),
            nested("diagonals"), sizes,
        )
        target = PencilTarget(
            np.moveaxis(nested("cross"), 2, 0), np.moveaxis(nested("test_cross"), 2, 0), nested("test"),
            self.moments.label_means[0, 0], self._test_second, np.array([self.moments.label[:1], [0.0]]),
            np.array([0.0, 0.0, 1.0]),
        )
        return _on_device(AugmentedProblem(operators, blocks, target, np.zeros(self._test_second.size)))


def pattern_features(
    task: DataTask, moments: ViewMoments, probabilities: np.ndarray, views: float, test_views: int | None = None
) -> tuple[AugmentedProblem, np.ndarray | None]:
    """Pattern form with dense matrices: blocks of views for every combination of the patterns of `moments`.

    Operators: E[u_a u_a'] of each pattern, E[(u_a + u_b)(u_a + u_b)'] of each pair, the noise covariance of each pattern
    where there is any, and the clean covariance.
    """
    count = probabilities.size
    labels = task.labels.reshape(task.features.shape[0], -1)
    noise = moments.within
    own = [moments.means[a, a] - noise[a] / moments.views for a in range(count)]
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    sums = [own[a] + own[b] + moments.means[a, b] + moments.means[a, b].T for a, b in pairs]
    noisy = [a for a in range(count) if noise[a].any()]
    for matrix in own:
        _check_definite(matrix, moments.views, math.inf)
    clean = task.features.T @ task.features / task.features.shape[0]
    basis = np.stack([*own, *sums, *(noise[a] for a in noisy), clean])

    # coefficients of E[mu_a mu_b'] and of the noise over the basis
    means = np.zeros((count, count, basis.shape[0]))
    means[np.arange(count), np.arange(count), np.arange(count)] = 1.0
    for number, (a, b) in enumerate(pairs, start=count):
        means[a, b, [number, a, b]] = means[b, a, [number, a, b]] = 0.5, -0.5, -0.5
    spread = np.zeros((count, basis.shape[0]))
    for number, a in enumerate(noisy, start=count + len(pairs)):
        spread[a, number] = 1.0

    mass, weight, drawn, root, replicate = pattern_combinations(probabilities, views)
    covariance = means[drawn[:, :, None], drawn[:, None, :]] * (root[:, :, None] * root[:, None])[..., None]
    cross = moments.cross[drawn[:, :, None], drawn[:, None, :]] * (root[:, :, None] * root[:, None])[..., None, None]
    second = moments.label_means[drawn[:, :, None], drawn[:, None, :]] * (root[:, :, None] * root[:, None])[..., None]
    label = moments.label[drawn] * root
    if math.isinf(views):
        covariance[1] = cross[1] = second[1] = label[1] = 0.0
        covariance[1, 0, 0] = probabilities @ spread
    else:
        each = np.arange(drawn.shape[1])
        covariance[:, each, each] += spread[drawn]
    covariance, cross, second, label = _rotated(covariance, cross, second, label, np.trace(basis, axis1=1, axis2=2))
    test, test_cross = np.zeros(basis.shape[0]), labels.T @ task.features / task.features.shape[0]
    test[-1] = 1.0
    if test_views is not None:
        mean = np.einsum("a,b,abj->j", probabilities, probabilities, means)
        single = probabilities @ (np.einsum("aaj->aj", means) + spread)
        test = mean + (single - mean) / test_views
        test_cross = np.einsum("a,aop->op", probabilities, moments.test_cross)
    outputs = labels.shape[1]
    target = VectorTarget(
        np.moveaxis(cross, 3, 0), np.moveaxis(second, 3, 0), label, test, test_cross,
        (labels**2).mean(axis=0),
    )
    blocks = Blocks(mass, weight, covariance)
    return _on_device(AugmentedProblem(DenseOperators(basis), blocks, target, np.zeros(outputs))), replicate


def _rotated(
    covariance: np.ndarray, cross: np.ndarray, second: np.ndarray, label: np.ndarray, traces: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The same blocks with orthogonal combinations of views, of which those without inputs are exactly so: at ridge 0 two
    equal views, whose difference is rounding, would be fitted apart.
    """
    values, vectors = np.linalg.eigh(covariance @ traces)
    full = values > EMPTY * np.maximum(values[:, -1:], 1e-300)
    covariance = np.einsum("gka,gklj,glb->gabj", vectors, covariance, vectors)
    covariance *= (full[:, :, None] & full[:, None])[..., None]
    cross = np.einsum("gka,gklop,glb->gabop", vectors, cross, vectors) * full[:, :, None, None, None]
    second = np.einsum("gka,gklo,glb->gabo", vectors, second, vectors)
    return covariance, cross, second, np.einsum("gka,gk->ga", vectors, label)


def _on_device(problem: AugmentedProblem) -> AugmentedProblem:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), problem)


@program
def _strengths(operators: Pencil, blocks: Blocks, n: jax.Array, features: jax.Array, ridge: jax.Array) -> jax.Array:
    def one(n: jax.Array, features: jax.Array, ridge: jax.Array) -> jax.Array:
        return block_equilibrium(operators, blocks.of_samples(n), features, ridge / n).strength

    return at_points(one, (n, features, ridge), together=64)


def _check_definite(matrix: np.ndarray, drawn: int, views: float) -> None:
    """Refuse an estimate that view noise has made indefinite."""
    values = np.linalg.eigvalsh(matrix)
    _refuse_indefinite(values, values.sum(), drawn, views)


def _refuse_indefinite(values: np.ndarray, trace: float, drawn: int, views: float | None) -> None:
    """`views` None: of the mean views alone."""
    negative = -values[values < 0].sum() / trace if trace > 0 else float(values.any())
    if negative > INDEFINITE:
        wanted = "mean views" if views is None else "infinitely many views" if math.isinf(views) else f"{views:g} views"
        fewer = "" if views is None else f", or ask for at most {drawn} views"
        raise ValueError(
            f"the moments of {wanted}, estimated from {drawn} views of each example, are indefinite ({negative:.2g} of the "
            f"trace is negative): draw more, DataTask(..., moment_views={8 * drawn}){fewer}"
        )
