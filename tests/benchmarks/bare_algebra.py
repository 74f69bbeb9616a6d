"""The linear algebra one simulated trial cannot avoid, and its random numbers, each as a jitted function timed alone.

The same decompositions and matrix products, in the same shapes and order, as `rfgen.simulation.fits.ridge_fit` on rows of
`GaussianSampler`; operands are drawn beforehand, elementwise work is left out wherever a product does not need it.
"""

__all__ = ["Setting", "bare_trial", "random_numbers", "stages"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Setting:
    """One simulated setting of a task with one output; `features=None` is kernel ridge regression."""

    n: int
    features: int | None
    modes: int
    ridges: int = 5

    @property
    def name(self) -> str:
        """Stable short name, used as a key of the results."""
        return f"n={self.n} {'kernel' if self.features is None else f'k={self.features}'} P={self.modes}"

    @property
    def conditional(self) -> bool:
        """Whether the features are drawn given the rows."""
        return self.features is not None and self.n < self.modes


# Two label columns: the signal and the noise are fitted separately.
COLUMNS = 2


def _ridge_path(design: jax.Array, labels: jax.Array, ridges: jax.Array) -> tuple[jax.Array, ...]:
    """Gram matrix of the smaller side, its decomposition, and the products with its vectors and the design."""
    n, p = design.shape
    if n <= p:
        values, vectors = jnp.linalg.eigh(design @ design.T)
        response = vectors.T @ labels
    else:
        values, vectors = jnp.linalg.eigh(design.T @ design)
        response = vectors.T @ (design.T @ labels)
    gains = (1.0 / (values + ridges[:, None]))[:, None]
    dual = (response.T * gains).reshape(-1, values.size) @ vectors.T
    if n <= p:
        remain = response.T * (ridges[:, None, None] * gains)
        return dual @ design, remain.reshape(-1, values.size) @ vectors.T
    return dual, dual @ design.T


def bare_trial(setting: Setting) -> tuple[Callable[..., Any], tuple[jax.Array, ...]]:
    """A jitted function of the products of one trial, and operands for it."""
    n, k, modes = setting.n, setting.features, setting.modes
    generator = np.random.default_rng(0)
    scale = np.arange(1.0, modes + 1.0) ** -0.75
    rows = jnp.asarray(generator.standard_normal((n, modes)) * scale)
    labels = jnp.asarray(generator.standard_normal((n, COLUMNS)))
    coefficients = jnp.asarray(generator.standard_normal((1, modes)))
    ridges = jnp.geomspace(1e-3, 1e1, setting.ridges)
    width = setting.ridges * COLUMNS

    def square(weights: jax.Array) -> jax.Array:
        by_ridge = weights.reshape(setting.ridges, COLUMNS, -1)
        return jnp.einsum("rcp,rdp->rcd", by_ridge, by_ridge)

    if k is None:

        def trial(rows: jax.Array, labels: jax.Array, coefficients: jax.Array, ridges: jax.Array) -> Any:
            weights, residuals = _ridge_path(rows, labels, ridges)
            return rows @ coefficients.T, weights, residuals, square(weights), square(residuals)

        return jax.jit(trial), (rows, labels, coefficients, ridges)

    first = jnp.asarray(generator.standard_normal((n if setting.conditional else modes, k)) / np.sqrt(k))
    if not setting.conditional:

        def trial(rows: jax.Array, labels: jax.Array, coefficients: jax.Array, ridges: jax.Array, mixing: jax.Array) -> Any:
            trained, residuals = _ridge_path(rows @ mixing, labels, ridges)
            return rows @ coefficients.T, trained @ mixing.T, residuals, square(trained)

        return jax.jit(trial), (rows, labels, coefficients, ridges, first)

    prior = jnp.asarray(generator.standard_normal((modes, width)) / np.sqrt(k))

    def trial(
        rows: jax.Array,
        labels: jax.Array,
        coefficients: jax.Array,
        ridges: jax.Array,
        white: jax.Array,
        prior: jax.Array,
    ) -> Any:
        factor = jnp.linalg.cholesky(rows @ rows.T)
        design = factor @ white
        trained, residuals = _ridge_path(design, labels, ridges)
        basis, mix = jnp.linalg.qr(trained.T)
        surprise = design @ basis - rows @ prior
        weights = (rows.T @ jax.scipy.linalg.cho_solve((factor, True), surprise) + prior) @ mix
        return rows @ coefficients.T, weights, residuals, square(trained)

    return jax.jit(trial), (rows, labels, coefficients, ridges, first, prior)


def random_numbers(setting: Setting) -> Callable[[jax.Array], Any]:
    """A jitted function of a key that draws and adds up all normals of one trial, as the sampler does."""
    n, k, modes = setting.n, setting.features, setting.modes
    shapes = [(n, modes), (n, 1), (n, 1)]
    if setting.conditional:
        width = min(setting.ridges * COLUMNS, k)
        shapes += [(n, k), (modes, width), (n, width)]
    elif k is not None:
        shapes += [(modes, k), (n, k)]

    @jax.jit
    def draw(key: jax.Array) -> Any:
        keys = jax.random.split(key, len(shapes))
        return [
            jax.random.normal(part, shape, dtype=jnp.float32).astype(jnp.float64)
            for part, shape in zip(keys, shapes, strict=True)
        ]

    return draw


def stages(setting: Setting) -> dict[str, tuple[Callable[..., Any], tuple[jax.Array, ...]]]:
    """The large stages of `bare_trial`, each alone: where the time of the linear algebra goes."""
    _, operands = bare_trial(setting)
    rows = operands[0]
    found: dict[str, tuple[Callable[..., Any], tuple[jax.Array, ...]]] = {}
    design = rows
    if setting.conditional:
        gram = rows @ rows.T
        found["rows Gram"] = jax.jit(lambda x: x @ x.T), (rows,)
        found["Cholesky"] = jax.jit(jnp.linalg.cholesky), (gram,)
        design = jnp.linalg.cholesky(gram) @ operands[4]
        found["design"] = jax.jit(lambda a, b: a @ b), (jnp.linalg.cholesky(gram), operands[4])
    elif setting.features is not None:
        design = rows @ operands[4]
        found["design"] = jax.jit(lambda a, b: a @ b), (rows, operands[4])
    small = design if design.shape[0] <= design.shape[1] else design.T
    found["Gram"] = jax.jit(lambda x: x @ x.T), (small,)
    found["eigh"] = jax.jit(jnp.linalg.eigh), (small @ small.T,)
    return found
