"""Two-layer ReLU networks on Gaussian inputs: a teacher, its training sets, its students, and their second moments.

Inputs x are N(0, I_N); with hidden weights of unit variance

    teacher  y = sum_j b_j relu(v_j.x / sqrt(N)) + label noise, b scaled so that the noiseless y has mean square 1
    student  f = sqrt(2/H) sum_j a_j relu(w_j.x / sqrt(N))

E relu(u.x) relu(v.x) = |u||v| (sin A + (pi - A) cos A) / (2 pi), A the angle between u and v (Cho and Saul, 2009), so the
error of any such student is a quadratic form in its output weights.  What a student and its training set are depends on
the seed and the student's number alone.
"""

__all__ = ["StudentTeacher", "draw", "features", "population", "relu_moments", "seed_keys"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.problems import validation
from rfgen.problems.rules import integer, number
from rfgen.problems.settings import Noun, setting

# Hidden units drawn at a time, by one compiled program for students of every width.
BLOCK = 128


class StudentTeacher(Noun):
    """Number of `inputs` N, hidden units of the `teacher`, training `samples`, variance of the label `noise`."""

    inputs: int = setting(integer(1))
    teacher: int = setting(integer(1))
    samples: int = setting(integer(1))
    noise: float = setting(number("[0, inf)"), default=0.0)


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


def seed_keys(seeds: Any, seed: Any) -> Array:
    """A key for each of `seeds` networks (seeds,), that depends on `seed` and its number."""
    seeds, seed = validation.integer("seeds", seeds, 1), validation.integer("seed", seed, 0)
    key = jax.random.key(seed, impl="threefry2x32")
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(seeds, dtype=jnp.uint32))


def draw(setting: StudentTeacher, hidden: int, keys: Array) -> tuple[tuple[Array, ...], tuple[Array, Array]]:
    """Teachers with their training sets, and students, each leaf (seeds, ...); the former serve students of every width."""
    teachers = _teachers(keys, jnp.asarray(float(setting.noise)), setting.inputs, setting.teacher, setting.samples)
    return teachers, _students(keys, hidden, setting.inputs)


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


def _students(keys: Array, hidden: int, inputs: int) -> tuple[Array, Array]:
    """Hidden weights over sqrt(N) (seeds, hidden, N) and initial output weights (seeds, hidden) of variance 1.

    The units of a narrow student are the first of a wide one.
    """
    blocks = [np.asarray(_units(keys, jnp.uint32(block), inputs)) for block in range(-(-hidden // BLOCK))]
    drawn = np.concatenate(blocks, axis=1)[:, :hidden]
    return jnp.asarray(drawn[:, :, :inputs] / inputs**0.5), jnp.asarray(drawn[:, :, inputs])


@partial(jax.jit, static_argnames="inputs")
def _units(keys: Array, block: Array, inputs: int) -> Array:
    """All weights of `BLOCK` hidden units of each seed, (seeds, BLOCK, N + 1)."""

    def one(key: Array) -> Array:
        of_block = jax.random.fold_in(jax.random.fold_in(key, 1), block)
        return jax.random.normal(of_block, (BLOCK, inputs + 1), jnp.float64)

    return jax.vmap(one)(keys)


def population(weights: Array, units: Array, outputs: Array) -> tuple[Array, Array]:
    """Second moments of the student's features (hidden, hidden), and their moments with the teacher (hidden,)."""
    scale = 2.0 / weights.shape[0]
    return scale * relu_moments(weights, weights), scale**0.5 * relu_moments(weights, units) @ outputs


def features(x: Array, weights: Array) -> Array:
    """Hidden activities (samples, hidden) of a student on inputs (samples, N), with the factor sqrt(2/H)."""
    return jnp.maximum(x @ weights.T, 0.0) * (2.0 / weights.shape[0]) ** 0.5
