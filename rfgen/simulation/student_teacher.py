"""A two-layer ReLU teacher and students of the same kind: fixed random hidden weights, or all weights trained.

The nonlinear part of arXiv 1710.03667, by simulation.  Inputs x are N(0, I_N); with hidden weights of unit variance

    teacher  y = sum_j b_j relu(v_j.x / sqrt(N)) + label noise, b scaled so that the noiseless y has mean square 1
    student  f = sqrt(2/H) sum_j a_j relu(w_j.x / sqrt(N))

Test errors are expectations over x, without test points: E relu(u.x) relu(v.x) = |u||v| (sin A + (pi - A) cos A) / (2 pi),
A the angle between u and v (Cho and Saul, 2009), so the error of any such student is a quadratic form in its output
weights.  What a student and its training set are depends on `seed` and the student's number alone.
"""

__all__ = [
    "Decomposition",
    "FeatureRuns",
    "StudentTeacher",
    "TrainedRuns",
    "decomposition",
    "random_features",
    "relu_moments",
    "training",
]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.precision import double_precision
from rfgen.problems import validation

# Singular values of a training set below this share of the largest are rounding.
RANK = 1e-10


@dataclass(frozen=True)
class StudentTeacher:
    """Number of `inputs` N, hidden units of the `teacher`, training `samples`, variance of the label `noise`."""

    inputs: int
    teacher: int
    samples: int
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("inputs", "teacher", "samples"):
            validation.integer(name, getattr(self, name), 1)
        validation.non_negative("noise", self.noise, 0)


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


def relu_moments(first: Float[Array, "rows inputs"], second: Float[Array, "columns inputs"]) -> Array:
    """E relu(u.x) relu(v.x) over x ~ N(0, I) for each row u of `first` and v of `second`: (rows, columns).

    >>> import jax, jax.numpy as jnp
    >>> u = jnp.array([[2.0, 0.0]])
    >>> [round(float(relu_moments(u, v)[0, 0]), 5) for v in (u, -u, jnp.array([[0.0, 1.0]]))]  # 2, 0, 1/pi
    [2.0, 0.0, 0.31831]
    """
    lengths = jnp.linalg.norm(first, axis=1)[:, None] * jnp.linalg.norm(second, axis=1)
    nowhere = lengths == 0.0
    cosine = jnp.clip((first @ second.T) / jnp.where(nowhere, 1.0, lengths), -1.0, 1.0)
    sine = jnp.sqrt(1.0 - cosine * cosine)
    return lengths * (sine + (jnp.pi - jnp.arccos(cosine)) * cosine) / (2.0 * jnp.pi)


@double_precision
def random_features(setting: StudentTeacher, hidden: Any, times: Any, seeds: Any = 50, seed: Any = 0) -> FeatureRuns:
    """Train the output weights of `seeds` students with `hidden` random ReLU features by gradient flow from 0.

    The flow is that of the linear network, `tau da/dt = H'(y - Ha)` with the features H (samples, hidden) of the training
    set; `times` = t/tau.  One eigendecomposition a seed gives all times exactly.

    >>> runs = random_features(StudentTeacher(inputs=10, teacher=5, samples=30), hidden=20, times=[0.0, 10.0], seeds=3)
    >>> runs.test.shape, runs.spectrum.shape, bool((abs(runs.test[:, 0] - 1.0) < 1e-12).all())
    ((3, 2), (3, 20), True)
    """
    hidden, keys = validation.integer("hidden", hidden, 1), _keys(seeds, seed)
    times = jnp.asarray(validation.non_negative("times", times, 1))
    drawn = _draw(setting, hidden, keys, "float64")
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
    hidden, keys = validation.integer("hidden", hidden, 1), _keys(seeds, seed)
    return Decomposition(**_numbers(_decomposition(*_draw(setting, hidden, keys, "float64"))))


@double_precision
def training(
    setting: StudentTeacher, hidden: Any, steps: Any, rate: Any, initial: Any, seeds: Any = 10, seed: Any = 0,
    dtype: str = "float32",
) -> TrainedRuns:  # fmt: skip
    """Train all weights of `seeds` students by full-batch gradient descent, and measure after each of `steps`.

    Descent on half the mean squared training error with step `rate`, from hidden weights w of variance 1 (the factor
    1/sqrt(N) stays outside) and output weights of standard deviation `initial`.  `steps` are increasing integers >= 0.
    `dtype`: "float32" or "float64".  All seeds run at once.

    >>> setting = StudentTeacher(inputs=10, teacher=5, samples=30)
    >>> runs = training(setting, hidden=20, steps=[0, 10, 100], rate=0.5, initial=0.1, seeds=2)
    >>> runs.train.shape, bool((runs.train[:, 2] < runs.train[:, 0]).all())
    ((2, 3), True)
    """
    hidden, keys = validation.integer("hidden", hidden, 1), _keys(seeds, seed)
    numbers = validation.non_negative("steps", steps, 1)
    if (numbers != np.round(numbers)).any() or (np.diff(numbers) <= 0).any():
        raise ValueError(f"steps must be increasing integers, got {list(numbers)}")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    rate, initial = validation.positive("rate", rate, 0), validation.non_negative("initial", initial, 0)
    between = jnp.asarray(np.diff(numbers, prepend=0.0).astype(np.int32))
    scalars = (jnp.asarray(float(value), dtype) for value in (setting.noise, rate, initial))
    return TrainedRuns(**_numbers(_training(*_draw(setting, hidden, keys, dtype), between, *scalars)))


def _numbers(measured: dict[str, Array]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in measured.items()}


def _keys(seeds: Any, seed: Any) -> Array:
    seeds, seed = validation.integer("seeds", seeds, 1), validation.integer("seed", seed, 0)
    key = jax.random.key(seed, impl="threefry2x32")
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(seeds, dtype=jnp.uint32))


def _draw(setting: StudentTeacher, hidden: int, keys: Array, dtype: str) -> tuple[tuple[Array, ...], tuple[Array, Array]]:
    """Teachers with their training sets, and students, each leaf (seeds, ...).

    Compiled apart: the teachers once for students of every width.
    """
    noise = jnp.asarray(float(setting.noise), dtype)
    return _teachers(keys, noise, setting.inputs, setting.teacher, setting.samples), _students(
        keys, hidden, setting.inputs, dtype
    )


@partial(jax.jit, static_argnames=("inputs", "teacher", "samples"))
def _teachers(keys: Array, noise: Array, inputs: int, teacher: int, samples: int) -> tuple[Array, ...]:
    """Training inputs (samples, N), labels, the teacher's hidden weights over sqrt(N) and its output weights."""
    # one draw for all: compiling a second takes longer than using it
    sizes = (samples * inputs, samples, teacher * inputs, teacher)

    def one(key: Array) -> tuple[Array, ...]:
        drawn = jax.random.normal(jax.random.fold_in(key, 0), (sum(sizes),), noise.dtype)
        x, errors, units, outputs = jnp.split(drawn, [sum(sizes[:i]) for i in range(1, len(sizes))])
        x, units = x.reshape(samples, inputs), units.reshape(teacher, inputs) / inputs**0.5
        outputs = outputs / jnp.sqrt(outputs @ relu_moments(units, units) @ outputs)
        return x, jnp.maximum(x @ units.T, 0.0) @ outputs + jnp.sqrt(noise) * errors, units, outputs

    return jax.vmap(one)(keys)


@partial(jax.jit, static_argnames=("hidden", "inputs", "dtype"))
def _students(keys: Array, hidden: int, inputs: int, dtype: str) -> tuple[Array, Array]:
    """Hidden weights over sqrt(N) (hidden, N) and initial output weights (hidden,) of variance 1."""

    def one(key: Array) -> tuple[Array, Array]:
        drawn = jax.random.normal(jax.random.fold_in(key, 1), (hidden, inputs + 1), dtype)
        return drawn[:, :inputs] / inputs**0.5, drawn[:, inputs]

    return jax.vmap(one)(keys)


def _population(weights: Array, units: Array, outputs: Array) -> tuple[Array, Array]:
    """Second moments of the student's features (hidden, hidden), and their moments with the teacher (hidden,)."""
    scale = 2.0 / weights.shape[0]
    return scale * relu_moments(weights, weights), scale**0.5 * relu_moments(weights, units) @ outputs


def _features(x: Array, weights: Array) -> Array:
    return jnp.maximum(x @ weights.T, 0.0) * (2.0 / weights.shape[0]) ** 0.5


@jax.jit
def _random_features(
    teachers: tuple[Array, ...], students: tuple[Array, Array], noise: Array, times: Array
) -> dict[str, Array]:
    def one(drawn: tuple[tuple[Array, ...], tuple[Array, Array]]) -> dict[str, Array]:
        (x, labels, units, outputs), (weights, _) = drawn
        design = _features(x, weights)
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
        second, cross = _population(weights, units, outputs)
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
        design = _features(x, weights)
        second, cross = _population(weights, units, outputs)
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
            residual = labels - _features(x, student[0] / root) @ student[1]
            return 0.5 * jnp.mean(residual * residual)

        def descend(_: Array, student: tuple[Array, Array]) -> tuple[Array, Array]:
            return jax.tree.map(lambda weight, slope: weight - rate * slope, student, jax.grad(loss)(student))

        def record(student: tuple[Array, Array], count: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
            student = jax.lax.fori_loop(0, count, descend, student)
            second, cross = _population(student[0] / root, units, outputs)
            test = 1.0 + noise - 2.0 * cross @ student[1] + student[1] @ second @ student[1]
            return student, (test, 2.0 * loss(student))

        _, (test, train) = jax.lax.scan(record, (student[0] * root, student[1] * initial), between)
        return {"test": test, "train": train}

    return jax.vmap(one)(teachers, students)
