"""Exact risk of ridge regression on rows of several domains, for any number of test populations.

Domain d has n_d rows of covariance Sigma_d, labels w_d.x with noise of variance s_d, and the weight omega_d in the
objective  sum_d omega_d |y_d - X_d w|^2 + ridge |w|^2.  A test population (A, w*, s*) enters only the last line,

    risk = s* + (w_bar - w*)' A (w_bar - w*) + tr(A Q E Q),

so one equilibrium and one error kernel serve all of them.  Equations: theory (15.2) to (15.4).
"""

__all__ = ["DomainRisk", "domain_risk"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.domain_target import DomainTarget
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.ridge.block_risk import DIVERGENT


@record
class DomainRisk:
    """One point of a curve; fields by test population (tests,), by domain (domains,), or scalars.

    `test = bias + variance + noise`, `variance = data_variance + features_variance`, `noise = irreducible + the sum of
    noise_by_domain`, (tests, domains): what the noise of each domain's labels adds.  `train` (domains,): mean squared
    residual of a row of each, 0 of no rows; `norm`: mean squared weights; `amplification` (tests,): factor on a noise that
    all labels have; `df1`; `residual` of the equilibrium, `converged`.
    """

    test: Float[Array, "*batch tests"]
    bias: Float[Array, "*batch tests"]
    variance: Float[Array, "*batch tests"]
    data_variance: Float[Array, "*batch tests"]
    features_variance: Float[Array, "*batch tests"]
    noise: Float[Array, "*batch tests"]
    irreducible: Float[Array, "*batch tests"]
    noise_by_domain: Float[Array, "*batch tests domains"]
    train: Float[Array, "*batch domains"]
    norm: Float[Array, "*batch"]
    amplification: Float[Array, "*batch tests"]
    df1: Float[Array, "*batch"]
    residual: Float[Array, "*batch"]
    converged: Bool[Array, "*batch"]


def domain_risk(
    problem: DomainProblem, n: Any, weight: Any, features: Any = jnp.inf, ridge: Any = 0.0, shared: str = "all"
) -> DomainRisk:
    """Risk of ridge regression on `n` (domains,) rows of weights `weight` (domains,), by `features` random features.

    Scalars but for the domains, traceable: jit, grad and vmap.  `ridge` unnormalised; features are seen by all domains and
    by the tests.  `shared` as in `rfgen.theory.augmented_risk`.  Exact as n, features and modes grow together, at fixed
    numbers of rows; a domain of few rows with a covariance of its own is off by O(1/n_d).

    Source: derived: theory (15.2) to (15.4); the equivalents of several classes are those of arXiv 1510.03463, 2410.04840.
    """
    require_double_precision("rfgen.theory.domain_risk")
    n, weight, features, ridge = (jnp.asarray(value, jnp.float64) for value in (n, weight, features, ridge))
    blocks = Blocks(n * weight, weight, problem.covariance[:, None, None])
    operators, count = problem.operators, problem.noise.size
    at = block_equilibrium(operators, blocks, features, ridge)

    target = DomainTarget(problem.teachers, jnp.ones((count, 1)), problem.test.T, problem.test_teachers, problem.misfit)
    fit = target.mean_fit(operators, blocks, at, at)
    traces = (operators.pair(at.resolvent, at.resolvent), operators.plain(at.resolvent, at.resolvent))

    def sources(unit: Array) -> Any:
        """Spread (3, J) and norm (3,) of target, unit noise of one domain, features."""
        found = block_error_kernel(*traces, blocks, at, at, features, fit.residuals, unit[:, None, None], fit.norm, shared)
        return found.spread, found.norm

    spread, norms = jax.vmap(sources)(jnp.eye(count))
    amplified = problem.test @ spread[:, 1].T  # (tests, domains)
    bias, data, from_features = fit.bias, problem.test @ spread[0, 0], problem.test @ spread[0, 2]
    by_domain, amplification = amplified * problem.noise, 1.0 + amplified.sum(axis=1)
    diverges = at.vanishing & ~((amplification < DIVERGENT) & (amplification >= 0.0))
    scale = 1e-30 * (bias + problem.noise.sum())

    def limit(value: Array, source: Array) -> Array:
        # what the ridge that stands for 0 leaves of a source is none
        return jnp.where(diverges, jnp.where(source <= scale, 0.0, jnp.inf), value)

    data, from_features = limit(data, bias), limit(from_features, fit.norm)
    by_domain = jax.vmap(limit, (1, 0), 1)(by_domain, problem.noise)
    noise = problem.test_noise + by_domain.sum(axis=1)
    variance = data + from_features
    test = bias + variance + noise
    total = spread[0, 0] + spread[0, 2] + problem.noise @ spread[:, 1]
    tau = fit.residuals[:, 0, 0] + problem.noise + problem.covariance @ total
    train = tau * at.reduction[:, 0, 0] ** 2
    # the ridge that stands for 0 leaves 1e-60 of it at an interpolating point
    lost = (n == 0.0) | at.vanishing & (jnp.any(diverges) | (train < 1e-30 * jnp.max(test)))
    norm = norms[0, 0] + norms[0, 2] + problem.noise @ norms[:, 1]
    return DomainRisk(
        test=test, bias=bias, variance=variance, data_variance=data, features_variance=from_features, noise=noise,
        irreducible=problem.test_noise, noise_by_domain=by_domain, train=jnp.where(lost, 0.0, train),
        norm=jnp.where(jnp.any(diverges), jnp.inf, norm), amplification=jnp.where(diverges, jnp.inf, amplification),
        df1=at.df1, residual=at.residual, converged=at.converged,
    )
