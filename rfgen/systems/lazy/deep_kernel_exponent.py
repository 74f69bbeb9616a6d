"""Kernels of very deep networks: a power of the distance, singular where two inputs meet.

With unit-variance layers a hidden layer maps the cosine of two inputs rho to its dual activation, kappa(rho) = sum_j c_j^2
rho^j with sum_j c_j^2 = 1, c_j the activation's Hermite coefficients.  Where c_0 = 0, c_1 != 0 and kappa'(1) > 1, depth
draws all cosines to 0, at the rate c_1^2 a layer, and what remains of kappa applied L times is c_1^(2L) g with
g(kappa(rho)) = c_1^2 g(rho).  Near rho = 1, where 1 - rho grows by kappa'(1) a layer, that makes g a power:

    g ~ |x - z|^-a,    a = 2 ln(1 / c_1^2) / ln kappa'(1),    kappa'(1) = sum_j j c_j^2.

The order of limits matters.  L layers resolve 1 - rho down to kappa'(1)^-L: the power is that of distances above.  The
tangent kernel of L layers shares it only for |x - z|^2 far above 1/L and is steeper below, by the exponent a + 2, before it
levels off too: its slope measured at fixed depth is not a.  Equations: theory (13.6).
"""

__all__ = ["deep_kernel_exponent"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.numerics.compilation.precision import needs_double_precision


@needs_double_precision
def deep_kernel_exponent(squares: Any) -> Float[Array, ""]:
    """a of |x - z|^-a, the kernel of infinitely many layers, from `squares` c_j^2 (degrees + 1,), j = 0, 1, ...; traceable.

    `squares` are >= 0 and need not sum to 1: their sum is divided out.  NaN where depth gives no such power: c_0 != 0
    (cosines have another fixed point: a majority vote), c_1 = 0 (the nearest neighbour), or kappa'(1) <= 1 (a linear
    network).  Classifiers by a kernel with such a pole are consistent where a is the dimension of the inputs.

    Source: derived; for the limit of deep classifiers see arXiv 2204.14126.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     round(float(deep_kernel_exponent([0.0, 0.49, 0.0, 0.51])), 4)
    2.0292
    """
    squares = jnp.asarray(squares, dtype=jnp.float64)
    total = jnp.sum(squares)
    linear = squares[1] / total
    growth = squares @ jnp.arange(squares.size, dtype=jnp.float64) / total
    singular = (squares[0] == 0.0) & (linear > 0.0) & (growth > 1.0)
    linear, growth = (jnp.where(singular, value, jnp.e) for value in (linear, growth))
    return jnp.where(singular, -2.0 * jnp.log(linear) / jnp.log(growth), jnp.nan)
