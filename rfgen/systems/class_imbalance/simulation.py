"""Measured losses of each class along gradient descent.  The Monte-Carlo twin of `rfgen.systems.class_imbalance.theory`."""

__all__ = ["DRAWN", "HELD", "ClassImbalanceRuns", "class_imbalance", "class_imbalance_trials"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.numerics.compilation.at_points import in_batches
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.systems.class_imbalance.problem import GaussianMixture
from rfgen.systems.relu_students.relu_networks import seed_keys

WEIGHTINGS = ("plain", "balanced", "normalised")
# Numbers of training inputs held at a time, 128 MiB.
HELD = 2**24
# As many numbers as there are inputs, held while these are drawn.
DRAWN = 7


@dataclass(frozen=True)
class ClassImbalanceRuns:
    """Means over trials of each class after 0 ... steps steps, (classes, steps + 1): `test` loss, exact given the weights,
    `train` loss, and `squared_gradient`, the squared length of its mean gradient; and the standard errors of the means.
    """

    test: np.ndarray
    train: np.ndarray
    squared_gradient: np.ndarray
    test_se: np.ndarray
    train_se: np.ndarray
    squared_gradient_se: np.ndarray


@double_precision
def class_imbalance(
    mixture: GaussianMixture, rate: Any, steps: Any, weighting: str = "plain", momentum: Any = 0.0, trials: Any = 100,
    seed: Any = 0,
) -> ClassImbalanceRuns:
    """Train on `trials` >= 2 draws of the mixture, with the rules and arguments of the theory.

    A trial depends on `seed` and its number alone.

    >>> mixture = GaussianMixture([16, 4], [1.0, -1.0], [[0.1], [0.2]], [[1.5], [-1.5]], [12], bias=True)
    >>> runs = class_imbalance(mixture, 0.03, 5, "normalised", trials=3)
    >>> runs.test.shape, runs.test[:, 0].tolist(), runs.test_se[:, 0].tolist()
    ((2, 6), [1.0, 1.0], [0.0, 0.0])
    """
    runs = class_imbalance_trials(mixture, rate, steps, weighting, momentum, validation.integer("trials", trials, 2), seed)
    mean, error = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1) / trials**0.5
    return ClassImbalanceRuns(*mean, *error)


@double_precision
def class_imbalance_trials(
    mixture: GaussianMixture, rate: Any, steps: Any, weighting: str, momentum: Any, trials: int, seed: Any, start: int = 0
) -> np.ndarray:
    """`test`, `train` and `squared_gradient` of the trials from number `start` on, (trials, 3, classes, steps + 1)."""
    steps = validation.integer("steps", steps, 0)
    rate, momentum = validation.positive("rate", rate, 0), validation.non_negative("momentum", momentum, 0)
    if momentum >= 1.0:
        raise ValueError(f"momentum must be < 1, got {momentum}")
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    features, counts = mixture.features, tuple(int(count) for count in mixture.counts)
    level = np.repeat(np.arange(mixture.multiplicities.size), mixture.multiplicities)
    first = np.cumsum(mixture.multiplicities) - mixture.multiplicities
    means, deviations = np.zeros((2, len(counts), features))
    means[:, first], deviations[:, : level.size] = mixture.means, np.sqrt(mixture.variances[:, level])
    if mixture.bias:
        means[:, -1] = 1.0
    together = max(1, min(trials, HELD // (sum(counts) * features)))
    numbers = (mixture.labels, means, deviations, rate, momentum)
    keys = seed_keys(start + trials, seed)[start:]
    return np.asarray(_runs(keys, *(jnp.asarray(x) for x in numbers), counts, steps, weighting, together))


@partial(jax.jit, static_argnames=("counts", "steps", "weighting", "together"))
def _runs(
    keys: Array, labels: Array, means: Array, deviations: Array, rate: Array, momentum: Array,
    counts: tuple[int, ...], steps: int, weighting: str, together: int,
) -> Array:
    """(trials, 3, classes, steps + 1)."""
    cuts = [sum(counts[:g]) for g in range(1, len(counts))]
    of_row = np.repeat(np.arange(len(counts)), counts)
    sizes = jnp.asarray(counts, jnp.float64)

    def trial(key: Array) -> Array:
        drawn = jax.random.normal(key, (sum(counts), means.shape[1]), jnp.float64)
        classes = jnp.split(means[of_row] + deviations[of_row] * drawn, cuts)

        def step(state: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
            w, velocity = state
            residuals = [label - rows @ w for label, rows in zip(labels, classes, strict=True)]
            gradients = jnp.stack([r @ rows for r, rows in zip(residuals, classes, strict=True)]) / sizes[:, None]
            train = jnp.stack([jnp.mean(r * r) for r in residuals])
            test = jnp.square(labels - means @ w) + jnp.square(deviations * w).sum(axis=1)
            squares = jnp.square(gradients).sum(axis=1)
            weights = {
                "plain": sizes / jnp.sum(sizes), "balanced": jnp.full_like(sizes, 1.0 / len(counts)),
                "normalised": 1.0 / jnp.sqrt(squares),
            }[weighting]
            velocity = momentum * velocity + rate * weights @ gradients
            return (w + velocity, velocity), jnp.stack([test, train, squares])

        start = jnp.zeros_like(means[0])
        _, measured = jax.lax.scan(step, (start, start), None, length=steps + 1)
        return jnp.moveaxis(measured, 0, -1)

    return in_batches(trial, keys, together)
