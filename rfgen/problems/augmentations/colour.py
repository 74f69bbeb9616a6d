"""Colours of images changed."""

__all__ = ["ColorJitter", "Grayscale"]

from typing import Any

import jax
import jax.numpy as jnp

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import Switched, as_image
from rfgen.problems.rules import number, view_counts
from rfgen.problems.settings import setting


def luminance(owner: AbstractAugmentation, image: jax.Array) -> jax.Array:
    """(height, width, 1): the weighted mean of red, green and blue, or the one channel."""
    if image.shape[2] == 1:
        return image
    if image.shape[2] != 3:
        raise ValueError(f"{type(owner).__name__} needs images of 1 or 3 channels, got {image.shape}")
    return (image @ jnp.asarray([0.299, 0.587, 0.114], image.dtype))[:, :, None]


class Grayscale(Switched):
    """All three channels become the luminance with `probability`: `Grayscale(probability=0.5, views=1)`.

    >>> [chance for chance, _ in Grayscale(0.2).patterns((8, 8, 3))]
    [0.8, 0.2]
    """

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy, in colour or not."""
        del partner
        if x.ndim != 3 or x.shape[2] != 3:
            raise ValueError(f"Grayscale needs colour images: inputs of shape (height, width, 3), got {x.shape}")
        return View(jnp.where(jax.random.bernoulli(key, jnp.asarray(self.probability, x.dtype)), luminance(self, x), x))


class ColorJitter(AbstractAugmentation):
    """Random brightness, then contrast, then saturation: `ColorJitter(brightness, contrast, saturation, views=1)`.

    Each factor f is uniform in [1 - strength, 1 + strength].  Brightness is `f x`; contrast and saturation are
    `f x + (1 - f) z` with z the mean luminance of the image, and the luminance of every pixel.  Nothing is clipped.  Gray
    images have no saturation: give 0.

    >>> ColorJitter(0.4, 0.4, 0.2, views=2)
    ColorJitter(brightness=0.4, contrast=0.4, saturation=0.2, views=2)
    """

    brightness: float = setting(number("[0, 1]"))
    contrast: float = setting(number("[0, 1]"))
    saturation: float = setting(number("[0, 1]"))
    views: Any = setting(view_counts, default=1, axis=True)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy."""
        del partner
        image = as_image(self, x)
        if image.shape[2] == 1 and self.saturation > 0:
            raise ValueError(f"saturation must be 0 for gray images, got {self.saturation} for inputs of shape {x.shape}")
        strengths = jnp.asarray([self.brightness, self.contrast, self.saturation], x.dtype)
        factors = 1 + strengths * jax.random.uniform(key, (3,), dtype=x.dtype, minval=-1.0, maxval=1.0)
        image = factors[0] * image
        image = factors[1] * image + (1 - factors[1]) * jnp.mean(luminance(self, image))
        image = factors[2] * image + (1 - factors[2]) * luminance(self, image)
        return View(image.reshape(x.shape))
