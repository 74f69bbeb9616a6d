"""The beginning and the end of training: no weights but the initial ones, and the ridge solution.

Equations: theory (6.9) and (6.10).
"""

__all__ = ["PARTS", "beginning", "blocks_of", "dimension", "end", "prediction_covariance", "total_trace"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.node_kernels import node_kernels
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.equivalents.targets import WeightTarget
from rfgen.numerics.compilation.program import program
from rfgen.theory.dynamics.spectral_filters import Filter
from rfgen.theory.ridge.block_risk import AugmentedProblem, augmented_risk

# What a trajectory is made of at each clock; linear in these, everything else follows.
PARTS = ("bias", "data", "noise", "features", "train", "train_noise", "norm", "norm_noise", "df1",
         "initial", "initial_train", "initial_norm")


def blocks_of(problem: AugmentedProblem, n: Any) -> Blocks:
    """The blocks for n samples."""
    return problem.blocks.of_samples(n)


def dimension(operators: Any) -> Any:
    """Number of weights of kernel regression."""
    if isinstance(operators, DiagonalOperators):
        return jnp.sum(operators.multiplicity)
    return operators.basis.shape[-1]


def total_trace(problem: AugmentedProblem) -> float:
    """Trace of the training second moment in the mean: no eigenvalue is larger than a small multiple of it."""
    rest = _untrained(problem)
    return float(np.asarray(rest["strength"]) @ np.asarray(rest["sizes"]))


def prediction_covariance(problem: AugmentedProblem) -> np.ndarray:
    """Covariance of what predictions are made from, (J,)."""
    return jax.tree.map(np.asarray, problem.target).test  # in numpy: on the device each operation is a program


def beginning(problem: AugmentedProblem, sizes: tuple[Any, Any], initial: np.ndarray) -> dict[str, float]:
    """Parts of the untrained learner."""
    null = float(problem.null_power)
    rest = {name: np.asarray(part) for name, part in _untrained(problem).items()}
    if initial.ndim:
        reached, size = np.asarray(problem.operators.basis) @ initial, float(initial.sum())
    else:
        weights = sizes[1] if np.isfinite(sizes[1]) else rest["dimension"]
        reached, size = float(initial) * rest["sizes"], float(initial) * float(weights) if initial else 0.0
    return dict.fromkeys(PARTS, 0.0) | {
        "bias": float(rest["bias"]) + null, "train": float(rest["train"]), "train_noise": float(rest["train_noise"]),
        "initial": float(reached @ prediction_covariance(problem)), "initial_train": float(reached @ rest["strength"]),
        "initial_norm": size,
    }


def end(
    problem: AugmentedProblem, sizes: tuple[Any, Any], training: Filter, noise: Any, initial: np.ndarray,
    shared: str = "all",
) -> dict[str, Any]:
    """The ridge solution, and what the initial weights leave in directions that training does not reach."""
    found = _ridge_end(problem, *sizes, training.ridge, noise, shared=shared)
    values = {name: float(value) for name, value in vars(found).items() if name != "residual"}
    left = {"initial_variance": 0.0, "initial_norm": 0.0}
    if training.ridge == 0.0 and initial.any():
        left = {name: float(value) for name, value in _frozen(problem, *sizes, jnp.asarray(initial)).items()}
    frozen = left["initial_variance"]
    return {**values, "initial_variance": frozen, "test": values["test"] + frozen, "variance": values["variance"] + frozen,
            "norm": values["norm"] + left["initial_norm"]}


@program
def _untrained(problem: AugmentedProblem) -> dict[str, Any]:
    """Errors of weights 0, and the traces that initial weights are seen through."""
    sizes = problem.operators.size()
    rest = problem.target.untrained(problem.operators)
    others = jax.tree.map(lambda leaf: leaf[None], rest)
    fits = problem.target.mean_fit_row(problem.operators, problem.blocks, rest, others)
    mass = problem.blocks.mass
    return {"bias": fits.bias[0].real, "train": jnp.einsum("g,gkk->", mass, fits.residuals[0].real),
            "train_noise": jnp.einsum("g,gk,gk->", mass, problem.target.label, problem.target.label),
            "sizes": sizes, "strength": problem.blocks.strength(problem.blocks.reduction(jnp.zeros_like(sizes))),
            "dimension": jnp.asarray(dimension(problem.operators))}


@program(static_argnames="shared")
def _ridge_end(problem: AugmentedProblem, n: Any, features: Any, ridge: Any, noise: Any, shared: str) -> Any:
    return augmented_risk(problem, n, features, ridge * n, noise, shared)


@program
def _frozen(problem: AugmentedProblem, n: Any, features: Any, variances: Any) -> dict[str, Any]:
    """Initial weights on the null space of the training second moment: lambda (S + lambda)^-1 as lambda -> 0."""
    operators, blocks = problem.operators, blocks_of(problem, n)
    at = block_equilibrium(operators, blocks, features, jnp.zeros(()))
    if variances.ndim:
        target = WeightTarget(variances, jnp.zeros_like(problem.target.label), problem.target.test)
        one = {name: leaf[None] for name, leaf in vars(at).items()}
        keep = ("vanishing", "residual", "converged")  # the others are complex at nodes
        nodes = replace(at, **{name: leaf if name in keep else leaf.astype(complex) for name, leaf in one.items()})
        kernels = node_kernels(operators, blocks, target, features, nodes)
        kernels = jax.tree.map(lambda leaf: leaf[0, 0].real, kernels)
        return {"initial_variance": kernels.bias + kernels.spread[0], "initial_norm": kernels.norm[0] + kernels.norm[2]}
    weights = jnp.where(jnp.isfinite(features), features, dimension(operators))
    return {"initial_variance": variances * at.ridge * (blocks.of_tests(at.traces) @ problem.target.test),
            "initial_norm": variances * (weights - at.df1)}
