"""What one stage of training makes: mean weights and the covariance of their fluctuations.

Trained weights are w_bar + fluctuations of covariance K, Gaussian in what counts and independent of all that was before, as
rows and features are fresh.  With c_d the strengths of the domains

    w_bar = Q sum_d c_d Sigma_d w_d,      K = Q [sum_d n_d omega_d^2 tau_d/(1 + delta_d)^2 Sigma_d + nu^2 |w|^2/features] Q,

summed over pairs of nodes of a contour for gradient training.  Equations: theory (15.8) and (15.9).
"""

__all__ = ["Fitted", "fitted_stage"]

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.equivalents.augmented.block_equilibrium import block_equilibrium
from rfgen.equivalents.augmented.block_error_kernel import block_error_kernel
from rfgen.equivalents.augmented.blocks import Blocks
from rfgen.equivalents.domain_target import DomainTarget
from rfgen.numerics.compilation.program import program
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.dynamics.spectral_filters import Filter, windows
from rfgen.theory.dynamics.trajectory import kernels_at, largest_eigenvalue
from rfgen.theory.ridge.block_risk import AugmentedProblem


@dataclass(frozen=True)
class Fitted:
    """`mean` (outputs, p); `spread`: K, (p,) or (p, p); whether the equilibria were `solved`."""

    mean: np.ndarray
    spread: np.ndarray
    solved: bool


def fitted_stage(
    problem: DomainProblem, n: np.ndarray, weight: np.ndarray, features: float, training: Filter | float, clock: float = 0.0
) -> Fitted:
    """Trained from weights 0 on the teachers of `problem`, by a ridge (unnormalised, a number) or a filter at its clock."""
    if not isinstance(training, Filter):
        return _of_ridge(problem, n, weight, features, training)
    total = float(n.sum())
    if np.isposinf(clock):
        return _of_ridge(problem, n, weight, features, training.ridge * total)
    outputs = np.asarray(problem.teachers[0])
    if clock == 0.0:
        return Fitted(np.zeros_like(outputs), np.zeros(problem.operators.basis.shape[1:]), True)
    engine = AugmentedProblem(
        problem.operators, Blocks(n * weight / total, weight, np.asarray(problem.covariance)[:, None, None]),
        DomainTarget(problem.teachers, np.sqrt(np.asarray(problem.noise))[:, None], problem.test.T, problem.test_teachers),
        np.zeros(()),
    )
    sizes, edge = (np.float64(total), np.float64(features)), 1e3 / clock
    if training.kind != "flow":
        edge = largest_eigenvalue(engine, *sizes) + training.ridge
        if training.rate * edge >= training.stable_below:
            most = training.stable_below / edge
            raise ValueError(f"rate must be below the edge of stability, {most:.4g}, got {training.rate:g}")
    (window,) = windows(training, np.array([clock]), edge, False, False)
    nodes, kernels = kernels_at(engine, *sizes, window.ways(training.ridge - window.zeta), by_group=True)
    count = nodes.ridge.shape[0]
    f = np.pad(window.filters[0], (0, count - window.zeta.size))
    resolvent, nu, left = (np.asarray(part) for part in (nodes.resolvent, nodes.nu, nodes.reduction[:, :, 0, 0]))
    covariance = np.tensordot(np.asarray(problem.covariance), np.asarray(problem.operators.basis), 1)
    strength = left * (n * weight / total)
    dense, teachers = covariance.ndim == 3, np.asarray(problem.teachers)
    seen = np.einsum("gop,gpq->goq", teachers, covariance) if dense else teachers * covariance[:, None]
    through = np.einsum("ag,goq->aoq", strength, seen)
    means = through @ resolvent if dense else through * resolvent[:, None]
    keep = np.r_[:count, count + 1 : 2 * count + 1]  # at infinity the resolvent is 0
    pairs = kernels.train.sum(axis=-1)[:count, keep] * (weight / total)
    sides = np.concatenate([f, f.conj()]), np.concatenate([resolvent, resolvent.conj()])
    across = kernels.norm.sum(axis=-1)[:count, keep] * np.outer(nu, np.concatenate([nu, nu.conj()])) / features
    right = sides[0].reshape(-1, *[1] * (resolvent.ndim - 1)) * sides[1]
    first = f.reshape(-1, *[1] * (resolvent.ndim - 1)) * resolvent
    spread = np.zeros(resolvent.shape[1:])
    operators = [*covariance, np.eye(len(spread)) if dense else np.ones_like(spread)]
    for own, pair in zip(operators, [*np.moveaxis(pairs, 2, 0), across], strict=True):
        met = np.tensordot(pair, right, 1)
        added = np.einsum("apq,aqr->pr", first @ own, met) if dense else own * np.sum(first * met, axis=0)
        spread = spread + 2.0 * np.real(added)
    return Fitted(2.0 * np.real(np.tensordot(f, means, 1)), spread, bool(np.asarray(nodes.converged).all()))


def _of_ridge(problem: DomainProblem, n: Any, weight: Any, features: Any, ridge: Any) -> Fitted:
    mean, spread, solved = map(np.asarray, _ridge(problem, n, weight, features, ridge))
    return Fitted(mean, spread, bool(solved))


@program
def _ridge(problem: DomainProblem, n: Any, weight: Any, features: Any, ridge: Any) -> tuple[Any, Any, Any]:
    n, weight, features, ridge = (jnp.asarray(value, jnp.float64) for value in (n, weight, features, ridge))
    operators, count = problem.operators, problem.noise.size
    blocks = Blocks(n * weight, weight, problem.covariance[:, None, None])
    at = block_equilibrium(operators, blocks, features, ridge)
    target = DomainTarget(problem.teachers, jnp.ones((count, 1)), problem.test.T, problem.test_teachers)
    fit, mean = target.mean_fit(operators, blocks, at, at), target.mean(operators, blocks, at)[0]
    traces = (operators.pair(at.resolvent, at.resolvent), operators.plain(at.resolvent, at.resolvent))
    noise = problem.noise[:, None, None]
    found = block_error_kernel(*traces, blocks, at, at, features, fit.residuals, noise, fit.norm)
    force = weight * found.train.sum(axis=1) @ problem.covariance  # of each operator
    across = jnp.where(jnp.isfinite(features), at.nu**2 * found.norm.sum() / features, 0.0)
    summed = jnp.tensordot(force, operators.basis, 1)
    if summed.ndim == 1:
        spread = at.resolvent**2 * (summed + across)
    else:
        spread = at.resolvent @ (summed + across * jnp.eye(summed.shape[0])) @ at.resolvent
    return mean, spread, at.converged & jax.numpy.isfinite(spread).all()
