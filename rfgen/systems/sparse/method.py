"""Sparse linear regression: its exact curves and their simulation."""

__all__ = ["predict_sparse", "simulate_sparse"]

import itertools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rfgen.curves.cells.content import content
from rfgen.curves.cells.run import checked_sizes, whole
from rfgen.curves.dataset import dataset
from rfgen.curves.grid import ONE_BY_ONE, Grid, blockwise
from rfgen.curves.measured import MonteCarlo, measured_curve
from rfgen.numerics.compilation.program import program
from rfgen.problems.augmentations.base import AbstractAugmentation
from rfgen.problems.learner import Learner, checked_members
from rfgen.simulation.runs.ensemble import Members
from rfgen.systems.sparse.mixed_columns import MixedColumns
from rfgen.systems.sparse.problem import KINDS, Lasso, SparseRegression
from rfgen.systems.sparse.proximal_maps import HyperbolicEntropy, Shrinkage, SoftThreshold
from rfgen.systems.sparse.row_groups import RowGroups, row_groups
from rfgen.systems.sparse.simulation import sparse_runs, sparse_source
from rfgen.systems.sparse.state_evolution import StateEvolution, state_evolution

# A penalty of features that stands for its limit from above, in units of the length of the labels.
LEAST = 1e-12


@program(static_argnames="kind")
def _solved(given: tuple[Any, Any, Any], rows: RowGroups, columns: tuple[Any, ...], kind: str) -> StateEvolution:
    def point(at: tuple[Any, ...]) -> StateEvolution:
        n, *settings = at
        if kind == "flow":
            return state_evolution(HyperbolicEntropy(*settings), *given, n, rows=rows)
        penalty = settings[0] if settings else 0.0
        return state_evolution(SoftThreshold() if kind == "l1" else Shrinkage(), *given, n, penalty, rows)

    return jax.lax.map(point, columns)


@program(static_argnames="kind")
def _mixed(given: tuple[Any, Any, Any], rows: RowGroups, columns: tuple[Any, ...], kind: str) -> StateEvolution:
    """On random features, for which all of the coefficients that counts is their length."""
    coefficients, multiplicity, noise = given
    dim, square = jnp.sum(multiplicity), multiplicity @ coefficients**2
    one = jnp.sqrt(square / dim)[None], dim[None], noise

    def point(at: tuple[Any, ...]) -> StateEvolution:
        n, features, *settings = at
        penalty = settings[0] if settings else jnp.zeros_like(n)
        least = LEAST * jnp.sqrt(n * (noise + square))
        found = state_evolution(MixedColumns(features, dim, kind), *one, n, jnp.maximum(penalty, least), rows)
        ridge = jnp.any((rows.weight > 0.0) & (rows.variance == 0.0))
        square_design = (penalty == 0.0) & (n * jnp.sum(rows.share) == jnp.minimum(dim, features)) & ~ridge
        endless = {name: jnp.where(square_design, jnp.inf, getattr(found, name)) for name in ("test", "excess", "norm")}
        return replace(found, **endless)

    return jax.lax.map(point, columns)


def _settings(learner: Learner) -> list[Any]:
    return [None] if learner.augmentation is None else learner.augmentation.settings


def _noted(learner: Learner) -> dict[str, Any]:
    every = {"augmentation": learner.augmentation, "resampling": learner.resampling}
    return {name: repr(one) for name, one in every.items() if one is not None}


def _axes(learner: Learner, n: Any, members: Any = None) -> dict[str, np.ndarray]:
    axes = {"n": checked_sizes(n), **({} if learner.kernel else {"features": learner.features}), **learner.training.axes}
    strengths = {} if learner.augmentation is None else learner.augmentation.axes
    return axes | strengths | ({} if members is None else {"members": checked_members(learner, members)})


def predict_sparse(task: SparseRegression, learner: Learner, n: Any) -> Any:
    """Exact risk of sparse linear regression: lasso, basis pursuit, reparametrised flow, ridge.

    Returns
    -------
    xarray.Dataset
        Over n, features and the settings of the training (`penalty`; `init`, `linear`; `ridge`): `test` = noise +
        `excess`; `train`, the mean squared residual; `norm`, squared; `active`, the degrees of freedom; `tau`, `theta`,
        `residual`, `converged`.  Of `Lasso` and `BasisPursuit` `active` is the number of coefficients not 0, with
        `true_positives`, the share of the nonzeros found, and `false_discoveries`, the share of zeros in those found.  With
        an augmentation `train` is of the views, the others on clean inputs.  Resampled learners have no `train`.  With
        `features` `norm` and `active` are of their weights, and none of these is there to be found.

    Notes
    -----
    Exact as n, dim and features grow together, for Gaussian designs of independent entries, in views that treat all alike;
    features are the inputs times a matrix of normals, over the root of their number.

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
    axes = _axes(learner, n)
    many = {name: axes[name] for name in ("features",) if name in axes}
    if many and (kind == "flow" or np.isinf(axes["features"]).any()):
        raise ValueError(
            f"features must be None or finite to be predicted, and None for rg.ReparametrizedFlow, got {learner.features!r}"
            f" for {training!r}: predicted are penalties that are powers of features' weights; rg.simulate measures all"
        )
    grid, inner, solve = Grid(axes), Grid({"n": axes["n"], **many, **training.axes}), _mixed if many else _solved
    given = (jnp.asarray(task.coefficients), jnp.asarray(task.multiplicity, jnp.float64), jnp.asarray(task.noise))
    columns = list(inner.columns.values())
    found = [
        blockwise(lambda *block, rows=rows: solve(given, rows, block, kind=kind), columns, ONE_BY_ONE)
        for rows in (row_groups(one, learner.resampling) for one in _settings(learner))
    ]
    values = {name: np.stack([one[name] for one in found], axis=1) for name in found[0]}
    values = {name: column.reshape(-1, *column.shape[2:]) for name, column in values.items()}
    by_level, solved = values.pop("active_by_level"), values["converged"]
    if learner.resampling is not None:
        del values["train"]
    if kind == "l1" and not many:
        real = task.coefficients > 0.0
        kept = by_level * task.multiplicity
        with np.errstate(invalid="ignore"):  # shares of none
            values["true_positives"] = kept[:, real].sum(axis=1) / np.float64(task.nonzeros)
        wrong, total = kept[:, ~real].sum(axis=1), kept.sum(axis=1)
        values["false_discoveries"] = wrong / np.where(total > 0.0, total, 1.0)
    variables = {
        name: grid.pack(column if name in ("residual", "converged") else np.where(solved, column, np.nan))
        for name, column in values.items()
    }
    attributes: dict[str, Any] = {"kind": "theory", "dtype": "float64", "source": "arXiv 1008.2581 (lasso); derived"}
    attributes |= _noted(learner)
    if not solved.all():
        attributes["failures"] = (
            f"{(~solved).sum()} points not solved in double precision: n or features too close to dim, or init or "
            "noise so small that the risk is rounding"
        )
    return dataset(grid.axes, variables, task, attributes)


def simulate_sparse(task: SparseRegression, learner: Learner, n: Any, runs: MonteCarlo, members: Any = None) -> Any:
    """Measured risk of sparse regression: the variables of the theory with standard errors.

    Notes
    -----
    Designs and noise are drawn anew in each trial, and views, but for infinitely many, of which the mean is taken.  Fits
    that do not converge are left out and counted in `attrs["failures"]`.  With `features` the design is that of the inputs
    times a matrix of normals, coefficients are those of features, and none of them is there to be found; `members` have
    features and bags of their own, and all but the risks of their mean are means over them.  Of bags there is no `train`.
    """
    dim, training, axes = task.dim, learner.training, _axes(learner, n, members)
    for one in [] if learner.augmentation is None else learner.augmentation.settings:
        _refuse_repeated(one, training)
    if "members" in axes and np.isinf(whole("members", axes["members"])).any():
        raise ValueError(f"members must be finite to be simulated, got {members!r}")

    def run(
        trials: int, seed: int, start: int, n: int, augmentation: AbstractAugmentation | None, models: Members,
        features: int | None = None,
    ) -> dict[str, np.ndarray]:
        return sparse_runs(task, training, n, trials, seed, start, augmentation, features, models)

    # the design twice, what an interior point factors, and the normal equations at its end
    def size(n: int, augmentation: AbstractAugmentation | None, models: Members, features: int | None = None) -> float:
        del models
        seen, width = sparse_source(task, augmentation).rows(n), features or dim
        factored = 8.0 * (3 * seen * width + 4 * min(seen, width) ** 2)
        held = max(factored, 8.0 * (2 * seen * width + 4 * width**2)) if isinstance(training, Lasso) else factored
        return held + 8.0 * dim * (seen + width) * (features is not None)

    outer = ("n", "features") if "features" in axes else ("n",)
    last = tuple(name for name in axes if name not in (*outer, *training.axes))
    apart, settings = learner.resampling is not None or members is not None, []
    for one, count in itertools.product(_settings(learner), np.ravel(axes.get("members", 1))):
        own = () if one is None else content(one)
        own = (*own, int(count), *content(learner.resampling)) if apart else own
        settings.append(({"augmentation": one, "models": Members(int(count), learner.resampling)}, own))
    return measured_curve(
        task, training, axes, run, size, runs, outer, last=last, settings=settings, lost="test", **_noted(learner)
    )


def _refuse_repeated(augmentation: AbstractAugmentation, training: Any) -> None:
    """Refuse what is not predicted either, and to interpolate views of a row that are multiples of each other."""
    rows, penalty = row_groups(augmentation), getattr(training, "penalty", getattr(training, "ridge", np.zeros(())))
    ridge = bool((rows.weight[rows.variance == 0.0] > 0.0).any())
    if not ridge and rows.share.sum() < float(augmentation.views) - 1e-9 and np.min(penalty) == 0.0:
        raise ValueError(
            f"training must have a penalty on views that differ by factors alone, got {training!r} of {augmentation!r}: no "
            "coefficients fit them all; take a small penalty"
        )
