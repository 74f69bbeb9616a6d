"""Leave-one-out of logistic regression and the lasso, of one's own rows, without refits."""

__all__ = ["approximate_risk"]

from typing import Any

import numpy as np

from rfgen._version import __version__
from rfgen.api.own_data.rows import fits, read_data, read_labels
from rfgen.curves.arguments import Dataset
from rfgen.curves.grid import Grid
from rfgen.numerics.compilation.caller import warn_caller
from rfgen.numerics.gram import gram_of_features, gram_of_kernel
from rfgen.problems.trainings.classifier import Logistic
from rfgen.simulation.fits.margins.logistic_fit import logistic_fit
from rfgen.systems.sparse.l1_fit import l1_fit
from rfgen.systems.sparse.problem import Lasso
from rfgen.theory.estimation.leave_out import approximately_left_out

# Active coefficients per row, beyond which those without a row are others: see `estimate_risk`.
MOST_ACTIVE = 0.5
NAMES = {
    "loo": {"lasso": "approximate leave-one-out estimate of the test risk", "logistic": "... of the logistic loss"},
    "loo_se": "standard error of loo, by the scatter of rows alone", "loo_error": "share of wrong signs of rows left out",
    "train": "training error, or loss", "train_error": "share of wrong signs in training", "active": "coefficients not 0",
}


def approximate_risk(data: Any, y: Any, training: Any, kind: str, intercept: Any) -> Dataset:
    """What `estimate_risk` gives of a training that is no ridge regression."""
    import xarray

    if not isinstance(training, Lasso | Logistic):
        raise ValueError(f"training must be rg.Lasso or rg.Logistic (None: ridge regression), got {training!r}")
    matrix, kind, precision = read_data(data, kind)
    labels = read_labels(y, len(matrix), 1)
    if labels.ndim != 1:
        raise ValueError(f"y must have one column with {type(training).__name__}, got {labels.shape[1]}")
    fits(matrix, kind, min(matrix.shape))
    lasso = isinstance(training, Lasso)
    if lasso:
        if kind == "kernel":
            raise ValueError("data must be features with rg.Lasso, not a kernel: kind='features' if they are square")
        measure = _lasso(matrix, labels, bool(intercept))
    else:
        if not (np.abs(labels) == 1.0).all() or np.ptp(labels) == 0.0:
            raise ValueError("y must hold the signs 1 and -1, both of them, with rg.Logistic")
        if intercept:
            raise ValueError("intercept must be left out with rg.Logistic, which has its own: Logistic(1, intercept=True)")
        # coordinates of the rows in their span do as well as features: the penalty is the same
        gram = (gram_of_kernel if kind == "kernel" else gram_of_features)(matrix, precision)
        measure = _logistic(gram.vectors * np.sqrt(gram.values), labels, training.intercept)
    grid = Grid(training.axes)
    points = [measure(**at) for at in grid.points]
    long = "lasso" if lasso else "logistic"
    variables = {}
    for name in points[0]:
        title = NAMES[name][long] if name == "loo" else NAMES[name]
        variables[name] = (grid.dims, grid.pack(np.array([point[name] for point in points])), {"long_name": title})
    coords = {name: ((name,) if axis.ndim else (), axis) for name, axis in training.axes.items()}
    attributes: dict[str, Any] = {"rfgen_version": __version__, "kind": kind, "rows": len(labels)}
    values = np.array([point["loo"] for point in points], float)
    if np.isfinite(values).any():
        least = grid.points[int(np.nanargmin(values))]
        attributes |= {f"best_loo_{name}": value for name, value in least.items()}
    if not np.isfinite(values).all():
        attributes["failures"] = "loo: the fit did not converge, or a row is not determined by the others"
    return xarray.Dataset(variables, coords, attributes)


def _logistic(rows: np.ndarray, labels: np.ndarray, intercept: bool) -> Any:
    def measure(ridge: Any) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            weights, level, converged = logistic_fit(rows, labels, np.ones(len(labels)), float(ridge), intercept)
            fitted = rows @ weights + level
            wrong = 1.0 / (1.0 + np.exp(labels * fitted))
            left = approximately_left_out(rows, fitted, -labels * wrong, wrong * (1.0 - wrong), ridge, intercept)
        known = bool(converged) and bool(np.isfinite(left).all())
        losses = np.logaddexp(0.0, -labels * left) if known else np.full_like(labels, np.nan)
        return _estimate(losses) | {
            "loo_error": np.mean(labels * left <= 0.0) if known else np.nan,
            "train": np.mean(np.logaddexp(0.0, -labels * fitted)) if converged else np.nan,
            "train_error": np.mean(labels * fitted <= 0.0) if converged else np.nan,
        }

    return measure


def _lasso(rows: np.ndarray, labels: np.ndarray, intercept: bool) -> Any:
    # an intercept that is not penalised is the fit of rows and labels less their means
    mean, level = (rows.mean(axis=0), labels.mean()) if intercept else (0.0, 0.0)
    rows, labels = rows - mean, labels - level

    def measure(penalty: Any) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            fit = l1_fit(rows, labels, float(penalty))
        fitted, active = rows @ fit.coefficients, np.asarray(fit.active)
        left = approximately_left_out(rows[:, active], fitted, fitted - labels, np.ones(len(labels)), 0.0, intercept)
        if active.sum() > MOST_ACTIVE * len(labels):
            warn_caller(
                f"{int(active.sum())} coefficients are active for {len(labels)} rows at penalty {float(penalty):g}: beyond "
                f"{MOST_ACTIVE:g} a row they are others without it, and loo is off by tens of per cent; raise the penalty"
            )
        errors = np.where(fit.converged, (left - labels) ** 2, np.nan)
        train = np.mean((fitted - labels) ** 2) if fit.converged else np.nan
        return _estimate(errors) | {"train": train, "active": int(active.sum())}

    return measure


def _estimate(each: np.ndarray) -> dict[str, Any]:
    return {"loo": each.mean(), "loo_se": each.std(ddof=1) / len(each) ** 0.5}
