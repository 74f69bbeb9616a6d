"""Fresh views of fresh samples: what a learner sees at each step of one pass, where samples are augmented."""

__all__ = ["base_of", "fresh_views", "refuse_views", "views_of"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.simulation.sampling.views import VIEWS, AugmentedSampler, LimitSampler


def base_of(source: Any) -> Any:
    """The samples before they are augmented."""
    return source.base if isinstance(source, AugmentedSampler) else source


def views_of(source: Any) -> int:
    """Rows that a sample is seen as."""
    return source.views if isinstance(source, AugmentedSampler) else 1


def refuse_views(source: Any, features: int | None) -> None:
    """Refuse, with the remedy, views that a step cannot draw."""
    if isinstance(source, LimitSampler):
        raise ValueError("views must be finite to be simulated along one pass, got inf: give views=..., a whole number")
    if not isinstance(source, AugmentedSampler):
        return
    if source.augmentation.mixes:
        raise ValueError(
            f"{type(source.augmentation).__name__} is not simulated along one pass, whose samples have no training set to "
            "be mixed from: take an augmentation that changes one input at a time, or train by rg.Ridge"
        )
    if features is not None:
        raise ValueError(
            f"augmentation along one pass is simulated for the kernel's own modes, got features={features}: leave features "
            "out, or leave augmentation out"
        )


def fresh_views(source: Any, key: Array, t: Array, rows: Array, labels: Array) -> tuple[Array, Array]:
    """Step t's views (samples * views, modes), all of a sample side by side, and labels (samples * views, ...).

    `key` is the trial's; rows without augmentation are themselves.
    """
    if not isinstance(source, AugmentedSampler):
        return rows, labels
    own = np.repeat(np.arange(rows.shape[0], dtype=np.int32), source.views)
    # numbered, not split: the first samples are seen in the same views whatever the size of the batch
    key = jax.random.fold_in(jax.random.fold_in(key, VIEWS), t)
    keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(own.size, dtype=jnp.uint32))
    view = jax.vmap(source.augmentation.mode_view)(keys, rows[own], rows[own])
    factor = jnp.broadcast_to(jnp.asarray(view.own, labels.dtype), (own.size,))
    return view.input, factor[:, None] * labels[own]
