"""Averages over the Marchenko-Pastur law, to rounding at every aspect ratio and at every time of a gradient flow.

X is N x P with independent entries of variance 1/N and alpha = P/N; the eigenvalues of XX' fill the bulk between the edges
(sqrt(alpha) -+ 1)^2 with mass min(1, alpha), and a fraction 1 - alpha of them is 0 if alpha < 1.

With `lambda = lower + 4 sqrt(alpha) sin^2(phi)` and `x = log tan(phi)` the bulk becomes

    rho(lambda) d lambda = (16 alpha / pi) (sin phi cos phi)^3 / lambda dx,    sin^2 phi = 1 / (1 + e^(-2x)),

which has its nearest poles at Im x = pi/2 whatever alpha: a soft edge, the hard edge at alpha = 1 (where the density
diverges like lambda^(-1/2)) and all between look alike.  exp(-lambda t) is at most 1 in modulus for |Im x| <= pi/4 and
moves along x without changing shape as t grows, so one trapezoidal rule of step h serves all times with an error of
e^(-pi^2 / (2h)): 2e-13 for a worst case at the step 0.17 used here, 1e-15 measured.  Equations: theory (6.13).
"""

__all__ = ["marchenko_pastur_density", "marchenko_pastur_edges", "marchenko_pastur_quadrature"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# x runs over these: the weights fall like e^(3x) below and e^(-3x) above, but only like e^x between the two scales of a
# hard edge.  1 - sqrt(alpha) is 1e-16 at least or 0, hence a lower edge seen at x = -39, and e^(3 (39 - 54)) is lost.
LOWEST, HIGHEST = -54.0, 13.0
NODES = 400


def marchenko_pastur_edges(alpha: Any) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """Lower and upper edge of the bulk, for alpha > 0; full relative accuracy near alpha = 1.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     [float(edge) for edge in marchenko_pastur_edges(4.0)]
    [1.0, 9.0]
    """
    alpha = jnp.asarray(alpha, jnp.float64)
    root = jnp.sqrt(alpha)
    return jnp.square((alpha - 1.0) / (1.0 + root)), jnp.square(1.0 + root)


def marchenko_pastur_density(eigenvalue: Any, alpha: Any) -> Float[Array, "*batch"]:
    """Density of the bulk at `eigenvalue`, 0 outside of it; the mass max(0, 1 - alpha) at eigenvalue 0 is not included.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     round(float(marchenko_pastur_density(2.0, 1.0)), 12)  # 1 / (2 pi)
    0.159154943092
    """
    eigenvalue = jnp.asarray(eigenvalue, jnp.float64)
    lower, upper = marchenko_pastur_edges(alpha)
    inside = (eigenvalue > lower) & (eigenvalue < upper)
    square = jnp.where(inside, (upper - eigenvalue) * (eigenvalue - lower), 1.0)
    return jnp.where(inside, jnp.sqrt(square) / (2.0 * jnp.pi * jnp.where(inside, eigenvalue, 1.0)), 0.0)


def marchenko_pastur_quadrature(alpha: Any, nodes: int = NODES) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Eigenvalues > 0 in ascending order and weights with `sum weights f(eigenvalues) = integral over the bulk of rho f`.

    `alpha` > 0 is a scalar, traceable; 64-bit floats must be on.  Relative error 1e-13 for alpha from 1e-12 to 1e12 and
    f = 1, 1/lambda, exp(-lambda t), (1 - exp(-lambda t))^2 / lambda and powers of lambda times those, any t up to 1e40
    (an exponential: absolute error).  The weights sum to min(1, alpha).  Derived.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     eigenvalues, weights = marchenko_pastur_quadrature(4.0)
    ...     round(float(weights @ eigenvalues), 12), round(float(weights @ (1.0 / eigenvalues)), 12)  # alpha, 1/(alpha-1)
    (4.0, 0.333333333333)
    """
    alpha = jnp.asarray(alpha, jnp.float64)
    x = jnp.linspace(LOWEST, HIGHEST, nodes, dtype=jnp.float64)
    # as products of e^x, so that neither end loses digits
    sine, cosine = jax.nn.sigmoid(2.0 * x), jax.nn.sigmoid(-2.0 * x)
    lower, _ = marchenko_pastur_edges(alpha)
    eigenvalues = lower + 4.0 * jnp.sqrt(alpha) * sine
    step = (HIGHEST - LOWEST) / (nodes - 1)
    return eigenvalues, step * (16.0 / jnp.pi) * alpha * (sine * cosine) ** 1.5 / eigenvalues
