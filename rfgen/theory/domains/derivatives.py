"""All derivatives of a risk from one: with respect to the rows, weights and noise of every domain, and the ridge.

Let L(h) be the deterministic value of the training objective with h times the test error added, as one more domain of mass
h and weight 0.  Then risk = dL/dh at h = 0, and as mixed derivatives are equal, with delta_d = omega_d tr(Sigma_d Q),

    d risk/d n_d = d/dh [omega_d tau_d/(1 + delta_d)],      d risk/d omega_d = d/dh [n_d tau_d/(1 + delta_d)^2],
    d risk/d ridge = d/dh |w|^2,                            d risk/d s_d = d/dh [n_d omega_d/(1 + delta_d)]:

one forward derivative in one variable, for as many domains as there are.  (Derived: theory (15.5).)
"""

__all__ = ["DomainDerivatives", "domain_derivatives"]

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.domain_target import DomainTarget
from rfgen.numerics.compilation.precision import require_double_precision
from rfgen.numerics.compilation.record import record
from rfgen.theory.domains.problem import DomainProblem


@record
class DomainDerivatives:
    """Of the test risk of a population, or of each, with respect to `n`, `weight`, `noise` (domains,) and `ridge` ()."""

    n: Float[Array, "*batch domains"]
    weight: Float[Array, "*batch domains"]
    noise: Float[Array, "*batch domains"]
    ridge: Float[Array, "*batch"]


def domain_derivatives(
    problem: DomainProblem, n: Any, weight: Any, features: Any = jnp.inf, ridge: Any = 0.0
) -> DomainDerivatives:
    """Derivatives of `domain_risk(...).test` at a ridge > 0, where the risk is smooth."""
    require_double_precision("rfgen.theory.domain_derivatives")
    n, weight, features, ridge = (jnp.asarray(value, jnp.float64) for value in (n, weight, features, ridge))
    operators, count = problem.operators, problem.noise.size

    def of_test(test: Array, teacher: Array, irreducible: Array) -> DomainDerivatives:
        covariance = jnp.concatenate([problem.covariance, test[None]])
        teachers = jnp.concatenate([problem.teachers, teacher[None]])
        noise = jnp.append(problem.noise, irreducible)
        misfit = jnp.append(problem.misfit, 0.0)
        target = DomainTarget(teachers, jnp.ones((count + 1, 1)), test[:, None], teacher[None], misfit)

        def marginal(h: Array) -> DomainDerivatives:
            blocks = Blocks(jnp.append(n * weight, h), jnp.append(weight, 0.0), covariance[:, None, None])
            at = block_equilibrium(operators, blocks, features, ridge)
            mean = target.mean_fit(operators, blocks, at, at)
            traces = (operators.pair(at.resolvent, at.resolvent), operators.plain(at.resolvent, at.resolvent))
            found = block_error_kernel(*traces, blocks, at, at, features, mean.residuals, noise[:, None, None], mean.norm)
            tau = (mean.residuals[:, 0, 0] + noise + covariance @ found.spread.sum(axis=0))[:-1]
            left = at.reduction[:-1, 0, 0]
            return DomainDerivatives(weight * tau * left, n * tau * left**2, n * weight * left, found.norm.sum())

        return jax.jvp(marginal, (jnp.zeros(()),), (jnp.ones(()),))[1]

    return jax.vmap(of_test)(problem.test, problem.test_teachers, problem.test_noise)
