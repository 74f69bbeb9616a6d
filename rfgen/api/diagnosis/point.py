"""One n and ridge of one's own rows: the two forms of the theory beside real splits, and what they are told apart by."""

__all__ = ["Point", "examined", "last_digits", "nearby_rows", "scatter_of_inputs"]

import math
from dataclasses import dataclass

import numpy as np

from rfgen.api.own_data.held_out_points import Rows
from rfgen.simulation.runs.splits import Splits, random_splits
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.subsample_risk import subsample_risk

# Real splits a point.
SPLITS = 40
# Neighbours between which the number of input dimensions is read off: below, copies and small clusters decide.
NEAR, FAR = 8, 16


@dataclass(frozen=True)
class Point:
    """At one `n` and `ridge` (of a kernel of mean diagonal 1), risks summed over outputs.

    `one`: by one effective ridge; `each`: by one per row; `found` +- `error`: by splits, with the per-example risk as
    control variate; `training`: their training error; `scatter`: of a single split, relative.  `cv`: coefficient of
    variation of the w_i less the ridge; `few`: largest share of another row in a row's prediction, and how few
    share in it (means); `effective`: the effective ridge; `degrees`: the degrees of freedom df1 and df2 of a run;
    `of_population`: relative standard error of the sample itself.
    """

    n: int
    ridge: float
    one: float
    each: float
    found: float
    error: float
    training: float
    scatter: float
    cv: float
    few: tuple[float, float]
    effective: float
    degrees: tuple[float, float]
    of_population: float


def examined(rows: Rows, n: int, ridge: float) -> Point:
    """Theory, and splits."""
    scalar = subsample_risk(rows.gram, rows.labels, n, ridge)
    form = held_out_risk(rows.kernel, rows.gram, rows.labels, n, ridge)
    splits = random_splits(rows.kernel, rows.labels, n, ridge, SPLITS, rows.seed, rows.intercept)
    totals, each = splits.test.sum(axis=1), float(np.sum(form.test)) if form.converged else math.nan
    gaps, base = totals, 0.0
    if form.converged and np.isfinite(form.per_example).all():
        left = totals - _of_held_out(splits, form.per_example)
        if left.std() < totals.std():  # else the formula knows nothing of these splits
            gaps, base = left, each
    effective = float(scalar.effective_ridge)
    above = form.effective_ridges - ridge
    return Point(
        n, ridge, float(np.sum(scalar.test)), each, base + float(gaps.mean()),
        float(gaps.std(ddof=1)) / math.sqrt(SPLITS), float(splits.train.sum(axis=1).mean()),
        float(totals.std(ddof=1) / max(totals.mean(), np.finfo(float).tiny)), _variation(above),
        _few(rows, form.effective_ridges) if form.converged else (0.0, 0.0), effective,
        (rows.intercept + float(np.sum(rows.gram.values / (rows.gram.values + effective))), float(scalar.degrees)),
        float(np.max(scalar.relative_error)),
    )


def _of_held_out(splits: Splits, per_example: np.ndarray) -> np.ndarray:
    held = splits.held_out.astype(float)
    return held @ per_example.sum(axis=1) / held.sum(axis=1)


def _variation(values: np.ndarray) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.std(values) / np.mean(values)) if np.isfinite(values).all() else math.nan


def _few(rows: Rows, ridges: np.ndarray) -> tuple[float, float]:
    """Of C_ij = R_ij^2 / (R_ii R_jj): mean of the largest j != i, and of sum C^2 / (sum C)^2."""
    lifted = rows.kernel + (1.0 if rows.intercept else 0.0)
    matrix = np.linalg.inv(lifted + np.diag(ridges))
    if rows.intercept:
        sums = matrix.sum(axis=1)
        matrix = matrix - np.outer(sums, sums) / sums.sum()
    diagonal = np.diag(matrix)
    coupling = matrix**2 / np.outer(diagonal, diagonal)
    np.fill_diagonal(coupling, 0.0)
    total = np.maximum(coupling.sum(axis=1), np.finfo(float).tiny)
    return float(coupling.max(axis=1).mean()), float(np.mean((coupling**2).sum(axis=1) / total**2))


def scatter_of_inputs(kernel: np.ndarray) -> float:
    """Dimension of the cloud of rows, from the distances of each to its 8th and its 16th neighbour: log 2 / mean log ratio.

    NaN of fewer than 40 rows.  Distances of a rough kernel grow as the root of those of inputs: twice the dimension.
    """
    distances = np.sort(_squared_distances(kernel), axis=1)
    if len(kernel) < 40:
        return math.nan
    near, far = distances[:, NEAR], distances[:, FAR]
    apart = near > 0.0
    ratio = float(np.mean(np.log(far[apart] / near[apart]))) / 2.0 if apart.mean() > 0.5 else 0.0
    return math.log(FAR / NEAR) / ratio if ratio > 0.0 else math.nan


def nearby_rows(kernel: np.ndarray, tolerance: float) -> np.ndarray:
    """Names (N,) that rows closer than `tolerance` (squared, in units of mean K_ii) share."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    return connected_components(csr_array(_squared_distances(kernel) < tolerance), directed=False)[1]


def _squared_distances(kernel: np.ndarray) -> np.ndarray:
    diagonal = np.diag(kernel)
    return np.maximum(diagonal[:, None] + diagonal - 2.0 * kernel, 0.0)


def last_digits(rows: Rows, n: int, ridge: float, precision: float) -> float:
    """How far the median risk of the same splits moves when every entry of the kernel moves by its rounding, relative."""
    noise = np.random.default_rng(rows.seed).normal(size=rows.kernel.shape)
    moved = rows.kernel * (1.0 + precision * (noise + noise.T) / 2.0)
    risks = [
        np.median(random_splits(kernel, rows.labels, n, ridge, SPLITS, rows.seed, rows.intercept).test.sum(axis=1))
        for kernel in (rows.kernel, moved)
    ]
    return float(risks[1] / risks[0] - 1.0)

