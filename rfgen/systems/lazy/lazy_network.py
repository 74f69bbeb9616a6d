"""Wide networks in the lazy regime, drawn neuron by neuron: the finite twins of `Task.with_initial_network`.

Trained to the end on n points of the sphere, a network linearised where it starts computes

    f(x) = f_0(x) + Theta(x, X) Theta(X, X)^-1 (y - f_0(X)),

f_0 its output before training and Theta its tangent kernel.  At infinite width f_0 is a Gaussian process, Theta is fixed;
here f_0 is a real network of finite width (`wide_network`), or both are (`linearised_network`).
"""

__all__ = ["LazyRuns", "linearised_network", "wide_network"]

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.kernels.dot_product_kernels import NNGP, NTK
from rfgen.problems.kernels.sphere import gegenbauer, sphere_multiplicity
from rfgen.problems.populations.population import SpherePopulation
from rfgen.problems.task import Task
from rfgen.systems.relu_students.relu_networks import seed_keys

# An eigenvalue below this share of the largest, times n, is rounding: ridge 0 is the interpolant of least norm.
ROUNDING = 4 * np.finfo(np.float64).eps
SIMULATED = ("relu", "erf")


@dataclass(frozen=True)
class LazyRuns:
    """Mean `test` risk over trials at each ridge (ridges,), exact over label noise, and its standard error `test_se`."""

    test: np.ndarray
    test_se: np.ndarray


@double_precision
def wide_network(task: Task, n: Any, width: Any, ridge: Any = 0.0, trials: Any = 30, seed: Any = 0) -> LazyRuns:
    """The kernel of `task`, an `rg.NTK` without biases, learning from f_0 a random network of that depth and `width`.

    `task`: a `Task.sphere`, whose initial variance scales f_0; `ridge`, () or (ridges,), is unnormalised as everywhere.
    `trials` >= 2 training sets of `n` points, each with a network of its own and `task`'s number of test points, depend on
    `seed` and their number alone.  Errors: ValueError naming the argument.

    >>> task = Task.sphere(8, NTK("relu"), {1: 0.7}, noise=0.2, test_points=50).with_initial_network(1.0)
    >>> wide_network(task, 30, width=40, trials=2).test.shape
    (1,)
    """
    return _measured(task, n, width, ridge, trials, seed, linearised=False)


@double_precision
def linearised_network(task: Task, n: Any, width: Any, ridge: Any = 0.0, trials: Any = 30, seed: Any = 0) -> LazyRuns:
    """A network of one hidden layer of `width` neurons, linearised where it starts: its own f_0, its own tangent kernel.

    Arguments as in `wide_network`; `task` must have a tangent kernel of depth 1, the limit of infinite width.

    >>> task = Task.sphere(8, NTK("erf"), {1: 0.7}, noise=0.2, test_points=50).with_initial_network(1.0)
    >>> linearised_network(task, 30, width=400, ridge=[0.0, 1.0], trials=2).test.shape
    (2,)
    """
    return _measured(task, n, width, ridge, trials, seed, linearised=True)


def _measured(task: Task, n: Any, width: Any, ridge: Any, trials: Any, seed: Any, linearised: bool) -> LazyRuns:
    n, width, trials = (
        validation.integer(name, value, least)
        for name, value, least in (("n", n, 1), ("width", width, 1), ("trials", trials, 2))
    )
    population = task.population
    if not isinstance(population, SpherePopulation) or not isinstance(population.kernel, NTK) or population.kernel.bias:
        raise ValueError(f"task must be a Task.sphere with an rg.NTK without biases, got {task!r}")
    kernel = population.kernel
    if population.initial_kernel not in (None, NNGP(kernel.activation, kernel.depth)):
        raise ValueError(f"kernel of the initial network must be that of the network, got {population.initial_kernel!r}")
    if kernel.activation not in SIMULATED:
        raise ValueError(
            f"activation of the task's kernel must be {' or '.join(SIMULATED)} for a simulated network, got "
            f"{kernel.activation!r}"
        )
    if linearised and kernel.depth != 1:
        raise ValueError(f"depth of the task's kernel must be 1 for a linearised network, got {kernel.depth}")
    counts = np.array([sphere_multiplicity(population.dim, degree) for degree in range(population.degrees + 1)])
    runs = _runs(
        seed_keys(trials, seed), jnp.asarray(np.atleast_1d(validation.non_negative("ridge", ridge))),
        jnp.asarray(np.sqrt(counts * population.target_power)), jnp.asarray(population.initial_variance**0.5),
        jnp.asarray(task.noise[0]), kernel, population.dim, n, population.test_points, width, linearised,
    )
    found = np.asarray(runs)
    return LazyRuns(found.mean(axis=0), found.std(axis=0, ddof=1) / trials**0.5)


def _layer(activation: Any, u: Array) -> tuple[Array, Array]:
    """The activation and its slope, normalised as the kernels are."""
    if activation == "relu":
        return 2.0**0.5 * jnp.maximum(u, 0.0), jnp.where(u > 0.0, 2.0**0.5, 0.0)
    return jax.lax.erf(u), 2.0 / jnp.pi**0.5 * jnp.exp(-u * u)


def _network(
    key: Array, inputs: Float[Array, "points dim"], kernel: NTK, width: int
) -> tuple[Float[Array, " points"], Float[Array, "points width"], Float[Array, "points width"]]:
    """Outputs, the last hidden layer over sqrt(width), and derivatives of the outputs by its pre-activations."""
    hidden = inputs
    for layer, layer_key in enumerate(jax.random.split(key, kernel.depth)):
        weights = jax.random.normal(layer_key, (hidden.shape[1], width), jnp.float64)
        scale = width**-0.5 if layer else 1.0
        hidden, slope = _layer(kernel.activation, scale * (hidden @ weights))
    outer = jax.random.normal(jax.random.fold_in(key, kernel.depth), (width,), jnp.float64)
    hidden, slope = hidden / width**0.5, slope / width**0.5
    return hidden @ outer, hidden, slope * outer


@partial(jax.jit, static_argnames=("kernel", "dim", "n", "points", "width", "linearised"))
def _runs(
    keys: Array, ridges: Array, target: Array, deviation: Array, noise: Array, kernel: NTK, dim: int, n: int,
    points: int, width: int, linearised: bool,
) -> Array:
    """(trials, ridges)."""

    def trial(key: Array) -> Array:
        inputs_key, weights_key = jax.random.split(key)
        inputs = jax.random.normal(inputs_key, (n + points, dim), jnp.float64)
        inputs = inputs / jnp.linalg.norm(inputs, axis=1, keepdims=True)
        cosines = jnp.clip(inputs @ inputs[:n].T, -1.0, 1.0)
        start, hidden, slope = _network(weights_key, inputs, kernel, width)
        gram = hidden @ hidden[:n].T + (slope @ slope[:n].T) * cosines if linearised else kernel(cosines)
        away = target @ gegenbauer(dim, target.size - 1, inputs[:, 0]) - deviation * start
        values, vectors = jnp.linalg.eigh(gram[:n])
        kept = values > n * ROUNDING * values[-1]
        values, reach = jnp.where(kept, values, 1.0), jnp.where(kept, gram[n:] @ vectors, 0.0)
        inside = vectors.T @ away[:n]

        def risk(ridge: Array) -> Array:
            smoother = reach / (values + ridge)
            signal = smoother @ inside - away[n:]
            return jnp.mean(signal * signal + noise * jnp.sum(smoother * smoother, axis=1)) + noise

        return jax.lax.map(risk, ridges)

    return jax.lax.map(trial, keys)
