"""Exact risk of kernel ridge and random-feature regression: the curve of `Ridge`, and of its ensembles.

Equations: theory (1.4), (1.5), (4.1) and (4.2).
"""

__all__ = ["Risk", "risk"]

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.equilibrium import equilibrium, training_group
from rfgen.equivalents.error_kernel import ErrorKernel, error_kernel
from rfgen.numerics.compilation.precision import needs_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.problems.spectra.modes import Modes


@record
class Risk(ErrorKernel):
    """One point of a curve; every field is a scalar (), or batched by vmap.

    Beside the fields of `ErrorKernel`, `kappa`, `gamma`: effective ridges; `df1`: degrees of freedom, the sum of all
    learnabilities; `residual` of the equilibrium and whether it `converged`.
    """

    kappa: Float[Array, "*batch"]
    gamma: Float[Array, "*batch"]
    df1: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


@needs_double_precision
@partial(jax.jit, static_argnames="shared")
def risk(modes: Modes, n: Any, features: Any = jnp.inf, ridge: Any = 0.0, noise: Any = 0.0, shared: str = "all") -> Risk:
    """Risk of ridge regression on `n` samples and `features` random features (inf: the full kernel).

    All four are scalars >= 0 (n, features > 0, need not be whole), traceable: jit, grad (any order) and vmap.  `modes`
    is `Task.modes`, with `power` of shape (modes,).  `ridge` is unnormalised, `noise` a variance.

    Exact as n, features and the number of modes grow together, for inputs whose eigen-coordinates behave as independent
    ones; the error at finite n is of relative order 1/n away from the interpolation peak.  Test risk is inf exactly
    where it diverges: ridge 0 at n = features < rank, or n = rank <= features.  A ridge below 1e-307 of the
    eigenvalues counts as 0.

    `shared` "samples": the mean product of the errors of two models with features of their own on the same samples, which
    is the risk of an ensemble of infinitely many; see `rfgen.theory.ensemble`.

    Source: arXiv 2311.14646 (test and train risk), derived (parts, norm); rewritten without cancellations, see
    `rfgen.equivalents.error_kernel`.

    >>> import jax, rfgen
    >>> task = rfgen.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=2000)
    >>> with jax.enable_x64(True):
    ...     point = risk(task.modes, n=256, features=1000, ridge=0.1, noise=0.5)
    ...     slope = jax.grad(lambda ridge: risk(task.modes, 256, 1000, ridge, 0.5).test)(0.1)
    >>> round(float(point.test), 12), float(slope) < 0
    (0.917105668216, True)
    """
    features, ridge = (jnp.asarray(value, dtype=jnp.float64) for value in (features, ridge))
    group = training_group(modes, n, noise)
    at = equilibrium(group, features, ridge)
    if shared == "samples":  # no fluctuations of the features: the kernel of infinitely many, at the same gamma
        of = error_kernel(group, replace(at, feature_gap=jnp.ones_like(at.feature_gap)), jnp.asarray(jnp.inf))
    else:
        of = error_kernel(group, at, features)
    return Risk(**vars(of), kappa=at.kappa, gamma=at.gamma, df1=at.df1, residual=at.residual, converged=at.converged)
