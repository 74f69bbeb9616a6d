"""Inputs seen as images."""

__all__ = ["LISTED", "Switched", "as_image", "box", "check_size", "image_shape", "listed", "window"]

import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, Augmentation
from rfgen.problems.rules import numbers, view_counts
from rfgen.problems.settings import setting

LISTED = 16  # at most so many patterns are listed one by one: a curve averages over all tuples of them


class Switched(AbstractAugmentation):
    """A whole image changes with `probability`, or stays as it is."""

    probability: Any = setting(numbers("[0, 1]"), default=0.5, axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    @property
    def moments_suffice(self) -> bool:
        """Whether nothing is left to chance."""
        return bool(np.isin(self.probability, (0.0, 1.0)).all())

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...]:
        """As it is, or changed."""
        del shape
        chance, own = float(self.probability), type(self)
        return ((1.0, self),) if self.moments_suffice else ((1.0 - chance, own(0.0)), (chance, own(1.0)))


def image_shape(owner: AbstractAugmentation, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, channels) of one input of `shape`.

    >>> image_shape(Augmentation(lambda key, x: x), (64,))
    (8, 8, 1)
    """
    match shape:
        case (size,) if math.isqrt(size) ** 2 == size:
            return math.isqrt(size), math.isqrt(size), 1
        case (height, width):
            return height, width, 1
        case (height, width, channels):
            return height, width, channels
    raise ValueError(
        f"{type(owner).__name__} needs images: inputs of shape (height, width), (height, width, channels), or (d,) with d "
        f"a square, got {tuple(shape)}"
    )


def as_image(owner: AbstractAugmentation, x: jax.Array) -> jax.Array:
    """`x` as (height, width, channels); `.reshape(x.shape)` leads back."""
    return x.reshape(image_shape(owner, x.shape))


def check_size(size: int, height: int, width: int) -> None:
    """Refuse a square that does not fit into the image."""
    if size > min(height, width):
        raise ValueError(f"size must be at most the height and width of the images, {height} x {width}, got {size}")


def box(key: jax.Array, shape: tuple[int, ...], height: Any, width: Any) -> jax.Array:
    """True inside a `height` x `width` box at a uniform position on the torus, (shape[0], shape[1], 1)."""

    def inside(key: jax.Array, length: int, side: Any) -> jax.Array:
        start = jax.random.randint(key, (), 0, length, dtype=jnp.int32)
        return (jnp.arange(length, dtype=jnp.int32) - start) % length < side

    vertical, horizontal = jax.random.split(key)
    return inside(vertical, shape[0], height)[:, None, None] & inside(horizontal, shape[1], width)[None, :, None]


def window(image: jax.Array, row: Any, column: Any, shape: tuple[int, ...]) -> jax.Array:
    """The part of `image` of `shape` whose first pixel is at (row, column)."""
    return jax.lax.dynamic_slice(image, jnp.asarray([row, column, 0], jnp.int32), shape)


def listed(
    change: Callable[..., jax.Array], positions: Iterable[tuple[Any, ...]]
) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
    """`change(x, *position)` at each of equally likely positions, as patterns; None if they are too many."""
    few = tuple(islice(positions, LISTED + 1))
    if len(few) > LISTED:
        return None
    return tuple((1.0 / len(few), Augmentation(lambda key, x, at=at: change(x, *at))) for at in few)
