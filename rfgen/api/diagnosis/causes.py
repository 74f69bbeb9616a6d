"""What separates theory from real splits of one's own rows, point by point, each with the error that it makes."""

__all__ = ["causes"]

import math
from collections.abc import Iterator

import numpy as np

from rfgen.api.diagnosis.point import SPLITS, Point, last_digits
from rfgen.api.diagnosis.record import Finding
from rfgen.api.own_data.held_out_points import FEW, PEAK_RIDGE, PEAK_ROWS, Rows
from rfgen.simulation.runs.splits import random_splits

# An error counts from here, relative, and beyond so many standard errors of the splits.
UNLIKE, WRONG, ERRORS = 0.05, 0.1, 3.0
# Per-example form over the form with one effective ridge, less 1: below, 90 % of 75 settings are within 4.7 %.
LEVERAGE = 0.05
# The form per row fails in so few input dimensions, 20 % of planes and 7 % of four-dimensional tables against 1 % of more;
# where effective ridges vary so much (one-hot); and where few others share in a row's prediction (both of them).
DIMENSIONS, ONE_HOT, FEW_SHARE = 3.5, 2.0, (0.05, 0.25)
# A single split that scatters by more says nothing alone; a sample that tells the population's risk no better is small.
SCATTER, SMALL = 0.5, 0.2
# A risk below this share of the labels' mean square is none, and has no relative error.
NOTHING = 1e-14
# The effective ridge in roundings of the largest eigenvalue, below which leave-one-out moves with them, and by how much.
ROUNDINGS, MOVED = 1e4, 1e-3


def causes(
    rows: Rows, groups: np.ndarray | None, dimension: float, precision: float, at: Point, where: str, unit: float
) -> Iterator[Finding]:
    """The findings at one point; `groups` hold exact copies together; `unit`: the user's ridge in units of the point's."""
    if not at.found > NOTHING * float(np.sum(np.mean(rows.labels**2, axis=0))):
        return
    if at.of_population > SMALL:
        yield Finding(
            "few rows", at.of_population, where,
            f"{len(rows.labels)} rows tell the risk of their population to {at.of_population:.0%} (standard error)",
            "take more rows, or a larger ridge",
        )
    yield from _peak(rows, at, where)
    if 0.0 < at.effective < ROUNDINGS * precision * float(rows.gram.values[0]):
        moved = last_digits(rows, at.n, at.ridge, precision)
        if abs(moved) >= MOVED:
            yield Finding(
                "rounding", moved, where,
                "the effective ridge is at the rounding of the kernel matrix: its last digits move the risk of splits",
                f"take a ridge above {ROUNDINGS * precision * float(rows.gram.values[0]) * unit:.2g}"
                + (", or double precision" if precision > 1e-10 else ""),
            )
    copies = None if groups is None else _copies(rows, groups, at, where)
    if copies is not None:
        yield copies
        return
    off = at.each / at.found - 1.0
    if not abs(off) <= max(WRONG, ERRORS * at.error / at.found):  # nor is it where nothing was solved
        yield _formula(dimension, at, where, off, unit)
    off = at.one / at.found - 1.0
    if abs(at.each / at.one - 1.0) >= LEVERAGE and abs(off) > max(UNLIKE, ERRORS * at.error / at.found):
        yield Finding(
            "leverage", off, where,
            f"rows differ in leverage (effective ridges by {at.cv:.2g} of their mean), and a Task has one effective ridge",
            f"use rg.learning_curve, where each row has its own, or a ridge of mean K_ii ({unit:.2g}) or more",
        )


def _peak(rows: Rows, at: Point, where: str) -> Iterator[Finding]:
    if at.scatter <= SCATTER:
        return
    rank = rows.gram.vectors.shape[1] + rows.intercept
    at_rank = rank < len(rows.labels) and abs(at.n - rank) <= PEAK_ROWS and at.ridge <= PEAK_RIDGE
    why = f": n is at the rank of the rows ({rank}), where the risk without ridge has no bound" if at_rank else ""
    yield Finding(
        "scatter", at.scatter, where, f"a single run scatters by so much (standard deviation){why}",
        f"average over {math.ceil((at.scatter / 0.1) ** 2)} runs for 10 %, or take a larger ridge",
    )


def _copies(rows: Rows, groups: np.ndarray, at: Point, where: str) -> Finding | None:
    """Splits that tear copies apart, and the formula, beside splits that hold them together."""
    count, kinds = len(groups), int(groups.max()) + 1
    n = min(max(round(at.n * kinds / count), 1), kinds - 1)
    splits = random_splits(rows.kernel, rows.labels, n, at.ridge, SPLITS, rows.seed, rows.intercept, groups)
    totals = splits.test.sum(axis=1)
    true, error = float(totals.mean()), float(totals.std(ddof=1)) / math.sqrt(SPLITS)
    off = at.found / true - 1.0
    if not abs(off) > max(UNLIKE, ERRORS * math.hypot(error / true, at.error / at.found)):
        return None
    return Finding(
        "duplicates", off, where,
        f"{rows.repeated} rows repeat others exactly: held out, their copies in training know them (theory is "
        f"{at.each / true - 1.0:+.0%} off)",
        "hold copies together: groups=, as in .groups of this diagnosis",
    )


def _formula(dimension: float, at: Point, where: str, off: float, unit: float) -> Finding:
    """Why the form with an effective ridge per row is off."""
    remedy = f"use rg.learning_curve, which simulates such points, or a ridge of mean K_ii ({unit:.2g}) or more"
    if not math.isfinite(off):
        return Finding("not solved", off, where, "the equations of the theory have no solution in double precision", remedy)
    if at.n <= FEW:
        return Finding("few rows", off, where, f"theory is for many rows, {at.n} are in training", remedy)
    if dimension < DIMENSIONS:
        return Finding(
            "low dimension", off, where,
            f"rows lie in about {dimension:.1f} dimensions, where theory near interpolation is off", remedy,
        )
    if at.cv > ONE_HOT:
        return Finding(
            "rare rows", off, where,
            f"rows have directions of their own, as rare categories (effective ridges vary by {at.cv:.2g} of their mean)",
            remedy + "; or merge rare categories",
        )
    if at.few[0] > FEW_SHARE[0] and at.few[1] > FEW_SHARE[1]:
        return Finding(
            "clusters", off, where, "rows come in tight clusters or near copies: few others decide on each", remedy +
            "; groups= if clusters are of one origin",
        )
    return Finding("formula", off, where, "theory is off, by none of the known causes", remedy)
