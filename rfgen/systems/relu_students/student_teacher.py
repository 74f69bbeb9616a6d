"""A two-layer ReLU teacher and students of the same kind: fixed random hidden weights, or all weights trained.

The nonlinear part of arXiv 1710.03667, by simulation; the networks are those of `relu_networks`.  Test errors are
expectations over inputs, without test points.
"""

__all__ = ["Decomposition", "FeatureRuns", "StudentTeacher", "TrainedRuns", "decomposition", "random_features", "training"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.systems.relu_students.relu_networks import StudentTeacher, draw, features, population, seed_keys

# Singular values of a training set below this share of the largest are rounding.
RANK = 1e-10


@dataclass(frozen=True)
class FeatureRuns:
    """`test` (with label noise) and `train` error (seeds, times); `spectrum` (seeds, hidden) of H'H, ascending."""

    test: Float[np.ndarray, "seeds times"]
    train: Float[np.ndarray, "seeds times"]
    spectrum: Float[np.ndarray, "seeds hidden"]


@dataclass(frozen=True)
class TrainedRuns:
    """`test` (with label noise) and `train` error (seeds, steps)."""

    test: Float[np.ndarray, "seeds steps"]
    train: Float[np.ndarray, "seeds steps"]


@dataclass(frozen=True)
class Decomposition:
    """Parts of the `test` error, without label noise, of a student trained to the end; each (seeds,).

    `approximation`: error of the best output weights; `null_space`: what those weights have in directions that no training
    sample shows; `overfitting`: weights that fit what the best ones leave unexplained, label noise included.  `test` is
    their sum less `2 interference`, the product of the last two errors, which vanishes on average to leading order.
    """

    approximation: Float[np.ndarray, " seeds"]
    null_space: Float[np.ndarray, " seeds"]
    overfitting: Float[np.ndarray, " seeds"]
    interference: Float[np.ndarray, " seeds"]
    test: Float[np.ndarray, " seeds"]


@double_precision
def random_features(setting: StudentTeacher, hidden: Any, times: Any, seeds: Any = 50, seed: Any = 0) -> FeatureRuns:
    """Train the output weights of `seeds` students with `hidden` random ReLU features by gradient flow from 0.

    The flow is that of the linear network, `tau da/dt = H'(y - Ha)` with the features H (samples, hidden) of the training
    set; `times` = t/tau.  One eigendecomposition a seed gives all times exactly.

    >>> runs = random_features(StudentTeacher(inputs=10, teacher=5, samples=30), hidden=20, times=[0.0, 10.0], seeds=3)
    >>> runs.test.shape, runs.spectrum.shape, bool((abs(runs.test[:, 0] - 1.0) < 1e-12).all())
    ((3, 2), (3, 20), True)
    """
    hidden, keys = validation.integer("hidden", hidden, 1), seed_keys(seeds, seed)
    times = jnp.asarray(validation.non_negative("times", times, 1))
    drawn = draw(setting, hidden, keys)
    return FeatureRuns(**_numbers(_random_features(*drawn, jnp.asarray(float(setting.noise)), times)))


@double_precision
def decomposition(setting: StudentTeacher, hidden: Any, seeds: Any = 50, seed: Any = 0) -> Decomposition:
    """Parts of the final test error of `seeds` students with `hidden` random features (arXiv 1710.03667, figure 7).

    With best weights a* and the features H of the training set, the trained weights are H^+ y, so that their error is
    -(1 - H^+ H) a* + H^+ (y - H a*): null-space and over-fitting error, beside the error of a* itself.

    >>> parts = decomposition(StudentTeacher(inputs=10, teacher=5, samples=30), hidden=60, seeds=4)
    >>> whole = parts.approximation + parts.null_space + parts.overfitting - 2 * parts.interference
    >>> bool((abs(whole / parts.test - 1) < 1e-9).all())
    True
    """
    hidden, keys = validation.integer("hidden", hidden, 1), seed_keys(seeds, seed)
    return Decomposition(**_numbers(_decomposition(*draw(setting, hidden, keys))))


@double_precision
def training(
    setting: StudentTeacher, hidden: Any, steps: Any, rate: Any, initial: Any, seeds: Any = 10, seed: Any = 0,
    dtype: str = "float32",
) -> TrainedRuns:
    """Train all weights of `seeds` students by full-batch gradient descent, and measure after each of `steps`.

    Descent on half the mean squared training error with step `rate`, from hidden weights w of variance 1 (the factor
    1/sqrt(N) stays outside) and output weights of standard deviation `initial`.  `steps` are increasing integers >= 0.
    `dtype`: "float32" or "float64".  All seeds run at once, shared out over the devices whose number divides theirs.

    >>> setting = StudentTeacher(inputs=10, teacher=5, samples=30)
    >>> runs = training(setting, hidden=20, steps=[0, 10, 100], rate=0.5, initial=0.1, seeds=2)
    >>> runs.train.shape, bool((runs.train[:, 2] < runs.train[:, 0]).all())
    ((2, 3), True)
    """
    hidden, keys = validation.integer("hidden", hidden, 1), seed_keys(seeds, seed)
    numbers = validation.non_negative("steps", steps, 1)
    if (numbers != np.round(numbers)).any() or (np.diff(numbers) <= 0).any():
        raise ValueError(f"steps must be increasing integers, got {list(numbers)}")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    rate, initial = validation.positive("rate", rate, 0), validation.non_negative("initial", initial, 0)
    between = jnp.asarray(np.diff(numbers, prepend=0.0).astype(np.int32))
    scalars = (jnp.asarray(float(value), dtype) for value in (setting.noise, rate, initial))
    shared = _shared_out(keys.shape[0])
    drawn = jax.tree.map(lambda leaf: jax.device_put(np.asarray(leaf, dtype), shared), draw(setting, hidden, keys))
    return TrainedRuns(**_numbers(_training(*drawn, between, *scalars)))


def _shared_out(seeds: int) -> jax.sharding.NamedSharding:
    """The first axis over as many devices as divide it."""
    devices = jax.devices()
    used = max(count for count in range(1, len(devices) + 1) if seeds % count == 0)
    return jax.sharding.NamedSharding(jax.sharding.Mesh(np.array(devices[:used]), ("seeds",)), jax.P("seeds"))


def _numbers(measured: dict[str, Array]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in measured.items()}


@jax.jit
def _random_features(
    teachers: tuple[Array, ...], students: tuple[Array, Array], noise: Array, times: Array
) -> dict[str, Array]:
    def one(drawn: tuple[tuple[Array, ...], tuple[Array, Array]]) -> dict[str, Array]:
        (x, labels, units, outputs), (weights, _) = drawn
        design = features(x, weights)
        samples, hidden = design.shape
        wide = hidden > samples
        values, vectors = jnp.linalg.eigh(design @ design.T if wide else design.T @ design)
        rate = jnp.maximum(values, 0.0)[:, None]
        small = rate * times < 1e-8  # (1 - e^(-rate t)) / rate near rate = 0
        filters = jnp.where(small, times, -jnp.expm1(-rate * times) / jnp.where(small, 1.0, rate))
        if wide:
            trained = design.T @ (vectors @ (filters * (vectors.T @ labels)[:, None]))
        else:
            trained = vectors @ (filters * (vectors.T @ (design.T @ labels))[:, None])
        second, cross = population(weights, units, outputs)
        test = 1.0 + noise - 2.0 * cross @ trained + jnp.sum(trained * (second @ trained), axis=0)
        residual = labels[:, None] - design @ trained
        zeros = jnp.zeros(max(0, hidden - samples), noise.dtype)
        train = jnp.mean(residual * residual, axis=0)
        return {"test": test, "train": train, "spectrum": jnp.concatenate([zeros, rate[:, 0]])}

    return jax.lax.map(one, (teachers, students))


@jax.jit
def _decomposition(teachers: tuple[Array, ...], students: tuple[Array, Array]) -> dict[str, Array]:
    def one(drawn: tuple[tuple[Array, ...], tuple[Array, Array]]) -> dict[str, Array]:
        (x, labels, units, outputs), (weights, _) = drawn
        design = features(x, weights)
        second, cross = population(weights, units, outputs)
        best = jnp.linalg.solve(second, cross)
        left, values, right = jnp.linalg.svd(design, full_matrices=False)
        seen = values > RANK * values[0]
        right = jnp.where(seen[:, None], right, 0.0)
        inverse = jnp.where(seen, 1.0 / jnp.where(seen, values, 1.0), 0.0)
        unseen = best - right.T @ (right @ best)
        fitted = right.T @ (inverse * (left.T @ (labels - design @ best)))
        trained = right.T @ (inverse * (left.T @ labels))
        return {
            "approximation": 1.0 - cross @ best,
            "null_space": unseen @ second @ unseen,
            "overfitting": fitted @ second @ fitted,
            "interference": unseen @ second @ fitted,
            "test": 1.0 - 2.0 * cross @ trained + trained @ second @ trained,
        }

    return jax.lax.map(one, (teachers, students))


@jax.jit
def _training(
    teachers: tuple[Array, ...], students: tuple[Array, Array], between: Array, noise: Array, rate: Array, initial: Array
) -> dict[str, Array]:
    def one(teacher: tuple[Array, ...], student: tuple[Array, Array]) -> dict[str, Array]:
        x, labels, units, outputs = teacher
        root = x.shape[1] ** 0.5

        def loss(student: tuple[Array, Array]) -> Array:
            residual = labels - features(x, student[0] / root) @ student[1]
            return 0.5 * jnp.mean(residual * residual)

        def descend(_: Array, student: tuple[Array, Array]) -> tuple[Array, Array]:
            return jax.tree.map(lambda weight, slope: weight - rate * slope, student, jax.grad(loss)(student))

        def record(student: tuple[Array, Array], count: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
            student = jax.lax.fori_loop(0, count, descend, student)
            second, cross = population(student[0] / root, units, outputs)
            test = 1.0 + noise - 2.0 * cross @ student[1] + student[1] @ second @ student[1]
            return student, (test, 2.0 * loss(student))

        _, (test, train) = jax.lax.scan(record, (student[0] * root, student[1] * initial), between)
        return {"test": test, "train": train}

    return jax.vmap(one)(teachers, students)
