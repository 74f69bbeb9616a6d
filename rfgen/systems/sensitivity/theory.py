"""How steep random-feature regression is: the mean squared gradient of what it learns.

Features activation(w . x) / sqrt(features) with w ~ N(0, I/dim) of inputs x ~ N(0, I) in R^dim.  As

    E|grad f|^2 = sum_j j E f_j^2

over the parts f_j of Hermite degree j, it is a sum over levels of the kernel: dim linear modes of total c_1^2,
dim (dim + 1)/2 quadratic ones of total c_2^2, dim (dim + 1)(dim + 2)/6 cubic ones of total c_3^2, the others, too many for
any to be learned, and one constant, c_0^2, without gradient.  Of a level of m modes with eigenvalue lambda, learnability
L = lambda / (lambda + gamma) and target power v^2, the learned function holds

    E f_level^2 = L^2 v^2 + m L^2 test / n + m L (1 - L) gamma norm / features,

the target, what samples and what features add: the error kernel of `rfgen.theory.risk` with this level for test population
and no target there (derived).  Equations: theory (12.9).
"""

__all__ = ["Sensitivity", "sensitivity"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes
from rfgen.systems.sensitivity.activation_energies import ActivationEnergies
from rfgen.theory.ridge.risk import risk

# So many equal modes make up the rest: the effective ridge exceeds their trace / n, so only the trace counts.
REST_MODES = 1e28


@record
class Sensitivity:
    """One point; every field is a scalar (), or batched by vmap.

    `sensitivity` = sqrt(dim E|grad f|^2); `target`: that of the target, sqrt(dim signal); `squared_gradient` E|grad f|^2;
    `linear` |E grad f|^2, the squared linear part of f; `norm`: mean squared weights; `test` risk with label noise;
    `residual` of the equilibrium and whether it `converged`.
    """

    sensitivity: Float[Array, "*batch"]
    target: Float[Array, "*batch"]
    squared_gradient: Float[Array, "*batch"]
    linear: Float[Array, "*batch"]
    norm: Float[Array, "*batch"]
    test: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def _modes(activation: ActivationEnergies, dim: Array, signal: Array) -> tuple[Modes, Array]:
    """The levels in descending order, and the order: linear, quadratic, cubic, the rest, the constant."""
    energies = (activation.linear, activation.quadratic, activation.cubic, activation.rest, activation.constant)
    totals = jnp.stack([jnp.asarray(c, jnp.float64) for c in energies])
    quadratic = dim * (dim + 1.0) / 2.0
    counts = jnp.stack([dim, quadratic, quadratic * (dim + 2.0) / 3.0, jnp.full_like(dim, REST_MODES), jnp.ones_like(dim)])
    there = totals > 0.0
    # a level without energy has no modes
    values = jnp.where(there, totals / counts, jnp.max(totals / counts))
    counts = jnp.where(there, counts, 0.0)
    order = jnp.argsort(-values)
    power = jnp.zeros_like(totals).at[0].set(jnp.where(there[0], signal, 0.0))
    modes = Modes(
        values[order], counts[order], power[order], jnp.where(there[0], 0.0, signal), jnp.sum(counts), jnp.min(values),
        jnp.cumsum(counts[order]),
    )
    return modes, order


@needs_double_precision
@jax.jit
def sensitivity(
    activation: ActivationEnergies, dim: Any, n: Any, features: Any = jnp.inf, ridge: Any = 0.0, signal: Any = 1.0,
    noise: Any = 0.0,
) -> Sensitivity:
    """Sensitivity of ridge regression, ridge 0 for minimum norm, of a linear target on `n` samples of `dim` inputs.

    All but `activation` are scalars, traceable: jit, grad and vmap.  The target is beta . x with |beta|^2 = `signal`, and
    label noise of variance `noise`: signal 0 shows what fitting noise costs.  `features` = inf: the kernel of the random
    features.  Infinite where the risk is, at ridge 0 and n = features.

    Exact as dim, n and features grow together, and with the cubic modes where n or features grow as dim^1.5; errors are of
    relative order 1/dim: `norm` is about 5/dim too low, as inputs and layers of finite dim differ in length, and so are
    gradients of steep activations (11/dim for z^2).  At dim = 30,
    n = dim^2 the squared gradient is 10 % too low.  Source: question of arXiv 2302.01629; derived.

    >>> import jax
    >>> from rfgen.systems.sensitivity.activation_energies import activation_energies
    >>> with jax.enable_x64(True):
    ...     point = sensitivity(activation_energies("tanh"), dim=100, n=300, features=900, noise=0.25)
    >>> round(float(point.sensitivity), 2), float(point.target)
    (11.98, 10.0)
    """
    dim, n, features, signal = (jnp.asarray(value, jnp.float64) for value in (dim, n, features, signal))
    modes, order = _modes(activation, dim, signal)
    of = risk(modes, n, features, ridge, noise)
    inverse = 1.0 / (modes.eigenvalues + of.gamma)
    learned, missed = modes.eigenvalues * inverse, of.gamma * inverse
    limited = jnp.isfinite(features)
    per_feature = jnp.where(limited, of.norm, 0.0) / jnp.where(limited, features, 1.0)
    # features = rank at ridge 0: the norm is infinite, and nothing of it is left
    reached = learned * missed * of.gamma
    from_layer = jnp.where(reached > 0.0, reached * jnp.where(reached > 0.0, per_feature, 0.0), 0.0)
    spread = learned * learned * (of.test / n) + from_layer
    # at an infinite risk a level without modes still holds nothing
    held = learned * learned * modes.power + jnp.where(modes.multiplicity > 0.0, modes.multiplicity * spread, 0.0)
    held = jnp.zeros_like(held).at[order].set(held)
    has_rest = activation.rest > 0.0
    steepness = jnp.where(has_rest, activation.rest_slope / jnp.where(has_rest, activation.rest, 1.0), 0.0)
    rest = jnp.where(steepness > 0.0, steepness * held[3], 0.0)
    quadratic, cubic = (jnp.where(total > 0.0, level, 0.0) for total, level in (
        (activation.quadratic, 2.0 * held[1]), (activation.cubic, 3.0 * held[2])
    ))
    squared = held[0] + quadratic + cubic + rest
    return Sensitivity(
        sensitivity=jnp.sqrt(dim * squared), target=jnp.sqrt(dim * signal), squared_gradient=squared, linear=held[0],
        norm=of.norm, test=of.test, residual=of.residual, converged=of.converged,
    )
