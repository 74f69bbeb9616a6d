"""What one layer of an infinitely wide network makes of the covariance of two Gaussian pre-activations.

For (u, v) Gaussian of covariance s and variances p, q a layer gives E[sigma(u) sigma(v)], E[sigma'(u) sigma'(v)] and the
two new variances, in closed form: sigma = sqrt(2) max(0, .) by the arc-cosine kernels of order 1 and 0 (Cho and Saul 2009),
for which lengths are factors and only the correlation s / sqrt(p q) is bent; sigma = erf by arc sines (Williams 1997).

The slope of the arc-cosine kernel of order 0 is infinite at correlations of +-1, where rows of a matrix repeat.  Between
inputs the correlation is flat there, so what a function of the inputs sees is 0: `ends` is that slope, inf or 0.
"""

__all__ = ["LAYERS", "namespace", "plus", "times"]

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Correlations of rows that are parallel are 1 up to so many roundings: an angle of 6e-8, which no rounding resolves.
PARALLEL = 16


def namespace(t: Any) -> Any:
    """The array library of t: jax for jax arrays and tracers, else numpy."""
    return jnp if isinstance(t, jax.Array) else np


def times(values: Any, factor: Any) -> Any:
    """`values factor`, without a pass over them for the number 1."""
    return values if isinstance(factor, float) and factor == 1.0 else values * factor


def plus(values: Any, term: Any) -> Any:
    """`values + term`, without a pass over them for the number 0."""
    return values if isinstance(term, float) and term == 0.0 else values + term


def _order_1(xp: Any, rho: Any, rest: Any) -> Any:
    # (1 - rho)(1 + rho), not 1 - rho^2: the difference is exact near rho = 1, where sqrt would magnify its error
    return (xp.sqrt((1.0 - rho) * (1.0 + rho)) + rest * rho) / math.pi


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _traced_order_0(rho: Any, ends: float) -> Any:
    del ends
    return jnp.arccos(-jnp.clip(rho, -1.0, 1.0)) / math.pi


@_traced_order_0.defjvp
def _slope_0(ends: float, primals: Any, tangents: Any) -> Any:
    rho = jnp.clip(primals[0], -1.0, 1.0)
    gap = (1.0 - rho) * (1.0 + rho)
    inside = gap > 0.0
    slope = jnp.where(inside, 1.0 / (math.pi * jnp.sqrt(jnp.where(inside, gap, 1.0))), ends)
    return _traced_order_0(rho, ends), slope * tangents[0]


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _traced_order_1(rho: Any, ends: float) -> Any:
    del ends
    rho = jnp.clip(rho, -1.0, 1.0)
    return _order_1(jnp, rho, math.pi - jnp.arccos(rho))


@_traced_order_1.defjvp
def _slope_1(ends: float, primals: Any, tangents: Any) -> Any:
    return _traced_order_1(primals[0], ends), _traced_order_0(primals[0], ends) * tangents[0]


def _relu(s: Any, p: Any, q: Any, ends: float) -> tuple[Any, Any, Any, Any]:
    """For sigma = sqrt(2) max(0, .)."""
    xp = namespace(s)
    if p is q:
        root, rho = p, s if isinstance(p, float) and p == 1.0 else s / p
    else:
        lengths = (xp.sqrt(xp.where(own > 0.0, own, 1.0)) for own in (p, q))
        root = xp.where((p > 0.0) & (q > 0.0), math.prod(lengths), 0.0)
        rho = s / xp.where(root > 0.0, root, 1.0)
        parallel = xp.abs(rho) > 1.0 - PARALLEL * xp.finfo(rho.dtype).eps
        rho = xp.where(parallel, xp.sign(rho), rho)
    if xp is jnp:
        value, slope = _traced_order_1(rho, ends), _traced_order_0(rho, ends)
    else:
        rho = rho if np.iscomplexobj(rho) else np.clip(rho, -1.0, 1.0)  # a layer may round to 1 + 2e-16
        rest = math.pi - np.arccos(rho)
        value, slope = _order_1(np, rho, rest), rest / math.pi
    return times(value, root), slope, p, q


def _erf(s: Any, p: Any, q: Any, ends: float) -> tuple[Any, Any, Any, Any]:
    """For sigma = erf, smooth everywhere."""
    del ends
    xp, same = namespace(s), p is q
    first, second = 1.0 + 2.0 * p, 1.0 + 2.0 * q
    scale = first if same else xp.sqrt(first) * xp.sqrt(second)
    ratio = 2.0 * s / scale
    value = (2.0 / math.pi) * xp.arcsin(ratio)
    slope = (4.0 / math.pi) / (scale * xp.sqrt((1.0 - ratio) * (1.0 + ratio)))
    if same:
        own = (2.0 / math.pi) * math.asin(2.0 * p / first)
        return value, slope, own, own
    return value, slope, *((2.0 / math.pi) * xp.arcsin(2.0 * v / scale) for v, scale in ((p, first), (q, second)))


# (covariance, variance, variance, slope at correlations of +-1) -> (value, slope, variance, variance)
LAYERS: dict[str, Callable[[Any, Any, Any, float], tuple[Any, Any, Any, Any]]] = {"erf": _erf, "relu": _relu}
