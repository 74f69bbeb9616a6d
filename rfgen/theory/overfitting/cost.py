"""The cost of overfitting: risk at ridge 0 over the least risk of all ridges.

    cost = test(ridge 0) / min over ridge of test(ridge) <= E0,    E0 = n / (n - sum_i L_i^2),    sum_i L_i = n

with equality for a target of pure noise, for which predicting zero is best.  E0, the overfitting coefficient, knows the
spectrum and n but not the target: the agnostic view.  It is the amplification of the ridgeless engine; with random
features that reads (derived)

    E0(kernel) + n / (features - n)    for n < features, n < rank
    n / (n - min(features, rank))      for n > min(features, rank)

Source: arXiv 2306.13185 (kernel); derived from arXiv 2311.14646 (features).  Equations: theory (4.3) and (9.1).
"""

__all__ = ["OverfittingCost", "cost_of", "overfitting_coefficient", "overfitting_cost"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes
from rfgen.theory.ridge.optimal_ridge import optimal_ridge
from rfgen.theory.ridge.risk import risk


@record
class OverfittingCost:
    """One point of a curve; every field is a scalar (), or batched by vmap.

    `cost` = `ridgeless_test` / `best_test` (units of target squared, noise included); `best_ridge`: 0 where
    interpolation is best, inf where predicting zero is; `overfitting_coefficient`: E0, the
    amplification at ridge 0; `kappa`, `residual`, `converged` of the equilibrium at ridge 0.
    """

    cost: Float[Array, "*batch"]
    best_ridge: Float[Array, "*batch"]
    best_test: Float[Array, "*batch"]
    ridgeless_test: Float[Array, "*batch"]
    overfitting_coefficient: Float[Array, "*batch"]
    kappa: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@needs_double_precision
@jax.jit
def overfitting_coefficient(modes: Modes, n: Any, features: Any = jnp.inf) -> Float[Array, ""]:
    """E0 at `n` samples, a scalar: the factor by which interpolation multiplies pure noise; inf where it diverges.

    n = rank (or n = features) gives inf, n > rank gives n / (n - rank): least squares, no longer interpolating.

    >>> import jax, rfgen
    >>> with jax.enable_x64(True):
    ...     round(float(overfitting_coefficient(rfgen.Task.power_law(3.0, 1.5).modes, n=1000)), 3)
    2.999
    """
    return risk(modes, n, features).amplification


def cost_of(ridgeless: Any, best: Any) -> Array:
    """`ridgeless / best`; 1 where both are 0 (a target learned without error costs nothing), inf over a finite risk."""
    ridgeless, best = (jnp.asarray(value, dtype=jnp.float64) for value in (ridgeless, best))
    learned = (best == 0.0) & (ridgeless == 0.0)
    return jnp.where(learned, 1.0, ridgeless / jnp.where(learned, 1.0, best))


@needs_double_precision
@jax.jit
def overfitting_cost(modes: Modes, n: Any, features: Any = jnp.inf, noise: Any = 0.0) -> OverfittingCost:
    """Cost of overfitting at `n` samples; scalars in, traceable; vmap it over n, features, noise.

    `modes` is `Task.modes`, with `power` of shape (modes,).  At n = rank (or n = features < rank) the cost is inf where the
    ridgeless risk is.  Errors and regime as `rfgen.theory.risk`; the cost is at most E0 for the full kernel.

    >>> import jax, rfgen
    >>> task = rfgen.Task([1.0, 0.5, 0.25], [0.0, 0.0, 0.0])
    >>> with jax.enable_x64(True):
    ...     at = overfitting_cost(task.modes, n=2.0, noise=0.3)
    >>> abs(float(at.cost) / float(at.overfitting_coefficient) - 1) < 1e-12, float(at.best_ridge)
    (True, inf)
    """
    n, features, noise = (jnp.asarray(value, dtype=jnp.float64) for value in (n, features, noise))
    best = optimal_ridge(modes, n, features, noise)
    at = risk(modes, n, features, 0.0, noise)
    return OverfittingCost(
        cost=cost_of(at.test, best.risk.test), best_ridge=best.ridge, best_test=best.risk.test, ridgeless_test=at.test,
        overfitting_coefficient=at.amplification, kappa=at.kappa, residual=at.residual,
        converged=at.converged & best.risk.converged,
    )
