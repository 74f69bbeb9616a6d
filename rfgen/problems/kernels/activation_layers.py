"""One layer of an infinitely wide network of any activation, from its Hermite coefficients at the two lengths.

For (u, v) Gaussian of variances p, q and correlation rho (Mehler), with orthonormal Hermite polynomials h_j,

    E[sigma(u) sigma(v)] = sum_j c_j(p) c_j(q) rho^j,     c_j(p) = E[sigma(sqrt(p) z) h_j(z)],

and E[sigma'(u) sigma'(v)] is the same sum of sigma', which is also the first one's derivative by the covariance.  A power
series in rho has no square root of 1 - rho^2: gradients at correlations of +-1 need no care, nor do complex correlations.

What the first `ORDER` terms leave out of E[sigma^2] at correlation 1 is added with the power behind, even and odd parts
apart: rows that repeat have their exact value.  Against closed forms: erf 2e-15 at lengths of 1, 4e-9 (slopes 4e-7) at
lengths of 4, where it is steep; max(0, .), which has a kink, 4e-6 (slopes 3e-3) near correlations of +-1, 1e-10 (slopes
1e-7) up to .95.  Derived.
"""

__all__ = ["layer_of", "refuse_jumps"]

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems.kernels.feature_maps import activation_function
from rfgen.problems.kernels.network_layers import namespace
from rfgen.problems.own_functions import HostFunction, differentiable

ORDER = 256
# h_j times the normal density is below 1e-15 beyond; panels of half a deviation, shrinking towards 0, where kinks are.
REACH, PANEL, PANEL_NODES, HALVINGS = 12.0, 0.5, 16, 20
# Shares of E[sigma^2] below this are rounding.
ROUNDING, TINY = 1e-13, 1e-33
# What E[sigma(z) z] and E[sigma'(z)] may differ by where sigma does not jump: the rule of a kink off 0 errs by 1e-2.
STEIN = 0.03


@lru_cache(maxsize=1)
def _rule() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, symmetric about 0, weights of the normal law, and weights times h_j (nodes, ORDER + 1)."""
    inner = PANEL * 0.5 ** np.arange(1, HALVINGS)
    edges = np.concatenate([[0.0], inner[::-1], np.arange(PANEL, REACH + PANEL / 2, PANEL)])
    nodes, weights = np.polynomial.legendre.leggauss(PANEL_NODES)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    z = (middle[:, None] + half[:, None] * nodes).ravel()
    weight = (half[:, None] * weights).ravel() * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    z, weight = np.concatenate([-z[::-1], z]), np.concatenate([weight[::-1], weight])
    table = [np.ones_like(z), z]
    for j in range(1, ORDER):
        table.append((z * table[j] - np.sqrt(j) * table[j - 1]) / np.sqrt(j + 1))
    return z, weight, weight[:, None] * np.stack(table, axis=1)


def _coefficients(function: Callable[[Any], Any], variance: Any) -> tuple[Any, Any]:
    """c_0 ... c_ORDER and the roots of what they leave out of the even and the odd part, (..., ORDER + 3); E[sigma^2].

    `variance` (...) of any shape.
    """
    xp = namespace(variance)
    z, weight, table = (xp.asarray(part, dtype=variance.dtype) for part in _rule())
    positive = variance > 0.0
    root = xp.where(positive, xp.sqrt(xp.where(positive, variance, 1.0)), 0.0)
    values = function(root[..., None] * z)
    own = values**2 @ weight
    coefficients = values @ table
    coefficients = xp.where(coefficients**2 > TINY * own[..., None], coefficients, 0.0)
    mirrored = values[..., ::-1]
    left = [
        ((values + sign * mirrored) / 2) ** 2 @ weight - xp.sum(coefficients[..., start::2] ** 2, axis=-1)
        for sign, start in ((1.0, 0), (-1.0, 1))
    ]
    rest = xp.stack(left, axis=-1)
    known = rest > ROUNDING * own[..., None]
    rest = xp.where(known, xp.sqrt(xp.where(known, rest, 1.0)), 0.0)
    if (ORDER + 1) % 2:  # the power behind ORDER is odd
        rest = rest[..., ::-1]
    return xp.concatenate([coefficients, rest], axis=-1), own


def _series(first: Any, second: Any, rho: Any) -> Any:
    """sum_j first_j second_j rho^j; the coefficients (..., terms) broadcast against `rho`."""
    if namespace(rho) is np:
        live = np.flatnonzero(np.any(first != 0.0, axis=tuple(range(first.ndim - 1))))
        total = np.zeros(np.broadcast_shapes(first.shape[:-1], second.shape[:-1], rho.shape), rho.dtype)
        for j in range(live[-1] if live.size else 0, -1, -1):
            total = total * rho + first[..., j] * second[..., j]
        return total
    return _traced_series(first, second, rho)


@jax.custom_jvp
@jax.jit
def _traced_series(first: Any, second: Any, rho: Any) -> Any:
    start = jnp.zeros_like(first[..., 0] * second[..., 0] * rho)

    def add(total: Any, pair: tuple[Any, Any]) -> tuple[Any, None]:
        return total * rho + pair[0] * pair[1], None

    return jax.lax.scan(add, start, (jnp.moveaxis(first, -1, 0), jnp.moveaxis(second, -1, 0)), reverse=True)[0]


@_traced_series.defjvp
def _series_slope(primals: Any, tangents: Any) -> Any:
    (first, second, rho), (along_first, along_second, along) = primals, tangents
    powers = jnp.arange(1, first.shape[-1], dtype=rho.dtype)
    by_rho = _traced_series(first[..., 1:] * powers, second[..., 1:], rho)
    moved = by_rho * along + _traced_series(along_first, second, rho) + _traced_series(first, along_second, rho)
    return _traced_series(first, second, rho), moved


@jax.custom_jvp
def _value(first: Any, second: Any, slope: Any, rho: Any) -> Any:
    """The series whose derivative by `rho` is `slope`, which is known to more terms than those left out let it be."""
    del slope
    return _series(first, second, rho)


@_value.defjvp
def _value_slope(primals: Any, tangents: Any) -> Any:
    (first, second, slope, rho), (along_first, along_second, _, along) = primals, tangents
    moved = slope * along + _traced_series(along_first, second, rho) + _traced_series(first, along_second, rho)
    return _series(first, second, rho), moved


def _both(p: Any, q: Any, of: Callable[[Any], tuple[Any, Any]]) -> tuple[Any, Any, Any, Any]:
    first, own = of(p)
    second, other = (first, own) if p is q else of(q)
    return first, second, own, other


@lru_cache(maxsize=64)
def layer_of(activation: str | Callable[[Any], Any]) -> Callable[[Any, Any, Any, float], tuple[Any, Any, Any, Any]]:
    """The layer (covariance, variance, variance, .) -> (value, slope, variance, variance), as those of `network_layers`."""
    function = activation_function(activation)

    def sigma(x: Any) -> Any:
        return function(x) if isinstance(x, jax.Array) else _on_numpy(function, x)

    def derivative(x: Any) -> Any:
        slope = _derivative(differentiable("activation", function))
        return slope(x) if isinstance(x, jax.Array) else _on_numpy(slope, x)

    def layer(s: Any, p: Any, q: Any, ends: float) -> tuple[Any, Any, Any, Any]:
        del ends
        xp = namespace(s)
        same, given = p is q, s.real.dtype
        p = xp.asarray(p, dtype=given)
        q = p if same else xp.asarray(q, dtype=given)
        first, second, own, other = _both(p, q, partial(_coefficients, sigma))
        positive = [each > 0.0 for each in (p, q)]
        roots = [xp.where(on, xp.sqrt(xp.where(on, each, 1.0)), 0.0) for on, each in zip(positive, (p, q), strict=True)]
        lengths = roots[0] * roots[1]
        rho = s / xp.where(lengths > 0.0, lengths, 1.0)
        rho = xp.where(lengths > 0.0, rho, 0.0)
        if isinstance(function, HostFunction):
            return _series(first, second, rho), None, own, other
        slopes = _both(p, q, partial(_coefficients, derivative))[:2]
        slope = _series(*slopes, rho)
        value = _series(first, second, rho) if xp is np else _value(first, second, slope * lengths, rho)
        return value, slope, own, other

    return layer


def _derivative(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


@double_precision
def _on_numpy(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.asarray(function(jnp.asarray(x)), np.float64), x.shape)


def refuse_jumps(name: str, activation: Any) -> None:
    """Refuse, in a tangent kernel, activations whose derivative is not all of their change: E[sigma'] beside E[sigma z]."""
    function = differentiable(name, activation_function(activation))
    z, weight, _ = _rule()
    for length in (0.3, 1.0, 3.0):
        values, slopes = _on_numpy(function, length * z), _on_numpy(_derivative(function), length * z)
        gap = abs(weight @ (values * z) - length * (weight @ slopes))
        if not gap <= STEIN * np.sqrt(weight @ values**2):
            raise ValueError(
                f"{name} must be continuous for a tangent kernel, got {activation!r}, whose steps have no derivative: use "
                "rg.NNGP, or a smooth one such as rg.NTK('tanh')"
            )
