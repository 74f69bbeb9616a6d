"""Gauss rules for parts of the normal law: nodes and weights that move smoothly with the ends."""

__all__ = ["truncated_nodes"]

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# The normal mass beyond is 1e-17.
REACH = 8.5
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def truncated_nodes(
    low: Float[Array, " parts"], high: Float[Array, " parts"], count: int
) -> tuple[Float[Array, "parts nodes"], Float[Array, "parts nodes"]]:
    """Nodes z and weights, (parts, count), with sum weights f(z) = E[f(Z); low < Z < high] for polynomials to 2 count - 1.

    By the Stieltjes procedure on 48 points; ends may be infinite, and parts without mass have weights near 0.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     z, weights = truncated_nodes(jnp.array([0.0]), jnp.array([jnp.inf]), 3)
    ...     round(float(jnp.sum(weights * z**2)), 12)
    0.5
    """
    low, high = jnp.clip(low, -REACH, REACH), jnp.clip(high, -REACH, REACH)
    half, middle = 0.5 * (high - low), 0.5 * (high + low)
    z = middle[:, None] + half[:, None] * _POINTS
    nearest = jnp.where(low > 0.0, low, jnp.where(high < 0.0, high, 0.0))
    measure = _WEIGHTS * jnp.exp(0.5 * (nearest[:, None] ** 2 - z * z))
    share = measure / jnp.sum(measure, axis=1, keepdims=True)
    mass = half * jnp.sum(measure, axis=1) * jnp.exp(-0.5 * nearest**2) / np.sqrt(2.0 * np.pi)
    before, here = jnp.zeros_like(z), jnp.ones_like(z)
    diagonal, beside = [], []
    for number in range(count):
        center = jnp.sum(share * _POINTS * here * here, axis=1)
        diagonal.append(center)
        after = (_POINTS - center[:, None]) * here - (beside[-1][:, None] * before if number else 0.0)
        size = jnp.sqrt(jnp.sum(share * after * after, axis=1))
        beside.append(size)
        before, here = here, after / size[:, None]
    if count == 1:
        return middle[:, None] + half[:, None] * diagonal[0][:, None], mass[:, None]
    matrix = sum(part[:, None, None] * np.diag(np.eye(count)[place]) for place, part in enumerate(diagonal))
    for place, part in enumerate(beside[:-1]):
        entry = np.zeros((count, count))
        entry[place, place + 1] = entry[place + 1, place] = 1.0
        matrix = matrix + part[:, None, None] * entry
    # one by one: batches are shared out to the threads that run the program, and two at once wait for them for ever
    nodes, vectors = jax.lax.map(jnp.linalg.eigh, matrix)
    return middle[:, None] + half[:, None] * nodes, mass[:, None] * vectors[:, 0, :] ** 2
