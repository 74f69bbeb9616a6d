"""Proximal maps of separable penalties, and their means over Gaussian noise.

The map of theta J sends b to the x that minimises (x - b)^2/2 + theta J(x).  State evolution needs four means of it at
b = beta + tau Z, Z standard normal: of its slope, of x - beta and its square, and of x^2.  Soft thresholding and shrinkage
have them in closed form.  The map of the hyperbolic entropy is a root, but b is an explicit function of the dual
s = J'(x): its means are integrals over s, smooth between panels that end where the Gaussian and where the exponentials of
the map bend.
Equations: theory (12.2).
"""

__all__ = ["HyperbolicEntropy", "ProximalMeans", "Shrinkage", "SoftThreshold", "hyperbolic_dual"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array

from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.compilation.record import record

# The normal density, and all terms that hold it, underflow beyond.
BEYOND = 37.0
# Normal mass beyond is 1e-19; panels of 1.5 deviations, and finer ones towards b = 0, in deviations.
REACH, PANELS = 9.0, 12
TOWARDS_ZERO = (1e-8, 1e-4, 1e-2, 1e-1)
# Where the exponentials overtake the linear part, in units of s: they change by a factor e within 1/4.
AROUND = (-8.0, -4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
# Newton's steps from above converge monotonically; 7 suffice over the settings of the tests.
MOST_STEPS = 60


@record
class ProximalMeans:
    """Means over Z: `slope` of the map, `error` of (x - beta)^2, `square` of x^2; `bias` of x - beta, where it is known to
    more digits than the others tell (None: from these).
    """

    slope: Any
    error: Any
    square: Any
    bias: Any = None

    def moved(self, beta: Any, pulled: Any) -> Any:
        """Mean of beta (x - pulled beta), where the means are around pulled beta."""
        if self.bias is not None:
            return beta * self.bias
        return 0.5 * (self.square - self.error - (pulled * beta) ** 2) / pulled


@record
class Shrinkage:
    """J(x) = x^2/2: x = b/(1 + theta)."""

    def scale(self, tau: Any) -> Any:
        """A theta that shrinks noise `tau`, but not all of it."""
        return jnp.ones_like(tau)

    def means(self, beta: Any, tau: Any, theta: Any) -> ProximalMeans:
        """Means for scalars beta, tau > 0, theta > 0.

        >>> import jax
        >>> with jax.enable_x64(True):
        ...     float(Shrinkage().means(2.0, 1.0, 1.0).error)
        1.25
        """
        kept, lost = 1.0 / (1.0 + theta), theta / (1.0 + theta)
        error = (kept * tau) ** 2 + (lost * beta) ** 2
        return ProximalMeans(kept, error, (kept * tau) ** 2 + (kept * beta) ** 2, -lost * beta)


@record
class SoftThreshold:
    """J(x) = |x|: x = b moved towards 0 by theta, and 0 where that is further."""

    def scale(self, tau: Any) -> Any:
        """A theta that shrinks noise `tau`, but not all of it."""
        return tau

    def means(self, beta: Any, tau: Any, theta: Any) -> ProximalMeans:
        """Means for scalars beta >= 0, tau > 0, theta > 0; `slope` is the probability of x not 0.

        >>> import jax
        >>> with jax.enable_x64(True):
        ...     float(SoftThreshold().means(0.0, 1.0, 1.0).slope)  # P(|Z| > 1)
        0.317310507862...
        """

        def tail(bound: Any, shift: Any) -> tuple[Array, Array, Array]:
            """P(Z > bound), E[Z - shift; Z > bound] and that of its square, nothing where that underflows."""
            seen = bound < BEYOND
            at, by = jnp.where(seen, bound, 0.0), jnp.where(seen, shift, 0.0)
            mass, density = ndtr(-at), jnp.exp(-0.5 * at * at) / jnp.sqrt(2.0 * jnp.pi)
            # rounding of the difference must not leave a negative square
            moment = jnp.maximum((1.0 + by * by) * mass + (at - 2.0 * by) * density, 0.0)
            first = density - by * mass
            return jnp.where(seen, mass, 0.0), jnp.where(seen, first, 0.0), jnp.where(seen, moment, 0.0)

        near, far = (theta - beta) / tau, (theta + beta) / tau
        above, _, square_above = tail(near, near)
        below, _, square_below = tail(far, far)
        # of the coefficients kept x - beta = tau Z -+ theta
        moved, missed = tail(near, theta / tau), tail(far, theta / tau)
        none = ndtr(near) - ndtr(-far)
        bias = tau * (moved[1] - missed[1]) - beta * none
        error = tau**2 * (moved[2] + missed[2]) + beta**2 * none
        return ProximalMeans(above + below, error, tau**2 * (square_above + square_below), bias)


@record
class HyperbolicEntropy:
    """J' is the inverse of h(s) = 2 init^2 sinh(4 s) + linear^2 s: x = h(s) where h(s) + theta s = b.

    J is nearly quadratic for small x, nearly |x| log(|x|/init^2)/4 for large x: the penalty of which gradient flow on
    b = u^2 - v^2 + linear w finds the least, from u = v = init, w = 0.  `init` > 0, `linear` >= 0 scalars.
    """

    init: Any
    linear: Any

    def response(self, s: Any) -> tuple[Any, Any]:
        """h(s) and its slope."""
        square, straight = self.init**2, self.linear**2
        return 2.0 * square * jnp.sinh(4.0 * s) + straight * s, 8.0 * square * jnp.cosh(4.0 * s) + straight

    def scale(self, tau: Any) -> Any:
        """A theta that shrinks noise `tau`, but not all of it."""
        steep = 8.0 * jnp.asarray(self.init) ** 2
        return self.linear**2 + steep + tau / (1.0 + jnp.arcsinh(4.0 * tau / steep))

    def means(self, beta: Any, tau: Any, theta: Any) -> ProximalMeans:
        """Means for scalars beta >= 0, tau > 0, theta > 0; relative error 1e-10 down to tau = 1e-5 beta, 1e-6 at 1e-9.

        >>> import jax, jax.numpy as jnp
        >>> with jax.enable_x64(True):  # a large init is shrinkage by 1 + theta / (8 init^2)
        ...     round(float(HyperbolicEntropy(1e3, 0.0).means(2.0, jnp.array(1.0), jnp.array(8e6)).error), 9)
        1.25
        """
        # the nodes may stand anywhere: their derivatives are those of the rounding
        nodes, weights = self._nodes(*jax.lax.stop_gradient((beta, tau, theta)))
        value, slope = self.response(nodes)
        z = (value + theta * nodes - beta) / tau
        density = weights * jnp.exp(-0.5 * z * z) / (jnp.sqrt(2.0 * jnp.pi) * tau)
        mass = density * (slope + theta)
        off = tau * z - theta * nodes  # x - beta, without its difference
        each = density * slope, mass * off**2, mass * value**2, mass * off
        return ProximalMeans(*(jnp.sum(one) for one in each))

    def _nodes(self, beta: Any, tau: Any, theta: Any) -> tuple[Array, Array]:
        """Nodes and weights over s, from REACH deviations below beta to as many above."""
        level = HyperbolicEntropy(*jax.lax.stop_gradient((self.init, self.linear)))
        even = beta + tau * jnp.linspace(-REACH, REACH, PANELS + 1, dtype=jnp.float64)
        fine = tau * jnp.asarray([*TOWARDS_ZERO, *(-each for each in TOWARDS_ZERO)], jnp.float64)
        edges = hyperbolic_dual(jnp.concatenate([even, fine]), theta, level.init, level.linear)
        least, most = edges[0], edges[PANELS]
        bend = jnp.arccosh(jnp.maximum((theta - level.linear**2) / (8.0 * level.init**2), 1.0)) / 4.0
        marks = bend + jnp.asarray(AROUND, jnp.float64)
        edges = jnp.sort(jnp.clip(jnp.concatenate([edges, marks, -marks]), least, most))
        half, center = 0.5 * jnp.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
        return (center + half * jnp.asarray(_NODES)).ravel(), (half * jnp.asarray(_WEIGHTS)).ravel()


@sparing_maps
@jax.jit
def hyperbolic_dual(b: Any, theta: Any, init: Any, linear: Any) -> Array:
    """The s with h(s) + theta s = b, elementwise, h as in `HyperbolicEntropy`; its proximal map is h(s).

    >>> import jax, jax.numpy as jnp
    >>> with jax.enable_x64(True):
    ...     s = hyperbolic_dual(jnp.array([1.0, -1.0]), 0.5, 0.1, 0.0)
    ...     (0.02 * jnp.sinh(4 * s) + 0.5 * s).tolist()
    [1.0, -1.0]
    """
    size, entropy = jnp.abs(b), HyperbolicEntropy(jnp.asarray(init), jnp.asarray(linear))
    steep = 8.0 * entropy.init**2
    start = jnp.minimum(size / (theta + entropy.linear**2 + steep), jnp.arcsinh(4.0 * size / steep) / 4.0)

    def step(s: Array) -> Array:
        value, slope = entropy.response(s)
        return jnp.maximum(s - (value + theta * s - size) / (slope + theta), 0.0)

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        number, s, last = state
        return (number < MOST_STEPS) & jnp.any(last - s > 1e-15 * s)

    def advance(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, s, _ = state
        return number + 1, step(s), s

    begin = (jnp.zeros((), jnp.int32), start, 2.0 * start)
    _, s, _ = jax.lax.while_loop(unfinished, advance, jax.lax.stop_gradient(begin))
    # a step at the root has the derivative of the root, two the second
    return jnp.sign(b) * step(step(s))
