"""`learning_curve`: what more, or less, of one's own data gives, without a fit."""

__all__ = ["learning_curve"]

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.held_out_points import SENTENCES, Rows, point, simulated
from rfgen.api.rows import fits, read_blocks, read_data, read_labels
from rfgen.curves.arguments import Numbers
from rfgen.numerics.caller import warn_caller
from rfgen.numerics.gram import Gram, centred_kernel, gram_of_features, gram_of_kernel
from rfgen.problems import validation
from rfgen.problems.own_functions import own_result
from rfgen.theory.estimation.held_out_risk import HeldOutRisk, held_out_risk
from rfgen.theory.estimation.risk_estimators import risk_estimators

if TYPE_CHECKING:
    import xarray

# Two to train on, one to test.
LEAST_ROWS = 3
# Squared distance of two rows that are one, in units of mean K_ii.
SAME = 1e-10
# A prediction of all rows from half of them that misses by more is no base for one beyond them.
HINDCAST = 0.3
NAMES = {
    "test": "risk on held-out rows", "train": "training error (mean squared residual)",
    "bias": "squared error of the mean prediction at held-out rows", "variance": "variance over the draws of rows, there",
    "test_se": "standard error of test as an estimate for the population", "error": "share of wrong signs at held-out rows",
    "test_low": "10 % of splits lie below", "test_high": "90 % of splits lie below",
    "indicator": "|per-example form / form with one effective ridge - 1|", "status": "ok, or what limits the value",
    "per_example": "expected squared error at each row when it is held out", "best_ridge": "ridge of least risk",
    "best_test": "risk at the best ridge", "reach": "most rows that the sample tells of", "n": "rows in training",
    "ridge": "ridge (unnormalised)",
}


def learning_curve(
    data: Any, y: Any, n: Numbers | None = None, ridge: Numbers = 0.0, *, kind: str = "auto",
    kernel: Callable[[Any, Any], Any] | None = None, feature_map: Callable[[Any], Any] | None = None,
    intercept: bool = True, groups: Sequence[Any] | np.ndarray | None = None, views: int | None = None, seed: int = 0,
) -> "xarray.Dataset":
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
        Names of rows that belong together (patients, duplicates): n counts whole groups.
    views
        Rows m i, ..., m i + m - 1 are augmented views of sample i, whose loss is their mean: n counts samples.
    seed
        Of the splits.

    Returns
    -------
    xarray.Dataset
        Over n, ridge and `output` (y with columns): `test`, `train`, `bias`, `variance`; `test_se`, the standard error of
        `test` for the population (intervals of two cover about 80 % on real data); `error`, the share of wrong signs
        (labels +-1); `per_example`; `status` and, for what was simulated, `test_low` and `test_high`; with several ridges
        `best_ridge`, `best_test` of each n.  `attrs`: what the statuses say, and `hindcast`, by how much N/2 of the rows
        miss the risk of N.

    Raises
    ------
    ValueError
        That names the argument.

    Notes
    -----
    The average over random splits of these rows.  Where the formula may fail (risk far above bias, duplicates, n <= 10),
    20 real splits check it, and where they disagree 100 replace it: status `simulated`.  Groups are simulated altogether,
    up to their number.  Beyond N rows must be exchangeable: no time series, no population that changes.  Above 2,000 rows
    one effective ridge serves all, corrected by leave-one-out.

    References
    ----------
    `held_out_risk` (Malzahn and Opper, JMLR 4, 2003), `subsample_risk`.

    Examples
    --------
    >>> import rfgen as rg
    >>> X, y = rg.datasets.digits()
    >>> curve = rg.learning_curve(X[:200], y[:200], n=[50, 100, 200, 400], ridge=[1.0, 10.0])
    >>> curve.test.sel(ridge=10.0).values.round(2), curve.best_ridge.values
    (array([0.34, 0.27, 0.22, 0.2 ]), array([1., 1., 1., 1.]))
    """
    validation.aligned(data=data, y=y, groups=groups)
    rows, blocks, kind, ridges = _read(data, y, ridge, kind, kernel, feature_map, intercept, groups, views, seed)
    count = len(rows.labels) if blocks is None else int(blocks.max()) + 1
    sizes = _sizes(n, count, blocks is not None)
    points: dict[tuple[int, int], dict[str, Any]] = {}
    start: HeldOutRisk | None = None
    for column in np.argsort(np.ravel(sizes)):
        size, before = float(np.ravel(sizes)[column]), start
        for number, row in enumerate(np.argsort(-np.ravel(ridges))):
            at = float(np.ravel(ridges)[row]) / rows.scale
            if blocks is not None:
                points[column, row] = simulated(rows, int(size), at, blocks)
                continue
            # a solution at a larger ridge or fewer rows is a start that Newton's steps fall from
            points[column, row], before = point(rows, size, at, before)
            start = before if number == 0 else start
    return _dataset(rows, points, sizes, ridges, count, kind, np.ndim(y) == 2)


def _read(
    data: Any, y: Any, ridge: Any, kind: str, kernel: Any, feature_map: Any, intercept: bool, groups: Any, views: Any,
    seed: Any,
) -> tuple[Rows, np.ndarray | None, str, np.ndarray]:
    if kernel is not None and feature_map is not None:
        raise ValueError("feature_map must be left out where kernel is given")
    if not isinstance(intercept, bool | np.bool_):
        raise ValueError(f"intercept must be True or False, got {intercept!r}")
    if kernel is not None:
        data, kind = own_result("kernel", kernel, data, data), "kernel"
    elif feature_map is not None:
        data, kind = own_result("feature_map", feature_map, data), "features"
    matrix, kind, precision = read_data(data, kind)
    count = matrix.shape[0]
    fits(matrix, kind, count)
    if count < LEAST_ROWS:
        raise ValueError(f"data must hold at least {LEAST_ROWS} rows, got {count}")
    if groups is not None and views is not None:
        raise ValueError("groups must be left out where views are given: the views of a sample are its group")
    listed = read_blocks(count, views, groups)
    labels = read_labels(y, count, 1 if views is None else int(views))
    labels = labels if labels.ndim == 2 else labels[:, None]
    intercept = bool(intercept)
    signs = labels if (np.abs(labels) == 1.0).all() else None
    labels = labels - labels.mean(axis=0) if intercept else labels
    gram = (gram_of_kernel if kind == "kernel" else gram_of_features)(matrix, precision, centred=intercept)
    if kind == "features":
        matrix = matrix - matrix.mean(axis=0) if intercept else matrix
        matrix = matrix @ matrix.T
    elif intercept:
        matrix = centred_kernel(matrix)
    scale = float(np.trace(matrix)) / count
    if not scale > 0.0:
        raise ValueError("data must hold rows that differ: its kernel matrix is zero")
    matrix, ridges = matrix / scale, validation.non_negative("ridge", ridge)
    gram = Gram(gram.vectors, gram.values / scale, gram.centred)
    scale /= 1 if views is None else int(views)  # the mean over views of a sample is the sum at so many times the ridge
    blocks = None
    if listed is not None:
        blocks = np.empty(count, int)
        for number, part in enumerate(listed):
            blocks[part] = number
    diagonal = np.diag(matrix)
    distances = diagonal[:, None] + diagonal - 2.0 * matrix + np.eye(count)
    repeated = int(np.sum((distances < SAME).any(axis=1)))
    if repeated and blocks is None:
        warn_caller(
            f"{repeated} rows repeat others exactly: a held-out copy is no new row; give groups that hold copies together"
        )
    seed = validation.integer("seed", seed, 0)
    return Rows(matrix, gram, labels, scale, intercept, signs, repeated, seed), blocks, kind, ridges


def _sizes(n: Any, count: int, grouped: bool) -> np.ndarray:
    if n is None:
        least = min(10, count - 1)
        return np.unique(np.round(np.geomspace(least, count - grouped, 12)))
    sizes = validation.positive("n", n)
    what = "groups" if grouped else "rows"
    if (sizes < 2).any():
        raise ValueError(f"n must be at least 2 {what}, got {sizes.min():g}")
    if grouped and (sizes >= count).any():
        raise ValueError(f"n must be below the number of groups ({count}), got {sizes.max():g}: groups are simulated")
    if (sizes != np.round(sizes)).any():
        raise ValueError(f"n must hold whole numbers of {what}, got {sizes[sizes != np.round(sizes)][0]:g}")
    return sizes


def _dataset(
    rows: Rows, points: dict[tuple[int, int], dict[str, Any]], sizes: np.ndarray, ridges: np.ndarray, count: int, kind: str,
    outputs: bool,
) -> Any:
    import xarray
    from scipy.special import ndtr

    axes = {"n": sizes, "ridge": ridges}
    dims = [name for name, axis in axes.items() if axis.ndim]
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    places = list(np.ndindex(sizes.size, ridges.size))
    nothing = np.full(rows.labels.shape[1], math.nan)

    def stacked(name: str, missing: Any = math.nan) -> np.ndarray:
        values = np.array([points[place].get(name, missing) for place in places])
        return values.reshape(shape + values.shape[1:])

    each = {name: stacked(name, nothing) for name in ("test", "train", "bias", "test_se", "test_low", "test_high")}
    each["variance"] = each["test"] - each["bias"]
    examples = stacked("per_example")
    if rows.signs is not None:
        missed = stacked("mean_residual")
        with np.errstate(invalid="ignore", divide="ignore"):
            margin = rows.signs * (rows.signs - missed) / np.sqrt(np.maximum(examples - missed**2, 0.0))
        each["error"] = np.mean(ndtr(-margin), axis=-2)
    last = ["output"] if outputs else []
    variables: dict[str, Any] = {name: (dims + last, value if outputs else value[..., 0]) for name, value in each.items()}
    variables["per_example"] = ([*dims, "example", *last], examples if outputs else examples[..., 0])
    variables |= {name: (dims, stacked(name)) for name in ("indicator", "status")}
    total = np.sum(each["test"], axis=-1)
    if ridges.ndim:
        variables |= _best(total, variables["status"][1], sizes, ridges, count, dims)
    variables["reach"] = (dims[dims.index("ridge") :] if ridges.ndim else [], _reach(rows, ridges))
    found = sorted({str(status) for status in np.ravel(variables["status"][1])} - {"ok"})
    attributes: dict[str, Any] = {
        "rfgen_version": __version__, "kind": kind, "rows": len(rows.labels), "rank": rows.gram.vectors.shape[1],
        "intercept": int(rows.intercept), **{status.replace(" ", "_"): SENTENCES[status] for status in found},
    }
    if (sizes > count).any():
        attributes["hindcast"] = _hindcast(rows, ridges / rows.scale)
        if abs(attributes["hindcast"]) > HINDCAST:
            warn_caller(
                f"half of the rows miss the risk of all {count} by {attributes['hindcast']:.0%}: what more rows bring is "
                "not to be told from these"
            )
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in axes.items()}
    if outputs:
        coords["output"] = (("output",), np.arange(rows.labels.shape[1]))
    result = xarray.Dataset(variables, coords, attributes)
    for name in result.variables:
        result[name].attrs["long_name"] = NAMES.get(str(name), str(name))
    return result


def _best(
    total: np.ndarray, status: np.ndarray, sizes: np.ndarray, ridges: np.ndarray, count: int, dims: list[str]
) -> dict[str, Any]:
    """Best ridge and its risk at every n; beyond the sample, where risk falls to the edge of its reach, that of N."""
    tables = np.reshape(total, (sizes.size, ridges.size))
    flags = np.reshape(status, (sizes.size, ridges.size))
    places = np.array([int(np.nanargmin(row)) if np.isfinite(row).any() else -1 for row in tables])
    own = np.flatnonzero(np.ravel(sizes) <= count)
    for at in np.flatnonzero(np.ravel(sizes) > count):
        reached = np.flatnonzero(np.isfinite(tables[at]))
        if reached.size and places[at] == reached[np.argmin(ridges[reached])] and reached.size < ridges.size:
            flags[at, places[at]] = "edge"
            kept = places[own[np.argmax(np.ravel(sizes)[own])]] if own.size else places[at]
            places[at] = kept if np.isfinite(tables[at, kept]) else places[at]
    found = places >= 0
    ridge = np.where(found, ridges[places], math.nan)
    least = np.where(found, tables[np.arange(sizes.size), places], math.nan)
    along = [name for name in dims if name == "n"]
    shape = sizes.shape
    return {"best_ridge": (along, ridge.reshape(shape)), "best_test": (along, least.reshape(shape)),
            "status": (dims, flags.reshape(status.shape))}


def _reach(rows: Rows, ridges: np.ndarray) -> np.ndarray:
    """Most rows that each ridge lets the sample tell of: N + ridge tr K^-1."""
    count = len(rows.labels)
    if rows.gram.vectors.shape[1] + rows.intercept < count:
        return np.where(ridges > 0.0, math.inf, count)
    return count + ridges / rows.scale * float(np.sum(1.0 / rows.gram.values))


def _hindcast(rows: Rows, ridges: np.ndarray) -> float:
    """By how much half of the rows, at the best ridge of all, miss the risk of all: relative, NaN beyond their reach."""
    total = [float(np.sum(risk_estimators(rows.gram, rows.labels, float(ridge)).loo)) for ridge in np.ravel(ridges)]
    at = int(np.nanargmin(total))
    ridge, count = float(np.ravel(ridges)[at]), len(rows.labels)
    half = np.random.default_rng(rows.seed).permutation(count)[: count // 2]
    kernel, labels = rows.kernel[np.ix_(half, half)], rows.labels[half]
    if rows.intercept:
        kernel, labels = centred_kernel(kernel), labels - labels.mean(axis=0)
    found = held_out_risk(kernel, gram_of_kernel(kernel, centred=rows.intercept), labels, count, ridge)
    return float(np.sum(found.test)) / total[at] - 1.0
