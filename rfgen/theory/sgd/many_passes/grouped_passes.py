"""Many passes in several fresh views of each visit, or on a resampled training set: groups have losses of their own.

Equations: theory (17.8).
"""

__all__ = ["grouped_passes", "of_draws", "of_views"]

from dataclasses import replace
from typing import Any

import numpy as np

from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.problems.trainings.resampling import AbstractResampling
from rfgen.theory.dynamics.trajectory import largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem
from rfgen.theory.sgd.many_passes.group_losses import group_losses
from rfgen.theory.sgd.many_passes.multi_pass import TOLERANCE, MultiPassCurve, nothing_learned, unserved
from rfgen.theory.sgd.stability import Stability
from rfgen.theory.sgd.streaming.second_moments import Iteration

# Groups of a smaller share of the objective are left out.
NOTHING = 1e-13


def of_views(views: float) -> np.ndarray:
    """N of so many fresh views of each visit, of the problem of infinitely many."""
    return np.array([[1.0, 1.0 / views], [1.0 / views, 1.0 / views]])


def of_draws(
    problem: AugmentedProblem, resampling: AbstractResampling, views: float = 1.0
) -> tuple[AugmentedProblem, np.ndarray]:
    """Of a training set drawn by `resampling` the groups that are there, and their N; visits are in so many fresh `views`.

    Samples drawn as often have a mean view, and its scatter, of their own.
    """
    blocks, mass = problem.blocks, np.asarray(problem.blocks.mass)
    if blocks.covariance.shape[1] > 1:
        raise ValueError(
            "resampling of many passes is derived for views of many small changes each, not for patterns that move a view "
            "as a whole: leave one of the two out, or use rg.simulate"
        )
    times, probability = resampling.draws()
    drawn = times * probability
    parts = mass.size // drawn.size  # of a sample: its mean view, and their scatter if there is any
    within = np.ones((1, 1)) if parts == 1 else of_views(views)
    coupling = np.kron(within, np.diag(resampling.mean_share / np.where(drawn > 0.0, drawn, 1.0)))
    there = mass > NOTHING * mass.sum()
    kept = {name: np.asarray(getattr(problem.target, name))[there] for name in ("signal", "gain", "label")}
    weight, covariance, origin = np.asarray(blocks.weight)[there], np.asarray(blocks.covariance)[there], blocks.origin
    groups = Blocks(mass[there], weight, covariance, np.asarray(origin)[:, there])
    return replace(problem, blocks=groups, target=replace(problem.target, **kept)), coupling[np.ix_(there, there)]


def grouped_passes(
    problem: AugmentedProblem, n: Any, features: Any, iteration: Iteration, clock: Any, noise: float,
    coupling: np.ndarray, shared: str = "all", initial: float = 0.0,
) -> MultiPassCurve:
    """The curve of `multi_pass_sgd` where batches scatter by the `coupling` (G, G) of groups.

    `stationary_test` is NaN where what returns of a kick outlasts 3,000 steps.  Not traceable; seconds, and up to 20,000
    steps.
    """
    require_double_precision("rfgen.theory.sgd.many_passes.grouped_passes")
    times, place = np.unique(np.asarray(clock, np.int64), return_inverse=True)
    null = float(problem.null_power)
    if largest_eigenvalue(problem, np.float64(n), np.float64(features)) == 0.0:
        return nothing_learned(place.size, null, noise)
    with np.errstate(over="ignore", invalid="ignore"):
        run = group_losses(problem, float(n), float(features), iteration, times, coupling, null, shared, initial=initial)
        if run is None:
            return unserved(place.size)
        columns = np.array([[1.0, null, 1.0], [0.0, 1.0, 0.0]])
        test = np.einsum("cs,tsj->tcj", columns, run.spread)[..., 0] + run.test[..., 0]
        both = np.array([1.0, noise])
        train = (run.train.sum(axis=1) @ columns.T + run.loss.sum(axis=1)) @ both
        norm = (run.norm @ columns.T + run.length) @ both
        bias = np.maximum(run.bias[:, 0], 0.0) + null
        noisy = 1.0 + test[:, 1]
        found = {
            "bias": bias, "variance": np.maximum(test[:, 0], 0.0), "noise": noise * noisy if noise else 0.0 * noisy,
            "train": np.maximum(train, 0.0), "amplification": noisy, "norm": np.maximum(norm, 0.0),
        }
        found["test"] = found["bias"] + found["variance"] + found["noise"]
    grown = {name: np.where(np.isfinite(values), values, np.inf)[place] for name, values in found.items()}
    error = np.where(np.isfinite(found["test"]), np.where(np.isnan(run.error), np.inf, run.error), 0.0)
    rest = float(run.rest[:, 0] @ both) + noise if run.growth == 1.0 else np.inf
    steady = Stability(run.growth == 1.0, run.mass, run.growth, np.nan, np.full(3, np.nan))
    return MultiPassCurve(
        **grown, residual=error[place], converged=run.solved & (error[place] < TOLERANCE),
        served=np.ones(place.size, bool), stability=steady, stationary_test=rest,
    )
