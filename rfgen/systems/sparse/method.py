"""Sparse linear regression: its exact curves and their simulation."""

__all__ = ["predict_sparse", "simulate_sparse"]

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen._version import __version__
from rfgen.curves.cells.content import content
from rfgen.curves.cells.progress import progress_bar
from rfgen.curves.cells.store import Store, content_key
from rfgen.curves.dataset import dataset, mean_and_error
from rfgen.curves.grid import ONE_BY_ONE, blockwise
from rfgen.numerics.precision import double_precision
from rfgen.numerics.program import program
from rfgen.problems import validation
from rfgen.problems.learner import Learner
from rfgen.problems.trainings.spectral import Ridge
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, Shrinkage, SoftThreshold
from rfgen.systems.sparse.simulation import sparse_runs
from rfgen.systems.sparse.sparse_regression import SparseRegression
from rfgen.systems.sparse.state_evolution import StateEvolution, state_evolution
from rfgen.systems.sparse.trainings import BasisPursuit, Lasso, ReparametrizedFlow

TRAININGS = (Lasso, BasisPursuit, ReparametrizedFlow, Ridge)
# Trials of one stored cell.
CELL_TRIALS = 32


def _prepare(task: Any, learner: Any, n: Any) -> dict[str, np.ndarray]:
    """Check the nouns; the axes of the outer product."""
    if not isinstance(task, SparseRegression):
        raise ValueError(f"task must be an rg.SparseRegression, got {type(task).__name__}")
    if not isinstance(learner, Learner):
        raise ValueError(f"learner must be an rg.Learner, got {type(learner).__name__}")
    training = learner.training
    if not isinstance(training, TRAININGS):
        known = ", ".join(f"rg.{each.__name__}" for each in TRAININGS)
        raise ValueError(f"training must be one of {known} on an rg.SparseRegression, got {training!r}")
    if getattr(training, "intercept", False):
        raise ValueError(f"intercept=True needs two classes, an rg.Mixture: the targets of {task!r} are centered")
    if learner.augmentation is not None or not learner.kernel:
        raise ValueError("features and augmentation must be left out on an rg.SparseRegression, which is fitted as it is")
    if n is None:
        raise ValueError("n, the number of training samples, is missing")
    return {"n": validation.positive("n", n), **training.axes}


@program(static_argnames="kind")
def _solved(given: tuple[Any, Any, Any], columns: tuple[Any, ...], kind: str) -> StateEvolution:
    def point(at: tuple[Any, ...]) -> StateEvolution:
        n, *settings = at
        if kind == "flow":
            return state_evolution(HyperbolicEntropy(*settings), *given, n)
        penalty = settings[0] if settings else 0.0
        return state_evolution(SoftThreshold() if kind == "l1" else Shrinkage(), *given, n, penalty)

    return jax.lax.map(point, columns)


@double_precision
def predict_sparse(task: SparseRegression, learner: Learner, n: Any) -> Any:
    """The exact curve over n and the settings of the training (`penalty`; `init`, `linear`; `ridge`).

    `test` risk = noise + `excess`, `train` (mean squared residual), `norm` (squared), `active` (degrees of freedom; of
    `Lasso` and `BasisPursuit` the number of coefficients not 0, with `true_positives`, the share of the nonzeros found, and
    `false_discoveries`, the share of zeros in those found), `tau`, `theta`, `residual`, `converged`.  Regime and source:
    `rfgen.systems.sparse.state_evolution`.

    >>> import rfgen as rg
    >>> task = SparseRegression.equal(dim=2000, nonzeros=20, noise=0.25)
    >>> predict_sparse(task, rg.Learner(BasisPursuit()), n=[200, 500, 1000]).excess.values.round(3)
    array([0.484, 0.251, 0.394])
    """
    axes = _prepare(task, learner, n)
    training = learner.training
    kind = "flow" if isinstance(training, ReparametrizedFlow) else "ridge" if isinstance(training, Ridge) else "l1"
    columns = [np.ravel(part) for part in np.meshgrid(*axes.values(), indexing="ij")]
    given = (jnp.asarray(task.coefficients), jnp.asarray(task.multiplicity, jnp.float64), jnp.asarray(task.noise))
    values = blockwise(lambda *block: _solved(given, block, kind=kind), columns, ONE_BY_ONE)
    by_level, solved = values.pop("active_by_level"), values["converged"]
    if kind == "l1":
        real = task.coefficients > 0.0
        found = by_level * task.multiplicity
        with np.errstate(invalid="ignore"):  # shares of none
            values["true_positives"] = found[:, real].sum(axis=1) / np.float64(task.nonzeros)
        wrong, total = found[:, ~real].sum(axis=1), found.sum(axis=1)
        values["false_discoveries"] = wrong / np.where(total > 0.0, total, 1.0)
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {
        name: np.reshape(column if name in ("residual", "converged") else np.where(solved, column, np.nan), shape)
        for name, column in values.items()
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "arXiv 1008.2581 (lasso); derived"}
    if not solved.all():
        attributes["failures"] = (
            f"{(~solved).sum()} points not solved in double precision: n too close to dim, or init or noise so small that "
            "the risk is rounding"
        )
    return dataset(axes, variables, task, attributes)


@double_precision
def simulate_sparse(
    task: SparseRegression, learner: Learner, n: Any, trials: Any, seed: Any, progress: bool | None, store: Any
) -> Any:
    """The measured curve: means and standard errors over trials; fits that did not converge are left out."""
    axes = _prepare(task, learner, n)
    trials, seed = validation.integer("trials", trials, 1), validation.integer("seed", seed, 0)
    if (axes["n"] != np.round(axes["n"])).any():
        raise ValueError(f"n must be whole numbers for a simulation, got {axes['n'].tolist()}")
    folder = None if store is None else Store(store)
    sizes = np.ravel(axes["n"]).astype(int).tolist()
    cells = []
    with progress_bar(len(sizes) * trials, "simulate", progress) as bar:
        for size in sizes:
            blocks = []
            for start in range(0, trials, CELL_TRIALS):
                count = min(CELL_TRIALS, trials - start)
                key = content_key(__version__, *content(task), *content(learner.training), seed, size, start, count)
                block = folder.get(key) if folder else None
                if block is None:
                    block = sparse_runs(task, learner.training, size, count, seed, start)
                    if folder:
                        folder.put(key, block)
                blocks.append(block)
                bar.update(count)
            cells.append({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    variables = {}
    for name in cells[0]:
        mean, error = zip(*(mean_and_error(cell[name]) for cell in cells), strict=True)
        variables[name], variables[f"{name}_se"] = np.reshape(mean, shape), np.reshape(error, shape)
    attributes = {"kind": "simulation", "trials": trials, "seed": seed, "dtype": "float64"}
    lost = sum(int(np.isnan(cell["test"]).sum()) for cell in cells)
    if lost:
        attributes["failures"] = f"{lost} fits of {sum(cell['test'].size for cell in cells)} did not converge: left out"
    return dataset(axes, variables, task, attributes).assign_coords(trials=trials)
