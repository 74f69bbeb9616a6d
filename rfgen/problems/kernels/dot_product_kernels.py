"""Kernels of inputs, or of the cosine t = x.z of unit vectors: network kernels, Gaussian, Laplace, polynomial.

A kernel here is a frozen, hashable record.  Called on cosines t it returns K(t); called on two arrays of inputs of any
length it returns their kernel matrix, which depends on x.z, |x|^2 and |z|^2; in numpy or in jax, whichever is given.
Network kernels use their layer recursion (Cho and Saul 2009; Williams 1997; Jacot et al. arXiv 1806.07572), written
for the pair (covariance s, variances p and q) of two Gaussian pre-activations, so that activations which are not
homogeneous, inputs of any length and networks with biases need no second formula.

Every kernel of a power series also offers `power_series(order)`, the coefficients a_m of K(t) = sum_m a_m t^m. They are
never negative (Schoenberg), so sums over them lose no digits; `rfgen.problems.kernels.sphere` relies on that in high
dimension, where quadrature over the sphere is drowned by roundoff.
"""

__all__ = ["NNGP", "NTK", "GaussianKernel", "LaplaceKernel", "PolynomialKernel"]

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.tracing import is_traced
from rfgen.problems import validation
from rfgen.problems.kernels.activation_layers import layer_of, refuse_jumps
from rfgen.problems.kernels.feature_maps import activation_rule
from rfgen.problems.kernels.network_layers import LAYERS, namespace, plus, times
from rfgen.problems.rules import integer, number
from rfgen.problems.settings import Noun, setting

# Cosines of unit vectors may round beyond 1 by so much, in single precision.
COSINE_ROUNDOFF = 1e-6
# Coefficients from the circle carry an absolute error of 1e-16 K(1); below this they are roundoff (measured: 5e-17).
SERIES_ROUNDOFF = 1e-15
# Squares of longer inputs overflow.
LONGEST = 1e150
# Squared distances below so many roundings of the squared lengths are those of equal rows.
EQUAL_ROWS = 16


class _Kernel(Noun):
    """What all kernels share: they take cosines of the angle between unit vectors, or two arrays of inputs."""

    def __call__(self, x: Any, z: Any = None) -> Any:
        """K(t) for cosines t = `x` of any shape, or the kernel matrix (N, M) of inputs `x` (N, d) and `z` (M, d).

        Inputs may have any length; (N,) are N numbers, (N, ...) are flattened.  In the array type of what is given.
        """
        if z is not None:
            x, z = _rows("x", x), _rows("z", z)
            if x.shape[1] != z.shape[1]:
                raise ValueError(f"x and z must have as many coordinates, got shapes {x.shape} and {z.shape}")
            return self._of_inputs(x, z)
        t = x if isinstance(x, jax.Array) else np.asarray(x)
        if not is_traced(t) and t.size and max(np.max(t), -np.min(t)) > 1.0 + COSINE_ROUNDOFF:
            raise ValueError(
                f"t must be cosines, between -1 and 1, got {np.max(np.abs(t)):g}: give inputs twice, kernel(X, X), for "
                "their kernel matrix, or divide them by their lengths first"
            )
        return self._value(t)

    def _value(self, t: Any) -> Any:
        """K of the cosines t."""
        raise NotImplementedError

    def _of_inputs(self, x: Any, z: Any) -> Any:
        """The kernel matrix of rows x and z."""
        raise NotImplementedError


def _rows(name: str, inputs: Any) -> Any:
    """Inputs as rows (N, d), in numpy or in jax."""
    if not is_traced(inputs):
        checked = validation.array(name, inputs, tuple(range(1, 7)))
        if np.abs(checked).max() > LONGEST:
            raise ValueError(f"{name} must hold numbers below {LONGEST:g}, whose squares do not overflow: rescale them")
        inputs = inputs if isinstance(inputs, jax.Array) else checked
    inputs = inputs if jnp.issubdtype(inputs.dtype, jnp.floating) else inputs.astype(float)
    return inputs.reshape(inputs.shape[0], -1)


def _squared_distances(x: Any, z: Any) -> Any:
    """|x - z|^2 (N, M), with 0 between equal rows."""
    xp = namespace(x @ z[:1].T)
    middle = z.mean(axis=0)  # distances are those of any origin, and lose least digits to this one
    x, z = x - middle, z - middle
    lengths = xp.sum(x * x, axis=1)[:, None] + xp.sum(z * z, axis=1)
    squared = lengths - 2.0 * (x @ z.T)
    return xp.where(squared > EQUAL_ROWS * xp.finfo(squared.dtype).eps * lengths, squared, 0.0)


class _NetworkKernel(_Kernel):
    """What NNGP and NTK share: the settings, the layer recursion, the power series."""

    activation: str | Callable[[Any], Any] = setting(activation_rule, default="relu")
    depth: int = setting(integer(1), default=1)
    bias: float = setting(number("[0, inf)"), default=0.0)

    def _value(self, t: Any) -> Any:
        return self._at(t, 1.0)

    def _at(self, t: Any, squared_length: float) -> Any:
        one = squared_length + self.bias
        return self._chosen(*self._propagate(plus(times(t, squared_length), self.bias), one, one, math.inf))

    def _of_inputs(self, x: Any, z: Any) -> Any:
        p, q = ((own * own).sum(axis=1) + self.bias for own in (x, z))
        return self._chosen(*self._propagate(x @ z.T + self.bias, p[:, None], q[None, :], 0.0))

    def _propagate(self, s: Any, p: Any, q: Any, ends: float) -> tuple[Any, Any]:
        """The network's covariance S and its tangent kernel T after `depth` hidden layers and the linear output."""
        known = LAYERS.get(self.activation) if isinstance(self.activation, str) else None
        tangent, layer = s, known or layer_of(self.activation)
        for _ in range(self.depth):
            same = p is q
            value, slope, p, q = layer(s, p, q, ends)
            s, p = plus(value, self.bias), plus(p, self.bias)
            q = p if same else plus(q, self.bias)
            tangent = s + (0.0 if slope is None else tangent * slope)
        return s, tangent

    def _chosen(self, covariance: Any, tangent: Any) -> Any:
        raise NotImplementedError

    def power_series(self, order: int, squared_length: float = 1.0) -> np.ndarray:
        """Coefficients a_0 ... a_order of K(t) = sum_m a_m t^m, shape (order + 1,), absolute error 1e-15 K(1).

        t is the cosine of inputs of `squared_length`.

        Cauchy's formula on a circle just inside the unit one: the kernel is analytic there, each layer maps the disc
        into itself, and with 16 points a coefficient neither aliasing (e^-37) nor the growth r^-m (at most 10) shows.
        """
        order = validation.integer("order", order, 0)
        size = 16 * 2 ** (order + 1).bit_length()
        log_radius = -37.0 / size
        half_circle = np.exp(log_radius + 2j * np.pi * np.arange(size // 2 + 1) / size)
        # hfft: the kernel is real on the real line, so the other half of the circle is the conjugate
        coefficients = np.fft.hfft(self._at(half_circle, squared_length), size)[: order + 1] / size
        coefficients *= np.exp(-log_radius * np.arange(order + 1))
        at_one = float(self._at(np.float64(1.0), squared_length))
        return np.where(coefficients < SERIES_ROUNDOFF * at_one, 0.0, coefficients)


class NNGP(_NetworkKernel):
    """Covariance of the output of an infinitely wide random fully connected network.

    S <- E[sigma(u) sigma(v)] + bias over (u, v) Gaussian with covariance S(x, z) and variances S(x, x), S(z, z), `depth`
    times, starting from S = x.z + bias (`kernel(X, Z)`, inputs of any length) or S = t + bias (`kernel(t)`, cosines of
    unit vectors). Weights of the first layer have variance 1: divide inputs of d coordinates by sqrt(d) for 1/fan-in.
    Those of other layers have variance 2/fan-in for "relu" (He: K(1) = 1 without bias), 1/fan-in for all others. `bias` is
    the variance of the biases of every layer, the output included. `activation`: one of relu, tanh, erf, cos, sign, gelu,
    linear, or any function of arrays (its figures: see `activation_layers`; 1e-13 if smooth on the scale of the inputs).

    Source: Cho and Saul (2009), arc-cosine kernels of order 1; Williams (1997) for erf; others derived (Mehler). Exact at
    infinite width, and in expectation at any width for depth 1. Errors: ValueError naming the field.

    >>> float(NNGP("relu", depth=1)(1.0))
    1.0
    >>> NNGP("relu", depth=2)(np.array([-1.0, 1.0])).round(6).tolist()
    [0.31831, 1.0]
    >>> NNGP("relu")([3.0, -1.0], [2.0])  # two inputs of one coordinate, and one
    array([[6.],
           [0.]])
    """

    def _chosen(self, covariance: Any, tangent: Any) -> Any:
        del tangent
        return covariance


class NTK(_NetworkKernel):
    """Neural tangent kernel of an infinitely wide fully connected network, all layers trained.

    T <- S' + T E[sigma'(u) sigma'(v)], S' the next NNGP layer, from T = S = x.z + bias (`kernel(X, Z)`) or t + bias
    (`kernel(t)`); conventions as in `NNGP`. The network is in NTK parametrisation: weights and biases are standard normals
    times the deviations stated there, and trained at equal rates. The sum over layers is not normalised: K(1) = depth + 1
    for bias-free "relu", K(x, x) = (depth + 1) |x|^2; its slope by t is infinite at t = 1, gradients by inputs are finite.
    `activation` as in `NNGP`, but it must not jump.

    Source: Jacot, Gabriel and Hongler, arXiv 1806.07572, theorem 1. Exact at infinite width, and in expectation at any
    width for depth 1. Errors: ValueError naming the field.

    >>> float(NTK("relu", depth=3)(1.0))
    4.0
    >>> NTK("relu", depth=2)([[2.0, 0.0]], [[2.0, 0.0]])
    array([[12.]])
    """

    def _relate(self) -> None:
        if self.activation not in LAYERS:
            refuse_jumps("activation", self.activation)

    def _chosen(self, covariance: Any, tangent: Any) -> Any:
        del covariance
        return tangent


class GaussianKernel(_Kernel):
    """exp(-|x - z|^2 / (2 bandwidth^2)) of inputs; on unit vectors exp(-(1 - t) / bandwidth^2); K(1) = 1.

    Errors: ValueError naming the bandwidth unless it is finite and above 0.

    >>> float(GaussianKernel(1.0)(1.0))
    1.0
    """

    bandwidth: float = setting(number("(0, inf)"))

    def _value(self, t: Any) -> Any:
        return namespace(t).exp((t - 1.0) / self.bandwidth**2)

    def _of_inputs(self, x: Any, z: Any) -> Any:
        squared = _squared_distances(x, z)
        return namespace(squared).exp(-squared / (2.0 * self.bandwidth**2))

    def power_series(self, order: int, squared_length: float = 1.0) -> np.ndarray:
        """Poisson probabilities e^-c c^m / m!, c = squared_length/bandwidth^2, shape (order + 1,), relative error 1e-12."""
        rate, m = squared_length / self.bandwidth**2, np.arange(validation.integer("order", order, 0) + 1)
        from scipy.special import gammaln, xlogy

        return np.exp(xlogy(m, rate) - gammaln(m + 1.0) - rate)


class LaplaceKernel(_Kernel):
    """exp(-|x - z| / bandwidth) of inputs; on unit vectors exp(-sqrt(2 - 2 t) / bandwidth); K(1) = 1.

    Errors: ValueError naming the bandwidth unless it is finite and above 0.

    >>> LaplaceKernel(2.0)([0.0, 3.0], [3.0]).round(6).tolist()
    [[0.22313], [1.0]]
    """

    bandwidth: float = setting(number("(0, inf)"))

    def _value(self, t: Any) -> Any:
        xp = namespace(t)
        return xp.exp(-xp.sqrt(xp.maximum(2.0 - 2.0 * t, 0.0)) / self.bandwidth)

    def _of_inputs(self, x: Any, z: Any) -> Any:
        squared = _squared_distances(x, z)
        xp, apart = namespace(squared), squared > 0.0
        # equal rows are at a kink, whose slope is taken as 0
        return xp.exp(-xp.where(apart, xp.sqrt(xp.where(apart, squared, 1.0)), 0.0) / self.bandwidth)


class PolynomialKernel(_Kernel):
    """(x.z + offset)^degree of inputs, t for x.z on unit vectors; not normalised: K(1) = (1 + offset)^degree.

    Errors: ValueError naming degree (an integer of at least 1) or offset (finite, at least 0: else not positive
    definite).

    >>> float(PolynomialKernel(3)(1.0))
    8.0
    """

    degree: int = setting(integer(1))
    offset: float = setting(number("[0, inf)"), default=1.0)

    def _value(self, t: Any) -> Any:
        return (t + self.offset) ** self.degree

    def _of_inputs(self, x: Any, z: Any) -> Any:
        return (x @ z.T + self.offset) ** self.degree

    def power_series(self, order: int, squared_length: float = 1.0) -> np.ndarray:
        """Binomial coefficients times powers of offset and squared length, zero above the degree, shape (order + 1,)."""
        order = validation.integer("order", order, 0)
        powers = range(min(order, self.degree) + 1)
        coefficients = np.zeros(order + 1)
        coefficients[: len(powers)] = [math.comb(self.degree, m) * self.offset ** (self.degree - m) for m in powers]
        return coefficients * squared_length ** np.arange(order + 1.0)
