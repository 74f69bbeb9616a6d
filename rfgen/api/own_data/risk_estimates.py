"""`estimate_risk`: the test risk from one training set, without test data."""

__all__ = ["estimate_risk"]

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.own_data.approximate_leave_out import approximate_risk
from rfgen.api.own_data.rows import KERNEL, ROUNDING, at_rounding, doubtful, fits, read_blocks, read_data, read_labels
from rfgen.curves.arguments import Dataset, Numbers
from rfgen.curves.dataset import DESCRIPTIONS
from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.gram import Gram, gram_of_features, gram_of_kernel
from rfgen.problems import validation
from rfgen.problems.trainings.classifier import Logistic
from rfgen.systems.sparse.problem import Lasso
from rfgen.theory.estimation.leave_out import LeftOut, leave_blocks_out, leave_rows_out
from rfgen.theory.estimation.risk_estimators import risk_estimators

# The sum of rows that were centred together, in units of their norm: rounding.
CENTRED = 1e-9
NAMES = {
    "status": "ok, or what limits the value",
    "gcv": "generalised cross-validation (KARE)",
    "loo": "leave-one-out estimate of the test risk",
    "loo_clean": "leave-one-out estimate of the test risk on clean inputs",
    "gcv_se": "predicted standard error of gcv",
    "loo_se": "predicted standard error of loo",
    "loo_clean_se": "predicted standard error of loo_clean",
    "df1": "degrees of freedom, the trace of the hat matrix",
    "kappa": "effective ridge, 1 / tr (K + ridge)^-1",
}


def estimate_risk(
    data: Any, y: Any, ridge: Numbers = 0.0, *, kind: str = "auto", time: Numbers | None = None, views: int | None = None,
    groups: Sequence[Any] | np.ndarray | None = None, clean: Any = None, intercept: bool = False,
    training: Lasso | Logistic | None = None,
) -> Dataset:
    """Estimate the test risk (label noise included) of a kernel or feature regression from its own training set.

    Parameters
    ----------
    data, y, ridge, kind
        As in `learning_curve`: a kernel matrix (n, n) or features (n, p) of the training rows.
    time
        Early-stopped gradient flow of the objective divided by 2n, with the ridge as weight decay, >= 0 (inf: the ridge
        solution).  `loo` is exact, by the flow without each row; gcv is wrong there: a UserWarning says so.
    views
        Rows m i, ..., m i + m - 1 are the m augmented views of sample i; the objective is the mean over views, and y has
        one entry a sample or one a row.  Whole samples are left out: `loo` is the risk on views.  gcv is not given.
    groups : (n,)
        Names of blocks that are left out together, such as patients.  gcv is not given.
    clean : (n/views, p) or (n/views, n)
        Features of the clean inputs, or their kernel with all rows: adds `loo_clean`, the risk on those.
    intercept
        Fit one that is not penalised (not with time).  Do not centre rows instead: a row that was centred with all
        others is known by them, and both estimates are far too low.
    training
        None: ridge regression.  `rg.Logistic` (y of signs; its own ridge and intercept) or `rg.Lasso` (features): `loo`, of
        the logistic loss or the squared error, is then approximate, by one Newton's step from the fit to all rows.

    Returns
    -------
    xarray.Dataset
        Over ridge, time and `output` (y with columns): `gcv`, `loo`, their predicted standard errors `gcv_se`, `loo_se`,
        the training error `train`, `df1`, `kappa`; in `attrs` the ridge (and time) at which each estimate, summed over
        outputs, is least.  One decomposition serves all.  `status`: "ok", or "rounding" where that of the matrix decides.

    Raises
    ------
    ValueError
        That names the argument.

    Notes
    -----
    Approximate `loo` against refits (n = 50 and 100 Gaussian rows, p = n/2 to 2 n): logistic regression of ridge .1 or
    more .1 % off in the median and 1.4 % at most (ridge .03: 5 %); lasso of up to n/2 active coefficients 5 %, 21 % at
    most, up to 3 n/4 11 % and 100 %, beyond without bound: from n/2 on a UserWarning says so.  `loo_se` is then the scatter
    of rows alone; `loo_error` is the share of wrong signs, `active` counts coefficients.

    Unbiased for independent samples as n grows (loo: for n - 1 of them).  Standard errors are for labels that are mostly
    noise, relative size 2/sqrt n or more; the realised risk of one fit scatters beside them.

    References
    ----------
    gcv is KARE of arXiv 2006.09796; approximate loo is that of arXiv 1801.10243, 1807.02694; the rest derived.

    Examples
    --------
    >>> import rfgen as rg
    >>> X, y = rg.datasets.digits()
    >>> found = rg.estimate_risk(X[:200], y[:200], ridge=[0.1, 1.0, 10.0])
    >>> found.loo.values.round(3), found.loo_se.values.round(3), found.attrs["best_loo_ridge"]
    (array([0.226, 0.208, 0.221]), array([0.026, 0.023, 0.023]), 1.0)
    >>> signs = rg.estimate_risk(X[:200], y[:200], training=rg.Logistic([0.1, 1.0], intercept=True))
    >>> signs.loo.values.round(3), signs.loo_error.values
    (array([0.119, 0.145]), array([0.04 , 0.035]))
    """
    import xarray

    validation.aligned(data=data, y=y, groups=groups)
    if training is not None:
        given = {"ridge": np.any(ridge), "time": time is not None, "views": views is not None, "clean": clean is not None}
        given["groups"] = groups is not None
        for name in [name for name, is_given in given.items() if is_given]:
            raise ValueError(f"{name} must be left out with training={training!r}")
        return approximate_risk(data, y, training, kind, intercept)
    matrix, kind, precision = read_data(data, kind)
    n = matrix.shape[0]
    fits(matrix, kind, min(matrix.shape))
    if views is not None and groups is not None:
        raise ValueError("groups must be left out where views are given: the views of a sample are its group")
    blocks = read_blocks(n, views, groups)
    count = 1 if views is None else int(views)
    labels = read_labels(y, n, count)
    outputs = labels.ndim == 2
    columns = labels if outputs else labels[:, None]
    axes = {"ridge": validation.non_negative("ridge", ridge)}
    if time is not None:
        axes["time"] = validation.array("time", time, (0, 1), infinite=True)
        if (axes["time"] < 0).any():
            raise ValueError(f"time must be >= 0 (inf: the end of training), got {time!r}")
    _with_intercept(intercept, matrix, time, n if blocks is None else len(blocks))
    cross = _clean(clean, matrix, kind, views, bool(intercept))
    if kind == "kernel":
        gram = gram_of_kernel(matrix, precision, KERNEL, centred=bool(intercept))
    else:
        gram = gram_of_features(matrix, precision, centred=bool(intercept))
    columns = columns - columns.mean(axis=0) if intercept else columns
    if time is not None and blocks is None and np.isfinite(axes["time"]).any():
        warn_caller(
            "gcv is inconsistent for early-stopped gradient flow (100 samples of 150 isotropic inputs: 4.6 where the risk "
            "was 2.7); use loo"
        )

    points, grid = [], Grid(axes)
    for at in grid.points:
        strength, stop = at["ridge"], at.get("time", math.inf)
        point = _fit(gram, columns, count * strength, stop)
        if blocks is not None:
            point |= _left_out(gram, columns, blocks, strength, stop, count, cross)
        elif time is None:
            point |= _rows(gram, columns, strength)
        else:
            point |= _along_flow(gram, columns, strength, stop, point)
        # flow has learned of directions above n/time alone
        floor = max(count * strength, n / stop if stop > 0.0 else math.inf)
        rounded = at_rounding(gram, floor, kind) or doubtful(gram, floor, blocks)
        point["status"] = "rounding" if rounded else "ok"
        points.append(point)

    coords: dict[str, Any] = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    if outputs:
        coords["output"] = (("output",), np.arange(columns.shape[1]))
    variables = {}
    for name in points[0]:
        values = np.stack([np.broadcast_to(point[name], np.shape(points[0][name])) for point in points])
        own, inner = (["output"], (columns.shape[1],)) if values.ndim == 2 and outputs else ([], ())
        title = {"long_name": NAMES.get(name, DESCRIPTIONS.get(name, name))}
        variables[name] = (grid.dims + own, grid.pack(values, *inner), title)
    attributes = {"rfgen_version": __version__, "kind": kind, "rows": n, "rank": int(gram.values.size)}
    attributes |= {} if blocks is None else {"blocks": len(blocks), "views": count}
    attributes |= {"rounding": ROUNDING} if any(point["status"] == "rounding" for point in points) else {}
    attributes |= _best(points, grid)
    result = xarray.Dataset(variables, coords, attributes)
    bad = [name for name in ("gcv", "loo", "loo_clean") if name in result and not np.isfinite(result[name]).all()]
    if bad:
        result.attrs["failures"] = f"{', '.join(bad)}: 0/0 in double precision (all is fitted)"
    return result


def _with_intercept(intercept: Any, matrix: np.ndarray, time: Any, count: int) -> None:
    if not isinstance(intercept, bool | np.bool_):
        raise ValueError(f"intercept must be True or False, got {intercept!r}")
    if intercept and time is not None:
        raise ValueError("intercept must be False with time: its fits have none")
    if intercept and count < 2:
        raise ValueError("intercept must be False where all rows are left out together: the others determine it")
    size = np.linalg.norm(matrix)
    if not intercept and len(matrix) > 1 and size > 0.0 and np.linalg.norm(matrix.sum(axis=0)) <= CENTRED * size:
        warn_caller(
            "the rows were centred together, so that each is known by the others and gcv and loo are too low: give them as "
            "they were, with intercept=True"
        )


def _fit(gram: Gram, columns: np.ndarray, ridge: float, time: float) -> dict[str, Any]:
    """Training error and degrees of freedom of the fit to all rows, `ridge` that of the unscaled Gram matrix."""
    values = gram.values
    shrunk = ridge / (values + ridge)
    kept = shrunk + (1.0 - shrunk) * np.exp(-(values + ridge) * (time / columns.shape[0]))
    along = gram.vectors.T @ columns
    # what is off the span is never fitted
    residual = columns + gram.vectors @ ((kept - 1.0)[:, None] * along)
    return {"train": np.mean(residual**2, axis=0), "df1": gram.centred + np.sum(1.0 - kept)}


def _rows(gram: Gram, columns: np.ndarray, ridge: float) -> dict[str, Any]:
    found = risk_estimators(gram, columns, ridge)
    errors = {"gcv_se": found.relative_error * found.gcv, "loo_se": found.relative_error * found.loo}
    each = {name: getattr(found, name) for name in ("gcv", "loo", "train", "df1", "kappa")}
    return each | errors


def _along_flow(gram: Gram, columns: np.ndarray, ridge: float, time: float, fit: dict[str, Any]) -> dict[str, Any]:
    found = leave_rows_out(gram, columns, ridge, time, with_matrix=True)
    loo = np.mean(found.residuals**2, axis=0)
    if math.isinf(time):
        gcv = risk_estimators(gram, columns, ridge).gcv
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            gcv = fit["train"] / (1.0 - fit["df1"] / columns.shape[0]) ** 2
    return {"gcv": np.where(np.isfinite(gcv), gcv, np.nan), "loo": loo, "loo_se": _error(found.matrix) * loo}


def _left_out(
    gram: Gram, columns: np.ndarray, blocks: list[np.ndarray], ridge: float, time: float, views: int, cross: Any
) -> dict[str, Any]:
    found: LeftOut = leave_blocks_out(gram, columns, blocks, ridge, time, views, cross, with_matrix=True)
    # the views of a sample share its label
    shared = np.kron(np.eye(len(blocks)), np.ones((views, 1))) if views > 1 else None
    result = {"loo": np.mean(found.residuals**2, axis=0)}
    result["loo_se"] = _error(found.matrix, shared) * result["loo"]
    if found.clean is not None:
        result["loo_clean"] = np.mean(found.clean**2, axis=0)
        result["loo_clean_se"] = _error(found.clean_matrix, shared) * result["loo_clean"]
    return result


def _error(matrix: Any, shared: Any = None) -> float:
    """sqrt(2 tr (R'R)^2) / tr R'R."""
    rows = matrix if shared is None else matrix @ shared
    square = rows @ rows.T
    return math.sqrt(2.0 * np.sum(square * square)) / np.trace(square)


def _best(points: list[dict[str, Any]], grid: Grid) -> dict[str, float]:
    best = {}
    for name in ("gcv", "loo", "loo_clean"):
        if name not in points[0] or len(points) == 1:
            continue
        total = np.array([np.sum(point[name]) for point in points])
        if np.isfinite(total).any():
            at = int(np.nanargmin(total))
            best |= {f"best_{name}_{axis}": float(part[at]) for axis, part in grid.columns.items()}
    return best


def _clean(clean: Any, matrix: np.ndarray, kind: str, views: Any, centred: bool) -> np.ndarray | None:
    if clean is None:
        return None
    if views is None:
        raise ValueError("clean must come with views: it holds the clean input of each sample")
    given = validation.array("clean", clean, 2)
    expected = (matrix.shape[0] // int(views), matrix.shape[1])
    if given.shape != expected:
        what = "the kernel of each clean input with all rows" if kind == "kernel" else "the features of each clean input"
        raise ValueError(f"clean must hold {what}, shape {expected}, got {given.shape}")
    mean = matrix.mean(axis=0) if centred else 0.0
    cross = given - mean if kind == "kernel" else (given - mean) @ (matrix - mean).T
    return cross - cross.mean(axis=1, keepdims=True) if centred else cross
