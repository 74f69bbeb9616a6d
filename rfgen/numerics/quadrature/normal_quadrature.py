"""Means over a normal variable of functions with kinks: panels end at the kinks.

Between kinks the integrands are smooth, so Gauss-Legendre on short panels gives 1e-13; a jump of a derivative on an
unmarked place would leave 1e-4.  Nodes move with the kinks, so derivatives of the sums are those of the integrals.
"""

__all__ = ["normal_nodes"]

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# The normal mass beyond is 1e-19.
REACH = 9.0
PANELS = 12
NODES_PER_PANEL = 10
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(NODES_PER_PANEL)


def normal_nodes(mean: Any, deviation: Any, kinks: Any) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Nodes x and weights with `sum_j weights_j f(x_j) = E f(mean + deviation Z)`, Z standard normal.

    `mean`, `deviation` > 0 scalars, `kinks` (kinks,) the places where f is not smooth, in any order.

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     x, weights = normal_nodes(jnp.array(0.0), jnp.array(2.0), jnp.array([0.0]))
    ...     float(jnp.sum(weights * jnp.abs(x)))  # 2 sqrt(2 / pi)
    1.595769121605...
    """
    marks = jnp.clip((jnp.asarray(kinks) - mean) / deviation, -REACH, REACH)
    edges = jnp.sort(jnp.concatenate([jnp.linspace(-REACH, REACH, PANELS + 1, dtype=marks.dtype), marks]))
    half, center = 0.5 * jnp.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    z = (center[:, None] + half[:, None] * jnp.asarray(_NODES, marks.dtype)).ravel()
    density = jnp.exp(-0.5 * z * z) / jnp.sqrt(2.0 * jnp.pi)
    weights = (half[:, None] * jnp.asarray(_WEIGHTS, marks.dtype)).ravel() * density
    return mean + deviation * z, weights
