"""Training rows from several domains, models tested on any: exact curves and their simulation."""

__all__ = ["predict_domains", "simulate_domains"]

import functools
import itertools
from typing import Any

import jax
import numpy as np

from rfgen.api.domain_arguments import AskedDomains, asked_domains
from rfgen.curves.cells.content import content
from rfgen.curves.cells.precision import fewest_trials
from rfgen.curves.cells.run import whole
from rfgen.curves.dataset import DESCRIPTIONS, dataset, mean_and_error
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.compilation.program import program
from rfgen.problems.domains.domains import Domains
from rfgen.problems.learner import Learner, checked_members
from rfgen.simulation.runs.populations.domains import DomainRuns, domain_bytes, domain_runs
from rfgen.simulation.runs.trials import settings_of
from rfgen.theory.domains.flow import domain_flow
from rfgen.theory.domains.passes import domain_passes
from rfgen.theory.domains.problem import DomainProblem, domain_problem
from rfgen.theory.domains.risk import DomainRisk, domain_risk
from rfgen.theory.domains.views import Viewed, viewed
from rfgen.theory.dynamics.spectral_filters import filter_of
from rfgen.theory.ridge.ensemble import ensemble
from rfgen.theory.sgd.streaming.one_pass import iteration_of

# Points of commuting covariances computed together, few or many.
TOGETHER = (8, 256)
# Variables by their inner dimensions; all others have those of the curve alone.
INNER = {
    **dict.fromkeys(
        ("test", "bias", "variance", "data_variance", "features_variance", "noise", "irreducible", "variance_with_noise",
         "amplification"), ("test_domain",),
    ),
    "noise_by_domain": ("test_domain", "domain"), "train": ("domain",),
}

# What is measured of noise that is drawn apart, which real rows have not.
OF_MOMENTS = ("noise", "noise_by_domain", "bias", "variance")


@program(static_argnames=("shared", "together"))
def _risks(problem: DomainProblem, columns: tuple[Any, ...], shared: str, together: bool) -> DomainRisk:
    def point(at: tuple[Any, ...]) -> DomainRisk:
        return domain_risk(problem, *at, shared=shared)

    return jax.vmap(point)(columns) if together else jax.lax.map(point, columns)


def predict_domains(
    task: Domains, learner: Learner, n: Any, weights: Any = None, test: Any = None, members: Any = None
) -> Any:
    """Exact risk of linear models trained on rows of several domains, on one test population or many.

    Returns
    -------
    xarray.Dataset
        Over `n_<domain>`, `weight_<domain>` and the learner's settings, and over `test_domain`: `test` = `bias` +
        `variance` + `noise`, `variance` = `data_variance` + `features_variance`; `noise` = `irreducible`, of the test
        labels, + `noise_by_domain` over `domain`, what label noise of each adds (of batches of SGD only its sum);
        `variance_with_noise` as in textbooks.  `train` over `domain`, the mean squared residual of a row of each, 0 where
        it has none; `norm`, `df1`, `residual`, `converged`.  The coordinate `rows` counts those of all domains.

    Notes
    -----
    Exact as rows, features and inputs grow together; a domain of few rows and a covariance of its own is off by O(1/n_d).
    Weights multiply the squared residuals of a domain's rows, and the ridge is unnormalised.  Features are drawn once and
    seen by all domains and by the test.  Of real rows the population are the examples given, drawn with replacement.

    References
    ----------
    `rfgen.theory.domain_risk` and `rfgen.theory.domain_flow`, derived; several classes: arXiv 1510.03463, 2410.04840.

    Examples
    --------
    >>> import rfgen as rg
    >>> real = rg.Task.power_law(1.5, 1.5, noise=0.5, modes=400)
    >>> domains = rg.Domains({"real": real, "cheap": real.shifted(overlap=0.9, noise=0.1)})
    >>> curve = rg.predict(domains, rg.Learner(rg.Ridge(0.3)), n={"real": 50, "cheap": [0, 400]}, test="real")
    >>> curve.test.dims, curve.test.values.round(4)
    (('n_cheap',), array([1.0665, 0.9965]))
    """
    asked = asked_domains(task, learner, n, weights, test)
    sizes = None if members is None else checked_members(learner, members)
    groups = viewed(asked.law, asked.augmentations)
    grid, problem = Grid(asked.axes), domain_problem(groups.law, groups.owner.size)
    solve = _ridge_curve if learner.training.clock is None else _training_curve
    values = solve(asked, groups, learner.training, grid, problem, "all")
    axes = dict(asked.axes)
    if sizes is not None:
        pair = solve(asked, groups, learner.training, grid, problem, "samples")
        mixed = [_of_members(values, pair, float(size)) for size in np.ravel(sizes)]
        axes["members"] = sizes
        values = {name: np.stack([each[name] for each in mixed], axis=1) for name in values}
        values = {name: value.reshape(-1, *value.shape[2:]) for name, value in values.items()}
        grid = Grid(axes)
    growth = float(np.max(values.pop("growth", 1.0)))
    values["variance_with_noise"] = values["variance"] + values["noise"] - values["irreducible"]
    solved = values["converged"]
    for name, value in values.items():
        if name not in ("converged", "residual"):
            values[name] = np.where(solved.reshape(-1, *[1] * (value.ndim - 1)), value, np.nan)
    attributes = {"kind": "theory", "dtype": "float64", "source": "derived; several classes: arXiv 2410.04840"}
    if growth > 1.0:
        attributes["unstable"] = f"unstable: the risk grows without bound, by a factor of up to {growth:.6g} per step"
        warn_caller(attributes["unstable"])
    if not solved.all():
        attributes["failures"] = f"{int((~solved).sum())} point(s) not solved in double precision: take a larger ridge"
    return _as_dataset(asked, axes, values, attributes)


def _of_members(single: dict[str, np.ndarray], pair: dict[str, np.ndarray], members: float) -> dict[str, np.ndarray]:
    """Of the mean of so many models that share the rows."""
    mixed = ensemble(single, pair, members)
    if "noise_by_domain" in single:
        one, two = ({"noise": each["noise_by_domain"]} for each in (single, pair))
        mixed |= {"noise_by_domain": ensemble(one, two, members)["noise"]}
    return mixed | {"converged": single["converged"] & pair["converged"]}


def _ridge_curve(
    asked: AskedDomains, groups: Viewed, training: Any, grid: Grid, problem: DomainProblem, shared: str
) -> dict[str, np.ndarray]:
    """All variables at all points."""
    n, weight = groups.spread(*asked.columns(grid.columns))
    ridges, together = grid.columns["ridge"], problem.operators.basis.ndim == 2
    if ridges.min() < 0.0:
        raise ValueError(f"ridge must be >= 0 on several domains, got {training.ridge.min():g}")
    risks = _risks if len(n) <= TOGETHER[0] else _risks.thorough
    columns = [n, weight, grid.columns["features"], ridges]
    static, blocks = {"shared": shared, "together": together}, TOGETHER if together else ONE_BY_ONE
    return groups.gathered(blockwise(lambda *block: risks(problem, block, **static), columns, blocks))


def _training_curve(
    asked: AskedDomains, groups: Viewed, training: Any, grid: Grid, problem: DomainProblem, shared: str
) -> dict[str, np.ndarray]:
    """The same along training: one contour for each decade of the clock at every other point."""
    clock = training.clock
    if getattr(training, "finite_size", False):
        raise ValueError("finite_size is not derived on several domains: leave it out, or train by rg.GradientDescent")
    outer = Grid({name: axis for name, axis in grid.axes.items() if name != clock})
    plain = asked.columns(outer.columns)[0]
    n, weight = groups.spread(*asked.columns(outer.columns))
    found, times = [], np.ravel(training.axes[clock])
    for place, at in enumerate(outer.points):
        settings = {name: value for name, value in at.items() if name in training.axes}
        rows, own = (n[place], weight[place], at["features"]), float(plain[place].sum())
        if training.stochastic:
            found.append(domain_passes(problem, *rows, iteration_of(training, settings, own), times, shared))
        else:
            made = filter_of(type(training).__name__, settings, own)
            found.append(domain_flow(problem, *rows, made, times, shared, own))
    values = {name: np.stack([each[name] for each in found]) for name in found[0]}
    # the clock takes its place among the dimensions
    shape, axis = tuple(len(np.ravel(grid.axes[name])) for name in outer.axes), list(grid.axes).index(clock)
    return groups.gathered({
        name: np.moveaxis(value.reshape(*shape, *value.shape[1:]), len(shape), axis).reshape(-1, *value.shape[2:])
        for name, value in values.items()
    })


def _as_dataset(
    asked: AskedDomains, axes: dict[str, Any], values: dict[str, np.ndarray], attributes: dict[str, Any]
) -> Any:
    """The curve of `values` (points, ...), with the number of all rows."""
    found = dataset(axes, {}, asked.domains, attributes, {})
    found = asked.packed(found, {name: (INNER.get(name.removesuffix("_se"), ()), value) for name, value in values.items()})
    if asked.mixtures is not None:
        rows = zip(asked.domains.names, asked.mixtures.T, strict=True)
        found = found.assign_coords({f"n_{name}": ("mixture", count) for name, count in rows})
    found = found.assign_coords(rows=sum(found[f"n_{name}"] for name in asked.domains.names))
    found.rows.attrs["long_name"] = DESCRIPTIONS["rows"]
    for kind, text in (("n", "rows"), ("weight", "weight of the rows")):
        for name in (name for name in asked.domains.names if f"{kind}_{name}" in found.coords):
            found[f"{kind}_{name}"].attrs["long_name"] = f"{text} of {name}"
    return found


def simulate_domains(
    task: Domains, learner: Learner, n: Any, runs: MonteCarlo, weights: Any = None, test: Any = None,
    members: Any = None,
) -> Any:
    """Measured risk on several domains: the variables of the theory, each with its standard error.

    Notes
    -----
    Rows are Gaussian with the domain's covariance, or real ones drawn with replacement; of these `noise`, `bias` and
    `variance` are not told apart.  Trials of all weights and test populations share their rows.  The noise of each domain
    is fitted as labels of its own, which the fit is linear in; risks are exact in the population.
    """
    asked = asked_domains(task, learner, n, weights, test)
    sizes = np.ones(()) if members is None else checked_members(learner, members)
    if sizes.ndim or np.isinf(sizes):
        raise ValueError(f"members must be one finite number for a simulation of domains, got {members!r}")
    if any(one is not None and np.isinf(one.views) for one in asked.augmentations):
        raise ValueError("views must be finite to be simulated on domains, got inf: give views=..., a whole number")
    training, names, law = learner.training, task.names, asked.law
    settings = training if training.stochastic else settings_of(training, [], "float64")
    outer = asked.columns(Grid(asked.row_axes).columns)[0]
    none = {name: np.zeros(()) for name in asked.row_axes}
    weighing = Grid({**none, **{name: axis for name, axis in asked.axes.items() if name.startswith("weight_")}})
    weight = asked.columns(weighing.columns)[1]
    features = np.ravel(whole("features", learner.features))
    flat, cells = int(np.prod([axis.size for axis in training.axes.values()])), []
    identity = (*content(law), *(content(one.examples) for one in task.domains.values()), *content(training),
                *(content(one) for one in asked.augmentations if one is not None))
    for rows, count in itertools.product(whole("n", outer), features):
        counts = tuple(int(size) for size in rows)
        drawn = DomainRuns(
            tuple(task.domains.values()), law, settings, None if np.isinf(count) else int(count), asked.augmentations,
            int(sizes),
        )
        where = ", ".join(f"{size} rows of {name}" for name, size in zip(names, counts, strict=True))
        key = (*identity, weight, runs.seed, counts, drawn.features, int(sizes))
        measure = functools.partial(domain_runs, drawn, counts, weight)
        cells.append(runs.cell(measure, key, domain_bytes(drawn, sum(counts), flat), where))
    collected, attributes = runs.measured(cells, "n, features or inputs")
    values: dict[str, np.ndarray] = {}
    for name in collected[0]:
        if name in OF_MOMENTS and any(one.examples for one in task.domains.values()):
            continue
        both = zip(*(mean_and_error(cell[name]) for cell in collected), strict=True)
        for key, stacked in zip((name, f"{name}_se"), map(np.stack, both), strict=True):
            # cells are (n..., features), their values (weights..., settings...): weights stand before features
            inner = stacked.shape[3:]
            moved = np.moveaxis(stacked.reshape(-1, features.size, len(weight), flat, *inner), 1, 2)
            values[key] = moved.reshape(-1, *inner)
    found = _as_dataset(asked, asked.axes, values, attributes).assign_coords(trials=fewest_trials(collected))
    return found if members is None else found.assign_coords(members=float(sizes))
