"""How far gcv and leave-one-out scatter round the test risk, before any data.

For labels that are mostly noise their relative variance is 2 S_4 / S_2^2 with S_j = tr (K + ridge)^-j.  Since
S_1 = 1/kappa(ridge) and S_{j+1} = -S_j'/j, it needs three derivatives of 1/kappa, taken along u = log kappa: with
a = n - df1, so that ridge = kappa a, and w = dridge/dkappa = a + da/du,

    2 S_4 / S_2^2 = (2/w) (1 + 7/6 v + v^2/2 - v2/6),    v = w_u/w,  v2 = w_uu/w.

For the full kernel w = n - df2.  For random features, with x = log gamma, b = 1 - df1/features and
p = df1 - df2 = -d df1/dx,   u = x + log b,  so that d/du = rho d/dx with rho = b/(b + p/features), and w = a + rho p.
Equations: theory (11.11).
"""

__all__ = ["estimator_error"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.equilibrium import equilibrium
from rfgen.equivalents.groups import training_group
from rfgen.numerics.precision import needs_double_precision
from rfgen.problems.spectra.modes import Modes


@needs_double_precision
@jax.jit
def estimator_error(modes: Modes, n: Any, features: Any = jnp.inf, ridge: Any = 0.0) -> Float[Array, ""]:
    """The standard error of gcv, and of leave-one-out, over training sets, as a share of the test risk: a scalar ().

    Arguments as in `risk` (scalars, traceable; ridge unnormalised); the target and the size of the noise play no part.

    Exact for gcv with Gaussian labels that are independent of the inputs, as n grows.  With a target the labels of a
    training set also vary through the inputs: at n = 50 ... 400, noise half of the null risk or more, what was seen lay
    between 0.85 and 1.0 of this, and loo within a few per cent of gcv; with less noise it is less.  The realised test risk
    of one fit scatters too, and hardly with the estimates.  Never above sqrt 2, its value where one eigenvalue of K rules,
    as at n = rank with ridge 0.

    Source: derived.

    >>> import jax, rfgen
    >>> task = rfgen.Task.isotropic(100)
    >>> with jax.enable_x64(True):  # without a kernel to speak of, n independent labels: sqrt(2/n)
    ...     [round(float(estimator_error(task.modes, 200, ridge=ridge)), 4) for ridge in (0.0, 1e9)]
    [0.1414, 0.1]
    """
    features, ridge = (jnp.asarray(value, dtype=jnp.float64) for value in (features, ridge))
    group = training_group(modes, n, 0.0)
    at = equilibrium(group, features, ridge)
    modes = group.modes
    inverse = 1.0 / (modes.eigenvalues + at.gamma)
    learned, missed = modes.eigenvalues * inverse, at.gamma * inverse
    both = modes.multiplicity * learned * missed
    apart = learned - missed
    # p and its derivatives in x
    p, p1 = at.spread, jnp.sum(both * apart)
    p2 = jnp.sum(both * (apart * apart - 2.0 * learned * missed))
    b, q, q1, q2 = at.feature_gap, p / features, p1 / features, p2 / features
    # features = rank at ridge 0: b and q vanish together, and alike
    gone = b + q == 0.0
    total = jnp.where(gone, 1.0, b + q)
    rho = jnp.where(gone, 0.5, b / total)
    rho1 = (q * q - b * q1) / total**2
    rho2 = (q * q1 - b * q2) / total**2 - 2.0 * rho1 * (q + q1) / total
    w = at.row_gap + rho * p
    w_x = p + rho1 * p + rho * p1
    w_xx = p1 + rho2 * p + 2.0 * rho1 * p1 + rho * p2
    safe = jnp.where(w > 0.0, w, 1.0)
    v, v2 = rho * w_x / safe, rho * (rho1 * w_x + rho * w_xx) / safe
    squared = 2.0 / safe * (1.0 + 7.0 / 6.0 * v + 0.5 * v * v - v2 / 6.0)
    return jnp.sqrt(jnp.where(w > 0.0, jnp.minimum(squared, 2.0), 2.0))
