"""The least test risk that a budget of compute buys: one pass of SGD, the width and the number of steps in balance.

A step of `batch` samples through k features costs k * batch, so compute = k * steps * batch.  The risk of all widths at
all budgets is one transform (theory (9.11)); between widths its logarithm is a spline in log k, of which the minimum is
taken.  Equations: theory (9.13).
"""

__all__ = ["ComputeOptimal", "compute_optimal"]

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rfgen.theory.sgd.many_passes.feature_ridges import FeatureModes
from rfgen.theory.sgd.streaming.step_transform import step_transform

# Local exponents are slopes over a decade of compute.
HALF_SPAN = 0.5 * np.log(10.0)
# Fewer steps than these are not considered; points of the spline between two widths; its degree.
LEAST_STEPS, FINE, DEGREE = 4.0, 40, 5
# Largest distance of widths in log k: errors of the loss 1e-6 (2e-3 at twice this).
WIDEST_GAP = 0.36


@dataclass(frozen=True)
class ComputeOptimal:
    """Over compute (budgets,): least `loss`, label noise included, at `width` (real) and `steps`; `inside`, whether that
    is within the widths; `loss_exponent` of the loss less the label noise and `width_exponent`, local, NaN where they
    are not inside; `unstable`: widths (lanes,) left out as the rate is too large for them.
    """

    loss: np.ndarray
    width: np.ndarray
    steps: np.ndarray
    inside: np.ndarray
    loss_exponent: np.ndarray
    width_exponent: np.ndarray
    unstable: np.ndarray


def compute_optimal(
    modes: Any, widths: np.ndarray, rate: float, batch: float, noise: float, compute: np.ndarray
) -> ComputeOptimal:
    """The frontier over `widths` (4 or more, ascending) at `compute` (budgets,); `modes` as `Task.modes`, one row of power.

    Not traceable.  0.1 s for 12 widths and 60 budgets.

    >>> import rfgen
    >>> task = rfgen.Task.power_law(alpha=2.0, beta=2.6)
    >>> found = compute_optimal(task.modes, np.geomspace(30, 3e5, 12), 0.3, 1.0, 0.0, np.array([1e8, 1e10]))
    >>> found.loss_exponent.round(2).tolist(), found.width.round(-1).tolist()
    ([0.53, 0.53], [1220.0, 5790.0])
    """
    widths = np.unique(np.concatenate([_between(*pair) for pair in pairwise(widths)]))
    seen = FeatureModes.of(modes, widths)
    spans = np.concatenate([compute * np.exp(turn) for turn in (-HALF_SPAN, 0.0, HALF_SPAN)])
    times = spans / (widths[:, None] * batch)
    enough = times >= LEAST_STEPS
    lanes = (np.full(widths.size, rate), np.full(widths.size, batch))
    found = step_transform(seen, widths, *lanes, np.where(enough, times, times.max(axis=1, keepdims=True)))
    risks = np.where(enough, found.signal[0] + noise * found.amplification, np.nan)
    loss, log_width, inside = (part.reshape(3, -1) for part in _least(np.log(widths), risks))
    inside = np.logical_and.reduce(inside)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = [np.where(inside, (part[2] - part[0]) / (2.0 * HALF_SPAN), np.nan) for part in (
            np.log(loss - noise), log_width)]
    width = np.exp(log_width[1])
    return ComputeOptimal(loss[1], width, compute / (width * batch), inside, -slopes[0], slopes[1], widths[~found.stable])


def _between(low: float, high: float) -> np.ndarray:
    """Both ends, and as many widths between them as the spline needs."""
    return np.geomspace(low, high, 1 + max(1, int(np.ceil(np.log(high / low) / WIDEST_GAP))))


def _least(log_widths: np.ndarray, risks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minima (columns,) of risks (widths, columns), where they are, and whether inside; NaN: not considered."""
    from scipy.interpolate import make_interp_spline

    columns = risks.shape[1]
    loss, at, inside = np.full(columns, np.nan), np.full(columns, np.nan), np.zeros(columns, bool)
    known = risks > 0.0
    for rows in np.unique(known, axis=1).T:
        own = (known == rows[:, None]).all(axis=0)
        count = int(rows.sum())
        if count <= DEGREE - 2:
            continue
        degree = DEGREE if count > DEGREE else 3
        here = log_widths[rows]
        fine = np.unique(np.concatenate([np.linspace(*pair, FINE + 1) for pair in pairwise(here)]))
        spline = make_interp_spline(here, np.log(risks[np.ix_(rows, own)]), k=degree)
        values = spline(fine)
        lowest = values.argmin(axis=0)
        # one Newton step from the nearest of the fine points
        start = fine[lowest]
        slope, bend = (np.diagonal(spline.derivative(order)(start)) for order in (1, 2))
        middle = (lowest > 0) & (lowest < fine.size - 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.where(middle & (bend > 0), start - slope / bend, start)
        at[own], inside[own] = moved, middle
        loss[own] = np.exp(np.diagonal(spline(moved)))
    return loss, at, inside
