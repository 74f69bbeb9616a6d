"""Fresh views of fresh samples: what a learner sees at each step of one pass, where samples are augmented."""

__all__ = ["base_of", "fresh_views", "mixes_in_batch", "partners_of", "refuse_views", "views_of"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from rfgen.problems.augmentations.mixing import Mixup
from rfgen.simulation.sampling.limit_views import LimitSampler
from rfgen.simulation.sampling.views import VIEWS, AugmentedSampler

# Partners are drawn with a key of their own.
PARTNERS = 0x70617274


def base_of(source: Any) -> Any:
    """The samples before they are augmented."""
    return source.base if isinstance(source, AugmentedSampler) else source


def views_of(source: Any) -> int:
    """Rows that a sample is seen as."""
    return source.views if isinstance(source, AugmentedSampler) else 1


def refuse_views(source: Any, batches: tuple[int, ...]) -> None:
    """Refuse, with the remedy, views that a step cannot draw."""
    if isinstance(source, LimitSampler):
        raise ValueError("views must be finite to be simulated along one pass, got inf: give views=..., a whole number")
    if not isinstance(source, AugmentedSampler):
        return
    augmentation = source.augmentation
    if augmentation.mixes and not isinstance(augmentation, Mixup):
        raise ValueError(
            f"{type(augmentation).__name__} is not simulated along one pass, whose samples are mixed by rg.Mixup alone: "
            "take that, an augmentation that changes one input at a time, or train by rg.Ridge"
        )
    if mixes_in_batch(source) and min(batches) < 2:
        raise ValueError(
            f"batch must be at least 2 for Mixup along one pass, got {min(batches)}: a sample is mixed with the next of "
            'its batch; give partner="fresh" for samples of the stream'
        )


def mixes_in_batch(source: Any) -> bool:
    """Whether samples are mixed with others of their batch."""
    augmentation = getattr(source, "augmentation", None)
    return isinstance(augmentation, Mixup) and augmentation.partner == "set"


def partners_of(source: Any, key: Array) -> Array | None:
    """The key of a stream of partners of its own; None where samples are mixed with others of their batch, or not."""
    if isinstance(source, AugmentedSampler) and source.augmentation.mixes and not mixes_in_batch(source):
        return jax.random.fold_in(key, PARTNERS)
    return None


def fresh_views(
    source: Any, key: Array, t: Array, rows: Array, labels: Array, partners: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Step t's views (samples * views, modes), all of a sample side by side, and labels (samples * views, ...).

    `key` is the trial's; rows without augmentation are themselves.  `partners`: rows and labels that samples are mixed
    with, if they are.
    """
    if not isinstance(source, AugmentedSampler):
        return rows, labels
    own = np.repeat(np.arange(rows.shape[0], dtype=np.int32), source.views)
    # numbered, not split: the first samples are seen in the same views whatever the size of the batch
    key = jax.random.fold_in(jax.random.fold_in(key, VIEWS), t)
    keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(own.size, dtype=jnp.uint32))
    mixed, also = partners
    view = jax.vmap(source.augmentation.mode_view)(keys, rows[own], mixed[own])
    factors = [jnp.broadcast_to(jnp.asarray(part, labels.dtype), (own.size,))[:, None] for part in (view.own, view.partner)]
    taught = factors[0] * labels[own]
    return view.input, taught + factors[1] * also[own] if source.augmentation.mixes else taught
