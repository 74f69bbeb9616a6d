"""Kernels of unit vectors that depend on the cosine t = x.z only: network kernels, Gaussian, polynomial.

A kernel here is a frozen, hashable record that is called on t and returns K(t), in numpy or in jax, whichever t is.
Network kernels use their layer recursion (Cho and Saul 2009; Williams 1997; Jacot et al. arXiv 1806.07572), written
for the pair (covariance s, variance q) of two Gaussian pre-activations, so that activations which are not homogeneous
and networks with biases need no second formula.

Every kernel also offers `power_series(order)`, the coefficients a_m of K(t) = sum_m a_m t^m. They are never negative
(Schoenberg), so sums over them lose no digits; `rfgen.problems.kernels.sphere` relies on that in high dimension, where
quadrature over the sphere is drowned by roundoff.
"""

__all__ = ["NNGP", "NTK", "GaussianKernel", "PolynomialKernel"]

import math

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.tracing import is_traced
from rfgen.problems import validation
from rfgen.problems.rules import integer, number, one_of
from rfgen.problems.settings import Noun, setting

ACTIVATIONS = ("erf", "relu")

# Cosines of unit vectors may round beyond 1 by so much, in single precision.
COSINE_ROUNDOFF = 1e-6
# Coefficients from the circle carry an absolute error of 1e-16 K(1); below this they are roundoff (measured: 5e-17).
SERIES_ROUNDOFF = 1e-15


def namespace(t):
    """The array library of t: jax for jax arrays and tracers, else numpy."""
    return jnp if isinstance(t, jax.Array) else np


def _relu_layer(s, q: float):
    """E[sigma(u) sigma(v)], E[sigma'(u) sigma'(v)] and E[sigma(u)^2] for sigma = sqrt(2) max(0, .), order 1 and 0."""
    xp = namespace(s)
    rho = s / q
    if not np.iscomplexobj(rho):
        rho = xp.clip(rho, -1.0, 1.0)  # a layer may round to 1 + 2e-16
    angle = xp.arccos(rho)
    # (1 - rho)(1 + rho), not 1 - rho^2: the difference is exact near rho = 1, where sqrt would magnify its error
    value = (xp.sqrt((1.0 - rho) * (1.0 + rho)) + (math.pi - angle) * rho) / math.pi
    return q * value, 1.0 - angle / math.pi, q


def _erf_layer(s, q: float):
    """E[sigma(u) sigma(v)], E[sigma'(u) sigma'(v)] and E[sigma(u)^2] for sigma = erf."""
    xp = namespace(s)
    scale = 1.0 + 2.0 * q
    ratio = 2.0 * s / scale
    value = (2.0 / math.pi) * xp.arcsin(ratio)
    slope = (4.0 / math.pi) / (scale * xp.sqrt((1.0 - ratio) * (1.0 + ratio)))
    return value, slope, (2.0 / math.pi) * math.asin(2.0 * q / scale)


def _propagate(activation: str, depth: int, bias: float, t):
    """The network's covariance S(t) and its tangent kernel T(t) after `depth` hidden layers and the linear output."""
    layer = _relu_layer if activation == "relu" else _erf_layer
    s, q = t + bias, 1.0 + bias
    tangent = s
    for _ in range(depth):
        value, slope, variance = layer(s, q)
        s, q = value + bias, variance + bias
        tangent = s + tangent * slope
    return s, tangent


class _Kernel(Noun):
    """What all kernels share: they take cosines of the angle between unit vectors alone."""

    def __call__(self, t):
        """K(t) for cosines t of any shape, in the array type of t."""
        if not is_traced(t) and np.any(np.abs(t) > 1.0 + COSINE_ROUNDOFF):
            raise ValueError(
                f"t must be cosines, between -1 and 1, got {np.max(np.abs(t)):g}: divide inputs by their lengths first"
            )
        return self._value(t)

    def _value(self, t):
        raise NotImplementedError


class _NetworkKernel(_Kernel):
    """What NNGP and NTK share: the settings, the power series."""

    activation: str = setting(one_of(*ACTIVATIONS), default="relu")
    depth: int = setting(integer(1), default=1)
    bias: float = setting(number("[0, inf)"), default=0.0)

    def power_series(self, order: int) -> np.ndarray:
        """Coefficients a_0 ... a_order of K(t) = sum_m a_m t^m, shape (order + 1,), absolute error 1e-15 K(1).

        Cauchy's formula on a circle just inside the unit one: the kernel is analytic there, each layer maps the disc
        into itself, and with 16 points a coefficient neither aliasing (e^-37) nor the growth r^-m (at most 10) shows.
        """
        order = validation.integer("order", order, 0)
        size = 16 * 2 ** (order + 1).bit_length()
        log_radius = -37.0 / size
        half_circle = np.exp(log_radius + 2j * np.pi * np.arange(size // 2 + 1) / size)
        # hfft: the kernel is real on the real line, so the other half of the circle is the conjugate
        coefficients = np.fft.hfft(self(half_circle), size)[: order + 1] / size
        coefficients *= np.exp(-log_radius * np.arange(order + 1))
        at_one = float(self(np.float64(1.0)))
        return np.where(coefficients < SERIES_ROUNDOFF * at_one, 0.0, coefficients)


class NNGP(_NetworkKernel):
    """Covariance of the output of an infinitely wide random fully connected network, on unit vectors.

    S <- E[sigma(u) sigma(v)] + bias over (u, v) Gaussian with covariance S and variance q, `depth` times, starting
    from S = t + bias. activation "relu" is He-normalised (weights of variance 2/fan-in: K(1) = 1 without bias), "erf"
    has weights of variance 1/fan-in. `bias` is the variance of the biases of every layer, the output included.

    Source: Cho and Saul (2009), arc-cosine kernels of order 1; Williams (1997) for erf. Exact at infinite width, and
    in expectation at any width for depth 1. Errors: ValueError naming the field.

    >>> float(NNGP("relu", depth=1)(1.0))
    1.0
    >>> NNGP("relu", depth=2)(np.array([-1.0, 1.0])).round(6).tolist()
    [0.31831, 1.0]
    """

    def _value(self, t):
        return _propagate(self.activation, self.depth, self.bias, t)[0]


class NTK(_NetworkKernel):
    """Neural tangent kernel of an infinitely wide fully connected network, all layers trained, on unit vectors.

    T <- S' + T E[sigma'(u) sigma'(v)], S' the next NNGP layer, from T = S = t + bias; conventions as in `NNGP`. The
    sum over layers is not normalised: K(1) = depth + 1 for bias-free "relu".

    Source: Jacot, Gabriel and Hongler, arXiv 1806.07572, theorem 1. Exact at infinite width, and in expectation at any
    width for depth 1. Errors: ValueError naming the field.

    >>> float(NTK("relu", depth=3)(1.0))
    4.0
    """

    def _value(self, t):
        return _propagate(self.activation, self.depth, self.bias, t)[1]


class GaussianKernel(_Kernel):
    """exp(-|x - z|^2 / (2 bandwidth^2)) on unit vectors, that is exp(-(1 - t) / bandwidth^2); K(1) = 1.

    Errors: ValueError naming the bandwidth unless it is finite and above 0.

    >>> float(GaussianKernel(1.0)(1.0))
    1.0
    """

    bandwidth: float = setting(number("(0, inf)"))

    def _value(self, t):
        return namespace(t).exp((t - 1.0) / self.bandwidth**2)

    def power_series(self, order: int) -> np.ndarray:
        """Poisson probabilities e^-c c^m / m! with c = 1/bandwidth^2, shape (order + 1,), relative error 1e-12."""
        rate, m = self.bandwidth**-2, np.arange(validation.integer("order", order, 0) + 1)
        from scipy.special import gammaln, xlogy

        return np.exp(xlogy(m, rate) - gammaln(m + 1.0) - rate)


class PolynomialKernel(_Kernel):
    """(t + offset)^degree on unit vectors, not normalised: K(1) = (1 + offset)^degree.

    Errors: ValueError naming degree (an integer of at least 1) or offset (finite, at least 0: else not positive
    definite).

    >>> float(PolynomialKernel(3)(1.0))
    8.0
    """

    degree: int = setting(integer(1))
    offset: float = setting(number("[0, inf)"), default=1.0)

    def _value(self, t):
        return (t + self.offset) ** self.degree

    def power_series(self, order: int) -> np.ndarray:
        """Binomial coefficients times powers of the offset, zero above the degree, shape (order + 1,)."""
        order = validation.integer("order", order, 0)
        powers = range(min(order, self.degree) + 1)
        coefficients = np.zeros(order + 1)
        coefficients[: len(powers)] = [math.comb(self.degree, m) * self.offset ** (self.degree - m) for m in powers]
        return coefficients
