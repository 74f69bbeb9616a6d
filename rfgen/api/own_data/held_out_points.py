"""One point of a learning curve of one's own rows: the formula, what limits it, and real splits where it may fail."""

__all__ = ["SENTENCES", "Rows", "point", "simulated"]

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfgen.api.own_data.rows import ROUNDING, at_rounding, doubtful, uneven
from rfgen.numerics.gram import Gram
from rfgen.simulation.runs.splits import Splits, random_splits
from rfgen.theory.estimation.held_out_groups import held_out_groups
from rfgen.theory.estimation.held_out_risk import held_out_risk
from rfgen.theory.estimation.risk_estimators import risk_estimators
from rfgen.theory.estimation.subsample_risk import SubsampleRisk

# Rows up to which each has an effective ridge of its own; beyond, one for all, corrected by leave-one-out.
MOST_ROWS = 2_000
# What sends a point to real splits: the risk beside the bias, what the form leaves out, few rows.
AMPLIFIED, CAVITY, FEW = 1.2, 0.005, 10
# A gap of theory and splits that counts, relative, and how many splits look, and then decide.
GAP, LOOK, DECIDE = 0.07, 20, 100
# Of ridge / mean K_ii and of rows, within which a risk may be without bound; of rows, below which little is known beyond N.
PEAK_RIDGE, PEAK_ROWS, THIN = 1e-6, 5, 0.9
# Of splits, whose fits last digits decide.
ROUNDED = 0.1
# In units of mean K_ii: ridges beyond are as these, whose cubes are doubles.
RIDGES = 1e-60, 1e60
SENTENCES = {
    "simulated": "100 real splits: the mean of groups; else the median, as the formula does not hold there (band 10-90 %)",
    "unreachable": "beyond what the sample tells: n may be at most rows + ridge tr K^-1 (`reach`); give a larger ridge",
    "edge": "the least ridge that the sample reaches at this n, and risk still falls: an upper bound of the best risk",
    "thin": "few directions are left to tell of the population: standard error above a quarter",
    "near peak": "n is at the rank of the rows, where the risk without ridge has no bound",
    "rounding": ROUNDING,
    "clustered": "rows repeat, or nearly: independent rows beyond the sample cannot be told; give groups",
    "not solved": "no solution of the equations in double precision",
}


@dataclass(frozen=True)
class Rows:
    """The user's rows: kernel of mean diagonal 1 (centred with an intercept), its decomposition, labels (centred).

    `signs` (N, outputs): the labels as they came where all are 1 or -1; `repeated`: how many rows have an exact copy among
    those that are drawn apart from them; `blocks`: the rows of each group that is drawn as a whole; `kind`
    of the data as they came; `replace`: rows are drawn with replacement.
    """

    kernel: np.ndarray
    gram: Gram
    labels: np.ndarray
    scale: float
    intercept: bool
    signs: np.ndarray | None
    repeated: int
    seed: int
    blocks: list[np.ndarray] | None
    kind: str
    replace: bool

    @property
    def count(self) -> float:
        """Most that leaves any to test on, and one: groups, or rows, without end with replacement."""
        return math.inf if self.replace else len(self.labels if self.blocks is None else self.blocks)

    def per_row(self, ridge: Any) -> Any:
        """A ridge in units of mean K_ii; beyond what doubles tell from 0 and from infinity, no further."""
        own = np.asarray(ridge) / self.scale
        return np.where(own > 0.0, np.clip(own, *RIDGES), own)[()]

    def distinct(self, n: Any) -> Any:
        """How many different rows n draws, or groups, hold in the mean."""
        rows = len(self.labels)
        return rows * (1.0 - (1.0 - 1.0 / rows) ** n) if self.replace else n * rows / self.count

    @property
    def groups(self) -> np.ndarray:
        """The number of each row's group, or its own."""
        found = np.arange(len(self.labels))
        for number, block in enumerate(self.blocks or ()):
            found[block] = number
        return found


def point(
    rows: Rows, n: float, ridge: float, scalar: SubsampleRisk, start: np.ndarray | None
) -> tuple[dict[str, Any], np.ndarray | None]:
    """One n and ridge, and its effective ridges if they help to solve the next, from `start`."""
    count, rank = rows.count, rows.gram.vectors.shape[1] + rows.intercept
    if scalar.status == "unreachable":
        return _unknown(rows, "unreachable"), None
    each = None
    if len(rows.labels) > MOST_ROWS and (rows.blocks is None or n < count):
        if rows.blocks is not None or rows.replace:
            return simulated(rows, int(n), ridge), None
        found = _corrected(rows, scalar)
    else:
        if rows.blocks is not None and count < len(rows.labels):
            form = held_out_groups(rows.kernel, rows.gram, rows.labels, rows.blocks, n, ridge, start)
        else:
            form = held_out_risk(rows.kernel, rows.gram, rows.labels, n, ridge, start, rows.replace)
        if not form.converged and n > count:  # it solves less far than the form with one effective ridge
            return _finished(rows, scalar, _corrected(rows, scalar), n, ridge, rank), None
        found = {
            "test": form.test, "train": form.train, "bias": form.bias, "per_example": form.per_example,
            "mean_residual": form.mean_residual, "cavity": form.cavity, "converged": form.converged, "least": form.least,
        }
        each = form.effective_ridges if form.converged and n != count and scalar.status == "ok" else None
    return _finished(rows, scalar, found, n, ridge, rank), each


def _finished(
    rows: Rows, scalar: SubsampleRisk, found: dict[str, Any], n: float, ridge: float, rank: int
) -> dict[str, Any]:
    """The point with its error, status and, where the formula may fail, what splits say."""
    count = rows.count
    if n > count:  # rows of the sample have no risk of their own there, nor is it split into bias and variance
        blank = np.full_like(rows.labels, math.nan)
        found |= {"bias": blank[0], "per_example": blank, "mean_residual": blank}
    with np.errstate(invalid="ignore", divide="ignore"):
        found["indicator"] = abs(float(np.sum(found["test"]) / np.sum(scalar.test)) - 1.0)
    # the form with one effective ridge, and its error, are of rows on their own, drawn once
    alone = rows.blocks is None and not rows.replace
    error = scalar.relative_error if alone else math.nan * scalar.relative_error
    found["indicator"] += 0.0 if alone else math.nan
    found["test_se"] = error * found["test"]
    found["status"] = _status(rows, scalar, found, n, ridge, rank)
    doubtful = not found["converged"] or rows.repeated or n <= FEW or found["cavity"] > CAVITY
    if n < count and (doubtful or float(np.sum(found["test"])) > AMPLIFIED * float(np.sum(found["bias"]))):
        peak = {"status": "near peak"} if found["status"] == "near peak" else {}
        found |= _checked(rows, found, int(n), ridge) | peak
        found["test_se"] = error * found["test"]
    return found


def _corrected(rows: Rows, scalar: SubsampleRisk) -> dict[str, Any]:
    """One effective ridge for all rows, times leave-one-out over generalised cross-validation at it."""
    w = scalar.effective_ridge
    found = risk_estimators(rows.gram, rows.labels, w) if math.isfinite(w) else None
    factor = found.loo / found.gcv if found is not None else np.full(rows.labels.shape[1], math.nan)
    unknown = np.full(rows.labels.shape, math.nan)
    return {
        "test": scalar.test * factor, "train": scalar.train * factor, "bias": scalar.bias * factor, "per_example": unknown,
        "mean_residual": unknown, "cavity": 0.0, "converged": bool(np.isfinite(scalar.test * factor).all()),
    }


def _status(rows: Rows, scalar: SubsampleRisk, found: dict[str, Any], n: float, ridge: float, rank: int) -> str:
    count = len(rows.labels)
    if not found["converged"]:
        return "not solved"
    exact, n = n == rows.count, rows.distinct(n)
    if rows.blocks is None and rank < count and abs(n - rank) <= PEAK_ROWS and ridge <= PEAK_RIDGE and n <= count:
        return "near peak"
    if at_rounding(rows.gram, scalar.effective_ridge, rows.kind) or (exact and doubtful(rows.gram, ridge, rows.blocks)):
        return "rounding"
    if not exact and uneven(rows.gram, found.get("least", math.inf), scalar.effective_ridge, rows.kind):
        return "rounding"
    if n > count and rows.repeated:
        return "clustered"
    if n > count and count - scalar.degrees < THIN * count and float(np.max(scalar.relative_error)) > 0.25:
        return "thin"
    return "ok"


def _checked(rows: Rows, found: dict[str, Any], n: int, ridge: float) -> dict[str, Any]:
    """Real splits, with the per-example risk of their held-out rows as control variate: keep the formula, or not.

    Where few splits do not agree, or scatter too much to tell, those that would replace the formula are asked first.
    """
    if found["converged"] and np.isfinite(found["per_example"]).all():
        for number in (LOOK, DECIDE):
            splits = _splits(rows, n, ridge, number)
            gaps = splits.test.sum(axis=1) - _of_held_out(splits, found["per_example"])
            total, spread = float(np.sum(found["test"])), float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))
            if abs(gaps.mean()) <= max(GAP * total, 2.0 * spread) and spread <= GAP * total:
                return {}
    return simulated(rows, n, ridge)


def _splits(rows: Rows, n: int, ridge: float, number: int) -> Splits:
    return random_splits(rows.kernel, rows.labels, n, ridge, number, rows.seed, rows.intercept, rows.groups, rows.replace)


def _of_held_out(splits: Splits, per_example: np.ndarray) -> np.ndarray:
    held = splits.held_out.astype(float)
    return held @ per_example.sum(axis=1) / held.sum(axis=1)


def simulated(rows: Rows, n: int, ridge: float) -> dict[str, Any]:
    """What real splits say of training on n rows, or groups."""
    splits = _splits(rows, n, ridge, DECIDE)
    if len(splits.test) < LOOK:  # hardly any left a row to test on
        return _unknown(rows, "not solved")
    low, high = np.quantile(splits.test, [0.1, 0.9], axis=0)
    held = splits.held_out.sum(axis=1)[:, None]
    if rows.blocks is None:  # where the formula fails a few splits may have most of the risk
        test, train = np.median(splits.test, axis=0), np.median(splits.train, axis=0)
    else:  # groups of any size: the mean over rows
        drawn = len(rows.labels) - held
        test = np.sum(held * splits.test, axis=0) / held.sum()
        train = np.sum(drawn * splits.train, axis=0) / drawn.sum()
    status = "rounding" if splits.rounded.mean() > ROUNDED else "simulated"
    known = {"test": test, "train": train, "test_low": low, "test_high": high, "status": status}
    return {**_unknown(rows, status), **known}


def _unknown(rows: Rows, status: str) -> dict[str, Any]:
    nothing, each = np.full(rows.labels.shape[1], math.nan), np.full(rows.labels.shape, math.nan)
    return {
        "test": nothing, "train": nothing, "bias": nothing, "test_se": nothing, "per_example": each, "mean_residual": each,
        "indicator": math.nan, "status": status,
    }
