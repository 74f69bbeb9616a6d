"""Groups: blocks of independent training rows that share a covariance, the engine's view of task and learner."""

__all__ = ["Group", "training_group"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.problems.spectra.modes import Modes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Group:
    """`rows` () independent rows with the covariance and the target of `modes`, and label noise of variance `noise` ().

    Plain ridge regression is one group of n rows; the test population is that of the training rows.
    """

    modes: Modes
    rows: Float[Array, "*batch"]
    noise: Float[Array, "*batch"]


def training_group(modes: Modes, n: Any, noise: Any) -> Group:
    """The single group of ridge regression on `n` samples, its leaves as 64-bit arrays."""
    modes = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=jnp.float64), modes)
    return Group(modes, jnp.asarray(n, dtype=jnp.float64), jnp.asarray(noise, dtype=jnp.float64))
