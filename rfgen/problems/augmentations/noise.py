"""Independent changes of every coordinate: Gaussian noise, masks, salt and pepper.  Moments suffice.

Equations: theory (5.7).
"""

__all__ = ["Dropout", "GaussianNoise", "Mask", "SaltAndPepper"]

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.problems.augmentations.base import AbstractAugmentation, View
from rfgen.problems.augmentations.mode_law import ModeLaw
from rfgen.problems.rules import numbers, optional, view_counts
from rfgen.problems.settings import setting
from rfgen.problems.validation import array, non_negative

# More modes than this stand for infinitely many (the tail of a sphere kernel).
MOST_MODES = 1e15


def _covariance(name: str, value: Any) -> np.ndarray:
    covariance = array(name, value, (1, 2))
    if covariance.ndim == 1:
        return non_negative(name, covariance)
    if covariance.shape[0] != covariance.shape[1] or not np.allclose(covariance, covariance.T):
        raise ValueError(f"{name} must be (d,) or a symmetric (d, d) matrix, got shape {covariance.shape}")
    if (lowest := np.linalg.eigvalsh(covariance)[0]) < -1e-9 * np.trace(covariance):
        raise ValueError(f"{name} must be positive semidefinite, got the eigenvalue {lowest:g}")
    return covariance


class GaussianNoise(AbstractAugmentation):
    """`x -> x + N(0, variance * covariance)`: `GaussianNoise(variance, views=1, covariance=None)`.

    `covariance` None is the identity, (d,) the variances of the coordinates, (d, d) a matrix (on a `DataTask`).  On a
    `Task` the coordinates are the eigen-coordinates, in the order of the eigenvalues given; modes of eigenvalue 0 are none.

    >>> GaussianNoise(0.3, views=4)
    GaussianNoise(variance=0.3, views=4)
    """

    variance: Any = setting(non_negative, axis="view_variance")  # a curve has a variance already
    views: Any = setting(view_counts, default=1, axis=True)
    covariance: Any = setting(optional(_covariance), default=None)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One noisy copy."""
        del partner
        # of 24 bits, as those of samples: a third of the time, and unseen in any moment
        noise = jax.random.normal(key, (x.size,), dtype=jnp.float32).astype(x.dtype)
        if self.covariance is not None:
            if self.covariance.shape[0] != x.size:
                raise ValueError(
                    f"covariance must have one entry per coordinate ({x.size}), got shape {self.covariance.shape}"
                )
            if self.covariance.ndim == 1:
                noise = noise * jnp.asarray(np.sqrt(self.covariance), x.dtype)
            else:
                values, vectors = np.linalg.eigh(self.covariance)
                noise = jnp.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), x.dtype) @ noise
        return View(x + jnp.asarray(np.sqrt(self.variance), x.dtype) * noise.reshape(x.shape))

    def mode_law(self, modes: float) -> ModeLaw:
        """Variance `variance` in every mode, or in proportion to `covariance`."""
        if modes > MOST_MODES and self.variance > 0:
            raise ValueError(
                "variance must be 0 on infinitely many modes (the noise would be infinite): give modes=..., finite"
            )
        law = ModeLaw.of(
            level=self.variance, third=(1.0, 3.0 * self.variance), fourth=(1.0, 6.0 * self.variance, 3.0 * self.variance**2)
        )
        if self.covariance is None:
            return law
        if self.covariance.ndim != 1:
            raise ValueError("covariance must be (levels,), variances of the eigen-coordinates, with a Task; got a matrix")
        return replace(law, shape=self.covariance)


class Mask(AbstractAugmentation):
    """Keep every coordinate with probability `keep`, else set it to 0: `Mask(keep, views=1)`.

    Moments suffice while many coordinates are kept: with 10 of 100 modes of eigenvalues i^-1.5 the training error measured
    is 20 % above the curve, with 2 of them the test risk 40 % below.
    """

    keep: Any = setting(numbers("[0, 1]"), axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One masked copy."""
        del partner
        kept = jax.random.uniform(key, x.shape, dtype=x.dtype) < jnp.asarray(self.keep, x.dtype)
        return View(jnp.where(kept, x, jnp.zeros((), x.dtype)))

    def mode_law(self, modes: float) -> ModeLaw:
        """Mean `keep x`, variance `keep (1 - keep) x^2`."""
        del modes
        q = self.keep
        return ModeLaw.of(gain=q, slope=q * (1.0 - q), third=(q, 0.0), fourth=(q, 0.0, 0.0))


class Dropout(AbstractAugmentation):
    """A mask that drops with probability `rate` and divides by `1 - rate`, so that the mean stays x.

    `Dropout(rate, views=1)`.
    """

    rate: Any = setting(numbers("[0, 1)"), axis=True)
    views: Any = setting(view_counts, default=1, axis=True)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy."""
        masked = Mask(1.0 - self.rate).view(key, x, partner)
        return View(masked.input / jnp.asarray(1.0 - self.rate, x.dtype))

    def mode_law(self, modes: float) -> ModeLaw:
        """Mean x, variance `rate / (1 - rate) x^2`."""
        del modes
        q = 1.0 - self.rate
        return ModeLaw.of(slope=self.rate / q, third=(q**-2, 0.0), fourth=(q**-3, 0.0, 0.0))


class SaltAndPepper(AbstractAugmentation):
    """Keep every coordinate with probability `keep`, else draw it from N(0, variance).

    `SaltAndPepper(keep, variance, views=1)`.
    """

    keep: Any = setting(numbers("[0, 1]"), axis=True)
    variance: Any = setting(non_negative, axis="view_variance")
    views: Any = setting(view_counts, default=1, axis=True)

    moments_suffice = True

    def view(self, key: jax.Array, x: jax.Array, partner: jax.Array) -> View:
        """One copy."""
        del partner
        choice, noise = jax.random.split(key)
        kept = jax.random.uniform(choice, x.shape, dtype=x.dtype) < jnp.asarray(self.keep, x.dtype)
        drawn = jax.random.normal(noise, x.shape, dtype=jnp.float32).astype(x.dtype)
        return View(jnp.where(kept, x, drawn * jnp.asarray(np.sqrt(self.variance), x.dtype)))

    def mode_law(self, modes: float) -> ModeLaw:
        """Mean `keep x`, variance `keep (1 - keep) x^2 + (1 - keep) variance`."""
        GaussianNoise(self.variance).mode_law(modes)  # refuses infinitely many modes
        q, rest = self.keep, 1.0 - self.keep
        high = (q, 0.0), (q, 0.0, 3.0 * rest * self.variance**2)
        return ModeLaw.of(q, q * rest, rest * self.variance, third=high[0], fourth=high[1])
