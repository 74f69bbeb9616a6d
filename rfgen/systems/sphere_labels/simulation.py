"""Measured 0-1 errors of kernel ridge regression and gradient flow on the sphere.

The twin of `rfgen.systems.sphere_labels.theory` and `kernel_flow_classifier`.
"""

__all__ = ["KernelClassifierRuns", "kernel_classifier", "kernel_flow_classifier", "kernel_trials"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.systems.relu_students.relu_networks import seed_keys
from rfgen.systems.sphere_labels.problem import ZonalLabels

# Fresh inputs of a trial.
TEST_POINTS = 2000
# An eigenvalue below this share of the largest, times n, is rounding: ridge 0 is least squares of minimum norm.
ROUNDING = 4 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class KernelClassifierRuns:
    """Means over trials at each ridge (ridges,) or time (times,): 0-1 `error` and squared `test` risk, exact over the
    labels of the test inputs, and the standard errors of the means.
    """

    error: np.ndarray
    test: np.ndarray
    error_se: np.ndarray
    test_se: np.ndarray


@double_precision
def kernel_classifier(
    labels: ZonalLabels, n: Any, ridge: Any = 0.0, trials: Any = 50, seed: Any = 0, test_points: Any = TEST_POINTS
) -> KernelClassifierRuns:
    """Fit `trials` >= 2 training sets of `n` samples at every `ridge`, () or (ridges,), each measured at `test_points`
    fresh inputs.

    A trial depends on `seed` and its number alone.

    >>> labels = ZonalLabels(3, lambda t: (1 + t) ** 2, lambda t: 0.9 * t, degrees=4)
    >>> runs = kernel_classifier(labels, 30, [0.0, 1.0], trials=3, test_points=50)
    >>> runs.error.shape, bool(np.all(runs.error < 0.5))
    ((2,), True)
    """
    return _measured(labels, n, "ridge", np.atleast_1d(validation.non_negative("ridge", ridge)), trials, seed, test_points)


@double_precision
def kernel_flow_classifier(
    labels: ZonalLabels, n: Any, time: Any, trials: Any = 50, seed: Any = 0, test_points: Any = TEST_POINTS
) -> KernelClassifierRuns:
    """The same along gradient flow of the objective divided by 2n, at every `time`, () or (times,).

    >>> labels = ZonalLabels(3, lambda t: (1 + t) ** 2, lambda t: 0.9 * t, degrees=4)
    >>> kernel_flow_classifier(labels, 30, [1.0, 10.0], trials=3, test_points=50).error.shape
    (2,)
    """
    return _measured(labels, n, "time", np.atleast_1d(validation.positive("time", time)), trials, seed, test_points)


def _measured(
    labels: ZonalLabels, n: Any, by: str, points: np.ndarray, trials: Any, seed: Any, test_points: Any
) -> KernelClassifierRuns:
    n, trials, test_points = (
        validation.integer(name, value, least)
        for name, value, least in (("n", n, 1), ("trials", trials, 2), ("test_points", test_points, 1))
    )
    runs = kernel_trials(labels, by, points, trials, seed, 0, n, test_points)
    mean, error = runs.mean(axis=0), runs.std(axis=0, ddof=1) / trials**0.5
    return KernelClassifierRuns(mean[0], mean[1], error[0], error[1])


def kernel_trials(
    labels: ZonalLabels, by: str, points: np.ndarray, trials: int, seed: int, start: int, n: int,
    test_points: int = TEST_POINTS,
) -> np.ndarray:
    """0-1 error and squared risk of the trials from number `start` on, (trials, 2, points), `by` "ridge" or "time"."""
    keys = seed_keys(start + trials, seed)[start:]
    return np.asarray(_runs(keys, jnp.asarray(points), by, labels.kernel, labels.target, labels.dim, n, test_points))


@partial(jax.jit, static_argnames=("by", "kernel", "target", "dim", "n", "test_points"))
def _runs(
    keys: Array, at: Array, by: str, kernel: Callable[..., Any], target: Callable[..., Any], dim: int, n: int,
    test_points: int,
) -> Array:
    """(trials, 2, points)."""

    def trial(key: Array) -> Array:
        inputs, chances = jax.random.split(key)
        points = jax.random.normal(inputs, (n + test_points, dim), jnp.float64)
        points = points / jnp.linalg.norm(points, axis=1, keepdims=True)
        means = target(points[:, 0])
        drawn = jax.random.uniform(chances, (n,), jnp.float64)
        y = jnp.where(drawn < 0.5 * (1.0 + means[:n]), 1.0, -1.0)
        gram = kernel(jnp.clip(points @ points[:n].T, -1.0, 1.0))
        values, vectors = jnp.linalg.eigh(gram[:n])
        kept = values > n * ROUNDING * values[-1]
        values = jnp.where(kept, values, 1.0)
        filters = 1.0 / (values + at[:, None]) if by == "ridge" else -jnp.expm1(-values / n * at[:, None]) / values
        filters = jnp.where(kept, filters, 0.0)
        f = (filters * (vectors.T @ y)) @ (gram[n:] @ vectors).T
        missed = 0.5 * (1.0 - means[n:] * jnp.sign(f))
        squared = 1.0 - means[n:] ** 2 + (f - means[n:]) ** 2
        return jnp.stack([jnp.mean(missed, axis=1), jnp.mean(squared, axis=1)])

    return jax.lax.map(trial, keys)
