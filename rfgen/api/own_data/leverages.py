"""Real examples whose leverages differ: how much, and what one effective ridge for all of them then misses."""

__all__ = ["with_leverages"]

from typing import Any

import numpy as np

from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.gram import gram_of_kernel
from rfgen.problems.task import Task
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.subsample_risk import subsample_risk

# Effective ridges at which leverages are computed: the scatter is read off between them.
NODES = 64
# Over 75 settings of real and synthetic rows: a scatter below the first goes with a gap of 5 % at most (90th percentile);
# a change by rows of their own below the second with 5 % too, from .1 with 26 % in the median.
ALIKE, CHANGED = 0.05, 0.05
# Rows on which the change is looked for, at the same shares.
MOST_ROWS = 600


def with_leverages(
    task: Task, grid: Grid, variables: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The variables with `leverage_scatter`, and attributes with `indicator`, for rows drawn without replacement.

    Of the points where leverages scatter most (of all examples, and of few that are fitted), where the risk is most above
    its bias, and where most is fitted, the change of the risk if each row has an effective ridge of its own.  Warns where
    it is large: least squares on 15 of 442 examples of 10 inputs (diabetes) is 25 % above theory, and the change 25 %.
    """
    if np.isinf(task.held_out_of):
        return variables, {}
    with np.errstate(invalid="ignore", divide="ignore"):
        df1 = _of_points(grid, variables["df1"])[:, 0]
        scatter = _scatter(task, df1)
        test, bias = (_of_points(grid, variables[name]).sum(axis=1) for name in ("test", "bias"))
        amplified = test / bias
        # relative variance of leverages, as far as samples are fitted: also where n is far below the number of examples
        uneven = (scatter * (task.held_out_of - df1) / df1 * (1.0 - 1.0 / amplified)) ** 2
    sizes = grid.columns["n"]
    told = {**variables, "leverage_scatter": grid.pack(scatter)}
    if not max(np.nanmax(scatter, initial=0.0), np.nanmax(uneven, initial=0.0)) > ALIKE:
        return told, {"indicator": 0.0}
    told_by = (scatter, uneven, amplified, df1 / sizes)
    worst = {int(np.nanargmax(np.where(np.isfinite(each), each, -1.0))) for each in told_by}
    changes = [_change(task, float(sizes[at]), float(df1[at])) for at in sorted(worst)]
    change = max((each for each in changes if np.isfinite(each)), default=np.nan)  # NaN: not solved at any of them
    if change > CHANGED:
        warn_caller(
            f"examples have leverages that differ: with an effective ridge of each example's own the risk would change by "
            f"{change:.0%}, and theory with one for all is off by about as much; use a larger ridge, or rg.learning_curve, "
            "which has one for each and checks it by real splits"
        )
    return told, {"indicator": change}


def _of_points(grid: Grid, values: np.ndarray) -> np.ndarray:
    """(points, outputs), or (points, 1) where they are together."""
    return np.reshape(np.asarray(values, float), (grid.columns["n"].size, -1))


def _learned(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Effective ridges (NODES,) and learnabilities there (modes, NODES)."""
    least, largest = (float(task.eigenvalues[at]) for at in (-1, 0))
    gamma = np.geomspace(1e-3 * least, 1e3 * largest, NODES)
    return gamma, task.eigenvalues[:, None] / (task.eigenvalues[:, None] + gamma)


def _scatter(task: Task, df1: np.ndarray) -> np.ndarray:
    """Standard deviation of 1 - leverage over its mean, at the degrees of freedom `df1` (points,)."""
    population: Any = task.population
    count, learned = population.labels.shape[0], _learned(task)[1]
    missed = 1.0 - np.concatenate([part**2 / (count * task.eigenvalues) @ learned for part in population.parts()])
    scatter = missed.std(axis=0) / np.maximum(missed.mean(axis=0), np.finfo(float).tiny)
    return np.interp(df1, learned.sum(axis=0)[::-1], scatter[::-1])


def _change(task: Task, n: float, df1: float) -> float:
    """|risk with effective ridges of the rows' own / risk with one for all - 1| of kernel regression with as many df1."""
    population: Any = task.population
    count = population.labels.shape[0]
    gamma, learned = _learned(task)
    # w (n - df1) / (N - df1): the ridge of the kernel whose effective ridge is w
    w = count * np.exp(np.interp(df1, learned.sum(axis=0)[::-1], np.log(gamma)[::-1]))
    ridge = w * max(n - df1, 0.0) / (count - df1)
    rows = np.arange(count)
    if count > MOST_ROWS:
        rows = np.random.default_rng(0).permutation(count)[:MOST_ROWS]
    share = rows.size / count
    own, labels = population.some(rows), population.labels[rows]
    kernel = own @ own.T
    gram = gram_of_kernel(kernel)
    of_rows = held_out_risk(kernel, gram, labels, n * share, ridge * share, influence=True)
    of_all = subsample_risk(gram, labels, n * share, ridge * share)
    with np.errstate(invalid="ignore", divide="ignore"):
        return abs(float(np.sum(of_rows.test) / np.sum(of_all.test)) - 1.0) if of_rows.converged else np.nan
