"""The table of a learning curve of one's own rows: every point, the best ridges, the reach, and the hindcast."""

__all__ = ["curve_of_rows"]

import math
from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.own_data.held_out_points import SENTENCES, Rows, point
from rfgen.curves.cells.run import progress_bar
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.gram import centred_kernel, gram_of_kernel
from rfgen.numerics.interpolation import farthest_first, interpolated
from rfgen.simulation.arrays import few_threads
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.risk_estimators import risk_estimators
from rfgen.theory.estimation.subsample_risk import subsample_risk

# A prediction of all rows from half of them that misses by more is no base for one beyond them.
HINDCAST = 0.3
# Entries of one solution that are kept to start others from.
MOST_ENTRIES = 50_000
# Of rows^3 that threads gain from: at 300 rows two took ten times as long as one (22 s a table), at 1,000 twice, then less.
THREADS = 0.05
# Seconds after which a bar tells how far it is.
SLOW = 5.0
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


def curve_of_rows(rows: Rows, sizes: np.ndarray, ridges: np.ndarray, outputs: bool) -> Any:
    """The data set that `learning_curve` returns; `outputs`: labels came as columns."""
    import xarray
    from scipy.special import ndtr

    axes, count = {"n": sizes, "ridge": ridges}, rows.count
    dims = [name for name, axis in axes.items() if axis.ndim]
    shape = tuple(axis.size for axis in axes.values() if axis.ndim)
    places = list(np.ndindex(sizes.size, ridges.size))
    with few_threads(THREADS * float(len(rows.labels)) ** 3):
        points = _points(rows, sizes, ridges)
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
        "rfgen_version": __version__, "kind": rows.kind, "rows": len(rows.labels), "rank": rows.gram.vectors.shape[1],
        "intercept": int(rows.intercept), **{status.replace(" ", "_"): SENTENCES[status] for status in found},
    }
    if (sizes > count).any():
        attributes["hindcast"] = _hindcast(rows, rows.per_row(ridges))
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


def _points(rows: Rows, sizes: np.ndarray, ridges: np.ndarray) -> dict[Any, dict[str, Any]]:
    """Every n and ridge, outside in: what lies between solved ones is nearly solved."""
    # effective ridges are positive, and their matrices smooth
    flat, back = (np.log, np.exp) if rows.blocks is None else (np.asarray, np.asarray)
    places = list(np.ndindex(sizes.size, ridges.size))
    at = [(float(np.ravel(sizes)[column]), float(rows.per_row(np.ravel(ridges)[row]))) for column, row in places]
    scalars = [subsample_risk(rows.gram, rows.labels, rows.distinct(n), ridge) for n, ridge in at]
    n, ridge = np.array(at).T
    least = min(ridge[ridge > 0.0], default=1.0)
    where = np.stack([np.log(np.maximum(ridge, least / 100.0)), np.log(n)], axis=1)
    points: dict[Any, dict[str, Any]] = {}
    known, ratios, kept = np.empty_like(where), np.empty((0, 0)), 0
    with progress_bar(len(places), "n, ridge", delay=SLOW) as bar:
        for number in farthest_first(where):
            # of rows drawn once what exceeds the ridge, of groups the matrices beside it
            floor = 0.0 if rows.replace or rows.blocks is not None else ridge[number]
            alike = scalars[number].effective_ridge - (0.0 if rows.replace else ridge[number])
            start = floor + alike * back(interpolated(known[:kept], ratios[:kept], where[number])) if kept else None
            points[places[number]], each = point(rows, n[number], ridge[number], scalars[number], start)
            if each is not None and each.size <= MOST_ENTRIES:
                ratio = (each - floor) / alike
                if rows.blocks is not None or (ratio > 0.0).all():  # beyond the sample not every row is on one side
                    ratios = ratios if kept else np.empty((len(places), ratio.size))
                    known[kept], ratios[kept] = where[number], flat(ratio)
                    kept += 1
            bar.update()
    return points


def _best(
    total: np.ndarray, status: np.ndarray, sizes: np.ndarray, ridges: np.ndarray, count: float, dims: list[str]
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
    """Most rows that each ridge lets the sample tell of: N + ridge tr K^-1; groups tell of no more."""
    count = rows.count
    if rows.blocks is not None or rows.replace:
        return np.full(ridges.shape, float(count))
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
    return float(np.sum(found.test)) / total[at] - 1.0 if total[at] > 0.0 else 0.0
