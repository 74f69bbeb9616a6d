"""The mixture of domains that makes the best model for a budget.

Rows n_d = budget share_d / cost_d; minimised over shares, the ridge and, if asked, the weights omega_d (one of them 1: only
omega/ridge counts).  At a minimum what another unit of the budget would bring, -(d risk/d n_d)/cost_d, is the same for all
domains that are used, and not more for the others.  The risk is not convex in the shares: several starts, among them every
domain alone.  The ridge is tuned inside: at a fixed one shares would mend what it does wrong, as at the peak of ridge 0.
Equations: theory (15.7).
"""

__all__ = ["BestMixture", "best_mixture"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.numerics.compilation.program import program
from rfgen.theory.domains.derivatives import domain_derivatives
from rfgen.theory.domains.problem import DomainProblem
from rfgen.theory.domains.risk import domain_risk

# Shares below this are none, if the domain is worth less than those that are used.
UNUSED = 1e-4
# Ridges that are searched, in units of the mean trace of a row, and those that searches start from.
LEAST_RIDGE, LARGEST_RIDGE, RIDGES = 1e-8, 1e6, (1e-3, 0.1)
# Weights are searched up to this factor of that of the first domain used, both ways.
MOST_WEIGHT = 1e3


@dataclass(frozen=True)
class BestMixture:
    """`share`, `n`, `weight`, `value` (domains,): of one more unit of cost; `ridge`, `test`; `alone` (domains,): test risk
    of each domain alone at its best ridge; `violation`: what the first-order conditions lack, relative.
    """

    share: np.ndarray
    n: np.ndarray
    weight: np.ndarray
    value: np.ndarray
    ridge: float
    test: float
    alone: np.ndarray
    violation: float


@program
def _slopes(problem: DomainProblem, n: Any, weight: Any, features: Any, ridge: Any) -> Any:
    found = domain_risk(problem, n, weight, features, ridge)
    along = domain_derivatives(problem, n, weight, features, ridge)
    return found.test[0], along.n[0], along.weight[0], along.ridge[0]


def best_mixture(
    problem: DomainProblem, budget: float, cost: np.ndarray, features: float, weights: bool, starts: int = 4
) -> BestMixture:
    """For one test population, the first of `problem`; `starts` shares at random beside equal ones and single domains."""
    from scipy.optimize import minimize

    count, rows = cost.size, budget / cost
    size = float(np.mean(np.asarray(problem.covariance) @ np.asarray(_sizes(problem))))
    bounds = (np.log(LEAST_RIDGE * size), np.log(LARGEST_RIDGE * size))

    def unpack(z: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        share, weight, many = np.zeros(count), np.ones(count), used.size
        powers = np.exp(z[:many] - z[:many].max())
        share[used] = powers / powers.sum()
        if weights:
            weight[used[1:]] = np.exp(z[many + 1 :])
        return share, weight, float(np.exp(z[many]))

    def objective(z: np.ndarray, used: np.ndarray) -> tuple[float, np.ndarray]:
        share, weight, ridge = unpack(z, used)
        test, by_n, by_weight, by_ridge = map(np.asarray, _slopes(problem, share * rows, weight, features, ridge))
        own = by_n * rows
        slopes = [(share * (own - share @ own))[used], [by_ridge * ridge]]
        if weights:
            slopes.append((by_weight * weight)[used[1:]])
        return float(test), np.concatenate(slopes)

    def improved(shares: np.ndarray, log_ridge: float, used: np.ndarray) -> Any:
        z = np.concatenate([np.log(shares[used]), [log_ridge], np.zeros(used.size - 1 if weights else 0)])
        factor = float(np.log(MOST_WEIGHT))
        limits = [(-14.0, 2.0)] * used.size + [bounds] + [(-factor, factor)] * (z.size - used.size - 1)
        options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 300}
        return minimize(objective, z, (used,), "L-BFGS-B", jac=True, bounds=limits, options=options)

    def best_of(shares: np.ndarray, used: np.ndarray) -> Any:
        found = [improved(shares, np.log(each * size), used) for each in RIDGES]
        return min(found, key=lambda one: one.fun)

    every = np.arange(count)
    alone = [best_of(np.ones(count), every[d : d + 1]) for d in range(count)]
    candidates = [(one, every[d : d + 1]) for d, one in enumerate(alone)]
    if count > 1:
        equal = best_of(np.full(count, 1.0 / count), every)
        candidates.append((equal, every))
        rng = np.random.default_rng(0)
        mostly = 0.1 / count + 0.9 * np.eye(count)
        begun = np.maximum([*mostly, *rng.dirichlet(np.ones(count), starts)], 1e-3)
        candidates += [(improved(shares, equal.x[count], every), every) for shares in begun]
    found, used = min(candidates, key=lambda one: one[0].fun)
    for _ in range(count):  # what is hardly used is left out, and the others are weighed again
        share, weight, ridge = unpack(found.x, used)
        value = -np.asarray(_slopes(problem, share * rows, weight, features, ridge)[1]) / cost
        kept = used[(share[used] > UNUSED) | (value[used] > share @ value)]
        if kept.size == used.size:
            break
        found, used = improved(np.maximum(share, UNUSED), np.log(ridge), kept), kept
    share, weight, ridge = unpack(found.x, used)
    value = -np.asarray(_slopes(problem, share * rows, weight, features, ridge)[1]) / cost
    common = float(share @ value)
    lacking = np.maximum(value - common, np.where(share > 0.0, common - value, 0.0)).max()
    return BestMixture(
        share, share * rows, np.where(share > 0.0, weight, 1.0), value, ridge, float(found.fun),
        np.array([one.fun for one in alone]), float(lacking / max(abs(common), 1e-300)),
    )


@program
def _sizes(problem: DomainProblem) -> Any:
    return problem.operators.size()
