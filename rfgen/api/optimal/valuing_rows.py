"""`row_value`, `optimal_mixture`: which rows are worth having."""

__all__ = ["optimal_mixture", "row_value"]

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen.api.domain_arguments import asked_domains
from rfgen.api.methods.table import method_for
from rfgen.curves.arguments import Numbers
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.at_points import in_batches
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.problems import rules, validation
from rfgen.problems.domains.domains import Domains
from rfgen.problems.learner import Learner
from rfgen.theory.domains.derivatives import domain_derivatives
from rfgen.theory.domains.mixture import best_mixture
from rfgen.theory.domains.problem import DomainProblem, domain_problem
from rfgen.theory.domains.risk import domain_risk

if TYPE_CHECKING:
    import xarray

# Points of commuting covariances computed side by side.
TOGETHER = 32
ATTRIBUTES = {"kind": "theory", "dtype": "float64", "source": "derived"}


@program
def _slopes(problem: DomainProblem, columns: tuple[Any, ...]) -> Any:
    def point(at: tuple[Any, ...]) -> Any:
        return vars(domain_derivatives(problem, *at)) | {"test": domain_risk(problem, *at).test}

    return in_batches(point, columns, TOGETHER if problem.operators.basis.ndim == 2 else None)


def _costs(domains: Domains, cost: Any) -> np.ndarray:
    """Price of a row of each domain, (domains,)."""
    if cost is None:
        return np.ones(len(domains.names))
    if not isinstance(cost, Mapping) or set(cost) != set(domains.names):
        raise ValueError(f"cost must give the price of a row of each domain, {', '.join(domains.names)}, got {cost!r}")
    return np.array([float(validation.positive(f"cost of {name}", cost[name], 0)) for name in domains.names])


@double_precision
def row_value(
    domains: Domains, learner: Learner, n: Any, *, weights: Mapping[str, Numbers] | None = None, test: Any = None,
    cost: Mapping[str, float] | None = None,
) -> "xarray.Dataset":
    """What one more row of each domain is worth to a test population: the derivatives of the exact test risk.

    Parameters
    ----------
    domains, learner, n, weights, test
        As in `predict`, of ridge regression at a ridge > 0.
    cost
        {name: price of a row}, > 0; None: 1 each.

    Returns
    -------
    xarray.Dataset
        Over the dimensions of `predict`, `test_domain` and `domain`: `value`, by how much one more unit of cost spent on
        rows of a domain lowers the test risk, negative where they harm; `by_n`, `by_weight`, `by_noise` (over `domain`)
        and `by_ridge`, derivatives of the test risk; `test`.

    Raises
    ------
    ValueError
        As in `predict`.

    Notes
    -----
    All derivatives come from one, that of the equilibrium in the mass of a small penalty, the test error itself.

    References
    ----------
    `rfgen.theory.domain_derivatives`, derived; mixtures after arXiv 2402.04376, 2504.06570.

    Examples
    --------
    >>> import rfgen as rg
    >>> real = rg.Task.power_law(1.5, 1.5, noise=0.5, modes=400)
    >>> domains = rg.Domains({"real": real, "cheap": real.shifted(overlap=0.9, noise=0.1)})
    >>> value = rg.row_value(domains, rg.Learner(rg.Ridge(0.3)), n={"real": 50, "cheap": 20}, test="real").value
    >>> bool(value.sel(domain="real") > value.sel(domain="cheap") > 0.0)
    True
    """
    method_for("row_value", domains, learner, weights=weights, test=test)
    asked, price = asked_domains(domains, learner, n, weights, test), _costs(domains, cost)
    training: Any = learner.training
    if np.min(training.ridge) <= 0.0:
        raise ValueError("ridge must be > 0 for row_value, as derivatives need not exist at 0: take a small one, as 1e-6")
    grid, problem = Grid(asked.axes), domain_problem(asked.law, len(domains.names))
    rows, weight = asked.columns(grid.columns)
    slopes = _slopes if len(rows) <= TOGETHER else _slopes.thorough
    found = slopes(problem, (rows, weight, grid.columns["features"], grid.columns["ridge"]))
    found = {name: np.asarray(value) for name, value in found.items()}
    values = {"test": found["test"], "value": -found["n"] / price, "by_ridge": found["ridge"]}
    values |= {f"by_{name}": found[name] for name in ("n", "weight", "noise")}
    curve = dataset(asked.axes, {}, domains, ATTRIBUTES, {})
    inner = ("test_domain", "domain")
    return asked.packed(curve, {name: (inner[: value.ndim - 1], value) for name, value in values.items()})


@double_precision
def optimal_mixture(
    domains: Domains, learner: Learner, budget: Numbers, *, cost: Mapping[str, float] | None = None, test: Any = None,
    weights: bool = False,
) -> "xarray.Dataset":
    """The shares of a budget spent on rows of each domain that make the best model for a test population.

    Parameters
    ----------
    domains, learner, test
        As in `predict`; the learner's own ridge plays no part, as it is tuned inside.
    budget
        > 0, what all rows cost together, a number or an array.
    cost
        {name: price of a row}, > 0; None: 1 each, and the budget is the number of rows.
    weights
        Whether the rows' weights are tuned too.

    Returns
    -------
    xarray.Dataset
        Over `budget`, `features` and `test_domain`: `test`, `ridge`; over `domain` the `share` of the budget,
        `rows_of_domain`, `weight`, `value` (of one more unit of cost) and `alone_test`, the risk of that domain alone at
        its own best ridge.  `first_order`: by how much the conditions of a minimum are missed, relative: values equal over
        the domains that are used, and no larger over the others.

    Raises
    ------
    ValueError
        As in `predict`.

    Notes
    -----
    The risk is not convex in the shares; the best of several starts, every domain alone among them, is given.  Numbers of
    rows are not rounded.

    References
    ----------
    `rfgen.theory.domain_derivatives`, derived; for the question of arXiv 2402.04376, 2504.06570.

    Examples
    --------
    >>> import rfgen as rg
    >>> real = rg.Task.power_law(1.5, 1.5, noise=0.5, modes=400)
    >>> domains = rg.Domains({"real": real, "cheap": real.shifted(overlap=0.9, noise=0.1)})
    >>> cost = {"real": 10.0, "cheap": 1.0}
    >>> best = rg.optimal_mixture(domains, rg.Learner(rg.Ridge()), budget=1000, cost=cost, test="real")
    >>> bool(best.test < best.alone_test.min()), float(best.first_order) < 1e-3
    (True, True)
    """
    method_for("optimal_mixture", domains, learner, test=test)
    price, tuned = _costs(domains, cost), rules.flag("weights", weights)
    axis = validation.positive("budget", budget)
    asked = asked_domains(domains, learner, dict.fromkeys(domains.names, 1.0), None, test)
    grid = Grid({"budget": axis, "features": learner.features})
    problem = domain_problem(asked.law, len(domains.names))
    columns, found = list(grid.columns.values()), []
    for (total, count), place in itertools.product(zip(*columns, strict=True), range(len(asked.tests))):
        parts = {name: getattr(problem, name)[place : place + 1] for name in ("test", "test_teachers", "test_noise")}
        found.append(best_mixture(replace(problem, **parts), float(total), price, float(count), tuned))
    names = {
        "test": "test", "ridge": "ridge", "first_order": "violation", "share": "share", "rows_of_domain": "n",
        "weight": "weight", "value": "value", "alone_test": "alone",
    }
    curve, values = dataset(grid.axes, {}, domains, ATTRIBUTES, {}), {}
    for name, field in names.items():
        value = np.array([getattr(one, field) for one in found])
        inner = ("test_domain", "domain")[: value.ndim]
        values[name] = (inner, value.reshape(-1, len(asked.tests), *value.shape[1:]))
    return asked.packed(curve, values)
