"""`learning_curve`: what more, or less, of one's own data gives, without a fit."""

__all__ = ["SAME", "learning_curve", "read_rows"]

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rfgen.api.own_data.held_out_points import Rows
from rfgen.api.own_data.held_out_table import curve_of_rows
from rfgen.api.own_data.rows import KERNEL, decomposed, fits, read_blocks, read_data, read_labels
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.gram import centred_kernel, gram_of_features, gram_of_kernel
from rfgen.problems import validation
from rfgen.problems.own_functions import own_result

# Two to train on, one to test.
LEAST_ROWS = 3
# Squared distance of two rows that are one, in units of mean K_ii.
SAME = 1e-10


def learning_curve(
    data: Any, y: Any, n: Numbers | None = None, ridge: Numbers = 0.0, *, kind: str = "auto",
    kernel: Callable[[Any, Any], Any] | None = None, feature_map: Callable[[Any], Any] | None = None,
    intercept: bool = True, groups: Sequence[Any] | np.ndarray | None = None, views: int | None = None,
    replace: bool = False, seed: int = 0,
) -> Dataset:
    """The held-out risk of kernel or ridge regression on n of your rows, and on more of their kind, from one matrix.

    Parameters
    ----------
    data : (N, N), (N, p) or inputs
        A kernel matrix, features, or inputs with `kernel` or `feature_map`.
    y : (N,) or (N, outputs)
        Labels.
    n
        Rows in training: below N drawn without replacement and tested on the rest, N: leave-one-out, above N: what more
        rows of the same population would bring.  None: a dozen sizes up to N.
    ridge
        >= 0, unnormalised (scikit-learn's `alpha`); 0: interpolation or least squares.
    kind
        "kernel", "features", or "auto": a square symmetric matrix is a kernel.
    kernel, feature_map
        A function of two arrays of inputs that gives their kernel matrix; one of inputs that gives features.
    intercept
        Fit one that is not penalised.
    groups : (N,)
        Names of rows that belong together (patients, duplicates): n counts whole groups, at most all of them.
    views
        Rows m i, ..., m i + m - 1 are augmented views of sample i, whose loss is their mean: n counts samples.
    replace
        Rows are drawn with replacement, any n of them, and tested on those never drawn: the bootstrap, out of bag.
    seed
        Of the splits.

    Returns
    -------
    xarray.Dataset
        Over n, ridge and `output` (y with columns): `test`, `train`, `bias`, `variance`; `test_se`, the standard error of
        `test` for the population (test exp(+-2.5 test_se/test) covers 95 %, to 5 % on each law of rows that was tried);
        `error`, the share of wrong signs (labels +-1); `per_example`; `status` and, for what was simulated, `test_low` and
        `test_high`; with several ridges `best_ridge`, `best_test` of each n.  `attrs`: what the statuses say, and
        `hindcast`, by how much N/2 of the rows
        miss the risk of N.

    Raises
    ------
    ValueError
        That names the argument.

    Notes
    -----
    The average over random splits of these rows.  Where the formula may fail (risk far above bias, duplicates, n <= 10),
    20 real splits check it, and where they disagree 100 replace it: status `simulated`.  Groups have a form of their own,
    up to their number, where one is left out at a time; their risk is the mean over rows.  Beyond N rows must be
    exchangeable: no time series, no population that changes.  Above 2,000 rows one effective ridge serves all, corrected by
    leave-one-out, and groups are simulated.

    References
    ----------
    `held_out_risk` (Malzahn and Opper, JMLR 4, 2003), `held_out_groups`, `subsample_risk`.

    Examples
    --------
    >>> import rfgen as rg
    >>> X, y = rg.datasets.digits()
    >>> curve = rg.learning_curve(X[:200], y[:200], n=[50, 100, 200, 400], ridge=[1.0, 10.0])
    >>> curve.test.sel(ridge=10.0).values.round(2), curve.best_ridge.values
    (array([0.34, 0.27, 0.22, 0.2 ]), array([1., 1., 1., 1.]))
    """
    validation.aligned(data=data, y=y, groups=groups)
    rows, ridges = read_rows(data, y, ridge, kind, kernel, feature_map, intercept, groups, views, replace, seed)
    if rows.repeated:
        warn_caller(
            f"{rows.repeated} rows repeat others exactly: a held-out copy is no new row; give groups that hold them "
            "together, as `rg.diagnose(...).groups` does"
        )
    sizes = _sizes(n, len(rows.labels) if rows.blocks is None else len(rows.blocks), rows.blocks is not None)
    if replace and (rows.distinct(sizes) > len(rows.labels) - 1.0).any():
        raise ValueError(f"n must leave a row undrawn in the mean, as those are tested on, got {sizes.max():g} draws")
    return curve_of_rows(rows, sizes, ridges, np.ndim(y) == 2)


def read_rows(
    data: Any, y: Any, ridge: Any, kind: str, kernel: Any, feature_map: Any, intercept: bool, groups: Any, views: Any,
    replace: Any, seed: Any,
) -> tuple[Rows, np.ndarray]:
    """The rows as the forms take them, and the ridges."""
    if kernel is not None and feature_map is not None:
        raise ValueError("feature_map must be left out where kernel is given")
    for name, value in (("intercept", intercept), ("replace", replace)):
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {value!r}")
    if replace and (groups is not None or views is not None):
        raise ValueError("replace must be False with groups or views: these are drawn once")
    name = "data"
    if kernel is not None:
        decomposed(len(data) if np.ndim(data) else 1, f"the kernel matrix of data of shape {np.shape(data)}")
        data, kind, name = own_result("kernel", kernel, data, data), "kernel", "kernel(data, data)"
    elif feature_map is not None:
        data, kind, name = own_result("feature_map", feature_map, data), "features", "feature_map(data)"
    matrix, kind, precision = read_data(data, kind, name)
    count = matrix.shape[0]
    fits(matrix, kind, count)
    if count < LEAST_ROWS:
        raise ValueError(f"data must hold at least {LEAST_ROWS} rows, got {count}")
    if groups is not None and views is not None:
        raise ValueError("groups must be left out where views are given: the views of a sample are its group")
    blocks = read_blocks(count, views, groups)
    labels = read_labels(y, count, 1 if views is None else int(views))
    labels = labels if labels.ndim == 2 else labels[:, None]
    intercept = bool(intercept)
    signs = labels if (np.abs(labels) == 1.0).all() else None
    labels = labels - labels.mean(axis=0) if intercept else labels
    if kind == "kernel":
        gram = gram_of_kernel(matrix, precision, KERNEL if name == "data" else name, centred=intercept)
    else:
        gram = gram_of_features(matrix, precision, centred=intercept)
    if kind == "features":
        matrix = matrix - matrix.mean(axis=0) if intercept else matrix
        matrix = matrix @ matrix.T
    elif intercept:
        matrix = centred_kernel(matrix)
    scale = float(np.trace(matrix)) / count
    if not scale > 0.0:
        raise ValueError("data must hold rows that differ: its kernel matrix is zero")
    matrix, ridges = matrix / scale, validation.non_negative("ridge", ridge)
    gram = dataclasses.replace(gram, values=gram.values / scale)
    scale /= 1 if views is None else int(views)  # the mean over views of a sample is the sum at so many times the ridge
    seed = validation.integer("seed", seed, 0)
    rows = Rows(matrix, gram, labels, scale, intercept, signs, 0, seed, blocks, kind, bool(replace))
    diagonal, numbers = np.diag(matrix), rows.groups
    same = diagonal[:, None] + diagonal - 2.0 * matrix < SAME
    repeated = int(np.sum((same & (numbers[:, None] != numbers)).any(axis=1)))
    return dataclasses.replace(rows, repeated=repeated), ridges


def _sizes(n: Any, count: int, grouped: bool) -> np.ndarray:
    if n is None:
        least = min(10, count - 1)
        return np.unique(np.round(np.geomspace(least, count, 12)))
    sizes = validation.positive("n", n)
    what = "groups" if grouped else "rows"
    if (sizes < 2).any():
        raise ValueError(f"n must be at least 2 {what}, got {sizes.min():g}")
    if grouped and (sizes > count).any():
        raise ValueError(f"n must be at most the number of groups ({count}), got {sizes.max():g}: only rows tell of more")
    if (sizes != np.round(sizes)).any():
        raise ValueError(f"n must hold whole numbers of {what}, got {sizes[sizes != np.round(sizes)][0]:g}")
    return sizes
