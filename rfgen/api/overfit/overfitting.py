"""`overfitting_cost`: what interpolating costs, and whether it is benign."""

__all__ = ["overfitting_cost"]

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.api.finite_size import warn_low_dimension
from rfgen.api.methods.table import method_for
from rfgen.api.nouns import checked_axes, in_modes, outputs_kept, warn_small_population
from rfgen.api.optimal.optimising import at_edge
from rfgen.api.over_tasks import over_tasks
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.dataset import dataset, judged
from rfgen.curves.grid import Grid, blockwise, over_modes
from rfgen.numerics.compilation.precision import double_precision
from rfgen.numerics.compilation.program import program
from rfgen.numerics.compilation.record import record
from rfgen.problems.data_task import DataTask
from rfgen.problems.learner import Learner
from rfgen.problems.spectra.modes import Modes
from rfgen.problems.spectra.spectral_tails import SpectralTails, spectral_tails
from rfgen.problems.task import Task
from rfgen.problems.trainings.spectral import Ridge
from rfgen.theory.overfitting.cost import overfitting_cost as theory_overfitting_cost
from rfgen.theory.overfitting.effective_rank import effective_rank_bound, effective_ranks
from rfgen.theory.overfitting.verdict import overfitting_verdict

# Points are computed in padded blocks of this size: one shape compiled, whatever the sizes asked for.
BLOCK = 16
# Modes are padded with empty ones to a multiple of this: nearly all spectra share one compilation, which takes seconds.
NODES = 512

LONG_NAMES = {
    "cost": "cost of overfitting",
    "best_ridge": "ridge of least test risk",
    "best_test": "least test risk over the ridge",
    "ridgeless_test": "test risk at ridge 0",
    "overfitting_coefficient": "overfitting coefficient E0",
    "amplification": "factor on every error source at ridge 0",
    "bound": "effective-rank bound",
    "bound_k": "number of leading modes at which the bound is best",
    "k_over_r": "k / effective rank beyond k, at k = n",
    "kappa": "effective ridge of the samples at ridge 0",
}


@record
class _BySize:
    """What depends on the spectrum and n alone, (sizes,)."""

    bound: Any
    bound_k: Any
    k_over_r: Any


@program(static_argnames="keep_outputs")
def _costs(modes: Modes, n: Any, features: Any, noise: Any, keep_outputs: bool) -> Any:
    point = over_modes(theory_overfitting_cost, keep_outputs)
    return _but_padding(lambda at: point(modes, *at, noise), (n, features))


def _but_padding(point: Callable[[tuple[Any, ...]], Any], columns: tuple[Any, ...]) -> Any:
    """`point` of each row of the columns but of those that repeat the first, as padding does (40 ms each)."""
    again = functools.reduce(jnp.logical_and, (column == column[0] for column in columns)).at[0].set(False)
    records = []

    def leaves(at: tuple[Any, ...]) -> list[Any]:
        parts, record = jax.tree.flatten(point(at))
        records.append(record)
        return parts

    shapes = jax.eval_shape(leaves, tuple(column[0] for column in columns))
    empty = [jnp.zeros(one.shape, one.dtype) for one in shapes]
    found = jax.lax.map(lambda at: jax.lax.cond(at[0], lambda: empty, lambda: leaves(at[1:])), (again, *columns))
    filled = [jnp.where(again.reshape(-1, *[1] * (each.ndim - 1)), each[0], each) for each in found]
    return jax.tree.unflatten(records[0], filled)


@program
def _bounds(tails: SpectralTails, n: Any) -> Any:
    def at(one: Any) -> Any:
        best = effective_rank_bound(tails, one)
        rank = effective_ranks(tails, jnp.floor(one)).first
        ratio = jnp.where(rank > 0.0, jnp.floor(one) / jnp.where(rank > 0.0, rank, 1.0), jnp.inf)
        return _BySize(best.bound, best.k, ratio)

    return _but_padding(lambda columns: at(*columns), (n,))


def _padded(modes: Modes) -> Modes:
    """The same sums over a multiple of NODES nodes; the added ones weigh nothing."""
    more = -modes.eigenvalues.size % NODES
    pad = [(0, 0)] * (modes.power.ndim - 1) + [(0, more)]
    return dataclasses.replace(
        modes, eigenvalues=np.append(modes.eigenvalues, np.full(more, modes.eigenvalues[0])),
        multiplicity=np.append(modes.multiplicity, np.zeros(more)), power=np.pad(modes.power, pad),
        through=np.append(modes.through, np.full(more, np.inf)),
    )


@over_tasks
@double_precision
def overfitting_cost(task: Task | DataTask, n: Numbers, *, features: Numbers | None = None) -> Dataset:
    """What interpolation costs: the test risk at ridge 0 over the least test risk of all ridges, with bounds and a verdict.

    Parameters
    ----------
    task, n
        As in `predict`.
    features
        Random features, > 0; None: the kernel.

    Returns
    -------
    xarray.Dataset
        Over n, features and `output` if the task keeps its outputs.  `cost` = `ridgeless_test` / `best_test` (label noise
        included; 1 where both are 0, inf where the ridgeless risk diverges), `best_ridge` (0 where interpolation is best,
        inf where predicting zero is).  `overfitting_coefficient` E0 = n/(n - sum L_i^2), the cost of pure noise, which no
        target exceeds; with features instead `amplification`, the same factor of the ridgeless engine: E0 +
        n/(features - n), or n/(n - features).  `bound` of it by effective ranks, min over k of (1 - k/n)^-2 (1 - n/R_k)^-1
        (with features plus n/(features - n)), at its best k `bound_k`; inf and NaN where there is none.  `k_over_r`: k/r_k
        at k = n.  `kappa` at ridge 0, `residual`, `converged`; an unresolved point is NaN with a reason in
        `attrs["failures"]`.

        `attrs["verdict"]`: "benign", "tempered" or "catastrophic", for the kernel; `attrs["limit"]`, the limit of E0, NaN
        where the verdict rests on a trend at finite n; `attrs["evidence"]` says why.  Of real examples drawn without
        replacement: costs and `amplification` alone.

    Raises
    ------
    ValueError
        As in `predict`.

    Notes
    -----
    Exact as `rfgen.theory.risk`; about 10 ms a point.

    References
    ----------
    arXiv 2306.13185; features derived.

    Examples
    --------
    >>> import rfgen as rg
    >>> at = rg.overfitting_cost(rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5), n=[10, 1000])
    >>> at.attrs["verdict"], at.attrs["limit"]
    ('tempered', 1.5)
    >>> at.cost.values.round(3), at.overfitting_coefficient.values.round(3), at.bound.values.round(2)
    (array([1.028, 1.213]), array([1.43 , 1.499]), array([3.04, 3.48]))
    """
    learner = Learner(Ridge(), features)
    method_for("overfitting_cost", task, learner)
    axes, task = checked_axes(task, learner, n), in_modes(task)
    axes.pop("ridge")
    grid = Grid(axes)
    columns = list(grid.columns.values())
    modes = _padded(task.modes)
    found = blockwise(
        lambda *at: _costs(modes, *at, task.risk_noise, keep_outputs=task.keep_outputs), columns, (BLOCK, BLOCK)
    )
    inner = outputs_kept(task)
    values = {name: grid.pack(column, *inner) for name, column in found.items()}
    # `judged` asks whether the risk is a number; cost and risk are numbers together
    variables, failures = judged(task, grid, {**values, "test": values["cost"]})
    del variables["test"]
    # at ridge 0 everything is fitted: as many degrees of freedom as samples, features or modes
    warn_small_population(task, np.minimum(np.minimum(columns[0], columns[1]), task.spectrum.rank))
    warn_low_dimension(task, values["overfitting_coefficient"])
    if np.isfinite(task.held_out_of):
        variables["amplification"] = variables.pop("overfitting_coefficient")
        return _named(dataset(axes, variables, task, _told(failures, values) | {
            "evidence": "given examples end: no limit, and no bound by effective ranks, which are of a population"
        }))
    sizes = np.unique(axes["n"])
    tails = spectral_tails(task.spectrum, largest=float(sizes[-1]))
    by_size = blockwise(lambda at: _bounds(tails, at), [sizes], (BLOCK, BLOCK))
    by_point = {name: column[np.searchsorted(sizes, columns[0])] for name, column in by_size.items()}
    kernel = not np.isfinite(columns[1]).any()
    surplus = columns[1] - columns[0]
    with np.errstate(divide="ignore"):  # n = features
        by_point["bound"] = by_point["bound"] + np.where(surplus > 0, columns[0] / surplus, np.inf)
    by_point["bound_k"] = np.where(np.isfinite(by_point["bound"]), by_point["bound_k"], np.nan)
    solved = variables["converged"]
    for name, column in by_point.items():
        variables[name] = np.where(solved, grid.pack(column), np.nan)
    coefficient = variables.pop("overfitting_coefficient")
    variables["overfitting_coefficient" if kernel else "amplification"] = coefficient[..., 0] if inner else coefficient
    verdict = overfitting_verdict(task.spectrum, tails, sizes)
    evidence = verdict.evidence if kernel else f"{verdict.evidence} (of the kernel, infinitely many features)"
    attributes = _told(failures, values) | {"verdict": verdict.verdict, "limit": verdict.limit, "evidence": evidence}
    return _named(dataset(axes, variables, task, attributes))


def _told(failures: dict[str, str], values: dict[str, np.ndarray]) -> dict[str, Any]:
    return {"kind": "theory", "dtype": "float64", "source": "arXiv 2306.13185", **failures, **at_edge(values["best_ridge"])}


def _named(result: Any) -> Any:
    for name, text in LONG_NAMES.items():
        if name in result:
            result[name].attrs["long_name"] = text
    return result
