"""Learnabilities: the share of each mode that ridge regression recovers, and the law that they share n between them.

Equations: theory (2.4) and (2.5).
"""

__all__ = ["Learnability", "learnability"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import equilibrium, training_group
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes


@record
class Learnability:
    """`shares` (modes,): L_i = lambda_i / (lambda_i + gamma), between 0 and 1; `kappa`, `gamma` (): effective ridges;
    `unspent` (): n - sum_i multiplicity_i L_i = ridge / kappa, samples left over (0 for an interpolating learner).
    """

    shares: Float[Array, "*modes"]
    kappa: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]
    unspent: Float[Array, "*batch"]


@needs_double_precision
@jax.jit
def learnability(modes: Modes, n: Any, ridge: Any = 0.0, features: Any = jnp.inf) -> Learnability:
    """Learnabilities of `modes` at `n` samples; scalars in, traceable.

    Conservation: sum_i multiplicity_i L_i + ridge / kappa = n.  At ridge 0 the L_i add up to min(n, features, rank).
    `modes` is `Task.modes` (nodes of a compressed spectrum: use their weights), or holds a mode an entry.

    Source: arXiv 2306.13185, 2311.14646 (features).

    >>> import jax, rfgen
    >>> modes = rfgen.Task([4.0, 2.0, 1.0], [1.0, 1.0, 1.0]).modes
    >>> with jax.enable_x64(True):
    ...     at = learnability(modes, n=2, ridge=0.5)
    ...     total = (modes.multiplicity * at.shares).sum() + 0.5 / at.kappa
    >>> round(float(total), 12)
    2.0
    """
    group = training_group(modes, n, 0.0)
    features, ridge = (jnp.asarray(value, dtype=jnp.float64) for value in (features, ridge))
    at = equilibrium(group, features, ridge)
    shares = group.modes.eigenvalues / (group.modes.eigenvalues + at.gamma)
    return Learnability(shares, at.kappa, at.gamma, at.row_gap)
