"""The proximal map of a penalty on features w of isotropic inputs, b = G w / sqrt(features), G standard normal, over b.

The map of theta min {J(w): b = G w / sqrt(features)} at t = beta + tau Z is itself a regression: of the targets t on the
rows of G, with no coefficient to be found.  So its state evolution is (12.1) of `dim` rows whose labels are noise of
variance |t|^2/dim, and leaves of the residuals the part u: b = (1 - u) t + u g, g normal of variance |w|^2/features.  For
powers of |w| it has one unknown.  As G may be turned, only the length of beta counts.  Equations: theory (12.16).
"""

__all__ = ["MixedColumns"]

from dataclasses import field
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array

from rfgen.numerics.compilation.record import record
from rfgen.numerics.monotone_root import decreasing_root
from rfgen.systems.sparse.proximal_maps import ProximalMeans, SoftThreshold

# Logarithms searched of a threshold in units of its noise; steps below this part of it are differences' first two terms.
RANGE, STEP = 700.0, 1e-5


@record
class MixedColumns:
    """Of `features` columns, on `dim` inputs; `penalty` "l1" or "ridge"."""

    features: Any
    dim: Any
    penalty: str = field(metadata={"static": True})

    def scale(self, tau: Any) -> Any:
        """A theta that shrinks noise `tau`, but not all of it."""
        return tau * jnp.sqrt(self.dim / self.features) if self.penalty == "l1" else self.dim / self.features + 0.0 * tau

    def means(self, beta: Any, tau: Any, theta: Any) -> ProximalMeans:
        """Means over inputs for a root mean square coefficient beta, tau > 0, theta > 0; `square` is |w|^2/dim.

        >>> import jax, jax.numpy as jnp
        >>> with jax.enable_x64(True):  # many features under a ridge are the inputs
        ...     round(float(MixedColumns(jnp.array(1e9), jnp.array(50.0), "ridge").means(2.0, 1.0, 1.0).error), 6)
        1.25
        """
        inputs = beta**2 + tau**2
        trained, length = (self._shrunk if self.penalty == "ridge" else self._thresholded)(inputs, theta)
        error = ((1.0 - trained) * tau) ** 2 + trained**2 * (beta**2 + length)
        return ProximalMeans(1.0 - trained, error, self.features * length / self.dim, -trained * beta)

    def _shrunk(self, inputs: Any, theta: Any) -> tuple[Array, Array]:
        """u and |w|^2/features."""
        pull = theta * self.features
        half = 0.5 * (self.dim - self.features - pull)
        root = jnp.sqrt(half**2 + self.dim * pull)
        # the root of dim s^2 + 2 half s = pull that loses no digits
        own = jnp.where(half > 0.0, pull / (half + root), (root - half) / self.dim)
        kept = 1.0 / (1.0 + own)
        square = self.features * kept**2
        return pull / (self.dim * own), square * inputs / (self.dim - square)

    def _thresholded(self, inputs: Any, theta: Any) -> tuple[Array, Array]:
        wide = self.features > self.dim
        least = jnp.where(wide, -ndtri(0.5 * jnp.where(wide, self.dim / self.features, 1.0)), 0.0)
        wanted = jnp.log(theta) + 0.5 * (jnp.log(self.features) - jnp.log(inputs))

        share = jnp.where(wide, self.dim / self.features, 1.0)

        def at(log_step: Array) -> tuple[Array, ...]:
            """Threshold, density there, rows left of `dim`, sum of squares in units of the noise, and its slope."""
            step = jnp.exp(log_step)
            threshold = least + step
            normal, first = (jnp.exp(-0.5 * each**2) / jnp.sqrt(2.0 * jnp.pi) for each in (threshold, least))
            means = SoftThreshold().means(jnp.zeros_like(step), jnp.ones_like(step), threshold)
            near = 2.0 * first * step * (1.0 - 0.5 * least * step)
            left = self.features * jnp.where(step < STEP, near, share - means.slope)
            left = left + jnp.where(wide, 0.0, self.dim - self.features)
            slope = 2.0 * self.features * (threshold * means.slope - 2.0 * normal)
            return threshold, normal, left, self.features * means.error, slope

        def short(log_step: Array) -> tuple[Array, Array]:
            threshold, normal, left, square, slope = at(log_step)
            value = wanted - jnp.log(left) - jnp.log(threshold) + 0.5 * jnp.log(self.dim - square)
            along = -2.0 * self.features * normal / left - 1.0 / threshold - 0.5 * slope / (self.dim - square)
            return value, along * jnp.exp(log_step)

        zero = jnp.zeros_like(wanted)
        _, _, left, square, _ = at(decreasing_root(short, zero - RANGE, zero + RANGE, zero))
        return left / self.dim, square * inputs / (self.dim - square)
