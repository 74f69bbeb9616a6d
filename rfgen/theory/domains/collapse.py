"""Closed forms of training on generated rows: what a share of wrong labels costs, and what endless generations end in.

One covariance, kernel ridge regression, kappa its effective ridge, L = lambda/(lambda + kappa), u = q/(n - q), q = sum L^2.
A share p of rows whose teacher differs by independent weights of squares Delta adds to the risk

    p^2 (1 + (1 - p) u) sum Delta lambda L^2 + p u sum Delta lambda (1 - p L)^2,

which more rows do not remove: p^2 sum lambda Delta is left.  If every generation learns  w (fresh labels) + (1 - w) (the
last model's, with noise of r times the variance)  on the same inputs, at ridge -> 0 only
(w^2 + r (1 - w)^2)/(1 - (1 - w)^2) depends on w, least at  w^2 + r w - r = 0:  .618 for r = 1, whatever the covariance.
Equations: theory (15.10) and (15.11).
"""

__all__ = ["collapse_excess", "endless_generations"]

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.operators import DiagonalOperators
from rfgen.numerics.compilation.precision import require_double_precision


def _kappa(eigenvalues: Array, n: Any, ridge: Any) -> Array:
    """Effective ridge of n rows."""
    ones, full = jnp.ones(1), jnp.asarray(jnp.inf)
    operators = DiagonalOperators(eigenvalues[None], jnp.ones_like(eigenvalues))
    blocks = Blocks(ones, ones / n, ones[:, None, None, None])
    at = block_equilibrium(operators, blocks, full, jnp.asarray(ridge / n, jnp.float64))
    return at.nu / at.strength[0]


def collapse_excess(eigenvalues: Any, difference: Any, n: Any, share: Any, ridge: Any) -> Array:
    """Risk that a `share` of generated rows adds to that of `n` real ones; `difference` (modes,): squared weights, in the
    mean, by which the generating model misses the truth.

    Scalars but for the modes, traceable.  Source: the strong model collapse of arXiv 2410.04840; re-derived from the risk
    of two domains: theory (15.10).

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     round(float(collapse_excess(jnp.ones(10), 0.1 * jnp.ones(10), 1e9, 0.01, 1.0)) / 1e-4, 5)
    1.0
    """
    require_double_precision("rfgen.theory.collapse_excess")
    eigenvalues, difference = (jnp.asarray(value, jnp.float64) for value in (eigenvalues, difference))
    kappa = _kappa(eigenvalues, n, ridge)
    learned = eigenvalues / (eigenvalues + kappa)
    square = jnp.sum(learned**2)
    u = square / (n - square)
    moved = jnp.sum(difference * eigenvalues * learned**2)
    left = jnp.sum(difference * eigenvalues * (1.0 - share * learned) ** 2)
    return share**2 * (1.0 + (1.0 - share) * u) * moved + share * u * left


def endless_generations(
    eigenvalues: Any, weights: Any, test: Any, n: Any, share: Any, ridge: Any, noise: Any, ratio: Any = 1.0
) -> Array:
    """Excess risk after endless generations on the same `n` inputs: each learns `share` (in (0, 1)) times fresh labels of
    variance `noise` plus (1 - share) times the last model's, with noise of `ratio` times that.

    `weights` (modes,) squared; `test` (modes,) covariance of the test population.  Traceable; from ridges 1e-8 on, below
    which it cancels.  Source: the golden ratio of mixing, arXiv 2509.22341; re-derived: theory (15.11).
    """
    require_double_precision("rfgen.theory.endless_generations")
    eigenvalues, weights, test = (jnp.asarray(value, jnp.float64) for value in (eigenvalues, weights, test))

    def trace(own: Any) -> Array:
        kappa = _kappa(eigenvalues, n, own)
        return kappa / own * jnp.sum(test / (eigenvalues + kappa))

    kappa = _kappa(eigenvalues, n, ridge / share)
    learned = eigenvalues / (eigenvalues + kappa)
    missed = (1.0 - learned) ** 2 * weights
    spread = jnp.sum(test * learned**2 / eigenvalues) / (n - jnp.sum(learned**2))
    mean = jnp.sum(missed * test) + jnp.sum(missed * eigenvalues) * spread
    both = trace(ridge / share) / share - trace(ridge / (2.0 - share)) / (2.0 - share)
    return mean + noise * (share**2 + ratio * (1.0 - share) ** 2) / (2.0 * (1.0 - share)) * both
