"""Parts of an image removed: one box, or a grid of squares."""

__all__ = ["Cutout", "GridMask"]

import math
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.image import as_image, box, check_size, listed
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import integer, view_counts
from rfgen.problems.settings import setting

POSITIONS = 64  # at most so many windows on the ring of modes: each is a pattern of the law


class Cutout(AbstractAugmentation):
    """A `size` x `size` box set to 0, at a uniform position on the torus: `Cutout(size, views=1)`.

    On a `Task` a window of `size` consecutive modes is set to 0, on the ring of its modes; on more than 64 modes the
    window starts at one of 64 equally spaced modes.

    >>> Cutout(1).mode_law(3).gain.tolist()
    [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """

    size: int = setting(integer(1))
    views: Any = setting(view_counts, default=1, axis=True)

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy with a hole."""
        del partner
        image = as_image(self, x)
        check_size(self.size, *image.shape[:2])
        removed = box(key, image.shape, self.size, self.size)
        return View(jnp.where(removed, jnp.zeros((), x.dtype), image).reshape(x.shape))

    def mode_view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy with a window of modes removed."""
        del partner
        start = jax.random.choice(key, jnp.asarray(self._starts(x.size), jnp.int32))
        removed = (jnp.arange(x.size, dtype=jnp.int32) - start) % x.size < self.size
        return View(jnp.where(removed, jnp.zeros((), x.dtype), x))

    def mode_law(self, modes: float) -> ModeLaw:
        """One pattern per window; the classes are the segments between the windows' edges."""
        if math.isinf(modes):
            raise ValueError("Cutout needs finitely many modes: give modes=..., finite")
        count = int(modes)
        starts = self._starts(count)
        breaks = np.unique(np.concatenate([starts, (starts + self.size) % count, [count]]))
        gain = np.where((breaks[:-1] - starts[:, None]) % count < self.size, 0.0, 1.0)
        none = np.zeros_like(gain)
        return ModeLaw(np.full(starts.size, 1.0 / starts.size), gain, none, none, np.ones(starts.size), breaks=breaks)

    def _starts(self, modes: int) -> np.ndarray:
        if self.size >= modes:
            raise ValueError(f"size must be below the number of modes, {modes}, got {self.size}")
        windows = min(modes, POSITIONS)
        return np.arange(windows) * modes // windows


class GridMask(AbstractAugmentation):
    """Squares of side `removed` set to 0, on a grid of step `period` at random: `GridMask(period, removed, views=1)`.

    >>> len(GridMask(4, 2).patterns((8, 8)))
    16
    """

    period: int = setting(integer(2))
    removed: int = setting(integer(1))
    views: Any = setting(view_counts, default=1, axis=True)

    def _relate(self) -> None:
        """Something is left."""
        if self.removed >= self.period:
            raise ValueError(f"removed must be below period, {self.period}, got {self.removed}")

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy with holes."""
        del partner
        row, column = jax.random.randint(key, (2,), 0, self.period, dtype=jnp.int32)
        return View(self._masked(x, row, column))

    def patterns(self, shape: tuple[int, ...]) -> tuple[tuple[float, AbstractAugmentation], ...] | None:
        """One pattern per position of the grid, where they are few."""
        del shape
        return listed(self._masked, product(range(self.period), range(self.period)))

    def _masked(self, x: jax.Array, row: Any, column: Any) -> jax.Array:
        image = as_image(self, x)
        rows = (jnp.arange(image.shape[0], dtype=jnp.int32) + row) % self.period < self.removed
        columns = (jnp.arange(image.shape[1], dtype=jnp.int32) + column) % self.period < self.removed
        removed = (rows[:, None] & columns[None, :])[:, :, None]
        return jnp.where(removed, jnp.zeros((), x.dtype), image).reshape(x.shape)
