"""The fine-grained variance, measured.  The Monte-Carlo twin of `rfgen.api.fine_grained_variance` for Gaussian modes.

A trial draws two training sets, two layers of features and, for each set, two draws of label noise, and fits all
combinations.  The product of two fits' errors, averaged, is the part of the risk that comes from what they share.
"""

__all__ = ["SHARED", "fine_grained_variance"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# What two models have in common: nothing, features, data (inputs), data and noise, data and features, all.
SHARED = ("", "features", "data", "data noise", "data features", "data features noise")


@partial(jax.jit, static_argnames=("n", "features", "trials"))
def fine_grained_variance(
    key: Array, eigenvalues: Float[Array, " modes"], coefficients: Float[Array, " modes"], n: int, features: int,
    ridge: Any, noise: Any, trials: int,
) -> Float[Array, "trials shared"]:
    """Excess risks, mean products of the errors of two models that share each of `SHARED`.

    `eigenvalues`, `coefficients` (modes,): target = sum_i coefficients_i phi_i, features of variance eigenvalues_i over
    features in each mode; `ridge` > 0, `noise` the variance of label noise.
    """
    root = jnp.sqrt(eigenvalues)
    weights = coefficients / root

    def trial(key: Array) -> Array:
        inputs_key, features_key, noise_key = jax.random.split(key, 3)
        inputs = jax.random.normal(inputs_key, (2, n, root.size), eigenvalues.dtype) * root
        mixing = jax.random.normal(features_key, (2, root.size, features), eigenvalues.dtype) / features**0.5
        errors = jax.random.normal(noise_key, (2, 2, n), eigenvalues.dtype) * jnp.sqrt(noise)

        def fit(rows: Array, layer: Array, error: Array) -> Array:
            """Error of the fitted function, in units of each mode's standard deviation."""
            design = rows @ layer
            gram = design.T @ design + ridge * jnp.eye(features, dtype=rows.dtype)
            trained = jax.scipy.linalg.solve(gram, design.T @ (rows @ weights + error), assume_a="pos")
            return root * (layer @ trained - weights)

        # (data, features, noise, modes)
        fits = jax.vmap(lambda rows, own: jax.vmap(lambda layer: jax.vmap(lambda one: fit(rows, layer, one))(own))(mixing))
        found = fits(inputs, errors)

        def product(data: int, layer: int, error: int) -> Array:
            """Products of fits and of those that differ in what is 1, whose noise is another where the data are."""
            other = jnp.roll(found, (data, layer, error), axis=(0, 1, 2))
            return jnp.mean(jnp.sum(found * other, axis=-1))

        return jnp.stack([
            product(1, 1, 0), product(1, 0, 0), product(0, 1, 1), product(0, 1, 0), product(0, 0, 1), product(0, 0, 0),
        ])

    return jax.lax.map(trial, jax.random.split(key, trials))
