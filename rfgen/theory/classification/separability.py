"""How many dimensions per sample separate two classes, or the labels of a teacher.

n rows in dim dimensions are linearly separable, in the limit, if and only if

    dim / n > min over rho, b of E (kappa-rows)  E[(-(yt (y rho kappa + b)) + Z)_+^2] / (1 - rho^2)

with kappa = |S^-1/2 mean| and yt the training label; the spectrum plays no part beyond kappa.  Of a teacher's labels the
score u stands in place of y kappa, and sqrt(1 - rho^2) Z of Z; without bias b = 0 by symmetry.  The distance of Gaussian
rows to the cone of separating directions (arXiv 1804.09753 for a logistic teacher).  E(a + Z)_+^2 = (a^2 + 1) Phi(a) +
a phi(a) is convex, and so is the problem in (rho, b) / sqrt(1 - rho^2): Newton's method finds its only minimum.
Equations: theory (10.11).
"""

__all__ = ["separability_threshold", "teacher_separability_threshold"]

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.program_maps import sparing_maps
from rfgen.numerics.continuation import newton
from rfgen.numerics.quadrature.normal_quadrature import normal_nodes


@sparing_maps
@partial(jax.jit, static_argnames="intercept")
def separability_threshold(
    mahalanobis: Any, prior: Any = 0.5, flip: Any = 0.0, intercept: bool = False
) -> Float[Array, "*batch"]:
    """Dimensions per sample above which two classes at distance 2 `mahalanobis` are linearly separable.

    `mahalanobis` = |S^-1/2 mean| >= 0, `prior` of class +1, `flip` the share of wrong training labels: scalars.  Without
    signal it is 1/2 (balanced, no intercept).  Tends to 0 with growing distance where no label is flipped.  Derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     [round(float(x), 4) for x in (
    ...         separability_threshold(0.0), separability_threshold(1.0, flip=0.1),
    ...         separability_threshold(2.0, 0.3, intercept=True), separability_threshold(2.0, 0.3, 0.15, intercept=True))]
    [0.5, 0.3784, 0.0438, 0.3544]
    """
    require_double_precision("rfgen.theory.separability_threshold")
    mahalanobis, prior, flip = (jnp.asarray(value, jnp.float64) for value in (mahalanobis, prior, flip))
    rows = [(y, kind * y) for y in (1.0, -1.0) for kind in (1.0, -1.0)]
    shares = jnp.stack([(prior if y > 0 else 1.0 - prior) * (1.0 - flip if y == label else flip) for y, label in rows])

    def distance(x: Array) -> Array:
        # u = rho / sqrt(1 - rho^2), c = b / sqrt(1 - rho^2): jointly convex, being a mean of squared distances to a cone
        length = jnp.sqrt(1.0 + x[0] ** 2)
        c = x[1] if intercept else 0.0
        margins = jnp.stack([label * (y * mahalanobis * x[0] + c) for y, label in rows])
        a = -margins
        # sqrt(1 + u^2) scales the noise: (a + length Z)_+^2
        return length**2 * (shares @ _squared_excess(a / length))

    def gradient(x: Array) -> Array:
        slope = jax.grad(distance)(x)
        return slope if intercept else slope.at[1].set(x[1])

    x, _ = newton(gradient, jnp.zeros(2), 1e-13)
    return distance(x)


@sparing_maps
@partial(jax.jit, static_argnames=("link", "intercept"))
def teacher_separability_threshold(
    link: str, scale: Any = 1.0, flip: Any = 0.0, bias: Any = 0.0, intercept: bool = False
) -> Float[Array, "*batch"]:
    """Dimensions per sample above which labels of a linear teacher are linearly separable, by planes with an `intercept` or
    through the origin; without bias both are the same.

    `link`, `scale` > 0 and `flip` as in `rfgen.Teacher`, whose u has `bias` added to it; scalars.  0 for the sign without
    flips, 1/2 for labels that are drawn by a coin.  The spectrum plays no part.  Source: arXiv 1804.09753 (logistic);
    derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     [round(float(teacher_separability_threshold(*of)), 4) for of in (("logistic", 0.25), ("sign", 1.0, 0.1))]
    [0.2215, 0.3342]
    """
    require_double_precision("rfgen.theory.teacher_separability_threshold")
    scale, flip, bias = (jnp.asarray(value, jnp.float64) for value in (scale, flip, bias))
    u, measure = normal_nodes(0.0, 1.0, jnp.stack([jnp.zeros(()), -bias]))
    cdf, moved = jax.scipy.stats.norm.cdf, u + bias
    says = {"sign": jnp.heaviside(moved, 0.5), "probit": cdf(moved / scale), "logistic": jax.nn.sigmoid(moved / scale)}
    if link not in says:
        raise ValueError(f"link must be one of {', '.join(says)}, got {link!r}")
    right = (1.0 - flip) * says[link] + flip * (1.0 - says[link])

    def distance(x: Array) -> Array:
        # rho and b over sqrt(1 - rho^2): convex
        margin = x[0] * u + (x[1] if intercept else 0.0)
        return measure @ (right * _squared_excess(-margin) + (1.0 - right) * _squared_excess(margin))

    def gradient(x: Array) -> Array:
        slope = jax.grad(distance)(x)
        return slope if intercept else slope.at[1].set(x[1])

    certain = (flip == 0.0) & (link == "sign") & (intercept | (bias == 0.0))
    x, _ = newton(gradient, jnp.zeros(2), 1e-13)
    return jnp.where(certain, 0.0, distance(x))


def _squared_excess(a: Array) -> Array:
    """E (a + Z)_+^2."""
    return (a**2 + 1.0) * jax.scipy.stats.norm.cdf(a) + a * jax.scipy.stats.norm.pdf(a)
