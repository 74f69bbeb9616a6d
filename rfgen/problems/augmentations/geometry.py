"""Images moved as a whole: flips, shifts, rotations, crops."""

__all__ = ["Crop", "Flip", "Rotate", "Shift"]

from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import Switched, as_image, check_size, image_shape, listed, window
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import flag, integer, view_counts, whole
from rfgen.problems.settings import setting
from rfgen.problems.validation import non_negative


class Flip(Switched):
    """Left becomes right with `probability`: `Flip(probability=0.5, views=1)`.

    On a `Task` it changes the sign of every mode of odd number, counted from 0: on a symmetric domain eigenfunctions
    alternate between even and odd.

    >>> Flip().mode_law(10).gain.tolist()
    [[1.0, -1.0], [1.0, 1.0]]
    """

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy, flipped or not."""
        del partner
        flipped = as_image(self, x)[:, ::-1].reshape(x.shape)
        return View(jnp.where(jax.random.bernoulli(key, jnp.asarray(self.probability, x.dtype)), flipped, x))

    def mode_view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy, the signs of odd modes changed or not."""
        del partner
        sign = 1 - 2 * jax.random.bernoulli(key, jnp.asarray(self.probability, x.dtype)).astype(x.dtype)
        return View(x.at[1::2].multiply(sign))

    def mode_law(self, modes: float) -> ModeLaw:
        """Flipped, or not."""
        del modes
        none = np.zeros((1, 2))
        return ModeLaw(np.ones(1), np.array([[1.0, -1.0]]), none, none, np.ones(1)).sometimes(float(self.probability))


class Shift(AbstractAugmentation):
    """Up to `pixels` up or down, and left or right, all equally likely: `Shift(pixels, views=1, wrap=False)`.

    What leaves the image is lost and zeros come in; with `wrap` it comes in on the other side.  Up to one pixel moments
    suffice, as verified on digits.

    >>> Shift([0, 1, 2], views=4).axes["pixels"].tolist()
    [0, 1, 2]
    """

    pixels: Any = setting(whole(0), axis=True)
    views: Any = setting(view_counts, default=1, axis=True)
    wrap: bool = setting(flag, default=False)


    @property
    def moments_suffice(self) -> bool:
        """Whether the shifts are small."""
        return bool((self.pixels <= 1).all())

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One shifted copy."""
        del partner
        image, pixels = as_image(self, x), int(self.pixels)
        padded = jnp.pad(image, ((pixels, pixels), (pixels, pixels), (0, 0)), mode="wrap" if self.wrap else "constant")
        row, column = jax.random.randint(key, (2,), 0, 2 * pixels + 1, dtype=jnp.int32)
        return View(window(padded, row, column, image.shape).reshape(x.shape))


class Rotate(AbstractAugmentation):
    """By an angle uniform in [-degrees, degrees] about the centre, bilinear, zero outside: `Rotate(degrees, views=1)`.

    Up to 15 degrees moments are taken to suffice, by analogy with shifts of one pixel.

    >>> Rotate(10).moments_suffice, Rotate(90).moments_suffice
    (True, False)
    """

    degrees: Any = setting(non_negative, axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    @property
    def moments_suffice(self) -> bool:
        """Whether the angles are small."""
        return bool((self.degrees <= 15).all())

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One rotated copy."""
        del partner
        image, largest = as_image(self, x), jnp.asarray(np.deg2rad(self.degrees), x.dtype)
        angle = largest * jax.random.uniform(key, (), dtype=x.dtype, minval=-1.0, maxval=1.0)
        middle_row, middle_column = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
        rows = jnp.arange(image.shape[0], dtype=x.dtype)[:, None] - middle_row
        columns = jnp.arange(image.shape[1], dtype=x.dtype)[None, :] - middle_column
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        places = [cos * rows - sin * columns + middle_row, sin * rows + cos * columns + middle_column]
        rotate = jax.vmap(partial(map_coordinates, coordinates=places, order=1), in_axes=2, out_axes=2)
        return View(rotate(image).reshape(x.shape))


class Crop(AbstractAugmentation):
    """A `size` x `size` window at a uniform position, resized back bilinearly: `Crop(size, views=1)`.

    >>> len(Crop(6).patterns((8, 8)))
    9
    """

    size: int = setting(integer(1))
    views: Any = setting(view_counts, default=1, axis=True)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One window."""
        del partner
        vertical, horizontal = jax.random.split(key)
        rows, columns = self._positions(x.shape)
        row = jax.random.randint(vertical, (), 0, rows, dtype=jnp.int32)
        return View(self._cropped(x, row, jax.random.randint(horizontal, (), 0, columns, dtype=jnp.int32)))

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
        """One pattern per position, where they are few."""
        rows, columns = self._positions(shape)
        return listed(self._cropped, product(range(rows), range(columns)))

    def _positions(self, shape: tuple[int, ...]) -> tuple[int, int]:
        height, width, _ = image_shape(self, shape)
        check_size(self.size, height, width)
        return height - self.size + 1, width - self.size + 1

    def _cropped(self, x: jax.Array, row: Any, column: Any) -> jax.Array:
        image = as_image(self, x)
        cropped = window(image, row, column, (self.size, self.size, image.shape[2]))
        return jax.image.resize(cropped, image.shape, "bilinear").reshape(x.shape)
