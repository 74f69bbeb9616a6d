"""Whether JAX traces: inside jit, grad or vmap of the caller's."""

__all__ = ["is_traced", "under_trace"]

from typing import Any

import jax
import jax.core
import numpy as np

_ZERO = np.zeros(())


def under_trace() -> bool:
    """Whether JAX traces what is computed here, with whatever arguments."""
    return isinstance(jax.device_put(_ZERO), jax.core.Tracer)  # unlike jnp.zeros, compiles nothing


def is_traced(*values: Any) -> bool:
    """Whether any leaf of `values` is a JAX tracer (the call happens inside jit, grad or vmap)."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(values))
