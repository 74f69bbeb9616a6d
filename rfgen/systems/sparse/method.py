"""Sparse linear regression: its exact curves and their simulation."""

__all__ = ["predict_sparse", "simulate_sparse"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.curves.cells.run import checked_sizes
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.learner import Learner
from rfgen.systems.sparse.problem import KINDS, Lasso, SparseRegression
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, Shrinkage, SoftThreshold
from rfgen.systems.sparse.simulation import sparse_runs
from rfgen.systems.sparse.state_evolution import StateEvolution, state_evolution


@program(static_argnames="kind")
def _solved(given: tuple[Any, Any, Any], columns: tuple[Any, ...], kind: str) -> StateEvolution:
    def point(at: tuple[Any, ...]) -> StateEvolution:
        n, *settings = at
        if kind == "flow":
            return state_evolution(HyperbolicEntropy(*settings), *given, n)
        penalty = settings[0] if settings else 0.0
        return state_evolution(SoftThreshold() if kind == "l1" else Shrinkage(), *given, n, penalty)

    return jax.lax.map(point, columns)


def predict_sparse(task: SparseRegression, learner: Learner, n: Any) -> Any:
    """Exact risk of sparse linear regression: lasso, basis pursuit, reparametrised flow, ridge.

    Returns
    -------
    xarray.Dataset
        Over n and the settings of the training (`penalty`; `init`, `linear`; `ridge`): `test` = noise + `excess`; `train`,
        the mean squared residual; `norm`, squared; `active`, the degrees of freedom; `tau`, `theta`, `residual`,
        `converged`.  Of `Lasso` and `BasisPursuit` `active` is the number of coefficients not 0, with `true_positives`, the
        share of the nonzeros found, and `false_discoveries`, the share of zeros in those found.

    Notes
    -----
    Exact as n and dim grow together, for Gaussian designs of independent entries.

    References
    ----------
    `rfgen.systems.sparse.state_evolution`: arXiv 1008.2581 for the lasso; derived for the others.

    Examples
    --------
    >>> import rfgen as rg
    >>> task = rg.SparseRegression.equal(dim=2000, nonzeros=20, noise=0.25)
    >>> rg.predict(task, rg.Learner(rg.BasisPursuit()), n=[200, 500, 1000]).excess.values.round(3)
    array([0.484, 0.251, 0.394])
    """
    training = learner.training
    kind = KINDS[type(training)]
    grid = Grid({"n": checked_sizes(n), **training.axes})
    given = (jnp.asarray(task.coefficients), jnp.asarray(task.multiplicity, jnp.float64), jnp.asarray(task.noise))
    values = blockwise(lambda *block: _solved(given, block, kind=kind), list(grid.columns.values()), ONE_BY_ONE)
    by_level, solved = values.pop("active_by_level"), values["converged"]
    if kind == "l1":
        real = task.coefficients > 0.0
        found = by_level * task.multiplicity
        with np.errstate(invalid="ignore"):  # shares of none
            values["true_positives"] = found[:, real].sum(axis=1) / np.float64(task.nonzeros)
        wrong, total = found[:, ~real].sum(axis=1), found.sum(axis=1)
        values["false_discoveries"] = wrong / np.where(total > 0.0, total, 1.0)
    variables = {
        name: grid.pack(column if name in ("residual", "converged") else np.where(solved, column, np.nan))
        for name, column in values.items()
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "arXiv 1008.2581 (lasso); derived"}
    if not solved.all():
        attributes["failures"] = (
            f"{(~solved).sum()} points not solved in double precision: n too close to dim, or init or noise so small that "
            "the risk is rounding"
        )
    return dataset(grid.axes, variables, task, attributes)


def simulate_sparse(task: SparseRegression, learner: Learner, n: Any, runs: MonteCarlo) -> Any:
    """Measured risk of sparse regression: the variables of the theory with standard errors.

    Notes
    -----
    Designs and noise are drawn anew in each trial.  Fits that do not converge are left out and counted in
    `attrs["failures"]`.
    """
    dim = task.dim

    def run(trials: int, seed: int, start: int, n: int) -> dict[str, np.ndarray]:
        return sparse_runs(task, learner.training, n, trials, seed, start)

    def size(n: int) -> float:  # the design twice, what an interior point factors, and the normal equations at its end
        factored = 8.0 * (3 * n * dim + 4 * min(n, dim) ** 2)
        return max(factored, 8.0 * (2 * n * dim + 4 * dim**2)) if isinstance(learner.training, Lasso) else factored

    axes = {"n": checked_sizes(n), **learner.training.axes}
    return measured_curve(task, learner.training, axes, run, size, runs, lost="test")
